package ledger

import (
	"context"
	"time"
)

// States of an Outcome.
const (
	Delivered = "delivered" // the target confirmed it
	Duplicate = "duplicate" // the target had it already: counts as delivered and as duplicate
	Filtered  = "filtered"  // a condition left it out
	Discarded = "discarded" // a person decided that it ends
)

// Outcome is how a message ended in a lane.
type Outcome struct {
	Lane, MessageID string
	// State is delivered, duplicate, filtered or discarded.
	State string
	// ExternalID is the id the target gave; Trace finds by it.
	ExternalID string
	At         time.Time
	Attempt    int
	// Hop is written to the journal in the same transaction. Its Route and
	// Target name the counter that is moved.
	Hop Hop
}

// Complete makes an outcome durable and returns after that. The first outcome of
// a message in a lane stays; repeating it changes and counts nothing.
func (l *Ledger) Complete(ctx context.Context, o Outcome) error {
	return l.do(ctx, func(t *txn) error { return t.complete(o) })
}

func (t *txn) complete(o Outcome) error {
	at := o.At
	if at.IsZero() {
		at = t.ledger.now()
	}
	n, err := t.exec(`INSERT INTO outcomes (lane, message_id, state, external_id, at, attempt) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (lane, message_id) DO NOTHING`, text(o.Lane), text(o.MessageID), o.State, text(o.ExternalID), stamp(at), o.Attempt)
	if err != nil || n == 0 {
		return err
	}
	c := t.counting(o.Hop.Route, o.Hop.Target)
	switch o.State {
	case Duplicate:
		c.Delivered++
		c.Duplicates++
	default:
		c.bump(o.State, 1)
	}
	if o.State == Delivered || o.State == Duplicate {
		t.effects[text(o.Lane)] = max(t.effects[text(o.Lane)], stamp(at))
	}
	h := o.Hop
	if o.ExternalID != "" {
		keys := map[string]string{"external": o.ExternalID}
		for k, v := range h.Keys {
			keys[k] = v
		}
		h.Keys = keys
	}
	t.hop(h)
	return nil
}

// Completed reports whether a message has ended in a lane: delivered, duplicate,
// filtered or discarded.
func (l *Ledger) Completed(ctx context.Context, lane, messageID string) (bool, error) {
	s, err := l.Standing(ctx, lane, messageID, "")
	return s.State != "" && s.State != deadState && s.State != parkedState, err
}

// Standing is what a lane has to know before it delivers a message.
type Standing struct {
	// State is the message's own: an outcome's state, "dead", "parked", or
	// empty when the lane has not dealt with it.
	State string
	// KeyWaits says that earlier messages of the key are parked.
	KeyWaits bool
}

// Standing looks a message and its key up in a lane.
func (l *Ledger) Standing(ctx context.Context, lane, messageID, key string) (Standing, error) {
	var rows []string
	err := l.selectAll(ctx, &rows, `SELECT state FROM outcomes WHERE lane = ? AND message_id = ?
		UNION ALL SELECT 'parked' FROM parked WHERE lane = ? AND message_id = ?
		UNION ALL SELECT 'key' FROM parked WHERE lane = ? AND msg_key = ? AND head = 1`,
		text(lane), text(messageID), text(lane), text(messageID), text(lane), text(key))
	var s Standing
	for _, r := range rows {
		switch r {
		case "key":
			s.KeyWaits = true
		case parkedState:
			s.State = parkedState
		default:
			if s.State == "" {
				s.State = r
			}
		}
	}
	return s, err
}
