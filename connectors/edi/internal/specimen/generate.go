package specimen

import (
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// generator builds the body of a set.
type generator struct {
	rich bool
	out  []Segment
}

// generate makes the smallest document of a set, or one with every segment and
// element of it.
func generate(set *grammar.Set, rich bool) []Segment {
	g := &generator{rich: rich}
	g.nodes(set.Body, nil)
	return g.out
}

func (g *generator) nodes(body []*grammar.Node, parent *grammar.Node) {
	for i, n := range body {
		opens := parent != nil && i == 0
		if !n.Mandatory && !g.rich && !opens {
			continue
		}
		// The same segment at two places in a row is one place to a reader.
		if g.rich && !n.Mandatory && i > 0 && !opens && g.ambiguous(body, i) {
			continue
		}
		if n.Loop() {
			g.nodes(n.Body, n)
			continue
		}
		g.out = append(g.out, Segment{Tag: n.Segment.Tag, Def: n.Segment, Elements: g.elements(n.Segment), Node: n, Parent: parent})
	}
}

// ambiguous tells whether a segment of the same tag comes earlier in the body, or
// at the end of what comes before, so that a reader would take this one for it.
func (g *generator) ambiguous(body []*grammar.Node, i int) bool {
	for _, n := range body[:i] {
		if n.Key == body[i].Key || n.Loop() && inside(n, body[i].Key) {
			return true
		}
	}
	return false
}

func inside(n *grammar.Node, k syntax.Key) bool {
	for _, c := range n.Body {
		if c.Key == k || c.Loop() && inside(c, k) {
			return true
		}
	}
	return false
}

// elements fills a segment: what is mandatory, and what rules ask for beside it,
// or everything that no rule excludes.
func (g *generator) elements(def *grammar.Segment) []string {
	have := uint64(0)
	for i, p := range def.Elements {
		if p.Mandatory || g.rich {
			have |= 1 << i
		}
	}
	out := make([]string, len(def.Elements))
	have = lawful(def, have)
	for i := range def.Elements {
		if have&(1<<i) != 0 {
			out[i] = g.value(&def.Elements[i])
		}
	}
	return trimmed(out)
}

// lawful changes which elements are present until no rule is broken.
func lawful(def *grammar.Segment, have uint64) uint64 {
	excluded := uint64(0)
	for range 8 {
		for _, r := range def.Rules {
			if !r.Broken(have) {
				continue
			}
			want := uint64(0)
			switch r.Kind {
			case 'E':
				for _, p := range r.Positions[1:] {
					excluded |= 1 << (p - 1)
				}
			case 'P', 'C':
				for _, p := range r.Positions {
					want |= 1 << (p - 1)
				}
			case 'R':
				want = 1 << (r.Positions[0] - 1)
			case 'L':
				want = 1 << (r.Positions[1] - 1)
			}
			if want&excluded != 0 {
				excluded |= want
			}
			have = (have | want) &^ excluded
		}
	}
	return have
}

func trimmed(elements []string) []string {
	n := len(elements)
	for n > 0 && elements[n-1] == "" {
		n--
	}
	return elements[:n]
}

func (g *generator) value(p *grammar.Position) string {
	if p.Composite == nil {
		return plain(p.Element)
	}
	var parts []string
	for i := range p.Composite.Components {
		c := &p.Composite.Components[i]
		v := ""
		if c.Mandatory || g.rich || i == 0 {
			v = plain(c.Element)
		}
		parts = append(parts, v)
	}
	return strings.Join(trimmed(parts), ":")
}

// plain is a value that an element takes.
func plain(e *grammar.Element) string {
	if len(e.Codes) > 0 {
		return e.CodeList()[0]
	}
	size := max(e.Min, 1)
	switch e.Type {
	case grammar.Number, grammar.Decimal:
		return strings.Repeat("1", size)
	case grammar.Date:
		return "20260105"[8-e.Max:]
	case grammar.Time:
		return "0915"
	}
	return strings.Repeat("A", size)
}
