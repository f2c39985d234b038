package sftp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/filedrop/sftptest"
	"github.com/crossdock/crossdock/connectors/formats"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// memory is what the core keeps over restarts.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	revs   map[string]uint64
	writes int
	stopAt int // the write that fails, and all after it; 0: none
}

func (m *memory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.revs[key], nil
}

func (m *memory) CompareAndSet(_ context.Context, key string, value []byte, rev uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.stopAt > 0 && m.writes >= m.stopAt {
		return 0, errors.New("the process ended here")
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

// site is a partner's server and what the core remembers of it.
type site struct {
	dir    string
	server *sftptest.Server
	memory *memory
	cfg    Config
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "in"), 0o755))
	server, err := sftptest.Start(sftptest.Options{Users: []sftptest.User{{Name: "acme", Password: "secret", Root: dir}}})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	s := &site{dir: dir, server: server, memory: &memory{values: map[string][]byte{}, revs: map[string]uint64{}}}
	s.cfg.Location = filedrop.Location{
		Transport: filedrop.TransportSFTP, Host: server.Host(), Port: server.Port(), User: "acme", Password: "secret",
		HostKeys: []string{server.Fingerprint()}, Timeout: 5 * time.Second,
	}
	s.cfg.Folder, s.cfg.Format = "in", formats.CSV
	s.cfg.StableFor, s.cfg.Every = 5*time.Millisecond, 5*time.Millisecond
	return s
}

func (s *site) env(t *testing.T) sdk.Env {
	return sdk.Env{Instance: "acme.sales", DataDir: t.TempDir(), Log: slog.New(slog.DiscardHandler), State: s.memory}
}

func (s *site) open(t *testing.T, from []byte) *source {
	t.Helper()
	opened, err := openSource(t.Context(), s.cfg, from, s.env(t))
	must(t, err)
	t.Cleanup(func() { must(t, opened.Close()) })
	return opened.(*source)
}

func (s *site) drop(t *testing.T, name, content string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(s.dir, ".partner"), []byte(content), 0o644))
	must(t, os.Rename(filepath.Join(s.dir, ".partner"), filepath.Join(s.dir, "in", name)))
}

// find gives the files whose path matches, for dated folders.
func (s *site) find(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, pattern))
	must(t, err)
	return names
}

func read(t *testing.T, s *source) sdk.Batch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	batch, err := s.Read(ctx)
	must(t, err)
	return batch
}

// nothing says that no document is there: the folder was looked at several
// times and Read still waits.
func nothing(t *testing.T, s *source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if batch, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("batch %+v, error %v; want none", batch, err)
	}
}

func TestSourceRecords(t *testing.T) {
	s := newSite(t)
	s.cfg.CSV.GroupBy, s.cfg.CSV.GroupColumns = "receipt", []string{"store"}
	s.cfg.Entity, s.cfg.Operation, s.cfg.Key = "sale", "event", "store"
	s.cfg.Keys = map[string]string{"order": "/receipt", "gtin": "/rows/0/gtin", "none": "/absent"}
	src := s.open(t, nil)
	s.drop(t, "sales.csv", "store,receipt,gtin\n7,R1,a\n7,R1,b\n7,R2,c\n")
	batch := read(t, src)
	if len(batch.Records) != 2 {
		t.Fatalf("%d records, want 2", len(batch.Records))
	}
	rec := batch.Records[0]
	if rec.Key != "7" || rec.Entity != "sale" || rec.Meta["key.order"] != "R1" || rec.Meta["key.gtin"] != "a" || rec.Meta["file"] != "sales.csv" || rec.Meta["key.file"] != "sales.csv" || rec.Meta["line"] != "2" || rec.Meta["key.none"] != "" || rec.EventTime.IsZero() {
		t.Errorf("record %+v", rec)
	}
	if batch.Records[1].ID == rec.ID || !strings.HasSuffix(rec.ID, "/0") {
		t.Errorf("ids %s and %s", rec.ID, batch.Records[1].ID)
	}
	if found := s.find(t, "in/archive/*/sales.csv"); len(found) > 0 {
		t.Error("archived before the acknowledgement")
	}
	must(t, src.Ack(t.Context(), batch.Position))
	if found := s.find(t, "in/archive/*/sales.csv"); len(found) != 1 {
		t.Error("not archived after the acknowledgement")
	}
}

