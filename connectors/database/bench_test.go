package database

import (
	"context"
	"fmt"
	"testing"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// BenchmarkWrite writes orders of two lines, 100 at a time.
func BenchmarkWrite(b *testing.B) {
	for _, mode := range []string{"batch", "record"} {
		b.Run(mode, func(b *testing.B) {
			cfg := defaults()
			cfg.Driver, cfg.DSN, cfg.Transaction = "sqlite", b.TempDir()+"/erp.db?_pragma=journal_mode(WAL)", mode
			orderSink(&cfg)
			s, err := newSink(context.Background(), cfg, env("erp.orders"))
			if err != nil {
				b.Fatal(err)
			}
			sys := &system{t: b, backend: sqliteBackend(), cfg: cfg, db: s.db}
			orderTables(sys)
			n := 0
			for b.Loop() {
				recs := make([]sdk.Record, 100)
				for i := range recs {
					n++
					recs[i] = order(fmt.Sprintf("m%d", n), fmt.Sprintf("N-%d", n), "SKU-1", "SKU-2")
				}
				for _, r := range s.Write(context.Background(), recs) {
					if r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "orders/s")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkRead reads rows of three columns, 500 at a time.
func BenchmarkRead(b *testing.B) {
	cfg := defaults()
	cfg.Driver, cfg.DSN = "sqlite", b.TempDir()+"/erp.db"
	stock(&cfg)
	s, err := newSource(context.Background(), cfg, nil, env("erp.stock"))
	if err != nil {
		b.Fatal(err)
	}
	sys := &system{t: b, backend: sqliteBackend(), cfg: cfg, db: s.db}
	sys.exec(stockTable, "CREATE INDEX stock_change ON stock (changed_at, sku)")
	sys.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 20000) INSERT INTO stock SELECT printf('S-%06d', i), i, datetime(1764000000 + i / 10, 'unixepoch') FROM n")
	rows := 0
	for b.Loop() {
		batch, _, err := s.poll(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		rows += len(batch.Records)
		if len(batch.Records) == 0 {
			s.pos = nil
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
