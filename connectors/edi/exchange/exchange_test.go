package exchange_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// memory is the core's state, in the process.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	revs   map[string]uint64
}

func newMemory() *memory { return &memory{values: map[string][]byte{}, revs: map[string]uint64{}} }

func (m *memory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], m.revs[key], nil
}

func (m *memory) CompareAndSet(_ context.Context, key string, value []byte, rev uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.revs[key] != rev {
		return 0, sdk.ErrConflict
	}
	m.values[key], m.revs[key] = value, rev+1
	return rev + 1, nil
}

func (m *memory) Next(context.Context, string, string) (uint64, error) { return 0, nil }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func TestAResendIsToldFromAClash(t *testing.T) {
	now := monday
	book := exchange.NewReceived(newMemory(), 30*24*time.Hour, func() time.Time { return now })
	number := exchange.Number{Sender: "ZZ/ACME", Receiver: "08/US", Control: "000000007"}
	first := exchange.Interchange{Hash: "aa", File: "f1", At: now}
	compare := func(n exchange.Number, i exchange.Interchange, want exchange.Outcome) {
		t.Helper()
		got, _, err := book.Compare(t.Context(), n, i)
		must(t, err)
		if got != want {
			t.Errorf("%+v: outcome %d, want %d", i, got, want)
		}
	}
	compare(number, first, exchange.New)
	must(t, book.Remember(t.Context(), number, first))
	compare(number, first, exchange.Resend) // the same file, read again after a crash
	compare(number, exchange.Interchange{Hash: "aa", File: "f2"}, exchange.Resend)
	compare(number, exchange.Interchange{Hash: "bb", File: "f2"}, exchange.Clash)
	compare(exchange.Number{Sender: "ZZ/ACME", Receiver: "08/US", Control: "7"}, exchange.Interchange{Hash: "bb", File: "f2"}, exchange.Clash)
	compare(exchange.Number{Sender: "ZZ/OTHER", Receiver: "08/US", Control: "7"}, exchange.Interchange{Hash: "bb", File: "f2"}, exchange.New)
	now = now.Add(31 * 24 * time.Hour)
	compare(number, exchange.Interchange{Hash: "bb", File: "f2"}, exchange.New)
}

func control(n uint64) string { return fmt.Sprintf("%09d", n) }

func entry(n uint64, at time.Time) exchange.Entry {
	return exchange.Entry{
		Number: n, Control: control(n), At: at, Due: at.Add(24 * time.Hour), Status: exchange.Waiting,
		Documents: []exchange.Document{{Set: "855", Control: "0001", Key: "4711"}, {Set: "855", Control: "0002", Key: "4712"}},
	}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []exchange.Answer
		want    exchange.Status
		second  exchange.Status // of the second document
	}{
		{"accepted", []exchange.Answer{{Kind: "997", Status: exchange.Accepted}}, exchange.Accepted, exchange.Accepted},
		{"one set refused", []exchange.Answer{{Kind: "997", Status: exchange.PartiallyAccepted, Sets: map[string]exchange.Status{"1": exchange.Accepted, "2": exchange.Rejected}}}, exchange.PartiallyAccepted, exchange.Rejected},
		{"TA1, then 997", []exchange.Answer{{Kind: "TA1", Status: exchange.Accepted}, {Kind: "997", Status: exchange.Rejected}}, exchange.Rejected, exchange.Rejected},
		{"997, then TA1", []exchange.Answer{{Kind: "997", Status: exchange.AcceptedWithErrors}, {Kind: "TA1", Status: exchange.Accepted}}, exchange.AcceptedWithErrors, exchange.AcceptedWithErrors},
		{"TA1 refuses", []exchange.Answer{{Kind: "TA1", Status: exchange.Rejected}}, exchange.Rejected, exchange.Rejected},
	} {
		t.Run(test.name, func(t *testing.T) {
			book := exchange.NewSent(newMemory())
			_, err := book.Register(t.Context(), entry(12, monday))
			must(t, err)
			for i, a := range test.answers {
				a.Of, a.Control, a.At = "12", fmt.Sprint(100+i), monday
				_, known, err := book.Note(t.Context(), a)
				must(t, err)
				if !known {
					t.Fatal("not known")
				}
			}
			e, err := book.Find(t.Context(), "000000012")
			must(t, err)
			if e.Status != test.want || e.Documents[1].Status != test.second {
				t.Errorf("%s, second document %s; want %s and %s", e.Status, e.Documents[1].Status, test.want, test.second)
			}
		})
	}
	book := exchange.NewSent(newMemory())
	if _, known, err := book.Note(t.Context(), exchange.Answer{Kind: "997", Of: "99", Status: exchange.Accepted}); err != nil || known {
		t.Errorf("an answer to what we never sent: known %v, error %v", known, err)
	}
}

// What an earlier attempt registered counts: its date is in the envelope.
func TestRegisterKeepsTheFirstAttempt(t *testing.T) {
	book := exchange.NewSent(newMemory())
	_, err := book.Register(t.Context(), entry(1, monday))
	must(t, err)
	again, err := book.Register(t.Context(), entry(1, monday.Add(time.Hour)))
	must(t, err)
	if !again.At.Equal(monday) {
		t.Errorf("dated %s, want %s", again.At, monday)
	}
	// The range's next round uses the control number again.
	next := entry(1, monday.Add(time.Hour))
	next.Number = 1_000_000_000
	next, err = book.Register(t.Context(), next)
	must(t, err)
	if next.Number != 1_000_000_000 {
		t.Errorf("number %d", next.Number)
	}
}

func TestLate(t *testing.T) {
	book := exchange.NewSent(newMemory())
	register := func(n uint64, at time.Time) {
		t.Helper()
		_, err := book.Register(t.Context(), entry(n, at))
		must(t, err)
	}
	late := func(at time.Time, want ...uint64) {
		t.Helper()
		list, err := book.Late(t.Context(), control, at, 100)
		must(t, err)
		var got []uint64
		for _, e := range list {
			got = append(got, e.Number)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("late at %s: %v, want %v", at, got, want)
		}
	}
	late(monday)
	register(1, monday) // 2 is a 997 of ours
	register(3, monday.Add(time.Hour))
	register(70, monday.Add(2*time.Hour))
	late(monday.Add(23 * time.Hour))
	late(monday.Add(24*time.Hour), 1)
	late(monday.Add(24*time.Hour), 1) // until it was told
	must(t, book.MarkLate(t.Context(), control(1), 1))
	_, _, err := book.Note(t.Context(), exchange.Answer{Kind: "997", Of: "3", Control: "5", Status: exchange.Accepted})
	must(t, err)
	late(monday.Add(48*time.Hour), 70)
	register(71, monday.Add(3*time.Hour))
	register(4, monday) // registered late: its number is below what was passed over
	late(monday.Add(48*time.Hour), 4, 70, 71)
	// The answer that comes after the deadline counts still.
	e, known, err := book.Note(t.Context(), exchange.Answer{Kind: "997", Of: "1", Control: "6", Status: exchange.Accepted})
	if err != nil || !known || e.Status != exchange.Accepted {
		t.Errorf("%+v %v %v", e, known, err)
	}
}
