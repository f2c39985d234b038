package filedrop_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/filedrop/sftptest"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func TestHostKeys(t *testing.T) {
	p := sftpPlace(t)
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p.server.HostKey())))
	host := "[" + p.server.Host() + "]:" + strconv.Itoa(p.server.Port())
	otherKey, err := sftptest.NewKey()
	must(t, err)
	other := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(otherKey.PublicKey())))
	file := func(lines ...string) string {
		name := filepath.Join(t.TempDir(), "known_hosts")
		must(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
		return name
	}
	for name, c := range map[string]struct {
		keys  []string
		known string
		want  string // part of the error
	}{
		"fingerprint":      {keys: []string{p.server.Fingerprint()}},
		"public key":       {keys: []string{key}},
		"known_hosts line": {keys: []string{host + " " + key}},
		"one of several":   {keys: []string{other, p.server.Fingerprint()}},
		"known_hosts file": {known: file("example.org "+other, host+" "+key)},
		"other key":        {keys: []string{other}, want: "not the expected one: the server presented " + p.server.Fingerprint()},
		"other in file":    {known: file(host + " " + other), want: "not the expected one: the server presented " + p.server.Fingerprint()},
		"other host":       {known: file("example.org " + key), want: "is unknown: the server presented " + p.server.Fingerprint()},
		"revoked":          {known: file("@revoked " + host + " " + key), want: "revoked"},
		"none":             {want: "is unknown: the server presented " + p.server.Fingerprint()},
	} {
		t.Run(name, func(t *testing.T) {
			r := remote(t, p.server, func(s *filedrop.Server) { s.HostKeys, s.KnownHosts = c.keys, c.known })
			err := r.Connect(t.Context())
			if c.want == "" {
				must(t, err)
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			var unknown *filedrop.UnknownHostKeyError
			if errors.As(err, &unknown) && classOf(err) != sdk.BadConfig {
				t.Errorf("class %d, want BadConfig", classOf(err))
			}
		})
	}
}

func TestLogin(t *testing.T) {
	dir := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	sshPublic, err := ssh.NewPublicKey(public)
	must(t, err)
	server, err := sftptest.Start(sftptest.Options{Users: []sftptest.User{
		{Name: "acme", Password: "secret", Root: dir},
		{Name: "keyed", Keys: []ssh.PublicKey{sshPublic}, Root: dir},
	}})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	plain := string(pem.EncodeToMemory(block))
	block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("pass"))
	must(t, err)
	encrypted := string(pem.EncodeToMemory(block))

	for name, c := range map[string]struct {
		account filedrop.Server
		class   sdk.Class
	}{
		"password":              {filedrop.Server{User: "acme", Password: "secret"}, 0},
		"key":                   {filedrop.Server{User: "keyed", PrivateKey: plain}, 0},
		"encrypted key":         {filedrop.Server{User: "keyed", PrivateKey: encrypted, Passphrase: "pass"}, 0},
		"wrong password":        {filedrop.Server{User: "acme", Password: "wrong"}, sdk.Auth},
		"unknown user":          {filedrop.Server{User: "nobody", Password: "secret"}, sdk.Auth},
		"key of another":        {filedrop.Server{User: "acme", PrivateKey: plain}, sdk.Auth},
		"no passphrase":         {filedrop.Server{User: "keyed", PrivateKey: encrypted}, sdk.BadConfig},
		"key is a file name":    {filedrop.Server{User: "keyed", PrivateKey: "/etc/passwd"}, sdk.BadConfig},
		"key refused, password": {filedrop.Server{User: "acme", PrivateKey: plain, Password: "secret"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.account.Host, c.account.Port, c.account.HostKeys = server.Host(), server.Port(), []string{server.Fingerprint()}
			r, err := filedrop.NewRemote(c.account)
			if err == nil {
				err = errors.Join(r.Connect(t.Context()), r.Close())
			}
			if classOf(err) != c.class || (err == nil) != (c.class == 0) {
				t.Errorf("error %v of class %d, want class %d", err, classOf(err), c.class)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "PRIVATE KEY")) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// A server with several host keys presents the kind the client asks for.
func TestHostKeyOfAnotherKind(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	dir := t.TempDir()
	more, err := sftptest.NewKey()
	must(t, err)
	server, err := sftptest.Start(sftptest.Options{HostKey: signer, MoreHostKeys: []ssh.Signer{more}, Users: []sftptest.User{{Name: "acme", Password: "secret", Root: dir}}})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	for _, key := range []ssh.PublicKey{signer.PublicKey(), more.PublicKey()} {
		r := remote(t, server, func(s *filedrop.Server) { s.HostKeys = []string{ssh.FingerprintSHA256(key)} })
		if err := r.Connect(t.Context()); err != nil {
			t.Errorf("known key of type %s: %v", key.Type(), err)
		}
	}
}

func TestLocationValidate(t *testing.T) {
	const fingerprint = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, c := range []struct {
		l    filedrop.Location
		want string // fields at fault
	}{
		{filedrop.Location{Host: "h", User: "u", Password: "p", HostKeys: []string{fingerprint}}, ""},
		{filedrop.Location{Transport: "folder", Root: "/x"}, ""},
		{filedrop.Location{Transport: "folder"}, "/root"},
		{filedrop.Location{Transport: "ftp"}, "/transport"},
		{filedrop.Location{}, "/host /user /password /hostKeys"},
		{filedrop.Location{Host: "h", User: "u", Password: "p", HostKeys: []string{fingerprint, "SHA256:short", "MD5:aa", "what"}}, "/hostKeys/1 /hostKeys/2 /hostKeys/3"},
		{filedrop.Location{Host: "h", User: "u", PrivateKey: "no key", HostKeys: []string{fingerprint}}, "/privateKey"},
	} {
		var fields []string
		for _, err := range c.l.Validate() {
			var known *sdk.Error
			if !errors.As(err, &known) || known.Class != sdk.BadConfig {
				t.Errorf("%v has no class", err)
				continue
			}
			fields = append(fields, known.Field)
		}
		if got := strings.Join(fields, " "); got != c.want {
			t.Errorf("%+v: fields %q, want %q", c.l, got, c.want)
		}
	}
}
