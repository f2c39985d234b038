package filedrop_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func TestTransport(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		ctx := t.Context()
		must(t, p.fs.MkdirAll(ctx, "a/b/c"))
		must(t, p.fs.MkdirAll(ctx, "a/b/c"))
		must(t, p.fs.WriteFile(ctx, "a/two.txt", []byte("second")))
		must(t, p.fs.WriteFile(ctx, "a/one.txt", []byte("first, longer")))
		must(t, p.fs.WriteFile(ctx, "a/one.txt", []byte("first")))
		infos, err := p.fs.ReadDir(ctx, "a")
		must(t, err)
		var names []string
		for _, info := range infos {
			names = append(names, info.Name())
		}
		if got := strings.Join(names, " "); got != "b one.txt two.txt" {
			t.Errorf("listing %q", got)
		}
		file, err := p.fs.Open(ctx, "a/one.txt")
		must(t, err)
		content, err := io.ReadAll(file)
		must(t, errors.Join(err, file.Close()))
		if string(content) != "first" {
			t.Errorf("content %q", content)
		}
		if err := p.fs.Rename(ctx, "a/one.txt", "a/two.txt"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("rename onto a file: %v, want fs.ErrExist", err)
		}
		must(t, p.fs.Replace(ctx, "a/one.txt", "a/two.txt"))
		must(t, p.fs.Rename(ctx, "a/two.txt", "a/b/three.txt"))
		if got := p.read(t, "a/b/three.txt"); got != "first" {
			t.Errorf("content after replace %q", got)
		}
		must(t, p.fs.Remove(ctx, "a/b/three.txt"))
		for name, err := range map[string]error{
			"stat": second(p.fs.Stat(ctx, "gone")), "open": second(p.fs.Open(ctx, "gone")), "remove": p.fs.Remove(ctx, "gone"),
			"rename": p.fs.Rename(ctx, "gone", "x"), "replace": p.fs.Replace(ctx, "gone", "x"), "list": second(p.fs.ReadDir(ctx, "gone")),
		} {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "gone") || !strings.Contains(err.Error(), p.fs.Where()) {
				t.Errorf("%s of an absent file: %v, want one that names file and place", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestFolderKeepsNamesInside(t *testing.T) {
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o600))
	inside := t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(inside, "link")))
	fsys, err := filedrop.NewFolder(inside)
	must(t, err)
	defer func() { must(t, fsys.Close()) }()
	for _, name := range []string{"../" + filepath.Base(outside) + "/secret", "link/secret", outside + "/secret"} {
		if file, err := fsys.Open(t.Context(), name); err == nil {
			_ = file.Close()
			t.Errorf("%s was opened", name)
		}
		if err := fsys.WriteFile(t.Context(), name, []byte("y")); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func classOf(err error) sdk.Class {
	var known *sdk.Error
	if errors.As(err, &known) {
		return known.Class
	}
	return sdk.Unclassified
}

func TestRemoteReconnects(t *testing.T) {
	p := sftpPlace(t)
	must(t, p.fs.WriteFile(t.Context(), "a", []byte("1")))
	if n := p.server.Cut(); n != 1 {
		t.Fatalf("%d connections cut, want 1", n)
	}
	must(t, p.fs.WriteFile(t.Context(), "a", []byte("2")))
	p.server.Refuse(true)
	err := p.fs.WriteFile(t.Context(), "a", []byte("3"))
	if classOf(err) != sdk.NotConnected || !strings.Contains(err.Error(), p.server.Addr()) {
		t.Errorf("refused: %v (class %d), want NotConnected with the address", err, classOf(err))
	}
	p.server.Refuse(false)
	must(t, p.fs.WriteFile(t.Context(), "a", []byte("4")))
	if got := p.read(t, "a"); got != "4" {
		t.Errorf("content %q", got)
	}
}

// A rename whose answer is lost was done; to repeat it must not fail.
func TestRenameWithLostAnswer(t *testing.T) {
	p := sftpPlace(t)
	p.write(t, "a", "1")
	var cut atomic.Bool
	p.server.Hook(func(op, _ string) error {
		if op == "PosixRename" && cut.CompareAndSwap(false, true) {
			must(t, os.Rename(filepath.Join(p.dir, "a"), filepath.Join(p.dir, "b")))
			p.server.Cut()
		}
		return nil
	})
	must(t, p.fs.Replace(t.Context(), "a", "b"))
	wantTree(t, p, "b")
}

func TestRemoteTimesOut(t *testing.T) {
	p := sftpPlace(t)
	stuck := make(chan struct{})
	defer close(stuck)
	p.server.Hook(func(op, _ string) error {
		if op == "Stat" {
			<-stuck
		}
		return nil
	})
	slow := remote(t, p.server, func(s *filedrop.Server) { s.Timeout = 200 * time.Millisecond })
	began := time.Now()
	_, err := slow.Stat(t.Context(), "a")
	if classOf(err) != sdk.NotConnected || time.Since(began) > 4*time.Second {
		t.Errorf("silent server: %v after %s, want NotConnected after two time-outs", err, time.Since(began))
	}
}

func TestFullDiskIsNotSuccess(t *testing.T) {
	p := sftpPlace(t)
	p.server.Hook(func(op, _ string) error {
		if op == "Write" {
			return errors.New("no space left on device")
		}
		return nil
	})
	_, err := filedrop.Put(t.Context(), p.fs, "out/a.csv", []byte("content"), filedrop.PutOptions{})
	if classOf(err) != sdk.Retryable || !strings.Contains(err.Error(), "out/a.csv") {
		t.Errorf("full disk: %v, want Retryable with the name", err)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "out/a.csv")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the final name exists after a failed write")
	}
	p.server.Hook(nil)
	outcome, err := filedrop.Put(t.Context(), p.fs, "out/a.csv", []byte("content"), filedrop.PutOptions{})
	if outcome != filedrop.Written || err != nil {
		t.Errorf("after the disk has room: %v, %v", outcome, err)
	}
	wantTree(t, p, "out/a.csv")
}

