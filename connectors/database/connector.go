// Package database connects ERPs and other systems through their SQL database:
// SQLite, PostgreSQL, MySQL and MariaDB.
//
// Reading is a query run again and again, each time for the rows behind the last
// one seen. What "behind" means is a watermark, a column that only grows, and a
// tie-breaker, because many rows can carry the same time stamp: a position is the
// pair of both, so that no row is skipped and none is read twice.
//
// Writing is one transaction per record, made of as many statements as the
// document needs: an order header and its lines are there together or not at all.
// In the same transaction the record's id goes into a table of ours, the inbox.
// A record that comes again, because the process died after the commit and before
// the acknowledgement, finds its id there and has no second effect.
//
// Statements are written with named parameters (:orderNumber) that are bound from
// the document. Values never become part of the SQL text.
package database

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/database/internal/parameters"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Config is the configuration of a connection and its endpoints. Each endpoint
// repeats or overrides what the connection says.
type Config struct {
	Driver   string        `json:"driver" doc:"Kind of database." required:"true" enum:"sqlite,postgres,mysql,mariadb"`
	DSN      string        `json:"dsn" doc:"Where the database is and how to log in, in the driver's notation: file.db, postgres://user:password@host/name, user:password@tcp(host:3306)/name." required:"true" secret:"true" example:"postgres://crossdock:${env:ERP_PASSWORD}@erp-db/erp"`
	Timeout  time.Duration `json:"timeout" doc:"Longest time for one query or one transaction." default:"30s" min:"100ms"`
	Timezone string        `json:"timezone" doc:"IANA time zone of columns that hold a time without a zone." default:"UTC" example:"Europe/Berlin"`

	// Reading.
	Query       string            `json:"query" doc:"SELECT without ORDER BY and LIMIT; both are added. May use :watermark, :id and :limit where that makes it faster. For a call: the query to run, with parameters from the request." role:"source,call" example:"SELECT sku, on_hand, changed_at FROM stock"`
	Watermark   string            `json:"watermark" doc:"Column that grows with every change: a time stamp or a number. Rows are read in its order." role:"source" example:"changed_at"`
	ID          string            `json:"id" doc:"Column that tells rows of the same watermark apart, usually the primary key. Not needed where the watermark is unique." role:"source" example:"sku"`
	Start       string            `json:"start" doc:"Watermark to start behind when nothing was read before; without it everything is read. Required when the query uses :watermark." role:"source" example:"2026-01-01 00:00:00"`
	Interval    time.Duration     `json:"interval" doc:"Pause between two reads when there was nothing new." default:"10s" min:"10ms" role:"source"`
	Limit       int               `json:"limit" doc:"Rows per read." default:"500" min:"1" max:"10000" role:"source"`
	Lag         time.Duration     `json:"lag" doc:"How long a transaction of the other side may take to commit: rows younger than this wait, so that a late commit with an older watermark is not missed. With a numeric watermark, a gap in the numbers is waited for instead." min:"0s" role:"source"`
	Acknowledge string            `json:"acknowledge" doc:"Statement that runs for each row when it is safely stored, with parameters from the row." role:"source" example:"UPDATE outbox SET sent = 1 WHERE id = :id"`
	Once        bool              `json:"once" doc:"Stop at the end instead of waiting for new rows." role:"source"`
	Name        string            `json:"name" doc:"Name of the rows in record ids; the endpoint's name unless stated. Never change it: the ids of everything read depend on it." role:"source"`
	Key         string            `json:"key" doc:"Column whose value orders the records: rows of one key stay in order." role:"source" example:"sku"`
	Keys        map[string]string `json:"keys" doc:"Business keys by name and column, for crossdock trace." role:"source" example:"{sku: sku}"`
	Entity      string            `json:"entity" doc:"What a row is, in your own words." role:"source" example:"stock"`
	Operation   string            `json:"operation" doc:"What a row says: a new state, an event, a full picture." enum:"upsert,event,snapshot,delete" default:"upsert" role:"source"`

	// Writing.
	Statement   string        `json:"statement" doc:"The only statement, with named parameters; a short form of statements." role:"sink" example:"INSERT INTO stock (sku, qty) VALUES (:sku, :quantity)"`
	Upsert      *Upsert       `json:"upsert" doc:"Insert or update one row per record; a short form of statements." role:"sink"`
	Statements  []Statement   `json:"statements" doc:"What one record does, in one transaction." role:"sink"`
	Transaction string        `json:"transaction" doc:"batch: several records share one transaction, each behind a savepoint, and a record that fails leaves the others alone. record: each has its own." enum:"batch,record" default:"batch" role:"sink"`
	Inbox       string        `json:"inbox" doc:"Table in which the ids of written records are kept." default:"crossdock_inbox" role:"sink"`
	CreateInbox *bool         `json:"createInbox" doc:"Create the inbox table if it is missing." default:"true" role:"sink"`
	InboxKeep   time.Duration `json:"inboxKeep" doc:"How long ids stay in the inbox; 0s keeps them for ever. It must be longer than anything is replayed." default:"2160h" min:"0s" role:"sink"`

	// Looking up.
	Queries map[string]Query `json:"queries" doc:"Queries by operation name, when one endpoint offers several." role:"call"`
	Result  string           `json:"result" doc:"one: the row as an object, or null when there is none. many: an array of rows." enum:"one,many" default:"one" role:"call"`

	Types map[string]string `json:"types" doc:"What parameters are, where their JSON type does not say: time, date, bytes (base64), json, integer, number, text." role:"source,sink,call" example:"{placedAt: time}"`
}

