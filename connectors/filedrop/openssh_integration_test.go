//go:build integration

package filedrop_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/crossdock/crossdock/connectors/conformance/counterpart"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/filedrop/sftptest"
)

// findSSHD gives OpenSSH's server: CROSSDOCK_TEST_SSHD, or where
// distributions put it.
func findSSHD(t *testing.T) string {
	t.Helper()
	if name := os.Getenv("CROSSDOCK_TEST_SSHD"); name != "" {
		return name
	}
	const usual = "/usr/sbin/sshd"
	if _, err := os.Stat(usual); err != nil {
		counterpart.Missing(t, "OpenSSH's server", "apt-get install openssh-server, or name it with CROSSDOCK_TEST_SSHD")
	}
	return usual
}

// output collects what sshd says from several goroutines.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// sshd starts OpenSSH's server as this user on a free port. It stays in the
// foreground and gets absolute paths: as a daemon with relative ones it drops
// every connection without a word.
func sshd(t *testing.T) (place, filedrop.Server) {
	t.Helper()
	program := findSSHD(t)
	home, dir := t.TempDir(), t.TempDir()
	me := serverUser(t)
	key := func(name string) ssh.Signer {
		signer, private := newFileKey(t)
		must(t, os.WriteFile(filepath.Join(home, name), private, 0o600))
		return signer
	}
	hostKey, userKey := key("host_key"), key("user_key")
	must(t, os.WriteFile(filepath.Join(home, "authorized_keys"), ssh.MarshalAuthorizedKey(userKey.PublicKey()), 0o600))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	must(t, listener.Close())
	config := strings.Join([]string{
		fmt.Sprintf("Port %d", port), "ListenAddress 127.0.0.1", "HostKey " + filepath.Join(home, "host_key"),
		"AuthorizedKeysFile " + filepath.Join(home, "authorized_keys"), "PidFile none", "StrictModes no", "UsePAM no",
		"PasswordAuthentication no", "Subsystem sftp internal-sftp -d " + dir,
	}, "\n") + "\n"
	must(t, os.WriteFile(filepath.Join(home, "sshd_config"), []byte(config), 0o600))
	var log output
	command := exec.Command(program, "-D", "-e", "-f", filepath.Join(home, "sshd_config"))
	runAs(t, command, me, home, dir)
	command.Stderr, command.Stdout = &log, &log
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
		if t.Failed() {
			t.Log("sshd says:\n" + log.String())
		}
	})
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(log.String(), "Server listening"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("sshd does not listen:\n%s", log.String())
		}
	}
	private, err := os.ReadFile(filepath.Join(home, "user_key"))
	must(t, err)
	account := filedrop.Server{
		Host: "127.0.0.1", Port: port, User: me.Username, PrivateKey: string(private), Root: dir,
		HostKeys: []string{ssh.FingerprintSHA256(hostKey.PublicKey())}, Timeout: 10 * time.Second,
	}
	fsys, err := filedrop.NewRemote(account)
	must(t, err)
	t.Cleanup(func() { must(t, fsys.Close()) })
	return place{fs: fsys, dir: dir}, account
}

// serverUser is who sshd runs as: an ordinary user, since as root it would want
// a host that is set up for it. Root names one with CROSSDOCK_TEST_USER.
func serverUser(t *testing.T) *user.User {
	t.Helper()
	me, err := user.Current()
	must(t, err)
	if os.Geteuid() != 0 {
		return me
	}
	name := os.Getenv("CROSSDOCK_TEST_USER")
	if name == "" {
		counterpart.Missing(t, "an ordinary user for OpenSSH's server", "name one with CROSSDOCK_TEST_USER, or do not run the tests as root")
	}
	me, err = user.Lookup(name)
	must(t, err)
	return me
}

// runAs gives the folders to another user and lets the command run as that.
func runAs(t *testing.T, command *exec.Cmd, as *user.User, folders ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	uid, err := strconv.Atoi(as.Uid)
	must(t, err)
	gid, err := strconv.Atoi(as.Gid)
	must(t, err)
	for _, folder := range folders {
		must(t, filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chown(name, uid, gid))
		}))
		// The folder that holds a test's folders is its owner's alone.
		must(t, os.Chmod(filepath.Dir(folder), 0o755))
	}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func newFileKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	return signer, pem.EncodeToMemory(block)
}

func TestOpenSSH(t *testing.T) {
	p, account := sshd(t)
	ctx := t.Context()
	t.Run("transport", func(t *testing.T) {
		must(t, p.fs.MkdirAll(ctx, "a/b"))
		must(t, p.fs.WriteFile(ctx, "a/one", []byte("1")))
		must(t, p.fs.WriteFile(ctx, "a/two", []byte("2")))
		if err := p.fs.Rename(ctx, "a/one", "a/two"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("rename onto a file: %v, want fs.ErrExist", err)
		}
		must(t, p.fs.Replace(ctx, "a/one", "a/two"))
		if got := p.read(t, "a/two"); got != "1" {
			t.Errorf("content %q", got)
		}
		if _, err := p.fs.Stat(ctx, "a/one"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat of an absent file: %v", err)
		}
	})
	t.Run("put", func(t *testing.T) {
		for i, want := range []filedrop.Outcome{filedrop.Written, filedrop.AlreadyThere} {
			outcome, err := filedrop.Put(ctx, p.fs, "out/o.csv", []byte("one"), filedrop.PutOptions{})
			if err != nil || outcome != want {
				t.Errorf("write %d: %v, %v", i, outcome, err)
			}
		}
		_, err := filedrop.Put(ctx, p.fs, "out/o.csv", []byte("two"), filedrop.PutOptions{Existing: filedrop.Overwrite})
		must(t, err)
		if got := p.read(t, "out/o.csv"); got != "two" {
			t.Errorf("content %q", got)
		}
	})
	t.Run("drop", func(t *testing.T) {
		must(t, p.fs.MkdirAll(ctx, "in")) // by the server, which is another user when root runs the tests
		m, c := newMemory(), newClock()
		large := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB: many requests
		first := open(t, p, m, c, nil)
		p.write(t, "in/a.csv", large)
		before := first.nextNamed(t, "a.csv")
		second := open(t, p, m, c, nil) // after a crash
		again := second.nextNamed(t, "a.csv")
		content, err := second.Drop.Read(again)
		must(t, err)
		if again.ID != before.ID || string(content) != large {
			t.Errorf("id %s and %d bytes, want %s and %d", again.ID, len(content), before.ID, len(large))
		}
		must(t, second.Archive(ctx, again))
		p.write(t, "in/b.csv", large)
		second.none(t)
		if len(second.repeats) != 1 {
			t.Errorf("repetitions %v", second.repeats)
		}
		p.write(t, "in/c.csv", "broken")
		must(t, second.Quarantine(ctx, second.nextNamed(t, "c.csv"), errors.New("line 1")))
		if got := p.read(t, "in/error/c.csv"); got != "broken" {
			t.Errorf("content %q", got)
		}
	})
	t.Run("host key", func(t *testing.T) {
		other, err := sftptest.NewKey()
		must(t, err)
		account.HostKeys = []string{ssh.FingerprintSHA256(other.PublicKey())}
		r, err := filedrop.NewRemote(account)
		must(t, err)
		defer func() { must(t, r.Close()) }()
		var unknown *filedrop.UnknownHostKeyError
		if err := r.Connect(ctx); !errors.As(err, &unknown) || !unknown.Changed {
			t.Errorf("other host key: %v", err)
		}
	})
}
