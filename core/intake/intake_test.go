package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is everything around a source, and the order in which things happened.
type world struct {
	mu     sync.Mutex
	events []string
	seen   map[string]bool
	msgs   []*message.Message
	topics []string
	hops   []ledger.Hop
	counts map[string]int64
	dead   []ledger.Dead
	stored []byte
	froms  []string

	largest                                          int // bytes of the largest payload that is taken; 0 for any
	publishErr, buryErr, positionErr, setPositionErr error

	// batches are offered by each Read, one list a stream; a stream ends with
	// the error of streamErrs, or waits for its context after the last list.
	batches    [][]*protocol.ReadBatch
	streamErrs []error
	streams    int
	handled    []error
	idle       chan struct{} // closed when nothing is left to offer
}

func newWorld(batches ...*protocol.ReadBatch) *world {
	return &world{seen: map[string]bool{}, counts: map[string]int64{}, batches: [][]*protocol.ReadBatch{batches}, idle: make(chan struct{})}
}

func (w *world) happened(format string, args ...any) {
	w.events = append(w.events, fmt.Sprintf(format, args...))
}

func (w *world) Read(ctx context.Context, o host.ReadOptions, handle func(context.Context, *protocol.ReadBatch) error) error {
	w.mu.Lock()
	n := w.streams
	w.streams++
	w.froms = append(w.froms, string(o.From))
	w.mu.Unlock()
	if n < len(w.batches) {
		for _, b := range w.batches[n] {
			err := handle(ctx, b)
			w.mu.Lock()
			w.handled = append(w.handled, err)
			if err == nil {
				w.happened("acknowledge")
			}
			w.mu.Unlock()
		}
	}
	if n < len(w.streamErrs) {
		return w.streamErrs[n]
	}
	close(w.idle)
	<-ctx.Done()
	return ctx.Err()
}

func (w *world) PublishBatch(_ context.Context, topic string, msgs ...*message.Message) ([]bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.publishErr != nil {
		return nil, w.publishErr
	}
	for i, m := range msgs {
		if w.largest > 0 && len(m.Payload) > w.largest {
			return nil, &engine.TooLargeError{Index: i, MessageID: m.UUID, What: "message", Size: int64(len(m.Payload)), Limit: int64(w.largest), Remedy: "raise max_payload"}
		}
	}
	dups := make([]bool, len(msgs))
	for i, m := range msgs {
		if dups[i] = w.seen[m.UUID]; !dups[i] {
			w.seen[m.UUID] = true
			w.msgs = append(w.msgs, m)
			w.topics = append(w.topics, topic)
		}
	}
	w.happened("durable")
	return dups, nil
}

func (w *world) Journal(h ...ledger.Hop) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hops = append(w.hops, h...)
}

func (w *world) Count(route, _, what string, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[route+" "+what] += n
}

func (w *world) Bury(_ context.Context, d ledger.Dead, _ bool) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buryErr != nil {
		return "", w.buryErr
	}
	w.dead = append(w.dead, d)
	w.happened("buried")
	return "d-000001", nil
}

func (w *world) Position(context.Context, string) ([]byte, error) { return w.stored, w.positionErr }

func (w *world) SetPosition(_ context.Context, _ string, pos []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.setPositionErr != nil {
		return w.setPositionErr
	}
	w.stored = pos
	w.happened("position %s", pos)
	return nil
}

func (w *world) source() *Source {
	return New(Options{
		Endpoint: "shop.orders", Tenant: "acme", Routes: []string{"a", "b"}, Reader: w, Publisher: w, Book: w, Log: slog.New(slog.DiscardHandler),
	})
}

