package validate

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

var (
	keyISA = syntax.KeyOf("ISA")
	keyIEA = syntax.KeyOf("IEA")
	keyGS  = syntax.KeyOf("GS")
	keyGE  = syntax.KeyOf("GE")
	keyST  = syntax.KeyOf("ST")
	keySE  = syntax.KeyOf("SE")
	keyTA1 = syntax.KeyOf("TA1")
	keyISB = syntax.KeyOf("ISB")
	keyISE = syntax.KeyOf("ISE")
	keyTA3 = syntax.KeyOf("TA3")
)

func (w *walk) x12(seg *syntax.Segment) {
	switch seg.Key {
	case keyISA:
		w.closeInterchange(nil)
		w.isa(seg)
	case keyIEA:
		w.iea(seg)
	case keyGS:
		w.closeGroup(nil)
		w.gs(seg)
	case keyGE:
		w.endGroup(seg, "sets", finding.Finding{Code: finding.GroupCount, AK905: "5"}, finding.Finding{Code: finding.GroupMatch, AK905: "4"})
	case keyST:
		w.closeSet(nil)
		w.st(seg)
	case keySE:
		w.endSet(seg, "set", finding.Finding{Code: finding.SetCount, AK502: "4"}, finding.Finding{Code: finding.SetMatch, AK502: "3"})
	case keyTA1:
		if w.s != nil || w.ic == nil {
			w.outside(seg)
			return
		}
		w.ta1s++
		w.do(func() error { return w.h.Segment(seg, Place{}) })
		w.ic.Answers++
	case keyISB, keyISE, keyTA3:
		// Interchange services (X12.5, section 4): between ISA and the first group.
		if w.s != nil || w.ic == nil {
			w.body(seg)
		}
	default:
		w.body(seg)
	}
}

// isaWidths are the fixed widths of ISA01 to ISA16 (X12.5).
var isaWidths = [16]int{2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1}

func (w *walk) isa(seg *syntax.Segment) {
	v := func(n int) string { return text(seg, seg.Element(n)) }
	w.beginInterchange(seg, &Interchange{
		Control: v(13), Sender: Party{v(5), v(6)}, Receiver: Party{v(7), v(8)}, Version: v(12), Usage: v(15), Date: v(9), Time: v(10), AckWanted: v(14) == "1",
	})
	for i, width := range isaWidths {
		if i != 15 && !graphic(seg.Element(i+1)) {
			w.add(w.at(seg, i+1, finding.Finding{
				Code: finding.HeaderValue, Level: finding.Envelope, Severity: finding.Warning, Scope: finding.Interchange, TA105: "022",
				Message: fmt.Sprintf("ISA%02d has characters that are no text", i+1), Expected: "characters of the basic set",
			}))
		}
		if n := len(seg.Element(i + 1)); n != width && i != 15 {
			w.add(w.at(seg, i+1, finding.Finding{
				Code: finding.HeaderWidth, Level: finding.Envelope, Severity: finding.Warning, Scope: finding.Interchange, TA105: "022",
				Message: fmt.Sprintf("ISA%02d has %d characters instead of %d", i+1, n, width), Expected: fmt.Sprintf("%d characters, padded with blanks", width),
			}))
		}
	}
	wrong := func(n int, ta, message, expected string) {
		w.add(w.at(seg, n, finding.Finding{
			Code: finding.HeaderValue, Level: finding.Envelope, Severity: finding.Info, Scope: finding.Interchange, TA105: ta, Message: message, Expected: expected,
		}))
	}
	if d := seg.Element(9); !validDate(d) {
		wrong(9, "014", "the interchange date is no date", "YYMMDD")
	}
	if t := seg.Element(10); !validTime(t) {
		wrong(10, "015", "the interchange time is no time", "HHMM")
	}
	if u := v(15); u != "P" && u != "T" && u != "I" {
		wrong(15, "020", "the usage indicator is none", "P (production), T (test) or I (information)")
	}
	if w.d.Component == 0 {
		w.add(w.at(seg, 16, finding.Finding{
			Code: finding.HeaderValue, Level: finding.Envelope, Severity: finding.Warning, Scope: finding.Interchange, TA105: "027",
			Message: "the component separator is a letter, a digit, a blank or the element separator, and separates nothing", Expected: "a character that no data has, such as >",
		}))
	}
	if _, ok := digits(v(13)); !ok {
		w.add(w.at(seg, 13, finding.Finding{
			Code: finding.InterchangeNumber, Level: finding.Envelope, Severity: finding.Warning, Scope: finding.Interchange, TA105: "018",
			Message: "the interchange control number has other characters than digits", Expected: "nine digits",
		}))
	}
	w.twice(seg, 13)
}

