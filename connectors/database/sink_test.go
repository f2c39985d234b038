package database

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// orderTables are what an ERP has: products, order headers and lines.
func orderTables(sys *system) {
	sys.exec("CREATE TABLE product (sku {text} PRIMARY KEY)",
		"CREATE TABLE orders (number {text} PRIMARY KEY, customer {text}, total {decimal} NOT NULL CHECK (total >= 0), placed_at {time})",
		"CREATE TABLE order_line (number {text} NOT NULL, pos INTEGER NOT NULL, sku {text} NOT NULL, qty {decimal}, PRIMARY KEY (number, pos), "+
			"CONSTRAINT fk_order FOREIGN KEY (number) REFERENCES orders (number), CONSTRAINT fk_sku FOREIGN KEY (sku) REFERENCES product (sku))",
		"INSERT INTO product VALUES ('SKU-1'), ('SKU-2')")
}

func orderSink(c *Config) {
	c.Statements = []Statement{
		{SQL: "INSERT INTO orders (number, customer, total, placed_at) VALUES (:orderNumber, :customer.id?, :totals.total, :placedAt)"},
		{SQL: "INSERT INTO order_line (number, pos, sku, qty) VALUES (:{/orderNumber}, :@index, :sku, :quantity)", Each: "/lines"},
	}
	c.Types = map[string]string{"placedAt": "time"}
}

func order(id, number string, skus ...string) sdk.Record {
	var lines []string
	for _, s := range skus {
		lines = append(lines, fmt.Sprintf(`{"sku":%q,"quantity":"2.50"}`, s))
	}
	return record(id, fmt.Sprintf(`{"orderNumber":%q,"totals":{"total":"12.50"},"placedAt":"2026-11-23T11:00:00+01:00","lines":[%s]}`, number, strings.Join(lines, ",")))
}

func TestOrderAndLinesAreOneTransaction(t *testing.T) {
	for _, transaction := range []string{"batch", "record"} {
		eachBackend(t, func(t *testing.T, sys *system) {
			orderTables(sys)
			s := sys.sink(func(c *Config) { orderSink(c); c.Transaction = transaction })
			res := s.Write(context.Background(), []sdk.Record{
				order("m1", "4711", "SKU-1", "SKU-2"),
				order("m2", "4712", "SKU-1", "SKU-9"), // unknown product
				order("m3", "4711", "SKU-1"),          // another message with a number that is taken
				record("m4", `{"orderNumber":"4713"`), // not JSON
				record("m5", `{"orderNumber":"4714","totals":{},"placedAt":"2026-11-23T11:00:00Z","lines":[]}`),
				record("m6", `{"orderNumber":"4715","totals":{"total":"-1"},"placedAt":"2026-11-23T11:00:00Z","lines":[]}`),
				record("m7", `{"orderNumber":"4716","totals":{"total":"1"},"placedAt":"gestern","lines":[]}`),
				record("m8", `{"orderNumber":"4717","totals":{"total":null},"placedAt":null,"lines":[]}`),
				order("m1", "4711", "SKU-1", "SKU-2"), // again
				order("m9", "4718", "SKU-2"),
			})
			if res[0].Err != nil || res[9].Err != nil {
				t.Fatalf("good orders: %v, %v", res[0].Err, res[9].Err)
			}
			e := wantError(t, res[1].Err, sdk.Permanent, "sql.foreign_key", "create it there and replay")
			if e.Field != "/lines/1" || sys.name != "sqlite" && e.Detail["constraint"] != "fk_sku" {
				t.Errorf("unknown product: field %s, detail %v", e.Field, e.Detail)
			}
			wantError(t, res[2].Err, sdk.Permanent, "sql.unique", "use an upsert")
			wantError(t, res[3].Err, sdk.Permanent, "sql.payload", "not JSON")
			if e := wantError(t, res[4].Err, sdk.Permanent, "sql.parameter", "parameter :totals.total has no value"); e.Field != "/totals/total" {
				t.Errorf("field = %s", e.Field)
			}
			wantError(t, res[5].Err, sdk.Permanent, "sql.check", "")
			wantError(t, res[6].Err, sdk.Permanent, "sql.parameter", `"gestern" is no time`)
			wantError(t, res[7].Err, sdk.Permanent, "sql.not_null", "")
			wantError(t, res[8].Err, sdk.Duplicate, "sql.inbox", "written before")
			if got := sys.one("SELECT COUNT(*) FROM orders") + " " + sys.one("SELECT COUNT(*) FROM order_line") + " " + sys.one("SELECT COUNT(*) FROM crossdock_inbox"); got != "2 3 2" {
				t.Errorf("orders, lines and inbox: %s, want 2 3 2", got)
			}
			if got := sys.one("SELECT CAST(qty AS CHAR(4)) FROM order_line WHERE number = '4711' AND pos = 2"); !strings.HasPrefix(got, "2.5") {
				t.Errorf("quantity of line 2 = %s", got)
			}
			if got := sys.one("SELECT COUNT(*) FROM orders WHERE placed_at = '2026-11-23 10:00:00'"); got != "2" {
				t.Errorf("%s orders placed at 10:00 UTC, want 2", got)
			}
		})
	}
}

