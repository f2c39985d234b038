// Package grammar knows what EDI documents look like: which elements a segment
// has, and which segments a set has at which place.
//
// Grammars are YAML files, one per transaction set and version over shared
// element and segment files (see connectors/edi/grammars). A [Library] reads
// them when they are first asked for and keeps them compiled; everything it
// returns is immutable and safe for concurrent use.
//
// A version extends another and writes only what differs. References are
// resolved after that: a segment inherited from 004010 uses the element as 005010
// defines it.
package grammar

import (
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Type is a data type of X12.6 or ISO 9735.
type Type uint8

// The types.
const (
	Text    Type = iota // AN, ID, an
	Letters             // a
	Number              // N0 to N9: digits, decimals implied
	Decimal             // R and n: digits with a decimal mark where needed
	Date                // DT
	Time                // TM
	Binary              // B
)

// Element is a data element.
type Element struct {
	ID       string
	Name     string
	Type     Type
	Implied  int // digits behind an implied decimal point, of N2 two
	Min, Max int // characters; sign and decimal mark are not counted
	// Codes are the values that it may have, with their names where they have one.
	// With Open there are others.
	Codes map[string]string
	Open  bool
}

// Closed tells whether a value outside of Codes is wrong.
func (e *Element) Closed() bool { return len(e.Codes) > 0 && !e.Open }

// CodeList is Codes in order.
func (e *Element) CodeList() []string {
	out := make([]string, 0, len(e.Codes))
	for c := range e.Codes {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}

// Position is a place in a segment or a composite: an element or a composite.
type Position struct {
	Name      string
	Mandatory bool
	Repeat    int // at most, at least 1
	Element   *Element
	Composite *Composite
	// Pair tells that the next position is the identifier that this one qualifies,
	// one of several such pairs: PO106 and PO107.
	Pair bool
}

// Reference is the number of the element or composite: 353, C507.
func (p *Position) Reference() string {
	if p.Composite != nil {
		return p.Composite.ID
	}
	return p.Element.ID
}

// Composite is a composite data element.
type Composite struct {
	ID         string
	Name       string
	Components []Position
}

// Rule is a relational condition between the elements of a segment (X12.59
// "syntax notes"): P paired or multiple, R required, E exclusion, C conditional,
// L list conditional. Positions count from 1.
type Rule struct {
	Kind      byte
	Positions []int

	first, all uint64 // the positions as bits
}

// Broken tells whether a segment breaks the rule. present has a bit for every
// element that has a value, the lowest for the first; elements beyond the 64th
// have no rules in either standard.
func (r *Rule) Broken(present uint64) bool {
	there := present & r.all
	switch r.Kind {
	case 'P':
		return there != 0 && there != r.all
	case 'R':
		return there == 0
	case 'E':
		return there&(there-1) != 0
	case 'C':
		return present&r.first != 0 && there != r.all
	case 'L':
		return there == r.first
	}
	return false
}

// String is the rule as standards write it: P0304.
func (r *Rule) String() string {
	var b strings.Builder
	b.WriteByte(r.Kind)
	for _, p := range r.Positions {
		b.WriteByte('0' + byte(p/10%10))
		b.WriteByte('0' + byte(p%10))
	}
	return b.String()
}

// Segment is a segment of the directory.
type Segment struct {
	Tag      string
	Key      syntax.Key
	Name     string
	Elements []Position
	Rules    []Rule
	// Needed is the position of the last mandatory element, 0 when there is none.
	Needed int
	// Derived is set where an overlay changed the segment.
	Derived *Derived

	plan *Plan
}

// Dictionary is the elements and segments of a version.
type Dictionary struct {
	Standard syntax.Standard
	Version  string
	Elements map[string]*Element
	Segments map[syntax.Key]*Segment
}

// Segment returns the segment of a tag, nil when the version has none.
func (d *Dictionary) Segment(k syntax.Key) *Segment { return d.Segments[k] }

// Set is a transaction set or message.
type Set struct {
	*Dictionary
	ID    string
	Group string // GS01; empty for EDIFACT
	Name  string // member of the JSON document
	// Key is the member that people know the document by: number, trace.number.
	// Empty where documents have none. KeyAt is where its value stands.
	Key   string
	KeyAt Spot
	// Body is what stands between the set's header and trailer.
	Body []*Node
	// Nodes is how many there are, those of loops included.
	Nodes int
	// Overlay is the name of the overlay that made the set out of another; then
	// Agreed is what it asks.
	Overlay string
	Agreed  *Agreed
	// Doubts are what of the overlay may be a mistake, with file, line and column.
	Doubts []string
	tags   map[syntax.Key]bool
	index  *Index
}

// Spot is the place of a value: an element, or a component of one, of a segment
// that stands directly in a set's body. Element is 0 where there is none; both
// count from 1.
type Spot struct {
	Node               *Node
	Element, Component int
}

// Uses tells whether the segment has a place in the set.
func (s *Set) Uses(k syntax.Key) bool { return s.tags[k] }

// Unlimited is the maximum of what may come any number of times.
const Unlimited = 1 << 30

// Node is a segment at its place in a set, or a loop: then Body begins with the
// segment that opens it.
type Node struct {
	Name      string
	Number    int // in the set, from 0: for those who keep something for every node
	Key       syntax.Key
	Segment   *Segment
	Mandatory bool
	Max       int
	Body      []*Node
	// Fragment marks the loop whose items may be handed over in parts.
	Fragment bool
	// As names items by the value of an element of the segment, or of the one that
	// opens the loop: entity, ST, ship_to. It has one element.
	As map[string]map[string]string
	// AsAt is the position of that element, from 1; 0 without As.
	AsAt int
	Tree *Tree
	// Agreed is what an overlay asks of the segment or of the loop's body; nil for
	// nothing.
	Agreed *Agreed

	names map[string]string // of As
	index *Index
}

// Named returns the name that a code of the As element gives an item, "" when it
// gives none.
func (n *Node) Named(code []byte) string { return n.names[string(code)] }

// Single tells that the node comes once at most, so that it is an object and no
// list in documents.
func (n *Node) Single() bool { return n.Max == 1 }

// Loop tells whether the node is a loop.
func (n *Node) Loop() bool { return n.Body != nil }

// Tree tells which elements of the opening segment make a flat list of loops a
// tree, as HL01 to HL03 do.
type Tree struct {
	ID, Parent, Level string // the elements' names; Level may be empty
	// Names are the lists that items stand in, by the code of their level. Those of
	// a level without a name stand in level_ and the code in small letters, those
	// without a level in the list that the loop is called.
	Names map[string]string
	// Root is the level whose first item is the surrounding body itself.
	Root string
	// IDAt, ParentAt and LevelAt are the positions of the elements, from 1; 0 where
	// there is none.
	IDAt, ParentAt, LevelAt int
}

// Release splits a version as partners write it from the release that its
// grammars are of: 004010VICS is 004010, 005010X231A1 is 005010. For EDIFACT
// it joins version and release: D and 96A are D96A; a release with the version
// in it is understood.
func Release(std syntax.Standard, version, release string) string {
	switch std {
	case syntax.X12:
		const size = len("004010")
		if len(version) > size {
			return version[:size]
		}
		return version
	case syntax.EDIFACT:
		release = strings.ReplaceAll(strings.ToUpper(release), ".", "")
		if strings.HasPrefix(release, version) && len(release) > len("96A") {
			return release
		}
		return version + release
	}
	return version
}
