package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// world is a system outside, spoken to by a connector in this process: what
// the test offers is read once and in order, what is written is remembered.
type world struct {
	mu      sync.Mutex
	offered []sdk.Record
	written []sdk.Record
	changed chan struct{} // closed and replaced whenever something happens
	// answer is what the world says when it is asked; asked is how often it was.
	answer func(operation string, in sdk.Record) (string, error)
	asked  int
}

func newWorld() *world { return &world{changed: make(chan struct{})} }

func (w *world) signal() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) offer(id, doc string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offered = append(w.offered, sdk.Record{ID: id, Key: id, Payload: []byte(doc), Position: []byte(fmt.Sprint(len(w.offered) + 1))})
	w.signal()
}

// wait waits until n records were written and returns their documents, sorted.
func (w *world) wait(t *testing.T, n int) []string {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		w.mu.Lock()
		var docs []string
		for _, r := range w.written {
			docs = append(docs, string(r.Payload))
		}
		changed := w.changed
		w.mu.Unlock()
		if len(docs) >= n {
			slices.Sort(docs)
			return docs
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%d of %d documents arrived: %v", len(docs), n, docs)
		}
	}
}

type source struct {
	*world
	next int
}

func (s *source) Read(ctx context.Context) (sdk.Batch, error) {
	for {
		s.mu.Lock()
		fresh, changed := s.offered[min(s.next, len(s.offered)):], s.changed
		s.mu.Unlock()
		if len(fresh) > 0 {
			s.next += len(fresh)
			return sdk.Batch{Records: slices.Clone(fresh)}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return sdk.Batch{}, ctx.Err()
		}
	}
}

func (s *source) Close() error { return nil }

type store struct{ *world }

func (s store) Write(_ context.Context, recs []sdk.Record) []sdk.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = append(s.written, recs...)
	s.signal()
	return nil
}

func (s store) Call(_ context.Context, operation string, in sdk.Record) (sdk.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	doc, err := s.answer(operation, in)
	return sdk.Record{Payload: []byte(doc), ContentType: "application/json"}, err
}

func (store) Close() error { return nil }

// settings of the connector; a colour is what a project can get wrong.
type settings struct {
	Colour string `json:"colour" doc:"Anything" enum:"red,blue" default:"red"`
}

func (w *world) server() protocol.ConnectorServer {
	return sdk.Server(sdk.Connector[settings]{
		Spec: sdk.Spec{Name: "world", Version: "1.0.0", Vendor: "test", Summary: "The world", License: "Apache-2.0", Effect: "memory"},
		Source: func(_ context.Context, _ settings, from []byte, _ sdk.Env) (sdk.Source, error) {
			next := 0
			if from != nil {
				if _, err := fmt.Sscan(string(from), &next); err != nil {
					return nil, err
				}
			}
			return &source{w, next}, nil
		},
		Sink: func(context.Context, settings, sdk.Env) (sdk.Sink, error) { return store{w}, nil },
		Call: func(context.Context, settings, sdk.Env) (sdk.Caller, error) { return store{w}, nil },
	})
}

const (
	connectionFile = "connection: w\nconnector: world\nsources: {notes: {}}\nsinks: {places: {}, more: {}}\n"
	mappingFile    = `
mapping: note
version: 1.0.0
owner: test@example.com
source: {format: test/note, schema: schemas/note.json}
target: {entity: Location}
fields:
  schema: {const: location/1.0}
  id: src.id
  entityVersion: {const: 1}
  updatedAt: now()
  source: {fields: {system: {const: test}}}
  kind: {const: store}
  timeZone: {const: Europe/Berlin}
  status: {const: open}
`
	schemaFile = `{"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}`
	outFile    = `
mapping: out
version: 1.0.0
owner: test@example.com
source: {entity: Location}
target: {format: test/note, schema: schemas/note.json}
fields: {id: src.id}
`
)

// project writes a project with one route, notes, and returns its folder.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"crossdock.yaml":             "name: test\nhttp: {listen: off}\n",
		"connections/w.yaml":         connectionFile,
		"mappings/note.yaml":         mappingFile,
		"mappings/out.yaml":          outFile,
		"mappings/schemas/note.json": schemaFile,
		"routes/notes.yaml":          route("notes", "w.places"),
	} {
		write(t, dir, name, content)
	}
	return dir
}

func route(name, target string) string {
	return "route: " + name + "\nfrom: w.notes\nmap: mappings/note.yaml\nto: [{endpoint: " + target + ", map: mappings/out.yaml}]\n"
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logged is a log that a test can read while it is written.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

func options(t *testing.T, dir string, w *world, log *logged) Options {
	t.Helper()
	p, fs := config.Load(dir, func(string) string { return "" })
	if err := fs.Err(); err != nil {
		t.Fatal(err)
	}
	return Options{
		Project: p, InProcess: map[string]protocol.ConnectorServer{"world": w.server()}, Log: slog.New(slog.NewTextHandler(log, nil)), Version: "test",
	}
}

// start starts a node and returns the function that stops it; a node that the
// test does not stop is stopped at its end.
func start(t *testing.T, dir string, w *world, log *logged) (*Node, func()) {
	t.Helper()
	n, err := Start(t.Context(), options(t, dir, w, log))
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return n, stop
}

// eventually waits for a condition that nothing announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-limit:
			t.Fatal("never happened: " + what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// leaks fails the test when goroutines outlive it; the exception is one that
// the NATS client may leave behind when its connection closes.
func leaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
	})
}

