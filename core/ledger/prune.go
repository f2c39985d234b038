package ledger

import (
	"context"
	"time"
)

// pruneStep is how many rows are deleted in one transaction, so that deliveries
// do not wait long in between.
const pruneStep = 2000

// Prune deletes journal entries and outcomes from before a time and returns how
// many rows went. Choose it later than the streams forget: a message that comes
// again after its outcome was pruned is delivered again. Dead letters, parked
// messages, audit entries, positions, counters and sequences stay.
func (l *Ledger) Prune(ctx context.Context, before time.Time) (int64, error) {
	at, total := stamp(before), int64(0)
	for _, query := range []string{
		`DELETE FROM hops WHERE seq IN (SELECT seq FROM hops WHERE at < ? LIMIT ?)`,
		`DELETE FROM trace_keys WHERE (value, correlation) IN (SELECT value, correlation FROM trace_keys WHERE at < ?
			AND NOT EXISTS (SELECT 1 FROM hops WHERE hops.correlation = trace_keys.correlation) LIMIT ?)`,
		`DELETE FROM outcomes WHERE (lane, message_id) IN (SELECT lane, message_id FROM outcomes WHERE at < ? AND state <> 'dead' LIMIT ?)`,
	} {
		for {
			var n int64
			err := l.do(ctx, func(t *txn) (err error) {
				n, err = t.exec(query, at, pruneStep)
				return err
			})
			total += n
			if err != nil {
				return total, err
			}
			if n == 0 {
				break
			}
		}
	}
	return total, nil
}