// Statement is one SQL statement of a record's transaction, or the upsert of one
// row. Exactly one of SQL and Upsert is given.
type Statement struct {
	SQL     string  `json:"sql" doc:"Statement with named parameters: :field, :a.b for a nested field, :{/lines/0/sku} for a place in the whole document, :field? where the field may be missing, and :@id, :@key, :@index." example:"CALL post_order(:orderNumber)"`
	Upsert  *Upsert `json:"upsert" doc:"Insert or update one row."`
	Each    string  `json:"each" doc:"JSON Pointer to an array: the statement runs once for each item, and :field means the item's field." example:"/lines"`
	AtLeast int     `json:"atLeast" doc:"Rows that the statement must affect, so that an update that finds nothing is an error and not a loss." min:"0" example:"1"`
	Returns bool    `json:"returns" doc:"The statement returns the id of the new document in its first column (RETURNING, or a procedure that selects it)."`
}

// Upsert inserts a row or, where one with the same keys exists, updates it.
type Upsert struct {
	Table   string            `json:"table" doc:"Table, with its schema where needed." required:"true" example:"stock"`
	Keys    []string          `json:"keys" doc:"Columns that identify a row; the table needs a unique index on exactly these." required:"true" example:"[sku, location]"`
	Columns map[string]string `json:"columns" doc:"Columns and the parameter each is filled from." required:"true" example:"{sku: ':sku', qty: ':quantity'}"`
	Version string            `json:"version" doc:"Column that says which state is newer: an existing row with the same or a higher value is left as it is." example:"entity_version"`
}

// Query is one query of a call endpoint.
type Query struct {
	SQL    string `json:"sql" doc:"Query with named parameters from the request." required:"true"`
	Result string `json:"result" doc:"one: the row as an object, or null when there is none. many: an array of rows." enum:"one,many" default:"one"`
}

// defaults is what a configuration starts from.
func defaults() Config {
	yes := true
	return Config{
		Timeout: 30 * time.Second, Timezone: "UTC", Interval: 10 * time.Second, Limit: 500, Operation: "upsert",
		Transaction: "batch", Inbox: "crossdock_inbox", CreateInbox: &yes, InboxKeep: 90 * 24 * time.Hour, Result: "one",
	}
}

// Connector returns the database connector.
func Connector() sdk.Plugin {
	return sdk.Connector[Config]{
		Spec: sdk.Spec{
			Name: "database", Version: "1.0.0", Vendor: "Crossdock", License: "Apache-2.0",
			Summary: "SQLite, PostgreSQL, MySQL and MariaDB: read by watermark, write in one transaction, look up",
			Effect: "The record's id is inserted into the inbox table in the same transaction as the record's " +
				"statements; a repeated id is a duplicate and changes nothing.",
		},
		Defaults: defaults(),
		Validate: validate,
		Source: func(ctx context.Context, cfg Config, from []byte, env sdk.Env) (sdk.Source, error) {
			return newSource(ctx, cfg, from, env)
		},
		Sink: func(ctx context.Context, cfg Config, env sdk.Env) (sdk.Sink, error) { return newSink(ctx, cfg, env) },
		Call: func(ctx context.Context, cfg Config, env sdk.Env) (sdk.Caller, error) {
			return newCaller(ctx, cfg, env)
		},
	}
}

