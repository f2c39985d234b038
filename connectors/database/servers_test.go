//go:build integration

package database

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// eachServer leaves out SQLite, which has neither users nor procedures.
func eachServer(t *testing.T, f func(t *testing.T, sys *system)) {
	t.Helper()
	eachBackend(t, func(t *testing.T, sys *system) {
		if sys.name != "sqlite" {
			f(t, sys)
		}
	})
}

func TestProceduresTakePartInTheTransaction(t *testing.T) {
	eachServer(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE posting (number {text}, total {decimal})")
		switch sys.name {
		case "postgres":
			sys.exec(`CREATE PROCEDURE post_order(number text, total numeric) LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO posting VALUES (number, total); IF total < 0 THEN RAISE EXCEPTION 'negative total of %', number; END IF; END $$`)
		default:
			sys.exec(`CREATE PROCEDURE post_order(n VARCHAR(100), t DECIMAL(10,2)) BEGIN
				INSERT INTO posting VALUES (n, t); IF t < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'negative total'; END IF; END`)
		}
		s := sys.sink(func(c *Config) { c.Statement = "CALL post_order(:number, :total)" })
		res := s.Write(context.Background(), []sdk.Record{
			record("1", `{"number":"4711","total":"12.50"}`),
			record("2", `{"number":"4712","total":-1}`),
			record("1", `{"number":"4711","total":"12.50"}`),
		})
		if res[0].Err != nil {
			t.Error(res[0].Err)
		}
		wantError(t, res[1].Err, sdk.Permanent, "sql.raised", "negative total")
		wantError(t, res[2].Err, sdk.Duplicate, "sql.inbox", "")
		if got := sys.one("SELECT COUNT(*) FROM posting"); got != "1" {
			t.Errorf("%s postings, want 1", got)
		}
	})
}

func TestValuesThatDoNotFitAreRefused(t *testing.T) {
	eachServer(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE narrow (code VARCHAR(3), n SMALLINT, at {time})")
		s := sys.sink(func(c *Config) { c.Statement = "INSERT INTO narrow VALUES (:code?, :n?, :at?)" })
		for _, doc := range []string{`{"code":"ABCD"}`, `{"n":99999}`, `{"n":"many"}`, `{"at":"gestern"}`} {
			wantError(t, s.Write(context.Background(), []sdk.Record{record(doc, doc)})[0].Err, sdk.Permanent, "sql.value", "check its type, length and range")
		}
		if got := sys.one("SELECT COUNT(*) FROM narrow"); got != "0" {
			t.Errorf("%s rows were written", got)
		}
	})
}

func TestWrongPasswordDatabaseAndRights(t *testing.T) {
	eachServer(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE note (id {text})")
		user := "u_" + strings.ReplaceAll(unique(t), "_", "")
		dsn := login(t, sys, user)
		write := func(dsn string) ([]sdk.Step, error) {
			s := sys.sink(func(c *Config) { c.DSN, c.Statement = dsn, "INSERT INTO note VALUES (:a)" })
			return s.Check(context.Background()), s.Write(context.Background(), []sdk.Record{record("1", `{"a":1}`)})[0].Err
		}
		steps, err := write(dsn("geheim", ""))
		wantError(t, err, sdk.Auth, "sql.rights", "grant it")
		last := steps[len(steps)-1]
		if len(steps) < 3 || last.Err == nil {
			t.Errorf("check without rights: %+v", steps)
		}
		steps, err = write(dsn("falsch", ""))
		if sys.name == "mariadb" || sys.one("SELECT COUNT(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'") == "0" {
			wantError(t, err, sdk.Auth, "sql.auth", "check user and password")
			if steps[len(steps)-1].Name != "log in" || strings.Contains(err.Error(), "falsch") {
				t.Errorf("check with a wrong password: %+v", steps)
			}
		}
		_, err = write(dsn("geheim", "no_such_database"))
		if !isClass(err, sdk.BadConfig) && !isClass(err, sdk.Auth) {
			t.Errorf("a database that is not there: %v", err)
		}
	})
}

