package compose

import (
	"slices"
	"strconv"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// extra is a segment without a place in the grammar; its position counts from 1
// at the set's header.
type extra struct {
	position int
	segment  segment
}

// extra takes what stands under _extra. The order of positions is that of the
// set, wherever in the document they stand.
func (c *set) extra(o *value) {
	m := o.member(extraMember)
	if m == nil {
		return
	}
	m.taken = 1
	if m.value.kind == null {
		return
	}
	if m.value.kind != list {
		c.problems.at(m.value, "", "", "%s is a list of segments, this is %s", extraMember, m.value.kind)
		return
	}
	for _, one := range m.value.items {
		tag, position := one.get("segment"), one.get("position")
		elements := one.member("elements")
		n, err := 0, error(nil)
		if position != nil {
			n, err = strconv.Atoi(position.text)
		}
		if tag == nil || tag.kind != text || syntax.KeyOf(tag.text) == 0 && !c.lenient || position == nil || position.kind != number || err != nil || n < 2 ||
			elements != nil && elements.value.kind != list {
			c.problems.at(one, "", "", `a segment without a place is written as in {"segment": "NTE", "position": 7, "elements": ["GEN", "text"]}`)
			continue
		}
		e := extra{position: n, segment: segment{tag: tag.text, from: one}}
		if elements != nil {
			for i, v := range elements.value.items {
				if v.kind != text {
					c.problems.at(v, tag.text, "", "an element is text, this is %s", v.kind)
					continue
				}
				c.raw(&e.segment, i+1, v)
			}
			if n := len(elements.value.items); n > 0 && elements.value.items[n-1].text == "" {
				// As it stands: with the empty elements at its end.
				e.segment.cells = append(e.segment.cells, cell{n, 1, 1, "", elements.value.items[n-1]})
			}
		}
		c.extras = append(c.extras, e)
	}
}

// raw takes an element as it stood, with its separators and release characters.
func (c *set) raw(s *segment, element int, v *value) {
	at := cell{element: element, repeat: 1, component: 1, from: v}
	d := c.from
	var plain []byte
	flush := func() {
		if len(plain) > 0 {
			at.text = string(plain)
			s.cells = append(s.cells, at)
		}
		plain = plain[:0]
	}
	for i := 0; i < len(v.text); i++ {
		switch b := v.text[i]; {
		case b == d.Release && d.Release != 0 && i+1 < len(v.text):
			i++
			plain = append(plain, v.text[i])
		case b == d.Component && d.Component != 0:
			flush()
			at.component++
		case b == d.Repetition && d.Repetition != 0:
			flush()
			at.repeat, at.component = at.repeat+1, 1
		default:
			plain = append(plain, b)
		}
	}
	flush()
}

// placeExtras puts the segments without a place where they stood.
func (c *set) placeExtras() {
	if len(c.extras) == 0 {
		return
	}
	slices.SortStableFunc(c.extras, func(a, b extra) int { return a.position - b.position })
	out := make([]segment, 0, len(c.segments)+len(c.extras))
	rest := c.segments
	for _, e := range c.extras {
		// The set's header is the first segment.
		if n := min(len(rest), e.position-2-len(out)); n > 0 {
			out, rest = append(out, rest[:n]...), rest[n:]
		}
		out = append(out, e.segment)
	}
	c.segments = append(out, rest...)
}
