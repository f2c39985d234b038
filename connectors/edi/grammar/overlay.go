package grammar

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// MaxOverlay bounds an overlay file, in bytes.
const MaxOverlay = 256 << 10

// Overlay compiles what a partner's guide says of a set: a file that extends one
// of the library's sets and tightens or loosens it (see README.md beside the
// grammars). file is the name for messages. The set is new, immutable and safe
// for concurrent use; that of the library is not touched.
//
// The error lists all that is wrong with the file; Doubts of the set are what only
// may be.
func (l *Library) Overlay(file string, data []byte) (*Set, error) {
	root, err := parseYAML(file, data, MaxOverlay)
	if err != nil {
		return nil, err
	}
	p := &problems{file: file, lines: map[*Node]*yaml.Node{}, told: map[string]*yaml.Node{}}
	p.tidy(root)
	p.only(root, "an overlay", "overlay", "extends", "description", "segments", "codes", "rules")
	id := text(root, "overlay")
	if !overlayName.MatchString(id) {
		p.at(root, "an overlay needs a name of letters, digits, - and _: overlay: acme-850")
	}
	base := l.extended(p, root)
	if base == nil {
		return nil, p.err()
	}
	o := newOverlaying(p, base)
	o.set.Overlay = id
	o.codes(child(root, "codes"))
	o.read(child(root, "segments"), child(root, "rules"))
	o.apply()
	o.plan(root)
	if err := p.err(); err != nil {
		return nil, err
	}
	o.doubt()
	return o.set, nil
}

// doubt notes the qualifiers that no list has. Lists that are open have only the
// usual codes, so that nothing is wrong with others; but a place with a code that
// never comes is one that is never checked.
func (o *overlaying) doubt() {
	known := map[string]map[string]bool{} // by element: what names items of loops
	each(o.set.Body, func(n *Node) {
		for _, names := range n.As {
			p := position(n.Segment, n.AsAt, 0)
			if p == nil || p.Element == nil {
				continue
			}
			if known[p.Element.ID] == nil {
				known[p.Element.ID] = map[string]bool{}
			}
			for code := range names {
				known[p.Element.ID][code] = true
			}
		}
	})
	var all []problem
	check := func(e *entry, n *Node, q *Qualifier) {
		if n == nil || q == nil {
			return
		}
		pos := position(n.Segment, q.Element, q.Component)
		if pos == nil || pos.Element == nil || len(pos.Element.Codes) == 0 {
			return
		}
		for _, c := range q.Codes {
			if _, listed := pos.Element.Codes[c]; listed || known[pos.Element.ID][c] {
				continue
			}
			all = append(all, problem{o.p.file, e.at.Line, e.at.Column, fmt.Sprintf(
				"%s: %s (%s) has no code %s among the usual ones, %s; if the partner sends it, say so: codes: {%q: {add: [%s]}}",
				e.at.Value, place(n.Segment, q.Element, q.Component), pos.Name, c, shortened(pos.Element.CodeList()), pos.Element.ID, c)})
		}
	}
	for _, e := range o.entries {
		check(e, e.loop, e.of)
		n := e.node
		if n == nil { // at several places
			each(o.set.Body, func(x *Node) {
				if x.Key == e.key {
					n = x
				}
			})
		}
		check(e, n, e.is)
	}
	slices.SortStableFunc(all, problem.compare)
	for _, one := range all {
		o.set.Doubts = append(o.set.Doubts, one.Error())
	}
}

// shortened is the beginning of a list.
func shortened(list []string) string {
	const most = 12
	if len(list) > most {
		return strings.Join(list[:most], " ") + " …"
	}
	return strings.Join(list, " ")
}

// plan prepares what was copied and changed for validators.
func (o *overlaying) plan(root *yaml.Node) {
	again := func(s *Segment) {
		if o.own[s] { // those of the library are shared, and have their plan
			s.plan = planned(s)
		}
	}
	for _, s := range o.set.Segments {
		again(s)
	}
	each(o.set.Body, func(n *Node) {
		again(n.Segment)
		if n.Agreed != nil {
			for i := range n.Agreed.Variants {
				again(n.Agreed.Variants[i].Segment)
			}
		}
	})
	o.p.prepare(o.set, root)
}

