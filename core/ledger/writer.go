package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"
)

const (
	// maxGroup is how many writes share one commit. More does not get faster,
	// and a refused one costs a repetition of all.
	maxGroup = 512
	// maxHops is how many journal entries go with one commit, so that those who
	// wait for it wait a few milliseconds at most.
	maxHops = 512
	// maxPieceBytes bounds those entries, so that no transaction becomes as large
	// as the backlog.
	maxPieceBytes = 16 << 20
	// journalDelay is how long the journal may wait for company.
	journalDelay = 50 * time.Millisecond
	// commitTimeout bounds a transaction when the server does not answer.
	commitTimeout = 30 * time.Second
)

// op is one write. run may be called several times (the transaction it was part
// of was rolled back) and must not leave results behind that add up.
type op struct {
	run   func(*txn) error
	done  chan error
	flush bool // take the journal along even while it is in trouble
}

// do has the writer run a write and returns after it is durable, or was rolled
// back. ctx counts only until the writer has accepted it: after that the caller
// is told what really happened.
func (l *Ledger) do(ctx context.Context, run func(*txn) error) error {
	return l.submit(ctx, &op{run: run, done: make(chan error, 1)})
}

func (l *Ledger) submit(ctx context.Context, o *op) error {
	if err := l.enqueue(ctx, o); err != nil {
		return err
	}
	return <-o.done
}

func (l *Ledger) enqueue(ctx context.Context, o *op) error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.ended {
		return ErrClosed
	}
	select {
	case l.ops <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the writer goroutine.
func (l *Ledger) run() {
	defer close(l.done)
	var due <-chan time.Time
	var trouble time.Duration // growing wait after a journal write failed
	for {
		var group []*op
		select {
		case o := <-l.ops:
			group = append(group, o)
		case <-l.journal.wake:
			if due == nil {
				due = time.After(max(journalDelay, trouble))
			}
			continue
		case <-due:
			due = nil
		case <-l.closing:
			l.finish()
			return
		}
		group = l.drain(group)
		withJournal := trouble == 0 || due == nil
		for _, o := range group {
			withJournal = withJournal || o.flush
		}
		if l.commit(group, withJournal) {
			trouble = 0
		} else {
			trouble = min(max(2*trouble, 4*journalDelay), 5*time.Second)
		}
		if due == nil && l.journal.waiting() {
			due = time.After(max(journalDelay, trouble))
			if trouble == 0 && l.journal.long() {
				due = time.After(0)
			}
		}
	}
}

// drain adds what is waiting, without waiting.
func (l *Ledger) drain(group []*op) []*op {
	for len(group) < maxGroup {
		select {
		case o := <-l.ops:
			group = append(group, o)
		default:
			return group
		}
	}
	return group
}

// finish writes what is left; nobody can add to it.
func (l *Ledger) finish() {
	for {
		group := l.drain(nil)
		ok := l.commit(group, true)
		if len(group) == 0 && (!ok || !l.journal.waiting()) {
			return
		}
	}
}

// commit writes a group and a piece of the journal and answers the group. It
// reports whether the journal could be written.
func (l *Ledger) commit(group []*op, withJournal bool) bool {
	var piece journalPiece
	if withJournal {
		piece = l.journal.take(maxHops)
	}
	if len(group) == 0 && piece.empty() {
		l.journal.settle(piece, true)
		return true
	}
	err := l.transact(group, piece)
	if err == nil || environmental(err) || len(group) == 0 {
		for _, o := range group {
			o.done <- err
		}
		l.journal.settle(piece, err == nil)
		if err != nil && len(group) == 0 {
			l.log.Error("the journal cannot be written and waits; back-pressure follows when it is full", "error", err)
		}
		return err == nil
	}
	for _, o := range group {
		o.done <- l.alone(o)
	}
	err = l.transact(nil, piece)
	l.journal.settle(piece, err == nil)
	return err == nil
}

// alone runs one write in a transaction of its own.
func (l *Ledger) alone(o *op) error {
	for attempt := 1; ; attempt++ {
		err := l.transact([]*op{o}, journalPiece{})
		if err == nil || attempt == 5 || !again(err) {
			return err
		}
	}
}

func (l *Ledger) transact(group []*op, piece journalPiece) error {
	l.prepare()
	ctx := context.Background()
	if l.dialect == postgresDialect {
		// SQLite has its own limit, busyTimeout, and a context that can end costs
		// a goroutine per statement there.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, commitTimeout)
		defer cancel()
	}
	tx, err := l.write.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("ledger: write: %w", explain(err))
	}
	t := &txn{ctx: ctx, ledger: l, tx: tx, counts: map[countKey]*RouteCount{}, effects: map[string]int64{}}
	for _, o := range group {
		if err == nil {
			err = o.run(t)
		}
	}
	if err == nil {
		err = t.finish(piece)
	}
	if err == nil {
		err = tx.Commit()
	} else {
		// The first error is the one to report; a failed rollback (the database
		// already rolled back by itself when the disk is full) leaves nothing.
		_ = tx.Rollback()
	}
	if err != nil {
		if errors.Is(err, errRefused) || errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
			return err
		}
		return fmt.Errorf("ledger: write: %w", explain(err))
	}
	return nil
}

