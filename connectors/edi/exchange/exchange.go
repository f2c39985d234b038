// Package exchange remembers what was exchanged with a trading partner, in the
// core's state, so that it survives the connector.
//
// Two books are kept for a connection, shared by its sources and sinks:
//
//   - [Received] knows the control number and content of every interchange that
//     came, so that a resend is told from a clash: the same number with the same
//     content is a repetition, with another content it is a mistake.
//   - [Sent] knows every interchange that we sent, when an acknowledgement is due,
//     and what the partner answered.
//
// Every change is one compare-and-set of one key: a crash leaves an entry as it
// was or as it is to be.
package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Interchange is one that came.
type Interchange struct {
	// Hash is the SHA-256 of its bytes in hex, from the header to the trailer.
	Hash string `json:"hash"`
	// File is the name of the file in which it came first.
	File string `json:"file"`
	// At dates the answers to it: a repetition is answered with the same bytes.
	At time.Time `json:"at"`
}

// RememberedAt is when it came first.
func (i Interchange) RememberedAt() time.Time { return i.At }

// Outcome is how an interchange relates to those that came before.
type Outcome int

// The outcomes.
const (
	New    Outcome = iota + 1
	Resend         // the same number and content came before, in this file or another
	Clash          // the number came before with other content
)

// Received is the duplicate ledger of a connection.
type Received struct {
	ledger *filedrop.Ledger[Interchange]
}

// NewReceived opens the book; keep is how long an interchange is remembered.
func NewReceived(state sdk.State, keep time.Duration, now func() time.Time) *Received {
	return &Received{ledger: filedrop.NewLedger[Interchange](state, sdk.Shared+"received", keep, now)}
}

// Number identifies an interchange: who sent it to whom, and its control number
// (ISA13, UNB 0020). Leading zeros do not count.
type Number struct{ Sender, Receiver, Control string }

func (n Number) identity() string {
	return filedrop.Identity(n.Sender, n.Receiver, strings.TrimLeft(n.Control, "0"))
}

// Compare tells whether an interchange is new. first is the one that had the
// number before.
func (r *Received) Compare(ctx context.Context, n Number, i Interchange) (outcome Outcome, first Interchange, err error) {
	first, known, err := r.ledger.Lookup(ctx, n.identity())
	switch {
	case err != nil:
		return 0, first, err
	case !known:
		return New, first, nil
	case first.Hash == i.Hash:
		return Resend, first, nil
	}
	return Clash, first, nil
}

// Remember notes an interchange whose documents are durable.
func (r *Received) Remember(ctx context.Context, n Number, i Interchange) error {
	return r.ledger.Remember(ctx, n.identity(), i)
}

// Status is how far the acknowledgement of what we sent is.
type Status string

// The statuses. The acknowledgement may come after the deadline: Overdue is then
// followed by what it says.
const (
	Waiting            Status = "sent" // an acknowledgement is expected
	Unanswered         Status = "sent, no acknowledgement agreed"
	Accepted           Status = "accepted"
	AcceptedWithErrors Status = "accepted with errors"
	PartiallyAccepted  Status = "partially accepted"
	Rejected           Status = "rejected"
	Overdue            Status = "overdue"
)

// final tells that nothing is waited for.
func (s Status) final() bool { return s != Waiting && s != Overdue && s != "" }

// Document is one set of a sent interchange.
type Document struct {
	Set     string `json:"set"`
	Control string `json:"control"`       // ST02, UNH 0062
	Key     string `json:"key,omitempty"` // the number that people know it by
	Message string `json:"message"`       // id of the message that it was
	Status  Status `json:"status,omitempty"`
}

