package mapping

import (
	"context"
	"io/fs"
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

// Cover measures a mapping file of fsys. It also measures one with errors, which
// come back with it, so that unfinished work can be looked at; its tests then do
// not count. The coverage is nil when there is nothing to measure: the file or a
// schema cannot be read.
func Cover(ctx context.Context, fsys fs.FS, path string) (*Coverage, []Finding) {
	return cover(ctx, fsys, schema.NewCatalog(fsys), path)
}

func cover(ctx context.Context, fsys fs.FS, schemas *schema.Catalog, path string) (*Coverage, []Finding) {
	file, found := readSource(fsys, path)
	if file == nil {
		return nil, found
	}
	c := newCompiler(fsys, schemas, file, found)
	c.compile()
	out := c.sorted()
	if c.src == nil || c.dst == nil {
		return nil, out
	}
	v := &Coverage{Mapping: c.m.name, Version: c.m.version, File: c.m.path, Source: tally(c.sourceFields())}
	t := covering{m: c.m, set: map[string][]Place{}, required: map[string]State{}}
	t.object(c.m.program.Root, c.dst, "")
	v.Required, v.Target = tally(t.requiredFields()), tally(t.targetFields(c.dst))
	var ran map[*program.Rule]bool
	if !failed(out) {
		ran = c.m.exercised(ctx)
	}
	v.Tests = tally(c.m.ruleFields(t.rules, ran))
	return v, out
}

// sourceFields are the values of the source with those who read them.
func (c *compiler) sourceFields() []Field {
	readers := map[string][]Place{}
	for _, w := range c.m.written {
		for _, p := range w.paths {
			readers[p] = append(readers[p], placeOf(w.at))
		}
	}
	var out []Field
	walkValues(c.src, language.NameSrc, func(p string) {
		f := Field{Path: p, State: c.state(p), Element: c.src.Place(strings.TrimPrefix(p, language.NameSrc+"."))}
		f.Rules = append(f.Rules, readers[p]...)
		switch f.State {
		case StateRead:
			if list := strings.TrimSuffix(p, "[]"); list != p {
				f.Rules = append(f.Rules, readers[list]...)
			}
		case StateCopied:
			for w := range c.wholes {
				if newPlaces([]string{w}).cover(p) {
					f.Rules = append(f.Rules, readers[w]...)
				}
			}
		}
		slices.SortFunc(f.Rules, comparePlaces)
		f.Rules = slices.Compact(f.Rules)
		out = append(out, f)
	})
	return out
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

// placeOf is where a rule's expression stands, or the rule.
func (m *Mapping) placeOf(r *program.Rule) Place {
	if w := m.written[r.Expr]; r.Expr != nil && w != nil {
		return placeOf(w.at)
	}
	return placeOf(r.At)
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
		f := Field{Path: p, State: state, Element: t.m.program.Target.Place(p)}
		for set, by := range t.set {
			if within(set, p) {
				f.Rules = append(f.Rules, by...)
			}
		}
		slices.SortFunc(f.Rules, comparePlaces)
		f.Rules = slices.Compact(f.Rules)
		out = append(out, f)
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
			slices.SortFunc(f.Rules, comparePlaces)
			f.Rules = slices.Compact(f.Rules)
		}
		out = append(out, f)
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

// exercised are the rules that the tests of the file make run: whose condition
// holds, and those around them.
func (m *Mapping) exercised(ctx context.Context) map[*program.Rule]bool {
	ran := map[*program.Rule]bool{}
	for i := range m.cases {
		t := &m.cases[i]
		// What comes of it is the business of `map test`.
		_, _ = m.run(ctx, t.input, t.facts(), func(s program.Step) {
			if s.Rule != nil && !s.Declined {
				ran[s.Rule] = true
			}
		})
	}
	return ran
}
