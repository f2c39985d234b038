package keyorder

import (
	"context"
	"slices"
	"testing"
	"time"
)

func enter(o *Order, keys ...string) *Turn { return o.Enter(slices.Values(keys)) }

func mayRun(t *Turn) bool {
	return !slices.ContainsFunc(t.after, func(b *Turn) bool {
		select {
		case <-b.done:
			return false
		default:
			return true
		}
	})
}

// A batch waits for those before it that share a key, and for no other.
func TestSharedKeysWait(t *testing.T) {
	var o Order
	ab, c, bc, none := enter(&o, "a", "b", "a"), enter(&o, "c"), enter(&o, "b", "c"), enter(&o)
	if !mayRun(ab) || !mayRun(c) || !mayRun(none) {
		t.Error("batches without a key in common wait for each other")
	}
	c.Leave()
	if mayRun(bc) {
		t.Error("a batch ran while one of its keys was being written")
	}
	ab.Leave()
	if err := bc.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	bc.Leave()
	none.Leave()
	if len(o.last) > 0 {
		t.Errorf("keys left behind: %v", o.last)
	}
}

// A batch that gave up waiting for a key does not let later ones overtake.
func TestAfterGivingUp(t *testing.T) {
	var o Order
	k := slices.Values([]string{"k"})
	first, second, third := o.Enter(k), o.Enter(k), o.Enter(k)
	expired, cancel := context.WithCancel(t.Context())
	cancel()
	if err := second.Wait(expired); err == nil {
		t.Error("waiting on an ended context succeeded")
	}
	second.Leave()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if err := third.Wait(ctx); err == nil {
		t.Error("the third batch ran while the first was still running")
	}
	first.Leave()
	if err := third.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	third.Leave()
	if len(o.last) > 0 {
		t.Errorf("keys left behind: %v", o.last)
	}
}