// Entry is one interchange that we sent.
type Entry struct {
	Number    uint64     `json:"number"`  // of the sequence, from 1
	Control   string     `json:"control"` // ISA13 or UNB 0020 as written
	Documents []Document `json:"documents"`
	File      string     `json:"file,omitempty"`
	At        time.Time  `json:"at"`               // of the envelope
	Due       time.Time  `json:"due,omitzero"`     // when the acknowledgement must be here
	Status    Status     `json:"status"`           //
	Kind      string     `json:"by,omitempty"`     // what answered: TA1, 997, 999, CONTRL
	Answer    string     `json:"answer,omitempty"` // its interchange control number
	Answered  time.Time  `json:"answered,omitzero"`
	Notes     []string   `json:"notes,omitempty"` // what the partner found wrong
}

// EntryPrefix begins the state keys of entries, for those who list them.
const EntryPrefix = sdk.Shared + "sent/"

const rangeKey = sdk.Shared + "sent-range"

// Sent is the ledger of expected acknowledgements of a connection.
type Sent struct{ state sdk.State }

// NewSent opens the book.
func NewSent(state sdk.State) *Sent { return &Sent{state: state} }

func entryKey(control string) string {
	const width = 14 // UNB 0020 has fourteen characters, ISA13 nine
	control = strings.TrimLeft(control, "0")
	return EntryPrefix + strings.Repeat("0", max(0, width-len(control))) + control
}

func (s *Sent) load(ctx context.Context, control string) (Entry, uint64, error) {
	var e Entry
	value, rev, err := s.state.Get(ctx, entryKey(control))
	if err != nil || rev == 0 || len(value) == 0 {
		return e, rev, err
	}
	if err := json.Unmarshal(value, &e); err != nil {
		return e, rev, sdk.Failf(sdk.Bug, "edi.sent", "the ledger's entry for %s is damaged: %w", control, err)
	}
	return e, rev, nil
}

func (s *Sent) store(ctx context.Context, e Entry, rev uint64) error {
	value, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = s.state.CompareAndSet(ctx, entryKey(e.Control), value, rev)
	return err
}

// update changes the entry of a control number until nobody else was faster.
// change reports whether there is anything to store.
func (s *Sent) update(ctx context.Context, control string, change func(e *Entry, known bool) bool) (Entry, error) {
	for {
		e, rev, err := s.load(ctx, control)
		if err != nil {
			return e, err
		}
		if !change(&e, e.Number > 0) {
			return e, nil
		}
		if err := s.store(ctx, e, rev); !errors.Is(err, sdk.ErrConflict) {
			return e, err
		}
	}
}

// Register notes an interchange before it is written and returns the entry that
// counts: the one of an earlier attempt, whose date its envelope keeps, or e.
func (s *Sent) Register(ctx context.Context, e Entry) (Entry, error) {
	if err := s.widen(ctx, e.Number); err != nil {
		return e, err
	}
	return s.update(ctx, e.Control, func(have *Entry, known bool) bool {
		if known && have.Number == e.Number {
			return false
		}
		// Another number is a control number of the range's round before.
		*have = e
		return true
	})
}

// Find returns the entry of a control number; a Number of 0 means that we sent
// none.
func (s *Sent) Find(ctx context.Context, control string) (Entry, error) {
	e, _, err := s.load(ctx, control)
	return e, err
}

// span is the numbers that may wait for an answer.
type span struct {
	Low  uint64 `json:"low"`
	High uint64 `json:"high"`
}

func (s *Sent) span(ctx context.Context) (span, uint64, error) {
	out := span{Low: 1}
	value, rev, err := s.state.Get(ctx, rangeKey)
	if err != nil || rev == 0 || len(value) == 0 {
		return out, rev, err
	}
	if err := json.Unmarshal(value, &out); err != nil {
		return out, rev, sdk.Failf(sdk.Bug, "edi.sent", "the range of the sent ledger is damaged: %w", err)
	}
	return out, rev, nil
}

func (s *Sent) setSpan(ctx context.Context, change func(*span) bool) error {
	for {
		have, rev, err := s.span(ctx)
		if err != nil || !change(&have) {
			return err
		}
		value, err := json.Marshal(have)
		if err != nil {
			return err
		}
		if _, err = s.state.CompareAndSet(ctx, rangeKey, value, rev); !errors.Is(err, sdk.ErrConflict) {
			return err
		}
	}
}

