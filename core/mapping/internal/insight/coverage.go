package insight

import (
	"math"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Coverage is how much of both sides a mapping deals with.
type Coverage struct {
	Mapping string `json:"mapping"`
	Version string `json:"version"`
	File    string `json:"file"`
	// Required are the members that the target requires in the objects that the
	// mapping writes.
	Required Tally `json:"required"`
	// Target are all values of the target, Source all of the source. A schema that
	// leaves members open has no more than those that rules name.
	Target Tally `json:"target"`
	Source Tally `json:"source"`
	// Tests are the rules that make values, covered when a test of the file makes
	// them run.
	Tests Tally `json:"tests"`
}

// Tally counts what is covered of the fields of one side.
type Tally struct {
	Covered int     `json:"covered"`
	Total   int     `json:"total"`
	Percent float64 `json:"percent"`
	Fields  []Field `json:"fields,omitempty"`
}

// Field is a value of the source or the target, or a rule.
type Field struct {
	Path  string `json:"path"`
	State State  `json:"state"`
	// Element is where it stands in an EDI message (x-edi).
	Element string `json:"element,omitempty"`
	// Rules are those that set or read it.
	Rules []Place `json:"rules,omitempty"`
}

// State is what becomes of a field.
type State string

// States. The last three are not covered.
const (
	StateRead    State = "read"
	StateCopied  State = "copied"  // within an object or a list that is copied as a whole
	StateIgnored State = "ignored" // listed under `ignore`
	StateSet     State = "set"
	StateRun     State = "run" // by a test
	StateUnread  State = "unread"
	StateUnset   State = "unset"
	StateNotRun  State = "not run"
)

// Covered tells whether the state counts as covered.
func (s State) Covered() bool { return s != StateUnread && s != StateUnset && s != StateNotRun }

// Missing lists the fields that are not covered.
func (t Tally) Missing() []string {
	var out []string
	for _, f := range t.Fields {
		if !f.State.Covered() {
			out = append(out, f.Path)
		}
	}
	return out
}

func tally(fields []Field) Tally {
	t := Tally{Total: len(fields), Percent: 100, Fields: fields}
	for _, f := range fields {
		if f.State.Covered() {
			t.Covered++
		}
	}
	if t.Covered < t.Total {
		// Rounded down, so that 100 means all.
		t.Percent = math.Floor(float64(t.Covered)/float64(t.Total)*1000) / 10
	}
	return t
}

// Sources counts the values of the source.
func (m *Mapping) Sources(use Use) Tally {
	readers := map[string][]Place{}
	for _, w := range m.Written {
		for _, p := range w.Paths {
			readers[p] = append(readers[p], At(w.At))
		}
	}
	src := m.Program.Source
	var out []Field
	walkValues(src, language.NameSrc, func(p string) {
		f := Field{Path: p, State: use.State(p), Element: src.Place(strings.TrimPrefix(p, language.NameSrc+"."))}
		f.Rules = append(f.Rules, readers[p]...)
		switch f.State {
		case StateRead:
			if list := strings.TrimSuffix(p, "[]"); list != p {
				f.Rules = append(f.Rules, readers[list]...)
			}
		case StateCopied:
			for w := range use.Whole {
				if within(p, w) {
					f.Rules = append(f.Rules, readers[w]...)
				}
			}
		}
		out = append(out, f.sorted())
	})
	return tally(out)
}

// Targets counts the required members and the values of the target, and the rules
// that make values. ran are those that a test made run.
func (m *Mapping) Targets(ran map[*program.Rule]bool) (required, target, rules Tally) {
	t := covering{m: m, set: map[string][]Place{}, required: map[string]State{}}
	t.object(m.Program.Root, m.Program.Target, "")
	return tally(t.requiredFields()), tally(t.targetFields(m.Program.Target)), tally(m.ruleFields(t.rules, ran))
}

// sorted puts the places of a field's rules in order.
func (f Field) sorted() Field {
	slices.SortFunc(f.Rules, comparePlaces)
	f.Rules = slices.Compact(f.Rules)
	return f
}

func comparePlaces(a, b Place) int {
	if a.File != b.File {
		return strings.Compare(a.File, b.File)
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Col - b.Col
}

// walkValues calls f with the path of every value that is no object or list.
func walkValues(s *schema.Schema, name string, f func(path string)) {
	s.Walk(name, func(p string, leaf bool) {
		if leaf && p != name {
			f(p)
		}
	})
}

// covering finds what rules set.
type covering struct {
	m        *Mapping
	set      map[string][]Place
	required map[string]State
	rules    []*program.Rule
}

// object looks at the rules of an object's members and at what it requires.
func (t *covering) object(r *program.Rule, s *schema.Schema, path string) {
	s = s.Resolved()
	keys := map[string]bool{}
	if r != nil {
		for _, c := range r.Children {
			keys[c.Key] = true
			t.rule(c)
		}
	}
	if s == nil {
		return
	}
	for name := range s.Required {
		p := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case !keys[name]:
			// One place that does not set it is enough.
			t.required[p] = StateUnset
		case t.required[p] == "":
			t.required[p] = StateSet
		}
	}
}

func (t *covering) rule(r *program.Rule) {
	if r == nil {
		return
	}
	switch r.Kind {
	case program.Object:
		t.object(r, r.Schema, r.Target)
		return
	case program.List:
		for _, c := range r.Children {
			t.rule(c)
		}
		return
	case program.Each:
		t.rule(r.Item)
		return
	}
	t.rules = append(t.rules, r)
	at := t.m.placeOf(r)
	add := func(p string) { t.set[p] = append(t.set[p], at) }
	switch {
	case r.Constant != nil:
		constantValues(r.Constant, r.Target, add)
	case composed(r.Schema):
		// What is copied brings what its own schema has, or anything.
		var from *schema.Schema
		if r.Expr != nil {
			from = r.Expr.Leaf
		}
		walkValues(r.Schema, r.Target, func(p string) {
			if rest, ok := beyond(p, r.Target); from == nil || ok && from.At(rest) != nil {
				add(p)
			}
		})
	default:
		add(r.Target)
	}
}

func composed(s *schema.Schema) bool {
	s = s.Resolved()
	return s != nil && (s.Kind == schema.Object || s.Kind == schema.List)
}

func constantValues(n *document.Node, path string, add func(string)) {
	switch n.Kind {
	case document.Object:
		for i, k := range n.Keys {
			constantValues(n.Kids[i], path+"."+k, add)
		}
	case document.List:
		for _, k := range n.Kids {
			constantValues(k, path+"[]", add)
		}
	default:
		add(path)
	}
}

func (t *covering) requiredFields() []Field {
	out := make([]Field, 0, len(t.required))
	for p, state := range t.required {
		f := Field{Path: p, State: state, Element: t.m.Program.Target.Place(p)}
		for set, by := range t.set {
			if within(set, p) {
				f.Rules = append(f.Rules, by...)
			}
		}
		out = append(out, f.sorted())
	}
	slices.SortFunc(out, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// targetFields are the values of the target with the rules that set them, those
// that only rules know included.
func (t *covering) targetFields(dst *schema.Schema) []Field {
	var out []Field
	add := func(p string) {
		f := Field{Path: p, State: StateUnset, Element: dst.Place(p), Rules: t.set[p]}
		if len(f.Rules) > 0 {
			f.State = StateSet
		}
		out = append(out, f.sorted())
	}
	known := map[string]bool{}
	walkValues(dst, "", func(p string) {
		p = strings.TrimPrefix(p, ".")
		known[p] = true
		add(p)
	})
	var more []string
	for p := range t.set {
		if !known[p] {
			more = append(more, p)
		}
	}
	slices.Sort(more)
	for _, p := range more {
		add(p)
	}
	return out
}

// ruleFields are the rules that make values. ran are those that a test made run.
func (m *Mapping) ruleFields(rules []*program.Rule, ran map[*program.Rule]bool) []Field {
	var out []Field
	for _, r := range rules {
		f := Field{Path: r.Target, State: StateNotRun, Rules: []Place{m.placeOf(r)}}
		if ran[r] {
			f.State = StateRun
		}
		out = append(out, f)
	}
	return out
}
