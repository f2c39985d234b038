package edi

import (
	"fmt"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// explainOverlay shows what the terms name as a partner's guide has it: the set
// without any.
func (a *tool) explainOverlay(lib *grammar.Library, guide string, terms []string) error {
	set, err := readOverlay(lib, guide)
	if err != nil {
		return err
	}
	if len(terms) > 0 && terms[0] == set.ID {
		terms = terms[1:]
	}
	if len(terms) == 0 {
		a.explainSet(set.Agreed, set.Body, "")
		return nil
	}
	if err := a.explainIn(set.Dictionary, terms); err != nil {
		return err
	}
	if seg := set.Segment(syntax.KeyOf(terms[0])); seg != nil && len(terms) == 1 {
		a.explainRequired(set.Agreed, set.Body, seg.Key)
		a.explainVariants(set.Dictionary, seg, set.Body)
	}
	return nil
}

// howOften says in words what an overlay asks.
func howOften(r *grammar.Requirement) string {
	switch {
	case r.Max == 0:
		return "unused"
	case r.Max >= grammar.Unlimited && r.Min == 1:
		return "required"
	case r.Max >= grammar.Unlimited:
		return fmt.Sprintf("at least %d", r.Min)
	case r.Min == 0:
		return fmt.Sprintf("at most %d", r.Max)
	case r.Min == r.Max:
		return fmt.Sprintf("exactly %d", r.Min)
	}
	return fmt.Sprintf("%d to %d", r.Min, r.Max)
}

// explainRequired prints how often a segment is asked for, wherever it stands.
func (a *tool) explainRequired(agreed *grammar.Agreed, body []*grammar.Node, key syntax.Key) {
	for i := 0; agreed != nil && i < len(agreed.Requires); i++ {
		if r := &agreed.Requires[i]; r.Node.Key == key {
			fmt.Fprintf(a.out, "agreed: %s %s\n", r.Place, howOften(r))
		}
	}
	for _, n := range body {
		a.explainRequired(n.Agreed, n.Body, key)
	}
}

// explainVariants prints what holds for some qualifiers, or at some places.
func (a *tool) explainVariants(d *grammar.Dictionary, seg *grammar.Segment, body []*grammar.Node) {
	seen := map[string]bool{}
	var walk func(body []*grammar.Node, path string)
	walk = func(body []*grammar.Node, path string) {
		for i, n := range body {
			if n.Key == seg.Key && (i > 0 || path == "") {
				if n.Segment != seg && !n.Loop() {
					fmt.Fprintf(a.out, "\nat %s%s:\n", path, seg.Tag)
					a.explainSegment(d, n.Segment)
				}
				for k := 0; n.Agreed != nil && k < len(n.Agreed.Variants); k++ {
					if v := &n.Agreed.Variants[k]; !seen[v.Place] {
						seen[v.Place] = true
						fmt.Fprintf(a.out, "\n%s:\n", v.Place)
						a.explainSegment(d, v.Segment)
					}
				}
			}
			walk(n.Body, path+n.Segment.Tag+".")
		}
	}
	walk(body, "")
}

func unusedPlace(s *grammar.Segment, at grammar.Spot) string {
	out := fmt.Sprintf("%s%02d", s.Tag, at.Element)
	if at.Component > 0 {
		out += fmt.Sprintf("-%d", at.Component)
	}
	return out
}
