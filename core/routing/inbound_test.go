package routing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/core/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const note = `{"id": "7", "name": "Berlin", "open": "yes"}`

func TestInboundPublishesTheCanonicalEvent(t *testing.T) {
	in, p, b := inbound(t, good+"key: out.name\npriority: critical\n")
	if err := in.Handle(received("1", note)); err != nil {
		t.Fatal(err)
	}
	if len(p.list) != 1 || len(b.dead) != 0 {
		t.Fatalf("published %d, dead %+v", len(p.list), b.dead)
	}
	m := p.list[0]
	if m.UUID != "shop.notes/1#notes" || !strings.HasPrefix(m.topic, "canonical.location.") || !strings.Contains(m.topic, ".notes.") || !strings.HasSuffix(m.topic, ".critical") {
		t.Errorf("id %s, topic %s", m.UUID, m.topic)
	}
	for k, want := range map[string]string{
		engine.MetaKey: "Berlin", engine.MetaRoute: "notes", engine.MetaEntity: "location", engine.MetaClass: "critical", engine.MetaSchema: "location/1.0",
		engine.MetaCorrelation: "shop.notes/1", engine.MetaCausation: "shop.notes/1", "key.file": "a.csv",
	} {
		if got := m.Metadata.Get(k); got != want {
			t.Errorf("metadata %s is %q, expected %q", k, got, want)
		}
	}
	if len(b.hops) != 1 || b.hops[0].State != "mapped" || string(b.hops[0].Before) != note || len(b.hops[0].After) == 0 {
		t.Errorf("journal %+v", b.hops)
	}
}

func TestInboundFilters(t *testing.T) {
	in, p, b := inbound(t, good+"where: src.open == \"yes\"\n")
	if err := in.Handle(received("1", `{"id": "7", "name": "x", "open": "no"}`)); err != nil {
		t.Fatal(err)
	}
	if len(p.list) != 0 || b.counts["notes filtered"] != 1 || b.hops[0].State != "filtered" {
		t.Errorf("published %d, counted %v, journal %+v", len(p.list), b.counts, b.hops)
	}
}

// One bad part becomes a dead letter of its own, which is not split again when
// it is replayed; the other parts go on.
func TestInboundSplits(t *testing.T) {
	in, p, b := inbound(t, good+"split: src.list\n")
	doc := `{"list": [{"id": "1", "name": "a"}, {"name": "b"}, {"id": "3", "name": "c"}]}`
	if err := in.Handle(received("1", doc)); err != nil {
		t.Fatal(err)
	}
	if len(p.list) != 2 || p.list[0].UUID != "shop.notes/1#notes#1" || p.list[1].UUID != "shop.notes/1#notes#3" {
		t.Fatalf("published %+v", p.list)
	}
	if len(b.dead) != 1 {
		t.Fatalf("dead letters %+v", b.dead)
	}
	d := b.dead[0]
	if d.MessageID != "shop.notes/1#notes#2" || d.Stage != "map" || d.Route != "notes" || d.Target != "shop.notes" || d.Metadata[MetaPart] != "2" || !strings.Contains(string(d.Payload), `"b"`) {
		t.Errorf("dead letter %+v", d)
	}

	replayed := received("1#notes#2~r1", `{"id": "2", "name": "corrected"}`)
	replayed.Metadata.Set(MetaPart, d.Metadata[MetaPart])
	replayed.Metadata.Set(MetaOnly, "notes")
	if err := in.Handle(replayed); err != nil {
		t.Fatal(err)
	}
	last := p.list[len(p.list)-1]
	if len(p.list) != 3 || !strings.Contains(string(last.Payload), "corrected") {
		t.Errorf("the corrected part was not published: %+v", p.list)
	}
	if last.Metadata.Get(MetaPart) != "" || last.Metadata.Get(MetaOnly) != "" {
		t.Errorf("marks of the replay travel on: %v", last.Metadata)
	}
}