// A large file is archived with the acknowledgement of its last batch, and a
// restart goes on where the acknowledgements ended.
func TestSourceLargeFile(t *testing.T) {
	s := newSite(t)
	var content strings.Builder
	content.WriteString("n\n")
	for i := range 600 {
		fmt.Fprintf(&content, "%d\n", i)
	}
	s.drop(t, "large.csv", content.String())
	first := s.open(t, nil)
	one := read(t, first)
	two := read(t, first)
	must(t, first.Ack(t.Context(), one.Position))

	second := s.open(t, one.Position)
	again := read(t, second)
	if len(again.Records) == 0 || again.Records[0].ID != two.Records[0].ID || string(again.Records[0].Payload) != string(two.Records[0].Payload) {
		t.Fatalf("after the restart %v, want to go on with %s", again.Records, two.Records[0].ID)
	}
	three := read(t, second)
	if total := len(one.Records) + len(again.Records) + len(three.Records); total != 600 {
		t.Errorf("%d records, want 600", total)
	}
	must(t, second.Ack(t.Context(), again.Position))
	if found := s.find(t, "in/archive/*/*"); len(found) > 0 {
		t.Error("archived before its last batch was acknowledged")
	}
	must(t, second.Ack(t.Context(), three.Position))
	if found := s.find(t, "in/archive/*/large.csv"); len(found) != 1 {
		t.Error("not archived")
	}

	// Under another layout the numbers mean other records: all come again.
	s.cfg.CSV.Trim = true
	s.drop(t, "large.csv", content.String()+"600\n")
	third := s.open(t, one.Position)
	if batch := read(t, third); !strings.HasSuffix(batch.Records[0].ID, "/0") {
		t.Errorf("skipped to %s under another layout", batch.Records[0].ID)
	}
}

// The process ends after each step from claim to archive; the next one gives
// the same records or none, and the file is archived once.
func TestSourceCrashes(t *testing.T) {
	const content = "n\n1\n2\n"
	cases := map[string]struct {
		stopAt  int  // the state write that fails
		ack     bool // the core acknowledged
		renamed bool // the archive rename may happen
		again   bool // records are read once more
	}{
		"after read":                {again: true},
		"after ack, no memory":      {ack: true, stopAt: 1, again: true},
		"after memory, before move": {ack: true},
		"after move":                {ack: true, renamed: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.drop(t, "a.csv", content)
			first := s.open(t, nil)
			before := read(t, first)
			s.memory.stopAt = c.stopAt
			s.server.Hook(func(op, _ string) error {
				if op == "Rename" && !c.renamed {
					return errors.New("the process ended here")
				}
				return nil
			})
			if c.ack {
				if err := first.Ack(t.Context(), before.Position); (err == nil) != c.renamed {
					t.Fatalf("ack: %v", err)
				}
			}
			s.server.Hook(nil)
			s.memory.stopAt = 0

			second := s.open(t, nil) // the position was lost too
			if c.again {
				after := read(t, second)
				for i, rec := range after.Records {
					if rec.ID != before.Records[i].ID {
						t.Errorf("record %d has id %s, before %s", i, rec.ID, before.Records[i].ID)
					}
				}
				must(t, second.Ack(t.Context(), after.Position))
			}
			nothing(t, second)
			if found := s.find(t, "in/archive/*/a.csv"); len(found) != 1 || len(s.find(t, "in/archive/*/*")) != 1 {
				t.Errorf("archive holds %v", s.find(t, "in/archive/*/*"))
			}
		})
	}
}

