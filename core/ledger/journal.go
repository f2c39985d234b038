package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// Hop is one line of the journal: something that happened to a message.
type Hop struct {
	// MessageID is the message it happened to, Causation the one it was made
	// from; Correlation is shared by everything that came from one received
	// message.
	MessageID, Correlation, Causation string
	Route, Target                     string
	// Stage is received, canonical, lane or dead.
	Stage string
	// State is received, mapped, filtered, duplicate, delivered, retry, parked,
	// dead, held, replayed, discarded or edited.
	State string
	// Detail says more to a person: the error, the condition, the target's id.
	Detail string
	At     time.Time
	Took   time.Duration
	// Attempt counts deliveries from 1; 0 where nothing is attempted.
	Attempt int
	// Before and After are the document on both sides of a mapping.
	Before, After []byte
	// Keys are business keys, such as {"order": "4711"}: Trace finds by them.
	Keys map[string]string
	// Trace is the W3C trace context.
	Trace string

	seq int64
}

// maxJournal and maxJournalBytes are how many entries may wait, and how large
// they may be together; then Journal blocks, which stops the routes and in the
// end the sources, and loses nothing.
const (
	maxJournal      = 10_000
	maxJournalBytes = 64 << 20
)

// size is about what an entry keeps in memory.
func (h *Hop) size() int { return 512 + len(h.Before) + len(h.After) + len(h.Detail) }

// journal is what waits to be written without anybody waiting for it.
type journal struct {
	mu     sync.Mutex
	room   *sync.Cond // entries were taken or written, or the journal closed
	hops   []Hop
	bytes  int // of the hops
	counts map[countKey]*RouteCount
	// added and written number the entries and counts; Flush waits for written
	// to reach what added was.
	added, written uint64
	closed         bool
	wake           chan struct{}
}

// journalPiece is a part of the journal on its way into a transaction.
type journalPiece struct {
	hops   []Hop
	counts map[countKey]*RouteCount
	upTo   uint64 // what written becomes with it
}

func (p journalPiece) empty() bool { return len(p.hops) == 0 && len(p.counts) == 0 }

func (j *journal) init() {
	j.room = sync.NewCond(&j.mu)
	j.counts = map[countKey]*RouteCount{}
	j.wake = make(chan struct{}, 1)
}

// signal wakes the writer; the caller holds mu.
func (j *journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *journal) add(hops []Hop) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for (len(j.hops) >= maxJournal || j.bytes >= maxJournalBytes) && !j.closed {
		j.room.Wait()
	}
	if j.closed {
		return false
	}
	j.hops = append(j.hops, hops...)
	for i := range hops {
		j.bytes += hops[i].size()
	}
	j.added += uint64(len(hops))
	j.signal()
	return true
}

func (j *journal) waiting() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.hops) > 0 || len(j.counts) > 0
}

func (j *journal) long() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.hops) >= maxHops || j.bytes >= maxPieceBytes
}

// take removes the oldest entries, at most n and a bounded size of them, and the
// counts.
func (j *journal) take(n int) journalPiece {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = min(n, len(j.hops))
	size := 0
	for i := range n {
		more := j.hops[i].size()
		if i > 0 && size+more > maxPieceBytes {
			n = i
			break
		}
		size += more
	}
	p := journalPiece{hops: j.hops[:n:n], counts: j.counts}
	j.hops = j.hops[n:]
	j.bytes -= size
	j.counts = map[countKey]*RouteCount{}
	p.upTo = j.added - uint64(len(j.hops))
	j.room.Broadcast()
	return p
}

// settle ends what take began: the piece is written, or comes back.
func (j *journal) settle(p journalPiece, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if ok {
		j.written = max(j.written, p.upTo)
	} else {
		j.hops = append(p.hops, j.hops...)
		for i := range p.hops {
			j.bytes += p.hops[i].size()
		}
		for k, c := range p.counts {
			if have := j.counts[k]; have != nil {
				have.add(c)
			} else {
				j.counts[k] = c
			}
		}
	}
	j.room.Broadcast()
}

