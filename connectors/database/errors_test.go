package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/crossdock/crossdock/connectors/sdk"
)

func asError(err error, target **sdk.Error) bool { return errors.As(err, target) }

func TestServerErrorsAreClassified(t *testing.T) {
	for _, tc := range []struct {
		err   error
		class sdk.Class
		code  string
	}{
		{&pgconn.PgError{Code: "23503"}, sdk.Permanent, "sql.foreign_key"},
		{&pgconn.PgError{Code: "23505"}, sdk.Permanent, "sql.unique"},
		{&pgconn.PgError{Code: "40P01"}, sdk.Retryable, "sql.conflict"},
		{&pgconn.PgError{Code: "40001"}, sdk.Retryable, "sql.conflict"},
		{&pgconn.PgError{Code: "53100"}, sdk.Retryable, "sql.disk_full"},
		{&pgconn.PgError{Code: "53300"}, sdk.NotConnected, "sql.unavailable"},
		{&pgconn.PgError{Code: "57P01"}, sdk.NotConnected, "sql.unavailable"},
		{&pgconn.PgError{Code: "28P01"}, sdk.Auth, "sql.auth"},
		{&pgconn.PgError{Code: "42501"}, sdk.Auth, "sql.rights"},
		{&pgconn.PgError{Code: "42P01"}, sdk.BadConfig, "sql.statement"},
		{&pgconn.PgError{Code: "22P02"}, sdk.Permanent, "sql.value"},
		{&pgconn.PgError{Code: "P0001"}, sdk.Permanent, "sql.raised"},
		{&pgconn.PgError{Code: "XX000"}, sdk.Retryable, "sql.error"},
		{&mysql.MySQLError{Number: 1452}, sdk.Permanent, "sql.foreign_key"},
		{&mysql.MySQLError{Number: 1213}, sdk.Retryable, "sql.conflict"},
		{&mysql.MySQLError{Number: 1205}, sdk.Retryable, "sql.busy"},
		{&mysql.MySQLError{Number: 1114}, sdk.Retryable, "sql.disk_full"},
		{&mysql.MySQLError{Number: 1040}, sdk.NotConnected, "sql.unavailable"},
		{&mysql.MySQLError{Number: 1045}, sdk.Auth, "sql.auth"},
		{&mysql.MySQLError{Number: 1142}, sdk.Auth, "sql.rights"},
		{&mysql.MySQLError{Number: 1146}, sdk.BadConfig, "sql.statement"},
		{&mysql.MySQLError{Number: 1644}, sdk.Permanent, "sql.raised"},
		{mysql.ErrInvalidConn, sdk.NotConnected, "sql.unavailable"},
		{context.DeadlineExceeded, sdk.Retryable, "sql.timeout"},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, sdk.NotConnected, "sql.unavailable"},
	} {
		wantError(t, classify("statement 1", fmt.Errorf("wrapped: %w", tc.err)), tc.class, tc.code, "statement 1")
	}
	e := wantError(t, classify("statement 1", &mysql.MySQLError{Number: 1452, Message: "Cannot add … CONSTRAINT `fk_sku` FOREIGN KEY (`sku`)"}), sdk.Permanent, "sql.foreign_key", "fk_sku")
	if e.Detail["constraint"] != "fk_sku" || e.Detail["number"] != "1452" {
		t.Errorf("detail = %v", e.Detail)
	}
}

// TestAClosedPortIsNotConnected: the circuit opens, nothing is dead.
func TestAClosedPortIsNotConnected(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for driver, dsn := range map[string]string{
		"postgres": "postgres://erp:geheim@" + addr + "/erp?sslmode=disable",
		"mysql":    "erp:geheim@tcp(" + addr + ")/erp",
	} {
		cfg := defaults()
		cfg.Driver, cfg.DSN, cfg.Statement, cfg.Timeout = driver, dsn, "INSERT INTO t VALUES (:a)", 5*time.Second
		s, err := newSink(context.Background(), cfg, env("erp.orders"))
		if err != nil {
			t.Fatal(err)
		}
		res := s.Write(context.Background(), []sdk.Record{record("1", `{"a":1}`)})
		wantError(t, res[0].Err, sdk.NotConnected, "sql.unavailable", "check that it runs")
		steps := s.Check(context.Background())
		if len(steps) != 1 || steps[0].Name != "connect" || steps[0].Err == nil {
			t.Errorf("%s: check = %+v", driver, steps)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAWrongDSNDoesNotShowThePassword: the drivers' own errors quote it.
func TestAWrongDSNDoesNotShowThePassword(t *testing.T) {
	for driver, dsn := range map[string]string{"postgres": "postgres://erp:geheim@[::1/erp", "mysql": "erp:geheim@tcp(", "sqlite": ""} {
		cfg := defaults()
		cfg.Driver, cfg.DSN, cfg.Statement = driver, dsn, "INSERT INTO t VALUES (:a)"
		s, err := newSink(context.Background(), cfg, env("erp.orders"))
		if err == nil {
			res := s.Write(context.Background(), []sdk.Record{record("1", `{"a":1}`)})
			err = res[0].Err
		}
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", driver, err)
		}
	}
}