func TestSourceRejectsBrokenFiles(t *testing.T) {
	s := newSite(t)
	s.cfg.MaxSize = 1000
	src := s.open(t, nil)
	s.drop(t, "broken.csv", "a,b\n1,2\n3\n")
	batch := read(t, src)
	if len(batch.Records) != 0 || len(batch.Unreadable) != 1 {
		t.Fatalf("batch %+v: of a broken file nothing may be taken", batch)
	}
	bad := batch.Unreadable[0]
	var known *sdk.Error
	if !errors.As(bad.Err, &known) || known.Class != sdk.Permanent || !strings.Contains(bad.Err.Error(), "broken.csv:3: the row has 1 cells") || string(bad.Content) != "a,b\n1,2\n3\n" || bad.Meta["file"] != "in/error/broken.csv" || bad.Meta["key.file"] != "broken.csv" {
		t.Errorf("unreadable %+v", bad)
	}
	if len(s.find(t, "in/error/*")) > 0 {
		t.Error("quarantined before the report was acknowledged")
	}
	again := read(t, s.open(t, nil)) // died before the acknowledgement
	if len(again.Unreadable) != 1 || again.Unreadable[0].ID != bad.ID {
		t.Fatalf("after a crash: %+v", again)
	}
	must(t, src.Ack(t.Context(), batch.Position))
	reason, err := os.ReadFile(filepath.Join(s.dir, "in/error/broken.csv.reason.txt"))
	must(t, err)
	if !strings.Contains(string(reason), "broken.csv:3: the row has 1 cells") {
		t.Errorf("reason %s", reason)
	}
	s.drop(t, "huge.csv", strings.Repeat("x", 1001))
	huge := read(t, src)
	if len(huge.Unreadable) != 1 || !strings.Contains(huge.Unreadable[0].Err.Error(), "huge.csv has 1001 bytes; the limit is 1000") {
		t.Errorf("oversized: %+v", huge)
	}
	must(t, src.Ack(t.Context(), huge.Position))
	if len(s.find(t, "in/error/huge.csv")) != 1 {
		t.Error("the oversized file was not quarantined")
	}
	s.drop(t, "broken.csv", "a,b\n1,2\n3,4\n") // corrected
	if batch := read(t, src); len(batch.Records) != 2 {
		t.Errorf("corrected file: %+v", batch)
	}
}

func TestSourceSetsRowsAside(t *testing.T) {
	s := newSite(t)
	s.cfg.OnBadRow = SetAside
	src := s.open(t, nil)
	s.drop(t, "a.csv", "a,b\n1,2\n3\n5,6\n")
	batch := read(t, src)
	if len(batch.Records) != 2 || len(batch.Unreadable) != 1 || string(batch.Unreadable[0].Content) != "3" || batch.Unreadable[0].Meta["line"] != "3" {
		t.Fatalf("batch %+v", batch)
	}
	if batch.Unreadable[0].ID == batch.Records[1].ID || !strings.HasSuffix(batch.Records[1].ID, "/2") {
		t.Errorf("ids %s %s", batch.Unreadable[0].ID, batch.Records[1].ID)
	}
	must(t, src.Ack(t.Context(), batch.Position))
	s.drop(t, "b.csv", "a,b\n1,2\n3,\"4\n")
	if batch := read(t, src); len(batch.Records) != 0 || len(batch.Unreadable) != 1 {
		t.Errorf("a file that breaks off must be rejected whole: %+v", batch)
	}
}

