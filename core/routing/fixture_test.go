package routing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/mapping"
)

// projectFS holds the mappings that the tests' routes use: note is a document
// that becomes a canonical Location; straight goes to another system's format.
func projectFS() fstest.MapFS {
	schema := `{"type": "object", "required": ["id", "name"], "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "open": {"type": "string"}}}`
	return fstest.MapFS{
		"mappings/schemas/note.json": {Data: []byte(schema)},
		"mappings/note.yaml": {Data: []byte(`
mapping: note
version: 1.0.0
owner: test@example.com
source: {format: test/note, schema: schemas/note.json}
target: {entity: Location}
ignore: [src.open]
fields:
  schema: {const: location/1.0}
  id: '"loc:" + src.id'
  entityVersion: {const: 1}
  updatedAt: now()
  source: {fields: {system: {const: test}}}
  kind: {const: store}
  timeZone: {const: Europe/Berlin}
  name: src.name
  status: {const: open}
`)},
		"mappings/straight.yaml": {Data: []byte(`
mapping: straight
version: 1.0.0
owner: test@example.com
source: {format: test/note, schema: schemas/note.json}
target: {format: test/other, schema: schemas/note.json}
fields: {id: src.id, name: src.name}
`)},
		"mappings/priced.yaml":    {Data: []byte(noteMapping("priced", `meta["price.amount"] + " " + meta["price.of.list"] + " " + meta["price.net"]`, ""))},
		"mappings/looked.yaml":    {Data: []byte(noteMapping("looked", "{from: src.name, lookup: names}", namesTable))},
		"mappings/lookedout.yaml": {Data: []byte(outMapping("lookedout", "{from: src.id, lookup: names}", namesTable))},
		"mappings/owned.yaml":     {Data: []byte(outMapping("owned", `'meta["own"]'`, ""))},
		"mappings/out.yaml": {Data: []byte(`
mapping: out
version: 1.0.0
owner: test@example.com
source: {entity: Location}
target: {format: test/note, schema: schemas/note.json}
ignore: [src]
fields: {id: src.id, name: {from: src.name, default: none}}
`)},
	}
}

const namesTable = "lookups: {names: {table: names, connection: erp, key: id, value: name}}\n"

// noteMapping is note with another name and rule for the name.
func noteMapping(name, rule, more string) string {
	return "mapping: " + name + `
version: 1.0.0
owner: test@example.com
source: {format: test/note, schema: schemas/note.json}
target: {entity: Location}
` + more + `fields:
  schema: {const: location/1.0}
  id: '"loc:" + src.id'
  entityVersion: {const: 1}
  updatedAt: now()
  source: {fields: {system: {const: test}}}
  kind: {const: store}
  timeZone: {const: Europe/Berlin}
  name: ` + rule + `
  status: {const: open}
`
}

// outMapping is out with another name and rule for the name.
func outMapping(name, rule, more string) string {
	return "mapping: " + name + `
version: 1.0.0
owner: test@example.com
source: {entity: Location}
target: {format: test/note, schema: schemas/note.json}
` + more + `fields: {id: src.id, name: ` + rule + `}
`
}

// endpoints is a catalog of "role endpoint" names.
type endpoints []string

func (e endpoints) Has(endpoint, role string) error {
	for _, known := range e {
		if known == role+" "+endpoint {
			return nil
		}
	}
	return fmt.Errorf("there is no %s %q", role, endpoint)
}

var known = endpoints{"source shop.notes", "sink erp.notes", "sink wms.notes", "call erp.price"}

// compileRoutes parses and compiles route files, in the order given.
func compileRoutes(t *testing.T, texts ...string) ([]*Compiled, string) {
	t.Helper()
	var routes []*Route
	var text strings.Builder
	for i, s := range texts {
		r, fs := Parse(fmt.Sprintf("routes/%d.yaml", i+1), []byte(s))
		for _, f := range fs {
			fmt.Fprintln(&text, f)
		}
		if r != nil {
			routes = append(routes, r)
		}
	}
	out, fs := Compile(routes, known, mapping.Open(projectFS()))
	for _, f := range fs {
		fmt.Fprintln(&text, f)
	}
	return out, text.String()
}

// transport keeps what is published; it drops ids that it has seen, as the
// message store does, and can be told to fail.
type transport struct {
	mu   sync.Mutex
	seen map[string]bool
	list []published
	fail error
}

type published struct {
	topic string
	*message.Message
}

func (p *transport) PublishBatch(_ context.Context, topic string, msgs ...*message.Message) ([]bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return nil, p.fail
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	dups := make([]bool, len(msgs))
	for i, m := range msgs {
		if dups[i] = p.seen[m.UUID]; !dups[i] {
			p.seen[m.UUID] = true
			p.list = append(p.list, published{topic, m})
		}
	}
	return dups, nil
}

// book keeps what routing writes down.
type book struct {
	mu     sync.Mutex
	hops   []ledger.Hop
	counts map[string]int64
	dead   []ledger.Dead
	fail   error
}

func (b *book) Journal(h ...ledger.Hop) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hops = append(b.hops, h...)
}

func (b *book) Count(route, _, what string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.counts == nil {
		b.counts = map[string]int64{}
	}
	b.counts[route+" "+what] += n
}

func (b *book) Bury(_ context.Context, d ledger.Dead, _ bool) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return "", b.fail
	}
	b.dead = append(b.dead, d)
	return fmt.Sprintf("d-%06d", len(b.dead)), nil
}

var (
	errFull = errors.New("the stream is full")
	noon    = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
)

// inbound compiles one route and returns its handler with fakes around it.
func inbound(t *testing.T, text string) (*Inbound, *transport, *book) {
	t.Helper()
	routes, found := compileRoutes(t, text)
	if len(routes) != 1 {
		t.Fatalf("the route has errors:\n%s", found)
	}
	p, b := &transport{}, &book{}
	return &Inbound{
		route: routes[0], publisher: p, book: b, log: slog.New(slog.DiscardHandler), now: func() time.Time { return noon }, gate: newGate(),
	}, p, b
}

func received(id, doc string) *message.Message {
	m := message.NewMessage("shop.notes/"+id, []byte(doc))
	m.Metadata.Set(engine.MetaCorrelation, m.UUID)
	m.Metadata.Set(engine.MetaConnection, "shop")
	m.Metadata.Set(engine.MetaSource, "notes")
	m.Metadata.Set(engine.MetaReceived, noon.Format(time.RFC3339Nano))
	m.Metadata.Set("key.file", "a.csv")
	return m
}
