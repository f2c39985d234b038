package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
)

// Options configure Open.
type Options struct {
	// DSN is "sqlite:///var/lib/crossdock/ledger.db" or "postgres://user@host/db".
	DSN string
	// Log hears of journal writes that have to be repeated. Default: slog.Default.
	Log *slog.Logger
	// Now is the clock for times that the ledger sets itself (audit entries,
	// replays). Default: time.Now.
	Now func() time.Time
}

// Ledger is an open database. All methods may be called from several goroutines.
type Ledger struct {
	dialect dialect
	write   *sqlx.DB // one connection, used by the writer goroutine only
	read    *sqlx.DB
	log     *slog.Logger
	now     func() time.Time

	ops     chan *op
	closing chan struct{}
	done    chan struct{}
	closed  sync.Once
	gate    sync.RWMutex // held for reading while an op is handed over
	ended   bool         // guarded by gate

	journal  journal
	lastSeq  atomic.Int64
	rebound  sync.Map // statement text with ? -> of the dialect
	closeErr error

	// Of the writer goroutine alone: compiled statements by their text, and those
	// to compile.
	prepared map[string]*sql.Stmt
	wanted   []string
}

// Open opens the database, creating it and bringing its tables up to date when
// necessary. It fails when the database was written by a newer version.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Ledger{
		log: o.Log, now: o.Now, ops: make(chan *op, 1024), closing: make(chan struct{}), done: make(chan struct{}),
		prepared: map[string]*sql.Stmt{},
	}
	l.journal.init()
	var err error
	switch scheme, _, _ := strings.Cut(o.DSN, "://"); scheme {
	case "sqlite":
		err = l.openSQLite(ctx, strings.TrimPrefix(o.DSN, "sqlite://"))
	case "postgres", "postgresql":
		err = l.openPostgres(ctx, o.DSN)
	default:
		err = errors.New("the DSN must begin with sqlite:// or postgres://")
	}
	if err == nil {
		err = migrate(ctx, l.write.DB, l.dialect)
	}
	if err != nil {
		_ = l.closeDatabases() // why it cannot be opened matters more
		return nil, fmt.Errorf("ledger: open: %w", explain(err))
	}
	go l.run()
	return l, nil
}

// Close writes what is in the journal, waits for writes under way and closes the
// database. It is an error when something could not be written.
func (l *Ledger) Close() error {
	l.closed.Do(func() {
		l.gate.Lock()
		l.ended = true
		l.gate.Unlock()
		close(l.closing)
		<-l.done
		if n := l.journal.close(); n > 0 {
			l.closeErr = fmt.Errorf("ledger: %d journal entries could not be written before closing", n)
		}
		l.closeErr = errors.Join(l.closeErr, l.closeDatabases())
	})
	return l.closeErr
}

func (l *Ledger) closeDatabases() error {
	var err error
	for _, db := range []*sqlx.DB{l.read, l.write} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// rebind returns a statement, written with ?, in the database's own form.
func (l *Ledger) rebind(query string) string {
	if l.dialect == sqliteDialect {
		return query
	}
	if q, ok := l.rebound.Load(query); ok {
		return q.(string)
	}
	q := sqlx.Rebind(sqlx.DOLLAR, query)
	l.rebound.Store(query, q)
	return q
}

// selectAll and selectOne read outside of any transaction.
func (l *Ledger) selectAll(ctx context.Context, dest any, query string, args ...any) error {
	if err := l.read.SelectContext(ctx, dest, l.rebind(query), args...); err != nil {
		return fmt.Errorf("ledger: read: %w", explain(err))
	}
	return nil
}

func (l *Ledger) selectOne(ctx context.Context, dest any, query string, args ...any) error {
	if err := l.read.GetContext(ctx, dest, l.rebind(query), args...); err != nil {
		return fmt.Errorf("ledger: read: %w", explain(err))
	}
	return nil
}

// nextSeq numbers journal and audit entries: it grows, also across restarts
// unless the clock was set back, and then times still order the entries.
func (l *Ledger) nextSeq() int64 {
	for {
		last := l.lastSeq.Load()
		next := max(last+1, time.Now().UnixNano())
		if l.lastSeq.CompareAndSwap(last, next) {
			return next
		}
	}
}