// A partner whose report came out empty is to be found in the log, since no record
// and no dead letter tells of it.
func TestSourceTellsOfEmptyFiles(t *testing.T) {
	for name, content := range map[string]string{"empty.csv": "", "header.csv": "order,sku\n"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.drop(t, name, content)
			s.drop(t, "z.csv", "order,sku\n1,A\n")
			var log bytes.Buffer
			env := s.env(t)
			env.Log = slog.New(slog.NewTextHandler(&log, nil))
			opened, err := openSource(t.Context(), s.cfg, nil, env)
			must(t, err)
			defer func() { must(t, opened.Close()) }()
			if b := read(t, opened.(*source)); len(b.Records) != 1 {
				t.Fatalf("batch %+v, want the record of the other file", b)
			}
			if !strings.Contains(log.String(), "no records") || !strings.Contains(log.String(), name) {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

func TestSourceRepetition(t *testing.T) {
	s := newSite(t)
	src := s.open(t, nil)
	s.drop(t, "a.csv", "n\n1\n")
	batch := read(t, src)
	must(t, src.Ack(t.Context(), batch.Position))
	s.drop(t, "again.csv", "n\n1\n")
	nothing(t, src)
	if len(s.find(t, "in/archive/*/duplicates/again.csv")) != 1 {
		t.Error("the repetition was not put aside")
	}
	s.drop(t, "empty.csv", "n\n")
	nothing(t, src)
	if len(s.find(t, "in/archive/*/empty.csv")) != 1 {
		t.Error("a file without records was not archived")
	}
}

// A position tells how far a file was read that this source still holds. The same
// content put again later is another delivery: all of it is read.
func TestSourceReadsALaterRepetitionWhole(t *testing.T) {
	s := newSite(t)
	s.cfg.Duplicates, s.cfg.Remember = filedrop.ByContent, time.Millisecond
	first := s.open(t, nil)
	s.drop(t, "levels.csv", "sku,n\na,1\nb,2\n")
	batch := read(t, first)
	must(t, first.Ack(t.Context(), batch.Position))
	must(t, first.Close())
	time.Sleep(5 * time.Millisecond) // longer than it is remembered

	s.drop(t, "levels.csv", "sku,n\na,1\nb,2\n")
	if again := read(t, s.open(t, batch.Position)); len(again.Records) != 2 {
		t.Errorf("of the repetition %d records are read, want 2", len(again.Records))
	}
}

func TestSourceWithoutServer(t *testing.T) {
	s := newSite(t)
	src := s.open(t, nil)
	s.server.Refuse(true)
	_, err := src.Read(t.Context())
	var known *sdk.Error
	if !errors.As(err, &known) || known.Class != sdk.NotConnected {
		t.Fatalf("error %v, want NotConnected", err)
	}
	s.server.Refuse(false)
	s.drop(t, "a.csv", "n\n1\n")
	if batch := read(t, src); len(batch.Records) != 1 {
		t.Errorf("batch %+v", batch)
	}
}

func TestValidate(t *testing.T) {
	good := newSite(t).cfg
	for name, c := range map[string]struct {
		role   string
		change func(*Config)
		want   string
	}{
		"source":          {"source", func(*Config) {}, ""},
		"sink":            {"sink", func(c *Config) { c.Name = "{/a}-{date:/d}.csv" }, ""},
		"no host key":     {"source", func(c *Config) { c.HostKeys = nil }, "/hostKeys"},
		"no format":       {"source", func(c *Config) { c.Format = "" }, "/format"},
		"key":             {"source", func(c *Config) { c.Key = "/a~2" }, "/key"},
		"business key":    {"source", func(c *Config) { c.Keys = map[string]string{"order": "/a~"} }, "/keys/order"},
		"name pointer":    {"sink", func(c *Config) { c.Name = "{/a~2}.xml" }, "/name"},
		"pattern":         {"source", func(c *Config) { c.Match = []string{"a/b"} }, "/match"},
		"group and rows":  {"source", func(c *Config) { c.CSV.GroupBy, c.OnBadRow = "a", SetAside }, "/onBadRow"},
		"one name":        {"sink", func(c *Config) { c.Name = "stock.csv" }, "/name"},
		"one name, kept":  {"sink", func(c *Config) { c.Name, c.OnExisting = "stock.csv", filedrop.Overwrite }, ""},
		"clock":           {"sink", func(c *Config) { c.Name = "{now}.csv" }, "/name"},
		"outside":         {"sink", func(c *Config) { c.Name = "../{id}" }, "/name"},
		"open brace":      {"sink", func(c *Config) { c.Name = "{id" }, "/name"},
		"batch pointer":   {"sink", func(c *Config) { c.Name, c.Per = "{/a}", PerBatch }, "/name"},
		"batch json":      {"sink", func(c *Config) { c.Name, c.Per, c.Format = "{id}", PerBatch, formats.JSON }, "/json/array"},
		"xml needs names": {"sink", func(c *Config) { c.Name, c.Format = "{id}", formats.XML }, "/xml/record"},
	} {
		cfg := good
		c.change(&cfg)
		var fields []string
		for _, err := range validate(cfg, c.role) {
			var known *sdk.Error
			if errors.As(err, &known) {
				fields = append(fields, known.Field)
			}
		}
		if got := strings.Join(fields, " "); got != c.want {
			t.Errorf("%s: fields %q, want %q", name, got, c.want)
		}
	}
}

func TestSchemaIsJSON(t *testing.T) {
	var schema map[string]any
	must(t, json.Unmarshal(Connector().Schema(), &schema))
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range []string{"transport", "folder", "format", "csv", "onExisting", "match", "name"} {
		if properties[name] == nil {
			t.Errorf("the schema lacks %s", name)
		}
	}
}
