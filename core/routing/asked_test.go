package routing

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

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// asked is a system that routes ask; it remembers the questions.
type asked struct {
	mu        sync.Mutex
	questions []string
	answer    func(ctx context.Context, op string, in *protocol.Record) (string, error)
}

func (a *asked) Call(ctx context.Context, op string, in *protocol.Record, idempotencyKey string) (*protocol.Record, error) {
	a.mu.Lock()
	a.questions = append(a.questions, op+" "+string(in.GetPayload())+" "+idempotencyKey)
	a.mu.Unlock()
	doc, err := a.answer(ctx, op, in)
	return &protocol.Record{Payload: []byte(doc)}, err
}

func (a *asked) asker() asker {
	return asker{caller: func(string) (Caller, error) { return a, nil }}
}

func fails(class protocol.Problem_Class) func(context.Context, string, *protocol.Record) (string, error) {
	return func(context.Context, string, *protocol.Record) (string, error) {
		return "", &host.ProblemError{Connector: "database", Instance: "erp.price", Problem: &protocol.Problem{Class: class, Code: "sql.test", Message: "as told"}}
	}
}

const enriched = "enrich: [{call: erp.price, operation: get, as: price, with: {id: src.id}}]\n"

// What a call answers is metadata for the mapping: fields by their path, and of
// a list of rows the first.
func TestEnrichAddsTheReply(t *testing.T) {
	in, p, b := inbound(t, strings.Replace(good, "note.yaml", "priced.yaml", 1)+enriched)
	system := &asked{answer: func(context.Context, string, *protocol.Record) (string, error) {
		return `[{"amount": 12.50, "of": {"list": "autumn"}, "net": true, "none": null}, {"amount": 1}]`, nil
	}}
	in.asker = system.asker()
	if err := in.Handle(received("1", note)); err != nil {
		t.Fatal(err)
	}
	if len(p.list) != 1 {
		t.Fatalf("published %d, dead %+v", len(p.list), b.dead)
	}
	if doc := string(p.list[0].Payload); !strings.Contains(doc, `"name":"12.50 autumn true"`) {
		t.Errorf("the document is %s", doc)
	}
	if want := `get {"id":"7"} shop.notes/1#notes@enrich0`; len(system.questions) != 1 || system.questions[0] != want {
		t.Errorf("asked %q, expected %q", system.questions, want)
	}
	if p.list[0].Metadata.Get("price.amount") != "" {
		t.Error("the reply travels on with the event")
	}
}

// A system that does not answer now keeps the message; one that answers that it
// never will makes it a dead letter.
func TestEnrichFailsByClass(t *testing.T) {
	for class, dead := range map[protocol.Problem_Class]bool{
		protocol.Problem_NOT_CONNECTED: false, protocol.Problem_RETRYABLE: false, protocol.Problem_THROTTLED: false, protocol.Problem_AUTH: false,
		protocol.Problem_PERMANENT: true, protocol.Problem_BUG: true,
	} {
		in, p, b := inbound(t, good+enriched)
		in.asker = (&asked{answer: fails(class)}).asker()
		err := in.Handle(received("1", note))
		if (err == nil) != dead || (len(b.dead) == 1) != dead || len(p.list) != 0 {
			t.Errorf("%s: %v, %d dead letters", class, err, len(b.dead))
		}
	}
	in, p, b := inbound(t, good+strings.Replace(enriched, "with", "onError: skip, with", 1))
	in.asker = (&asked{answer: fails(protocol.Problem_PERMANENT)}).asker()
	if err := in.Handle(received("1", note)); err != nil || len(p.list) != 1 || len(b.dead) != 0 {
		t.Errorf("skipped: %v, published %d, dead %+v", err, len(p.list), b.dead)
	}
}

// A node that stops interrupts its questions. That says nothing about the
// message, neither that it is bad nor that it can do without the answer.
func TestStoppingIsNoAnswer(t *testing.T) {
	for _, onError := range []string{"fail", "skip"} {
		for name, interrupted := range map[string]error{
			"by its context": context.Canceled, "by the connector's end": errors.New("the plugin host is closed"),
		} {
			in, p, b := inbound(t, good+strings.Replace(enriched, "with", "onError: "+onError+", with", 1))
			ctx, stop := context.WithCancel(t.Context())
			in.asker = (&asked{answer: func(context.Context, string, *protocol.Record) (string, error) { stop(); return "", interrupted }}).asker()
			m := received("1", note)
			m.SetContext(ctx)
			if err := in.Handle(m); err == nil || len(p.list)+len(b.dead) != 0 {
				t.Errorf("%s, %s: %v, published %d, dead %+v", onError, name, err, len(p.list), b.dead)
			}
		}
	}
}

const fromEntity = `route: places
from: {entity: location}
enrich:
  - {call: erp.price, operation: a, as: a}
  - {call: erp.price, operation: b, as: b}
  - {call: erp.price, operation: c, as: c}
to:
  - {endpoint: erp.notes, enrich: [{call: erp.price, operation: erp, as: own}], map: mappings/owned.yaml}
  - {endpoint: wms.notes, enrich: [{call: erp.price, operation: wms, as: own}], map: mappings/owned.yaml}
`

