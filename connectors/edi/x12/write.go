package x12

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Address is what an outgoing interchange's envelope says: both partners'
// identifiers, the numbers drawn for it and when it was made.
type Address struct {
	Sender, Receiver Party
	// GroupSender and GroupReceiver are GS02 and GS03; empty: the ids.
	GroupSender, GroupReceiver string
	// Control is ISA13 and GS06, 1 to 999999999, from a durable sequence.
	Control uint64
	// Usage is ISA15: P, T or I.
	Usage string
	// At is the date and time of the envelope. It is the document's, not the
	// clock's, so that a document written twice is the same file.
	At         time.Time
	Delimiters Delimiters // zero: * > ~
	// Newline ends every segment with a line feed after its terminator.
	Newline bool
}

// Writer builds one interchange with one group.
type Writer struct {
	a    Address
	b    strings.Builder
	segs int // of the open set
	sets int
	err  error
}

// NewWriter begins an interchange for a functional group such as "IB".
func NewWriter(a Address, functionalID string) (*Writer, error) {
	if a.Control < 1 || a.Control > 999999999 {
		return nil, fmt.Errorf("the control number %d does not fit ISA13, 1 to 999999999", a.Control)
	}
	if a.Delimiters == (Delimiters{}) {
		a.Delimiters = Delimiters{Element: '*', Component: '>', Segment: '~'}
	}
	if a.Usage == "" {
		a.Usage = "P"
	}
	gs := func(v, id string) string {
		if v != "" {
			return v
		}
		return id
	}
	w := &Writer{a: a}
	w.raw("ISA", "00", pad("", 10), "00", pad("", 10), pad(a.Sender.Qualifier, 2), pad(a.Sender.ID, 15), pad(a.Receiver.Qualifier, 2), pad(a.Receiver.ID, 15),
		a.At.Format("060102"), a.At.Format("1504"), "U", "00401", fmt.Sprintf("%09d", a.Control), "0", a.Usage, string(a.Delimiters.Component))
	w.raw("GS", functionalID, gs(a.GroupSender, a.Sender.ID), gs(a.GroupReceiver, a.Receiver.ID), a.At.Format("20060102"), a.At.Format("1504"),
		strconv.FormatUint(a.Control, 10), "X", "004010")
	if len(a.Sender.ID) > 15 || len(a.Receiver.ID) > 15 {
		return nil, fmt.Errorf("an interchange id has 15 characters at most: %q, %q", a.Sender.ID, a.Receiver.ID)
	}
	return w, w.err
}

func pad(s string, n int) string {
	if len(s) < n {
		s += strings.Repeat(" ", n-len(s))
	}
	return s
}

func (w *Writer) raw(tag string, elements ...string) {
	for len(elements) > 0 && elements[len(elements)-1] == "" {
		elements = elements[:len(elements)-1]
	}
	w.b.WriteString(tag)
	d := w.a.Delimiters
	for i, e := range elements {
		bad := string([]byte{d.Element, d.Segment})
		if tag != "ISA" {
			bad += string([]byte{d.Component})
		}
		if strings.ContainsAny(e, bad) && w.err == nil {
			w.err = fmt.Errorf("%s%02d: the value %q contains one of the partner's delimiters %q; X12 has no escape: change the value or the partner's delimiters",
				tag, i+1, e, bad)
		}
		w.b.WriteByte(d.Element)
		w.b.WriteString(e)
	}
	w.b.WriteByte(d.Segment)
	if w.a.Newline {
		w.b.WriteByte('\n')
	}
}

// Begin opens a set.
func (w *Writer) Begin(set string) {
	w.sets++
	w.segs = 1
	w.raw("ST", set, fmt.Sprintf("%04d", w.sets))
}

// Segment adds one segment to the open set; trailing empty elements are left
// out.
func (w *Writer) Segment(tag string, elements ...string) {
	w.segs++
	w.raw(tag, elements...)
}

// End closes the open set with its count.
func (w *Writer) End() {
	w.raw("SE", strconv.Itoa(w.segs+1), fmt.Sprintf("%04d", w.sets))
}

// Bytes closes the interchange, reads it back and returns it: what this package
// writes, it also accepts.
func (w *Writer) Bytes() ([]byte, error) {
	w.raw("GE", strconv.Itoa(w.sets), strconv.FormatUint(w.a.Control, 10))
	w.raw("IEA", "1", fmt.Sprintf("%09d", w.a.Control))
	if w.err != nil {
		return nil, w.err
	}
	out := []byte(w.b.String())
	ics, err := Parse(out)
	if err != nil {
		return nil, fmt.Errorf("the interchange written cannot be read back: %w", err)
	}
	for _, f := range ics[0].All() {
		if f.Severity == Reject {
			return nil, fmt.Errorf("the document does not make a valid interchange: %s", f)
		}
	}
	return out, nil
}

