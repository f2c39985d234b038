//go:build integration

package ledger_test

import (
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/core/ledger"
)

const postgresEnv = "CROSSDOCK_TEST_POSTGRES"

// TestPostgres runs the suite on the PostgreSQL that the environment names, each
// test in a schema of its own.
func TestPostgres(t *testing.T) {
	dsn := os.Getenv(postgresEnv)
	if dsn == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("not run: " + postgresEnv + " names no database, which is required in CI")
		}
		t.Skip("not run: set " + postgresEnv + " to a database, such as postgres://me@127.0.0.1:5432/test")
	}
	admin, err := sqlx.Connect("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	var n atomic.Int64
	fresh := func(t *testing.T) opener {
		t.Helper()
		schema := fmt.Sprintf("ledger_test_%d_%d", os.Getpid(), n.Add(1))
		if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
				t.Error(err)
			}
		})
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("search_path", schema)
		u.RawQuery = q.Encode()
		return func(t *testing.T) *ledger.Ledger { return open(t, u.String()) }
	}
	suite(t, fresh)
}