// widen makes room in steps, so that most registrations find it there.
func (s *Sent) widen(ctx context.Context, n uint64) error {
	const step = 64
	return s.setSpan(ctx, func(have *span) bool {
		if have.Low <= n && n <= have.High {
			return false
		}
		// Its number may have been passed over while it was being registered.
		have.Low = min(have.Low, n)
		have.High = max(have.High, (n+step-1)/step*step)
		return true
	})
}

// Answer is what an acknowledgement says of one interchange of ours.
type Answer struct {
	Kind    string // TA1, 997, 999, CONTRL
	Of      string // our control number
	Control string // of the interchange that it came in
	Status  Status
	// Sets are what it says of single sets, by their control number.
	Sets  map[string]Status
	Notes []string
	At    time.Time
}

// After is the entry with what an acknowledgement says; changed is false when it
// says nothing new: the same one again changes nothing, and a TA1 that accepts
// neither hides what a 997 said nor replaces the one that is due.
func (e Entry) After(a Answer) (after Entry, changed bool) {
	if e.Number == 0 || e.Kind == a.Kind && e.Answer == a.Control {
		return e, false
	}
	if a.Kind == "TA1" && a.Status == Accepted && (e.Status.final() || !e.Due.IsZero()) {
		return e, false
	}
	e.Status, e.Kind, e.Answer, e.Answered, e.Notes = a.Status, a.Kind, a.Control, a.At, a.Notes
	e.Documents = slices.Clone(e.Documents)
	for i := range e.Documents {
		d := &e.Documents[i]
		d.Status = a.Status
		if one, ok := a.Sets[strings.TrimLeft(d.Control, "0")]; ok {
			d.Status = one
		}
	}
	return e, true
}

// Note enters an acknowledgement and returns the entry; known is false when we
// never sent what it answers.
func (s *Sent) Note(ctx context.Context, a Answer) (e Entry, known bool, err error) {
	e, err = s.update(ctx, a.Of, func(e *Entry, there bool) bool {
		known = there
		after, changed := e.After(a)
		*e = after
		return changed
	})
	return e, known, err
}

// Late returns what should have been acknowledged by now, at most limit entries,
// and forgets the numbers before the first that is still open. Deadlines follow
// the order of the numbers nearly; it stops at the first that is not due.
func (s *Sent) Late(ctx context.Context, control func(uint64) string, now time.Time, limit int) ([]Entry, error) {
	have, _, err := s.span(ctx)
	if err != nil {
		return nil, err
	}
	var late []Entry
	low, moving := have.Low, true
	for n := have.Low; n <= have.High && len(late) < limit; n++ {
		e, _, err := s.load(ctx, control(n))
		if err != nil {
			return nil, err
		}
		if e.Number == n && e.Status == Waiting && !e.Due.IsZero() {
			moving = false
			if e.Due.After(now) {
				break
			}
			late = append(late, e)
		}
		// Numbers of acknowledgements have no entry, nor have those just drawn.
		if moving && e.Number == n {
			low = n + 1
		}
	}
	if low > have.Low {
		err = s.setSpan(ctx, func(s *span) bool {
			changed := s.Low < low
			s.Low = max(s.Low, low)
			return changed
		})
	}
	return late, err
}

// MarkLate notes that the deadline of an entry passed and was told.
func (s *Sent) MarkLate(ctx context.Context, control string, number uint64) error {
	_, err := s.update(ctx, control, func(e *Entry, known bool) bool {
		if !known || e.Number != number || e.Status != Waiting {
			return false
		}
		e.Status = Overdue
		return true
	})
	return err
}

// Decode reads an entry as it is stored under [EntryPrefix].
func Decode(value []byte) (Entry, error) {
	var e Entry
	return e, json.Unmarshal(value, &e)
}
