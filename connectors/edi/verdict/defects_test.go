package verdict_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

var (
	x12Sets     = strings.Fields("753 754 810 816 820 824 832 846 850 852 855 856 860 864 865 867 875 880 940 943 944 945 997")
	edifactSets = strings.Fields("APERAK CONTRL DESADV INVOIC INVRPT ORDCHG ORDERS ORDRSP PARTIN PRICAT RECADV SLSRPT")
)

func gradeText(t testing.TB, doc string) verdict.Report {
	t.Helper()
	r, err := verdict.Grade("generated", strings.NewReader(doc), &validate.Validator{Grammars: library})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// samples are all sets in all releases, small and rich.
func samples(t testing.TB) []sample {
	t.Helper()
	var out []sample
	add := func(std syntax.Standard, release, dialect, id string) {
		set, err := library.Set(std, release, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, rich := range []bool{false, true} {
			out = append(out, sample{std: std, release: release, syntax: dialect, set: set, body: generate(set, rich)})
		}
	}
	for _, id := range x12Sets {
		add(syntax.X12, "004010", "", id)
		add(syntax.X12, "005010", "", id)
	}
	add(syntax.X12, "005010", "", "999")
	for _, id := range edifactSets {
		for _, release := range []string{"D96A", "D01B"} {
			add(syntax.EDIFACT, release, "UNOC:3", id)
			add(syntax.EDIFACT, release, "UNOC:4", id)
		}
	}
	return out
}

// TestGeneratedDocuments: what a grammar allows is accepted.
func TestGeneratedDocuments(t *testing.T) {
	for _, s := range samples(t) {
		doc := s.text(s.segments())
		if r := gradeText(t, doc); r.Verdict != verdict.Accept {
			t.Errorf("%s with %d segments: %s\n%v\n", s, len(s.body), r.Verdict, first(r.Findings))
		}
	}
}

// defect is one mistake: what the file looks like with it, and what is to be said
// of it.
type defect struct {
	class     string
	body      func() []segment
	x12, edi  string // AK304=3, 13
	tag       string
	position  int // 0: anywhere
	element   int
	component int // 0: whatever
}

// TestOneDefect puts one defect of each class into every kind of document, at
// several places, and asks for the verdict, the code, and the place.
func TestOneDefect(t *testing.T) {
	table := map[string]*[4]int{}
	for _, s := range samples(t) {
		for _, d := range slices.Concat(structural(s), elemental(s), conditional(s)) {
			if table[d.class] == nil {
				table[d.class] = &[4]int{}
			}
			row := table[d.class]
			row[0]++
			r := gradeText(t, s.text(s.with(d.body()).segments()))
			code := d.x12
			if s.std == syntax.EDIFACT {
				code = "0085=" + d.edi
			}
			coded := slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool {
				return f.Severity != finding.Reject || !hasCode(f, code)
			})
			there := slices.ContainsFunc(coded, func(f finding.Finding) bool {
				return f.Segment == d.tag && (d.position == 0 || f.Position == d.position) && f.Element == d.element && (d.component == 0 || f.Component == d.component)
			})
			ok := r.Verdict == verdict.Reject && len(coded) > 0 && there
			if r.Verdict != verdict.Reject {
				row[1]++
			} else if len(coded) == 0 {
				row[2]++
			} else if !there {
				row[3]++
			}
			if !ok && row[1]+row[2]+row[3] <= 6 {
				t.Errorf("%s, %s at %s%02d-%d segment %d: want %s, found %s %v", s, d.class, d.tag, d.element, d.component, d.position, code, r.Verdict, first(r.Findings))
			}
		}
	}
	for _, class := range sortedKeys(intsOf(table)) {
		row := table[class]
		t.Logf("%-32s %6d tested; wrong: %d verdicts, %d codes, %d places", class, row[0], row[1], row[2], row[3])
	}
}

func intsOf(m map[string]*[4]int) map[string]int {
	out := map[string]int{}
	for k, v := range m {
		out[k] = v[0]
	}
	return out
}

// most is how many places of a document get a defect of the same class.
func most() int {
	if os.Getenv("CROSSDOCK_EDI_DEFECTS") == "all" {
		return 1 << 20
	}
	return 4
}

// sampled thins places out, keeping the first and the last.
func sampled(ds []defect) []defect {
	n := most()
	if len(ds) <= n {
		return ds
	}
	out := make([]defect, 0, n)
	for i := range n {
		out = append(out, ds[i*(len(ds)-1)/(n-1)])
	}
	return out
}

func insert(body []segment, at int, s ...segment) func() []segment {
	return func() []segment { return slices.Insert(slices.Clone(body), at, s...) }
}

func without(body []segment, from, to int) func() []segment {
	return func() []segment { return slices.Delete(slices.Clone(body), from, to) }
}

// structural are segments too many, too few, or at the wrong place. Segment i of
// the body stands at position i+2 of its set.
func structural(s sample) []defect {
	var unknown, foreign, missing, often []defect
	for i := range len(s.body) + 1 {
		unknown = append(unknown, defect{class: "unknown segment", body: insert(s.body, i, segment{tag: "QQQ", elements: []string{"1"}}), x12: "AK304=1", edi: "15", tag: "QQQ", position: i + 2})
		foreign = append(foreign, defect{class: "foreign segment", body: insert(s.body, i, segment{tag: "CLM", elements: []string{"1"}}), x12: "AK304=6", edi: "15", tag: "CLM", position: i + 2})
	}
	for i, x := range s.body {
		opens := x.parent != nil && x.parent.Body[0] == x.node
		if x.node.Mandatory && !opens {
			missing = append(missing, defect{class: "mandatory segment missing", body: without(s.body, i, i+1), x12: "AK304=3", edi: "13", tag: x.tag, position: i + 2})
		}
		const limit = 30
		if !opens && x.node.Max <= limit && !elsewhere(s, x) {
			extra := slices.Repeat([]segment{x}, x.node.Max)
			often = append(often, defect{class: "segment too often", body: insert(s.body, i, extra...), x12: "AK304=5", edi: "35", tag: x.tag, position: i + 2 + x.node.Max})
		}
		if opens && x.parent.Max <= limit && len(x.parent.Body) > 0 && !elsewhere(s, x) {
			end := i + 1
			for end < len(s.body) && within(x.parent, s.body[end]) {
				end++
			}
			var extra []segment
			for range x.parent.Max {
				extra = append(extra, s.body[i:end]...)
			}
			often = append(often, defect{class: "loop too often", body: insert(s.body, i, extra...), x12: "AK304=4", edi: "36", tag: x.tag, position: i + 2 + len(extra)})
		}
	}
	for i, x := range s.body {
		opens := x.parent != nil && x.parent.Body[0] == x.node
		if opens && x.parent.Mandatory {
			end := i + 1
			for end < len(s.body) && within(x.parent, s.body[end]) {
				end++
			}
			missing = append(missing, defect{class: "mandatory loop missing", body: without(s.body, i, end), x12: "AK304=3", edi: "13", tag: x.tag, position: i + 2})
		}
	}
	return slices.Concat(sampled(unknown), sampled(foreign), sampled(missing), sampled(often))
}

// within tells whether a segment belongs to a loop or one inside of it.
func within(loop *grammar.Node, x segment) bool {
	for _, c := range loop.Body {
		if c == x.node || c.Loop() && within(c, x) {
			return true
		}
	}
	return false
}

// elsewhere tells whether one more of a segment would find another place.
func elsewhere(s sample, x segment) bool {
	count := 0
	var look func(body []*grammar.Node)
	look = func(body []*grammar.Node) {
		for _, n := range body {
			if n.Key == x.def.Key {
				count++
			}
			if n.Loop() {
				look(n.Body[1:])
			}
		}
	}
	look(s.set.Body)
	return count > 1
}

// change is a copy of the document with other elements in a segment.
func (s sample) change(i int, elements []string) func() []segment {
	return func() []segment {
		out := slices.Clone(s.body)
		out[i].elements = elements
		return out
	}
}

// set puts a value at an element.
func put(elements []string, at int, v string) []string {
	out := slices.Clone(elements)
	for len(out) <= at {
		out = append(out, "")
	}
	out[at] = v
	return out
}

// elemental are values that are missing, too many, or not what they should be.
func elemental(s sample) []defect {
	byClass := map[string][]defect{}
	add := func(class, x12, edi string, i, element, component int, elements []string) {
		byClass[class] = append(byClass[class], defect{
			class: class, body: s.change(i, elements), x12: "AK403=" + x12, edi: edi, tag: s.body[i].tag, position: i + 2, element: element, component: component,
		})
	}
	for i, x := range s.body {
		full := slices.Clone(x.elements)
		for len(full) < len(x.def.Elements) {
			full = append(full, "")
		}
		extra := append(full, "X")
		add("too many elements", "3", "16", i, len(extra), 0, extra)
		for j := range x.def.Elements {
			p := &x.def.Elements[j]
			if p.Mandatory {
				add("mandatory element missing", "1", "13", i, j+1, 0, put(x.elements, j, ""))
			}
			if j >= len(x.elements) || x.elements[j] == "" {
				continue
			}
			if p.Composite == nil {
				add("component in a simple element", "3", "16", i, j+1, 0, put(x.elements, j, x.elements[j]+":X"))
				for _, w := range wrong(p.Element, s.std) {
					add(w.class, w.x12, w.edi, i, j+1, 0, put(x.elements, j, w.value))
				}
				if separator := s.repetition(); separator != "" && p.Repeat < 10 {
					add("repeated too often", "12", "35", i, j+1, 0, put(x.elements, j, strings.Repeat(x.elements[j]+separator, p.Repeat)+x.elements[j]))
				}
				continue
			}
			parts := strings.Split(x.elements[j], ":")
			room := len(p.Composite.Components)
			for len(parts) < room {
				parts = append(parts, "")
			}
			add("too many components", "3", "16", i, j+1, 0, put(x.elements, j, strings.Join(append(slices.Clone(parts), "X"), ":")))
			for k := range p.Composite.Components {
				c := &p.Composite.Components[k]
				if c.Mandatory && room > 1 {
					without := put(parts, k, "")
					if k == 0 && strings.Trim(strings.Join(without, ""), ":") == "" {
						without = put(without, 1, plain(p.Composite.Components[1].Element))
					}
					add("mandatory component missing", "1", "13", i, j+1, k+1, put(x.elements, j, strings.Join(without, ":")))
				}
				if parts[k] == "" {
					continue
				}
				for _, w := range wrong(c.Element, s.std) {
					add(w.class+" in a composite", w.x12, w.edi, i, j+1, k+1, put(x.elements, j, strings.Join(trimmed(put(parts, k, w.value)), ":")))
				}
			}
		}
	}
	var out []defect
	for _, class := range sortedKeys(lengths(byClass)) {
		out = append(out, sampled(byClass[class])...)
	}
	return out
}

func lengths(m map[string][]defect) map[string]int {
	out := map[string]int{}
	for k, v := range m {
		out[k] = len(v)
	}
	return out
}

// repetition is the separator of repeated elements, where the syntax has one.
func (s sample) repetition() string {
	switch {
	case s.std == syntax.X12 && s.release >= "005010":
		return "^"
	case s.syntax == "UNOC:4":
		return "*"
	}
	return ""
}

// bad is a value with one defect.
type bad struct{ class, x12, edi, value string }

func wrong(e *grammar.Element, std syntax.Standard) []bad {
	var out []bad
	digit := e.Type == grammar.Number || e.Type == grammar.Decimal
	filler := "A"
	if digit || e.Type == grammar.Date || e.Type == grammar.Time {
		filler = "1"
	}
	if e.Max < 1000 {
		out = append(out, bad{"too long", "5", "39", strings.Repeat(filler, e.Max+1)})
	}
	if e.Min > 1 {
		out = append(out, bad{"too short", "4", "40", strings.Repeat(filler, e.Min-1)})
	}
	switch e.Type {
	case grammar.Number:
		out = append(out, bad{"point in an implied decimal", "6", "37", "1.1"}, bad{"letter in a number", "6", "37", "1X"})
	case grammar.Decimal:
		out = append(out, bad{"letter in a number", "6", "37", strings.Repeat("1", max(1, e.Min-1)) + "X"})
		out = append(out, bad{"two decimal marks", "6", "19", "1.1.1"}, bad{"sign inside of a number", "6", "37", "1-1"}, bad{"blank in a number", "6", "37", "1 1"})
	case grammar.Date:
		if e.Max == 8 && std == syntax.X12 {
			out = append(out, bad{"no date", "8", "12", "20261301"}, bad{"no date", "8", "12", "20260230"}, bad{"no date", "8", "12", "2026010X"})
		}
	case grammar.Time:
		out = append(out, bad{"no time", "9", "12", "2460"}, bad{"no time", "9", "12", "09X5"})
	default:
		if e.Closed() {
			unknown := strings.Repeat("J", e.Max)
			if _, known := e.Codes[unknown]; !known {
				out = append(out, bad{"code outside of its list", "7", "12", unknown})
			}
		} else {
			out = append(out, bad{"control character", "6", "21", strings.Repeat("A", max(0, e.Min-1)) + "\x01"})
		}
	}
	return out
}

// conditional break relational rules, one at a time.
func conditional(s sample) []defect {
	byClass := map[string][]defect{}
	for i, x := range s.body {
		for _, r := range x.def.Rules {
			have := uint64(0)
			for j := range x.def.Elements {
				if x.def.Elements[j].Mandatory {
					have |= 1 << j
				}
			}
			have = lawful(x.def, have)
			all := uint64(0)
			for _, p := range r.Positions {
				all |= 1 << (p - 1)
			}
			firstBit, code, edi := uint64(1)<<(r.Positions[0]-1), "2", "13"
			var lacking int
			switch r.Kind {
			case 'P', 'C', 'L':
				have, lacking = have&^all|firstBit, r.Positions[1]
			case 'R':
				have, lacking = have&^all, r.Positions[0]
			case 'E':
				have, lacking, code, edi = have|all, r.Positions[len(r.Positions)-1], "10", "12"
			}
			if broken(x.def, have) != 1 || missingOf(x.def, have) {
				continue
			}
			out := make([]string, len(x.def.Elements))
			g := generator{set: s.set}
			for j := range x.def.Elements {
				if have&(1<<j) != 0 {
					out[j] = g.value(&x.def.Elements[j])
				}
			}
			class := fmt.Sprintf("condition %c", r.Kind)
			byClass[class] = append(byClass[class], defect{class: class, body: s.change(i, trimmed(out)), x12: "AK403=" + code, edi: edi, tag: x.tag, position: i + 2, element: lacking})
		}
	}
	var out []defect
	for _, class := range sortedKeys(lengths(byClass)) {
		out = append(out, sampled(byClass[class])...)
	}
	return out
}

func broken(def *grammar.Segment, have uint64) int {
	n := 0
	for _, r := range def.Rules {
		if r.Broken(have) {
			n++
		}
	}
	return n
}

func missingOf(def *grammar.Segment, have uint64) bool {
	for j := range def.Elements {
		if def.Elements[j].Mandatory && have&(1<<j) == 0 {
			return true
		}
	}
	return false
}
