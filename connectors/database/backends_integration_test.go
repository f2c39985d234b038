//go:build integration

package database

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"
)

// backends adds the servers that CROSSDOCK_TEST_POSTGRES and CROSSDOCK_TEST_MARIADB
// name. Each test has a schema or database of its own, dropped afterwards.
func backends(t *testing.T) []backend {
	t.Helper()
	out := []backend{sqliteBackend()}
	if dsn := server(t, "CROSSDOCK_TEST_POSTGRES"); dsn != "" {
		out = append(out, backend{
			name: "postgres", driver: "postgres", dsn: func(t *testing.T) string { return postgresSchema(t, dsn) },
			words: map[string]string{
				"{time}": "TIMESTAMPTZ", "{decimal}": "NUMERIC(10,2)", "{auto}": "BIGSERIAL PRIMARY KEY",
				"{bytes}": "BYTEA", "{bool}": "BOOLEAN", "{json}": "JSONB", "{text}": "VARCHAR(100)", "{double}": "DOUBLE PRECISION",
			},
		})
	}
	if dsn := server(t, "CROSSDOCK_TEST_MARIADB"); dsn != "" {
		out = append(out, backend{
			name: "mariadb", driver: "mariadb", dsn: func(t *testing.T) string { return mariadbDatabase(t, dsn) },
			words: map[string]string{
				"{time}": "DATETIME(6)", "{decimal}": "DECIMAL(10,2)", "{auto}": "BIGINT AUTO_INCREMENT PRIMARY KEY",
				"{bytes}": "BLOB", "{bool}": "BOOLEAN", "{json}": "JSON", "{text}": "VARCHAR(100)", "{double}": "DOUBLE",
			},
		})
	}
	return out
}

// server returns a DSN from the environment. Its absence is said aloud, and is a
// failure where the servers are promised.
func server(t *testing.T, name string) string {
	t.Helper()
	dsn := os.Getenv(name)
	if dsn == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set", name)
		}
		fmt.Fprintf(os.Stderr, "NOT RUN: %s: %s is not set\n", t.Name(), name)
	}
	return dsn
}

func unique(t *testing.T) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "t*")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	return fmt.Sprintf("t%d_%s", os.Getpid(), f.Name()[strings.LastIndexByte(f.Name(), '/')+2:])
}

func postgresSchema(t *testing.T, dsn string) string {
	t.Helper()
	name := unique(t)
	admin := sqlx.MustOpen("pgx", dsn)
	if _, err := admin.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP SCHEMA " + name + " CASCADE"); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	q.Set("timezone", "UTC")
	u.RawQuery = q.Encode()
	return u.String()
}

func mariadbDatabase(t *testing.T, dsn string) string {
	t.Helper()
	name := unique(t)
	admin := sqlx.MustOpen("mysql", dsn)
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	c.DBName = name
	return c.FormatDSN()
}