var overlayName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// IsOverlay tells an overlay from other files of a folder.
func IsOverlay(data []byte) bool {
	root, err := parseYAML("", data, MaxOverlay)
	return err == nil && child(root, "overlay") != nil
}

// tidy reports what YAML has and overlays do not: references, and keys given
// twice.
func (p *problems) tidy(n *yaml.Node) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		p.at(n, "references (& and *) have no place here: write it out")
		return
	}
	seen := map[string]bool{}
	pairs(n, func(k, _ *yaml.Node) {
		if seen[k.Value] {
			p.at(k, "%q stands here twice", k.Value)
		}
		seen[k.Value] = true
	})
	for _, c := range n.Content {
		p.tidy(c)
	}
}

// extended finds the set that an overlay is of.
func (l *Library) extended(p *problems, root *yaml.Node) *Set {
	at := child(root, "extends")
	if at == nil {
		p.at(root, "an overlay needs the set that it is of: extends: x12/004010/850, or edifact/D96A/ORDERS")
		return nil
	}
	parts := strings.Split(at.Value, "/")
	std, known := map[string]syntax.Standard{"x12": syntax.X12, "edifact": syntax.EDIFACT}[parts[0]]
	if len(parts) != 3 || !known {
		p.at(at, "a set is named as in x12/004010/850 or edifact/D96A/ORDERS, found %q", at.Value)
		return nil
	}
	s, err := l.Set(std, parts[1], parts[2])
	if errors.Is(err, ErrUnknown) {
		sets, listErr := l.Sets(std, parts[1])
		p.at(at, "there is no grammar for %s; %s/%s has %s.%s", at.Value, parts[0], parts[1], orNone(sets), didYouMean(parts[2], sets))
		err = listErr
	}
	if err != nil {
		p.at(at, "%v", err)
	}
	return s
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// overlaying is an overlay being compiled.
type overlaying struct {
	p       *problems
	base    *Set
	set     *Set
	entries []*entry
	own     map[*Segment]bool // made here
}

func newOverlaying(p *problems, base *Set) *overlaying {
	o := &overlaying{p: p, base: base, own: map[*Segment]bool{}}
	d := *base.Dictionary
	d.Elements, d.Segments = maps.Clone(d.Elements), maps.Clone(d.Segments)
	s := *base
	s.Dictionary, s.tags, s.Agreed = &d, maps.Clone(base.tags), &Agreed{}
	s.Body = o.copied(base.Body, &s)
	o.set = &s
	return o
}

// copied copies nodes, so that they may be changed.
func (o *overlaying) copied(body []*Node, s *Set) []*Node {
	out := make([]*Node, 0, len(body))
	for _, n := range body {
		c := *n
		if n.Loop() {
			c.Body = o.copied(n.Body, s)
		}
		if s.KeyAt.Node == n {
			s.KeyAt.Node = &c
		}
		out = append(out, &c)
	}
	return out
}

// each calls f for every node of a body and below.
func each(body []*Node, f func(*Node)) {
	for _, n := range body {
		f(n)
		each(n.Body, f)
	}
}

// use makes the nodes of a segment use another.
func (o *overlaying) use(old, now *Segment) {
	each(o.set.Body, func(n *Node) {
		if n.Segment == old {
			n.Segment = now
		}
	})
}

// everywhere returns the definition that a segment has at all its places, to be
// changed.
func (o *overlaying) everywhere(k syntax.Key) *Segment {
	s := o.set.Segments[k]
	if !o.own[s] {
		c := copyOf(s)
		o.own[c] = true
		o.set.Segments[k] = c
		o.use(s, c)
		s = c
	}
	return s
}

// codes reads the section codes: lists of elements, wherever they stand.
func (o *overlaying) codes(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		o.p.at(n, `codes are written as in codes: {"355": {add: [ZP]}}`)
		return
	}
	pairs(n, func(k, v *yaml.Node) {
		old := o.set.Elements[k.Value]
		if old == nil {
			o.p.at(k, "%s has no data element %s", o.set.Version, k.Value)
			return
		}
		e := *old
		o.p.codes(&e, v)
		o.set.Elements[k.Value] = &e
		composites := map[*Composite]*Composite{}
		for _, key := range slices.Sorted(maps.Keys(o.set.Segments)) {
			if o.set.Segments[key].has(old) {
				replace(o.everywhere(key).Elements, old, &e, composites)
			}
		}
	})
}