// TestConcurrentRepeatsHaveOneEffect: the same messages from several sides at once.
func TestConcurrentRepeatsHaveOneEffect(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		orderTables(sys)
		var recs []sdk.Record
		for i := range 20 {
			recs = append(recs, order(fmt.Sprintf("m%d", i), fmt.Sprintf("N-%d", i), "SKU-1"))
		}
		done, duplicates := make([]int, len(recs)), make([]int, len(recs))
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 4 {
			s := sys.sink(orderSink)
			wg.Go(func() {
				for tries := 0; tries < 50; tries++ {
					again := false
					for i, r := range s.Write(context.Background(), recs) {
						mu.Lock()
						switch {
						case r.Err == nil:
							done[i]++
						case isClass(r.Err, sdk.Duplicate):
							duplicates[i]++
						case isClass(r.Err, sdk.Retryable):
							again = true
						default:
							t.Errorf("%s: %v", recs[i].ID, r.Err)
						}
						mu.Unlock()
					}
					if !again {
						return
					}
				}
			})
		}
		wg.Wait()
		for i := range recs {
			if done[i] != 1 {
				t.Errorf("%s was written %d times and refused %d times", recs[i].ID, done[i], duplicates[i])
			}
		}
		if got := sys.one("SELECT COUNT(*) FROM orders"); got != "20" {
			t.Errorf("%s orders, want 20", got)
		}
	})
}

func TestUpsertKeepsTheNewerState(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE stock (sku {text}, loc {text}, qty {decimal}, version BIGINT, PRIMARY KEY (sku, loc))")
		s := sys.sink(func(c *Config) {
			c.Upsert = &Upsert{
				Table: "stock", Keys: []string{"sku", "loc"}, Version: "version",
				Columns: map[string]string{"sku": ":sku", "loc": ":{/location}", "qty": ":quantity", "version": ":v"},
			}
		})
		write := func(id, op, payload string) {
			t.Helper()
			rec := record(id, payload)
			rec.Operation = op
			if res := s.Write(context.Background(), []sdk.Record{rec}); res[0].Err != nil {
				t.Fatal(res[0].Err)
			}
		}
		state := func() string {
			return sys.one("SELECT COALESCE(MAX(CONCAT(sku, ' ', qty, ' ', version)), 'none') FROM stock")
		}
		if sys.name == "sqlite" {
			state = func() string {
				return sys.one("SELECT COALESCE(MAX(sku || ' ' || printf('%.2f', qty) || ' ' || version), 'none') FROM stock")
			}
		}
		write("1", "upsert", `{"sku":"S-1","location":"STO","quantity":"5","v":3}`)
		write("2", "upsert", `{"sku":"S-1","location":"STO","quantity":"7.25","v":4}`)
		write("3", "upsert", `{"sku":"S-1","location":"STO","quantity":"99","v":2}`) // late
		if got := state(); got != "S-1 7.25 4" {
			t.Errorf("stock = %s, want S-1 7.25 4", got)
		}
		write("4", "delete", `{"sku":"S-1","location":"STO"}`)
		if got := state(); got != "none" {
			t.Errorf("after a deletion: %s", got)
		}
	})
}

