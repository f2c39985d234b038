package validate

import (
	"fmt"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// agreement is the part of a walk that knows what was agreed with the partner: a
// set whose grammar is an overlay. Other sets pay one comparison a segment.
//
// Whether a finding breaks the standard or only the agreement is decided when
// there is one: the segment is then checked once more as the standard has it.
type agreement struct {
	tallies []tally // of the frames

	seg      *syntax.Segment // being checked
	derived  *grammar.Derived
	record   bool // findings are collected, not told
	checked  bool // standard is that of seg
	standard []mark
}

// tally counts what was agreed for one open body.
type tally struct {
	agreed *grammar.Agreed
	holds  uint64 // conditions that the opening segment satisfies
	counts []int
}

// mark is where a segment breaks the standard.
type mark struct {
	element, component, repeat int
	rule                       string
}

func markOf(f *finding.Finding) mark {
	m := mark{element: f.Element, component: f.Component, repeat: f.Repeat}
	if f.Code == finding.ConditionMissing || f.Code == finding.ConditionExcluded {
		m.rule = f.Expected
	}
	return m
}

// next is an agreement for the next set, in the memory of the last.
func (a *agreement) next() agreement {
	return agreement{tallies: a.tallies[:0], standard: a.standard[:0]}
}

// overlay asks for the agreed grammar of a set.
func (w *walk) overlay(id grammarID) *grammar.Set {
	if w.v.Overlays == nil {
		return nil
	}
	return w.v.Overlays(id.std, id.release, id.id)
}

// agreed counts a segment at its place, and returns the definition that was
// agreed for it there.
func (s *setWalk) agreed(seg *syntax.Segment, at spot, node *grammar.Node) *grammar.Segment {
	if s.set.Grammar.Agreed == nil {
		return node.Segment
	}
	a := &s.partner
	a.tallies = a.tallies[:min(len(a.tallies), at.depth+1)]
	for len(a.tallies) <= at.depth {
		a.open(s.bodyAgreed(len(a.tallies)), nil)
	}
	around := &a.tallies[at.depth]
	s.count(seg, node, around)
	holds := around.holds
	if node.Loop() {
		a.open(node.Agreed, seg)
	}
	if node.Agreed != nil {
		for i := range node.Agreed.Variants {
			v := &node.Agreed.Variants[i]
			if (v.Of == 0 || holds&(1<<(v.Of-1)) != 0) && v.Is.Holds(seg) {
				return v.Segment
			}
		}
	}
	return node.Segment
}

// bodyAgreed is what was agreed for the body of an open frame.
func (s *setWalk) bodyAgreed(depth int) *grammar.Agreed {
	if n := s.frames[depth].node; n != nil {
		return n.Agreed
	}
	return s.set.Grammar.Agreed
}

// open begins a tally, in the memory of one before. seg opens the body.
func (a *agreement) open(agreed *grammar.Agreed, seg *syntax.Segment) {
	if len(a.tallies) < cap(a.tallies) {
		a.tallies = a.tallies[:len(a.tallies)+1]
	} else {
		a.tallies = append(a.tallies, tally{})
	}
	t := &a.tallies[len(a.tallies)-1]
	t.agreed, t.holds, t.counts = agreed, 0, t.counts[:0]
	if agreed == nil {
		return
	}
	for range agreed.Requires {
		t.counts = append(t.counts, 0)
	}
	if seg == nil {
		return
	}
	for i := range agreed.Conditions {
		if agreed.Conditions[i].Holds(seg) {
			t.holds |= 1 << i
		}
	}
}

func (t *tally) applies(r *grammar.Requirement) bool {
	return r.Of == 0 || t.holds&(1<<(r.Of-1)) != 0
}

// count takes a segment into what its body requires.
func (s *setWalk) count(seg *syntax.Segment, node *grammar.Node, t *tally) {
	if t.agreed == nil {
		return
	}
	for i := range t.agreed.Requires {
		r := &t.agreed.Requires[i]
		if r.Node != node || !t.applies(r) || !r.Is.Holds(seg) {
			continue
		}
		if t.counts[i]++; t.counts[i] > r.Max {
			s.tooManyAgreed(seg, r)
		}
	}
}

func (s *setWalk) tooManyAgreed(seg *syntax.Segment, r *grammar.Requirement) {
	f := finding.Finding{
		Code: finding.PartnerManySegments, Level: finding.Partner, Severity: finding.Reject, AK304: "5", AK502: "5", EDIFACT: "35",
		Message: fmt.Sprintf("%s comes %d times at most", r.Place, r.Max), Expected: fmt.Sprintf("at most %d", r.Max), Hint: s.hint(),
	}
	switch {
	case r.Max == 0:
		f.Code, f.AK304, f.EDIFACT = finding.PartnerUnusedSegment, "2", "15"
		f.Message, f.Expected = r.Place+" is not used", "no "+string(seg.Tag())
	case r.Node.Loop():
		f.AK304 = "4"
	}
	s.w.add(s.w.at(seg, 0, f))
}

// agreedEnd looks at the end of the innermost body whether all is there.
func (s *setWalk) agreedEnd(seg *syntax.Segment) {
	if s.set.Grammar.Agreed == nil {
		return
	}
	a, depth := &s.partner, len(s.frames)-1
	for len(a.tallies) <= depth { // a set without any segment
		a.open(s.bodyAgreed(len(a.tallies)), nil)
	}
	t := &a.tallies[depth]
	if t.agreed == nil {
		return
	}
	for i := range t.agreed.Requires {
		r := &t.agreed.Requires[i]
		if !t.applies(r) || t.counts[i] >= r.Min {
			continue
		}
		message := fmt.Sprintf("%s (%s) is missing before %s", r.Place, r.Node.Name, seg.Tag())
		if r.Min > 1 {
			message = fmt.Sprintf("%s (%s) comes %d times before %s, %d are the least", r.Place, r.Node.Name, t.counts[i], seg.Tag(), r.Min)
		}
		s.w.add(finding.Finding{
			Code: finding.PartnerMissingSegment, Level: finding.Partner, Severity: finding.Reject, AK304: "3", AK502: "5", EDIFACT: "13",
			Segment: r.Node.Segment.Tag, Position: s.set.Segments, Offset: seg.Offset, Message: message, Expected: r.Place, Hint: s.hint(),
		})
	}
}

func (s *setWalk) hint() string {
	return "the standard would take it; the guide " + s.set.Grammar.Overlay + " does not"
}

// check checks the elements of a segment, and those that the partner does not use.
func (s *setWalk) check(seg *syntax.Segment, def *grammar.Segment) {
	if def.Derived == nil {
		s.elements(seg, def)
		return
	}
	a := &s.partner
	a.seg, a.derived, a.checked = seg, def.Derived, false
	s.elements(seg, def)
	a.seg, a.derived = nil, nil
	for _, u := range def.Derived.Unused {
		data := seg.Element(u.Element)
		if u.Component > 0 {
			data = seg.Component(u.Element, u.Component)
		}
		if len(data) == 0 {
			continue
		}
		f := s.w.at(seg, u.Element, finding.Finding{
			Code: finding.PartnerUnusedElement, Level: finding.Partner, Severity: finding.Reject, AK304: "8", AK403: "10", AK502: "5", EDIFACT: "15",
			Value: finding.Clip(data), Hint: s.hint(),
		})
		f.Component = u.Component
		f.Message, f.Expected = f.Where()+" is not used", "nothing"
		s.w.add(f)
	}
}

// agree moves a finding of a segment that was agreed upon to the level partner
// when the standard alone would have no such finding. It is false while findings
// are collected.
func (s *setWalk) agree(f *finding.Finding) bool {
	a := &s.partner
	if a.seg == nil || f.Level != finding.Elements && f.Level != finding.Codes {
		return !a.record
	}
	if a.record {
		const most = 1000
		if len(a.standard) < most {
			a.standard = append(a.standard, markOf(f))
		}
		return false
	}
	if !a.checked {
		a.checked, a.standard = true, a.standard[:0]
		if a.derived.Standard != nil {
			a.record = true
			s.elements(a.seg, a.derived.Standard)
			a.record = false
		}
	}
	here := markOf(f)
	for _, m := range a.standard {
		if m == here {
			return true
		}
	}
	f.Code, f.Level, f.Hint = f.Code.Agreed(), finding.Partner, s.hint()
	return true
}