// close refuses further entries and returns how many were not written.
func (j *journal) close() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	j.room.Broadcast()
	return len(j.hops) + len(j.counts)
}

// Journal writes entries behind the caller's back, within 50 ms. It blocks only
// while 10,000 entries wait, or 64 MiB of them. A crash may lose what was not flushed; outcomes,
// parked messages and dead letters carry their own entry and lose none.
func (l *Ledger) Journal(hops ...Hop) {
	if len(hops) == 0 {
		return
	}
	numbered := make([]Hop, len(hops))
	for i, h := range hops {
		h.seq = l.nextSeq()
		if h.At.IsZero() {
			h.At = l.now()
		}
		numbered[i] = h
	}
	if !l.journal.add(numbered) {
		l.log.Error("journal entry after the ledger was closed", "message", hops[0].MessageID, "state", hops[0].State)
	}
}

// Flush returns when everything journaled and counted before the call is durable.
func (l *Ledger) Flush(ctx context.Context) error {
	l.journal.mu.Lock()
	goal := l.journal.added
	l.journal.mu.Unlock()
	for {
		if err := l.submit(ctx, &op{run: func(*txn) error { return nil }, done: make(chan error, 1), flush: true}); err != nil {
			return err
		}
		l.journal.mu.Lock()
		reached := l.journal.written >= goal
		l.journal.mu.Unlock()
		if reached {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("ledger: flush: %w", err)
		}
	}
}

// Unjournaled returns those of the messages, by their ids, that the journal has
// no entry for with this stage and state. What is journaled but not flushed
// counts as missing.
func (l *Ledger) Unjournaled(ctx context.Context, stage, state string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query, args, err := sqlx.In(`SELECT DISTINCT message_id FROM hops WHERE stage = ? AND state = ? AND message_id IN (?)`, stage, state, texts(ids))
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	var have []string
	if err := l.selectAll(ctx, &have, query, args...); err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(have))
	for _, id := range have {
		known[id] = true
	}
	var out []string
	for _, id := range ids {
		if !known[text(id)] {
			out = append(out, id)
		}
	}
	return out, nil
}

func texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return out
}

func (t *txn) hop(h Hop) {
	if h.MessageID == "" {
		return
	}
	h.seq = t.ledger.nextSeq()
	if h.At.IsZero() {
		h.At = t.ledger.now()
	}
	t.hops = append(t.hops, h)
}

func (t *txn) writeHops(hops []Hop) error {
	if len(hops) == 0 {
		return nil
	}
	rows := make([]any, 0, 16*len(hops))
	type keyOf struct{ value, correlation string }
	seen := map[keyOf]bool{}
	var keys []keyOf
	names := map[keyOf]string{}
	for _, h := range hops {
		correlation := text(h.Correlation)
		if correlation == "" {
			correlation = text(h.MessageID)
		}
		rows = append(rows, h.seq, text(h.MessageID), correlation, text(h.Causation), text(h.Route), text(h.Target), text(h.Stage),
			text(h.State), text(h.Detail), stamp(h.At), int64(h.Took), h.Attempt, h.Before, h.After, encode(h.Keys), text(h.Trace))
		for name, value := range h.Keys {
			for _, v := range spellings(value) {
				k := keyOf{text(v), correlation}
				if !seen[k] {
					seen[k], names[k] = true, text(name)
					keys = append(keys, k)
				}
			}
		}
	}
	err := t.insertMany(`INSERT INTO hops (seq, message_id, correlation, causation, route, target, stage, state, detail, at, took, attempt,
		payload_before, payload_after, business_keys, trace) VALUES `, "", 16, rows)
	if err != nil {
		return err
	}
	// Nodes on one PostgreSQL database insert in the same order, so that they
	// wait for each other instead of deadlocking.
	sort.Slice(keys, func(a, b int) bool {
		if keys[a].value != keys[b].value {
			return keys[a].value < keys[b].value
		}
		return keys[a].correlation < keys[b].correlation
	})
	now := stamp(t.ledger.now())
	args := make([]any, 0, 4*len(keys))
	for _, k := range keys {
		args = append(args, k.value, k.correlation, names[k], now)
	}
	return t.insertMany(`INSERT INTO trace_keys (value, correlation, name, at) VALUES `, ` ON CONFLICT DO NOTHING`, 4, args)
}

