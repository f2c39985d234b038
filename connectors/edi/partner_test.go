package edi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/filedrop/sftptest"
	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func TestMain(m *testing.M) {
	if os.Getenv(protocol.CookieKey) != "" {
		sdk.Serve(Connector())
		return
	}
	goleak.VerifyTestMain(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// memory is what the core keeps for a connector over restarts.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	revs   map[string]uint64
	last   map[string]uint64
	bound  map[string]uint64
	ended  atomic.Bool // every write fails: the process is gone
}

func newMemory() *memory {
	return &memory{values: map[string][]byte{}, revs: map[string]uint64{}, last: map[string]uint64{}, bound: map[string]uint64{}}
}

func (m *memory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.revs[key], nil
}

func (m *memory) CompareAndSet(_ context.Context, key string, value []byte, rev uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended.Load() {
		return 0, errors.New("the process ended here")
	}
	if m.revs[key] != rev {
		return 0, sdk.ErrConflict
	}
	m.values[key], m.revs[key] = value, rev+1
	return rev + 1, nil
}

func (m *memory) Next(_ context.Context, name, bind string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, ok := m.bound[name+"\x00"+bind]; ok {
		return n, nil
	}
	m.last[name]++
	m.bound[name+"\x00"+bind] = m.last[name]
	return m.last[name], nil
}

// mailbox is the other side: an SFTP server with an outbox, which we read, and
// an inbox, which we write to, and what the core remembers of it.
type mailbox struct {
	dir    string
	server *sftptest.Server
	memory *memory
	cfg    Config
}

func newPartner(t testing.TB) *mailbox {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"outbox", "inbox"} {
		must(t, os.Mkdir(filepath.Join(dir, folder), 0o755))
	}
	server, err := sftptest.Start(sftptest.Options{Users: []sftptest.User{{Name: "acme", Password: "secret", Root: dir}}})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	p := &mailbox{dir: dir, server: server, memory: newMemory()}
	agreed := partner.Partner{}.WithDefaults()
	agreed.ID, agreed.Usage, agreed.Newline = "acme", "T", true
	agreed.Theirs, agreed.Ours = partner.Identity{Qualifier: "ZZ", ID: "ACMEOUTFIT"}, partner.Identity{Qualifier: "08", ID: "9254110060"}
	p.cfg = Config{
		Location: filedrop.Location{
			Transport: filedrop.TransportSFTP, Host: server.Host(), Port: server.Port(), User: "acme", Password: "secret",
			HostKeys: []string{server.Fingerprint()}, Timeout: 5 * time.Second,
		},
		Partner: agreed,
		Folder:  "outbox", AckFolder: "inbox", StableFor: 5 * time.Millisecond, Every: 5 * time.Millisecond, MaxSize: 1 << 20,
	}
	return p
}

func (p *mailbox) env(t testing.TB) sdk.Env {
	return sdk.Env{Instance: "acme.documents", DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler), State: p.memory}
}

func (p *mailbox) source(t *testing.T) *source {
	t.Helper()
	s, err := newSource(t.Context(), p.cfg, p.env(t))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func (p *mailbox) sink(t *testing.T) *sink {
	t.Helper()
	cfg := p.cfg
	cfg.Folder = "inbox"
	s, err := newSink(cfg, p.env(t))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// drop puts a file into the outbox whole, as careful partners do.
func (p *mailbox) drop(t testing.TB, name, content string) {
	t.Helper()
	hidden := filepath.Join(p.dir, "outbox", "."+name)
	must(t, os.WriteFile(hidden, []byte(content), 0o644))
	must(t, os.Rename(hidden, filepath.Join(p.dir, "outbox", name)))
}

// files lists what is below a folder, without what is hidden or half written.
func (p *mailbox) files(t testing.TB, folder string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(filepath.Join(p.dir, folder), func(name string, entry os.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // moved on while we look
		}
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if err == nil && !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !strings.HasSuffix(name, ".part") {
			rel, _ := filepath.Rel(p.dir, name)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	}))
	slices.Sort(out)
	return out
}

func (p *mailbox) content(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, name))
	must(t, err)
	return string(b)
}

// order is one 850 set; control is its ST02.
func order(control int, number string, quantity string) string {
	segments := []string{
		fmt.Sprintf("ST*850*%04d", control), "BEG*00*SA*" + number + "**20260105", "REF*DP*077", "DTM*010*20260120",
		"N1*BY*ACME OUTFITTERS*92*0017", "N1*ST*ACME DC 4*92*0904", "N3*1200 DOCK ROAD", "N4*SAVANNAH*GA*31401*US",
		"PO1*1*" + quantity + "*EA*7.25**UK*00614141000012*VN*AX-100", "CTT*1",
	}
	return strings.Join(segments, "~") + fmt.Sprintf("~SE*%d*%04d~", len(segments)+1, control)
}

// wrapped puts sets of orders from sender, which is a qualifier and an id.
func wrapped(control int, sender string, sets ...string) string {
	qualifier, id, _ := strings.Cut(sender, "/")
	return fmt.Sprintf("ISA*00*          *00*          *%s*%-15s*08*9254110060     *260105*0915*U*00401*%09d*0*T*>~GS*PO*%s*9254110060*20260105*0915*%d*X*004010~%sGE*%d*%d~IEA*1*%09d~",
		qualifier, id, control, id, control, strings.Join(sets, ""), len(sets), control, control)
}

const acme = "ZZ/ACMEOUTFIT"

func read(t *testing.T, s *source) sdk.Batch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	b, err := s.Read(ctx)
	must(t, err)
	return b
}

// all reads the next file to its end.
func all(t *testing.T, s *source) sdk.Batch {
	t.Helper()
	var out sdk.Batch
	for {
		b := read(t, s)
		out.Records, out.Unreadable, out.Position = append(out.Records, b.Records...), append(out.Unreadable, b.Unreadable...), b.Position
		if strings.HasSuffix(string(b.Position), fileEnd) {
			return out
		}
	}
}

// nothing wants the source to find no document in several looks at the folder.
func nothing(t *testing.T, s *source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if b, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("batch %+v, error %v; want none", b, err)
	}
}

func wantFiles(t *testing.T, got []string, patterns ...string) {
	t.Helper()
	ok := len(got) == len(patterns)
	for i := 0; ok && i < len(got); i++ {
		ok, _ = filepath.Match(patterns[i], got[i])
	}
	if !ok {
		t.Errorf("files %q, want %q", got, patterns)
	}
}
