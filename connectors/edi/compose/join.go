package compose

import (
	"slices"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// join puts the parts of a set together. Each repeats what stands before the loop
// that was handed over in parts; of that the first is taken. The documents stay as
// they are.
func join(first *value, body []*grammar.Node, more []*value) *value {
	if len(more) == 0 {
		return first
	}
	out := copied(first)
	for _, next := range more {
		extend(out, next, body)
	}
	return out
}

func copied(v *value) *value {
	out := *v
	out.members, out.items = slices.Clone(v.members), slices.Clone(v.items)
	return &out
}

// extend adds to an object what the same object has in the next part.
func extend(o, next *value, body []*grammar.Node) {
	for _, m := range next.members {
		have := o.member(m.value.name)
		switch {
		case have == nil:
			o.members = append(o.members, m)
		case m.value.name == extraMember:
			have.value = withExtras(have.value, m.value)
		case m.value.name == orderMember:
			if len(m.value.items) > len(have.value.items) {
				have.value = m.value
			}
		case have.value.kind != list || m.value.kind != list:
		default:
			n := parted(body, m.value.name)
			if n == nil && same(have.value, m.value) {
				continue // repeated, because it stands before the loop
			}
			have.value = copied(have.value)
			items := m.value.items
			if n != nil && n.Loop() && !n.Fragment && len(items) > 0 && len(have.value.items) > 0 {
				last := len(have.value.items) - 1
				if continues(have.value.items[last], items[0], n.Body) {
					have.value.items[last] = copied(have.value.items[last])
					extend(have.value.items[last], items[0], n.Body)
					items = items[1:]
				}
			}
			have.value.items = append(have.value.items, items...)
		}
	}
}

// continues tells that an item is the rest of one: it repeats what stands before
// the parted loop in it.
func continues(o, next *value, body []*grammar.Node) bool {
	for _, m := range next.members {
		if parted(body, m.value.name) != nil || m.value.name == extraMember || m.value.name == orderMember {
			continue
		}
		have := o.member(m.value.name)
		if have == nil {
			return behind(body, m.value.name)
		}
		if !same(have.value, m.value) {
			return false
		}
	}
	return true
}

// behind tells that a member follows the parted loop.
func behind(body []*grammar.Node, name string) bool {
	found := false
	for _, n := range body {
		if n.Name == name {
			return found
		}
		found = found || parted([]*grammar.Node{n}, n.Name) != nil
	}
	return found
}

// parted finds the loop of a name that is handed over in parts, or has one in it
// that is.
func parted(body []*grammar.Node, name string) *grammar.Node {
	for _, n := range body {
		if n.Name == name && (n.Fragment || inside(n.Body)) {
			return n
		}
	}
	return nil
}

func inside(body []*grammar.Node) bool {
	return slices.ContainsFunc(body, func(n *grammar.Node) bool { return n.Fragment || inside(n.Body) })
}

// withExtras adds the segments that are not there yet.
func withExtras(have, next *value) *value {
	at := func(v *value) string {
		if p := v.get("position"); p != nil {
			return p.text
		}
		return ""
	}
	seen := map[string]bool{}
	for _, one := range have.items {
		seen[at(one)] = true
	}
	out := copied(have)
	for _, one := range next.items {
		if !seen[at(one)] {
			out.items = append(out.items, one)
		}
	}
	return out
}
