package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// States of a dead letter.
const (
	DeadLetter       = "dead"      // waits for a person
	HeldLetter       = "held"      // as dead, and its key waits with it
	RequeuedLetter   = "requeued"  // replayed before its lane: the node publishes it again
	ReplayedLetter   = "replayed"  // on its way again
	DiscardedLetter  = "discarded" // a person decided that it ends
	deadIDPrefix     = "d-"
	defaultDeadLimit = 1000
)

// Dead is a message, or an input that never became one, that failed for good. It
// is kept whole.
type Dead struct {
	// ID is short and stable: "d-000017". Bury gives it.
	ID string
	// Lane is where it failed; empty when it failed before one (stage intake or
	// map), and then Route and Target say where.
	Lane, Route, Target         string
	Key, MessageID, Correlation string
	// Stage is intake, map or deliver.
	Stage string
	// Class, Code and Reason are the failure; Stack is there for a bug.
	Class, Code, Reason, Stack string
	// Payload is what a replay starts from: for stage map and intake the
	// document as received, for stage deliver the canonical document.
	Payload        []byte
	ContentType    string
	Metadata, Keys map[string]string
	Attempts       int
	// Replays counts how often it was replayed.
	Replays     int
	FirstAt, At time.Time
	// State is dead, held, requeued, replayed or discarded.
	State  string
	Edited bool
}

// Bury makes a dead letter durable and returns its id. removeParked also takes
// the message out of its lane's parked ones, in the same transaction. Burying
// what is dead already changes nothing and returns the same id; what was replayed
// and fails again keeps its id.
func (l *Ledger) Bury(ctx context.Context, d Dead, removeParked bool) (string, error) {
	var id string
	err := l.do(ctx, func(t *txn) error {
		n, err := t.bury(d)
		if err != nil {
			return err
		}
		id = formatDeadID(n)
		if !removeParked {
			return nil
		}
		return t.unpark(d.Lane, d.MessageID)
	})
	return id, err
}

// Hold keeps a message at the place it has in its key's queue until a person
// decides, and with it everything of that key. It is listed among the dead
// letters in the state held. The message may be parked already.
func (l *Ledger) Hold(ctx context.Context, p Parked, d Dead) (string, error) {
	var id string
	err := l.do(ctx, func(t *txn) error {
		p.Held, d.State = true, HeldLetter
		fresh, err := t.park(p)
		if err != nil {
			return err
		}
		if !fresh {
			if _, err := t.exec(`UPDATE parked SET held = 1, attempt = ?, class = ?, last_error = ? WHERE lane = ? AND message_id = ?`,
				p.Attempt, text(p.Class), text(p.LastError), text(p.Lane), text(p.MessageID)); err != nil {
				return err
			}
		}
		n, err := t.bury(d)
		id = formatDeadID(n)
		return err
	})
	return id, err
}

// origin is what a message id is unique in.
func (d Dead) origin() string {
	switch {
	case d.Lane != "":
		return d.Lane
	case d.Stage == "intake":
		return "intake " + d.Target
	}
	return "route " + d.Route
}

func (t *txn) bury(d Dead) (int64, error) {
	if d.State == "" {
		d.State = DeadLetter
	}
	now := t.ledger.now()
	if d.At.IsZero() {
		d.At = now
	}
	if d.FirstAt.IsZero() {
		d.FirstAt = d.At
	}
	var have struct {
		ID    int64  `db:"id"`
		State string `db:"state"`
	}
	found, err := t.get(&have, `SELECT id, state FROM dead WHERE origin = ? AND message_id = ?`, text(d.origin()), text(d.MessageID))
	if err != nil {
		return 0, err
	}
	switch {
	case !found:
		have.ID, err = t.insertDead(d)
	case have.State == DeadLetter || have.State == HeldLetter:
		return have.ID, nil
	case d.Lane == "":
		// The message itself, handed out once more: its replay has an id of its
		// own. What a person decided meanwhile stands.
		return have.ID, nil
	default:
		_, err = t.exec(`UPDATE dead SET class = ?, code = ?, reason = ?, stack = ?, payload = ?, attempts = attempts + ?, at = ?, state = ? WHERE id = ?`,
			text(d.Class), text(d.Code), text(d.Reason), text(d.Stack), d.Payload, d.Attempts, stamp(d.At), d.State, have.ID)
	}
	if err != nil {
		return 0, err
	}
	if d.Lane != "" && d.State == DeadLetter {
		// The lane has to know when the stream hands the message out once more.
		if _, err := t.exec(`INSERT INTO outcomes (lane, message_id, state, external_id, at, attempt) VALUES (?, ?, ?, '', ?, ?)
			ON CONFLICT (lane, message_id) DO NOTHING`, text(d.Lane), text(d.MessageID), deadState, stamp(d.At), d.Attempts); err != nil {
			return 0, err
		}
	}
	t.counting(d.Route, d.Target).Dead++
	t.hop(d.hop(d.State, d.Reason, d.At, nil))
	return have.ID, nil
}

func (t *txn) insertDead(d Dead) (int64, error) {
	// An id is drawn and used in one transaction, so ids have no gaps; the
	// update locks the row, so two nodes never draw the same.
	id, err := t.draw("crossdock", "dead letters")
	if err != nil {
		return 0, err
	}
	_, err = t.exec(`INSERT INTO dead (id, origin, message_id, lane, route, target, msg_key, correlation, stage, class, code, reason, stack,
		payload, content_type, metadata, business_keys, attempts, replays, first_at, at, state, edited)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0)`,
		id, text(d.origin()), text(d.MessageID), text(d.Lane), text(d.Route), text(d.Target), text(d.Key), text(d.correlation()),
		text(d.Stage), text(d.Class), text(d.Code), text(d.Reason), text(d.Stack), d.Payload, text(d.ContentType), encode(d.Metadata),
		encode(d.Keys), d.Attempts, stamp(d.FirstAt), stamp(d.At), d.State)
	return int64(id), err
}

