package grammar

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

func (p *problems) body(s *Set, n *yaml.Node) []*Node {
	if n.Kind != yaml.SequenceNode {
		p.at(n, "a body is a list of segments and loops")
		return nil
	}
	out := make([]*Node, 0, len(n.Content))
	for _, c := range n.Content {
		if node := p.node(s, c); node != nil {
			out = append(out, node)
		}
	}
	return out
}

func (p *problems) node(s *Set, n *yaml.Node) *Node {
	line, loop := n, child(n, "loop")
	if loop != nil {
		line = loop
	} else if c := child(n, "segment"); c != nil {
		p.only(n, "a segment", "segment", "as")
		line = c
	}
	f := strings.Fields(line.Value)
	if line.Kind != yaml.ScalarNode || len(f) < 3 || len(f) > 4 {
		p.at(n, "a segment is written as in `REF O >1 references`, a loop as in `loop: N1 O 200 parties` with a body")
		return nil
	}
	out := &Node{Number: s.Nodes, Key: syntax.KeyOf(f[0]), Max: Unlimited, Mandatory: f[1] == "M"}
	s.Nodes++
	if !strings.Contains(" M O C ", " "+f[1]+" ") {
		p.at(line, "%s: M is mandatory, O and C are not; found %q", f[0], f[1])
	}
	if f[2] != ">1" {
		i, err := strconv.Atoi(f[2])
		if err != nil || i < 1 {
			p.at(line, "%s: %q is no maximum; write a number or >1", f[0], f[2])
			i = 1
		}
		out.Max = i
	}
	if len(f) == 4 {
		out.Name = f[3]
	}
	if out.Segment = s.Segments[out.Key]; out.Segment == nil {
		p.at(line, "the dictionary of %s has no segment %q", s.Version, f[0])
		out.Segment = &Segment{Tag: f[0], Key: out.Key}
	}
	if out.Name == "" {
		out.Name = out.Segment.Name
	}
	s.tags[out.Key] = true
	p.as(child(n, "as"), out)
	if loop != nil {
		p.loop(s, n, out)
	}
	p.lines[out] = line
	return out
}

func (p *problems) loop(s *Set, n *yaml.Node, out *Node) {
	p.only(n, "a loop", "loop", "body", "as", "fragment", "tree")
	body := child(n, "body")
	if body == nil {
		p.at(n, "the loop %s needs a body", out.Segment.Tag)
		return
	}
	p.loops++
	out.Body = p.body(s, body)
	p.loops--
	if len(out.Body) == 0 || out.Body[0].Key != out.Key {
		p.at(body, "the body of the loop %s begins with the segment %s", out.Segment.Tag, out.Segment.Tag)
	}
	p.members(body, out.Body, out.Body)
	if t := child(n, "tree"); t != nil {
		p.tree(t, out)
	}
	if out.Fragment = text(n, "fragment") == "true"; out.Fragment && (out.Tree != nil || out.As != nil || out.Single()) {
		p.at(n, "the loop %s is handed over in parts: it is a list, and has no tree and no names", out.Segment.Tag)
	}
}

// simple finds an element of a segment that has one value: its position, 0 when
// there is none.
func (p *problems) simple(at *yaml.Node, s *Segment, name string) int {
	for i := range s.Elements {
		if e := &s.Elements[i]; e.Name == name {
			if e.Composite != nil || e.Repeat > 1 || e.Pair {
				p.at(at, "the element %q of %s has not one value", name, s.Tag)
				return 0
			}
			return i + 1
		}
	}
	p.at(at, "%s has no element %q; it has %s", s.Tag, name, strings.Join(elementNames(s), ", "))
	return 0
}

func elementNames(s *Segment) []string {
	var out []string
	for i := range s.Elements {
		out = append(out, s.Elements[i].Name)
	}
	return out
}

// as reads names that depend on a qualifier: the element whose codes have names,
// or the element with names of its own.
func (p *problems) as(n *yaml.Node, out *Node) {
	if n == nil {
		return
	}
	if out.Single() {
		p.at(n, "what comes once at most has its name already")
	}
	names := map[string]string{}
	switch {
	case n.Kind == yaml.ScalarNode:
		if out.AsAt = p.simple(n, out.Segment, n.Value); out.AsAt == 0 {
			return
		}
		e := out.Segment.Elements[out.AsAt-1].Element
		for code, name := range e.Codes {
			if name != "" {
				names[code] = name
			}
		}
		if len(names) == 0 {
			p.at(n, "the codes of the element %s (%s) have no names", e.ID, n.Value)
		}
		out.As = map[string]map[string]string{n.Value: names}
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		k := n.Content[0]
		if out.AsAt = p.simple(k, out.Segment, k.Value); out.AsAt == 0 {
			return
		}
		pairs(n.Content[1], func(code, name *yaml.Node) { names[code.Value] = name.Value })
		out.As = map[string]map[string]string{k.Value: names}
	default:
		p.at(n, "names are written as in `as: entity` or `as: {entity: {ST: ship_to}}`")
		return
	}
	const most = 64 // readers remember as bits which names an object has
	if len(names) > most {
		p.at(n, "%d names are more than %d", len(names), most)
	}
	out.names = names
	p.bijection(n, names)
}