// A node delivers, stops without leaving anything running, and goes on where
// it was; reloading is stopping and starting with the files read again.
func TestStartStopAndReload(t *testing.T) {
	leaks(t)
	dir, w, log := project(t), newWorld(), &logged{}
	w.offer("1", `{"id": "1"}`)
	_, stop := start(t, dir, w, log)
	w.wait(t, 1)
	stop()
	w.offer("2", `{"id": "2"}`)

	write(t, dir, "routes/more.yaml", route("more", "w.more"))
	n, stop := start(t, dir, w, log)
	if s, err := n.Status(t.Context()); err != nil || len(s) != 2 || s[0].State != "running" {
		t.Errorf("status %+v, %v", s, err)
	}
	eventually(t, "the new document reaches both routes", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		count := map[string]int{}
		for _, r := range w.written {
			count[r.ID]++
			if count[r.ID] > 1 {
				t.Fatalf("%s was written twice", r.ID)
			}
		}
		return count["w.notes/2#notes@w.places"] == 1 && count["w.notes/2#more@w.more"] == 1
	})
	stop()
	if text := log.text(); strings.Contains(text, "level=ERROR") {
		t.Errorf("logged:\n%s", text)
	}
}

// A project with errors starts nothing: no document is read, every error is
// told, and the folder can be used at once.
func TestBadProjectStartsNothing(t *testing.T) {
	leaks(t)
	dir, w, log := project(t), newWorld(), &logged{}
	w.offer("1", `{"id": "1"}`)
	write(t, dir, "connections/w.yaml", strings.Replace(connectionFile, "places: {}", "places: {colour: green}", 1))
	write(t, dir, "routes/other.yaml", route("other", "w.none"))
	_, err := Start(t.Context(), options(t, dir, w, log))
	if err == nil {
		t.Fatal("it was started")
	}
	for _, want := range []string{"nothing was started", "connections/w.yaml:4:18: w.places: colour", `routes/other.yaml:4:17: connection "w" has no sink "none"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("found:\n%v\nexpected: %s", err, want)
		}
	}
	if len(w.written) != 0 {
		t.Errorf("written %+v", w.written)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a data folder is left: %v", err)
	}
	write(t, dir, "connections/w.yaml", connectionFile)
	if err := os.Remove(filepath.Join(dir, "routes/other.yaml")); err != nil {
		t.Fatal(err)
	}
	_, stop := start(t, dir, w, log)
	w.wait(t, 1)
	stop()
}

// A dead letter of the mapping step is corrected and goes through its route
// again, once.
func TestReplayOfWhatWasNotMapped(t *testing.T) {
	leaks(t)
	dir, w, log := project(t), newWorld(), &logged{}
	n, stop := start(t, dir, w, log)
	defer stop()
	w.offer("1", `{"name": "no id"}`)
	var dead []ledger.Dead
	eventually(t, "a dead letter", func() bool {
		var err error
		if dead, err = n.Ledger.DeadList(t.Context(), ledger.DeadFilter{}); err != nil {
			t.Fatal(err)
		}
		return len(dead) == 1
	})
	if dead[0].Stage != "map" || dead[0].Target != "w.notes" {
		t.Errorf("dead letter %+v", dead[0])
	}
	if err := n.Ledger.DeadEdit(t.Context(), dead[0].ID, []byte(`{"id": "corrected"}`), "test", "the id"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Ledger.DeadReplay(t.Context(), []string{dead[0].ID}, "test", "again"); err != nil {
		t.Fatal(err)
	}
	if got := w.wait(t, 1); len(got) != 1 || got[0] != `{"id":"corrected"}` {
		t.Errorf("arrived: %v", got)
	}
}

// The message store forgets a route that is gone, and only that.
func TestRemovedRouteIsForgotten(t *testing.T) {
	dir, w, log := project(t), newWorld(), &logged{}
	write(t, dir, "routes/gone.yaml", route("gone", "w.more"))
	n, stop := start(t, dir, w, log)
	w.offer("1", `{"id": "1"}`)
	w.wait(t, 2)
	before, err := n.engine.Subscriptions(t.Context())
	if err != nil || len(before) != 4 {
		t.Fatalf("subscriptions %v, %v", before, err)
	}
	stop()
	if err := os.Remove(filepath.Join(dir, "routes/gone.yaml")); err != nil {
		t.Fatal(err)
	}
	n, stop = start(t, dir, w, log)
	defer stop()
	after, err := n.engine.Subscriptions(t.Context())
	slices.Sort(after)
	if err != nil || strings.Join(after, " ") != "in-notes lane-notes__w_places" {
		t.Errorf("subscriptions %v, %v", after, err)
	}
	for _, name := range []string{"subscription=in-gone", "subscription=lane-gone__w_more"} {
		if !strings.Contains(log.text(), name) {
			t.Errorf("the log does not name %s:\n%s", name, log.text())
		}
	}
	w.offer("2", `{"id": "2"}`)
	w.wait(t, 3)
	stop()

	// Put back, it delivers what it missed, and nothing a second time.
	write(t, dir, "routes/gone.yaml", route("gone", "w.more"))
	n, stop = start(t, dir, w, log)
	defer stop()
	w.wait(t, 4)
	eventually(t, "the restored route has nothing left", func() bool {
		s, err := n.Status(t.Context())
		return err == nil && len(s) == 2 && s[0].Lag+s[1].Lag == 0
	})
	stop()
	var ids []string
	for _, r := range w.written {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	if got := strings.Join(ids, " "); got != "w.notes/1#gone@w.more w.notes/1#notes@w.places w.notes/2#gone@w.more w.notes/2#notes@w.places" {
		t.Errorf("written: %s", got)
	}
}
