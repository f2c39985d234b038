package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/core/ledger"
)

// opener opens the database under test; opening it again finds what was written.
type opener func(t *testing.T) *ledger.Ledger

// sqliteFile returns an opener of one new file.
func sqliteFile(t *testing.T) opener {
	t.Helper()
	dsn := "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "data", "ledger.db"))
	return func(t *testing.T) *ledger.Ledger { return open(t, dsn) }
}

func open(t *testing.T, dsn string) *ledger.Ledger {
	t.Helper()
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

func TestSQLite(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	suite(t, sqliteFile)
}

// suite is what every database has to pass.
func suite(t *testing.T, fresh func(*testing.T) opener) {
	for name, test := range map[string]func(*testing.T, opener){
		"outcomes count once":                 testOutcomes,
		"trace by id and business key":        testTrace,
		"missing entries are found":           testUnjournaled,
		"parked keys are queues":              testParked,
		"dead letters":                        testDead,
		"replay keeps the order":              testReplayOrder,
		"held keys":                           testHold,
		"requeue":                             testRequeue,
		"redelivered before a lane":           testRedelivered,
		"filters":                             testFilters,
		"sequences have no gaps":              testSequences,
		"state is compare-and-set":            testState,
		"controls and positions":              testControls,
		"counts are exact":                    testCounts,
		"prune":                               testPrune,
		"two nodes":                           testTwoNodes,
		"a refused write hurts no other":      testRefused,
		"text that a database would refuse":   testBrokenText,
		"everything is there after reopening": testReopen,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func outcome(id, state string) ledger.Outcome {
	return ledger.Outcome{Lane: "r/erp.orders", MessageID: id, State: state, Attempt: 1, Hop: ledger.Hop{
		MessageID: id, Correlation: "c-" + id, Route: "r", Target: "erp.orders", Stage: "lane", State: state,
		Keys: map[string]string{"order": "no-" + id},
	}}
}

func testOutcomes(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	for range 3 {
		check(t, l.Complete(ctx, outcome("m1", ledger.Delivered)))
	}
	check(t, l.Complete(ctx, outcome("m2", ledger.Duplicate)))
	check(t, l.Complete(ctx, outcome("m3", ledger.Filtered)))
	for id, want := range map[string]bool{"m1": true, "m2": true, "m3": true, "m4": false} {
		if got := must[bool](t)(l.Completed(ctx, "r/erp.orders", id)); got != want {
			t.Errorf("Completed(%s) = %v, want %v", id, got, want)
		}
	}
	if must[bool](t)(l.Completed(ctx, "other/lane", "m1")) {
		t.Error("a message completed in one lane counts in another")
	}
	counts := must[[]ledger.RouteCount](t)(l.Counts(ctx))
	want := ledger.RouteCount{Route: "r", Target: "erp.orders", Delivered: 2, Duplicates: 1, Filtered: 1}
	if len(counts) != 1 || counts[0] != want {
		t.Errorf("counts are %+v, want %+v", counts, want)
	}
	if last := must[map[string]time.Time](t)(l.LastEffect(ctx)); time.Since(last["r/erp.orders"]) > time.Minute {
		t.Errorf("last effects are %v", last)
	}
}

func testTrace(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	keys := map[string]string{"order": "4711", "gtin": "gtin:04012345678901"}
	l.Journal(
		ledger.Hop{MessageID: "shop.orders/1", Correlation: "c1", Stage: "received", State: "received", At: at, After: []byte(`{"raw":1}`)},
		ledger.Hop{
			MessageID: "shop.orders/1#r", Causation: "shop.orders/1", Correlation: "c1", Route: "r", Stage: "canonical", State: "mapped",
			At: at.Add(time.Millisecond), Took: 17 * time.Microsecond, Before: []byte(`{"raw":1}`), After: []byte(`{"orderNumber":"4711"}`), Keys: keys, Trace: "00-ab",
		},
		ledger.Hop{MessageID: "wms.shipments/9#s", Correlation: "c2", Stage: "canonical", State: "mapped", At: at.Add(time.Hour), Keys: map[string]string{"order": "4711"}},
		ledger.Hop{MessageID: "shop.orders/2", Correlation: "c3", Stage: "received", State: "received", At: at, Keys: map[string]string{"order": "4712"}},
	)
	o := outcome("shop.orders/1#r", ledger.Delivered)
	o.ExternalID, o.Hop.Correlation, o.Hop.At = "SO-900", "c1", at.Add(2*time.Millisecond)
	check(t, l.Complete(ctx, o))
	for id, want := range map[string]int{
		"4711": 4, "gtin:04012345678901": 3, "04012345678901": 3, "c1": 3, "shop.orders/1": 3, "shop.orders/1#r": 3,
		"shop.orders/1#r@erp.orders": 3, "SO-900": 3, "4712": 1, "c2": 1, "unknown": 0, "' OR 1=1 --": 0,
	} {
		hops := must[[]ledger.Hop](t)(l.Trace(ctx, id))
		if len(hops) != want {
			t.Errorf("trace of %q has %d hops, want %d: %+v", id, len(hops), want, hops)
		}
	}
	hop := must[[]ledger.Hop](t)(l.Trace(ctx, "4711"))[1]
	if string(hop.Before) != `{"raw":1}` || string(hop.After) != `{"orderNumber":"4711"}` || hop.Took != 17*time.Microsecond ||
		!hop.At.Equal(at.Add(time.Millisecond)) || hop.Keys["gtin"] != "gtin:04012345678901" || hop.Trace != "00-ab" || hop.Causation != "shop.orders/1" {
		t.Errorf("the hop came back as %+v", hop)
	}
}

func testUnjournaled(t *testing.T, open opener) {
	l := open(t)
	l.Journal(
		ledger.Hop{MessageID: "m1", Stage: "received", State: "received"},
		ledger.Hop{MessageID: "m2", Stage: "received", State: "duplicate"},
		ledger.Hop{MessageID: "m3", Stage: "canonical", State: "mapped"},
	)
	check(t, l.Flush(t.Context()))
	same(t, "missing", must[[]string](t)(l.Unjournaled(t.Context(), "received", "received", []string{"m0", "m1", "m2", "m3"})), []string{"m0", "m2", "m3"})
	same(t, "missing of none", must[[]string](t)(l.Unjournaled(t.Context(), "received", "received", nil)), []string(nil))
}

func parked(key, id string) ledger.Parked {
	return ledger.Parked{
		Lane: "r/erp.orders", Key: key, MessageID: id, Route: "r", Target: "erp.orders", Attempt: 1, NextAt: time.Now().Add(-time.Second),
		Class: "RETRYABLE", LastError: "busy", Payload: []byte(`{"id":"` + id + `"}`), Metadata: map[string]string{"key": key},
	}
}

// due returns the ids of the heads that are due now.
func due(t *testing.T, l *ledger.Ledger) []string {
	t.Helper()
	var ids []string
	for _, p := range must[[]ledger.Parked](t)(l.ParkedDue(t.Context(), "r/erp.orders", time.Now(), 100)) {
		ids = append(ids, p.MessageID)
	}
	return ids
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func testParked(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	check(t, l.Park(ctx, parked("A", "a1")))
	check(t, l.Park(ctx, parked("A", "a2")))
	check(t, l.Park(ctx, parked("A", "a1"))) // handed out again after a crash
	late := parked("B", "b1")
	late.NextAt = time.Now().Add(time.Hour)
	check(t, l.Park(ctx, late))
	same(t, "keys", must[[]string](t)(l.ParkedKeys(ctx, "r/erp.orders")), "[A B]")
	same(t, "due", due(t, l), "[a1]")
	s := must[ledger.Standing](t)(l.Standing(ctx, "r/erp.orders", "a2", "A"))
	same(t, "standing", s, ledger.Standing{State: "parked", KeyWaits: true})
	same(t, "standing of a newcomer", must[ledger.Standing](t)(l.Standing(ctx, "r/erp.orders", "a3", "A")), ledger.Standing{KeyWaits: true})
	check(t, l.Reschedule(ctx, "r/erp.orders", "a1", 2, time.Now().Add(time.Hour), "THROTTLED", "slow down"))
	same(t, "due while the head waits", due(t, l), "[]")
	o := outcome("a1", ledger.Delivered)
	check(t, l.Unpark(ctx, "r/erp.orders", "a1", &o))
	same(t, "due after the head left", due(t, l), "[a2]")
	head, ok, err := l.ParkedHead(ctx, "r/erp.orders", "A")
	check(t, err)
	if !ok || head.MessageID != "a2" || string(head.Payload) != `{"id":"a2"}` || head.Metadata["key"] != "A" || head.FirstAt.IsZero() {
		t.Errorf("the head is %+v", head)
	}
	check(t, l.Unpark(ctx, "r/erp.orders", "a2", nil))
	same(t, "keys at the end", must[[]string](t)(l.ParkedKeys(ctx, "r/erp.orders")), "[B]")
	waiting := must[map[string]ledger.LaneWaiting](t)(l.Waiting(ctx))["r/erp.orders"]
	if waiting.Parked != 1 || waiting.Held != 0 || time.Since(waiting.Oldest) > time.Minute {
		t.Errorf("waiting is %+v", waiting)
	}
	if c := must[[]ledger.RouteCount](t)(l.Counts(ctx))[0]; c.Parked != 3 || c.Delivered != 1 {
		t.Errorf("counts are %+v", c)
	}
}

func testSequences(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint64]string{}
	for i := range 50 {
		wg.Go(func() {
			bind := fmt.Sprintf("doc-%d", i/2) // every document twice
			n, err := l.SequenceNext(ctx, "erp", "ISA13", bind)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if have, ok := seen[n]; ok && have != bind {
				t.Errorf("number %d for %s and %s", n, have, bind)
			}
			seen[n] = bind
		})
	}
	wg.Wait()
	for n := uint64(1); n <= 25; n++ {
		if seen[n] == "" {
			t.Errorf("number %d was never drawn", n)
		}
	}
	same(t, "unbound", must[uint64](t)(l.SequenceNext(ctx, "erp", "ISA13", "")), 26)
	same(t, "other instance", must[uint64](t)(l.SequenceNext(ctx, "erp2", "ISA13", "")), 1)
}

func testState(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	_, rev, err := l.StateGet(ctx, "i", "k")
	check(t, err)
	same(t, "revision of nothing", rev, 0)
	same(t, "created", must[uint64](t)(l.StatePut(ctx, "i", "k", []byte("a"), 0)), 1)
	if _, err := l.StatePut(ctx, "i", "k", []byte("b"), 0); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	same(t, "changed", must[uint64](t)(l.StatePut(ctx, "i", "k", []byte("b"), 1)), 2)
	if _, err := l.StatePut(ctx, "i", "k", []byte("c"), 1); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("lost race: %v", err)
	}
	val, rev, err := l.StateGet(ctx, "i", "k")
	check(t, err)
	same(t, "value", fmt.Sprintf("%s %d", val, rev), "b 2")
}

func testControls(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	check(t, l.SetControl(ctx, "route", "shop", "paused", "ann"))
	check(t, l.SetControl(ctx, "route", "shop", "paused", "ann"))
	same(t, "controls", must[map[[2]string]string](t)(l.Controls(ctx)), map[[2]string]string{{"route", "shop"}: "paused"})
	check(t, l.SetControl(ctx, "route", "shop", "", "bob"))
	same(t, "controls", must[map[[2]string]string](t)(l.Controls(ctx)), map[[2]string]string{})
	same(t, "audit entries", len(must[[]ledger.AuditEntry](t)(l.AuditList(ctx, "route shop", 10))), 2)
	same(t, "position", must[[]byte](t)(l.Position(ctx, "shop.orders")), []byte(nil))
	check(t, l.SetPosition(ctx, "shop.orders", []byte("1")))
	check(t, l.SetPosition(ctx, "shop.orders", []byte("2")))
	same(t, "position", string(must[[]byte](t)(l.Position(ctx, "shop.orders"))), "2")
}

func testCounts(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("m-%d-%d", g, i)
				l.Count("r", "", "received", 1)
				if err := l.Complete(ctx, outcome(id, ledger.Delivered)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	check(t, l.Flush(ctx))
	same(t, "counts", must[[]ledger.RouteCount](t)(l.Counts(ctx)),
		[]ledger.RouteCount{{Route: "r", Received: 320}, {Route: "r", Target: "erp.orders", Delivered: 320}})
}

func testPrune(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	old := outcome("old", ledger.Delivered)
	old.At = time.Now().Add(-100 * time.Hour)
	old.Hop.At = old.At
	check(t, l.Complete(ctx, old))
	check(t, l.Complete(ctx, outcome("new", ledger.Delivered)))
	must[string](t)(l.Bury(ctx, dead("A", "a1"), false))
	if n := must[int64](t)(l.Prune(ctx, time.Now().Add(-time.Hour))); n != 2 {
		t.Errorf("%d rows pruned, want the old hop and the old outcome", n)
	}
	same(t, "old hops", len(must[[]ledger.Hop](t)(l.Trace(ctx, "old"))), 0)
	same(t, "new hops", len(must[[]ledger.Hop](t)(l.Trace(ctx, "no-new"))), 1)
	same(t, "dead letters", len(must[[]ledger.Dead](t)(l.DeadList(ctx, ledger.DeadFilter{}))), 1)
	must[int64](t)(l.Prune(ctx, time.Now().Add(time.Hour)))
	same(t, "standing of a dead letter", must[ledger.Standing](t)(l.Standing(ctx, "r/erp.orders", "a1", "A")).State, "dead")
	same(t, "hops by a key that was pruned", len(must[[]ledger.Hop](t)(l.Trace(ctx, "no-new"))), 0)
}

// testTwoNodes has two ledgers on one database write at the same time.
func testTwoNodes(t *testing.T, open opener) {
	ctx := t.Context()
	nodes := []*ledger.Ledger{open(t), open(t)}
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			l := nodes[g%2]
			for i := range 20 {
				id := fmt.Sprintf("%d-%d", g, i)
				if err := l.Complete(ctx, outcome(id, ledger.Delivered)); err != nil {
					t.Error(err)
				}
				if _, err := l.SequenceNext(ctx, "erp", "n", fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
				if _, err := l.Bury(ctx, dead("A", "x-"+id), false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	c := must[[]ledger.RouteCount](t)(nodes[0].Counts(ctx))[0]
	same(t, "counts", fmt.Sprint(c.Delivered, c.Dead), "320 320")
	same(t, "next number", must[uint64](t)(nodes[1].SequenceNext(ctx, "erp", "n", "")), 21)
	letters := must[[]ledger.Dead](t)(nodes[1].DeadList(ctx, ledger.DeadFilter{}))
	same(t, "newest dead letter", letters[0].ID, "d-000320")
}

// testRefused has a refused write share commits with good ones.
func testRefused(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if i%4 == 0 {
				if _, err := l.DeadReplay(ctx, []string{"d-000777"}, "ann", ""); !errors.Is(err, ledger.ErrNotFound) {
					t.Errorf("replay of nothing: %v", err)
				}
				return
			}
			if err := l.Complete(ctx, outcome(fmt.Sprint(i), ledger.Delivered)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same(t, "delivered", must[[]ledger.RouteCount](t)(l.Counts(ctx))[0].Delivered, 30)
}

func testBrokenText(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	o := outcome("m\x00\xff", ledger.Delivered)
	o.Hop.Detail, o.Hop.Keys = "a\x00b\xff", map[string]string{"order\x00": "47\x0011"}
	check(t, l.Complete(ctx, o))
	if !must[bool](t)(l.Completed(ctx, o.Lane, o.MessageID)) {
		t.Error("not completed")
	}
	same(t, "hops", len(must[[]ledger.Hop](t)(l.Trace(ctx, "47\x0011"))), 1)
}

func testReopen(t *testing.T, open opener) {
	ctx := context.Background()
	l := open(t)
	check(t, l.Complete(ctx, outcome("m1", ledger.Delivered)))
	l.Journal(ledger.Hop{MessageID: "m9", Correlation: "c9"})
	l.Count("r", "", "received", 7)
	check(t, l.Close())
	if err := l.Complete(ctx, outcome("m2", ledger.Delivered)); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	l = open(t)
	if !must[bool](t)(l.Completed(ctx, "r/erp.orders", "m1")) {
		t.Error("the outcome is gone")
	}
	same(t, "journaled just before Close", len(must[[]ledger.Hop](t)(l.Trace(ctx, "c9"))), 1)
	same(t, "received", must[[]ledger.RouteCount](t)(l.Counts(ctx))[0].Received, 7)
}