// login makes a user without rights and returns how to log in as that user.
func login(t *testing.T, sys *system, user string) func(password, database string) string {
	t.Helper()
	if sys.name == "postgres" {
		sys.exec("CREATE ROLE "+user+" LOGIN PASSWORD 'geheim'", "GRANT USAGE ON SCHEMA "+sys.one("SELECT current_schema()")+" TO "+user)
		t.Cleanup(func() { sys.exec("DROP OWNED BY "+user, "DROP ROLE "+user) })
		return func(password, database string) string {
			u, err := url.Parse(sys.cfg.DSN)
			if err != nil {
				t.Fatal(err)
			}
			u.User = url.UserPassword(user, password)
			if database != "" {
				u.Path = "/" + database
			}
			return u.String()
		}
	}
	db := sys.one("SELECT DATABASE()")
	sys.exec("CREATE TABLE visible (id INT)", "CREATE USER "+user+"@'%' IDENTIFIED BY 'geheim'", "GRANT SELECT ON "+db+".visible TO "+user+"@'%'")
	t.Cleanup(func() { sys.exec("DROP USER " + user + "@'%'") })
	return func(password, database string) string {
		c, err := mysql.ParseDSN(sys.cfg.DSN)
		if err != nil {
			t.Fatal(err)
		}
		c.User, c.Passwd = user, password
		if database != "" {
			c.DBName = database
		}
		return c.FormatDSN()
	}
}

// TestDeadlocksAreRetryable: two records that lock two rows in opposite order.
func TestDeadlocksAreRetryable(t *testing.T) {
	eachServer(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE counter (id {text} PRIMARY KEY, n INTEGER)", "INSERT INTO counter VALUES ('a', 0), ('b', 0)")
		pause := map[string]string{"postgres": "SELECT pg_sleep(0.3)", "mariadb": "SELECT SLEEP(0.3)"}[sys.name]
		s := sys.sink(func(c *Config) {
			c.Statements = []Statement{
				{SQL: "UPDATE counter SET n = n + 1 WHERE id = :first"},
				{SQL: pause, Returns: true},
				{SQL: "UPDATE counter SET n = n + 1 WHERE id = :second"},
			}
		})
		recs := []sdk.Record{record("1", `{"first":"a","second":"b"}`), record("2", `{"first":"b","second":"a"}`)}
		errs := make(chan error, 2)
		if err := s.prepare(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			go func() { errs <- s.Write(context.Background(), []sdk.Record{r})[0].Err }()
		}
		a, b := <-errs, <-errs
		if a != nil {
			a, b = b, a
		}
		if a != nil {
			t.Fatalf("both failed: %v, %v", a, b)
		}
		wantError(t, b, sdk.Retryable, "sql.conflict", "another transaction")
		for _, r := range s.Write(context.Background(), recs) {
			if r.Err != nil && !isClass(r.Err, sdk.Duplicate) {
				t.Error(r.Err)
			}
		}
		if got := sys.one("SELECT SUM(n) FROM counter"); got != "4" {
			t.Errorf("counters add up to %s, want 4", got)
		}
	})
}

// TestTypesOfTheServers: what only one of them has.
func TestTypesOfTheServers(t *testing.T) {
	eachServer(t, func(t *testing.T, sys *system) {
		var want string
		switch sys.name {
		case "postgres":
			sys.exec("CREATE TYPE mood AS ENUM ('ok')", "CREATE TABLE odd (id BIGINT, u UUID, a INT[], m mood, i INTERVAL, ip INET, f REAL, t TIME, d NUMERIC)",
				"INSERT INTO odd VALUES (1, '7f1b3c1e-0000-4000-8000-000000000001', '{1,2}', 'ok', '1 day', '10.0.0.1', 0.1, '10:30', 12345678901234567890.123456789)")
			want = `{"id":1,"u":"7f1b3c1e-0000-4000-8000-000000000001","a":"{1,2}","m":"ok","i":"1 day","ip":"10.0.0.1","f":0.1,"t":"10:30:00","d":"12345678901234567890.123456789"}`
		default:
			sys.exec("CREATE TABLE odd (id BIGINT UNSIGNED, big BIGINT UNSIGNED, e ENUM('ok'), b BIT(9), y YEAR, t TIME, z DATETIME, d DECIMAL(30,9), f FLOAT)",
				"INSERT INTO odd VALUES (1, 18446744073709551615, 'ok', b'100000001', 2026, '10:30', NULL, 123456789012345678901.123456789, 0.1)")
			want = `{"id":1,"big":18446744073709551615,"e":"ok","b":257,"y":2026,"t":"10:30:00","z":null,"d":"123456789012345678901.123456789","f":0.1}`
		}
		cfg := func(c *Config) { c.Query, c.Watermark, c.Once = "SELECT * FROM odd", "id", true }
		recs := all(t, sys.source(nil, cfg))
		if len(recs) != 1 || string(recs[0].Payload) != want {
			t.Fatalf("payload\n got %s\nwant %s", recs[0].Payload, want)
		}
		if again := all(t, sys.source(recs[0].Position, cfg)); len(again) != 0 {
			t.Errorf("behind %s are %d rows", recs[0].Position, len(again))
		}
	})
}
