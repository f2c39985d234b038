package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/core/ledger"
)

// A route that was paused stays paused over a restart: not one message passes
// while the node starts.
func TestPausedRouteStaysPausedOverARestart(t *testing.T) {
	leaks(t)
	dir, w, log := project(t), newWorld(), &logged{}
	n, stop := start(t, dir, w, log)
	w.offer("1", `{"id": "1"}`)
	w.wait(t, 1)
	if err := n.Ledger.SetControl(t.Context(), "route", "notes", "paused", "test"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the route is paused", func() bool {
		s, err := n.Status(t.Context())
		return err == nil && s[0].State == "paused"
	})
	w.offer("2", `{"id": "2"}`)
	eventually(t, "the message is in the stream", func() bool {
		s, err := n.Status(t.Context())
		return err == nil && s[0].Lag == 1
	})
	began := time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping waited %s for a message that waits for a person", took)
	}

	n, stop = start(t, dir, w, log)
	if s, err := n.Status(t.Context()); err != nil || s[0].State != "paused" {
		t.Errorf("right after the start: %+v, %v", s, err)
	}
	time.Sleep(500 * time.Millisecond) // long enough for what must not happen
	if docs := w.wait(t, 1); len(docs) != 1 {
		t.Errorf("a paused route delivered %v", docs)
	}
	if err := n.Ledger.SetControl(t.Context(), "route", "notes", "resumed", "test"); err != nil {
		t.Fatal(err)
	}
	w.wait(t, 2)
	stop()
}

// Replayed letters whose source is in no route any more wait, and let those
// behind them go.
func TestReplaysOfARemovedRouteHoldNobodyUp(t *testing.T) {
	leaks(t)
	dir, w, log := project(t), newWorld(), &logged{}
	n, stop := start(t, dir, w, log)
	defer stop()
	var ids []string
	for i := range 70 {
		id, err := n.Ledger.Bury(t.Context(), ledger.Dead{
			Route: "gone", Target: "w.gone", MessageID: fmt.Sprint("w.gone/", i), Stage: "map", Class: "PERMANENT", Payload: []byte(`{}`),
		}, false)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	id, err := n.Ledger.Bury(t.Context(), ledger.Dead{
		Route: "notes", Target: "w.notes", MessageID: "w.notes/1", Stage: "map", Class: "PERMANENT", Payload: []byte(`{"id": "1"}`),
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Ledger.DeadReplay(t.Context(), append(ids, id), "test", "all of them"); err != nil {
		t.Fatal(err)
	}
	if docs := w.wait(t, 1); docs[0] != `{"id":"1"}` {
		t.Errorf("arrived %v", docs)
	}
	eventually(t, "the log names what waits", func() bool { return strings.Contains(log.text(), "w.gone") })
}

// What is parked for a target that is no longer in the project is not delivered
// by anybody; the node says so.
func TestParkedForARemovedTargetIsTold(t *testing.T) {
	leaks(t)
	dir, w, log := project(t), newWorld(), &logged{}
	write(t, dir, "routes/gone.yaml", route("gone", "w.more"))
	n, stop := start(t, dir, w, log)
	if err := n.Ledger.Park(t.Context(), ledger.Parked{
		Lane: "gone/w.more", Key: "A", MessageID: "a1", Route: "gone", Target: "w.more", NextAt: time.Now().Add(time.Hour), Payload: []byte(`{}`),
	}); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := os.Remove(filepath.Join(dir, "routes/gone.yaml")); err != nil {
		t.Fatal(err)
	}
	_, stop = start(t, dir, w, log)
	stop()
	if text := log.text(); !strings.Contains(text, "lane=gone/w.more") || !strings.Contains(text, "parked=1") {
		t.Errorf("logged:\n%s", text)
	}
}
