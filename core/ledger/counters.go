package ledger

import (
	"context"
	"sort"
	"time"
)

// RouteCount counts what happened on a route, and on one target of it. Target is
// empty for what happens before a message has one. All counts only grow.
type RouteCount struct {
	Route      string `db:"route"`
	Target     string `db:"target"`
	Received   int64  `db:"received"`
	Delivered  int64  `db:"delivered"`
	Retried    int64  `db:"retried"`
	Duplicates int64  `db:"duplicates"`
	// Dead counts what became a dead letter; one that is replayed and fails
	// again counts again.
	Dead     int64 `db:"dead"`
	Filtered int64 `db:"filtered"`
	// Parked counts what had to wait, once per message.
	Parked int64 `db:"parked"`
}

type countKey struct{ route, target string }

func (c *RouteCount) add(o *RouteCount) {
	c.Received += o.Received
	c.Delivered += o.Delivered
	c.Retried += o.Retried
	c.Duplicates += o.Duplicates
	c.Dead += o.Dead
	c.Filtered += o.Filtered
	c.Parked += o.Parked
}

func (c *RouteCount) bump(what string, n int64) bool {
	switch what {
	case "received":
		c.Received += n
	case "delivered":
		c.Delivered += n
	case "retried":
		c.Retried += n
	case "duplicates", "duplicate":
		c.Duplicates += n
	case "dead":
		c.Dead += n
	case "filtered":
		c.Filtered += n
	case "parked":
		c.Parked += n
	default:
		return false
	}
	return true
}

// Count adds to a counter, written with the journal. what is received,
// delivered, retried, duplicates, dead, filtered or parked; use it only for what
// Complete, Park and Bury do not count themselves: received, retried,
// duplicates, and what a route filters before it has a target.
func (l *Ledger) Count(route, target, what string, n int64) {
	if n == 0 {
		return
	}
	j := &l.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	k := countKey{route, target}
	c := j.counts[k]
	if c == nil {
		c = &RouteCount{}
	}
	if !c.bump(what, n) {
		l.log.Error("there is no such counter", "counter", what, "route", route)
		return
	}
	j.counts[k] = c
	j.added++
	j.signal()
}

func (t *txn) counting(route, target string) *RouteCount {
	k := countKey{route, target}
	c := t.counts[k]
	if c == nil {
		c = &RouteCount{}
		t.counts[k] = c
	}
	return c
}

func (t *txn) writeCounts() error {
	keys := make([]countKey, 0, len(t.counts))
	for k := range t.counts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(a, b int) bool { // the same order on every node
		if keys[a].route != keys[b].route {
			return keys[a].route < keys[b].route
		}
		return keys[a].target < keys[b].target
	})
	for _, k := range keys {
		c := t.counts[k]
		_, err := t.exec(`INSERT INTO route_counts (route, target, received, delivered, retried, duplicates, dead, filtered, parked)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (route, target) DO UPDATE SET
			received = route_counts.received + excluded.received, delivered = route_counts.delivered + excluded.delivered,
			retried = route_counts.retried + excluded.retried, duplicates = route_counts.duplicates + excluded.duplicates,
			dead = route_counts.dead + excluded.dead, filtered = route_counts.filtered + excluded.filtered,
			parked = route_counts.parked + excluded.parked`,
			text(k.route), text(k.target), c.Received, c.Delivered, c.Retried, c.Duplicates, c.Dead, c.Filtered, c.Parked)
		if err != nil {
			return err
		}
	}
	return nil
}

// Counts returns all counters, by route and target, as far as they are written.
func (l *Ledger) Counts(ctx context.Context) ([]RouteCount, error) {
	var out []RouteCount
	err := l.selectAll(ctx, &out, `SELECT route, target, received, delivered, retried, duplicates, dead, filtered, parked
		FROM route_counts ORDER BY route, target`)
	return out, err
}

// LastEffect returns for every lane when its target last confirmed a message.
func (l *Ledger) LastEffect(ctx context.Context) (map[string]time.Time, error) {
	var rows []struct {
		Lane string `db:"lane"`
		At   int64  `db:"at"`
	}
	if err := l.selectAll(ctx, &rows, `SELECT lane, at FROM effects`); err != nil {
		return nil, err
	}
	out := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		out[r.Lane] = unstamp(r.At)
	}
	return out, nil
}
