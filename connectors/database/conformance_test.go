package database

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/conformance"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// pluginEnv makes the test binary the plugin process that the suite talks to.
const pluginEnv = "CROSSDOCK_DATABASE_PLUGIN"

// TestConformance holds the connector to the protocol, inside this process and as
// a process of its own.
func TestConformance(t *testing.T) {
	eachBackendKind(t, func(t *testing.T, b backend) {
		target := conformance.Target{
			Source: func(t testing.TB) conformance.Source { return stockSource(newSystem(t.(*testing.T), b)) },
			Sink:   func(t testing.TB) conformance.Sink { return documentSink(newSystem(t.(*testing.T), b)) },
			Call:   func(t testing.TB) conformance.Call { return priceCall(newSystem(t.(*testing.T), b)) },
		}
		t.Run("plugin", func(t *testing.T) {
			target := target
			target.Plugin = Connector()
			conformance.Run(t, target)
		})
		t.Run("process", func(t *testing.T) {
			target := target
			target.Command, target.Env = []string{os.Args[0]}, []string{pluginEnv + "=1"}
			conformance.Run(t, target)
		})
	})
}

func eachBackendKind(t *testing.T, f func(t *testing.T, b backend)) {
	t.Helper()
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) { f(t, b) })
	}
}

func (s *system) shared() map[string]any {
	return map[string]any{"driver": s.driver, "dsn": s.cfg.DSN}
}

func with(m map[string]any, pairs ...any) map[string]any {
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func stockSource(sys *system) conformance.Source {
	sys.exec(stockTable)
	n := 0
	return conformance.Source{
		Config: with(sys.shared(), "query", "SELECT sku, qty, changed_at FROM stock", "watermark", "changed_at", "id", "sku",
			"key", "sku", "interval", "20ms", "limit", 7),
		Fill: func(count int) {
			for range count {
				n++
				// Ten rows share a time stamp.
				sys.exec(fmt.Sprintf("INSERT INTO stock VALUES ('S-%05d', %d, '2026-11-23 10:%02d:%02d')", n, n, n/600%60, n/10%60))
			}
		},
	}
}

func documentSink(sys *system) conformance.Sink {
	sys.exec("CREATE TABLE document (number {text}, quantity BIGINT)")
	return conformance.Sink{
		Config:  with(sys.shared(), "statement", "INSERT INTO document (number, quantity) VALUES (:number, :quantity)"),
		Effects: func() int { return len(sys.all("SELECT number FROM document")) },
		Bad:     func() sdk.Record { return record("bad", `{"quantity":1}`) },
	}
}

func priceCall(sys *system) conformance.Call {
	sys.exec("CREATE TABLE price (sku {text}, amount {decimal})", "INSERT INTO price VALUES ('S-1', 9.90)")
	return conformance.Call{
		Config:    with(sys.shared(), "queries", map[string]any{"price": map[string]any{"sql": "SELECT amount FROM price WHERE sku = :sku"}}),
		Operation: "price", Input: record("1", `{"sku":"S-1"}`),
		Output: func(t testing.TB, out sdk.Record) {
			if !strings.Contains(string(out.Payload), `"9.90"`) {
				t.Errorf("reply %s", out.Payload)
			}
		},
	}
}

func (s *system) all(sql string) []string {
	s.t.Helper()
	var out []string
	if err := s.db.Select(&out, sql); err != nil {
		s.t.Fatal(err)
	}
	return out
}
