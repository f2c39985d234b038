package grammar

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// elements applies what an overlay says of the elements of a segment, by their
// position: 02, or 02-1 for the first component of the second element.
func (o *overlaying) elements(s *Segment, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		o.p.at(n, "elements are written as in elements: {02: required, 05: {max: 8}}")
		return
	}
	pairs(n, func(k, v *yaml.Node) {
		element, component, composite := strings.Cut(k.Value, "-")
		e, err := strconv.Atoi(element)
		c, cErr := strconv.Atoi(component)
		if err != nil || composite && (cErr != nil || c < 1) {
			o.p.at(k, "an element is named by its position: 02, or 02-1 for a component; found %q", k.Value)
			return
		}
		if e == len(s.Elements)+1 && !composite && v.Kind == yaml.ScalarNode && strings.Contains(v.Value, " ") {
			if pos, ok := o.line(v); ok {
				s.Elements = append(s.Elements, pos)
				o.p.unique(k, s)
			}
			return
		}
		pos := position(s, e, c)
		if pos == nil {
			o.p.at(k, "%s has no %s; it has %d elements. One more is written as in %02d: 350 O line", s.Tag, k.Value, len(s.Elements), len(s.Elements)+1)
			return
		}
		if composite {
			pos = ownComponent(s, e, c)
		}
		o.element(s, pos, Spot{Element: e, Component: c}, v)
	})
	s.count()
}

// ownComponent returns a component that may be changed: in a composite of the
// segment's own.
func ownComponent(s *Segment, element, component int) *Position {
	p := &s.Elements[element-1]
	c := *p.Composite
	c.Components = slices.Clone(c.Components)
	p.Composite = &c
	return &c.Components[component-1]
}

func (o *overlaying) element(s *Segment, pos *Position, at Spot, v *yaml.Node) {
	unused := func() {
		pos.Mandatory = false
		s.Derived.Unused = append(s.Derived.Unused, at)
	}
	if v.Kind == yaml.ScalarNode {
		switch v.Value {
		case "required":
			pos.Mandatory = true
		case "optional":
			pos.Mandatory = false
		case "unused":
			unused()
		default:
			words := []string{"required", "optional", "unused"}
			o.p.at(v, "an element is required, optional or unused, or has {required, min, max, type, codes, repeat}; found %q.%s", v.Value, didYouMean(v.Value, words))
		}
		return
	}
	o.p.only(v, place(s, at.Element, at.Component), "required", "min", "max", "type", "codes", "repeat")
	if n := child(v, "required"); n != nil {
		pos.Mandatory = o.p.truth(n, "required")
	}
	if n := child(v, "repeat"); n != nil {
		if i, ok := o.p.number(n, "repeat", 1); ok {
			pos.Repeat = i
		}
	}
	o.value(pos, v)
}

// value changes the data element at a position.
func (o *overlaying) value(pos *Position, v *yaml.Node) {
	kind, least, most, codes := child(v, "type"), child(v, "min"), child(v, "max"), child(v, "codes")
	if kind == nil && least == nil && most == nil && codes == nil {
		return
	}
	if pos.Element == nil {
		o.p.at(v, "%s is a composite: its components are named as in 02-1", pos.Name)
		return
	}
	e := *pos.Element
	if kind != nil && !e.typed(kind.Value) {
		o.p.at(kind, "%q is no type; %s", kind.Value, types)
	}
	if least != nil {
		if i, ok := o.p.number(least, "min", 0); ok {
			e.Min = i
		}
	}
	if most != nil {
		if i, ok := o.p.number(most, "max", 1); ok {
			e.Max = i
		}
	}
	if e.Min > e.Max {
		o.p.at(v, "%d to %d is no length", e.Min, e.Max)
	}
	if codes != nil {
		o.p.codes(&e, codes)
	}
	pos.Element = &e
}