// spellings are the forms under which a business key is found: as it is, and
// without the scheme of an identifier ("gtin:04012345678901").
func spellings(value string) []string {
	if value == "" {
		return nil
	}
	if scheme, bare, ok := strings.Cut(value, ":"); ok && bare != "" && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz-") == "" {
		return []string{value, bare}
	}
	return []string{value}
}

// maxTrace bounds the answer of Trace.
const maxTrace = 10_000

// Trace returns every hop of every chain of messages that has to do with an id
// or a business key, in the order of time: a message's id, a delivery's id, a
// correlation id, a dead letter's id ("d-000017"), an order number, a SKU, the
// id that a target gave. It returns nothing for what it does not know, and at
// most the first 10,000 hops.
func (l *Ledger) Trace(ctx context.Context, idOrKey string) ([]Hop, error) {
	if err := l.Flush(ctx); err != nil && !errors.Is(err, ErrClosed) && !environmental(err) {
		return nil, err
	}
	id := text(strings.TrimSpace(idOrKey))
	message, _, _ := strings.Cut(id, "@")
	deadID, err := parseDeadID(id)
	if err != nil {
		deadID = -1
	}
	var rows []hopRow
	err = l.selectAll(ctx, &rows, `SELECT seq, message_id, correlation, causation, route, target, stage, state, detail, at, took, attempt,
		payload_before, payload_after, business_keys, trace FROM hops WHERE correlation IN (
			SELECT correlation FROM hops WHERE correlation = ? OR message_id = ? OR message_id = ?
			UNION SELECT correlation FROM trace_keys WHERE value = ?
			UNION SELECT correlation FROM dead WHERE id = ?)
		ORDER BY at, seq LIMIT ?`, id, id, message, id, deadID, maxTrace)
	if err != nil {
		return nil, err
	}
	out := make([]Hop, len(rows))
	for i, r := range rows {
		out[i] = r.hop()
	}
	return out, nil
}

type hopRow struct {
	Seq          int64  `db:"seq"`
	MessageID    string `db:"message_id"`
	Correlation  string `db:"correlation"`
	Causation    string `db:"causation"`
	Route        string `db:"route"`
	Target       string `db:"target"`
	Stage        string `db:"stage"`
	State        string `db:"state"`
	Detail       string `db:"detail"`
	At           int64  `db:"at"`
	Took         int64  `db:"took"`
	Attempt      int    `db:"attempt"`
	Before       []byte `db:"payload_before"`
	After        []byte `db:"payload_after"`
	BusinessKeys string `db:"business_keys"`
	Trace        string `db:"trace"`
}

func (r hopRow) hop() Hop {
	return Hop{
		MessageID: r.MessageID, Correlation: r.Correlation, Causation: r.Causation, Route: r.Route, Target: r.Target,
		Stage: r.Stage, State: r.State, Detail: r.Detail, At: unstamp(r.At), Took: time.Duration(r.Took), Attempt: r.Attempt,
		Before: r.Before, After: r.After, Keys: decode(r.BusinessKeys), Trace: r.Trace, seq: r.Seq,
	}
}

// encode and decode keep small maps as JSON; an empty one is "".
func encode(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		return "" // strings always have a JSON form
	}
	return text(string(b))
}

func decode(s string) map[string]string {
	if s == "" {
		return nil
	}
	m := map[string]string{}
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		return map[string]string{"unreadable": s}
	}
	return m
}
