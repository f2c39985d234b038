package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	parkedState = "parked"
	deadState   = "dead"
)

// Parked is a message that waits in a lane: for its own next attempt, or behind
// an earlier message of its key.
type Parked struct {
	Lane, Key, MessageID string
	// Route and Target name the counter that parking moves.
	Route, Target string
	// Seq is the place in the key's queue, given by Park.
	Seq int64
	// Attempt is how many attempts have been made.
	Attempt int
	NextAt  time.Time
	// Class and LastError say why it waits.
	Class, LastError string
	Payload          []byte
	Metadata         map[string]string
	// Held means that it waits for a person, and its key with it.
	Held    bool
	FirstAt time.Time
	// Hop is written to the journal in the same transaction.
	Hop Hop
}

// Park puts a message at the end of its key's queue and returns when that is
// durable. A message that is parked already stays as it is.
func (l *Ledger) Park(ctx context.Context, p Parked) error {
	return l.do(ctx, func(t *txn) error {
		_, err := t.park(p)
		return err
	})
}

func (t *txn) park(p Parked) (fresh bool, err error) {
	var last sql.NullInt64
	if _, err := t.get(&last, `SELECT MAX(seq) FROM parked WHERE lane = ? AND msg_key = ?`, text(p.Lane), text(p.Key)); err != nil {
		return false, err
	}
	n, err := t.insertParked(p, last.Int64+1, flag(!last.Valid))
	if err != nil || n == 0 {
		return false, err
	}
	t.counting(p.Route, p.Target).Parked++
	t.hop(p.Hop)
	return true, nil
}

func (t *txn) insertParked(p Parked, seq int64, head int) (int64, error) {
	first := p.FirstAt
	if first.IsZero() {
		first = t.ledger.now()
	}
	return t.exec(`INSERT INTO parked (lane, msg_key, message_id, seq, head, held, route, target, attempt, next_at, class, last_error, payload, metadata, first_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lane, message_id) DO NOTHING`,
		text(p.Lane), text(p.Key), text(p.MessageID), seq, head, flag(p.Held), text(p.Route), text(p.Target), p.Attempt, stamp(p.NextAt),
		text(p.Class), text(p.LastError), p.Payload, encode(p.Metadata), stamp(first))
}

// ParkedKeys returns the keys of a lane that wait.
func (l *Ledger) ParkedKeys(ctx context.Context, lane string) ([]string, error) {
	var out []string
	err := l.selectAll(ctx, &out, `SELECT msg_key FROM parked WHERE lane = ? AND head = 1 ORDER BY msg_key`, text(lane))
	return out, err
}

const parkedColumns = `lane, msg_key, message_id, seq, held, route, target, attempt, next_at, class, last_error, payload, metadata, first_at`

// ParkedDue returns the first messages of keys whose time has come and that
// nobody holds, longest due first.
func (l *Ledger) ParkedDue(ctx context.Context, lane string, now time.Time, limit int) ([]Parked, error) {
	return l.parked(ctx, `SELECT `+parkedColumns+` FROM parked WHERE lane = ? AND head = 1 AND held = 0 AND next_at <= ?
		ORDER BY next_at LIMIT ?`, text(lane), stamp(now), limit)
}

// ParkedHead returns the first message of a key; ok is false when none waits.
func (l *Ledger) ParkedHead(ctx context.Context, lane, key string) (p Parked, ok bool, err error) {
	list, err := l.parked(ctx, `SELECT `+parkedColumns+` FROM parked WHERE lane = ? AND msg_key = ? ORDER BY seq LIMIT 1`, text(lane), text(key))
	if err != nil || len(list) == 0 {
		return Parked{}, false, err
	}
	return list[0], true, nil
}

// LaneWaiting is how much waits in a lane, and since when.
type LaneWaiting struct {
	Parked int
	Held   int
	Oldest time.Time
}

// Waiting returns for every lane in which messages are parked how many they are.
func (l *Ledger) Waiting(ctx context.Context) (map[string]LaneWaiting, error) {
	var rows []struct {
		Lane   string `db:"lane"`
		N      int    `db:"n"`
		Held   int    `db:"held"`
		Oldest int64  `db:"oldest"`
	}
	err := l.selectAll(ctx, &rows, `SELECT lane, count(*) AS n, CAST(sum(held) AS BIGINT) AS held, min(first_at) AS oldest FROM parked GROUP BY lane`)
	out := make(map[string]LaneWaiting, len(rows))
	for _, r := range rows {
		out[r.Lane] = LaneWaiting{Parked: r.N, Held: r.Held, Oldest: unstamp(r.Oldest)}
	}
	return out, err
}