func TestInboundSplitIntoNothing(t *testing.T) {
	in, p, b := inbound(t, good+"split: src.list\n")
	if err := in.Handle(received("1", `{"list": []}`)); err != nil {
		t.Fatal(err)
	}
	if len(p.list) != 0 || b.counts["notes filtered"] != 1 {
		t.Errorf("published %d, counted %v", len(p.list), b.counts)
	}
}

func TestInboundBuriesWhatCannotBeMapped(t *testing.T) {
	for _, c := range []struct{ name, extra, doc, code string }{
		{"required field missing", "", `{"name": "no id"}`, "mapping"},
		{"not JSON", "", `{"id": `, "mapping"},
		{"where fails", "where: src.missing.deep == 1\n", note, "route"},
		{"split fails", "split: src.missing\n", note, "route"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, p, b := inbound(t, good+c.extra)
			if err := in.Handle(received("1", c.doc)); err != nil {
				t.Fatalf("it would come again for ever: %v", err)
			}
			if len(p.list) != 0 || len(b.dead) != 1 {
				t.Fatalf("published %d, dead letters %+v", len(p.list), b.dead)
			}
			d := b.dead[0]
			if string(d.Payload) != c.doc || d.Code != c.code || d.Reason == "" || d.State != "dead" || d.Keys["file"] != "a.csv" {
				t.Errorf("dead letter %+v", d)
			}
		})
	}
}

// When nothing can be made durable the message must come again, and with the
// ids that it had, so that the second try is no second event.
func TestInboundFailsWhenNothingIsDurable(t *testing.T) {
	in, p, b := inbound(t, good)
	p.fail = errFull
	if err := in.Handle(received("1", note)); !errors.Is(err, errFull) {
		t.Fatalf("found %v", err)
	}
	if len(b.hops) != 0 || len(b.dead) != 0 {
		t.Errorf("written down although nothing happened: %+v %+v", b.hops, b.dead)
	}
	p.fail = nil
	for range 2 {
		if err := in.Handle(received("1", note)); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.list) != 1 {
		t.Errorf("%d events of one message", len(p.list))
	}

	b.fail = errors.New("disk full")
	if err := in.Handle(received("2", `{}`)); !errors.Is(err, b.fail) {
		t.Errorf("a dead letter that was not kept was acknowledged: %v", err)
	}
}

// Mapping again gives the same bytes, although time has passed.
func TestInboundIsRepeatable(t *testing.T) {
	in, p, _ := inbound(t, good)
	if err := in.Handle(received("1", note)); err != nil {
		t.Fatal(err)
	}
	p.seen = nil
	in.now = func() time.Time { return noon.Add(time.Hour) }
	if err := in.Handle(received("1", note)); err != nil {
		t.Fatal(err)
	}
	if a, b := string(p.list[0].Payload), string(p.list[1].Payload); a != b {
		t.Errorf("first\n%s\nthen\n%s", a, b)
	}
}

func TestInboundLeavesReplaysOfOtherRoutes(t *testing.T) {
	in, p, b := inbound(t, good)
	m := received("1~r1", note)
	m.Metadata.Set(MetaOnly, "another")
	if err := in.Handle(m); err != nil || len(p.list)+len(b.dead)+len(b.hops) != 0 {
		t.Errorf("found %v, %+v", err, p.list)
	}
}

func TestPausedRouteHolds(t *testing.T) {
	in, p, _ := inbound(t, good)
	in.gate.shut()
	in.gate.shut() // twice is once
	m := received("1", note)
	ctx, cancel := context.WithCancel(context.Background())
	m.SetContext(ctx)
	done := make(chan error, 1)
	go func() { done <- in.Handle(m) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || len(p.list) != 0 {
		t.Fatalf("a paused route let %d messages through: %v", len(p.list), err)
	}
	m = received("1", note)
	go func() { done <- in.Handle(m) }()
	in.gate.reopen()
	if err := <-done; err != nil || len(p.list) != 1 {
		t.Errorf("after resume: %v, %d published", err, len(p.list))
	}
}
