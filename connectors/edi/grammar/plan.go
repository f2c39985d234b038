package grammar

import (
	"math/bits"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// What is in this file is derived from the rest of a grammar when it is compiled,
// and laid out for a validator that has some dozen nanoseconds for an element: no
// maps, no pointers to follow, conditions as bits.

// Plan is a Segment as a validator checks it.
type Plan struct {
	Checks []Check // by position
	// Bits by position, the lowest for the first: which must be there, which are
	// composites, and the first of neighbours that are used together (P0607).
	Mandatory, Composites, Pairs uint64
	// Rules are the other conditions.
	Rules []*Rule

	of *Position // what it was made of
}

// Check is an element or composite at its place.
type Check struct {
	Type     Type
	Min, Max uint32
	Codes    *CodeTable // nil when any value may stand here
	Parts    []Check    // the components of a composite
	Needed   uint64     // bits of the components that must be there
}

// Plan returns the segment's plan; nil when it has none, because it was not
// compiled by a Library or has more elements than a plan can hold.
func (s *Segment) Plan() *Plan {
	if s.plan == nil || len(s.Elements) != len(s.plan.Checks) || len(s.Elements) > 0 && &s.Elements[0] != s.plan.of {
		return nil // a changed copy of the segment it was made for
	}
	return s.plan
}

// planned makes the plan of a segment, nil for one with too many elements.
func planned(s *Segment) *Plan {
	const most = 62
	if len(s.Elements) > most {
		return nil
	}
	p := &Plan{Checks: make([]Check, len(s.Elements))}
	for i := range s.Elements {
		e := &s.Elements[i]
		if e.Mandatory {
			p.Mandatory |= 1 << i
		}
		if e.Composite == nil {
			p.Checks[i] = checkOf(e.Element)
			continue
		}
		if len(e.Composite.Components) == 0 || len(e.Composite.Components) > most {
			return nil
		}
		p.Composites |= 1 << i
		c := &p.Checks[i]
		for j, part := range e.Composite.Components {
			c.Parts = append(c.Parts, checkOf(part.Element))
			if part.Mandatory {
				c.Needed |= 1 << j
			}
		}
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.Kind == 'P' && len(r.Positions) == 2 && r.Positions[1] == r.Positions[0]+1 {
			p.Pairs |= r.first
			continue
		}
		p.Rules = append(p.Rules, r)
	}
	if len(s.Elements) > 0 {
		p.of = &s.Elements[0]
	}
	return p
}

func checkOf(e *Element) Check {
	if e == nil {
		return Check{Type: Binary, Max: Unlimited}
	}
	c := Check{Type: e.Type, Min: uint32(e.Min), Max: uint32(e.Max)}
	if c.Type == Letters {
		c.Type = Text // checked alike
	}
	if e.Closed() {
		c.Codes = codeTable(e.Codes)
	}
	return c
}

// CodeTable knows whether a code is in a list. Codes of up to eight characters are
// numbers (see [Word]) in a hash table.
type CodeTable struct {
	slots []uint64
	shift uint
}

const multiplier = 0x9e3779b97f4a7c15 // golden ratio, odd

// sizeOf returns a power of two that leaves half of a table empty, and the shift
// that makes an index of a product.
func sizeOf(n int) (size int, shift uint) {
	width := uint(bits.Len(uint(max(2*n-1, 1))))
	return 1 << width, 64 - width
}

func codeTable(codes map[string]string) *CodeTable {
	size, shift := sizeOf(len(codes))
	t := &CodeTable{slots: make([]uint64, size), shift: shift}
	for c := range codes {
		w, ok := Word(c)
		if !ok || t.Has(w) {
			continue // a longer one is found by the slow path, in Element.Codes
		}
		i := w * multiplier >> t.shift
		for t.slots[i] != 0 {
			i = (i + 1) & uint64(size-1)
		}
		t.slots[i] = w
	}
	return t
}

// Word packs a code of one to eight characters, none of them NUL, the first into
// the lowest byte.
func Word(code string) (w uint64, ok bool) {
	if len(code) == 0 || len(code) > 8 {
		return 0, false
	}
	for i := range len(code) {
		if code[i] == 0 {
			return 0, false
		}
		w |= uint64(code[i]) << (8 * i)
	}
	return w, true
}

// Has tells whether a packed code is in the list. A code that is not found may
// still be one of more than eight characters.
func (t *CodeTable) Has(w uint64) bool {
	i := w * multiplier >> t.shift
	for {
		s := t.slots[i&uint64(len(t.slots)-1)]
		if s == w {
			return true
		}
		if s == 0 {
			return false
		}
		i++
	}
}

// Index finds the children of a body by their tag.
type Index struct {
	Nodes []*Node

	keys  []syntax.Key // hash table: tag and the first child that has it
	first []int
	shift uint
	again []int // by child, the next one of the same tag, or -1
	must  []int // by child, how many before it are mandatory
}

// Index returns the index of a loop's body.
func (n *Node) Index() *Index {
	if n.index != nil {
		return n.index
	}
	return indexOf(n.Body)
}

// Index returns the index of the set's body.
func (s *Set) Index() *Index {
	if s.index != nil {
		return s.index
	}
	return indexOf(s.Body)
}

func indexOf(body []*Node) *Index {
	size, shift := sizeOf(len(body))
	x := &Index{
		Nodes: body, keys: make([]syntax.Key, size), first: make([]int, size), shift: shift,
		again: make([]int, len(body)), must: make([]int, len(body)+1),
	}
	last := map[syntax.Key]int{}
	for i, n := range body {
		x.again[i] = -1
		x.must[i+1] = x.must[i]
		if n.Mandatory {
			x.must[i+1]++
		}
		if before, ok := last[n.Key]; ok {
			x.again[before] = i
		} else if n.Key != 0 {
			at := uint64(n.Key) * multiplier >> shift
			for x.keys[at] != 0 {
				at = (at + 1) & uint64(size-1)
			}
			x.keys[at], x.first[at] = n.Key, i
		}
		last[n.Key] = i
	}
	return x
}

// Next returns the first child with a tag from a place on, -1 when there is none.
func (x *Index) Next(k syntax.Key, from int) int {
	i := uint64(k) * multiplier >> x.shift
	for {
		i &= uint64(len(x.keys) - 1)
		have := x.keys[i]
		if have == k {
			break
		}
		if have == 0 {
			return -1
		}
		i++
	}
	at := x.first[i]
	for at >= 0 && at < from {
		at = x.again[at]
	}
	return at
}

// Mandatory counts the mandatory children from one up to another, which is not
// counted.
func (x *Index) Mandatory(from, to int) int { return x.must[to] - x.must[from] }

// MaxDepth is how deep loops may nest. It bounds what a validator keeps.
const MaxDepth = 16

// prepare makes the indexes of a set.
func (p *problems) prepare(s *Set, root *yaml.Node) {
	var walk func(body []*Node, depth int) *Index
	walk = func(body []*Node, depth int) *Index {
		if depth > MaxDepth {
			p.at(root, "loops may be nested %d deep", MaxDepth)
			return nil
		}
		for _, n := range body {
			if n.Loop() {
				n.index = walk(n.Body, depth+1)
			}
		}
		return indexOf(body)
	}
	s.index = walk(s.Body, 0)
}