// Reschedule sets a parked message's next attempt.
func (l *Ledger) Reschedule(ctx context.Context, lane, messageID string, attempt int, next time.Time, class, lastErr string) error {
	return l.do(ctx, func(t *txn) error {
		_, err := t.exec(`UPDATE parked SET attempt = ?, next_at = ?, class = ?, last_error = ? WHERE lane = ? AND message_id = ?`,
			attempt, stamp(next), text(class), text(lastErr), text(lane), text(messageID))
		return err
	})
}

// Unpark removes a parked message and writes its outcome, if any, in the same
// transaction; the next of its key moves up. Without the message nothing but the
// outcome is written.
func (l *Ledger) Unpark(ctx context.Context, lane, messageID string, o *Outcome) error {
	return l.do(ctx, func(t *txn) error {
		if err := t.unpark(lane, messageID); err != nil {
			return err
		}
		if o == nil {
			return nil
		}
		return t.complete(*o)
	})
}

func (t *txn) unpark(lane, messageID string) error {
	var keys []string
	err := t.tx.SelectContext(t.ctx, &keys, t.ledger.rebind(`DELETE FROM parked WHERE lane = ? AND message_id = ? RETURNING msg_key`),
		text(lane), text(messageID))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := t.promote(lane, key); err != nil {
			return err
		}
	}
	return nil
}

// promote makes the first of a key's queue its head.
func (t *txn) promote(lane, key string) error {
	_, err := t.exec(`UPDATE parked SET head = 1 WHERE lane = ? AND msg_key = ? AND head = 0
		AND seq = (SELECT MIN(seq) FROM parked WHERE lane = ? AND msg_key = ?)`, text(lane), text(key), text(lane), text(key))
	return err
}

// parkInFront puts a replayed message before everything of its key: it is older
// than all that waits.
func (t *txn) parkInFront(p Parked) error {
	var first int64
	if _, err := t.get(&first, `SELECT COALESCE(MIN(seq), 1) FROM parked WHERE lane = ? AND msg_key = ?`, text(p.Lane), text(p.Key)); err != nil {
		return err
	}
	if _, err := t.exec(`UPDATE parked SET head = 0 WHERE lane = ? AND msg_key = ? AND head = 1`, text(p.Lane), text(p.Key)); err != nil {
		return err
	}
	n, err := t.insertParked(p, first-1, 1)
	if err == nil && n == 0 {
		return fmt.Errorf("%w: %s is parked in %s already", errRefused, p.MessageID, p.Lane)
	}
	return err
}

func (l *Ledger) parked(ctx context.Context, query string, args ...any) ([]Parked, error) {
	var rows []parkedRow
	if err := l.selectAll(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	out := make([]Parked, len(rows))
	for i, r := range rows {
		out[i] = r.parked()
	}
	return out, nil
}

type parkedRow struct {
	Lane      string `db:"lane"`
	Key       string `db:"msg_key"`
	MessageID string `db:"message_id"`
	Seq       int64  `db:"seq"`
	Held      int    `db:"held"`
	Route     string `db:"route"`
	Target    string `db:"target"`
	Attempt   int    `db:"attempt"`
	NextAt    int64  `db:"next_at"`
	Class     string `db:"class"`
	LastError string `db:"last_error"`
	Payload   []byte `db:"payload"`
	Metadata  string `db:"metadata"`
	FirstAt   int64  `db:"first_at"`
}

func (r parkedRow) parked() Parked {
	return Parked{
		Lane: r.Lane, Key: r.Key, MessageID: r.MessageID, Route: r.Route, Target: r.Target, Seq: r.Seq, Attempt: r.Attempt,
		NextAt: unstamp(r.NextAt), Class: r.Class, LastError: r.LastError, Payload: r.Payload, Metadata: decode(r.Metadata),
		Held: r.Held != 0, FirstAt: unstamp(r.FirstAt),
	}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
