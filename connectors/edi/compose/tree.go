package compose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// tree writes the items of a tree as the flat list of loops that they are in EDI:
// numbered from 1 in the order of the document, each with its parent's number and
// the level that its list is named by. An item that has a "hierarchy" says these
// itself.
func (c *set) tree(o *value, f *frame, n *grammar.Node) {
	c.items, c.moved = c.items[:0], false
	if n.Tree.Root != "" && c.hasRoot(o, n) {
		// The first item's members are those of the surrounding body.
		c.item(o, &frame{up: f, body: n.Body, from: o}, n, "", n.Tree.Root, true)
	} else {
		c.children(o, f, n, "")
	}
	if c.moved {
		c.reorder()
	}
}

// itemAt is where an item's own segments begin. sequence is where it stood in the
// file, when that is not the order of the tree.
type itemAt struct{ sequence, from, to int }

// reorder brings items into the order in which they were read.
func (c *set) reorder() {
	first := c.items[0].from
	for i := range c.items {
		c.items[i].to = len(c.segments)
		if i+1 < len(c.items) {
			c.items[i].to = c.items[i+1].from
		}
	}
	slices.SortStableFunc(c.items, func(a, b itemAt) int { return a.sequence - b.sequence })
	out := make([]segment, 0, len(c.segments)-first)
	for _, it := range c.items {
		out = append(out, c.segments[it.from:it.to]...)
	}
	copy(c.segments[first:], out)
}

// hasRoot tells whether the body is an item itself. It is, unless it has only
// items that all say whose they are, as package shape writes them then.
func (c *set) hasRoot(o *value, n *grammar.Node) bool {
	if o.get(hierarchyMember) != nil {
		return true
	}
	inside := map[string]bool{}
	for i, one := range n.Body {
		if i == 0 {
			for k := range one.Segment.Elements {
				inside[one.Segment.Elements[k].Name] = true
			}
			continue
		}
		inside[one.Name] = true
		for name := range c.namesOf(one).codes {
			inside[name] = true
		}
	}
	for i := range o.members {
		v := o.members[i].value
		if inside[v.name] {
			return true
		}
		if _, ok := c.level(n, v.name); !ok {
			continue
		}
		for _, one := range v.items {
			if one.get(hierarchyMember) == nil {
				return true
			}
		}
	}
	return false
}

// level tells whether a member is a list of items, and of which level.
func (c *set) level(n *grammar.Node, name string) (string, bool) {
	if level, ok := c.namesOf(n).lists[name]; ok {
		return level, true
	}
	if code, ok := strings.CutPrefix(name, grammar.LevelPrefix); ok {
		return strings.ToUpper(code), true
	}
	return "", name == n.Name
}

// children writes the lists of items in an object.
func (c *set) children(o *value, f *frame, n *grammar.Node, parent string) {
	write := func(v *value, level string) {
		if v.kind != object {
			c.problems.at(v, n.Segment.Tag, "", "%s is %s, an item is an object", v.name, v.kind)
			return
		}
		c.item(v, &frame{up: f, body: n.Body, from: v}, n, parent, level, false)
	}
	for _, name := range c.order(o) {
		if level, ok := c.level(n, name); ok && o.member(name) != nil {
			c.take(o.member(name), level, 1, write)
		}
	}
	for i := range o.members {
		m := &o.members[i]
		if level, ok := c.level(n, m.value.name); ok {
			c.take(m, level, -1, write)
		}
	}
}

// item writes one item and what is below it.
func (c *set) item(o *value, f *frame, n *grammar.Node, parent, level string, root bool) {
	c.levels++
	id := strconv.Itoa(c.levels)
	c.items = append(c.items, itemAt{sequence: c.levels, from: len(c.segments)})
	if h := o.member(hierarchyMember); h != nil {
		// It says all of the three; what it does not say is empty.
		h.taken = 1
		id, parent, level = "", "", ""
		for _, m := range h.value.members {
			switch m.value.name {
			case "id":
				id = m.value.text
			case "parent":
				parent = m.value.text
			case "level":
				level = m.value.text
			case "sequence":
				if n, err := strconv.Atoi(m.value.text); err == nil {
					c.items[len(c.items)-1].sequence, c.moved = n, true
				}
			default:
				c.problems.at(m.value, n.Segment.Tag, "known are id, level, parent, sequence", "no element carries %q", m.value.name)
			}
		}
	}
	given := map[int]string{n.Tree.IDAt: id, n.Tree.ParentAt: parent}
	if n.Tree.LevelAt > 0 {
		given[n.Tree.LevelAt] = level
	}
	for i, one := range n.Body {
		if i == 0 && !one.Loop() {
			c.open(o, f, one, n, given)
			continue
		}
		c.node(o, f, one)
	}
	c.children(o, f, n, id)
	if !root {
		c.extra(o)
		c.leftover(o, func() []string {
			return append(c.known(f, true), c.known(&frame{body: []*grammar.Node{n}}, false)...)
		}, "")
	}
}
