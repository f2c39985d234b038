package filedrop_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/filedrop/sftptest"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a transport and the directory behind it on disk.
type place struct {
	fs     filedrop.FS
	dir    string
	server *sftptest.Server // nil for a folder
}

// eachTransport runs a test on a local folder and on a real SFTP server.
func eachTransport(t *testing.T, run func(t *testing.T, p place)) {
	t.Run("folder", func(t *testing.T) {
		dir := t.TempDir()
		fsys, err := filedrop.NewFolder(dir)
		must(t, err)
		t.Cleanup(func() { must(t, fsys.Close()) })
		run(t, place{fs: fsys, dir: dir})
	})
	t.Run("sftp", func(t *testing.T) { run(t, sftpPlace(t)) })
}

func sftpPlace(t *testing.T) place {
	t.Helper()
	dir := t.TempDir()
	server, err := sftptest.Start(sftptest.Options{Users: []sftptest.User{{Name: "acme", Password: "secret", Root: dir}}})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	return place{fs: remote(t, server, nil), dir: dir, server: server}
}

func remote(t *testing.T, server *sftptest.Server, change func(*filedrop.Server)) *filedrop.Remote {
	t.Helper()
	account := filedrop.Server{
		Host: server.Host(), Port: server.Port(), User: "acme", Password: "secret",
		HostKeys: []string{server.Fingerprint()}, Timeout: 5 * time.Second,
	}
	if change != nil {
		change(&account)
	}
	fsys, err := filedrop.NewRemote(account)
	must(t, err)
	t.Cleanup(func() { must(t, fsys.Close()) })
	return fsys
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write puts a file straight onto the disk, as a partner would.
func (p place) write(t *testing.T, name, content string) {
	t.Helper()
	full := filepath.Join(p.dir, name)
	must(t, os.MkdirAll(filepath.Dir(full), 0o755))
	must(t, os.WriteFile(full, []byte(content), 0o644))
}

func (p place) read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(p.dir, name))
	must(t, err)
	return string(content)
}

// tree lists all files below the place, but not those of no interest.
func (p place) tree(t *testing.T) []string {
	t.Helper()
	var files []string
	must(t, filepath.WalkDir(p.dir, func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			rel, _ := filepath.Rel(p.dir, name)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	}))
	return files
}

func wantTree(t *testing.T, p place, want ...string) {
	t.Helper()
	got := strings.Join(p.tree(t), "\n")
	if got != strings.Join(want, "\n") {
		t.Errorf("files:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// memory is the state a core would keep over restarts.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	revs   map[string]uint64
	fail   error
}

func newMemory() *memory { return &memory{values: map[string][]byte{}, revs: map[string]uint64{}} }

func (m *memory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.revs[key], m.fail
}

func (m *memory) CompareAndSet(_ context.Context, key string, value []byte, rev uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return 0, m.fail
	}
	if m.revs[key] != rev {
		return 0, sdk.ErrConflict
	}
	m.values[key], m.revs[key] = value, rev+1
	return rev + 1, nil
}

func (m *memory) Next(context.Context, string, string) (uint64, error) {
	return 0, errors.New("no sequence is used")
}

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

// reader is a Drop under test with what surrounds it.
type reader struct {
	*filedrop.Drop
	place
	clock   *clock
	memory  *memory
	repeats []string
}

func open(t *testing.T, p place, m *memory, c *clock, change func(*filedrop.Options)) *reader {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(p.dir, "in"), 0o755))
	r := &reader{place: p, clock: c, memory: m}
	options := filedrop.Options{
		Folder: "in", Instance: "acme.orders", Spool: t.TempDir(), State: m, Now: c.Now,
		OnDuplicate: func(doc *filedrop.Document, first filedrop.Seen) {
			r.repeats = append(r.repeats, doc.Name+" = "+first.Name)
		},
	}
	if change != nil {
		change(&options)
	}
	drop, err := filedrop.OpenDrop(t.Context(), p.fs, options)
	must(t, err)
	t.Cleanup(func() { must(t, drop.Close()) })
	r.Drop = drop
	return r
}

// next waits out the stability time by hand and returns the next document, or
// nil.
func (r *reader) next(t *testing.T) *filedrop.Document {
	t.Helper()
	for range 3 {
		doc, err := r.TryNext(t.Context())
		must(t, err)
		if doc != nil {
			return doc
		}
		r.clock.pass(5 * time.Second)
	}
	return nil
}

func (r *reader) nextNamed(t *testing.T, name string) *filedrop.Document {
	t.Helper()
	doc := r.next(t)
	if doc == nil || doc.Name != name {
		t.Fatalf("next document is %+v, want %s", doc, name)
	}
	return doc
}

func (r *reader) none(t *testing.T) {
	t.Helper()
	if doc := r.next(t); doc != nil {
		t.Fatalf("unexpected document %s", doc.Name)
	}
}
