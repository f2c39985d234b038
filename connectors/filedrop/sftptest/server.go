// Package sftptest is an SFTP server on loopback, for tests and for the demo
// estate: a trading partner's server in miniature. It speaks the real
// protocol; each user logs in with a password or a key and sees one directory
// as "/", out of which no name and no symbolic link leads.
//
// It behaves like OpenSSH where clients notice: Rename refuses a taken name,
// PosixRename replaces it. What OpenSSH never does on request, it does: refuse
// connections, cut them, and fail single operations.
package sftptest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// User may log in with Password, with one of Keys, or either.
type User struct {
	Name     string
	Password string
	Keys     []ssh.PublicKey
	// Root is the existing directory the user sees as "/".
	Root string
}

// Options describes a server.
type Options struct {
	// Addr to listen on; default "127.0.0.1:0", a free port.
	Addr string
	// HostKey identifies the server; nil makes a new Ed25519 key.
	HostKey ssh.Signer
	// MoreHostKeys are keys of other kinds, as real servers have.
	MoreHostKeys []ssh.Signer
	Users        []User
}

// Server accepts connections until Close.
type Server struct {
	listener net.Listener
	hostKey  ssh.Signer
	config   *ssh.ServerConfig
	users    map[string]User
	serving  sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool
	refusing bool
	closed   bool
	hook     func(op, name string) error
	logins   int
}

// Start listens and serves in the background.
func Start(o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.HostKey == nil {
		key, err := NewKey()
		if err != nil {
			return nil, err
		}
		o.HostKey = key
	}
	s := &Server{hostKey: o.HostKey, users: map[string]User{}, conns: map[net.Conn]bool{}}
	for _, user := range o.Users {
		if info, err := os.Stat(user.Root); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("sftptest: the root %q of user %s is not a directory", user.Root, user.Name)
		}
		s.users[user.Name] = user
	}
	s.config = &ssh.ServerConfig{PasswordCallback: s.password, PublicKeyCallback: s.publicKey}
	for _, key := range append(o.MoreHostKeys, o.HostKey) {
		s.config.AddHostKey(key)
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("sftptest: %w", err)
	}
	s.listener = listener
	s.serving.Go(s.accept)
	return s, nil
}

// NewKey makes an Ed25519 key, for a host or a user.
func NewKey() (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("sftptest: %w", err)
	}
	return ssh.NewSignerFromKey(private)
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Host is the address without the port.
func (s *Server) Host() string {
	host, _, _ := net.SplitHostPort(s.Addr()) // Addr always has both
	return host
}

// Port is the TCP port.
func (s *Server) Port() int {
	_, text, _ := net.SplitHostPort(s.Addr())
	port, _ := strconv.Atoi(text) // the listener's own port
	return port
}

// Fingerprint of the host key: "SHA256:…".
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.hostKey.PublicKey()) }

// HostKey is the public half of the host key.
func (s *Server) HostKey() ssh.PublicKey { return s.hostKey.PublicKey() }

// Refuse makes the server close every new connection at once and cut the
// present ones, or accept them again.
func (s *Server) Refuse(refuse bool) {
	s.mu.Lock()
	s.refusing = refuse
	s.mu.Unlock()
	if refuse {
		s.Cut()
	}
}

// Cut closes all present connections in the middle of what they do and tells
// how many there were.
func (s *Server) Cut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close() // a peer that is gone is what was wanted
	}
	return len(s.conns)
}

// Hook is called before every file operation with its name in SFTP's terms
// ("Get", "Put", "Rename", "PosixRename", "Remove", "Mkdir", "List", "Stat",
// "Write" for each block written, "Read" for each block read) and the path the
// user gave. An error fails the operation; blocking delays it. nil removes it.
func (s *Server) Hook(hook func(op, name string) error) {
	s.mu.Lock()
	s.hook = hook
	s.mu.Unlock()
}

// Logins counts successful logins.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Close stops listening, cuts all connections and waits for them.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed, s.refusing = true, true
	s.mu.Unlock()
	err := s.listener.Close()
	s.Cut()
	s.serving.Wait()
	return err
}

func (s *Server) before(op, name string) error {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(op, name)
}

func (s *Server) password(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	user, known := s.users[meta.User()]
	if !known || user.Password == "" || user.Password != string(password) {
		return nil, fmt.Errorf("wrong password for %q", meta.User())
	}
	return &ssh.Permissions{}, nil
}

func (s *Server) publicKey(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	for _, known := range s.users[meta.User()].Keys {
		if bytes.Equal(known.Marshal(), key.Marshal()) {
			return &ssh.Permissions{}, nil
		}
	}
	return nil, fmt.Errorf("unknown key for %q", meta.User())
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		refuse := s.refusing
		if !refuse {
			s.conns[conn] = true
		}
		s.mu.Unlock()
		if refuse {
			_ = conn.Close()
			continue
		}
		s.serving.Go(func() {
			s.serve(conn)
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
	}
}

// serve speaks with one client until it or the server closes the connection.
func (s *Server) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	session, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return // the client knows why
	}
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { ssh.DiscardRequests(requests) })
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		work.Go(func() { s.session(channel, requests, s.users[session.User()]) })
	}
}

// session waits for the request for the sftp subsystem and serves it.
func (s *Server) session(channel ssh.Channel, requests <-chan *ssh.Request, user User) {
	defer func() { _ = channel.Close() }()
	for request := range requests {
		// The payload is a length of four bytes and the subsystem's name.
		wanted := request.Type == "subsystem" && len(request.Payload) > 4 && string(request.Payload[4:]) == "sftp"
		if err := request.Reply(wanted, nil); err != nil || !wanted {
			continue
		}
		root, err := os.OpenRoot(user.Root)
		if err != nil {
			return
		}
		files := &files{server: s, root: root}
		server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: files, FilePut: files, FileCmd: files, FileList: files})
		go ssh.DiscardRequests(requests) // ends with the channel
		err = server.Serve()
		if err != nil && !errors.Is(err, io.EOF) {
			_ = server.Close() // cut in the middle
		}
		_ = root.Close()
		return
	}
}
