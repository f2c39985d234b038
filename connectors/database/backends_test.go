package database

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// backend is a database that the tests run on. SQLite is always there; the others
// are added by the integration tests.
type backend struct {
	name   string
	driver string
	// dsn returns the address of an empty database or schema.
	dsn func(t *testing.T) string
	// words replaces {time}, {decimal}… in the DDL of the tests.
	words map[string]string
}

func sqliteBackend() backend {
	return backend{
		name: "sqlite", driver: "sqlite",
		dsn: func(t *testing.T) string { return filepath.Join(t.TempDir(), "erp.db") },
		words: map[string]string{
			"{time}": "DATETIME", "{decimal}": "DECIMAL(10,2)", "{auto}": "INTEGER PRIMARY KEY AUTOINCREMENT",
			"{bytes}": "BLOB", "{bool}": "BOOLEAN", "{json}": "JSON", "{text}": "VARCHAR(100)", "{double}": "DOUBLE",
		},
	}
}

// system is one empty database with the means to look at it.
type system struct {
	t testing.TB
	backend
	cfg Config
	db  *sqlx.DB
}

// eachBackend runs a test on every database there is.
func eachBackend(t *testing.T, f func(t *testing.T, sys *system)) {
	t.Helper()
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) { f(t, newSystem(t, b)) })
	}
}

func newSystem(t *testing.T, b backend) *system {
	t.Helper()
	cfg := defaults()
	cfg.Driver, cfg.DSN, cfg.Interval = b.driver, b.dsn(t), 10*time.Millisecond
	d, err := dialectOf(b.driver)
	if err != nil {
		t.Fatal(err)
	}
	db, err := d.open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &system{t: t, backend: b, cfg: cfg, db: db}
}

// exec runs statements, with the words of the backend.
func (s *system) exec(statements ...string) {
	s.t.Helper()
	for _, sql := range statements {
		for from, to := range s.words {
			sql = strings.ReplaceAll(sql, from, to)
		}
		if _, err := s.db.Exec(sql); err != nil {
			s.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// one reads one value as text.
func (s *system) one(sql string) string {
	s.t.Helper()
	var v any
	if err := s.db.QueryRow(sql).Scan(&v); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

func env(name string) sdk.Env {
	return sdk.Env{Instance: name, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func (s *system) source(from []byte, change func(*Config)) *source {
	s.t.Helper()
	cfg := s.cfg
	change(&cfg)
	if errs := validate(cfg, "source"); len(errs) > 0 {
		s.t.Fatalf("configuration: %v", errs)
	}
	src, err := newSource(context.Background(), cfg, from, env("erp.stock"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = src.Close() })
	return src
}

func (s *system) sink(change func(*Config)) *sink {
	s.t.Helper()
	cfg := s.cfg
	change(&cfg)
	if errs := validate(cfg, "sink"); len(errs) > 0 {
		s.t.Fatalf("configuration: %v", errs)
	}
	snk, err := newSink(context.Background(), cfg, env("erp.orders"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = snk.Close() })
	return snk
}

// all reads a bounded source to its end.
func all(t *testing.T, src *source) []sdk.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var out []sdk.Record
	for {
		b, err := src.Read(ctx)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Records...)
	}
}

func record(id, payload string) sdk.Record {
	return sdk.Record{ID: id, Payload: []byte(payload), ContentType: "application/json", Operation: "event"}
}

// wantError checks the class and code of an error, and part of its text.
func wantError(t *testing.T, err error, class sdk.Class, code, text string) *sdk.Error {
	t.Helper()
	var e *sdk.Error
	if !asError(err, &e) {
		t.Fatalf("got %v, want class %d, code %s", err, class, code)
	}
	if e.Class != class || e.Code != code || !strings.Contains(err.Error(), text) {
		t.Fatalf("got class %d, code %s: %v\nwant class %d, code %s, with %q", e.Class, e.Code, err, class, code, text)
	}
	return e
}

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	if os.Getenv(pluginEnv) != "" {
		sdk.Serve(Connector())
		return
	}
	os.Exit(m.Run())
}
