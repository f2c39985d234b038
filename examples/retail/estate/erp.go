package estate

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the ERP's database
)

// schema of the ERP. orders has no unique order number on purpose: if the
// middleware applied an order twice, it would be there twice and be seen.
const schema = `
CREATE TABLE items (sku TEXT PRIMARY KEY, gtin TEXT NOT NULL, title TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, order_number TEXT NOT NULL, channel TEXT NOT NULL, customer TEXT NOT NULL,
  currency TEXT NOT NULL, placed_at TEXT NOT NULL, total TEXT NOT NULL);
CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_number TEXT NOT NULL, line_number TEXT NOT NULL,
  sku TEXT NOT NULL REFERENCES items (sku), quantity TEXT NOT NULL, unit_price TEXT NOT NULL);
CREATE TABLE stock_changes (version INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES items (sku), gtin TEXT NOT NULL, location TEXT NOT NULL,
  on_hand INTEGER NOT NULL, reserved INTEGER NOT NULL, updated_at TEXT NOT NULL);
`

func (e *Estate) openERP(ctx context.Context) error {
	file := filepath.Join(e.o.Dir, "erp.db")
	e.dbAt = "file:" + file + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)"
	db, err := sql.Open("sqlite", e.dbAt)
	if err != nil {
		return err
	}
	e.db = db
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	for _, i := range e.items {
		if _, err := db.ExecContext(ctx, `INSERT INTO items (sku, gtin, title) VALUES (?, ?, ?)`, i.sku, i.gtin, i.title); err != nil {
			return err
		}
	}
	return nil
}

// changeStock books a movement, which the middleware polls.
func (e *Estate) changeStock(ctx context.Context) error {
	i := e.items[e.pick(len(e.items))]
	onHand := e.pick(200)
	reserved := e.pick(onHand + 1)
	res, err := e.db.ExecContext(ctx, `INSERT INTO stock_changes (sku, gtin, location, on_hand, reserved, updated_at) VALUES (?, ?, 'DC-1', ?, ?, ?)`,
		i.sku, i.gtin, onHand, reserved, stamp(time.Now()))
	if err != nil {
		return fmt.Errorf("booking stock: %w", err)
	}
	version, err := res.LastInsertId()
	if err != nil {
		return err
	}
	id := fmt.Sprintf("%s-%d", i.sku, version)
	e.mu.Lock()
	e.content[id] = content{pieces: onHand - reserved}
	e.mu.Unlock()
	e.note("stock", id)
	return nil
}

// ordersInERP is how often every order is there, and what it says.
func (e *Estate) ordersInERP(ctx context.Context) (map[string]int, map[string]content, error) {
	rows, err := e.db.QueryContext(ctx, `SELECT o.order_number, o.n, coalesce(l.n, 0), coalesce(l.pieces, 0)
FROM (SELECT order_number, count(*) AS n FROM orders GROUP BY order_number) o
LEFT JOIN (SELECT order_number, count(*) AS n, CAST(sum(quantity) AS INTEGER) AS pieces FROM order_lines GROUP BY order_number) l USING (order_number)`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	times, says := map[string]int{}, map[string]content{}
	for rows.Next() {
		var number string
		var n int
		var c content
		if err := rows.Scan(&number, &n, &c.lines, &c.pieces); err != nil {
			return nil, nil, err
		}
		times[number], says[number] = n, c
	}
	return times, says, rows.Err()
}