// ErrUnanswerable says that no valid 997 can name a group: what identifies it,
// GS01 or GS06, is itself broken. Only a person can answer it.
var ErrUnanswerable = errors.New("no valid 997 can name the group")

// Acknowledge writes the 997 for one group of an interchange: accepted,
// accepted with warnings, partly accepted or rejected, with every finding at
// its segment and element (X12 004010, 997). It never acknowledges a 997: ok
// is false then.
//
// What is acknowledged may be broken in ways that an AK3 or AK2 cannot repeat,
// such as a tag of one letter. Then the verdict is sent without those details.
// An error is [ErrUnanswerable] or is about the address.
func Acknowledge(ic *Interchange, g *Group, a Address) (out []byte, ok bool, err error) {
	if g.Header.E(1) == "FA" {
		return nil, false, nil
	}
	for _, details := range []bool{true, false} {
		w, werr := NewWriter(a, "FA")
		if werr != nil {
			return nil, false, werr
		}
		w.acknowledge(ic, g, details)
		if out, err = w.Bytes(); err == nil {
			return out, true, nil
		}
	}
	return nil, false, fmt.Errorf("%w: %w", ErrUnanswerable, err)
}

func (w *Writer) acknowledge(ic *Interchange, g *Group, details bool) {
	w.Begin("997")
	w.Segment("AK1", g.Header.E(1), strings.TrimLeft(g.Header.E(6), " "))
	refused := ic.Rejected() || g.Rejected()
	accepted := 0
	for _, s := range g.Sets {
		rejected := refused || s.Rejected()
		if !rejected {
			accepted++
		}
		control := ackControl(s.Control)
		if !details && (len(s.ID) != 3 || len(control) > 9 || w.safe(s.ID+control) != s.ID+control) {
			continue // no AK2 can name it; AK9 counts it
		}
		w.Segment("AK2", s.ID, control)
		errs := reportSet(w, s, details)
		switch {
		case rejected:
			w.Segment("AK5", append([]string{"R"}, errs...)...)
		case len(s.Findings) > 0:
			w.Segment("AK5", "E")
		default:
			w.Segment("AK5", "A")
		}
	}
	status := "A"
	switch {
	case refused || accepted == 0:
		status = "R"
	case accepted < len(g.Sets):
		status = "P"
	case len(g.Findings)+len(ic.Findings) > 0:
		status = "E"
	}
	included := g.Trailer.E(1)
	if _, ok := number(included); !ok || !details {
		included = strconv.Itoa(len(g.Sets))
	}
	w.Segment("AK9", append([]string{status, included, strconv.Itoa(len(g.Sets)), strconv.Itoa(accepted)}, groupErrors(g)...)...)
	w.End()
}

// ackControl makes AK202 long enough: the element has at least 4 characters.
func ackControl(v string) string {
	for len(v) < 4 {
		v = "0" + v
	}
	return v
}

// reportSet writes AK3 and AK4, if details are wanted, and returns the AK5
// codes, five at most.
func reportSet(w *Writer, s *Set, details bool) []string {
	var codes []string
	seen := map[string]bool{}
	last := ""
	for _, f := range s.Findings {
		// AK301 has at least two letters: a tag that was cut off after one
		// cannot be named.
		if f.AK304 != "" && details && len(f.Segment) > 1 {
			at := fmt.Sprintf("%s/%d/%s", f.Segment, f.Position, f.AK304)
			if at != last {
				w.Segment("AK3", clipText(f.Segment, 3), strconv.Itoa(f.Position), "", f.AK304)
				last = at
			}
			if f.AK403 != "" {
				w.Segment("AK4", strconv.Itoa(f.Element), "", f.AK403, w.safe(f.Value))
			}
		}
		if f.AK502 != "" && !seen[f.AK502] && len(codes) < 5 {
			seen[f.AK502] = true
			codes = append(codes, f.AK502)
		}
	}
	return codes
}

func groupErrors(g *Group) []string {
	var codes []string
	for _, f := range g.Findings {
		if f.AK905 != "" && len(codes) < 5 {
			codes = append(codes, f.AK905)
		}
	}
	return codes
}

// safe makes bad data repeatable in AK404: without delimiters, 99 at most.
func (w *Writer) safe(v string) string {
	d := w.a.Delimiters
	v = strings.Map(func(r rune) rune {
		if r < ' ' || r == rune(d.Element) || r == rune(d.Segment) || r == rune(d.Component) {
			return ' '
		}
		return r
	}, v)
	return clipText(strings.TrimSpace(v), 99)
}

func clipText(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