// validate finds every mistake that shows without the database.
func validate(cfg Config, role string) []error {
	v := &checker{}
	if _, err := dialectOf(cfg.Driver); err != nil {
		v.add("/driver", "%v", err)
	}
	if _, err := time.LoadLocation(cfg.Timezone); err != nil {
		v.add("/timezone", "%q is no IANA time zone, expected something like Europe/Berlin", cfg.Timezone)
	}
	for name, kind := range cfg.Types {
		if !knownType(kind) {
			v.add("/types/"+name, "%q is no type, expected one of %s", kind, strings.Join(typeNames(), ", "))
		}
	}
	switch role {
	case "source":
		v.source(cfg)
	case "sink":
		v.sink(cfg)
	case "call":
		v.call(cfg)
	}
	sort.SliceStable(v.errs, func(i, j int) bool { return v.errs[i].Error() < v.errs[j].Error() })
	return v.errs
}

// checker collects configuration errors.
type checker struct{ errs []error }

func (v *checker) add(field, format string, args ...any) {
	v.errs = append(v.errs, &sdk.Error{Class: sdk.BadConfig, Code: "config.invalid", Field: field, Message: fmt.Sprintf(format, args...)})
}

func (v *checker) source(cfg Config) {
	if cfg.Query == "" {
		v.add("/query", "is missing: the SELECT to read")
		return
	}
	if cfg.Watermark == "" {
		v.add("/watermark", "is missing: the column that grows with every change")
	}
	for field, column := range map[string]string{"/watermark": cfg.Watermark, "/id": cfg.ID} {
		if strings.Contains(column, ".") {
			v.add(field, "%q names a table: give the column as the query returns it", column)
		}
	}
	if _, err := compileAcknowledge(cfg); err != nil {
		v.errs = append(v.errs, err)
	}
	q, err := parameters.Parse(cfg.Query)
	if err != nil {
		v.add("/query", "%v", err)
		return
	}
	for _, p := range q.Parameters() {
		if !strings.Contains(" watermark id limit ", " "+p.Text+" ") {
			v.add("/query", "parameter :%s is unknown here; a source's query may use :watermark, :id and :limit", p.Text)
		}
		if p.Text == "watermark" && cfg.Start == "" {
			v.add("/start", "is missing: the query uses :watermark and needs a value for the first read")
		}
		if p.Text == "id" && cfg.ID == "" {
			v.add("/id", "is missing: the query uses :id")
		}
	}
}

func (v *checker) sink(cfg Config) {
	n := 0
	for _, given := range []bool{cfg.Statement != "", cfg.Upsert != nil, len(cfg.Statements) > 0} {
		if given {
			n++
		}
	}
	if n != 1 {
		v.add("/statements", "give exactly one of statement, upsert and statements; found %d", n)
	}
	if err := checkName(cfg.Inbox); err != nil {
		v.add("/inbox", "%v", err)
	}
	d, err := dialectOf(cfg.Driver)
	if err != nil {
		return
	}
	if _, err := compileStatements(d, cfg); err != nil {
		var e *sdk.Error
		if errors.As(err, &e) {
			v.errs = append(v.errs, e)
		} else {
			v.add("/statements", "%v", err)
		}
	}
}

func (v *checker) call(cfg Config) {
	if cfg.Query == "" && len(cfg.Queries) == 0 {
		v.add("/query", "is missing: the query to run, or queries by operation")
	}
	if cfg.Query != "" {
		if _, err := parameters.Parse(cfg.Query); err != nil {
			v.add("/query", "%v", err)
		}
	}
	for name, q := range cfg.Queries {
		if _, err := parameters.Parse(q.SQL); err != nil {
			v.add("/queries/"+name+"/sql", "%v", err)
		}
		if q.Result != "" && q.Result != "one" && q.Result != "many" {
			v.add("/queries/"+name+"/result", "%q is unknown, expected one or many", q.Result)
		}
	}
}
