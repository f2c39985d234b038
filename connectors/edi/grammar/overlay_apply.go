package grammar

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// maxEntries bounds what one overlay may say.
const maxEntries = 1000

// read collects the entries of the sections, and places the partner's own segments.
func (o *overlaying) read(segments, rules *yaml.Node) {
	for _, section := range []*yaml.Node{segments, rules} {
		if section == nil {
			continue
		}
		if section.Kind != yaml.MappingNode {
			o.p.at(section, "segments and rules are a list of `place: what is agreed`")
			continue
		}
		if len(section.Content)/2 > maxEntries {
			o.p.at(section, "%d entries are more than the limit of %d", len(section.Content)/2, maxEntries)
			return
		}
		pairs(section, func(k, v *yaml.Node) {
			e := &entry{at: k, say: v, rules: section == rules, steps: o.p.steps(k)}
			switch {
			case e.steps == nil:
			case child(v, "after") != nil:
				o.added(e)
			case o.find(e):
				o.entries = append(o.entries, e)
			}
		})
	}
}

// rank orders entries: what holds everywhere, at a place, for a qualifier, in a
// loop with a qualifier.
func (e *entry) rank() int {
	rank := 0
	if len(e.steps) > 1 {
		rank = 1
	}
	if e.is != nil {
		rank += 2
	}
	if e.of != nil {
		rank += 4
	}
	return rank
}

func (o *overlaying) apply() {
	slices.SortStableFunc(o.entries, func(a, b *entry) int { return a.rank() - b.rank() })
	for _, e := range o.entries {
		if e.rules {
			for _, s := range o.segments(e) {
				o.rules(s, e.say)
			}
			continue
		}
		o.says(e)
	}
}

// says applies an entry of the section segments.
func (o *overlaying) says(e *entry) {
	say := e.say
	if say.Kind == yaml.ScalarNode {
		switch say.Value {
		case "required":
			o.require(e, 1, Unlimited)
		case "optional":
			o.optional(e)
		case "unused":
			o.optional(e)
			o.require(e, 0, 0)
		default:
			words := []string{"required", "optional", "unused"}
			o.p.at(say, "a place is required, optional or unused, or has {required, min, max, elements}; found %q.%s", say.Value, didYouMean(say.Value, words))
		}
		return
	}
	o.p.only(say, e.at.Value, "required", "min", "max", "elements", "after", "name")
	least, most := 0, Unlimited
	if n := child(say, "required"); n != nil {
		if o.p.truth(n, "required") {
			least = 1
		} else {
			o.optional(e)
		}
	}
	if n := child(say, "min"); n != nil {
		if i, ok := o.p.number(n, "min", 1); ok {
			least = i
		}
	}
	if n := child(say, "max"); n != nil {
		if i, ok := o.p.number(n, "max", 1); ok {
			most = i
		}
		if least > most {
			o.p.at(n, "at least %d and at most %d cannot be", least, most)
		}
	}
	if n := child(say, "name"); n != nil {
		o.p.at(n, "only segments of the partner's own have a name: mappings rely on those of the standard")
	}
	o.require(e, least, most)
	if n := child(say, "elements"); n != nil {
		for _, s := range o.segments(e) {
			o.elements(s, n)
		}
	}
}

// optional loosens what the standard asks for.
func (o *overlaying) optional(e *entry) {
	if e.node != nil && e.is == nil && e.of == nil {
		e.node.Mandatory = false
	}
}

// require tightens how often a place is used; a maximum above that of the
// standard loosens it.
func (o *overlaying) require(e *entry, least, most int) {
	if least == 0 && most == Unlimited || e.node == nil {
		return
	}
	if e.is == nil && e.of == nil {
		if most > e.node.Max && most != Unlimited {
			e.node.Max = most
		}
		if most == e.node.Max {
			most = Unlimited
		}
		if e.node.Mandatory && least == 1 {
			least = 0
		}
		if least == 0 && most == Unlimited {
			return
		}
	}
	a := o.agreed(e.loop)
	a.Requires = append(a.Requires, Requirement{
		Node: e.node, Of: o.condition(e), Is: e.is, Min: least, Max: most, Place: e.at.Value,
	})
}

