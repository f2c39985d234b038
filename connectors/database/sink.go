package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/connectors/database/internal/parameters"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// sink writes records, each exactly once.
type sink struct {
	cfg   Config
	env   sdk.Env
	d     dialect
	db    *sqlx.DB
	bind  binder
	steps []step
	inbox inbox
	now   func() time.Time

	mu     sync.Mutex
	ready  bool      // the inbox is there
	purged time.Time // when old ids were last removed
}

// step is a compiled Statement.
type step struct {
	sql     *parameters.Statement
	text    string
	remove  *parameters.Statement // instead of sql when the record is a deletion
	each    *parameters.Parameter
	atLeast int
	returns bool
	what    string
}

func newSink(_ context.Context, cfg Config, env sdk.Env) (*sink, error) {
	d, err := dialectOf(cfg.Driver)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.invalid", err)
	}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.invalid", err)
	}
	steps, err := compileStatements(d, cfg)
	if err != nil {
		return nil, err
	}
	db, err := d.open(cfg)
	if err != nil {
		return nil, err
	}
	return &sink{
		cfg: cfg, env: env, d: d, db: db, steps: steps, now: time.Now,
		bind:  binder{dialect: d, types: cfg.Types, zone: zone},
		inbox: inbox{d: d, table: cfg.Inbox, instance: idOf(env.Instance)},
	}, nil
}

// compileStatements turns the configuration into steps.
func compileStatements(d dialect, cfg Config) ([]step, error) {
	statements := cfg.Statements
	switch {
	case cfg.Statement != "":
		statements = []Statement{{SQL: cfg.Statement}}
	case cfg.Upsert != nil:
		statements = []Statement{{Upsert: cfg.Upsert}}
	}
	var out []step
	for i, st := range statements {
		compiled, err := compileStatement(d, st)
		if err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "config.invalid", Field: fmt.Sprintf("/statements/%d", i), Message: err.Error()}
		}
		compiled.what = fmt.Sprintf("statement %d", i+1)
		out = append(out, compiled)
	}
	return out, nil
}

func compileStatement(d dialect, st Statement) (step, error) {
	if (st.SQL == "") == (st.Upsert == nil) {
		return step{}, errors.New("give exactly one of sql and upsert")
	}
	s := step{atLeast: st.AtLeast, returns: st.Returns}
	source := st.SQL
	if st.Upsert != nil {
		var err error
		if source, err = d.upsert(st.Upsert); err != nil {
			return step{}, err
		}
		if s.remove, err = parameters.Parse(d.remove(st.Upsert)); err != nil {
			return step{}, err
		}
	}
	var err error
	if s.sql, err = parse(source); err != nil {
		return step{}, err
	}
	if st.Each != "" {
		each, err := parameters.At(st.Each)
		if err != nil {
			return step{}, fmt.Errorf("each %w", err)
		}
		s.each = &each
	}
	s.text = s.sql.Render(d.placeholder)
	return s, nil
}

// parse reads a statement as people write it, with a semicolon at its end.
func parse(sql string) (*parameters.Statement, error) {
	return parameters.Parse(strings.TrimRight(strings.TrimSpace(sql), ";"))
}

// execution is one statement with its values.
type execution struct {
	step *step
	text string
	args []any
	at   string // JSON Pointer to the item
}

// plan binds everything a record does, before the transaction begins.
func (s *sink) plan(rec sdk.Record) ([]execution, error) {
	if rec.ID == "" {
		return nil, sdk.Failf(sdk.Bug, "sql.id", "the record has no id, so that its effect could not be made once")
	}
	doc, err := decode(rec)
	if err != nil {
		return nil, err
	}
	var out []execution
	for i := range s.steps {
		st := &s.steps[i]
		compiled, text := st.sql, st.text
		if rec.Operation == "delete" && st.remove != nil {
			compiled, text = st.remove, st.remove.Render(s.d.placeholder)
		}
		scopes, err := s.scopes(st, doc, rec)
		if err != nil {
			return nil, err
		}
		for _, sc := range scopes {
			args, err := s.bind.bind(compiled, sc)
			if err != nil {
				return nil, err
			}
			out = append(out, execution{step: st, text: text, args: args, at: sc.at})
		}
	}
	return out, nil
}

// scopes are the document, or the items of each.
func (s *sink) scopes(st *step, doc any, rec sdk.Record) ([]scope, error) {
	if st.each == nil {
		return []scope{{doc: doc, item: doc, rec: rec}}, nil
	}
	v, _, err := s.bind.lookup(*st.each, scope{doc: doc, item: doc, rec: rec})
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, &sdk.Error{Class: sdk.Permanent, Code: "sql.parameter", Field: st.each.Text, Message: "each of " + st.what + " needs an array here"}
	}
	out := make([]scope, len(items))
	for i, item := range items {
		out[i] = scope{doc: doc, item: item, rec: rec, index: i + 1, at: fmt.Sprintf("%s/%d", st.each.Text, i)}
	}
	return out, nil
}

// Write applies the records. A record that fails leaves the others alone.
func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	if err := s.prepare(ctx); err != nil {
		return sdk.All(len(recs), err)
	}
	results := make([]sdk.Result, len(recs))
	plans := make([][]execution, len(recs))
	var open []int
	for i, rec := range recs {
		var err error
		if plans[i], err = s.plan(rec); err != nil {
			results[i].Err = err
			continue
		}
		open = append(open, i)
	}
	if s.cfg.Transaction != "record" && len(open) > 1 && s.together(ctx, recs, plans, open, results) {
		return results
	}
	for _, i := range open {
		results[i] = s.alone(ctx, recs[i], plans[i])
	}
	return results
}