// Each target asks its own questions, also when its neighbours ask theirs.
func TestTargetsAskTheirOwn(t *testing.T) {
	routes, found := compileRoutes(t, fromEntity)
	if len(routes) != 1 {
		t.Fatal(found)
	}
	system := &asked{answer: func(_ context.Context, op string, _ *protocol.Record) (string, error) {
		return fmt.Sprintf("%q", op), nil
	}}
	var all sync.WaitGroup
	for _, target := range routes[0].Targets {
		prepare := routes[0].prepare(target, system.asker(), Deps{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		want, _, _ := strings.Cut(target.Endpoint.Value, ".")
		for n := range 50 {
			all.Go(func() {
				m := message.NewMessage(fmt.Sprint(n), []byte(`{"id": "7"}`))
				rec, skip, err := prepare(t.Context(), m)
				if err != nil || skip || string(rec.GetPayload()) != `{"id":"7","name":"`+want+`"}` {
					t.Errorf("for %s: %s, %v, %v", want, rec.GetPayload(), skip, err)
				}
			})
		}
	}
	all.Wait()
	if got := len(system.questions); got != 2*50*4 {
		t.Errorf("%d questions, expected the route's three and the target's own of each message", got)
	}
}

const looked = "route: notes\nfrom: shop.notes\nmap: mappings/looked.yaml\nto:\n  - {endpoint: erp.notes, map: mappings/lookedout.yaml}\n"

func lookupFails(err error) mapping.LookupFunc {
	return func(context.Context, mapping.Lookup, string) (string, bool, error) { return "", false, err }
}

// A table that cannot be asked now keeps the message waiting; a reply that no
// repetition mends makes it a dead letter.
func TestLookupFailsByClass(t *testing.T) {
	for class, dead := range map[protocol.Problem_Class]bool{
		protocol.Problem_NOT_CONNECTED: false, protocol.Problem_RETRYABLE: false, protocol.Problem_PERMANENT: true, protocol.Problem_BUG: true,
	} {
		_, cause := fails(class)(t.Context(), "", nil)
		in, p, b := inbound(t, looked)
		in.lookup = lookupFails(cause)
		err := in.Handle(received("1", note))
		if (err == nil) != dead || (len(b.dead) == 1) != dead || len(p.list) != 0 {
			t.Errorf("inbound, %s: %v, %d dead letters", class, err, len(b.dead))
		}

		prepare := in.route.prepare(in.route.Targets[0], asker{}, Deps{Now: time.Now, Lookup: lookupFails(cause)})
		m := message.NewMessage("1", []byte(`{"id": "7"}`))
		m.Metadata.Set(engine.MetaReceived, noon.Format(time.RFC3339Nano))
		_, _, err = prepare(t.Context(), m)
		var f *delivery.Failure
		if !errors.As(err, &f) || f.Class != class || !strings.Contains(err.Error(), "as told") {
			t.Errorf("lane, %s: %v", class, err)
		}
	}
	in, p, b := inbound(t, looked)
	in.lookup = lookupFails(errors.New("the plugin host is closed"))
	if err := in.Handle(received("1", note)); err == nil || len(p.list)+len(b.dead) != 0 {
		t.Errorf("without an answer: %v, %+v", err, b.dead)
	}
}

// A bug that panics is no reason to hand the message out for ever: it is kept
// with the stack, and the other parts of its document go on.
func TestPanicBecomesADeadLetter(t *testing.T) {
	in, p, b := inbound(t, looked+"split: src.list\n")
	in.lookup = func(_ context.Context, _ mapping.Lookup, key string) (string, bool, error) {
		if key == "bad" {
			panic("index out of range")
		}
		return key, true, nil
	}
	if err := in.Handle(received("1", `{"list": [{"id": "1", "name": "bad"}, {"id": "2", "name": "good"}]}`)); err != nil {
		t.Fatal(err)
	}
	if len(p.list) != 1 || len(b.dead) != 1 {
		t.Fatalf("published %d, dead %+v", len(p.list), b.dead)
	}
	if d := b.dead[0]; d.Class != "BUG" || d.Code != "panic" || !strings.Contains(d.Reason, "index out of range") || !strings.Contains(d.Stack, "asked_test.go") {
		t.Errorf("dead letter %+v", d)
	}
}

// A key that no message can carry, because the wrong field is configured, makes a
// dead letter; handed out again it would be refused again.
func TestLargeKeyBecomesADeadLetter(t *testing.T) {
	in, p, b := inbound(t, good+"key: out.name\n")
	if err := in.Handle(received("1", `{"id": "7", "name": "`+strings.Repeat("x", 100<<10)+`"}`)); err != nil {
		t.Fatal(err)
	}
	if len(p.list) != 0 || len(b.dead) != 1 || !strings.Contains(b.dead[0].Reason, `"key" with 102400 bytes`) {
		t.Errorf("published %d, dead letters %.300v", len(p.list), b.dead)
	}
}