// bijection holds that names can be turned back into codes.
func (p *problems) bijection(n *yaml.Node, names map[string]string) {
	codes := map[string]string{}
	for _, code := range sorted(names) {
		name := names[code]
		if first, taken := codes[name]; taken {
			p.at(n, "the codes %s and %s have the same name %q: it could not be turned back", first, code, name)
		}
		if name == "" {
			p.at(n, "the code %s needs a name", code)
		}
		codes[name] = code
	}
}

func (p *problems) tree(t *yaml.Node, out *Node) {
	if p.loops > 0 {
		p.at(t, "a tree stands directly in the set's body")
	}
	p.only(t, "tree", "id", "parent", "level", "names", "root")
	tree := &Tree{ID: text(t, "id"), Parent: text(t, "parent"), Level: text(t, "level"), Root: text(t, "root")}
	tree.IDAt, tree.ParentAt = p.simple(t, out.Segment, tree.ID), p.simple(t, out.Segment, tree.Parent)
	if tree.Level != "" {
		tree.LevelAt = p.simple(t, out.Segment, tree.Level)
	}
	if names := child(t, "names"); names != nil {
		tree.Names = map[string]string{}
		pairs(names, func(code, name *yaml.Node) {
			if strings.HasPrefix(name.Value, LevelPrefix) {
				p.at(name, "names that begin with %s are those of levels without a name", LevelPrefix)
			}
			tree.Names[code.Value] = name.Value
		})
		p.bijection(names, tree.Names)
	}
	if tree.Root != "" && tree.LevelAt == 0 {
		p.at(t, "a tree with a root needs a level")
	}
	out.Tree = tree
	p.members(t, out.Body, append(out.Body[:len(out.Body):len(out.Body)], out))
}

// LevelPrefix begins the names of lists whose level has no name.
const LevelPrefix = "level_"

// members holds that no two values of a body have the same name in documents.
// opening is the body whose first segment gives its elements; nodes are the
// members.
func (p *problems) members(at *yaml.Node, opening, nodes []*Node) {
	seen := map[string]string{"_extra": "what has no place", "_order": "the order"}
	add := func(at *yaml.Node, name, what string) {
		if other, taken := seen[name]; taken && p.told[name] != at {
			p.told[name] = at
			p.at(at, "%q is the name of %s and of %s in one object: give one another name", name, other, what)
		}
		seen[name] = what
	}
	for i, n := range nodes {
		line := p.lines[n]
		if line == nil {
			line = at
		}
		if i == 0 && len(opening) > 0 && n == opening[0] && !n.Loop() && n.Single() {
			p.elementMembers(line, n.Segment, add)
			continue
		}
		add(line, n.Name, n.Segment.Tag)
		for _, code := range sorted(n.names) {
			add(line, n.names[code], n.Segment.Tag+" "+code)
		}
		if n.Tree == nil {
			continue
		}
		add(line, "hierarchy", "the tree")
		for _, code := range sorted(n.Tree.Names) {
			if name := n.Tree.Names[code]; name != n.Name {
				add(line, name, n.Segment.Tag+" "+code)
			}
		}
		if n.Tree.Root != "" && len(n.Body) > 0 && len(opening) > 0 && n.Body[0] != opening[0] {
			p.merged(line, n, add)
		}
	}
}

// merged adds what the root of a tree brings into the surrounding body.
func (p *problems) merged(line *yaml.Node, n *Node, add func(*yaml.Node, string, string)) {
	for i, m := range n.Body {
		if i == 0 {
			for k := range m.Segment.Elements {
				if e := &m.Segment.Elements[k]; k+1 != n.Tree.IDAt && k+1 != n.Tree.ParentAt && k+1 != n.Tree.LevelAt {
					add(line, e.Name, m.Segment.Tag)
				}
			}
			continue
		}
		add(line, m.Name, m.Segment.Tag)
		for _, code := range sorted(m.names) {
			add(line, m.names[code], m.Segment.Tag+" "+code)
		}
	}
}

func (p *problems) elementMembers(line *yaml.Node, s *Segment, add func(*yaml.Node, string, string)) {
	paired := false
	for i := range s.Elements {
		add(line, s.Elements[i].Name, s.Tag)
		paired = paired || s.Elements[i].Pair
	}
	if paired {
		add(line, "ids", s.Tag)
	}
}

func sorted(names map[string]string) []string { return slices.Sorted(maps.Keys(names)) }

// key finds the element that documents are known by: of the first segment, or of
// another that comes once: trace.number. A composite's component is written
// behind its name: document.number.
func (p *problems) key(s *Set, n *yaml.Node) {
	s.Key = n.Value
	path := strings.Split(n.Value, ".")
	for i, node := range s.Body {
		if node.Loop() || !node.Single() {
			continue
		}
		rest := path
		if i > 0 {
			if node.Name != path[0] {
				continue
			}
			rest = path[1:]
		}
		if e, c := keyElement(node.Segment, rest); e > 0 {
			s.KeyAt = Spot{Node: node, Element: e, Component: c}
			return
		}
	}
	p.at(n, "the key %q is no element of the set's first segment, nor of another that comes once", n.Value)
}

func keyElement(s *Segment, path []string) (element, component int) {
	for i := range s.Elements {
		e := &s.Elements[i]
		switch {
		case len(path) == 0 || e.Name != path[0] || e.Repeat > 1:
		case e.Composite == nil && len(path) == 1:
			return i + 1, 1
		case e.Composite != nil && len(path) == 2:
			for k := range e.Composite.Components {
				if e.Composite.Components[k].Name == path[1] {
					return i + 1, k + 1
				}
			}
		}
	}
	return 0, 0
}
