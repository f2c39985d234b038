package grammar

import (
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Agreed is what an overlay asks of the content of a body, beyond the standard.
// It belongs to a loop, or to the set for what stands directly in it.
//
// What an overlay tightens does not change the body itself: documents keep their
// shape, and what breaks the agreement alone can be told from what breaks the
// standard.
type Agreed struct {
	// Conditions are qualifiers of the segment that opens the loop, which the rest
	// refers to by number, the first is 1.
	Conditions []Qualifier
	Requires   []Requirement
	// Variants are definitions of the node's own segment for some of its qualifiers.
	Variants []Variant
}

// MaxConditions is how many different conditions one loop may have.
const MaxConditions = 64

// Requirement is how often a segment or loop comes in each item of a body.
type Requirement struct {
	Node *Node
	// Of is the condition of the surrounding loop, 0 for none; Is that of the
	// segment itself, nil for none: N1[ST].REF[DP].
	Of  int
	Is  *Qualifier
	Min int
	Max int // 0 for what is not used
	// Place is how the overlay names it: N1[ST].REF[DP].
	Place string
}

// Variant is the definition of a segment under a condition.
type Variant struct {
	Of      int
	Is      *Qualifier
	Segment *Segment
	Place   string
}

// Qualifier is a condition on a value of a segment: one of some codes.
type Qualifier struct {
	Element, Component int // Component is 0 for a simple element
	Codes              []string
}

// Holds tells whether a segment has one of the codes. Without a qualifier all
// segments do.
func (q *Qualifier) Holds(seg *syntax.Segment) bool {
	if q == nil {
		return true
	}
	value := seg.Element(q.Element)
	if q.Component > 0 {
		value = seg.Component(q.Element, q.Component)
	}
	for _, c := range q.Codes {
		if c == string(value) {
			return true
		}
	}
	return false
}

// overlaps tells whether a segment could satisfy both.
func (q *Qualifier) overlaps(o *Qualifier) bool {
	if q == nil || o == nil {
		return q == o
	}
	if q.Element != o.Element || q.Component != o.Component {
		return false
	}
	return slices.ContainsFunc(q.Codes, func(c string) bool { return slices.Contains(o.Codes, c) })
}

func (q *Qualifier) equal(o *Qualifier) bool {
	if q == nil || o == nil {
		return q == o
	}
	return q.Element == o.Element && q.Component == o.Component && slices.Equal(q.Codes, o.Codes)
}

// Derived is what an overlay made of a segment.
type Derived struct {
	// Standard is the segment as the base set has it, nil for a segment of the
	// partner's own.
	Standard *Segment
	// Unused are the elements that the partner does not use; Node is nil in them.
	Unused []Spot
}

// copyOf returns a segment that may be changed.
func copyOf(s *Segment) *Segment {
	c := *s
	c.Elements = slices.Clone(s.Elements)
	c.Rules = slices.Clone(s.Rules)
	d := Derived{Standard: s}
	if s.Derived != nil {
		d = *s.Derived
		d.Unused = slices.Clone(d.Unused)
	}
	c.Derived = &d
	return &c
}

// count sets what follows from the elements.
func (s *Segment) count() {
	s.Needed = 0
	for i := range s.Elements {
		if s.Elements[i].Mandatory {
			s.Needed = i + 1
		}
	}
}

// composite finds a composite of the dictionary by its number.
func (d *Dictionary) composite(id string) *Composite {
	for _, s := range d.Segments {
		for i := range s.Elements {
			if c := s.Elements[i].Composite; c != nil && c.ID == id {
				return c
			}
		}
	}
	return nil
}

// tags lists the segments of a body.
func tagsOf(body []*Node) []string {
	var out []string
	for _, n := range body {
		if !slices.Contains(out, n.Segment.Tag) {
			out = append(out, n.Segment.Tag)
		}
	}
	return out
}

func namesOf(nodes []*Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return strings.Join(out, ", ")
}
