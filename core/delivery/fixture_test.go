package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// target is an idempotent sink that fails as it is told.
type target struct {
	mu      sync.Mutex
	effects []string       // record ids in the order of their first effect
	applied map[string]int // record id -> deliveries that took effect
	calls   map[string]int
	busy    int
	most    int
	fail    func(id string, call int) *protocol.Problem
	err     func(id string, call int) error
	during  func(id string)
}

func (s *target) Deliver(_ context.Context, recs []*protocol.Record) ([]*protocol.RecordResult, error) {
	out := make([]*protocol.RecordResult, len(recs))
	for i, r := range recs {
		res, err := s.one(r)
		if err != nil {
			return nil, err
		}
		out[i] = res
	}
	return out, nil
}

func (s *target) one(r *protocol.Record) (*protocol.RecordResult, error) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls, s.applied = map[string]int{}, map[string]int{}
	}
	s.calls[r.Id]++
	call := s.calls[r.Id]
	s.busy++
	s.most = max(s.most, s.busy)
	fail, failErr, during := s.fail, s.err, s.during
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	if during != nil {
		during(r.Id)
	}
	if failErr != nil {
		if err := failErr(r.Id, call); err != nil {
			return nil, err
		}
	}
	if fail != nil {
		if p := fail(r.Id, call); p != nil {
			return &protocol.RecordResult{Problem: p}, nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied[r.Id]++
	if s.applied[r.Id] > 1 {
		return &protocol.RecordResult{Problem: problem(protocol.Problem_DUPLICATE)}, nil
	}
	s.effects = append(s.effects, r.Id)
	return &protocol.RecordResult{ExternalId: "X-" + r.Id}, nil
}

func (s *target) set(fail func(id string, call int) *protocol.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// done returns the messages that took effect, in order, without the target's name.
func (s *target) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, len(s.effects))
	for i, id := range s.effects {
		out[i], _, _ = strings.Cut(id, "@")
	}
	return out
}

func (s *target) called(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[id+"@erp.orders"]
}

func problem(c protocol.Problem_Class) *protocol.Problem {
	return &protocol.Problem{Class: c, Code: "test." + strings.ToLower(c.String()), Message: "as told", Detail: map[string]string{"stack": "main.go:1"}}
}

// failing returns a function that fails one message with a class for its first n calls.
func failing(message string, c protocol.Problem_Class, n int) func(string, int) *protocol.Problem {
	return func(id string, call int) *protocol.Problem {
		if strings.HasPrefix(id, message+"@") && call <= n {
			return problem(c)
		}
		return nil
	}
}

// bench is a lane on a real ledger.
type bench struct {
	t      *testing.T
	ledger *ledger.Ledger
	sink   *target
	lane   *delivery.Lane
	events sync.Map
}

func (b *bench) Event(_, _, event string) {
	n, _ := b.events.LoadOrStore(event, new(counter))
	n.(*counter).add()
}
func (b *bench) Delivered(_, _ string, _, _, _ time.Time) {}
func (b *bench) StateChanged(_, _ string, s delivery.Status) {
	b.Event("", "", "state "+string(s.State))
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() { c.mu.Lock(); c.n++; c.mu.Unlock() }

func newLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	dsn := "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "ledger.db"))
	l, err := ledger.Open(t.Context(), ledger.Options{DSN: dsn, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func start(t *testing.T, change func(*delivery.LaneOptions)) *bench {
	t.Helper()
	b := &bench{t: t, ledger: newLedger(t), sink: &target{}}
	b.lane = b.newLane(change)
	b.run(b.lane)
	return b
}

func (b *bench) options() delivery.LaneOptions {
	return delivery.LaneOptions{
		Name: "r/erp.orders", Route: "r", Target: "erp.orders", Sink: b.sink, Ledger: b.ledger, Observer: b,
		Prepare: func(_ context.Context, m *message.Message) (*protocol.Record, bool, error) {
			return &protocol.Record{Payload: m.Payload}, false, nil
		},
		Retry:   delivery.Retry{Attempts: 4, Initial: 2 * time.Millisecond, Max: 5 * time.Millisecond},
		Circuit: delivery.NewCircuit(delivery.CircuitOptions{Initial: 5 * time.Millisecond, Max: 20 * time.Millisecond}),
		Poll:    10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}
}

func (b *bench) newLane(change func(*delivery.LaneOptions)) *delivery.Lane {
	b.t.Helper()
	o := b.options()
	if change != nil {
		change(&o)
	}
	lane, err := delivery.NewLane(o)
	if err != nil {
		b.t.Fatal(err)
	}
	return lane
}

// run starts the lane's scheduler until the returned stop or the end of the test.
func (b *bench) run(lane *delivery.Lane) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		lane.Run(ctx)
	}()
	stop = func() { cancel(); <-done }
	b.t.Cleanup(stop)
	return stop
}

func msg(ctx context.Context, key, id string) *message.Message {
	m := message.NewMessage(id, []byte(`{"id":"`+id+`"}`))
	m.SetContext(ctx)
	m.Metadata.Set(engine.MetaKey, key)
	m.Metadata.Set(engine.MetaCorrelation, "c-"+id)
	m.Metadata.Set(engine.MetaBusinessPrefix+"order", "no-"+id)
	return m
}

func (b *bench) handle(key, id string) {
	b.t.Helper()
	if err := b.lane.Handle(msg(b.t.Context(), key, id)); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a condition; it fails the test after ten seconds.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for: " + what)
		}
	}
}

func (b *bench) counts() ledger.RouteCount {
	b.t.Helper()
	if err := b.ledger.Flush(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	list, err := b.ledger.Counts(b.t.Context())
	if err != nil || len(list) != 1 {
		b.t.Fatalf("counts: %+v, %v", list, err)
	}
	return list[0]
}

func (b *bench) dead() []ledger.Dead {
	b.t.Helper()
	list, err := b.ledger.DeadList(b.t.Context(), ledger.DeadFilter{})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func (b *bench) idle() bool {
	keys, err := b.ledger.ParkedKeys(b.t.Context(), "r/erp.orders")
	return err == nil && len(keys) == 0
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// watch returns how many deliveries ran at a time since the last watch.
func (s *target) watch() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.most
	s.most = 0
	return most
}

func (b *bench) totalCalls() int {
	b.sink.mu.Lock()
	defer b.sink.mu.Unlock()
	n := 0
	for _, c := range b.sink.calls {
		n += c
	}
	return n
}

// handleAsync handles a message beside the test and returns a function that
// waits for the end.
func (b *bench) handleAsync(key, id string) (wait func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.lane.Handle(msg(ctx, key, id)) }()
	wait = sync.OnceValue(func() error { return <-done })
	b.t.Cleanup(func() { cancel(); _ = wait() })
	return wait
}
