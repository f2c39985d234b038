package ledger

import (
	"testing"
	"time"
)

// The journal holds back by what it keeps in memory, not by the number of
// entries alone: ten thousand large documents are no small backlog.
func TestJournalHoldsBackBySize(t *testing.T) {
	var j journal
	j.init()
	document := make([]byte, 1<<20)
	added := make(chan int, 2*maxJournal)
	go func() {
		for n := range maxJournal {
			if !j.add([]Hop{{MessageID: "m", Before: document, After: document}}) {
				return
			}
			added <- n
		}
	}()
	last := 0
	for quiet := false; !quiet; {
		select {
		case last = <-added:
		case <-time.After(50 * time.Millisecond):
			quiet = true
		}
	}
	if kept := (last + 1) * 2 * len(document); kept > 128<<20 {
		t.Errorf("%d MiB of documents were taken without writing any", kept>>20)
	}

	// A piece of it is bounded too, and one document larger than all passes.
	p := j.take(maxHops)
	size := 0
	for _, h := range p.hops {
		size += len(h.Before) + len(h.After)
	}
	if len(p.hops) == 0 || size > 32<<20 {
		t.Errorf("a piece of %d entries has %d MiB", len(p.hops), size>>20)
	}
	select {
	case <-added: // there is room again
	case <-time.After(10 * time.Second):
		t.Error("what was taken away makes no room")
	}
	j.settle(p, false) // what comes back counts again
	for piece := j.take(maxHops); !piece.empty(); piece = j.take(maxHops) {
		j.settle(piece, true)
		if len(added) > 100 {
			break
		}
	}
	j.close()

	var large journal
	large.init()
	if !large.add([]Hop{{MessageID: "m", After: make([]byte, 65<<20)}}) {
		t.Error("refused")
	}
	if p := large.take(maxHops); len(p.hops) != 1 {
		t.Error("an entry larger than a piece is never written")
	}
}
