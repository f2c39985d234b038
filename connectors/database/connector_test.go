package database

import (
	"fmt"
	"strings"
	"testing"
)

func TestValidateFindsEveryMistake(t *testing.T) {
	for name, tc := range map[string]struct {
		role   string
		change func(*Config)
		want   []string
	}{
		"driver":    {"source", func(c *Config) { c.Driver = "oracle"; stock(c) }, []string{`driver "oracle" is unknown`}},
		"empty":     {"source", func(*Config) {}, []string{"the SELECT to read"}},
		"watermark": {"source", func(c *Config) { c.Query = "SELECT 1" }, []string{"the column that grows"}},
		"qualified": {"source", func(c *Config) { stock(c); c.Watermark = "s.changed_at" }, []string{"give the column as the query returns it"}},
		"start":     {"source", func(c *Config) { stock(c); c.Query += " WHERE changed_at >= :watermark" }, []string{"needs a value for the first read"}},
		"parameter": {"source", func(c *Config) { stock(c); c.Query += " WHERE sku = :sku" }, []string{"parameter :sku is unknown here"}},
		"zone":      {"source", func(c *Config) { stock(c); c.Timezone = "Berlin" }, []string{`"Berlin" is no IANA time zone`}},
		"no sink":   {"sink", func(*Config) {}, []string{"give exactly one of statement, upsert and statements; found 0"}},
		"two sinks": {"sink", func(c *Config) { orderSink(c); c.Statement = "DELETE FROM t" }, []string{"found 2"}},
		"quote":     {"sink", func(c *Config) { c.Statement = "INSERT INTO t VALUES ('x)" }, []string{"text that begins with ' does not end"}},
		"table": {"sink", func(c *Config) {
			c.Upsert = &Upsert{Table: `t"; DROP`, Keys: []string{"a"}, Columns: map[string]string{"a": ":a"}}
		}, []string{"is no name of a table"}},
		"key column": {"sink", func(c *Config) {
			c.Upsert = &Upsert{Table: `t`, Keys: []string{"a"}, Columns: map[string]string{"b": ":b"}}
		}, []string{`key column "a" is not among the columns`}},
		"each":        {"sink", func(c *Config) { c.Statements = []Statement{{SQL: "DELETE FROM t", Each: "lines"}} }, []string{`each "lines" is no JSON Pointer`}},
		"type, inbox": {"sink", func(c *Config) { orderSink(c); c.Inbox, c.Types = "a b;c", map[string]string{"x": "datum"} }, []string{"is no name of a table", `"datum" is no type, expected one of time`}},
		"call":        {"call", func(*Config) {}, []string{"the query to run, or queries by operation"}},
		"result":      {"call", func(c *Config) { c.Queries = map[string]Query{"a": {SQL: "SELECT 1", Result: "some"}} }, []string{"expected one or many"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := defaults()
			cfg.Driver, cfg.DSN = "sqlite", "erp.db"
			tc.change(&cfg)
			errs := validate(cfg, tc.role)
			all := fmt.Sprint(errs)
			if len(errs) != len(tc.want) {
				t.Errorf("%d errors, want %d: %v", len(errs), len(tc.want), errs)
			}
			for _, want := range tc.want {
				if !strings.Contains(all, want) {
					t.Errorf("%v, want %s", errs, want)
				}
			}
		})
	}
}
