package compose_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// generator makes sets that fit a grammar, from a seed.
type generator struct {
	*rand.Rand
	std   syntax.Standard
	out   []string
	rare  int // one of so many optional things is there
	items int // HL
}

// TestWhatGrammarsAllowComesBack writes and reads random sets of every grammar.
func TestWhatGrammarsAllowComesBack(t *testing.T) {
	const seeds = 5
	made, clean := 0, 0
	for _, set := range everySet(t) {
		for seed := range uint64(seeds) {
			file := generate(set, seed)
			made++
			if kindOf(t, file) != "" {
				continue
			}
			clean++
			comesBack(t, fmt.Sprintf("%s %s seed %d", set.Version, set.ID, seed), file)
		}
	}
	t.Logf("%d of %d generated files are clean", clean, made)
	if clean < made/2 {
		t.Errorf("%d of %d generated files are clean: the generator is no good", clean, made)
	}
}

func everySet(t testing.TB) []*grammar.Set {
	t.Helper()
	var out []*grammar.Set
	for _, std := range []syntax.Standard{syntax.X12, syntax.EDIFACT} {
		releases, err := library.Releases(std)
		if err != nil {
			t.Fatal(err)
		}
		for _, release := range releases {
			ids, err := library.Sets(std, release)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				set, err := library.Set(std, release, id)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, set)
			}
		}
	}
	return out
}

func comesBack(t *testing.T, name string, file []byte) {
	t.Helper()
	for _, items := range []int{0, 1} {
		docs := shaped(t, file, items)
		got, err := restored(docs)
		if err != nil {
			t.Errorf("%s (parts of %d): %v\n%s\n%s", name, items, err, file, strings.Join(docs, "\n"))
			return
		}
		if !bytes.Equal(file, got) {
			t.Errorf("%s (parts of %d): %s\n%s\n%s", name, items, firstDifference(file, got), file, strings.Join(docs, "\n"))
			return
		}
	}
}

func generate(set *grammar.Set, seed uint64) []byte {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(len(set.ID)))), std: set.Standard, rare: 4 + int(seed%12)*4}
	g.body(set.Body)
	n := strconv.Itoa(len(g.out) + 2)
	if set.Standard == syntax.EDIFACT {
		return []byte(fmt.Sprintf("UNB+UNOY:4+A:14+B:14+260105:0915+317'\nUNH+1+%s:%s:%s:UN'\n", set.ID, set.Version[:1], set.Version[1:]) +
			strings.Join(g.out, "") + fmt.Sprintf("UNT+%s+1'\nUNZ+1+317'\n", n))
	}
	version := set.Version[:5]
	repetition := "U"
	if version > "00402" {
		repetition = "^"
	}
	return []byte(fmt.Sprintf("ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*0900*%s*%s*000000317*0*P*>~\nGS*%s*A*B*20260105*0900*12*X*%s~\nST*%s*0001~\n", repetition, version, set.Group, set.Version, set.ID) +
		strings.Join(g.out, "") + fmt.Sprintf("SE*%s*0001~\nGE*1*12~\nIEA*1*000000317~\n", n))
}

func (g *generator) maybe() bool { return g.IntN(g.rare) == 0 }

func (g *generator) body(nodes []*grammar.Node) {
	for _, n := range nodes {
		count := 0
		if n.Mandatory {
			count = 1
		}
		for count < min(n.Max, 4) && g.maybe() {
			count++
		}
		if n.Tree != nil {
			count = 1 + g.IntN(8)
		}
		for range count {
			if n.Loop() {
				g.tree(n)
				g.body(n.Body[1:])
				continue
			}
			g.segment(n.Segment, nil)
		}
	}
}

// tree writes the segment that opens a loop, with numbers when it is an item.
func (g *generator) tree(n *grammar.Node) {
	if n.Tree == nil {
		g.segment(n.Segment, nil)
		return
	}
	g.items++
	levels := []string{"S", "O", "P", "I", "Y"}
	given := map[int]string{n.Tree.IDAt: strconv.Itoa(g.items), n.Tree.LevelAt: levels[g.IntN(len(levels))]}
	if g.items == 1 {
		given[n.Tree.LevelAt] = levels[g.IntN(2)]
	} else if g.IntN(8) > 0 {
		given[n.Tree.ParentAt] = strconv.Itoa(max(1, g.items-1-g.IntN(2)))
	}
	g.segment(n.Segment, given)
}