// run runs the source until everything was offered, and stops it.
func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	src := w.source()
	go func() { done <- src.Run(ctx) }()
	select {
	case <-w.idle:
	case <-ctx.Done():
		t.Error("the source did not read everything")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func batch(position string, ids ...string) *protocol.ReadBatch {
	b := &protocol.ReadBatch{Position: []byte(position)}
	for _, id := range ids {
		b.Records = append(b.Records, &protocol.Record{
			Id: id, Key: []byte("k" + id), Payload: []byte("doc " + id), Entity: "order", ContentType: "application/json",
			Meta: []*protocol.KV{{K: "key.order", V: id}, {K: "file", V: "a.csv"}}, EventTimeNs: uint64(time.Unix(100, 0).UnixNano()),
		})
	}
	return b
}

// The promise: on disk, then acknowledged, then (at any time) the position.
func TestDurableBeforeAcknowledged(t *testing.T) {
	w := newWorld(batch("p1", "1", "2"), batch("p2", "3"))
	w.run(t)
	order := strings.Join(w.events, ", ")
	order = strings.ReplaceAll(order, "position p1, ", "") // saved in between when the machine is slow
	if order != "durable, acknowledge, durable, acknowledge, position p2" {
		t.Errorf("happened: %s", order)
	}
	if len(w.msgs) != 3 || w.topics[0] != engine.ReceivedTopic("shop.orders") {
		t.Fatalf("%d messages, topics %v", len(w.msgs), w.topics)
	}
	m := w.msgs[0]
	if m.UUID != "shop.orders/1" || string(m.Payload) != "doc 1" {
		t.Errorf("message %s %q", m.UUID, m.Payload)
	}
	for k, want := range map[string]string{
		engine.MetaKey: "k1", engine.MetaCorrelation: "shop.orders/1", engine.MetaConnection: "shop", engine.MetaSource: "orders", engine.MetaTenant: "acme",
		engine.MetaEntity: "order", engine.MetaEventTime: "1970-01-01T00:01:40Z", "key.order": "1", "file": "a.csv",
	} {
		if got := m.Metadata.Get(k); got != want {
			t.Errorf("metadata %s is %q, expected %q", k, got, want)
		}
	}
	if w.counts["a received"] != 3 || w.counts["b received"] != 3 || len(w.hops) != 3 || w.hops[0].Keys["order"] != "1" {
		t.Errorf("counted %v, journal %+v", w.counts, w.hops)
	}
}

// Without a key the source's own order is kept.
func TestRecordsWithoutKeyShareOne(t *testing.T) {
	b := batch("p", "1", "2")
	b.Records[0].Key, b.Records[1].Key = nil, nil
	w := newWorld(b)
	w.run(t)
	if x, y := w.msgs[0].Metadata.Get(engine.MetaKey), w.msgs[1].Metadata.Get(engine.MetaKey); x == "" || x != y {
		t.Errorf("keys %q and %q", x, y)
	}
}

func TestRepeatedRecordsAreDuplicates(t *testing.T) {
	w := newWorld(batch("p1", "1"), batch("p2", "1", "2"))
	w.run(t)
	if len(w.msgs) != 2 || w.counts["a received"] != 2 || w.counts["a duplicates"] != 1 {
		t.Errorf("%d messages, counted %v", len(w.msgs), w.counts)
	}
	if w.hops[1].State != "duplicate" || w.handled[1] != nil {
		t.Errorf("journal %+v, handled %v", w.hops, w.handled)
	}
}

func TestUnreadableInputIsKept(t *testing.T) {
	b := batch("p1", "2")
	b.Unreadable = []*protocol.Unreadable{{
		Id: "1", Content: []byte("<broken"), ContentType: "application/xml", Meta: []*protocol.KV{{K: "file", V: "/error/a.xml"}, {K: "key.file", V: "a.xml"}},
		Problem: &protocol.Problem{Class: protocol.Problem_PERMANENT, Code: "xml.syntax", Message: "line 1: unexpected end"},
	}}
	w := newWorld(b)
	w.run(t)
	if len(w.dead) != 1 || len(w.msgs) != 1 {
		t.Fatalf("dead letters %+v, messages %d", w.dead, len(w.msgs))
	}
	d := w.dead[0]
	if d.Stage != "intake" || d.MessageID != "shop.orders/1" || d.Target != "shop.orders" || string(d.Payload) != "<broken" || d.Code != "xml.syntax" ||
		d.Class != "PERMANENT" || d.Metadata["file"] != "/error/a.xml" || d.Keys["file"] != "a.xml" || !strings.Contains(d.Reason, "unexpected end") {
		t.Errorf("dead letter %+v", d)
	}
	if got := strings.Join(w.events[:3], ", "); got != "buried, durable, acknowledge" {
		t.Errorf("happened: %s", got)
	}
	if w.counts["a received"] != 2 {
		t.Errorf("an unreadable input counts as received: %v", w.counts)
	}
}

// Nothing is acknowledged, counted or remembered that is not on disk.
func TestNothingDurableNothingAcknowledged(t *testing.T) {
	full := errors.New("no space left on device")
	unreadable := batch("p1")
	unreadable.Unreadable = []*protocol.Unreadable{{Id: "1", Problem: &protocol.Problem{Code: "x"}}}
	for _, c := range []struct {
		name string
		b    *protocol.ReadBatch
		set  func(*world)
	}{
		{"the stream is full", batch("p1", "1"), func(w *world) { w.publishErr = full }},
		{"the ledger is full", unreadable, func(w *world) { w.buryErr = full }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(c.b)
			c.set(w)
			w.run(t)
			if len(w.handled) != 1 || !errors.Is(w.handled[0], full) || !strings.Contains(w.handled[0].Error(), "shop.orders") {
				t.Errorf("the connector heard %v", w.handled)
			}
			if len(w.events) != 0 || len(w.hops) != 0 || len(w.counts) != 0 || w.stored != nil {
				t.Errorf("happened %v, journal %v, counted %v, position %q", w.events, w.hops, w.counts, w.stored)
			}
		})
	}
}

