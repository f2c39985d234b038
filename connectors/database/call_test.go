package database

import (
	"context"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/sdk"
)

func (s *system) caller(change func(*Config)) *caller {
	s.t.Helper()
	cfg := s.cfg
	change(&cfg)
	if errs := validate(cfg, "call"); len(errs) > 0 {
		s.t.Fatalf("configuration: %v", errs)
	}
	c, err := newCaller(context.Background(), cfg, env("erp.price"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestLookUps(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		sys.exec("CREATE TABLE price (sku {text}, amount {decimal})", "INSERT INTO price VALUES ('S-1', 9.90), ('S-2', 5), ('S-2', 6)")
		c := sys.caller(func(c *Config) {
			c.Query = "SELECT amount FROM price WHERE sku = :sku"
			c.Queries = map[string]Query{"history": {SQL: "SELECT * FROM price WHERE sku = :sku ORDER BY amount", Result: "many"}}
		})
		ask := func(op, payload string) (string, error) {
			out, err := c.Call(context.Background(), op, record("1", payload))
			return string(out.Payload), err
		}
		for _, tc := range []struct{ op, in, want string }{
			{"", `{"sku":"S-1"}`, `{"amount":"9.90"}`},
			{"price", `{"sku":"S-9"}`, `null`},
			{"history", `{"sku":"S-2"}`, `[{"sku":"S-2","amount":"5.00"},{"sku":"S-2","amount":"6.00"}]`},
			{"history", `{"sku":"S-9"}`, `[]`},
		} {
			if got, err := ask(tc.op, tc.in); err != nil || got != tc.want {
				t.Errorf("%s %s = %s, %v; want %s", tc.op, tc.in, got, err, tc.want)
			}
		}
		_, err := ask("", `{"sku":"S-2"}`)
		wantError(t, err, sdk.Permanent, "sql.ambiguous", "more than one row")
		_, err = ask("", `{"article":"S-2"}`)
		wantError(t, err, sdk.Permanent, "sql.parameter", "parameter :sku has no value: the document has no sku here (it has article); write :sku?")
	})
}

func TestCheckNamesTheStepThatFails(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		orderTables(sys)
		sys.exec(stockTable)
		names := func(steps []sdk.Step) string {
			var out []string
			for _, s := range steps {
				mark := ""
				if s.Err != nil {
					mark = "!"
				}
				out = append(out, s.Name+mark)
			}
			return strings.Join(out, ", ")
		}
		ctx := context.Background()
		if got := names(sys.source(nil, stock).Check(ctx)); got != "connect, log in, query" {
			t.Errorf("source: %s", got)
		}
		if got := names(sys.source(nil, func(c *Config) { stock(c); c.Query = "SELECT nothing FROM stock" }).Check(ctx)); got != "connect, log in, query!" {
			t.Errorf("wrong source: %s", got)
		}
		if got := names(sys.sink(orderSink).Check(ctx)); got != "connect, log in, statement 1, rights of statement 1, statement 2, rights of statement 2, inbox" {
			t.Errorf("sink: %s", got)
		}
		if got := names(sys.sink(func(c *Config) { c.Statement = "INSERT INTO ordres VALUES (:a)" }).Check(ctx)); got != "connect, log in, statement 1!, inbox" {
			t.Errorf("wrong sink: %s", got)
		}
		call := sys.caller(func(c *Config) {
			c.Queries = map[string]Query{"stock": {SQL: "SELECT qty FROM stock WHERE sku = :sku"}}
		})
		if got := names(call.Check(ctx)); got != `connect, log in, query "stock"` {
			t.Errorf("call: %s", got)
		}
		if got := sys.one("SELECT COUNT(*) FROM orders"); got != "0" {
			t.Error("a check wrote")
		}
	})
}

func TestDiscover(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		orderTables(sys)
		sys.exec(stockTable)
		d, err := sys.source(nil, stock).Discover(context.Background(), "STOCK")
		if err != nil || len(d.Entities) != 1 {
			t.Fatalf("%+v, %v", d, err)
		}
		e := d.Entities[0]
		if e.Name != "stock" || strings.Join(e.Keys, ",") != "sku" || !e.Incremental {
			t.Errorf("entity %+v", e)
		}
		for _, want := range []string{`"format":"date-time"`, `"changed_at"`, `"integer"`, `"title":"stock"`} {
			if !strings.Contains(string(e.Schema), want) {
				t.Errorf("schema %s lacks %s", e.Schema, want)
			}
		}
		d, err = sys.source(nil, stock).Discover(context.Background(), "")
		if err != nil || len(d.Entities) != 4 {
			t.Errorf("%d tables, %v; want 4", len(d.Entities), err)
		}
	})
}
