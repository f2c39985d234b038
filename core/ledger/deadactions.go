package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"
)

// What people do with dead letters. Each action and its audit entry are one
// transaction. A dry run is the caller's: DeadList with the same filter.

// DeadEdit replaces a dead letter's document before it is replayed. The former
// document stays in the audit entry. why is required by nobody but read by all.
func (l *Ledger) DeadEdit(ctx context.Context, id string, payload []byte, by, why string) error {
	n, err := parseDeadID(id)
	if err != nil {
		return err
	}
	return l.do(ctx, func(t *txn) error {
		d, err := t.dead(n)
		if err != nil {
			return err
		}
		if d.State != DeadLetter && d.State != HeldLetter {
			return fmt.Errorf("ledger: %s is %s: only a dead or held letter can be edited (%w)", id, d.State, errRefused)
		}
		if _, err := t.exec(`UPDATE dead SET payload = ?, edited = 1 WHERE id = ?`, payload, n); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE parked SET payload = ? WHERE lane = ? AND message_id = ?`, payload, text(d.Lane), text(d.MessageID)); err != nil {
			return err
		}
		t.hop(d.hop("edited", by+": "+why, t.ledger.now(), payload))
		return t.audit(AuditEntry{By: by, Action: "edit", Object: d.ID, Why: why, Before: d.Payload, After: payload})
	})
}

// DeadReplay sends dead letters on their way again and returns how many. Those of
// a lane are parked there, due at once, before everything that waits for the same
// key; those that failed earlier are given to Requeued. What is neither dead nor
// held is left out. An unknown id is an error, and then nothing is replayed.
func (l *Ledger) DeadReplay(ctx context.Context, ids []string, by, why string) (int, error) {
	return l.decide(ctx, ids, func(t *txn, n int64, d Dead) error {
		if err := t.replay(n, d); err != nil {
			return err
		}
		t.hop(d.hop("replayed", by+": "+why, t.ledger.now(), nil))
		return t.audit(AuditEntry{By: by, Action: "replay", Object: d.ID, Why: why, Before: d.Payload})
	})
}

func (t *txn) replay(n int64, d Dead) error {
	state := ReplayedLetter
	switch {
	case d.Lane == "":
		state = RequeuedLetter
	case d.State == HeldLetter:
		if _, err := t.exec(`UPDATE parked SET held = 0, attempt = 0, next_at = ? WHERE lane = ? AND message_id = ?`,
			stamp(t.ledger.now()), text(d.Lane), text(d.MessageID)); err != nil {
			return err
		}
	default:
		if _, err := t.exec(`DELETE FROM outcomes WHERE lane = ? AND message_id = ? AND state = ?`, text(d.Lane), text(d.MessageID), deadState); err != nil {
			return err
		}
		if err := t.parkInFront(Parked{
			Lane: d.Lane, Key: d.Key, MessageID: d.MessageID, Route: d.Route, Target: d.Target, NextAt: t.ledger.now(),
			Class: d.Class, LastError: d.Reason, Payload: d.Payload, Metadata: d.Metadata, FirstAt: d.FirstAt,
		}); err != nil {
			return err
		}
	}
	_, err := t.exec(`UPDATE dead SET state = ?, replays = replays + 1 WHERE id = ?`, state, n)
	return err
}

// DeadDiscard ends dead letters without delivering them and returns how many. The
// letters stay in the list, with their documents.
func (l *Ledger) DeadDiscard(ctx context.Context, ids []string, by, why string) (int, error) {
	return l.decide(ctx, ids, func(t *txn, n int64, d Dead) error {
		if d.Lane != "" {
			if err := t.unpark(d.Lane, d.MessageID); err != nil {
				return err
			}
			if _, err := t.exec(`INSERT INTO outcomes (lane, message_id, state, external_id, at, attempt) VALUES (?, ?, ?, '', ?, ?)
				ON CONFLICT (lane, message_id) DO UPDATE SET state = excluded.state WHERE outcomes.state = ?`,
				text(d.Lane), text(d.MessageID), Discarded, stamp(t.ledger.now()), d.Attempts, deadState); err != nil {
				return err
			}
		}
		if _, err := t.exec(`UPDATE dead SET state = ? WHERE id = ?`, DiscardedLetter, n); err != nil {
			return err
		}
		t.hop(d.hop("discarded", by+": "+why, t.ledger.now(), nil))
		return t.audit(AuditEntry{By: by, Action: "discard", Object: d.ID, Why: why, Before: d.Payload})
	})
}

// decide applies a decision to the letters that are dead or held, newest first:
// replaying puts each in front, so the oldest ends up first.
func (l *Ledger) decide(ctx context.Context, ids []string, one func(*txn, int64, Dead) error) (int, error) {
	numbers, err := parseDeadIDs(ids)
	if err != nil {
		return 0, err
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	slices.Reverse(numbers)
	done := 0
	err = l.do(ctx, func(t *txn) error {
		done = 0
		for _, n := range numbers {
			d, err := t.dead(n)
			if err != nil {
				return err
			}
			if d.State != DeadLetter && d.State != HeldLetter {
				continue
			}
			if err := one(t, n, d); err != nil {
				return err
			}
			done++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return done, nil
}

func (t *txn) dead(n int64) (Dead, error) {
	var row deadRow
	found, err := t.get(&row, `SELECT `+deadColumns+` FROM dead WHERE id = ?`, n)
	if err == nil && !found {
		err = fmt.Errorf("ledger: %w: %s (`crossdock dead list` shows them)", ErrNotFound, formatDeadID(n))
	}
	return row.dead(), err
}

// Requeued returns replayed letters that failed before a lane and came from one
// of these source endpoints, oldest first. The node publishes each again, under
// an id of its own that tells the replay (Dead.Replays), and then calls
// RequeueDone.
func (l *Ledger) Requeued(ctx context.Context, endpoints []string, limit int) ([]Dead, error) {
	if len(endpoints) == 0 {
		return nil, nil
	}
	query, args, err := sqlx.In(`SELECT `+deadColumns+` FROM dead WHERE state = ? AND target IN (?) ORDER BY id LIMIT ?`, RequeuedLetter, texts(endpoints), limit)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	var rows []deadRow
	if err := l.selectAll(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	out := make([]Dead, len(rows))
	for i, r := range rows {
		out[i] = r.dead()
	}
	return out, nil
}

// RequeuedCount returns how many replayed letters wait to be published again, by
// the source endpoint that they came from.
func (l *Ledger) RequeuedCount(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		Target string `db:"target"`
		N      int    `db:"n"`
	}
	if err := l.selectAll(ctx, &rows, `SELECT target, count(*) AS n FROM dead WHERE state = ? GROUP BY target`, RequeuedLetter); err != nil {
		return nil, err
	}
	out := make(map[string]int, len(rows))
	for _, r := range rows {
		out[r.Target] = r.N
	}
	return out, nil
}

// RequeueDone notes that a requeued letter was published again.
func (l *Ledger) RequeueDone(ctx context.Context, id string) error {
	n, err := parseDeadID(id)
	if err != nil {
		return err
	}
	return l.do(ctx, func(t *txn) error {
		_, err := t.exec(`UPDATE dead SET state = ? WHERE id = ? AND state = ?`, ReplayedLetter, n, RequeuedLetter)
		return err
	})
}