// A stream that breaks is opened again where the last acknowledged batch
// ended, also when that position was not saved yet.
func TestBrokenStreamGoesOn(t *testing.T) {
	w := newWorld(batch("p1", "1"))
	w.stored = []byte("p0")
	w.setPositionErr = errors.New("locked")
	w.streamErrs = []error{errors.New("the plugin is gone")}
	w.batches = append(w.batches, []*protocol.ReadBatch{batch("p2", "2")})
	w.run(t)
	if got := strings.Join(w.froms, ", "); got != "p0, p1" {
		t.Errorf("read from %s", got)
	}
	if len(w.msgs) != 2 {
		t.Errorf("%d messages", len(w.msgs))
	}
}

// A bounded source that is finished ends Run, with its position saved.
func TestBoundedSourceEnds(t *testing.T) {
	w := newWorld(batch("end", "1"))
	w.streamErrs = []error{nil}
	if err := w.source().Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if string(w.stored) != "end" || w.streams != 1 {
		t.Errorf("position %q after %d streams", w.stored, w.streams)
	}
}

// Records that a connector gives no id would all be one message: each is kept as
// a dead letter, and the others go on.
func TestRecordsWithoutIDAreKept(t *testing.T) {
	b := batch("p", "1", "", "")
	b.Records[1].Payload, b.Records[2].Payload = []byte("one"), []byte("two")
	w := newWorld(b)
	w.run(t)
	if len(w.msgs) != 1 || w.msgs[0].UUID != "shop.orders/1" {
		t.Errorf("published %d messages", len(w.msgs))
	}
	if len(w.dead) != 2 || string(w.dead[0].Payload) != "one" || string(w.dead[1].Payload) != "two" || w.dead[0].MessageID == w.dead[1].MessageID || w.dead[0].Class != "BUG" {
		t.Errorf("dead letters %+v", w.dead)
	}
	if w.counts["a received"] != 3 {
		t.Errorf("counted %v", w.counts)
	}
}