// errRefused marks an answer to the caller that is not the database's trouble.
var errRefused = errors.New("refused")

// prepare compiles the statements that the last transaction had to have parsed,
// for the next ones; SQLite spends a fifth of a commit on parsing otherwise. (The
// PostgreSQL driver does so itself.) It cannot happen within a transaction, which
// holds the writer's only connection.
func (l *Ledger) prepare() {
	for _, query := range l.wanted {
		if l.prepared[query] != nil {
			continue
		}
		// A statement that cannot be compiled has told so when it was run.
		if s, err := l.write.Prepare(query); err == nil {
			l.prepared[query] = s
		}
	}
	l.wanted = l.wanted[:0]
}

// txn is a transaction under way; what it collects is written at its end.
type txn struct {
	ctx     context.Context
	ledger  *Ledger
	tx      *sqlx.Tx
	hops    []Hop
	counts  map[countKey]*RouteCount
	effects map[string]int64 // lane -> Unix nanoseconds
}

// exec runs a statement and returns how many rows it touched.
func (t *txn) exec(query string, args ...any) (int64, error) {
	var res sql.Result
	var err error
	if s := t.ledger.prepared[query]; s != nil {
		res, err = t.tx.StmtContext(t.ctx, s).ExecContext(t.ctx, args...)
	} else {
		if t.ledger.dialect == sqliteDialect {
			t.ledger.wanted = append(t.ledger.wanted, query)
		}
		res, err = t.tx.ExecContext(t.ctx, t.ledger.rebind(query), args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// get reads one row into dest; found is false when there is none.
func (t *txn) get(dest any, query string, args ...any) (found bool, err error) {
	err = t.tx.GetContext(t.ctx, dest, t.ledger.rebind(query), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// finish writes what was collected, and the journal's piece.
func (t *txn) finish(piece journalPiece) error {
	hops := append(t.hops, piece.hops...)
	if err := t.writeHops(hops); err != nil {
		return err
	}
	for k, c := range piece.counts {
		t.counting(k.route, k.target).add(c)
	}
	if err := t.writeCounts(); err != nil {
		return err
	}
	lanes := make([]string, 0, len(t.effects))
	for lane := range t.effects {
		lanes = append(lanes, lane)
	}
	sort.Strings(lanes) // the same order on every node, so that nodes do not deadlock
	for _, lane := range lanes {
		if _, err := t.exec(`INSERT INTO effects (lane, at) VALUES (?, ?) ON CONFLICT (lane) DO UPDATE SET at = excluded.at
			WHERE effects.at < excluded.at`, lane, t.effects[lane]); err != nil {
			return err
		}
	}
	return nil
}

// insertMany writes rows with as few statements as the databases' limits allow.
// head is "INSERT INTO t (…) VALUES ", tail what follows the rows.
func (t *txn) insertMany(head, tail string, columns int, args []any) error {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", columns), ", ") + ")"
	for len(args) > 0 {
		n := 1
		for _, chunk := range []int{64, 8} {
			if len(args) >= chunk*columns {
				n = chunk
				break
			}
		}
		query := head + strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") + tail
		if _, err := t.exec(query, args[:n*columns]...); err != nil {
			return err
		}
		args = args[n*columns:]
	}
	return nil
}

// text makes a string storable: PostgreSQL refuses NUL and broken UTF-8, and a
// journal entry must not be lost for that.
func text(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// stamp is how times are stored; 0 stands for the zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func unstamp(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
