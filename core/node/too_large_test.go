package node

import (
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/ledger"
)

// A document that is larger than the broker takes does not stop its source: it
// becomes a dead letter, and so does its replay as long as the broker is the same.
func TestDocumentLargerThanTheBrokerTakes(t *testing.T) {
	dir, w, log := project(t), newWorld(), &logged{}
	write(t, dir, "crossdock.yaml", "name: test\nhttp: {listen: off}\nengine: {urls: [\""+broker(t)+"\"], replicas: 1, durability: relaxed, maxBytes: 67108864}\n")
	n, _ := start(t, dir, w, log)
	large := `{"id": "large", "name": "` + strings.Repeat("x", 2<<20) + `"}`
	w.offer("1", large)
	w.offer("2", `{"id": "small"}`)
	if got := w.wait(t, 1); got[0] != `{"id":"small"}` {
		t.Errorf("delivered %.200v", got)
	}
	letters := func() []ledger.Dead {
		list, err := n.Ledger.DeadList(t.Context(), ledger.DeadFilter{})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	list := letters()
	if len(list) != 1 || !strings.Contains(list[0].Reason, "raise max_payload") {
		t.Fatalf("dead letters %.500v", list)
	}
	d, err := n.Ledger.DeadGet(t.Context(), list[0].ID)
	if err != nil || string(d.Payload) != large {
		t.Errorf("kept %d bytes, %v", len(d.Payload), err)
	}
	if _, err := n.Ledger.DeadReplay(t.Context(), []string{d.ID}, "ann", "try again"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replay is a dead letter of its own", func() bool {
		list := letters()
		return len(list) == 2 && list[0].MessageID == "w.notes/1~r1" && list[0].State == ledger.DeadLetter && list[1].State == ledger.ReplayedLetter
	})
	again, err := n.Ledger.DeadGet(t.Context(), letters()[0].ID)
	if err != nil || string(again.Payload) != large || again.Metadata["key"] != "1" || !strings.Contains(again.Reason, "raise max_payload") {
		t.Errorf("the replay keeps %d bytes, metadata %v, %v", len(again.Payload), again.Metadata, err)
	}
}
