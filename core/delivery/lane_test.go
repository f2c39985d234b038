package delivery_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func TestMain(m *testing.M) {
	// Each property check opens a database of its own; -rapid.checks=1000 still
	// does more of them.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

func TestDeliversAndJournals(t *testing.T) {
	b := start(t, nil)
	b.handle("A", "a1")
	b.handle("A", "a1") // handed out again
	same(t, "effects", b.sink.done(), "[a1]")
	same(t, "counts", b.counts(), ledger.RouteCount{Route: "r", Target: "erp.orders", Delivered: 1, Duplicates: 1})
	hops, err := b.ledger.Trace(t.Context(), "no-a1")
	if err != nil || len(hops) != 2 {
		t.Fatalf("trace: %+v, %v", hops, err)
	}
	if h := hops[0]; h.State != "delivered" || string(h.After) != `{"id":"a1"}` || h.Attempt != 1 || h.Correlation != "c-a1" || !strings.Contains(h.Detail, "X-a1@erp.orders") {
		t.Errorf("the hop is %+v", h)
	}
}

func TestFiltered(t *testing.T) {
	b := start(t, func(o *delivery.LaneOptions) {
		o.Prepare = func(context.Context, *message.Message) (*protocol.Record, bool, error) { return nil, true, nil }
	})
	b.handle("A", "a1")
	same(t, "effects", b.sink.done(), "[]")
	same(t, "filtered", b.counts().Filtered, 1)
}

func TestRetryKeepsTheKeysOrderAndNobodyElseWaits(t *testing.T) {
	b := start(t, func(o *delivery.LaneOptions) {
		o.Retry = delivery.Retry{Attempts: 100_000, Initial: time.Millisecond, Max: 2 * time.Millisecond}
	})
	release := make(chan struct{})
	b.sink.set(func(id string, _ int) *protocol.Problem {
		select {
		case <-release:
			return nil
		default:
		}
		if id == "a1@erp.orders" {
			return problem(protocol.Problem_CLASS_UNSPECIFIED) // counts as retryable
		}
		return nil
	})
	b.handle("A", "a1")
	b.handle("A", "a2")
	b.handle("A", "a3")
	for i := range 5 {
		b.handle("B", fmt.Sprint("b", i))
	}
	until(t, "retries of a1", func() bool { return b.sink.called("a1") >= 3 })
	same(t, "effects while a1 fails", b.sink.done(), "[b0 b1 b2 b3 b4]")
	close(release)
	until(t, "the queue of A to be empty", b.idle)
	same(t, "effects", b.sink.done()[5:], "[a1 a2 a3]")
	if c := b.counts(); c.Parked != 3 || c.Retried == 0 || c.Delivered != 8 {
		t.Errorf("counts are %+v", c)
	}
}

func TestDeadAfterAllAttempts(t *testing.T) {
	b := start(t, nil)
	b.sink.set(failing("a1", protocol.Problem_RETRYABLE, 1000))
	b.handle("A", "a1")
	b.handle("A", "a2")
	until(t, "the follower's delivery", func() bool { return len(b.sink.done()) == 1 && b.idle() })
	d := b.dead()
	if len(d) != 1 || d[0].MessageID != "a1" || d[0].Attempts != 4 || d[0].Class != "RETRYABLE" || d[0].Code != "test.retryable" {
		t.Fatalf("dead letters are %+v", d)
	}
	same(t, "calls", b.sink.called("a1"), 4)
	same(t, "retried", b.counts().Retried, 3)

	b.sink.set(nil)
	b.handle("A", "a3")
	if _, err := b.ledger.DeadReplay(t.Context(), []string{d[0].ID}, "ann", "mended"); err != nil {
		t.Fatal(err)
	}
	until(t, "the replayed delivery", func() bool { return len(b.sink.done()) == 3 })
	same(t, "effects", b.sink.done(), "[a2 a3 a1]")
}

func TestPermanentAndBugAreDeadAtOnce(t *testing.T) {
	b := start(t, nil)
	b.sink.set(func(id string, _ int) *protocol.Problem {
		switch id[:2] {
		case "a1":
			return problem(protocol.Problem_PERMANENT)
		case "b1":
			return problem(protocol.Problem_BUG)
		case "c1":
			panic("nil map")
		}
		return nil
	})
	for _, id := range []string{"a1", "a2", "b1", "c1", "c2"} {
		b.handle(id[:1], id)
		b.handle(id[:1], id) // a crash before the acknowledgement
	}
	same(t, "effects", b.sink.done(), "[a2 c2]")
	var got []string
	for _, d := range b.dead() {
		got = append(got, d.MessageID+" "+d.Class)
		if (d.Class == "BUG") != (d.Stack != "") && d.MessageID != "a1" {
			t.Errorf("stack of %s: %q", d.MessageID, d.Stack)
		}
	}
	same(t, "dead letters", got, "[c1 BUG b1 BUG a1 PERMANENT]")
	same(t, "dead", b.counts().Dead, 3)
}

func TestHoldKeepsTheKey(t *testing.T) {
	b := start(t, func(o *delivery.LaneOptions) { o.OnError = "hold" })
	b.sink.set(failing("a1", protocol.Problem_PERMANENT, 1000))
	for _, id := range []string{"a1", "a2", "b1"} {
		b.handle(id[:1], id)
	}
	same(t, "effects", b.sink.done(), "[b1]")
	d := b.dead()
	if len(d) != 1 || d[0].State != ledger.HeldLetter {
		t.Fatalf("dead letters are %+v", d)
	}
	b.sink.set(nil)
	if _, err := b.ledger.DeadReplay(t.Context(), []string{d[0].ID}, "ann", ""); err != nil {
		t.Fatal(err)
	}
	until(t, "the held key's delivery", b.idle)
	same(t, "effects", b.sink.done(), "[b1 a1 a2]")
}

func TestMappingErrorIsPermanent(t *testing.T) {
	b := start(t, func(o *delivery.LaneOptions) {
		o.Prepare = func(_ context.Context, m *message.Message) (*protocol.Record, bool, error) {
			switch m.UUID {
			case "a1":
				return nil, false, delivery.Permanent("mapping", errors.New("order.yaml:7:3: no such field"))
			case "b1":
				return nil, false, fmt.Errorf("enrich price: %w", &delivery.Failure{Class: protocol.Problem_RETRYABLE, Code: "price", Message: "busy"})
			}
			return &protocol.Record{Payload: m.Payload}, false, nil
		}
	})
	b.handle("A", "a1")
	b.handle("B", "b1")
	until(t, "both to die", func() bool { return len(b.dead()) == 2 })
	for _, d := range b.dead() {
		switch d.MessageID {
		case "a1":
			same(t, "a1", fmt.Sprint(d.Attempts, d.Code, " ", d.Reason), "1mapping mapping: order.yaml:7:3: no such field")
		case "b1":
			same(t, "b1", fmt.Sprint(d.Attempts, d.Class), "4RETRYABLE")
		}
	}
}

func TestUnreachableTargetCostsNoAttempts(t *testing.T) {
	b := start(t, nil)
	var down atomic.Bool
	down.Store(true)
	b.sink.err = func(string, int) error {
		if down.Load() {
			return &delivery.Failure{Class: protocol.Problem_NOT_CONNECTED, Code: "plugin.gone", Message: "connection refused"}
		}
		return nil
	}
	first := b.handleAsync("A", "a1")
	until(t, "the lane to notice", func() bool { return b.lane.Status().State == delivery.Unreachable })
	b.sink.watch()
	all := []func() error{first}
	for i := range 6 {
		all = append(all, b.handleAsync(fmt.Sprint("K", i), fmt.Sprint("k", i)))
	}
	n := b.totalCalls()
	until(t, "more probes than attempts are allowed", func() bool { return b.totalCalls() >= n+6 })
	same(t, "dead letters", len(b.dead()), 0)
	same(t, "nothing is parked", b.idle(), true)
	same(t, "probes at a time", b.sink.watch(), 1)
	down.Store(false)
	for _, wait := range all {
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
	same(t, "effects", len(b.sink.done()), 7)
	same(t, "state", b.lane.Status().State, delivery.Running)
	// Every message that met the outage was tried again, once in the count.
	if c := b.counts(); c.Dead != 0 || c.Parked != 0 || c.Retried < 1 || c.Retried > 7 || c.Delivered != 7 {
		t.Errorf("counts are %+v", c)
	}
}

func TestAuthStopsTheLaneUntilResumed(t *testing.T) {
	b := start(t, nil)
	b.sink.set(func(string, int) *protocol.Problem { return problem(protocol.Problem_AUTH) })
	first := b.handleAsync("A", "x1")
	until(t, "the lane to stop", func() bool { return b.lane.Status().State == delivery.Stopped })
	second := b.handleAsync("B", "x2")
	if r := b.lane.Status().Reason; !strings.Contains(r, "test.auth") {
		t.Errorf("the reason is %q", r)
	}
	same(t, "calls", b.totalCalls(), 1)
	b.sink.set(nil)
	b.lane.Resume()
	for _, wait := range []func() error{first, second} {
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
	same(t, "effects", len(b.sink.done()), 2)
	same(t, "dead letters", len(b.dead()), 0)
	if _, ok := b.events.Load("state stopped"); !ok {
		t.Error("nobody was alerted")
	}
}

func TestPauseHoldsAndShutdownGivesUp(t *testing.T) {
	b := start(t, nil)
	b.lane.Pause("maintenance")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.lane.Handle(msg(ctx, "A", "a1")) }()
	held := b.handleAsync("B", "b1")
	same(t, "status", b.lane.Status().Reason, "maintenance")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v", err)
	}
	same(t, "effects", b.sink.done(), "[]")
	b.lane.Resume()
	if err := held(); err != nil {
		t.Error(err)
	}
	same(t, "effects", b.sink.done(), "[b1]")
}

func TestThrottledWaitsAndShrinks(t *testing.T) {
	b := start(t, nil)
	const pause = 60 * time.Millisecond
	var throttled, went time.Time
	b.sink.set(func(id string, call int) *protocol.Problem {
		if call == 1 {
			throttled = time.Now()
			p := problem(protocol.Problem_THROTTLED)
			p.RetryAfter = durationpb.New(pause)
			return p
		}
		went = time.Now()
		return nil
	})
	b.handle("A", "a1")
	if waited := went.Sub(throttled); waited < pause {
		t.Errorf("tried again after %s, asked for %s", waited, pause)
	}
	if c := b.counts(); c.Delivered != 1 || c.Parked != 0 || c.Dead != 0 {
		t.Errorf("counts are %+v", c)
	}
}

func TestLedgerFailureIsNotAcknowledged(t *testing.T) {
	b := start(t, nil)
	broken := &brokenOnce{Ledger: b.ledger, fail: true}
	lane := b.newLane(func(o *delivery.LaneOptions) { o.Ledger = broken })
	if err := lane.Handle(msg(t.Context(), "A", "a1")); err == nil {
		t.Fatal("acknowledged without an outcome")
	}
	if err := lane.Handle(msg(t.Context(), "A", "a1")); err != nil {
		t.Fatal(err)
	}
	same(t, "effects", b.sink.done(), "[a1]")
	same(t, "calls", b.sink.called("a1"), 2)
	if c := b.counts(); c.Delivered != 1 || c.Duplicates != 1 {
		t.Errorf("counts are %+v", c)
	}
}

// brokenOnce loses the first outcome, as a crash between effect and ledger does.
type brokenOnce struct {
	delivery.Ledger
	fail bool
}

func (b *brokenOnce) Complete(ctx context.Context, o ledger.Outcome) error {
	if b.fail {
		b.fail = false
		return ledger.ErrFull
	}
	return b.Ledger.Complete(ctx, o)
}

func TestDeliveryIDs(t *testing.T) {
	m := msg(t.Context(), "A", "shop.orders/1#r")
	m.Metadata.Set(engine.MetaRoute, "r")
	ids := []string{
		delivery.DeliveryID("r/erp.orders", "r", "erp.orders", m), delivery.DeliveryID("r/erp.orders#2", "r", "erp.orders", m),
		delivery.DeliveryID("q/erp.orders", "q", "erp.orders", m),
	}
	same(t, "ids", ids, "[shop.orders/1#r@erp.orders shop.orders/1#r@erp.orders#2 shop.orders/1#r@erp.orders@q]")
}
