package insight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Derivation is how one rule makes a field of the result.
type Derivation struct {
	// Target is the field: lines[].uom.
	Target string `json:"target"`
	// Element is where the field stands in an EDI message, as the target's schema
	// tells (x-edi): PO103 (355).
	Element string `json:"element,omitempty"`
	Place
	// Expression is what the rule computes, as it is written; a list's is what
	// `each` goes through. Constant is JSON, of a rule without an expression.
	Expression string `json:"expression,omitempty"`
	Constant   string `json:"constant,omitempty"`
	// Default is JSON: what takes the place of a missing value.
	Default  string `json:"default,omitempty"`
	Codelist string `json:"codelist,omitempty"`
	Lookup   string `json:"lookup,omitempty"`
	// Sources are the members that the expression reads.
	Sources []Origin `json:"sources,omitempty"`
	// Through are the conditions and the computed variables that have a say.
	Through []Influence `json:"through,omitempty"`

	copied string // the member that is copied with all that lies in it
}

// Origin is a member that a field is made from.
type Origin struct {
	// Path is a member of the source (src.lines[].unit) or, with From, of the
	// result (out.lines[].lineTotal).
	Path string `json:"path"`
	// Element is where the member stands in an EDI message, as the source's schema
	// tells (x-edi): PO103 (355), or "PO1 235=UP → 234".
	Element string `json:"element,omitempty"`
	// From are the rules that make a member of the result.
	From []Derivation `json:"from,omitempty"`
}

// Influence is an expression that a field depends on without being its value.
type Influence struct {
	// By is the key of the expression: when, let, each or with.
	By string `json:"by"`
	// Name is the variable's; empty for a condition.
	Name string `json:"name,omitempty"`
	Place
	Expression string   `json:"expression"`
	Sources    []Origin `json:"sources,omitempty"`
}

// Derivations tells for every field of the result, in the order of the rules,
// what makes it.
func (m *Mapping) Derivations() []Derivation {
	t := tracing{m: m}
	t.rule(m.Program.Root, nil)
	t.follow()
	return t.out
}