func TestPut(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		ctx := t.Context()
		steps := []struct {
			content string
			options filedrop.PutOptions
			outcome filedrop.Outcome
			class   sdk.Class
			after   string
		}{
			{"one", filedrop.PutOptions{}, filedrop.Written, 0, "one"},
			{"one", filedrop.PutOptions{}, filedrop.AlreadyThere, 0, "one"},
			{"two", filedrop.PutOptions{}, 0, sdk.Permanent, "one"},
			{"longer", filedrop.PutOptions{}, 0, sdk.Permanent, "one"},
			{"two", filedrop.PutOptions{Existing: filedrop.Overwrite}, filedrop.Written, 0, "two"},
		}
		for i, step := range steps {
			outcome, err := filedrop.Put(ctx, p.fs, "out/o.csv", []byte(step.content), step.options)
			if outcome != step.outcome || classOf(err) != step.class {
				t.Errorf("step %d: outcome %d, error %v", i, outcome, err)
			}
			if got := p.read(t, "out/o.csv"); got != step.after {
				t.Errorf("step %d: content %q, want %q", i, got, step.after)
			}
		}
		_, err := filedrop.Put(ctx, p.fs, "out/d.csv", []byte("x"), filedrop.PutOptions{DoneFile: "{stem}.ok"})
		must(t, err)
		wantTree(t, p, "out/d.csv", "out/d.ok", "out/o.csv")
		if _, err := filedrop.Put(ctx, p.fs, "out/"+strings.Repeat("x", 256), nil, filedrop.PutOptions{}); classOf(err) != sdk.Permanent {
			t.Errorf("over-long name: %v", err)
		}
	})
}

func TestCheck(t *testing.T) {
	p := sftpPlace(t)
	location := filedrop.Location{Transport: "sftp", Host: p.server.Host(), Port: p.server.Port(), User: "acme", Password: "secret", HostKeys: []string{p.server.Fingerprint()}, Timeout: time.Second}
	must(t, os.Mkdir(filepath.Join(p.dir, "in"), 0o755))
	outcome := func(l filedrop.Location, folder string) string {
		var out []string
		for _, step := range l.CheckRead(t.Context(), folder) {
			name, _, _ := strings.Cut(step.Name, " ")
			if step.Err != nil {
				name += "!"
			}
			out = append(out, name)
		}
		return strings.Join(out, " ")
	}
	wrongPassword, wrongKey, wrongPort := location, location, location
	wrongPassword.Password = "no"
	wrongKey.HostKeys = []string{"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
	wrongPort.Port = 1
	for _, c := range []struct {
		l            filedrop.Location
		folder, want string
	}{
		{location, "in", "read resolve connect verify list move"},
		{location, "absent", "read resolve connect verify list!"},
		{wrongPassword, "in", "read resolve connect verify!"},
		{wrongKey, "in", "read resolve connect verify!"},
		{wrongPort, "in", "read resolve connect!"},
		{filedrop.Location{Transport: "folder", Root: p.dir}, "in", "read list move"},
		{filedrop.Location{Transport: "folder", Root: p.dir + "/absent"}, "in", "read!"},
	} {
		if got := outcome(c.l, c.folder); got != c.want {
			t.Errorf("check of port %d, folder %s: %s, want %s", c.l.Port, c.folder, got, c.want)
		}
	}
	wantTree(t, p)
}
