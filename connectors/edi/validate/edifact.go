package validate

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

var (
	keyUNB = syntax.KeyOf("UNB")
	keyUNZ = syntax.KeyOf("UNZ")
	keyUNG = syntax.KeyOf("UNG")
	keyUNE = syntax.KeyOf("UNE")
	keyUNH = syntax.KeyOf("UNH")
	keyUNT = syntax.KeyOf("UNT")
	keySTX = syntax.KeyOf("STX")
	keyEND = syntax.KeyOf("END")
	keyMHD = syntax.KeyOf("MHD")
	keyMTR = syntax.KeyOf("MTR")
	keyBAT = syntax.KeyOf("BAT")
	keyEOB = syntax.KeyOf("EOB")
)

func (w *walk) edifact(seg *syntax.Segment) {
	switch seg.Key {
	case keyUNB:
		w.closeInterchange(nil)
		w.unb(seg)
	case keyUNZ:
		w.unz(seg)
	case keyUNG:
		w.closeGroup(nil)
		w.ung(seg)
	case keyUNE:
		w.endGroup(seg, "messages", finding.Finding{Code: finding.GroupCount, EDIFACT: "29"}, finding.Finding{Code: finding.GroupMatch, EDIFACT: "28"})
	case keyUNH:
		w.closeSet(nil)
		w.unh(seg)
	case keyUNT:
		w.endSet(seg, "message", finding.Finding{Code: finding.SetCount, EDIFACT: "29"}, finding.Finding{Code: finding.SetMatch, EDIFACT: "28"})
	default:
		w.body(seg)
	}
}

func (w *walk) unb(seg *syntax.Segment) {
	c := func(n, m int) string { return text(seg, seg.Component(n, m)) }
	w.beginInterchange(seg, &Interchange{
		Version: strings.TrimSpace(c(1, 1) + " " + c(1, 2)), Sender: Party{c(2, 2), c(2, 1)}, Receiver: Party{c(3, 2), c(3, 1)},
		Date: c(4, 1), Time: c(4, 2), Control: c(5, 1), AckWanted: c(9, 1) == "1", Usage: c(11, 1),
	})
	for _, m := range []struct {
		element int
		name    string
	}{{1, "syntax identifier"}, {2, "sender"}, {3, "receiver"}, {5, "interchange reference"}} {
		if c(m.element, 1) == "" {
			w.add(w.at(seg, m.element, finding.Finding{
				Code: finding.HeaderValue, Level: finding.Envelope, Severity: finding.Reject, Scope: finding.Interchange, EDIFACT: "13",
				Message: "the " + m.name + " of the interchange is missing", Expected: m.name,
			}))
		}
	}
	w.twice(seg, 5)
}

func (w *walk) unz(seg *syntax.Segment) {
	if w.ic == nil {
		w.outside(seg)
		return
	}
	w.closeGroup(nil)
	counted, parts := w.messages, "messages"
	if w.groups > 0 {
		counted, parts = w.groups, "groups"
	}
	w.trailer(seg, trailer{
		scope: finding.Interchange, what: "interchange", parts: parts,
		count: finding.Finding{Code: finding.InterchangeCount, EDIFACT: "29"}, countAt: 1, counted: counted,
		match: finding.Finding{Code: finding.InterchangeMatch, EDIFACT: "28"}, matchAt: 2, control: w.ic.Control,
	})
	w.closeInterchange(seg)
}

func (w *walk) ung(seg *syntax.Segment) {
	if w.ic == nil {
		w.outside(seg)
		return
	}
	c := func(n, m int) string { return text(seg, seg.Component(n, m)) }
	w.beginGroup(&Group{
		Functional: c(1, 1), Sender: c(2, 1), SenderQualifier: c(2, 2), Receiver: c(3, 1), ReceiverQualifier: c(3, 2),
		Date: c(4, 1), Time: c(4, 2), Control: c(5, 1), Agency: c(6, 1), Version: c(7, 1) + c(7, 2), Offset: seg.Offset, Segment: header(seg),
	})
}

func (w *walk) unh(seg *syntax.Segment) {
	if w.ic == nil {
		w.add(w.at(seg, 0, finding.Finding{
			Code: finding.Outside, Level: finding.Envelope, Severity: finding.Reject, Scope: finding.Interchange, EDIFACT: "13",
			Message: "the interchange header UNB is missing", Expected: "UNB", Hint: "send the interchange from its UNB on",
		}))
	}
	c := func(m int) string { return text(seg, seg.Component(2, m)) }
	s := &Set{ID: c(1), Control: text(seg, seg.Element(1)), Release: grammar.Release(syntax.EDIFACT, c(2), finding.Clip(seg.Plain(seg.Component(2, 3)))), Association: c(5)}
	if s.ID == "CONTRL" {
		// It belongs to the service directory, whose versions (D 3, 2 2, 4 1) are not
		// those of the message directories.
		s.Release = "D96A"
	}
	s.Grammar = w.grammarOf(syntax.EDIFACT, s)
	w.beginSet(seg, s)
	if s.Grammar == nil {
		w.noGrammar(seg, fmt.Sprintf("%s.%s", c(2), c(3)))
	} else if def := s.Grammar.Segment(keyUNH); def != nil {
		w.s.elements(seg, def)
	}
}

// tradacoms checks the envelope of the older British standard: STX to END around
// messages from MHD to MTR, which may be in batches from BAT to EOB.
func (w *walk) tradacoms(seg *syntax.Segment) {
	c := func(n, m int) string { return text(seg, seg.Component(n, m)) }
	switch seg.Key {
	case keySTX:
		w.closeInterchange(nil)
		w.beginInterchange(seg, &Interchange{
			Version: c(1, 1) + " " + c(1, 2), Sender: Party{ID: c(2, 1)}, Receiver: Party{ID: c(3, 1)}, Date: c(4, 1), Time: c(4, 2), Control: c(5, 1),
		})
		w.twice(seg, 5)
	case keyEND:
		w.end1(seg)
	case keyMHD:
		w.closeSet(nil)
		w.beginSet(seg, &Set{ID: c(2, 1), Release: c(2, 2), Control: c(1, 1)})
		w.noGrammar(seg, "TRADACOMS "+c(2, 2))
	case keyMTR:
		if w.s == nil {
			w.outside(seg)
			return
		}
		w.s.set.Segments++
		w.trailer(seg, trailer{
			scope: finding.Set, what: "message", parts: "segments",
			count: finding.Finding{Code: finding.SetCount}, countAt: 1, counted: w.s.set.Segments,
			match: finding.Finding{}, matchAt: 2, control: text(seg, seg.Element(2)),
		})
		w.closeSet(seg)
	case keyBAT, keyEOB:
		w.closeSet(nil)
	default:
		w.body(seg)
	}
}

func (w *walk) end1(seg *syntax.Segment) {
	if w.ic == nil {
		w.outside(seg)
		return
	}
	w.closeSet(nil)
	w.trailer(seg, trailer{
		scope: finding.Interchange, what: "transmission", parts: "messages",
		count: finding.Finding{Code: finding.InterchangeCount}, countAt: 1, counted: w.messages,
		match: finding.Finding{}, matchAt: 2, control: text(seg, seg.Element(2)),
	})
	w.closeInterchange(seg)
}