func (g *generator) segment(s *grammar.Segment, given map[int]string) {
	present := make([]bool, len(s.Elements))
	for i := range s.Elements {
		present[i] = s.Elements[i].Mandatory || given == nil && g.IntN(3) == 0
	}
	for range 4 {
		for i := range s.Rules {
			g.obey(&s.Rules[i], present)
		}
	}
	var elements []string
	for i := range s.Elements {
		v := given[i+1]
		if v == "" && present[i] && (given == nil || s.Elements[i].Mandatory && i > 2) {
			v = g.position(&s.Elements[i])
		}
		elements = append(elements, v)
	}
	sep, end := "*", "~\n"
	if g.std == syntax.EDIFACT {
		sep, end = "+", "'\n"
	}
	g.out = append(g.out, strings.TrimRight(s.Tag+sep+strings.Join(elements, sep), sep)+end)
}

// obey changes what is present to what a condition asks for.
func (g *generator) obey(r *grammar.Rule, present []bool) {
	bits := uint64(0)
	for i, p := range present {
		if p {
			bits |= 1 << i
		}
	}
	if !r.Broken(bits) {
		return
	}
	switch r.Kind {
	case 'E':
		for _, p := range r.Positions[1:] {
			present[p-1] = false
		}
	case 'R', 'L':
		present[r.Positions[len(r.Positions)-1]-1] = true
	default:
		for _, p := range r.Positions {
			present[p-1] = true
		}
	}
}

func (g *generator) position(p *grammar.Position) string {
	if p.Composite == nil {
		return g.value(p.Element)
	}
	var parts []string
	for i := range p.Composite.Components {
		c := &p.Composite.Components[i]
		v := ""
		if c.Mandatory || g.IntN(3) == 0 || i == 0 {
			v = g.value(c.Element)
		}
		parts = append(parts, v)
	}
	by := ">"
	if g.std == syntax.EDIFACT {
		by = ":"
	}
	out := strings.TrimRight(strings.Join(parts, by), by)
	if p.Repeat > 1 && g.IntN(2) == 0 {
		out += "^" + out
	}
	return out
}

func (g *generator) value(e *grammar.Element) string {
	if codes := e.CodeList(); len(codes) > 0 && (e.Closed() || g.IntN(4) > 0) {
		return codes[g.IntN(len(codes))]
	}
	n := e.Min + g.IntN(min(e.Max, e.Min+10)-e.Min+1)
	n = max(n, 1)
	switch e.Type {
	case grammar.Number:
		return g.sign() + g.digits(n)
	case grammar.Decimal:
		v := g.digits(n)
		if n > 1 && g.IntN(2) == 0 {
			v = v[:n-1] + "." + v[n-1:]
		}
		return g.sign() + v
	case grammar.Date:
		return "20260105"[8-min(e.Max, 8):]
	case grammar.Time:
		v := []string{"0915", "091530", "0915305", "09153059"}[g.IntN(4)]
		return v[:min(len(v), max(e.Max, 4))]
	case grammar.Letters:
		return strings.Repeat("S", n)
	}
	chars := []rune("ABCxyz019 -/\"\\é")
	if g.std == syntax.EDIFACT {
		chars = append(chars, '+', ':', '\'', '?', '*')
	}
	var b strings.Builder
	for range n {
		c := chars[g.IntN(len(chars))]
		if strings.ContainsRune("+:'?*", c) {
			b.WriteByte('?')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (g *generator) sign() string {
	if g.IntN(6) == 0 {
		return "-"
	}
	return ""
}

func (g *generator) digits(n int) string {
	var b strings.Builder
	for i := range n {
		d := g.IntN(10)
		if i == 0 && n > 1 {
			d = 1 + g.IntN(9)
		}
		b.WriteByte(byte('0' + d))
	}
	return b.String()
}
