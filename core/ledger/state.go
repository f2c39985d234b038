package ledger

import (
	"context"
	"database/sql"
	"errors"
	"unicode/utf8"
)

// Position returns how far a source has been read, nil when it never was.
func (l *Ledger) Position(ctx context.Context, source string) ([]byte, error) {
	var pos []byte
	err := l.selectOne(ctx, &pos, `SELECT position FROM positions WHERE source = ?`, text(source))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return pos, err
}

// SetPosition makes a source's position durable.
func (l *Ledger) SetPosition(ctx context.Context, source string, pos []byte) error {
	return l.do(ctx, func(t *txn) error {
		_, err := t.exec(`INSERT INTO positions (source, position, at) VALUES (?, ?, ?)
			ON CONFLICT (source) DO UPDATE SET position = excluded.position, at = excluded.at`, text(source), pos, stamp(t.ledger.now()))
		return err
	})
}

// StateGet returns what a connector instance remembers under a key, and its
// revision; revision 0 means nothing.
func (l *Ledger) StateGet(ctx context.Context, instance, key string) (val []byte, rev uint64, err error) {
	var row struct {
		Value []byte `db:"value"`
		Rev   uint64 `db:"rev"`
	}
	err = l.selectOne(ctx, &row, `SELECT value, rev FROM connector_state WHERE instance = ? AND name = ?`, text(instance), text(key))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	return row.Value, row.Rev, err
}

// Remembered is a value that a connector instance remembers.
type Remembered struct {
	Key   string `db:"name"`
	Value []byte `db:"value"`
}

// StateList returns what an instance, or a connection for its shared keys,
// remembers under keys that begin with a prefix, in the order of the keys; at
// most limit values.
func (l *Ledger) StateList(ctx context.Context, instance, prefix string, limit int) ([]Remembered, error) {
	return l.StatePage(ctx, instance, prefix, "", limit)
}

// StatePage is StateList from behind a key on, for lists that are too long to be
// held at once.
func (l *Ledger) StatePage(ctx context.Context, instance, prefix, after string, limit int) ([]Remembered, error) {
	var out []Remembered
	// Neither LIKE, whose wildcards keys may contain, nor a range for the prefix,
	// which means something else in every collation.
	err := l.selectAll(ctx, &out, `SELECT name, value FROM connector_state WHERE instance = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?`,
		text(instance), text(after), utf8.RuneCountInString(prefix), text(prefix), limit)
	return out, err
}

// StatePut sets a value if the key is still at revision ifRev (0: there is none)
// and returns the new revision, otherwise ErrConflict. Durable on return.
func (l *Ledger) StatePut(ctx context.Context, instance, key string, val []byte, ifRev uint64) (uint64, error) {
	var changed int64
	err := l.do(ctx, func(t *txn) (err error) {
		if ifRev == 0 {
			changed, err = t.exec(`INSERT INTO connector_state (instance, name, value, rev) VALUES (?, ?, ?, 1)
				ON CONFLICT (instance, name) DO NOTHING`, text(instance), text(key), val)
			return err
		}
		changed, err = t.exec(`UPDATE connector_state SET value = ?, rev = rev + 1 WHERE instance = ? AND name = ? AND rev = ?`,
			val, text(instance), text(key), int64(ifRev))
		return err
	})
	if err != nil {
		return 0, err
	}
	if changed == 0 {
		return 0, ErrConflict
	}
	return ifRev + 1, nil
}

// SequenceNext draws the next number of a sequence, from 1, without gaps: a
// number is used up only when it is durable. The same bind draws the same number
// again, so that a document sent twice keeps its control number; an empty bind
// always draws a new one.
func (l *Ledger) SequenceNext(ctx context.Context, instance, name, bind string) (uint64, error) {
	var number uint64
	err := l.do(ctx, func(t *txn) error {
		if bind != "" {
			found, err := t.get(&number, `SELECT number FROM sequence_binds WHERE instance = ? AND name = ? AND bind = ?`,
				text(instance), text(name), text(bind))
			if err != nil || found {
				return err
			}
		}
		var err error
		if number, err = t.draw(instance, name); err != nil || bind == "" {
			return err
		}
		_, err = t.exec(`INSERT INTO sequence_binds (instance, name, bind, number) VALUES (?, ?, ?, ?)`,
			text(instance), text(name), text(bind), int64(number))
		return err
	})
	if err != nil {
		return 0, err
	}
	return number, nil
}

func (t *txn) draw(instance, name string) (uint64, error) {
	var n uint64
	_, err := t.get(&n, `INSERT INTO sequences (instance, name, number) VALUES (?, ?, 1)
		ON CONFLICT (instance, name) DO UPDATE SET number = sequences.number + 1 RETURNING number`, text(instance), text(name))
	return n, err
}

// SetControl sets a switch that nodes obey, with an audit entry: kind "route",
// name "shop-orders", value "paused". An empty value removes it.
func (l *Ledger) SetControl(ctx context.Context, kind, name, value, by string) error {
	return l.do(ctx, func(t *txn) error {
		var before string
		if _, err := t.get(&before, `SELECT value FROM controls WHERE kind = ? AND name = ?`, text(kind), text(name)); err != nil {
			return err
		}
		if before == value {
			return nil
		}
		var err error
		if value == "" {
			_, err = t.exec(`DELETE FROM controls WHERE kind = ? AND name = ?`, text(kind), text(name))
		} else {
			_, err = t.exec(`INSERT INTO controls (kind, name, value, by_whom, at) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value, by_whom = excluded.by_whom, at = excluded.at`,
				text(kind), text(name), text(value), text(by), stamp(t.ledger.now()))
		}
		if err != nil {
			return err
		}
		return t.audit(AuditEntry{By: by, Action: "control", Object: kind + " " + name, Before: []byte(before), After: []byte(value)})
	})
}

// Controls returns all switches by kind and name.
func (l *Ledger) Controls(ctx context.Context) (map[[2]string]string, error) {
	var rows []struct {
		Kind  string `db:"kind"`
		Name  string `db:"name"`
		Value string `db:"value"`
	}
	if err := l.selectAll(ctx, &rows, `SELECT kind, name, value FROM controls`); err != nil {
		return nil, err
	}
	out := make(map[[2]string]string, len(rows))
	for _, r := range rows {
		out[[2]string{r.Kind, r.Name}] = r.Value
	}
	return out, nil
}