// TestValuesAreNeverSQL: what looks like an attack is stored as it is.
func TestValuesAreNeverSQL(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE note (id {text} PRIMARY KEY, body {text})")
		s := sys.sink(func(c *Config) { c.Statement = "INSERT INTO note (id, body) VALUES (:@id, :body)" })
		body := `'); DROP TABLE note; -- :x "\`
		rec := record("1", `{"body":"'); DROP TABLE note; -- :x \"\\"}`)
		if res := s.Write(context.Background(), []sdk.Record{rec}); res[0].Err != nil {
			t.Fatal(res[0].Err)
		}
		if got := sys.one("SELECT body FROM note"); got != body {
			t.Errorf("body = %s", got)
		}
	})
}

func TestAnUpdateThatFindsNothingIsAnError(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		orderTables(sys)
		sys.exec("INSERT INTO orders VALUES ('4711', 'c1', 5, NULL)")
		s := sys.sink(func(c *Config) {
			c.Statements = []Statement{{SQL: "UPDATE orders SET customer = :customer WHERE number = :number", AtLeast: 1}}
		})
		res := s.Write(context.Background(), []sdk.Record{
			record("1", `{"number":"4711","customer":"c1"}`), // changes nothing, but finds the row
			record("2", `{"number":"4799","customer":"c2"}`),
		})
		if res[0].Err != nil {
			t.Error(res[0].Err)
		}
		wantError(t, res[1].Err, sdk.Permanent, "sql.no_rows", "statement 1 affected 0 rows, expected at least 1")
	})
}

// TestTheNewDocumentsIDIsReturned, and again when the record is repeated.
func TestTheNewDocumentsIDIsReturned(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE doc (id {auto}, name {text})")
		s := sys.sink(func(c *Config) {
			c.Statements = []Statement{{SQL: "INSERT INTO doc (name) VALUES (:name) RETURNING id", Returns: true}}
		})
		for range 2 {
			res := s.Write(context.Background(), []sdk.Record{record("1", `{"name":"a"}`)})
			if res[0].ExternalID != "1" {
				t.Errorf("external id %q, %v", res[0].ExternalID, res[0].Err)
			}
		}
	})
}

func TestInboxIsPurgedAndCreatedOnlyWhenWanted(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE note (id {text} PRIMARY KEY)")
		no := false
		statement := func(c *Config) { c.Statement, c.CreateInbox = "INSERT INTO note VALUES (:id)", &no }
		strict := sys.sink(statement)
		res := strict.Write(context.Background(), []sdk.Record{record("1", `{"id":"a"}`)})
		e := wantError(t, res[0].Err, sdk.BadConfig, "sql.inbox", "create it with CREATE TABLE")
		sys.exec(e.Message[strings.Index(e.Message, "CREATE TABLE"):])
		s := sys.sink(statement)
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		s.now = func() time.Time { return now }
		long := strings.Repeat("x", 300)
		for i, id := range []string{"old", long, "new"} {
			if res := s.Write(context.Background(), []sdk.Record{record(id, fmt.Sprintf(`{"id":"%d"}`, i))}); res[0].Err != nil {
				t.Fatal(res[0].Err)
			}
			now = now.Add(44 * 24 * time.Hour)
		}
		if res := s.Write(context.Background(), []sdk.Record{record(long, `{"id":"again"}`)}); !isClass(res[0].Err, sdk.Duplicate) {
			t.Errorf("a long id that comes again: %v", res[0].Err)
		}
		if got := sys.one("SELECT COUNT(*) FROM crossdock_inbox WHERE message_id = 'old'"); got != "0" {
			t.Error("an id older than inboxKeep is still there")
		}
		if got := sys.one("SELECT COUNT(*) FROM crossdock_inbox"); got != "2" {
			t.Errorf("%s ids in the inbox, want 2", got)
		}
	})
}

// TestSQLiteIsBusyOrFull: both pass, so both are tried again.
func TestSQLiteIsBusyOrFull(t *testing.T) {
	sys := newSystem(t, sqliteBackend())
	sys.exec("CREATE TABLE note (id TEXT PRIMARY KEY, body TEXT)")
	s := sys.sink(func(c *Config) {
		c.DSN += "?_pragma=busy_timeout(50)&_pragma=max_page_count(20)"
		c.Statement = "INSERT INTO note VALUES (:@id, :body)"
	})
	write := func(id, body string) error {
		return s.Write(context.Background(), []sdk.Record{record(id, fmt.Sprintf(`{"body":%q}`, body))})[0].Err
	}
	if err := write("1", "fits"); err != nil {
		t.Fatal(err)
	}
	wantError(t, write("2", strings.Repeat("x", 200_000)), sdk.Retryable, "sql.disk_full", "no space left")
	tx, err := sys.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, write("3", "waits"), sdk.Retryable, "sql.busy", "lock")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := write("3", "waits"); err != nil {
		t.Error(err)
	}
}
