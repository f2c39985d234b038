package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/crossdock/crossdock/core/ledger"
)

func dead(key, id string) ledger.Dead {
	return ledger.Dead{
		Lane: "r/erp.orders", Route: "r", Target: "erp.orders", Key: key, MessageID: id, Correlation: "c-" + id, Stage: "deliver",
		Class: "PERMANENT", Code: "http.422", Reason: "unknown SKU", Payload: []byte(`{"sku":"X"}`), ContentType: "application/json",
		Metadata: map[string]string{"key": key}, Keys: map[string]string{"order": id}, Attempts: 1,
	}
}

func testDead(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	check(t, l.Park(ctx, parked("A", "a1")))
	id := must[string](t)(l.Bury(ctx, dead("A", "a1"), true))
	same(t, "id", id, "d-000001")
	same(t, "id when buried again", must[string](t)(l.Bury(ctx, dead("A", "a1"), true)), "d-000001")
	same(t, "next id", must[string](t)(l.Bury(ctx, dead("A", "a2"), false)), "d-000002")
	same(t, "parked keys", must[[]string](t)(l.ParkedKeys(ctx, "r/erp.orders")), "[]")
	same(t, "standing", must[ledger.Standing](t)(l.Standing(ctx, "r/erp.orders", "a1", "A")).State, "dead")
	if must[bool](t)(l.Completed(ctx, "r/erp.orders", "a1")) {
		t.Error("a dead letter counts as completed")
	}

	check(t, l.DeadEdit(ctx, id, []byte(`{"sku":"Y"}`), "ann", "typo"))
	d := must[ledger.Dead](t)(l.DeadGet(ctx, "d-1"))
	if !d.Edited || string(d.Payload) != `{"sku":"Y"}` || d.Reason != "unknown SKU" || d.Keys["order"] != "a1" || d.State != ledger.DeadLetter {
		t.Errorf("after the edit: %+v", d)
	}
	same(t, "replayed", must[int](t)(l.DeadReplay(ctx, []string{id}, "ann", "fixed")), 1)
	same(t, "replayed twice", must[int](t)(l.DeadReplay(ctx, []string{id}, "ann", "again")), 0)
	same(t, "due", due(t, l), "[a1]")
	if head, _, _ := l.ParkedHead(ctx, "r/erp.orders", "A"); string(head.Payload) != `{"sku":"Y"}` || head.Attempt != 0 {
		t.Errorf("replayed as %+v", head)
	}
	same(t, "id after failing again", must[string](t)(l.Bury(ctx, dead("A", "a1"), true)), "d-000001")
	same(t, "state after failing again", must[ledger.Dead](t)(l.DeadGet(ctx, id)).State, ledger.DeadLetter)

	same(t, "discarded", must[int](t)(l.DeadDiscard(ctx, []string{id, "d-000002"}, "bob", "test data")), 2)
	if !must[bool](t)(l.Completed(ctx, "r/erp.orders", "a1")) {
		t.Error("a discarded message would be delivered when the stream repeats it")
	}
	audit := must[[]ledger.AuditEntry](t)(l.AuditList(ctx, id, 10))
	var actions []string
	for _, a := range audit {
		actions = append(actions, a.By+" "+a.Action+" "+a.Why)
	}
	same(t, "audit", actions, "[bob discard test data ann replay fixed ann edit typo]")
	if edit := audit[2]; string(edit.Before) != `{"sku":"X"}` || string(edit.After) != `{"sku":"Y"}` {
		t.Errorf("the audit entry of the edit holds %s and %s", edit.Before, edit.After)
	}
	if err := l.DeadEdit(ctx, id, []byte(`{}`), "bob", ""); err == nil {
		t.Error("a discarded letter was edited")
	}
	if _, err := l.DeadReplay(ctx, []string{"d-000002", "d-000099"}, "bob", ""); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("replay of an unknown id: %v", err)
	}
	if _, err := l.DeadGet(ctx, "17"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("malformed id: %v", err)
	}
	if hops := must[[]ledger.Hop](t)(l.Trace(ctx, id)); len(hops) != 5 {
		t.Errorf("trace by dead letter id has %d hops: %+v", len(hops), hops)
	}
	if c := must[[]ledger.RouteCount](t)(l.Counts(ctx))[0]; c.Dead != 3 {
		t.Errorf("counts are %+v", c)
	}
}

func testReplayOrder(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	var ids []string
	for _, m := range []string{"a1", "a2"} {
		ids = append(ids, must[string](t)(l.Bury(ctx, dead("A", m), false)))
	}
	check(t, l.Park(ctx, parked("A", "a3")))
	same(t, "replayed", must[int](t)(l.DeadReplay(ctx, []string{ids[1], ids[0], ids[1]}, "ann", "")), 2)
	var order []string
	for {
		head, ok, err := l.ParkedHead(ctx, "r/erp.orders", "A")
		check(t, err)
		if !ok {
			break
		}
		same(t, "due", due(t, l), "["+head.MessageID+"]")
		order = append(order, head.MessageID)
		check(t, l.Unpark(ctx, "r/erp.orders", head.MessageID, nil))
	}
	same(t, "order", order, "[a1 a2 a3]")
}