// agreed is what belongs to a loop, or to the set.
func (o *overlaying) agreed(n *Node) *Agreed {
	if n == nil {
		return o.set.Agreed
	}
	if n.Agreed == nil {
		n.Agreed = &Agreed{}
	}
	return n.Agreed
}

// condition numbers the condition of the loop around a place.
func (o *overlaying) condition(e *entry) int {
	if e.of == nil {
		return 0
	}
	a := o.agreed(e.loop)
	for i := range a.Conditions {
		if a.Conditions[i].equal(e.of) {
			return i + 1
		}
	}
	if len(a.Conditions) == MaxConditions {
		o.p.at(e.at, "the loop has more than %d conditions", MaxConditions)
		return 0
	}
	a.Conditions = append(a.Conditions, *e.of)
	return len(a.Conditions)
}

// segments returns the definitions that an entry changes.
func (o *overlaying) segments(e *entry) []*Segment {
	switch {
	case e.is == nil && e.of == nil && len(e.steps) == 1:
		return []*Segment{o.everywhere(e.key)}
	case e.is == nil && e.of == nil:
		return []*Segment{o.here(e.node)}
	case len(e.steps) > 1:
		return o.variant(e, e.node)
	}
	var out []*Segment
	each(o.set.Body, func(n *Node) {
		// The opening segment of a loop is checked as the loop.
		if n.Key == e.key {
			out = append(out, o.variant(e, n)...)
		}
	})
	return out
}

// here makes a definition for one place.
func (o *overlaying) here(n *Node) *Segment {
	c := copyOf(n.Segment)
	o.own[c] = true
	n.Segment = c
	if n.Loop() && len(n.Body) > 0 {
		n.Body[0].Segment = c
	}
	return c
}

// variant makes a definition for a qualifier: from the less special one that fits,
// or from that of the place.
func (o *overlaying) variant(e *entry, n *Node) []*Segment {
	a := o.agreed(n)
	from, of := n.Segment, o.condition(e)
	for _, v := range a.Variants {
		switch {
		case v.Of == of && v.Is.equal(e.is):
			return []*Segment{v.Segment}
		case v.Of == of && v.Is != nil && v.Is.overlaps(e.is):
			o.p.at(e.at, "%s and %s name the same code: say it once", e.at.Value, v.Place)
			return nil
		case v.Of == 0 && v.Is.equal(e.is), v.Of == of && v.Is == nil:
			from = v.Segment
		}
	}
	c := copyOf(from)
	o.own[c] = true
	// The most special stand first.
	a.Variants = append([]Variant{{Of: of, Is: e.is, Segment: c, Place: e.at.Value}}, a.Variants...)
	return []*Segment{c}
}

// rules removes and adds conditions between elements.
func (o *overlaying) rules(s *Segment, n *yaml.Node) {
	o.p.only(n, "rules of "+s.Tag, "remove", "add")
	for _, c := range o.ruleList(child(n, "remove")) {
		have := func(r Rule) bool { return r.String() == c.Value }
		i := slices.IndexFunc(s.Rules, have)
		if i < 0 {
			var known []string
			for k := range s.Rules {
				known = append(known, s.Rules[k].String())
			}
			o.p.at(c, "%s has no condition %s; it has %s", s.Tag, c.Value, orNone(known))
			continue
		}
		s.Rules = slices.Delete(s.Rules, i, i+1)
	}
	for _, c := range o.ruleList(child(n, "add")) {
		have := func(r Rule) bool { return r.String() == c.Value }
		if r, ok := o.p.rule(c, len(s.Elements)); ok && !slices.ContainsFunc(s.Rules, have) {
			s.Rules = append(s.Rules, r)
		}
	}
}

