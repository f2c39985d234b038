package filedrop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Location is where files are exchanged: the part of a connector's
// configuration that says how to get there. It is embedded in the connector's
// configuration struct.
type Location struct {
	Transport  string        `json:"transport" doc:"How the files are reached: an SFTP server, or a folder of this machine" enum:"sftp,folder" default:"sftp"`
	Root       string        `json:"root" doc:"Folder that all other folders are relative to. Required for transport folder, where nothing outside it can be reached; on SFTP the default is the folder after login" example:"/srv/partners/acme"`
	Host       string        `json:"host" doc:"Name or address of the SFTP server" example:"sftp.acme.example"`
	Port       int           `json:"port" doc:"TCP port of the SFTP server" default:"22" min:"1" max:"65535"`
	User       string        `json:"user" doc:"Login name"`
	Password   string        `json:"password" doc:"Password; may be combined with privateKey, which is tried first" secret:"true"`
	PrivateKey string        `json:"privateKey" doc:"Private key in OpenSSH or PEM form, the text itself: ${file:/run/secrets/id_ed25519}" secret:"true"`
	Passphrase string        `json:"passphrase" doc:"Passphrase of an encrypted private key" secret:"true"`
	HostKeys   []string      `json:"hostKeys" doc:"Keys the server may present: a fingerprint (SHA256:…), a public key, or a known_hosts line. An unknown key is refused, and the error names the fingerprint found" example:"SHA256:VQ4tXhR9Xb2m0oYhBvJr3rH0Jt1hS3uJb1Cz0nq3xKA"`
	KnownHosts string        `json:"knownHosts" doc:"File of known host keys in OpenSSH's format, beside or instead of hostKeys" example:"/etc/ssh/ssh_known_hosts"`
	Timeout    time.Duration `json:"timeout" doc:"Longest wait for the connection and for each operation" default:"30s" format:"duration"`
	KeepAlive  time.Duration `json:"keepAlive" doc:"How often an idle connection is probed" default:"15s" format:"duration"`
}

// The transports of a Location.
const (
	TransportSFTP   = "sftp"
	TransportFolder = "folder"
)

// Validate reports everything that is wrong, offline.
func (l Location) Validate() []error {
	var problems []error
	missing := func(field, why string) {
		problems = append(problems, &sdk.Error{Class: sdk.BadConfig, Code: "config.required", Field: "/" + field, Err: fmt.Errorf("%s is missing: %s", field, why)})
	}
	switch cmp.Or(l.Transport, TransportSFTP) {
	case TransportFolder:
		if l.Root == "" {
			missing("root", "transport folder needs the directory that holds the exchange folders")
		}
		return problems
	case TransportSFTP:
	default:
		return []error{&sdk.Error{Class: sdk.BadConfig, Code: "config.enum", Field: "/transport", Err: fmt.Errorf("transport is %q; expected sftp or folder", l.Transport)}}
	}
	if l.Host == "" {
		missing("host", "the SFTP server's name or address")
	}
	if l.User == "" {
		missing("user", "the login name on the SFTP server")
	}
	if l.Password == "" && l.PrivateKey == "" {
		missing("password", "set password or privateKey")
	}
	if len(l.HostKeys) == 0 && l.KnownHosts == "" {
		problems = append(problems, &sdk.Error{
			Class: sdk.BadConfig, Code: "config.required", Field: "/hostKeys",
			Err:  errors.New("hostKeys is missing: without it the password would be sent to whoever answers"),
			Hint: "ask the partner for the fingerprint; ssh-keyscan HOST | ssh-keygen -lf - prints what the server presents",
		})
	}
	if _, err := parseHostKeys(l.HostKeys, ""); err != nil {
		problems = append(problems, split(err)...)
	}
	if l.PrivateKey != "" {
		if _, err := readKey(l.PrivateKey, l.Passphrase); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

// split undoes errors.Join.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// Open opens the transport. An SFTP server is not contacted before the first
// operation.
func (l Location) Open() (FS, error) {
	if problems := l.Validate(); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if l.Transport == TransportFolder {
		folder, err := NewFolder(l.Root)
		if err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "folder.root", Field: "/root", Err: err}
		}
		return folder, nil
	}
	return NewRemote(l.server())
}

func (l Location) server() Server {
	return Server{
		Host: l.Host, Port: l.Port, User: l.User, Password: l.Password,
		PrivateKey: l.PrivateKey, Passphrase: l.Passphrase,
		HostKeys: l.HostKeys, KnownHosts: l.KnownHosts,
		Timeout: l.Timeout, KeepAlive: l.KeepAlive, Root: l.Root,
	}
}

// CheckRead tests step by step what a reader of folder needs.
func (l Location) CheckRead(ctx context.Context, folder string) []sdk.Step {
	return l.check(ctx, folder, "move files out of "+folder)
}

// CheckWrite tests step by step what a writer to folder needs.
func (l Location) CheckWrite(ctx context.Context, folder string) []sdk.Step {
	return l.check(ctx, folder, "write to "+folder)
}

// check stops at the first step that fails: the later ones need it.
func (l Location) check(ctx context.Context, folder, rights string) []sdk.Step {
	var steps []sdk.Step
	step := func(name string, run func() error) bool {
		began := time.Now()
		err := run()
		steps = append(steps, sdk.Step{Name: name, Err: err, Took: time.Since(began)})
		return err == nil
	}
	var fsys FS
	ok := step("read the configuration", func() (err error) { fsys, err = l.Open(); return err })
	if !ok {
		return steps
	}
	defer func() { _ = fsys.Close() }() // nothing was left open that matters
	if remote, is := fsys.(*Remote); is {
		ok = step("resolve "+l.Host, func() error { return resolve(ctx, l.Host) }) &&
			step("connect to "+remote.server.address(), func() error { return remote.reach(ctx) }) &&
			step("verify host key and log in as "+l.User, func() error { return remote.Connect(ctx) })
	}
	if !ok || !step("list "+folder, func() error { _, err := fsys.ReadDir(ctx, folder); return err }) {
		return steps
	}
	step(rights, func() error { return probe(ctx, fsys, folder) })
	return steps
}

func resolve(ctx context.Context, host string) error {
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		return sdk.Fail(sdk.NotConnected, "sftp.resolve", err)
	}
	return nil
}

// reach opens a TCP connection and nothing more.
func (r *Remote) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.server.Timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", r.server.address())
	if err != nil {
		return classify(r.server, err)
	}
	return conn.Close()
}

// probe writes, renames and removes a file whose name every reader ignores.
func probe(ctx context.Context, fsys FS, folder string) error {
	name := path.Join(folder, fmt.Sprintf(".crossdock-check-%d", os.Getpid()))
	if err := fsys.WriteFile(ctx, name, []byte("written by a connection check, may be removed\n")); err != nil {
		return Classify(err)
	}
	moved := name + ".moved"
	if err := fsys.Replace(ctx, name, moved); err != nil {
		return errors.Join(Classify(err), fsys.Remove(ctx, name))
	}
	return Classify(fsys.Remove(ctx, moved))
}