func testHold(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	id := must[string](t)(l.Hold(ctx, parked("A", "a1"), dead("A", "a1")))
	check(t, l.Park(ctx, parked("A", "a2")))
	same(t, "due", due(t, l), "[]")
	same(t, "state", must[ledger.Dead](t)(l.DeadGet(ctx, id)).State, ledger.HeldLetter)
	check(t, l.DeadEdit(ctx, id, []byte(`{"sku":"Y"}`), "ann", "typo"))
	must[int](t)(l.DeadReplay(ctx, []string{id}, "ann", ""))
	same(t, "due after replay", due(t, l), "[a1]")
	if head, _, _ := l.ParkedHead(ctx, "r/erp.orders", "A"); string(head.Payload) != `{"sku":"Y"}` || head.Held {
		t.Errorf("replayed as %+v", head)
	}
	same(t, "id when held again", must[string](t)(l.Hold(ctx, parked("A", "a1"), dead("A", "a1"))), id)
	same(t, "due when held again", due(t, l), "[]")
	must[int](t)(l.DeadDiscard(ctx, []string{id}, "ann", ""))
	same(t, "due after discard", due(t, l), "[a2]")
	if !must[bool](t)(l.Completed(ctx, "r/erp.orders", "a1")) {
		t.Error("the discarded message has no outcome")
	}
}

func testRequeue(t *testing.T, open opener) {
	l, ctx, here := open(t), t.Context(), []string{"shop.orders", "shop.prices"}
	d := dead("", "shop.orders/1#r")
	d.Lane, d.Stage, d.Target = "", "map", "shop.orders"
	id := must[string](t)(l.Bury(ctx, d, false))
	same(t, "requeued before", must[[]ledger.Dead](t)(l.Requeued(ctx, here, 10)), "[]")
	must[int](t)(l.DeadReplay(ctx, []string{id}, "ann", ""))
	list := must[[]ledger.Dead](t)(l.Requeued(ctx, here, 10))
	if len(list) != 1 || list[0].ID != id || list[0].Replays != 1 {
		t.Fatalf("requeued are %+v", list)
	}
	same(t, "requeued from elsewhere", must[[]ledger.Dead](t)(l.Requeued(ctx, []string{"shop.prices"}, 10)), "[]")
	same(t, "requeued from nowhere", must[[]ledger.Dead](t)(l.Requeued(ctx, nil, 10)), "[]")
	same(t, "requeued by source", must[map[string]int](t)(l.RequeuedCount(ctx)), "map[shop.orders:1]")
	check(t, l.RequeueDone(ctx, id))
	same(t, "requeued after", must[[]ledger.Dead](t)(l.Requeued(ctx, here, 10)), "[]")
	same(t, "state", must[ledger.Dead](t)(l.DeadGet(ctx, id)).State, ledger.ReplayedLetter)
}

// testRedelivered: a message that failed before a lane and is handed out once more
// (the process ended before it was acknowledged) undoes nothing that a person
// decided meanwhile. Its replay has an id of its own.
func testRedelivered(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	for n, stage := range []string{"map", "intake"} {
		d := dead("", "shop.orders/1")
		d.Lane, d.Stage, d.Target = "", stage, "shop.orders"
		id := must[string](t)(l.Bury(ctx, d, false))
		check(t, l.DeadEdit(ctx, id, []byte(`"corrected"`), "ann", ""))
		must[int](t)(l.DeadReplay(ctx, []string{id}, "ann", ""))
		same(t, "id", must[string](t)(l.Bury(ctx, d, false)), id)
		list := must[[]ledger.Dead](t)(l.Requeued(ctx, []string{"shop.orders"}, 10))
		if len(list) != 1 || string(list[0].Payload) != `"corrected"` {
			t.Fatalf("stage %s: the replay is undone: %+v", stage, list)
		}
		check(t, l.RequeueDone(ctx, id))
		must[string](t)(l.Bury(ctx, d, false))
		same(t, "state", must[ledger.Dead](t)(l.DeadGet(ctx, id)).State, ledger.ReplayedLetter)
		same(t, "counted", must[[]ledger.RouteCount](t)(l.Counts(ctx))[0].Dead, n+1)
	}
}

func testFilters(t *testing.T, open opener) {
	l, ctx := open(t), t.Context()
	must[string](t)(l.Bury(ctx, dead("A", "a1"), false))
	other := dead("B", "b1")
	other.Lane, other.Route, other.Target, other.Code, other.Class = "q/erp2.x", "q", "erp2.x", "bug", "BUG"
	other.At = time.Now().Add(-48 * time.Hour)
	must[string](t)(l.Bury(ctx, other, false))
	for name, c := range map[string]struct {
		f    ledger.DeadFilter
		want string
	}{
		"all":         {ledger.DeadFilter{}, "d-000002 d-000001"},
		"limit":       {ledger.DeadFilter{Limit: 1}, "d-000002"},
		"route":       {ledger.DeadFilter{Route: "q"}, "d-000002"},
		"connection":  {ledger.DeadFilter{Connection: "erp"}, "d-000001"},
		"code, class": {ledger.DeadFilter{Code: "bug", Class: "BUG"}, "d-000002"},
		"key":         {ledger.DeadFilter{Key: "A"}, "d-000001"},
		"since":       {ledger.DeadFilter{Since: time.Now().Add(-time.Hour)}, "d-000001"},
		"until":       {ledger.DeadFilter{Until: time.Now().Add(-time.Hour)}, "d-000002"},
		"ids":         {ledger.DeadFilter{IDs: []string{"d-000001", "d-000009"}}, "d-000001"},
		"injection":   {ledger.DeadFilter{Route: "q' OR '1'='1"}, ""},
		"state":       {ledger.DeadFilter{State: ledger.HeldLetter}, ""},
	} {
		got := ""
		for i, d := range must[[]ledger.Dead](t)(l.DeadList(ctx, c.f)) {
			if i > 0 {
				got += " "
			}
			got += d.ID
		}
		same(t, name, got, c.want)
	}
}