func (o *overlaying) ruleList(n *yaml.Node) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		o.p.at(n, "conditions are a list: [P0607]")
		return nil
	}
	return n.Content
}

// added places a segment that the standard does not have there.
func (o *overlaying) added(e *entry) {
	o.p.only(e.say, e.at.Value, "after", "name", "required", "max", "elements")
	tag, after := e.steps[0].name, child(e.say, "after")
	key := syntax.KeyOf(tag)
	if len(e.steps) > 1 || e.steps[0].codes != nil || key == 0 {
		o.p.at(e.at, "a segment of the partner's own is named by its tag, and placed with `after: PO1.PID`")
		return
	}
	where := &entry{at: after, say: after, rules: true, steps: o.p.steps(after)}
	if where.steps == nil || !o.find(where) {
		return
	}
	if where.node == nil || where.is != nil || where.of != nil {
		o.p.at(after, "`after` is one place, without a qualifier")
		return
	}
	n := &Node{Number: o.set.Nodes, Key: key, Max: 1, Segment: o.set.Segments[key], Name: text(e.say, "name")}
	o.set.Nodes++
	elements := child(e.say, "elements")
	switch {
	case n.Segment == nil && (elements == nil || elements.Kind != yaml.SequenceNode):
		o.p.at(e.at, "%s has no segment %s: it needs elements: [350 O line, 352 M text]", o.set.Version, tag)
		return
	case n.Segment == nil:
		n.Segment = o.defined(tag, elements)
		o.set.Segments[key] = n.Segment
	case elements != nil:
		o.p.at(elements, "%s is a segment of %s: leave its elements out, and change them in an entry of its own", tag, o.set.Version)
	}
	if n.Name == "" {
		n.Name = n.Segment.Name
	}
	if m := child(e.say, "max"); m != nil {
		if i, ok := o.p.number(m, "max", 1); ok {
			n.Max = i
		}
	}
	if r := child(e.say, "required"); r != nil && o.p.truth(r, "required") {
		a := o.agreed(where.loop)
		a.Requires = append(a.Requires, Requirement{Node: n, Min: 1, Max: Unlimited, Place: e.at.Value})
	}
	body := &o.set.Body
	if where.loop != nil {
		body = &where.loop.Body
	}
	*body = slices.Insert(*body, slices.Index(*body, where.node)+1, n)
	o.set.tags[key] = true
	o.p.lines[n] = e.at
	o.p.members(e.at, *body, *body)
}

// defined reads the elements of a segment of the partner's own.
func (o *overlaying) defined(tag string, n *yaml.Node) *Segment {
	s := &Segment{Tag: tag, Key: syntax.KeyOf(tag), Name: strings.ToLower(tag), Derived: &Derived{}}
	for _, c := range n.Content {
		if pos, ok := o.line(c); ok {
			s.Elements = append(s.Elements, pos)
		}
	}
	o.p.unique(n, s)
	s.count()
	o.own[s] = true
	return s
}

// line reads an element as dictionaries write it: 350 O line.
func (o *overlaying) line(n *yaml.Node) (Position, bool) {
	r, ok := o.p.position(n)
	if !ok {
		return Position{}, false
	}
	pos := Position{Name: r.name, Mandatory: r.mandatory, Repeat: r.repeat, Element: o.set.Elements[r.ref]}
	if pos.Element == nil {
		if pos.Composite = o.set.composite(r.ref); pos.Composite == nil {
			o.p.at(n, "%s has no data element or composite %s", o.set.Version, r.ref)
			return Position{}, false
		}
	}
	if pos.Name == "" {
		pos.Name = "element_" + strconv.Itoa(n.Line)
		if pos.Element != nil {
			pos.Name = pos.Element.Name
		} else {
			pos.Name = pos.Composite.Name
		}
	}
	return pos, true
}
