package validate

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// What X12, EDIFACT and TRADACOMS envelopes have in common: headers and trailers
// that count what is between them and repeat a number.

// trailer compares a trailer with what was read.
type trailer struct {
	scope       finding.Scope
	count       finding.Finding // when the number of parts is wrong
	countAt     int             // its element
	counted     int
	match       finding.Finding // when the control numbers differ
	matchAt     int
	control     string // of the header
	what, parts string // "set", "segments"
}

func (w *walk) trailer(seg *syntax.Segment, t trailer) {
	said := text(seg, seg.Element(t.countAt))
	if n, ok := number(said); !ok || n != t.counted {
		f := t.count
		f.Level, f.Scope, f.Severity = finding.Envelope, t.scope, finding.Reject
		f.Message = fmt.Sprintf("the %s has %d %s, its trailer says %q", t.what, t.counted, t.parts, said)
		f.Expected = strconv.Itoa(t.counted)
		f.Hint = "part of it is missing, or was changed after it was written"
		w.add(w.at(seg, t.countAt, f))
	}
	have := text(seg, seg.Element(t.matchAt))
	if have == t.control {
		return
	}
	f := t.match
	f.Level, f.Scope, f.Severity = finding.Envelope, t.scope, finding.Reject
	if a, ok := digits(have); ok {
		if b, ok := digits(t.control); ok && a == b {
			f.Severity = finding.Warning
		}
	}
	f.Message = fmt.Sprintf("the header's control number is %q, the trailer's %q", t.control, have)
	f.Expected = t.control
	w.add(w.at(seg, t.matchAt, f))
}

// number reads a count.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0
}

// digits returns a number of any length without leading zeros.
func digits(s string) (string, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return strings.TrimLeft(s, "0"), true
}

func (w *walk) beginInterchange(seg *syntax.Segment, ic *Interchange) {
	ic.Standard, ic.Delimiters, ic.Offset = w.r.Standard(), w.r.Delimiters(), seg.Offset
	ic.Layout, ic.Segment = w.r.Layout(), header(seg)
	w.ic, w.groups, w.messages, w.ta1s = ic, 0, 0, 0
	w.known.reset()
	w.outer = told{}
	w.do(func() error { return w.h.BeginInterchange(ic) })
}

// header is the tag and the elements as they stand.
func header(seg *syntax.Segment) []string {
	n := min(seg.Len(), maxText)
	out := make([]string, 0, n+1)
	out = append(out, finding.Clip(seg.Tag()))
	for i := range n {
		e := seg.Element(i + 1)
		out = append(out, string(e[:min(len(e), 2*maxText)]))
	}
	return out
}

// twice reports an interchange control number that was in the file before. The
// sender belongs to it: two senders may use the same number.
func (w *walk) twice(seg *syntax.Segment, element int) {
	// The parties as a hash of a fixed length, so that numbers that count up are
	// remembered as a range.
	parties := w.controls.hash([]byte(w.ic.Sender.Qualifier + "/" + w.ic.Sender.ID + "/" + w.ic.Receiver.ID))
	id := append(binary.LittleEndian.AppendUint64(nil, parties), "/"+w.ic.Control...)
	if !w.controls.add(id) {
		// X12 leaves it to the agreement whether a number may come again (X12.5);
		// ISO 9735 does not.
		severity := finding.Reject
		if w.std == syntax.X12 {
			severity = finding.Warning
		}
		w.add(w.at(seg, element, finding.Finding{
			Code: finding.InterchangeTwice, Level: finding.Envelope, Severity: severity, Scope: finding.Interchange, TA105: "025", EDIFACT: "26",
			Message: fmt.Sprintf("the interchange control number %s is in this file twice", w.ic.Control),
			Hint:    "every interchange needs a number of its own; send a repetition under a new number",
		}))
	}
}

