package ledger

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Errors that a person has to act upon. What was being written when one of them
// occurs was not written and must not be acknowledged.
var (
	// ErrFull means that the disk or the database's quota is full.
	ErrFull = errors.New("no space left for the database: free some space; nothing is acknowledged until then")
	// ErrReadOnly means that the database cannot be written to.
	ErrReadOnly = errors.New("the database is read-only: check the owner and rights of the file and its directory, and that its file system is mounted writable")
	// ErrCorrupt means that the file is damaged or no database.
	ErrCorrupt = errors.New("the database is damaged or not a database: stop, keep the file, restore a backup")
	// ErrLocked means that another process held the write lock for too long.
	ErrLocked = errors.New("the database is locked by another process: find who holds it open (a backup, a database browser) and close that")
	// ErrUnavailable means that the disk or the database server does not answer.
	ErrUnavailable = errors.New("the database cannot be reached")
	// ErrConflict is returned by StatePut when another writer was first.
	ErrConflict = errors.New("ledger: the key was changed by another writer")
	// ErrNotFound means that there is no dead letter with that id.
	ErrNotFound = errors.New("no such dead letter")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("ledger: closed")
)

// Primary result codes of SQLite, https://www.sqlite.org/rescode.html.
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteIOErr    = 10
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26
)

// explain puts one of the errors above in front of a driver's error.
func explain(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrFull, ErrReadOnly, ErrCorrupt, ErrLocked, ErrUnavailable} {
		if errors.Is(err, known) {
			return err
		}
	}
	var kind error
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var network net.Error
	switch {
	case errors.As(err, &lite):
		kind = sqliteKind(lite.Code() & 0xff)
	case errors.As(err, &pg):
		kind = postgresKind(pg.Code)
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), pgconn.Timeout(err):
		kind = ErrUnavailable
	default:
		var refused *pgconn.ConnectError
		if errors.As(err, &refused) || pgconn.SafeToRetry(err) {
			kind = ErrUnavailable
		}
	}
	if kind == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", kind, err)
}

func sqliteKind(code int) error {
	switch code {
	case sqliteBusy, sqliteLocked:
		return ErrLocked
	case sqliteReadOnly:
		return ErrReadOnly
	case sqliteIOErr, sqliteCantOpen:
		return ErrUnavailable
	case sqliteCorrupt, sqliteNotADB:
		return ErrCorrupt
	case sqliteFull:
		return ErrFull
	}
	return nil
}

// postgresKind reads SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html.
func postgresKind(code string) error {
	switch code {
	case "53100":
		return ErrFull
	case "25006":
		return ErrReadOnly
	case "55P03":
		return ErrLocked
	case "XX001", "XX002":
		return ErrCorrupt
	}
	if len(code) >= 2 && (code[:2] == "08" || code[:2] == "57" || code[:2] == "53") {
		return ErrUnavailable
	}
	return nil
}

// environmental reports that every other write would fail in the same way.
func environmental(err error) bool {
	err = explain(err)
	for _, known := range []error{ErrFull, ErrReadOnly, ErrCorrupt, ErrLocked, ErrUnavailable} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// again reports that the same transaction may succeed at once: it met another
// node's on PostgreSQL.
func again(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == "23505" || pg.Code == "40001" || pg.Code == "40P01"
}