func (w *walk) iea(seg *syntax.Segment) {
	if w.ic == nil {
		w.outside(seg)
		return
	}
	w.closeGroup(nil)
	// An interchange of nothing but TA1 segments has no group; many count one.
	counted := w.groups
	if n, ok := number(text(seg, seg.Element(1))); ok && counted == 0 && w.ta1s > 0 && n == w.ta1s {
		counted = n
		w.add(w.at(seg, 1, finding.Finding{
			Code: finding.InterchangeCount, Level: finding.Envelope, Severity: finding.Warning, Scope: finding.Interchange, TA105: "021",
			Message: "the trailer counts the interchange's acknowledgements as groups", Expected: "0",
		}))
	}
	w.trailer(seg, trailer{
		scope: finding.Interchange, what: "interchange", parts: "groups",
		count: finding.Finding{Code: finding.InterchangeCount, TA105: "021"}, countAt: 1, counted: counted,
		match: finding.Finding{Code: finding.InterchangeMatch, TA105: "001"}, matchAt: 2, control: w.ic.Control,
	})
	w.closeInterchange(seg)
}

func (w *walk) gs(seg *syntax.Segment) {
	if w.ic == nil {
		w.outside(seg)
		return
	}
	v := func(n int) string { return text(seg, seg.Element(n)) }
	w.groupAt = w.position
	w.beginGroup(&Group{Offset: seg.Offset, Functional: v(1), Sender: v(2), Receiver: v(3), Date: v(4), Time: v(5), Control: v(6), Agency: v(7), Version: v(8), Segment: header(seg)})
	const most = 9
	if _, ok := digits(v(6)); !ok || len(v(6)) > most {
		w.add(w.at(seg, 6, finding.Finding{
			Code: finding.GroupNumber, Level: finding.Envelope, Severity: finding.Reject, Scope: finding.Group, AK905: "6",
			Reference: "28", Message: "the group control number is no number", Expected: "one to nine digits",
		}))
	}
}

func (w *walk) st(seg *syntax.Segment) {
	if w.g == nil {
		w.outside(seg)
	}
	version := ""
	if w.g != nil {
		version = w.g.Version
	}
	s := &Set{ID: text(seg, seg.Element(1)), Control: text(seg, seg.Element(2)), Release: grammar.Release(syntax.X12, version, "")}
	s.Association = strings.TrimPrefix(version, s.Release)
	s.Grammar = w.grammarOf(syntax.X12, s)
	w.beginSet(seg, s)
	if s.Grammar == nil {
		w.noGrammar(seg, "GS08 "+version)
		return
	}
	if want := s.Grammar.Group; w.g != nil && want != "" && w.g.Functional != want {
		w.add(finding.Finding{
			Code: finding.GroupKind, Level: finding.Envelope, Severity: finding.Reject, AK502: "6", AK905: "1",
			Segment: "GS", Element: 1, Position: w.groupAt, Offset: w.g.Offset, Value: w.g.Functional, Reference: "479",
			Message:  fmt.Sprintf("a set %s belongs into a group %s, GS01 says %q", s.ID, want, w.g.Functional),
			Expected: want, Hint: "correct GS01, or send the set in a group of its kind",
		})
	}
}

func (w *walk) noGrammar(seg *syntax.Segment, version string) {
	w.add(w.at(seg, 1, finding.Finding{
		Code: finding.UnknownSet, Level: finding.Structure, Severity: finding.Info, AK502: "1",
		Message: fmt.Sprintf("there is no grammar for %s in %s: only its envelope is checked", w.s.set.ID, version),
	}))
}

// grammarOf finds the grammar of a set, nil when there is none. A grammar that
// cannot be compiled is a mistake in our own files, found by lint.
func (w *walk) grammarOf(std syntax.Standard, s *Set) *grammar.Set {
	const longest = 16 // of a name, so that none is kept that no grammar can have
	if w.v.Grammars == nil && w.v.Overlays == nil || s.ID == "" || s.Release == "" || len(s.ID)+len(s.Release) > 2*longest {
		return nil
	}
	id := grammarID{std, s.Release, s.ID}
	if g, known := w.grammars[id]; known {
		return g
	}
	g := w.overlay(id)
	if g == nil && w.v.Grammars != nil {
		g, _ = w.v.Grammars.Set(std, s.Release, s.ID)
	}
	const most = 1000 // a hostile file may name any number of sets
	if len(w.grammars) < most {
		w.grammars[id] = g
	}
	return g
}

// graphic tells that there are only blanks and visible ASCII characters.
func graphic(data []byte) bool {
	for _, c := range data {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
