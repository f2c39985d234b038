package database

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"
)

// transaction runs statements, preparing each text once: the order lines of a
// batch are thousands of the same insert. PostgreSQL's driver does that by itself.
type transaction struct {
	tx       *sqlx.Tx
	prepare  bool
	prepared map[string]*sqlx.Stmt
}

func begin(ctx context.Context, d dialect, db *sqlx.DB) (*transaction, error) {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &transaction{tx: tx, prepare: d.name != "postgres", prepared: map[string]*sqlx.Stmt{}}, nil
}

func (t *transaction) statement(ctx context.Context, text string) (*sqlx.Stmt, error) {
	if st, ok := t.prepared[text]; ok {
		return st, nil
	}
	st, err := t.tx.PreparexContext(ctx, text)
	if err != nil {
		return nil, err
	}
	t.prepared[text] = st
	return st, nil
}

func (t *transaction) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if !t.prepare || len(args) == 0 {
		return t.tx.ExecContext(ctx, text, args...)
	}
	st, err := t.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(ctx, args...)
}

func (t *transaction) query(ctx context.Context, text string, args ...any) (*sqlx.Rows, error) {
	if !t.prepare || len(args) == 0 {
		return t.tx.QueryxContext(ctx, text, args...)
	}
	st, err := t.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryxContext(ctx, args...)
}

// commit closes the statements and commits.
func (t *transaction) commit() error {
	t.close()
	return t.tx.Commit()
}

// rollback ends a transaction that was not committed.
func (t *transaction) rollback() {
	t.close()
	if err := t.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		// The connection is gone, and the transaction with it.
		return
	}
}

func (t *transaction) close() {
	for text, st := range t.prepared {
		// What cannot be closed belongs to a connection that is gone.
		_ = st.Close()
		delete(t.prepared, text)
	}
}
