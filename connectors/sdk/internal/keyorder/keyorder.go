// Package keyorder keeps the order of records that have a key in common while
// batches of them are written at the same time: a batch waits for the batches
// that came before it with one of its keys, and for no other.
//
// Waiting always goes backwards in order of arrival, so it cannot deadlock.
package keyorder

import (
	"context"
	"hash/maphash"
	"iter"
	"slices"
	"sync"
)

// Order knows which keys are being written. The zero value is ready to use, by
// several goroutines.
type Order struct {
	mu   sync.Mutex
	seed maphash.Seed
	// The newest batch with a key, by the key's hash: half the work of keeping
	// the keys themselves (measured). Two keys with one hash would only wait for
	// each other.
	last map[uint64]*Turn
	size int // keys of the newest batch: the next one tends to have as many
}

// Turn is one batch's place in the order.
type Turn struct {
	order *Order
	keys  []uint64
	after []*Turn
	done  chan struct{}
}

// Enter gives a batch with these keys its place, behind all that entered before.
// Every turn must be left, whether or not it was waited for.
func (o *Order) Enter(keys iter.Seq[string]) *Turn {
	t := &Turn{order: o, done: make(chan struct{})}
	o.mu.Lock()
	defer o.mu.Unlock()
	t.keys = make([]uint64, 0, o.size)
	if o.last == nil {
		o.last = map[uint64]*Turn{}
		o.seed = maphash.MakeSeed()
	}
	for key := range keys {
		hash := maphash.String(o.seed, key)
		before, ok := o.last[hash]
		if ok && before == t {
			continue
		}
		if ok && !slices.Contains(t.after, before) {
			t.after = append(t.after, before)
		}
		o.last[hash] = t
		t.keys = append(t.keys, hash)
	}
	o.size = len(t.keys)
	return t
}

// Wait returns when the batches before this one have left, or ctx has ended.
func (t *Turn) Wait(ctx context.Context) error {
	for _, b := range t.after {
		select {
		case <-b.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Leave frees the keys; it is called once. A batch that gave up waiting is passed over, not
// overtaken: whoever waits for it waits for those before it too.
func (t *Turn) Leave() {
	for n, b := range t.after {
		select {
		case <-b.done:
			continue
		default:
		}
		rest := t.after[n:]
		go func() {
			for _, b := range rest {
				<-b.done
			}
			t.free()
		}()
		return
	}
	t.free()
}

func (t *Turn) free() {
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	for _, k := range t.keys {
		if t.order.last[k] == t {
			delete(t.order.last, k)
		}
	}
	t.after = nil
	close(t.done)
}