// DerivationsOf tells what makes a field, or all fields below it. Indexes may be
// written or left out: lines[].sku, lines.sku. What lies in a member that is
// copied as a whole comes from the same place in the source.
func (m *Mapping) DerivationsOf(target string) ([]Derivation, error) {
	var out []Derivation
	all := m.Derivations()
	for _, d := range all {
		if within(d.Target, target) {
			out = append(out, d)
		} else if rest, ok := beyond(target, d.Target); ok && d.copied != "" {
			d.Target += rest
			d.Element = m.Program.Target.Place(d.Target)
			d.Sources = []Origin{m.origin(d.copied + rest)}
			out = append(out, d)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if m.Program.Target.At(target) != nil {
		return nil, fmt.Errorf("no rule of %s sets %s", m.Path, target)
	}
	return nil, fmt.Errorf("the target of %s has no field %q%s", m.Path, target, meant(target, func(add func(string)) {
		m.Program.Target.Walk("", func(p string, _ bool) {
			if p != "" { // the document itself
				add(strings.TrimPrefix(p, "."))
			}
		})
	}))
}

// DerivationsFrom tells which fields are made from a member of the source, or
// from what lies in it: src.lines[].unit. What does not begin with src is part
// of an element of the EDI message behind the source: PO103, 235=UP. Fields that
// are made from such fields belong to them.
func (m *Mapping) DerivationsFrom(source string) ([]Derivation, error) {
	var out []Derivation
	for _, d := range m.Derivations() {
		if d.reads(source) {
			out = append(out, d)
		}
	}
	names := schema.PathNames(source)
	switch {
	case len(out) > 0:
		return out, nil
	case !isSource(source):
		return nil, fmt.Errorf("no rule of %s reads an element %q; write a member of the source with src. before it, or an element as the source's schema names it", m.Path, source)
	case m.Program.Source.At(strings.Join(names[1:], ".")) != nil:
		return nil, fmt.Errorf("no rule of %s reads %s", m.Path, source)
	}
	return nil, fmt.Errorf("the source of %s has no %s%s", m.Path, source, meant(source, func(add func(string)) {
		m.Program.Source.Walk(language.NameSrc, func(p string, _ bool) { add(p) })
	}))
}

func meant(path string, all func(add func(string))) string {
	var known []string
	all(func(p string) { known = append(known, p) })
	if hint := strictyaml.DidYouMean(path, known); hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

func (d *Derivation) reads(source string) bool {
	if d.copied != "" && within(source, d.copied) {
		return true
	}
	return fromAny(d.Sources, source) || slices.ContainsFunc(d.Through, func(i Influence) bool { return fromAny(i.Sources, source) })
}

func fromAny(all []Origin, source string) bool {
	return slices.ContainsFunc(all, func(o Origin) bool {
		if isSource(source) && within(o.Path, source) || !isSource(source) && strings.Contains(o.Element, source) {
			return true
		}
		return slices.ContainsFunc(o.From, func(d Derivation) bool { return d.reads(source) })
	})
}

func isSource(path string) bool {
	names := schema.PathNames(path)
	return len(names) > 0 && names[0] == language.NameSrc
}

// within tells whether path is, or lies below, another one. Indexes do not count.
func within(path, of string) bool {
	_, ok := beyond(path, of)
	return ok
}

// beyond is what path has behind the members of another one, ".sku".
func beyond(path, of string) (string, bool) {
	p, o := schema.PathNames(path), schema.PathNames(of)
	if len(o) > len(p) || !slices.Equal(p[:len(o)], o) {
		return "", false
	}
	if len(p) == len(o) {
		return "", true
	}
	return "." + strings.Join(p[len(o):], "."), true
}

// tracing walks the rules with the conditions around them.
type tracing struct {
	m   *Mapping
	out []Derivation
}

func (t *tracing) rule(r *program.Rule, around []*Named) {
	if r == nil {
		return
	}
	if w := t.m.Written[r.When]; r.When != nil && w != nil {
		around = append(slices.Clip(around), &Named{By: "when", Expr: w})
	}
	d := Derivation{Target: r.Target, Element: t.m.Program.Target.Place(r.Target), Place: At(r.At)}
	d.Through = t.influences(around)
	switch r.Kind {
	case program.Object, program.List:
		for _, c := range r.Children {
			t.rule(c, around)
		}
		return
	case program.Each:
		t.computed(&d, r, around)
		t.out = append(t.out, d)
		if w := t.m.Written[r.Expr]; r.Expr != nil && w != nil {
			around = append(slices.Clip(around), &Named{Name: r.As, By: "each", Expr: w})
		}
		t.rule(r.Item, around)
		return
	}
	if r.Constant != nil {
		d.Constant = string(r.Constant.AppendJSON(nil))
	}
	t.computed(&d, r, around)
	if r.Fallback != nil {
		d.Default = string(r.Fallback.AppendJSON(nil))
	}
	if r.Codes != nil {
		d.Codelist = r.Codes.Name
	}
	if r.Lookup != nil {
		d.Lookup = r.Lookup.Name
	}
	t.out = append(t.out, d)
}

// computed adds what the rule's expression says.
func (t *tracing) computed(d *Derivation, r *program.Rule, around []*Named) {
	w := t.m.Written[r.Expr]
	if r.Expr == nil || w == nil {
		return
	}
	d.Place, d.Expression = At(w.At), w.Text
	for _, p := range w.Paths {
		d.Sources = append(d.Sources, t.m.origin(p))
	}
	if r.Kind == program.Value && w.Whole {
		d.copied = w.Path
	}
	d.Through = t.influences(slices.Concat(around, w.Names))
}

// influences tells about conditions and variables, with the variables that those
// use. A variable that only stands for a path says nothing new.
func (t *tracing) influences(all []*Named) []Influence {
	var out []Influence
	seen := map[*Written]bool{}
	var add func(v *Named)
	add = func(v *Named) {
		if seen[v.Expr] {
			return
		}
		seen[v.Expr] = true
		for _, w := range v.Expr.Names {
			add(w)
		}
		if v.By != "when" && v.Expr.Alone {
			return
		}
		i := Influence{By: v.By, Name: v.Name, Place: At(v.Expr.At), Expression: v.Expr.Text}
		for _, p := range v.Expr.Paths {
			i.Sources = append(i.Sources, t.m.origin(p))
		}
		out = append(out, i)
	}
	for _, v := range all {
		add(v)
	}
	return out
}

// origin tells where a member of src stands in the message behind it.
func (m *Mapping) origin(path string) Origin {
	o := Origin{Path: path}
	if rest, ok := strings.CutPrefix(path, language.NameSrc+"."); ok {
		o.Element = m.Program.Source.Place(rest)
	}
	return o
}

// follow adds the rules behind members of the result that other rules read.
// Rules read only what earlier ones made, so one pass in their order is enough.
func (t *tracing) follow() {
	for i := range t.out {
		d := &t.out[i]
		t.behind(d.Sources, t.out[:i])
		for k := range d.Through {
			t.behind(d.Through[k].Sources, t.out[:i])
		}
	}
}

func (t *tracing) behind(sources []Origin, earlier []Derivation) {
	for i := range sources {
		made, ok := strings.CutPrefix(sources[i].Path, language.NameOut+".")
		if !ok {
			continue
		}
		for _, d := range earlier {
			if within(d.Target, made) {
				sources[i].From = append(sources[i].From, d)
			}
		}
	}
}

// Lineage tells for every field of the result from which members of the source
// it is computed.
func (m *Mapping) Lineage() map[string][]string {
	out := map[string][]string{}
	for _, d := range m.Derivations() {
		for _, o := range d.Sources {
			if !slices.Contains(out[d.Target], o.Path) {
				out[d.Target] = append(out[d.Target], o.Path)
			}
		}
		slices.Sort(out[d.Target])
	}
	return out
}