// has tells whether a segment has an element, in composites too.
func (s *Segment) has(e *Element) bool {
	return slices.ContainsFunc(s.Elements, func(p Position) bool {
		return p.Element == e || p.Composite != nil && slices.ContainsFunc(p.Composite.Components, func(c Position) bool { return c.Element == e })
	})
}

// replace puts one element for another; composites keeps those already copied.
func replace(positions []Position, old, now *Element, composites map[*Composite]*Composite) {
	for i := range positions {
		p := &positions[i]
		if p.Element == old {
			p.Element = now
		}
		c := p.Composite
		if c == nil || !slices.ContainsFunc(c.Components, func(c Position) bool { return c.Element == old }) {
			continue
		}
		if composites[c] == nil {
			n := *c
			n.Components = slices.Clone(c.Components)
			replace(n.Components, old, now, nil)
			composites[c] = &n
		}
		p.Composite = composites[c]
	}
}

// codes changes a list: only some of it, or more than it has.
func (p *problems) codes(e *Element, n *yaml.Node) {
	add, only := child(n, "add"), n
	switch n.Kind {
	case yaml.SequenceNode:
	case yaml.MappingNode:
		p.only(n, "a code list", "add", "only")
		only = child(n, "only")
	default:
		p.at(n, "codes are written as in codes: [SA, KN] for these alone, or codes: {add: [ZP]} for more")
		return
	}
	had := len(e.Codes) > 0
	e.Codes = maps.Clone(e.Codes)
	if add != nil {
		if !had {
			p.at(add, "the element %s has no list, any code is taken: nothing to add", e.ID)
		}
		for _, c := range p.list(add) {
			if had {
				e.Codes[c.Value] = ""
			}
		}
	}
	if only == nil {
		return
	}
	codes := map[string]string{}
	for _, c := range p.list(only) {
		name, known := e.Codes[c.Value]
		if e.Closed() && !known {
			p.at(c, "the element %s (%s) has no code %s in the standard; if the partner has, write {add: [%s], only: […]}", e.ID, e.Name, c.Value, c.Value)
		}
		codes[c.Value] = name
	}
	e.Codes, e.Open = codes, false
}

// list returns the values of a list of codes.
func (p *problems) list(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		p.at(n, "codes are a list: [EA, CA]")
		return nil
	}
	var out []*yaml.Node
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode || c.Value == "" || len(c.Value) > 80 {
			p.at(c, "a code is a word; in quotes where it could be a number or yes and no")
			continue
		}
		out = append(out, c)
	}
	return out
}

// truth reads true and false.
func (p *problems) truth(n *yaml.Node, what string) bool {
	if n.Value != "true" && n.Value != "false" {
		p.at(n, "%s is true or false, found %q", what, n.Value)
	}
	return n.Value == "true"
}

// number reads a whole number from least on; ok is false when it is none.
func (p *problems) number(n *yaml.Node, what string, least int) (int, bool) {
	if n.Value == ">1" {
		return Unlimited, true
	}
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || i < least || i > Unlimited {
		p.at(n, "%s is a number from %d on, found %q", what, least, n.Value)
		return 0, false
	}
	return i, true
}

func place(s *Segment, element, component int) string {
	out := fmt.Sprintf("%s%02d", s.Tag, element)
	if component > 0 {
		out += fmt.Sprintf("-%d", component)
	}
	return out
}
