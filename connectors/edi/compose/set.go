package compose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Members with a meaning of their own, as package shape writes them.
const (
	extraMember     = "_extra"
	orderMember     = "_order"
	slotsMember     = "_slots"
	hierarchyMember = "hierarchy"
)

// set turns the object of one set into segments, in the order of its grammar.
type set struct {
	grammar  *grammar.Set // nil: only what stands under _extra
	std      syntax.Standard
	decimal  byte
	from     syntax.Delimiters // those that values under _extra were read with
	totals   bool              // write those that the document lacks
	lenient  bool              // it was read with defects, and keeps them
	problems *problems

	segments []segment
	extras   []extra
	ids      []identifier // of the segment at hand
	nodes    map[*grammar.Node]*nodeNames
	codes    map[*grammar.Element]map[string]string // by their names
	lines    int                                    // items of the loop that has the lines
	products int                                    // LIN segments
	levels   int                                    // items of a tree
	items    []itemAt
	moved    bool // items are not in the order of the file
}

// nodeNames is what a node's occurrences are called.
type nodeNames struct {
	codes map[string]string // name to code, of As
	lists map[string]string // name to level, of Tree
}

func (c *set) namesOf(n *grammar.Node) *nodeNames {
	if known := c.nodes[n]; known != nil {
		return known
	}
	out := &nodeNames{codes: map[string]string{}, lists: map[string]string{}}
	for _, names := range n.As {
		for code, name := range names {
			out.codes[name] = code
		}
	}
	if n.Tree != nil {
		for level, name := range n.Tree.Names {
			out.lists[name] = level
		}
	}
	if c.nodes == nil {
		c.nodes = map[*grammar.Node]*nodeNames{}
	}
	c.nodes[n] = out
	return out
}

// write composes the set of an object.
func (c *set) write(o *value) {
	if c.grammar == nil {
		c.extra(o)
		c.leftover(o, func() []string { return []string{extraMember} }, "")
	} else {
		c.body(o, &frame{body: c.grammar.Body, from: o}, nil, nil)
	}
	c.placeExtras()
}

// body writes the members of an object: a loop's, or the set's when opens is nil.
func (c *set) body(o *value, f *frame, opens *grammar.Node, given map[int]string) {
	for i, n := range f.body {
		if i == 0 && !n.Loop() && (opens != nil || n.Max == 1) {
			// Its elements are the object's own.
			c.open(o, f, n, opens, given)
			continue
		}
		c.node(o, f, n)
	}
	c.extra(o)
	c.leftover(o, func() []string { return c.known(f, opens != nil) }, "")
}

// open writes the segment whose elements are members of the object.
func (c *set) open(o *value, f *frame, n, loop *grammar.Node, given map[int]string) {
	s := segment{tag: n.Segment.Tag, node: n, in: f, from: o}
	if loop != nil {
		s.node = loop
	}
	c.elements(&s, o, given)
	if loop == nil && len(s.cells) == 0 && (!n.Mandatory || c.lenient) {
		return
	}
	c.put(s)
}

func (c *set) put(s segment) {
	c.segments = append(c.segments, s)
	if s.tag == "LIN" {
		c.products++
	}
}

// node writes all occurrences of a node in an object.
func (c *set) node(o *value, f *frame, n *grammar.Node) {
	if n.Tree != nil {
		c.tree(o, f, n)
		return
	}
	before := len(c.segments)
	c.ordered(o, n, func(v *value, code string) {
		if n.Fragment {
			c.lines++
		}
		var given map[int]string
		if code != "" {
			given = map[int]string{n.AsAt: code}
		}
		c.one(v, f, n, given)
	})
	if c.totals && len(c.segments) == before {
		c.total(f, n)
	}
}

// one writes one occurrence of a node.
func (c *set) one(v *value, f *frame, n *grammar.Node, given map[int]string) {
	if v.kind != object {
		c.problems.at(v, n.Segment.Tag, "", "%s is %s, a segment %s is an object", n.Name, v.kind, n.Segment.Tag)
		return
	}
	if n.Loop() {
		c.body(v, &frame{up: f, body: n.Body, from: v}, n, given)
		return
	}
	s := segment{tag: n.Segment.Tag, node: n, in: f, from: v}
	c.elements(&s, v, given)
	c.put(s)
	c.leftover(v, func() []string { return elementNames(n.Segment) }, n.Segment.Tag)
}

// ordered calls write for every occurrence of a node: named members and items of
// its list, in the order of _order, otherwise in that of the members.
func (c *set) ordered(o *value, n *grammar.Node, write func(v *value, code string)) {
	if n.As == nil {
		// A list or a single object; _order tells nothing about it.
		if m := o.member(n.Name); m != nil {
			c.take(m, "", -1, write)
		}
		return
	}
	names := c.namesOf(n)
	mine := func(name string) bool { return name == n.Name || names.codes[name] != "" }
	for _, name := range c.order(o) {
		if m := o.member(name); m != nil && mine(name) {
			c.take(m, names.codes[name], 1, write)
		}
	}
	for i := range o.members {
		if m := &o.members[i]; mine(m.value.name) {
			c.take(m, names.codes[m.value.name], -1, write)
		}
	}
}

// take takes items of a member that were not written yet, at most so many;
// all when most is negative.
func (c *set) take(m *member, code string, most int, write func(v *value, code string)) {
	if m.value.kind != list {
		if m.taken == 0 {
			m.taken = 1
			if m.value.kind != null {
				write(m.value, code)
			}
		}
		return
	}
	for ; m.taken < len(m.value.items) && most != 0; most-- {
		v := m.value.items[m.taken]
		m.taken++
		if v.kind != null {
			write(v, code)
		}
	}
	if len(m.value.items) == 0 {
		m.taken = 1
	}
}

// order reads _order.
func (c *set) order(o *value) []string {
	m := o.member(orderMember)
	if m == nil {
		return nil
	}
	m.taken = 1
	var out []string
	for _, one := range m.value.items {
		name, _, _ := strings.Cut(one.text, "[")
		out = append(out, name)
	}
	return out
}

// leftover reports the members that were not written.
func (c *set) leftover(o *value, known func() []string, place string) {
	for i := range o.members {
		m := &o.members[i]
		name := m.value.name
		switch {
		case m.taken > 0, m.value.kind == null, name == orderMember:
		default:
			c.problems.at(m.value, place, didYouMean(name, known()), "no segment or element carries %q, so that it would be lost", name)
		}
	}
}

func didYouMean(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "did you mean " + strconv.Quote(near) + "?"
	}
	const most = 12
	if len(known) == 0 || len(known) > most {
		return ""
	}
	slices.Sort(known)
	return "known are " + listed(known)
}

func listed(names []string) string { return strings.Join(names, ", ") }

func elementNames(s *grammar.Segment) []string {
	var out []string
	for i := range s.Elements {
		out = append(out, s.Elements[i].Name)
	}
	if paired(s) {
		out = append(out, "ids")
	}
	return out
}

// known lists the members that an object may have.
func (c *set) known(f *frame, loop bool) []string {
	var out []string
	for i, n := range f.body {
		if i == 0 && !n.Loop() && (loop || n.Max == 1) {
			out = append(out, elementNames(n.Segment)...)
			continue
		}
		out = append(out, n.Name)
		names := c.namesOf(n)
		for name := range names.codes {
			out = append(out, name)
		}
		for name := range names.lists {
			out = append(out, name)
		}
		if n.Tree != nil && n.Tree.Root != "" && f.up == nil {
			out = append(out, c.known(&frame{up: f, body: n.Body}, true)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