func (d Dead) correlation() string {
	if d.Correlation == "" {
		return d.MessageID
	}
	return d.Correlation
}

func (d Dead) hop(state, detail string, at time.Time, after []byte) Hop {
	h := Hop{
		MessageID: d.MessageID, Correlation: d.correlation(), Route: d.Route, Target: d.Target, Stage: "dead", State: state,
		Detail: detail, At: at, Attempt: d.Attempts, Before: d.Payload, After: after, Keys: d.Keys, Trace: d.Metadata["traceparent"],
	}
	if d.Code != "" && state == d.State {
		h.Detail = d.Class + " " + d.Code + ": " + detail
	}
	return h
}

func formatDeadID(n int64) string { return fmt.Sprintf("%s%06d", deadIDPrefix, n) }

func parseDeadID(id string) (int64, error) {
	digits, ok := strings.CutPrefix(id, deadIDPrefix)
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 1 {
		return 0, fmt.Errorf("ledger: %w: %q (ids look like d-000017; `crossdock dead list` shows them)", ErrNotFound, id)
	}
	return n, nil
}

// DeadFilter selects dead letters; empty fields select all.
type DeadFilter struct {
	Route, Target string
	// Connection is that of the target, or of the source for what failed before
	// a lane.
	Connection       string
	Code, Class, Key string
	// State: empty means all states.
	State        string
	Since, Until time.Time
	// Limit defaults to 1000.
	Limit int
	IDs   []string
}

// DeadList returns dead letters, newest first.
func (l *Ledger) DeadList(ctx context.Context, f DeadFilter) ([]Dead, error) {
	query, args := `SELECT `+deadColumns+` FROM dead WHERE 1 = 1`, []any{}
	add := func(condition string, values ...any) {
		query += " AND " + condition
		args = append(args, values...)
	}
	for _, c := range []struct{ condition, value string }{
		{"route = ?", f.Route}, {"target = ?", f.Target}, {"code = ?", f.Code}, {"class = ?", f.Class}, {"msg_key = ?", f.Key}, {"state = ?", f.State},
	} {
		if c.value != "" {
			add(c.condition, c.value)
		}
	}
	if f.Connection != "" {
		prefix := f.Connection + "."
		add("substr(target, 1, CAST(? AS INTEGER)) = ?", len([]rune(prefix)), prefix)
	}
	if !f.Since.IsZero() {
		add("at >= ?", stamp(f.Since))
	}
	if !f.Until.IsZero() {
		add("at <= ?", stamp(f.Until))
	}
	if len(f.IDs) > 0 {
		ids, err := parseDeadIDs(f.IDs)
		if err != nil {
			return nil, err
		}
		condition, values, err := sqlx.In("id IN (?)", ids)
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		add(condition, values...)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultDeadLimit
	}
	args = append(args, limit)
	var rows []deadRow
	if err := l.selectAll(ctx, &rows, query+` ORDER BY id DESC LIMIT ?`, args...); err != nil {
		return nil, err
	}
	out := make([]Dead, len(rows))
	for i, r := range rows {
		out[i] = r.dead()
	}
	return out, nil
}

func parseDeadIDs(ids []string) ([]int64, error) {
	out := make([]int64, len(ids))
	for i, id := range ids {
		n, err := parseDeadID(id)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// DeadGet returns one dead letter; the error is ErrNotFound when there is none.
func (l *Ledger) DeadGet(ctx context.Context, id string) (Dead, error) {
	list, err := l.DeadList(ctx, DeadFilter{IDs: []string{id}})
	if err != nil {
		return Dead{}, err
	}
	if len(list) == 0 {
		return Dead{}, fmt.Errorf("ledger: %w: %s (`crossdock dead list` shows them)", ErrNotFound, id)
	}
	return list[0], nil
}

const deadColumns = `id, message_id, lane, route, target, msg_key, correlation, stage, class, code, reason, stack, payload, content_type,
	metadata, business_keys, attempts, replays, first_at, at, state, edited`

type deadRow struct {
	ID          int64  `db:"id"`
	MessageID   string `db:"message_id"`
	Lane        string `db:"lane"`
	Route       string `db:"route"`
	Target      string `db:"target"`
	Key         string `db:"msg_key"`
	Correlation string `db:"correlation"`
	Stage       string `db:"stage"`
	Class       string `db:"class"`
	Code        string `db:"code"`
	Reason      string `db:"reason"`
	Stack       string `db:"stack"`
	Payload     []byte `db:"payload"`
	ContentType string `db:"content_type"`
	Metadata    string `db:"metadata"`
	Keys        string `db:"business_keys"`
	Attempts    int    `db:"attempts"`
	Replays     int    `db:"replays"`
	FirstAt     int64  `db:"first_at"`
	At          int64  `db:"at"`
	State       string `db:"state"`
	Edited      int    `db:"edited"`
}

func (r deadRow) dead() Dead {
	return Dead{
		ID: formatDeadID(r.ID), MessageID: r.MessageID, Lane: r.Lane, Route: r.Route, Target: r.Target, Key: r.Key,
		Correlation: r.Correlation, Stage: r.Stage, Class: r.Class, Code: r.Code, Reason: r.Reason, Stack: r.Stack, Payload: r.Payload,
		ContentType: r.ContentType, Metadata: decode(r.Metadata), Keys: decode(r.Keys), Attempts: r.Attempts, Replays: r.Replays,
		FirstAt: unstamp(r.FirstAt), At: unstamp(r.At), State: r.State, Edited: r.Edited != 0,
	}
}
