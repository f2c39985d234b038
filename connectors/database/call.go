package database

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/connectors/database/internal/parameters"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// caller answers look-ups: one query, with parameters from the request.
type caller struct {
	cfg     Config
	d       dialect
	db      *sqlx.DB
	bind    binder
	queries map[string]lookup // "" is the endpoint's own query
}

type lookup struct {
	sql  *parameters.Statement
	many bool
}

func newCaller(_ context.Context, cfg Config, _ sdk.Env) (*caller, error) {
	d, err := dialectOf(cfg.Driver)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.invalid", err)
	}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.invalid", err)
	}
	c := &caller{cfg: cfg, d: d, bind: binder{dialect: d, types: cfg.Types, zone: zone}, queries: map[string]lookup{}}
	add := func(name, sql, result string) error {
		st, err := parse(sql)
		if err != nil {
			return sdk.Fail(sdk.BadConfig, "sql.statement", err)
		}
		c.queries[name] = lookup{st, result == "many"}
		return nil
	}
	if cfg.Query != "" {
		if err := add("", cfg.Query, cfg.Result); err != nil {
			return nil, err
		}
	}
	for name, q := range cfg.Queries {
		if err := add(name, q.SQL, q.Result); err != nil {
			return nil, err
		}
	}
	if c.db, err = d.open(cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// Call runs the query of that operation; the endpoint's own query answers every
// operation that has none. A look-up that finds nothing answers null.
func (c *caller) Call(ctx context.Context, operation string, in sdk.Record) (sdk.Record, error) {
	q, ok := c.queries[operation]
	if !ok {
		q, ok = c.queries[""]
	}
	if !ok {
		return sdk.Record{}, sdk.Failf(sdk.BadConfig, "sql.operation", "operation %q is unknown, expected one of %s", operation, strings.Join(c.operations(), ", "))
	}
	doc, err := decode(in)
	if err != nil {
		return sdk.Record{}, err
	}
	args, err := c.bind.bind(q.sql, scope{doc: doc, item: doc, rec: in})
	if err != nil {
		return sdk.Record{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	payload, err := c.answer(ctx, q, args)
	if err != nil {
		return sdk.Record{}, err
	}
	return sdk.Record{ID: in.ID, Payload: payload, ContentType: "application/json"}, nil
}

func (c *caller) answer(ctx context.Context, q lookup, args []any) ([]byte, error) {
	rows, err := c.db.QueryxContext(ctx, q.sql.Render(c.d.placeholder), args...)
	if err != nil {
		return nil, classify("look up", err)
	}
	defer rows.Close()
	cols, err := columnsOf(rows.Rows, c.bind.zone)
	if err != nil {
		return nil, classify("look up", err)
	}
	var found [][]byte
	for rows.Next() {
		values, err := cols.scan(rows.Rows)
		if err != nil {
			return nil, classify("look up", err)
		}
		row, err := cols.object(values, len(cols.names))
		if err != nil {
			return nil, sdk.Fail(sdk.Permanent, "sql.row", err)
		}
		found = append(found, row)
		if !q.many && len(found) > 1 {
			return nil, &sdk.Error{Class: sdk.Permanent, Code: "sql.ambiguous", Message: "the look-up found more than one row: make the query precise, or set result: many"}
		}
		if len(found) > maxRows {
			return nil, &sdk.Error{Class: sdk.Permanent, Code: "sql.too_many", Message: fmt.Sprintf("the look-up found more than %d rows: limit the query", maxRows)}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, classify("look up", err)
	}
	switch {
	case q.many:
		return slices.Concat([]byte("["), bytes.Join(found, []byte(",")), []byte("]")), nil
	case len(found) == 0:
		return []byte("null"), nil
	}
	return found[0], nil
}

// maxRows limits what a look-up may return.
const maxRows = 10_000

func (c *caller) operations() []string {
	var names []string
	for n := range c.queries {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Close ends the connections.
func (c *caller) Close() error { return c.db.Close() }