// together writes several records in one transaction, each behind a savepoint. It
// returns false, with nothing done, when the transaction as a whole failed; then
// each record is tried alone, so that the one at fault is found.
func (s *sink) together(ctx context.Context, recs []sdk.Record, plans [][]execution, open []int, results []sdk.Result) bool {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	tx, err := begin(ctx, s.d, s.db)
	if err != nil {
		return false
	}
	defer tx.rollback()
	for _, i := range open {
		if _, err := tx.exec(ctx, "SAVEPOINT crossdock_record"); err != nil {
			return false
		}
		results[i] = s.apply(ctx, tx, recs[i], plans[i])
		after := "RELEASE SAVEPOINT crossdock_record"
		if err := results[i].Err; err != nil && !isClass(err, sdk.Duplicate) {
			if !isClass(err, sdk.Permanent) {
				return false
			}
			after = "ROLLBACK TO SAVEPOINT crossdock_record"
		}
		if _, err := tx.exec(ctx, after); err != nil {
			return false
		}
	}
	return tx.commit() == nil
}

// alone writes one record in a transaction of its own.
func (s *sink) alone(ctx context.Context, rec sdk.Record, plan []execution) sdk.Result {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	tx, err := begin(ctx, s.d, s.db)
	if err != nil {
		return sdk.Result{Err: classify("begin a transaction", err)}
	}
	defer tx.rollback()
	res := s.apply(ctx, tx, rec, plan)
	if res.Err != nil {
		return res
	}
	if err := tx.commit(); err != nil {
		// Whether it was committed is unknown; the retry finds out in the inbox.
		return sdk.Result{Err: classify("commit", err)}
	}
	return res
}

// apply enters the record in the inbox and runs its statements.
func (s *sink) apply(ctx context.Context, tx *transaction, rec sdk.Record, plan []execution) sdk.Result {
	fresh, externalID, err := s.inbox.enter(ctx, tx, rec.ID, s.now())
	if err != nil {
		return sdk.Result{Err: classify("enter the record in the inbox", err)}
	}
	if !fresh {
		return sdk.Result{ExternalID: externalID, Err: &sdk.Error{
			Class: sdk.Duplicate, Code: "sql.inbox", Message: "the record was written before", Detail: map[string]string{"id": rec.ID},
		}}
	}
	for _, x := range plan {
		id, err := s.run(ctx, tx, x)
		if err != nil {
			return sdk.Result{Err: located(err, x.at)}
		}
		if id != "" && externalID == "" {
			externalID = id
		}
	}
	if externalID != "" {
		if err := s.inbox.note(ctx, tx, rec.ID, externalID); err != nil {
			return sdk.Result{Err: classify("note the document's id", err)}
		}
	}
	return sdk.Result{ExternalID: externalID}
}

// run executes one statement and returns the id that it gave the document.
func (s *sink) run(ctx context.Context, tx *transaction, x execution) (string, error) {
	if x.step.returns {
		return s.query(ctx, tx, x)
	}
	res, err := tx.exec(ctx, x.text, x.args...)
	if err != nil {
		return "", classify(x.step.what, err)
	}
	if x.step.atLeast > 0 {
		n, err := res.RowsAffected()
		if err != nil {
			return "", classify(x.step.what, err)
		}
		if n < int64(x.step.atLeast) {
			return "", tooFew(x, n)
		}
	}
	return "", nil
}

func (s *sink) query(ctx context.Context, tx *transaction, x execution) (string, error) {
	rows, err := tx.query(ctx, x.text, x.args...)
	if err != nil {
		return "", classify(x.step.what, err)
	}
	defer rows.Close()
	id, n := "", int64(0)
	for rows.Next() {
		cols, err := columnsOf(rows.Rows, s.bind.zone)
		if err != nil {
			return "", classify(x.step.what, err)
		}
		values, err := cols.scan(rows.Rows)
		if err != nil {
			return "", classify(x.step.what, err)
		}
		if n++; n == 1 && values[0] != nil {
			if id, err = cols.plain(0, values[0]); err != nil {
				return "", err
			}
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return "", classify(x.step.what, err)
	}
	if n < int64(x.step.atLeast) {
		return "", tooFew(x, n)
	}
	return id, nil
}

func tooFew(x execution, n int64) error {
	return &sdk.Error{
		Class: sdk.Permanent, Code: "sql.no_rows", Field: x.at,
		Message: fmt.Sprintf("%s affected %d rows, expected at least %d: what it should change is not there", x.step.what, n, x.step.atLeast),
	}
}

// located adds the item of the document at which a statement failed.
func located(err error, at string) error {
	var e *sdk.Error
	if errors.As(err, &e) && e.Field == "" {
		e.Field = at
	}
	return err
}

func isClass(err error, class sdk.Class) bool {
	var e *sdk.Error
	return errors.As(err, &e) && e.Class == class
}

// prepare makes the inbox and, once an hour, removes old ids from it.
func (s *sink) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready {
		if err := s.inbox.ensure(ctx, s.db, s.cfg.CreateInbox == nil || *s.cfg.CreateInbox); err != nil {
			return err
		}
		s.ready = true
	}
	keep, now := s.cfg.InboxKeep, s.now()
	if keep > 0 && now.Sub(s.purged) > time.Hour {
		s.purged = now
		if err := s.inbox.purge(ctx, s.db, now.Add(-keep)); err != nil {
			s.env.Log.Warn("old ids stay in the inbox", "table", s.cfg.Inbox, "error", err)
		}
	}
	return nil
}

// Close ends the connections.
func (s *sink) Close() error { return s.db.Close() }
