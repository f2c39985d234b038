package node

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/crossdock/crossdock/core/ledger"
)

// What a crash took from the journal is there again after the next start, with
// the count of what was received; what it did not take is there once.
func TestJournalIsCompletedAfterACrash(t *testing.T) {
	dir, w, log := project(t), newWorld(), &logged{}
	n, stop := start(t, dir, w, log)
	for _, id := range []string{"1", "2", "3"} {
		w.offer(id, `{"id": "`+id+`"}`)
	}
	w.wait(t, 3)
	w.offer("4", `{"name": "no id"}`)
	var dead []ledger.Dead
	eventually(t, "a dead letter", func() bool {
		var err error
		if dead, err = n.Ledger.DeadList(t.Context(), ledger.DeadFilter{}); err != nil {
			t.Fatal(err)
		}
		return len(dead) == 1
	})
	if err := n.Ledger.DeadEdit(t.Context(), dead[0].ID, []byte(`{"id": "4"}`), "test", "the id"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Ledger.DeadReplay(t.Context(), []string{dead[0].ID}, "test", "again"); err != nil {
		t.Fatal(err)
	}
	w.wait(t, 4)
	stop()

	db, err := sql.Open("sqlite", filepath.Join(dir, "data", "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`DELETE FROM hops WHERE stage IN ('received', 'canonical') AND message_id LIKE 'w.notes/2%'`,
		`UPDATE route_counts SET received = received - 1 WHERE target = ''`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	n, stop = start(t, dir, w, log)
	defer stop()
	for id, want := range map[string]string{
		"w.notes/1": "received/received canonical/mapped lane/delivered",
		"w.notes/2": "received/received canonical/mapped lane/delivered",
		"w.notes/3": "received/received canonical/mapped lane/delivered",
	} {
		hops, err := n.Ledger.Trace(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range hops {
			got = append(got, h.Stage+"/"+h.State)
			if h.Stage != "lane" && (len(h.After) == 0 || h.Route != "notes" || h.At.IsZero()) {
				t.Errorf("%s: entry %+v", id, h)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", id, s, want)
		}
	}
	counts, err := n.Ledger.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var received int64
	for _, c := range counts {
		received += c.Received
	}
	if received != 4 {
		t.Errorf("%d are counted as received, 4 were: a replay is none", received)
	}
	hops, err := n.Ledger.Trace(t.Context(), "w.notes/4")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hops {
		if h.Stage == "received" && strings.Contains(h.MessageID, "~r") {
			t.Errorf("the replay is journaled as received: %+v", h)
		}
	}
}
