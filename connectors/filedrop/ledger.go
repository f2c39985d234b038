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

// Ledger remembers document identities in the core's state for some time.
// Identities are spread over 4,096 entries by their first three hex digits, so
// that one entry stays small at ten thousand files a day, and expired ones are
// dropped whenever their entry is written.
type Ledger struct {
	state  sdk.State
	prefix string
	keep   time.Duration
	now    func() time.Time
}

// NewLedger makes a ledger under a prefix of the instance's state. Identities
// are hex digits, at least three.
func NewLedger(state sdk.State, prefix string, keep time.Duration, now func() time.Time) *Ledger {
	return &Ledger{state: state, prefix: prefix, keep: keep, now: now}
}

func (l *Ledger) key(id string) string { return l.prefix + "/" + id[:3] }

func (l *Ledger) load(ctx context.Context, id string) (map[string]Seen, uint64, error) {
	value, rev, err := l.state.Get(ctx, l.key(id))
	if err != nil {
		return nil, 0, fmt.Errorf("duplicate ledger: %w", err)
	}
	entries := map[string]Seen{}
	if rev > 0 && len(value) > 0 {
		if err := json.Unmarshal(value, &entries); err != nil {
			return nil, 0, sdk.Failf(sdk.Bug, "filedrop.ledger", "the duplicate ledger's entry %s is damaged: %w", l.key(id), err)
		}
	}
	return entries, rev, nil
}

// Lookup finds an identity that is not older than keep.
func (l *Ledger) Lookup(ctx context.Context, id string) (Seen, bool, error) {
	entries, _, err := l.load(ctx, id)
	if err != nil {
		return Seen{}, false, err
	}
	seen, ok := entries[id]
	if ok && l.now().Sub(seen.At) > l.keep {
		return Seen{}, false, nil
	}
	return seen, ok, nil
}

// Remember adds an identity; one that is there stays as it is.
func (l *Ledger) Remember(ctx context.Context, id string, seen Seen) error {
	for {
		entries, rev, err := l.load(ctx, id)
		if err != nil {
			return err
		}
		for other, entry := range entries {
			if l.now().Sub(entry.At) > l.keep {
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