// closeInterchange ends the interchange; seg is its trailer, nil when there is
// none.
func (w *walk) closeInterchange(seg *syntax.Segment) {
	w.closeGroup(nil)
	if w.ic == nil {
		return
	}
	if seg == nil {
		tag := map[syntax.Standard]string{syntax.X12: "IEA", syntax.EDIFACT: "UNZ", syntax.TRADACOMS: "END"}[w.std]
		w.add(finding.Finding{
			Code: finding.InterchangeOpen, Level: finding.Envelope, Severity: finding.Reject, Scope: finding.Interchange, TA105: "023", EDIFACT: "13",
			Segment: tag, Position: w.position, Offset: w.here,
			Message: fmt.Sprintf("the interchange %s has no %s", w.ic.Control, tag), Hint: "the file is cut off: send it whole",
		})
	}
	ic := w.ic
	if seg != nil {
		ic.End = seg.Offset + int64(len(seg.Raw())) + 1
	}
	w.do(func() error { return w.h.EndInterchange(ic) })
	w.ic = nil
}

func (w *walk) beginGroup(g *Group) {
	w.g, w.sets = g, 0
	w.known.reset()
	w.groups++
	w.do(func() error { return w.h.BeginGroup(g) })
}

// closeGroup ends the group, if one is open; seg is its trailer.
func (w *walk) closeGroup(seg *syntax.Segment) {
	w.closeSet(nil)
	if w.g == nil {
		return
	}
	if seg == nil {
		tag := "GE"
		if w.std == syntax.EDIFACT {
			tag = "UNE"
		}
		w.add(finding.Finding{
			Code: finding.GroupOpen, Level: finding.Envelope, Severity: finding.Reject, Scope: finding.Group, AK905: "3", EDIFACT: "13",
			Segment: tag, Position: w.position, Offset: w.here, Message: fmt.Sprintf("the group %s has no %s", w.g.Control, tag),
			Hint: "the group is cut off: send it whole",
		})
	}
	g := w.g
	w.do(func() error { return w.h.EndGroup(g) })
	w.g = nil
}

// endGroup takes a group's trailer.
func (w *walk) endGroup(seg *syntax.Segment, parts string, count, match finding.Finding) {
	w.closeSet(nil)
	if w.g == nil {
		w.outside(seg)
		return
	}
	w.g.Claimed = strings.TrimSpace(seg.Value(1))
	w.trailer(seg, trailer{
		scope: finding.Group, what: "group", parts: parts, count: count, countAt: 1, counted: w.sets, match: match, matchAt: 2, control: w.g.Control,
	})
	w.closeGroup(seg)
}

// endSet takes a set's trailer.
func (w *walk) endSet(seg *syntax.Segment, what string, count, match finding.Finding) {
	if w.s == nil {
		w.outside(seg)
		return
	}
	s := w.s.set
	s.Segments++
	w.s.finish(seg)
	w.trailer(seg, trailer{
		scope: finding.Set, what: what, parts: "segments", count: count, countAt: 1, counted: s.Segments, match: match, matchAt: 2, control: s.Control,
	})
	w.closeSet(seg)
}

func (w *walk) beginSet(seg *syntax.Segment, s *Set) {
	w.sets++
	w.messages++
	s.Segments, s.Offset = 1, seg.Offset
	w.s = newSetWalk(w, s)
	w.do(func() error { return w.h.BeginSet(s) })
	if !w.known.add([]byte(s.Control)) {
		w.add(w.at(seg, 2, finding.Finding{
			Code: finding.SetTwice, Level: finding.Envelope, Severity: finding.Warning, AK502: "23", EDIFACT: "26",
			Message: fmt.Sprintf("the control number %s is in this group twice", s.Control), Hint: "number the sets of a group from 0001",
		}))
	}
	w.do(func() error { return w.h.Segment(seg, Place{Set: s}) })
}

// closeSet ends the set, if one is open; seg is its trailer.
func (w *walk) closeSet(seg *syntax.Segment) {
	if w.s == nil {
		return
	}
	s := w.s.set
	if seg == nil {
		tag := map[syntax.Standard]string{syntax.X12: "SE", syntax.EDIFACT: "UNT", syntax.TRADACOMS: "MTR"}[w.std]
		w.add(finding.Finding{
			Code: finding.SetOpen, Level: finding.Envelope, Severity: finding.Reject, AK502: "2", EDIFACT: "13",
			Segment: tag, Position: s.Segments + 1, Offset: w.here, Message: fmt.Sprintf("the set %s %s has no %s", s.ID, s.Control, tag),
			Hint: "the set is cut off, or the next one began too early",
		})
	} else {
		w.do(func() error { return w.h.Segment(seg, Place{Set: s}) })
	}
	w.do(func() error { return w.h.EndSet(s) })
	w.s = nil
}
