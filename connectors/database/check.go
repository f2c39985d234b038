package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// trial collects the steps of a check.
type trial struct{ steps []sdk.Step }

// run adds a step; it returns false when it failed.
func (t *trial) run(name string, f func() error) bool {
	start := time.Now()
	err := f()
	t.steps = append(t.steps, sdk.Step{Name: name, Err: err, Took: time.Since(start)})
	return err == nil
}

// connect reaches the database and logs in: the drivers do both at once, and the
// error's class tells them apart.
func (t *trial) connect(ctx context.Context, db *sqlx.DB) bool {
	err := classify("connect", db.PingContext(ctx))
	if isClass(err, sdk.Auth) || isClass(err, sdk.BadConfig) {
		t.run("connect", func() error { return nil })
		return t.run("log in", func() error { return err })
	}
	return t.run("connect", func() error { return err }) && t.run("log in", func() error { return nil })
}

// Check connects, logs in and runs the query for no rows.
func (s *source) Check(ctx context.Context) []sdk.Step {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var t trial
	if !t.connect(ctx, s.db) {
		return t.steps
	}
	t.run("query", func() error {
		query, args, err := s.sql(s.position())
		if err != nil {
			return err
		}
		rows, err := s.db.QueryxContext(ctx, "SELECT * FROM ("+query+") crossdock_check LIMIT 0", args...)
		if err != nil {
			return classify("the query", err)
		}
		defer rows.Close()
		_, err = s.reader(rows.Rows)
		return errors.Join(err, classify("the query", rows.Err()))
	})
	return t.steps
}

// Check connects, logs in, has the database read every statement without running
// it, asks for the rights, and looks for the inbox.
func (s *sink) Check(ctx context.Context) []sdk.Step {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var t trial
	if !t.connect(ctx, s.db) {
		return t.steps
	}
	for i := range s.steps {
		st := &s.steps[i]
		if t.run(st.what, func() error { return prepared(ctx, s.db, st.what, st.text) }) {
			t.run("rights of "+st.what, func() error { return s.explain(ctx, st) })
		}
	}
	t.run("inbox", func() error { return s.inbox.ensure(ctx, s.db, s.cfg.CreateInbox == nil || *s.cfg.CreateInbox) })
	return t.steps
}

// prepared has the database parse a statement and find its tables and columns.
func prepared(ctx context.Context, db *sqlx.DB, what, text string) error {
	st, err := db.PreparexContext(ctx, text)
	if err != nil {
		return classify(what, err)
	}
	return st.Close()
}

// explain asks for a statement's plan, for which PostgreSQL and MySQL check the
// rights. Only statements that have a plan are asked about; values are NULL.
func (s *sink) explain(ctx context.Context, st *step) error {
	if s.d.name == "sqlite" || !explainable(st.text) {
		return nil
	}
	tx, err := begin(ctx, s.d, s.db)
	if err != nil {
		return classify("begin a transaction", err)
	}
	defer tx.rollback()
	rows, err := tx.query(ctx, "EXPLAIN "+st.text, make([]any, len(st.sql.Parameters()))...)
	if err == nil {
		err = errors.Join(rows.Err(), rows.Close())
	}
	err = classify("rights of "+st.what, err)
	if isClass(err, sdk.Auth) {
		return err
	}
	// A NULL that the plan does not like says nothing about the rights.
	return nil
}

func explainable(sql string) bool {
	verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(sql)), " ")
	switch verb {
	case "INSERT", "UPDATE", "DELETE", "SELECT", "REPLACE":
		return true
	}
	return false
}

// Check connects, logs in and has the database read every query.
func (c *caller) Check(ctx context.Context) []sdk.Step {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var t trial
	if !t.connect(ctx, c.db) {
		return t.steps
	}
	for _, name := range c.operations() {
		what := "query"
		if name != "" {
			what = fmt.Sprintf("query %q", name)
		}
		t.run(what, func() error { return prepared(ctx, c.db, what, c.queries[name].sql.Render(c.d.placeholder)) })
	}
	return t.steps
}
