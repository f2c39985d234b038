package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // driver "sqlite"
)

type dialect int

const (
	sqliteDialect dialect = iota
	postgresDialect
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// readers is how many queries run beside the writer.
	readers = 8
	// busyTimeout is how long a write waits for another process (the command
	// line beside a node) before it fails with ErrLocked.
	busyTimeout = 5 * time.Second
)

func (l *Ledger) openSQLite(ctx context.Context, path string) error {
	if path == "" {
		return errors.New("the DSN names no file: write sqlite:///path/to/ledger.db")
	}
	abs, err := filepath.Abs(filepath.FromSlash(path))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return err
	}
	// SQLite would create the file readable for everyone, and it holds orders
	// with names and addresses.
	f, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	l.dialect = sqliteDialect
	common := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-16384)",
	}}
	// A transaction takes the write lock when it begins. Taking it later can
	// fail at once, without waiting, when another process wrote meanwhile.
	writing := url.Values{"_txlock": {"immediate"}, "_pragma": common["_pragma"]}
	if err := takingTurns(ctx, func() error {
		l.write, err = connect(ctx, "sqlite", sqliteURL(abs, writing), 1)
		return err
	}, locked); err != nil {
		return err
	}
	reading := url.Values{"_pragma": append([]string{"query_only(1)"}, common["_pragma"]...)}
	l.read, err = connect(ctx, "sqlite", sqliteURL(abs, reading), readers)
	return err
}

func sqliteURL(path string, q url.Values) string {
	slashed := filepath.ToSlash(path)
	if slashed[0] != '/' {
		slashed = "/" + slashed // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: q.Encode()}).String()
}

func (l *Ledger) openPostgres(ctx context.Context, dsn string) error {
	l.dialect = postgresDialect
	var err error
	if l.write, err = connect(ctx, "pgx", dsn, 1); err != nil {
		return err
	}
	l.read, err = connect(ctx, "pgx", dsn, readers)
	return err
}

func connect(ctx context.Context, driver, dsn string, connections int) (*sqlx.DB, error) {
	db, err := sqlx.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrate brings the tables up to date. Processes that start together take
// turns: by an advisory lock on PostgreSQL, by trying again on SQLite, where the
// second finds the work done.
func migrate(ctx context.Context, db *sql.DB, d dialect) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	name := goose.DialectSQLite3
	if d == postgresDialect {
		name = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	if d == postgresDialect {
		return migrateOnce(ctx, db, name, files, options)
	}
	return takingTurns(ctx, func() error { return migrateOnce(ctx, db, name, files, options) }, func(err error) bool {
		// Any other failure may be that of a table which has just been made.
		return locked(err) || !environmental(err) && !errors.Is(err, errNewer)
	})
}

// takingTurns does what SQLite refuses at once, without waiting, while another
// process does the same: the change to a write-ahead log, and the migrations,
// which read first. The other one is given as long as a write would wait.
func takingTurns(ctx context.Context, do func() error, again func(error) bool) error {
	deadline := time.Now().Add(busyTimeout)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		err := do()
		if err == nil || !again(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func locked(err error) bool { return errors.Is(explain(err), ErrLocked) }

var errNewer = errors.New("the database was written by a newer version of crossdock: use that version, or restore the backup made before it")

func migrateOnce(ctx context.Context, db *sql.DB, name goose.Dialect, files fs.FS, options []goose.ProviderOption) error {
	p, err := goose.NewProvider(name, db, files, options...)
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	switch {
	case have > known:
		return fmt.Errorf("%w (its tables have version %d, this crossdock knows %d)", errNewer, have, known)
	case have == known:
		return nil
	}
	_, err = p.Up(ctx)
	return err
}
