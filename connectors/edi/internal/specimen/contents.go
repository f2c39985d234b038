package specimen

import (
	"maps"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Case is a file with one thing about it, and what is to be said of it.
type Case struct {
	Class   string
	Text    func() string
	Verdict string // accept, accept-warn or reject
	// Code is that of the acknowledgement, as in AK403=1 or 0085=13; empty when any
	// will do.
	Code string
	// The place: a tag, empty for anywhere; the position of the segment, 0 for
	// anywhere; element and component, 0 for the segment or element as a whole.
	Segment                      string
	Position, Element, Component int
	// Sets is how many sets are to be read; 0 when that does not matter.
	Sets int
}

// Contents are documents with one defect between their header and trailer, of
// each class at most so many.
func (s Sample) Contents(most int) []Case {
	d := &defects{s: s, byClass: map[string][]Case{}}
	d.misplaced()
	d.absent()
	d.repeated()
	d.values()
	d.conditions()
	var out []Case
	for _, class := range slices.Sorted(maps.Keys(d.byClass)) {
		out = append(out, thinned(d.byClass[class], most)...)
	}
	return out
}

// thinned keeps the first and the last and some between.
func thinned(all []Case, most int) []Case {
	if len(all) <= most {
		return all
	}
	out := make([]Case, 0, most)
	for i := range most {
		out = append(out, all[i*(len(all)-1)/max(1, most-1)])
	}
	return out
}

// defects makes the cases of a document. Segment i of its body stands at position
// i+2 of the set.
type defects struct {
	s       Sample
	byClass map[string][]Case
}

// told are the codes of a defect: AK304 or AK403, and 0085.
type told struct{ x12, edifact string }

func (d *defects) add(class string, e told, body func() []Segment, c Case) {
	c.Class, c.Verdict, c.Code = class, "reject", e.x12
	if d.s.Standard == syntax.EDIFACT {
		c.Code = "0085=" + e.edifact
	}
	c.Text = func() string {
		s := d.s
		s.Body = body()
		return s.Text(s.Segments())
	}
	d.byClass[class] = append(d.byClass[class], c)
}

func insert(body []Segment, at int, s ...Segment) func() []Segment {
	return func() []Segment { return slices.Insert(slices.Clone(body), at, s...) }
}

func without(body []Segment, from, to int) func() []Segment {
	return func() []Segment { return slices.Delete(slices.Clone(body), from, to) }
}

// opens tells that a segment opens its loop.
func (x Segment) opens() bool { return x.Parent != nil && x.Parent.Body[0] == x.Node }

// loop is the end of the loop that segment i opens.
func (d *defects) loop(i int) int {
	end := i + 1
	for end < len(d.s.Body) && within(d.s.Body[i].Parent, d.s.Body[end]) {
		end++
	}
	return end
}

func within(loop *grammar.Node, x Segment) bool {
	for _, c := range loop.Body {
		if c == x.Node || c.Loop() && within(c, x) {
			return true
		}
	}
	return false
}

// misplaced are segments that do not belong there.
func (d *defects) misplaced() {
	body := d.s.Body
	for i := range len(body) + 1 {
		d.add("unknown segment", told{"AK304=1", "15"}, insert(body, i, Segment{Tag: "QQQ", Elements: []string{"1"}}), Case{Segment: "QQQ", Position: i + 2})
		d.add("foreign segment", told{"AK304=6", "15"}, insert(body, i, Segment{Tag: "CLM", Elements: []string{"1"}}), Case{Segment: "CLM", Position: i + 2})
		if first := body[0]; i > 1 && d.places(first) == 1 {
			d.add("first segment again", told{"AK304=2", "15"}, insert(body, i, first), Case{Segment: first.Tag, Position: i + 2})
		}
	}
	for i := 1; i+1 < len(body); i++ {
		a, b := body[i], body[i+1]
		// Two of the body that may not stand in the other order.
		if a.Parent != nil || b.Parent != nil || a.Node.Mandatory || b.Node.Mandatory || d.places(a) != 1 || d.places(b) != 1 {
			continue
		}
		swapped := func() []Segment {
			out := slices.Clone(body)
			out[i], out[i+1] = b, a
			return out
		}
		d.add("order of segments", told{"AK304=7", "15"}, swapped, Case{Segment: a.Tag, Position: i + 3})
	}
}

// places counts where a segment may stand in the set.
func (d *defects) places(x Segment) int {
	count := 0
	var look func(body []*grammar.Node)
	look = func(body []*grammar.Node) {
		for _, n := range body {
			if n.Key == x.Def.Key {
				count++
			}
			if n.Loop() {
				look(n.Body[1:])
			}
		}
	}
	look(d.s.Set.Body)
	return count
}

// absent are segments and loops that are missing.
func (d *defects) absent() {
	for i, x := range d.s.Body {
		missing := Case{Segment: x.Tag, Position: i + 2}
		switch {
		case x.opens() && x.Parent.Mandatory:
			d.add("mandatory loop missing", told{"AK304=3", "13"}, without(d.s.Body, i, d.loop(i)), missing)
		case !x.opens() && x.Node.Mandatory:
			d.add("mandatory segment missing", told{"AK304=3", "13"}, without(d.s.Body, i, i+1), missing)
		}
	}
}

// repeated are segments and loops beyond their maximum.
func (d *defects) repeated() {
	const limit = 30
	for i, x := range d.s.Body {
		switch {
		case d.places(x) > 1:
		case !x.opens() && x.Node.Max <= limit:
			extra := slices.Repeat([]Segment{x}, x.Node.Max)
			d.add("segment too often", told{"AK304=5", "35"}, insert(d.s.Body, i, extra...), Case{Segment: x.Tag, Position: i + 2 + len(extra)})
		case x.opens() && x.Parent.Max <= limit:
			extra := slices.Repeat(d.s.Body[i:d.loop(i)], x.Parent.Max)
			d.add("loop too often", told{"AK304=4", "36"}, insert(d.s.Body, i, extra...), Case{Segment: x.Tag, Position: i + 2 + len(extra)})
		}
	}
}

// change replaces the elements of a segment.
func (d *defects) change(class, x12, edifact string, i int, at Case, elements []string) {
	at.Segment, at.Position = d.s.Body[i].Tag, i+2
	body := func() []Segment {
		out := slices.Clone(d.s.Body)
		out[i].Elements = elements
		return out
	}
	d.add(class, told{"AK403=" + x12, edifact}, body, at)
}

// put is a copy with another value at a place.
func put(elements []string, at int, v string) []string {
	out := slices.Clone(elements)
	for len(out) <= at {
		out = append(out, "")
	}
	out[at] = v
	return out
}

// values are elements that are missing, too many, or not what they should be.
func (d *defects) values() {
	for i, x := range d.s.Body {
		n := len(x.Def.Elements)
		d.change("too many elements", "3", "16", i, Case{Element: n + 1}, put(x.Elements, n, "X"))
		for j := range x.Def.Elements {
			p := &x.Def.Elements[j]
			at := Case{Element: j + 1}
			if p.Mandatory {
				d.change("mandatory element missing", "1", "13", i, at, put(x.Elements, j, ""))
			}
			if j >= len(x.Elements) || x.Elements[j] == "" {
				continue
			}
			if p.Composite != nil {
				d.components(i, j, p)
				continue
			}
			v := x.Elements[j]
			d.change("component in a simple element", "3", "16", i, at, put(x.Elements, j, v+":X"))
			for _, w := range wrong(p.Element, d.s.Standard) {
				d.change(w.class, w.x12, w.edifact, i, at, put(x.Elements, j, w.value))
			}
			if r := d.s.repetition(); r != "" && p.Repeat < 10 {
				d.change("repeated too often", "12", "35", i, at, put(x.Elements, j, strings.Repeat(v+r, p.Repeat)+v))
			}
		}
	}
}

// components are the same inside of a composite.
func (d *defects) components(i, j int, p *grammar.Position) {
	x := d.s.Body[i]
	parts := strings.Split(x.Elements[j], ":")
	room := len(p.Composite.Components)
	for len(parts) < room {
		parts = append(parts, "")
	}
	joined := func(parts []string) []string { return put(x.Elements, j, strings.Join(trimmed(parts), ":")) }
	d.change("too many components", "3", "16", i, Case{Element: j + 1}, joined(append(slices.Clone(parts), "X")))
	for k := range p.Composite.Components {
		c := &p.Composite.Components[k]
		at := Case{Element: j + 1, Component: k + 1}
		if c.Mandatory && room > 1 {
			less := put(parts, k, "")
			if strings.Join(less, "") == "" {
				less = put(less, 1, plain(p.Composite.Components[1].Element))
			}
			d.change("mandatory component missing", "1", "13", i, at, joined(less))
		}
		if parts[k] == "" {
			continue
		}
		for _, w := range wrong(c.Element, d.s.Standard) {
			d.change(w.class+" in a composite", w.x12, w.edifact, i, at, joined(put(parts, k, w.value)))
		}
	}
}

// repetition is the separator of repeated elements, where the syntax has one.
func (s Sample) repetition() string {
	switch {
	case s.Standard == syntax.X12 && s.Release >= "005010":
		return "^"
	case s.Syntax == "UNOC:4":
		return "*"
	}
	return ""
}
