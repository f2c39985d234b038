package filedrop

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Server is an SFTP account.
type Server struct {
	Host string
	Port int // 0: 22
	User string
	// Password, PrivateKey (PEM or OpenSSH form, not a file name) or both: the
	// key is offered first.
	Password, PrivateKey, Passphrase string
	// HostKeys are fingerprints, keys or known_hosts lines; KnownHosts is a
	// file. At least one is required.
	HostKeys   []string
	KnownHosts string
	// Timeout bounds the connection and every single operation; 0: 30 s.
	Timeout time.Duration
	// KeepAlive is how often an idle connection is probed; 0: 15 s.
	KeepAlive time.Duration
	// Root is the folder relative names start from; empty: the login folder.
	Root string
}

func (s Server) address() string {
	port := s.Port
	if port == 0 {
		port = 22
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(port))
}

func (s Server) where() string { return "sftp://" + s.User + "@" + s.address() }

// session is one connection. It is done when the connection is.
type session struct {
	client *sftp.Client
	conn   *ssh.Client
	done   chan struct{}
	once   sync.Once
	probes sync.WaitGroup
}

func (s *session) close() {
	s.once.Do(func() {
		close(s.done)
		_ = s.conn.Close() // the peer may be gone: nothing to save
		_ = s.client.Close()
	})
}

// dial connects, verifies the host key and logs in.
func dial(ctx context.Context, server Server, known *hostKeys) (*session, error) {
	var unknown *UnknownHostKeyError
	var first error
	for _, algorithms := range algorithmGroups() {
		s, err := dialWith(ctx, server, known, algorithms)
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
		if !errors.As(err, &unknown) && algorithms == nil {
			break
		}
	}
	return nil, classify(server, first)
}

func dialWith(ctx context.Context, server Server, known *hostKeys, algorithms []string) (*session, error) {
	auth, err := authMethods(server)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, server.Timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", server.address())
	if err != nil {
		return nil, err
	}
	// The handshake takes no context; closing the connection ends it.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	sshConn, channels, requests, err := ssh.NewClientConn(conn, server.address(), &ssh.ClientConfig{
		User:              server.User,
		Auth:              auth,
		HostKeyCallback:   known.verify,
		HostKeyAlgorithms: algorithms,
		ClientVersion:     "SSH-2.0-Crossdock",
		Timeout:           server.Timeout,
	})
	if err != nil {
		_ = conn.Close()
		return nil, errors.Join(err, ctx.Err())
	}
	client := ssh.NewClient(sshConn, channels, requests)
	files, err := sftp.NewClient(client)
	if err != nil {
		_ = client.Close()
		return nil, errors.Join(sdk.Failf(sdk.BadConfig, "sftp.subsystem", "the login works but the server offers no SFTP to this user: %w", err), ctx.Err())
	}
	s := &session{client: files, conn: client, done: make(chan struct{})}
	s.probes.Go(func() { s.keepAlive(server.KeepAlive, server.Timeout) })
	return s, nil
}

func authMethods(server Server) ([]ssh.AuthMethod, error) {
	var auth []ssh.AuthMethod
	if server.PrivateKey != "" {
		signer, err := readKey(server.PrivateKey, server.Passphrase)
		if err != nil {
			return nil, err
		}
		auth = append(auth, ssh.PublicKeys(signer))
	}
	if server.Password != "" {
		auth = append(auth, ssh.Password(server.Password),
			// Servers behind PAM ask for the password as a question.
			ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range answers {
					answers[i] = server.Password
				}
				return answers, nil
			}))
	}
	return auth, nil
}

// keepAlive probes the connection, because a firewall that forgot it drops
// packets without a word and TCP notices only after minutes.
func (s *session) keepAlive(every, timeout time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
			expired := time.AfterFunc(timeout, s.close)
			_, _, err := s.conn.SendRequest("keepalive@openssh.com", true, nil)
			expired.Stop()
			if err != nil {
				s.close()
				return
			}
		}
	}
}

// classify turns what dialling returned into an error the core acts upon.
func classify(server Server, err error) error {
	var unknown *UnknownHostKeyError
	var known *sdk.Error
	switch {
	case errors.As(err, &unknown):
		return &sdk.Error{Class: sdk.BadConfig, Code: "sftp.hostkey", Field: "/hostKeys", Err: unknown, Detail: map[string]string{"found": unknown.Found}}
	case errors.As(err, &known):
		return known
	case strings.Contains(err.Error(), "unable to authenticate"):
		return &sdk.Error{Class: sdk.Auth, Code: "sftp.login", Message: server.where() + " refused the login", Err: err, Hint: "check user, password or key; the partner sees the attempt in the server's log"}
	default:
		return &sdk.Error{Class: sdk.NotConnected, Code: "sftp.connect", Message: "cannot connect to " + server.where(), Err: err}
	}
}
