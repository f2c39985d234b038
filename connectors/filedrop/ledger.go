package filedrop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Seen is what is remembered of a document that was archived or written.
type Seen struct {
	Name    string    `json:"n"`
	ModTime time.Time `json:"m"`
	At      time.Time `json:"t"`
}

// RememberedAt is when the memory began.
func (s Seen) RememberedAt() time.Time { return s.At }

// Memory is what a Ledger keeps under an identity. It is stored as JSON.
type Memory interface {
	// RememberedAt is the time from which it is kept.
	RememberedAt() time.Time
}

// Ledger remembers document identities in the core's state for some time.
// Identities are spread over 4,096 entries by their first three hex digits, so
// that one entry stays small at ten thousand files a day, and expired ones are
// dropped whenever their entry is written.
type Ledger[T Memory] struct {
	state  sdk.State
	prefix string
	keep   time.Duration
	now    func() time.Time
}

// NewLedger makes a ledger under a prefix of the instance's state. Identities
// are hex digits, at least three.
func NewLedger[T Memory](state sdk.State, prefix string, keep time.Duration, now func() time.Time) *Ledger[T] {
	return &Ledger[T]{state: state, prefix: prefix, keep: keep, now: now}
}

func (l *Ledger[T]) key(id string) string { return l.prefix + "/" + id[:3] }

func (l *Ledger[T]) load(ctx context.Context, id string) (map[string]T, uint64, error) {
	value, rev, err := l.state.Get(ctx, l.key(id))
	if err != nil {
		return nil, 0, fmt.Errorf("duplicate ledger: %w", err)
	}
	entries := map[string]T{}
	if rev > 0 && len(value) > 0 {
		if err := json.Unmarshal(value, &entries); err != nil {
			return nil, 0, sdk.Failf(sdk.Bug, "filedrop.ledger", "the duplicate ledger's entry %s is damaged: %w", l.key(id), err)
		}
	}
	return entries, rev, nil
}

// Lookup finds an identity that is not older than keep.
func (l *Ledger[T]) Lookup(ctx context.Context, id string) (T, bool, error) {
	var none T
	entries, _, err := l.load(ctx, id)
	if err != nil {
		return none, false, err
	}
	seen, ok := entries[id]
	if ok && l.now().Sub(seen.RememberedAt()) > l.keep {
		return none, false, nil
	}
	return seen, ok, nil
}

// Remember adds an identity; one that is there stays as it is.
func (l *Ledger[T]) Remember(ctx context.Context, id string, seen T) error {
	for {
		entries, rev, err := l.load(ctx, id)
		if err != nil {
			return err
		}
		for other, entry := range entries {
			if l.now().Sub(entry.RememberedAt()) > l.keep {
				delete(entries, other)
			}
		}
		if _, there := entries[id]; there {
			return nil
		}
		entries[id] = seen
		value, err := json.Marshal(entries)
		if err != nil {
			return fmt.Errorf("duplicate ledger: %w", err)
		}
		_, err = l.state.CompareAndSet(ctx, l.key(id), value, rev)
		if !errors.Is(err, sdk.ErrConflict) {
			return err
		}
	}
}
