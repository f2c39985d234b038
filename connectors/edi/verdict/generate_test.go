package verdict_test

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Documents made from a grammar: the smallest ones that it allows, and others with
// everything that it knows. Defects are put into them one at a time.

// segment is a segment of a generated document, with what the grammar says of it.
type segment struct {
	tag      string
	elements []string
	def      *grammar.Segment
	node     *grammar.Node
	parent   *grammar.Node // nil in the body
}

// sample is a set in its envelope. The segments are those between its header and
// trailer.
type sample struct {
	std     syntax.Standard
	release string // 004010, D96A
	syntax  string // UNOC:3, UNOC:4
	set     *grammar.Set
	body    []segment
}

func (s sample) String() string { return s.set.ID + " " + s.release + " " + s.syntax }

// with is a copy whose segments may be changed.
func (s sample) with(body []segment) sample {
	s.body = body
	return s
}

// control numbers of the generated envelopes.
const (
	interchangeNo = "000001001"
	groupNo       = "101"
	setNo         = "0001"
)

// header and trailer are the segments around a set, the set's own among them.
func (s sample) header() [][]string {
	if s.std == syntax.EDIFACT {
		version, release := s.release[:1], s.release[1:]
		if s.set.ID == "CONTRL" {
			version, release = "D", "3"
		}
		return [][]string{
			{"UNB", s.syntax, "5412345000013:14", "5498765000017:14", "260105:0915", "1001"},
			{"UNH", "1", strings.Join([]string{s.set.ID, version, release, "UN", "EAN008"}, ":")},
		}
	}
	version, eleven := "00401", "U"
	if s.release >= "005010" {
		version, eleven = "00501", "^"
	}
	return [][]string{
		{"ISA", "00", "          ", "00", "          ", "ZZ", "ACMEOUTFIT     ", "08", "9254110060     ", "260105", "0915", eleven, version, interchangeNo, "0", "P", ":"},
		{"GS", s.set.Group, "ACMEOUTFIT", "9254110060", "20260105", "0915", groupNo, "X", s.release},
		{"ST", s.set.ID, setNo},
	}
}

func (s sample) trailer() [][]string {
	count := fmt.Sprint(len(s.body) + 2)
	if s.std == syntax.EDIFACT {
		return [][]string{{"UNT", count, "1"}, {"UNZ", "1", "1001"}}
	}
	return [][]string{{"SE", count, setNo}, {"GE", "1", groupNo}, {"IEA", "1", interchangeNo}}
}

// segments is the whole file.
func (s sample) segments() [][]string {
	out := s.header()
	for _, x := range s.body {
		out = append(out, append([]string{x.tag}, x.elements...))
	}
	return append(out, s.trailer()...)
}

// text joins segments with the usual separators.
func (s sample) text(segments [][]string) string {
	by, end := "*", "~"
	if s.std == syntax.EDIFACT {
		by, end = "+", "'"
	}
	var b strings.Builder
	for _, seg := range segments {
		b.WriteString(strings.Join(seg, by) + end)
	}
	return b.String()
}

// generator builds the body of a set.
type generator struct {
	set  *grammar.Set
	rich bool
	out  []segment
}

// generate makes the smallest document of a set, or one with every segment and
// element of it.
func generate(set *grammar.Set, rich bool) []segment {
	g := &generator{set: set, rich: rich}
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
		g.out = append(g.out, segment{tag: n.Segment.Tag, def: n.Segment, elements: g.elements(n.Segment), node: n, parent: parent})
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