// A record whose metadata no message can carry is kept, and does not stop its
// source for ever.
func TestLargeMetadataIsSetAside(t *testing.T) {
	b := batch("p", "1", "2", "3", "4")
	b.Records[0].Meta = append(b.Records[0].Meta, &protocol.KV{K: "key.note", V: strings.Repeat("x", 200<<10)})
	b.Records[1].Meta = append(b.Records[1].Meta, &protocol.KV{K: "key.note", V: strings.Repeat("%", 30<<10)})
	b.Records[2].Meta = append(b.Records[2].Meta, &protocol.KV{K: "key.note", V: strings.Repeat("x", 30<<10)})
	w := newWorld(b)
	w.run(t)
	if len(w.msgs) != 2 || w.msgs[0].UUID != "shop.orders/3" {
		t.Errorf("published %d messages", len(w.msgs))
	}
	if len(w.dead) != 2 || w.dead[0].MessageID != "shop.orders/1" || string(w.dead[0].Payload) != "doc 1" || !strings.Contains(w.dead[0].Reason, `"key.note" with 204800 bytes`) {
		t.Errorf("dead letters %+v", w.dead)
	}
}

// A record that is too large for the message store is kept whole, with all that a
// replay needs once the store takes it; the others of its batch go on, and the
// source with them.
func TestTooLargeRecordIsSetAside(t *testing.T) {
	b := batch("p", "1", "2", "3")
	b.Records[1].Payload = []byte("a large document")
	b.Records[1].Key = []byte("4711")
	b.Records[1].Meta = append(b.Records[1].Meta, &protocol.KV{K: "key.note", V: strings.Repeat("x", 5<<10)})
	w := newWorld(b)
	w.largest = len("doc 1")
	w.run(t)
	if len(w.msgs) != 2 || w.msgs[0].UUID != "shop.orders/1" || w.msgs[1].UUID != "shop.orders/3" || w.handled[0] != nil || string(w.stored) != "p" {
		t.Errorf("published %d messages, the connector heard %v, position %q", len(w.msgs), w.handled, w.stored)
	}
	if len(w.dead) != 1 {
		t.Fatalf("dead letters %+v", w.dead)
	}
	d := w.dead[0]
	if d.MessageID != "shop.orders/2" || string(d.Payload) != "a large document" || d.Stage != "intake" || d.Class != "PERMANENT" || d.Code != "too_large" ||
		d.Key != "4711" || d.Metadata[engine.MetaKey] != "4711" || d.Metadata[engine.MetaEntity] != "order" || len(d.Keys["note"]) != 5<<10 || !strings.Contains(d.Reason, "raise max_payload") {
		t.Errorf("dead letter %+v", d)
	}
	if got := strings.Join(w.events, ", "); !strings.HasPrefix(got, "buried, durable, acknowledge") {
		t.Errorf("happened: %s", got)
	}
	if w.counts["a received"] != 3 || w.counts["a duplicates"] != 0 || len(w.hops) != 2 {
		t.Errorf("counted %v, journal %+v", w.counts, w.hops)
	}
}

// Neither is a source stopped by a batch of nothing else, nor is anything
// acknowledged that could not be kept.
func TestTooLargeRecordsAlone(t *testing.T) {
	w := newWorld(batch("p", "1", "2"))
	w.largest = 1
	w.run(t)
	if len(w.msgs) != 0 || len(w.dead) != 2 || w.handled[0] != nil || w.counts["a received"] != 2 {
		t.Errorf("published %d, dead letters %+v, the connector heard %v, counted %v", len(w.msgs), w.dead, w.handled, w.counts)
	}
	w = newWorld(batch("p", "1", "2"))
	w.largest, w.buryErr = 1, errors.New("no space left on device")
	w.run(t)
	if !errors.Is(w.handled[0], w.buryErr) || w.stored != nil {
		t.Errorf("the connector heard %v, position %q", w.handled, w.stored)
	}
}
