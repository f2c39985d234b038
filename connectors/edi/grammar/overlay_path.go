package grammar

import (
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// step is a part of a path: N1, lines, REF[DP], HL[03=S].
type step struct {
	name  string
	where string // 03 of 03=S; empty for the usual qualifier
	codes []string
}

// entry is what an overlay says of one place.
type entry struct {
	at    *yaml.Node
	say   *yaml.Node
	rules bool // of the section rules
	steps []step

	loop *Node // around; nil for the set
	node *Node // nil when the segment stands at several places, and all are meant
	key  syntax.Key
	of   *Qualifier // of the loop around
	is   *Qualifier
}

var stepForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]*)(?:\[(?:(\d{1,2}(?:-\d{1,2})?)=)?([^\[\]=]+)\])?$`)

// steps takes a path apart.
func (p *problems) steps(n *yaml.Node) []step {
	var out []step
	depth, from := 0, 0
	for i := 0; i <= len(n.Value); i++ {
		if i < len(n.Value) {
			switch n.Value[i] {
			case '[':
				depth++
			case ']':
				depth--
			}
			if n.Value[i] != '.' || depth > 0 {
				continue
			}
		}
		m := stepForm.FindStringSubmatch(n.Value[from:i])
		if m == nil {
			p.at(n, "%q is no place; places are written as in BEG, PO1.PID, N1[ST], N1[ST|BY].REF, HL[03=S]", n.Value)
			return nil
		}
		s := step{name: m[1], where: m[2]}
		if m[3] != "" {
			s.codes = strings.Split(m[3], "|")
		}
		out, from = append(out, s), i+1
	}
	return out
}

// named finds the nodes of a body with a tag, or with a name as documents have it.
func named(body []*Node, name string) []*Node {
	var out []*Node
	for _, n := range body {
		if n.Segment.Tag == name || n.Name == name {
			out = append(out, n)
		}
	}
	return out
}

// find resolves the path of an entry. A single tag is the place in the set's body,
// or the only one elsewhere.
func (o *overlaying) find(e *entry) bool {
	last := e.steps[len(e.steps)-1]
	body := o.set.Body
	for i, s := range e.steps[:len(e.steps)-1] {
		n := o.one(e, s, body)
		if n == nil {
			return false
		}
		if !n.Loop() {
			o.p.at(e.at, "%s is no loop: nothing stands in it", s.name)
			return false
		}
		if len(s.codes) > 0 && i != len(e.steps)-2 {
			o.p.at(e.at, "a qualifier belongs to the place itself, or to the loop directly around it")
			return false
		}
		e.loop, body = n, n.Body
		if e.of = o.qualifier(e, s, n); len(s.codes) > 0 && e.of == nil {
			return false
		}
	}
	if len(e.steps) == 1 && len(named(body, last.name)) == 0 {
		if !o.elsewhere(e, last.name) {
			return false
		}
	} else if e.node = o.one(e, last, body); e.node == nil {
		return false
	} else if e.loop != nil && e.node == body[0] && e.say != e.at {
		o.p.at(e.at, "%s opens the loop: it is named by the loop alone", last.name)
		return false
	}
	n := e.node
	if n == nil {
		each(o.set.Body, func(x *Node) {
			if x.Segment.Tag == last.name {
				n = x
			}
		})
	}
	e.key = n.Key
	e.is = o.qualifier(e, last, n)
	return len(last.codes) == 0 || e.is != nil
}

// one finds the only node of a name in a body.
func (o *overlaying) one(e *entry, s step, body []*Node) *Node {
	found := named(body, s.name)
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		o.p.at(e.at, "%s stands here %d times; say which by its name: %s", s.name, len(found), namesOf(found))
	default:
		tags := tagsOf(body)
		o.p.at(e.at, "%s has no place here; there are %s.%s", s.name, strings.Join(tags, ", "), didYouMean(s.name, tags))
	}
	return nil
}

// elsewhere looks for a segment that does not stand in the set's body: in one
// loop, that is the place, in several, all are.
func (o *overlaying) elsewhere(e *entry, tag string) bool {
	var paths []string
	var walk func(loop *Node, body []*Node, path string)
	walk = func(loop *Node, body []*Node, path string) {
		for i, n := range body {
			if n.Segment.Tag == tag && (loop == nil || i > 0) {
				paths = append(paths, path+tag)
				e.loop, e.node = loop, n
			}
			walk(n, n.Body, path+n.Segment.Tag+".")
		}
	}
	walk(nil, o.set.Body, "")
	switch {
	case len(paths) == 1:
		return true
	case len(paths) == 0:
		tags := tagsOf(o.set.Body)
		o.p.at(e.at, "%s is no segment of %s; one of its own says `after:`.%s", tag, o.set.ID, didYouMean(tag, tags))
		return false
	}
	e.loop, e.node = nil, nil
	if places := e.placed(); places != "" {
		o.p.at(e.at, "%s has several places, and %q needs one: %s", tag, places, strings.Join(paths[:min(len(paths), 6)], ", "))
		return false
	}
	return true
}

// placed is a key of an entry that is about a place and not about elements.
func (e *entry) placed() string {
	if e.rules {
		return ""
	}
	if e.say.Kind != yaml.MappingNode {
		return e.say.Value
	}
	for _, key := range []string{"required", "min", "max", "unused"} {
		if child(e.say, key) != nil {
			return key
		}
	}
	return ""
}

// qualifier is the condition of a step: by the element that it names, otherwise
// by the level of a tree, the element that names items, or the first.
func (o *overlaying) qualifier(e *entry, s step, n *Node) *Qualifier {
	if len(s.codes) == 0 {
		return nil
	}
	q := &Qualifier{Element: 1, Codes: s.codes}
	switch {
	case s.where != "":
		element, component, _ := strings.Cut(s.where, "-")
		q.Element, _ = strconv.Atoi(element)
		q.Component, _ = strconv.Atoi(component)
	case n.Tree != nil && n.Tree.LevelAt > 0:
		q.Element = n.Tree.LevelAt
	case n.AsAt > 0:
		q.Element = n.AsAt
	}
	pos := position(n.Segment, q.Element, q.Component)
	if pos != nil && pos.Composite != nil && len(pos.Composite.Components) > 0 {
		q.Component, pos = 1, &pos.Composite.Components[0]
	}
	if pos == nil || pos.Element == nil {
		o.p.at(e.at, "%s has no element %s", s.name, s.where)
		return nil
	}
	for _, c := range s.codes {
		if _, known := pos.Element.Codes[c]; pos.Element.Closed() && !known {
			o.p.at(e.at, "%s (%s) has no code %s.%s", place(n.Segment, q.Element, q.Component), pos.Name, c, didYouMean(c, pos.Element.CodeList()))
			return nil
		}
	}
	return q
}

// position finds an element or component of a segment; nil when there is none.
func position(s *Segment, element, component int) *Position {
	if element < 1 || element > len(s.Elements) {
		return nil
	}
	p := &s.Elements[element-1]
	if component == 0 {
		return p
	}
	if p.Composite == nil || component > len(p.Composite.Components) {
		return nil
	}
	return &p.Composite.Components[component-1]
}
