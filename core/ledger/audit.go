package ledger

import (
	"context"
	"time"
)

// AuditEntry says who did what, when and why.
type AuditEntry struct {
	At time.Time
	// By is the person, Action a verb, Object what it was done to: "d-000017",
	// "route shop-orders".
	By, Action, Object, Why string
	// Before and After are the content that was changed.
	Before, After []byte
}

// Audit adds an entry, durable on return. Actions of the ledger itself (edit,
// replay, discard, control) add theirs in their own transaction.
func (l *Ledger) Audit(ctx context.Context, e AuditEntry) error {
	return l.do(ctx, func(t *txn) error { return t.audit(e) })
}

func (t *txn) audit(e AuditEntry) error {
	if e.At.IsZero() {
		e.At = t.ledger.now()
	}
	_, err := t.exec(`INSERT INTO audit (seq, at, by_whom, action, object, why, content_before, content_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		t.ledger.nextSeq(), stamp(e.At), text(e.By), text(e.Action), text(e.Object), text(e.Why), e.Before, e.After)
	return err
}

// AuditList returns the entries of an object, or all when it is empty, newest
// first.
func (l *Ledger) AuditList(ctx context.Context, object string, limit int) ([]AuditEntry, error) {
	var rows []struct {
		At     int64  `db:"at"`
		By     string `db:"by_whom"`
		Action string `db:"action"`
		Object string `db:"object"`
		Why    string `db:"why"`
		Before []byte `db:"content_before"`
		After  []byte `db:"content_after"`
	}
	err := l.selectAll(ctx, &rows, `SELECT at, by_whom, action, object, why, content_before, content_after FROM audit
		WHERE object = ? OR ? = '' ORDER BY at DESC, seq DESC LIMIT ?`, text(object), text(object), limit)
	out := make([]AuditEntry, len(rows))
	for i, r := range rows {
		out[i] = AuditEntry{At: unstamp(r.At), By: r.By, Action: r.Action, Object: r.Object, Why: r.Why, Before: r.Before, After: r.After}
	}
	return out, err
}
