package mapping

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"go.yaml.in/yaml/v3"
)

// What a mapping does, told to people.
type (
	// Derivation is how one rule makes a field of the result.
	Derivation = insight.Derivation
	// Origin is a member that a field is made from.
	Origin = insight.Origin
	// Influence is an expression that a field depends on without being its value.
	Influence = insight.Influence
	// Place is where something stands in a mapping file or in a fragment.
	Place = insight.Place
	// Coverage is how much of both sides a mapping deals with.
	Coverage = insight.Coverage
	// Tally counts what is covered of the fields of one side.
	Tally = insight.Tally
	// Field is a value of the source or the target, or a rule.
	Field = insight.Field
	// State is what becomes of a field.
	State = insight.State
	// Step is what one rule, variable or assertion did with a document.
	Step = insight.Step
)

// Outcomes of a step.
const (
	OutcomeValue   = insight.OutcomeValue
	OutcomeDefault = insight.OutcomeDefault // the rule's default took the place of its value
	OutcomeLeftOut = insight.OutcomeLeftOut // there is no value
	OutcomeFailed  = insight.OutcomeFailed  // and the document with it
)

func (m *Mapping) explained() *insight.Mapping {
	return &insight.Mapping{Path: m.path, Program: &m.program, Written: m.written}
}

// Derivations tells for every field of the result, in the order of the rules,
// what makes it.
func (m *Mapping) Derivations() []Derivation { return m.explained().Derivations() }

// DerivationsOf tells what makes a field, or all fields below it. Indexes may be
// written or left out: lines[].sku, lines.sku.
func (m *Mapping) DerivationsOf(target string) ([]Derivation, error) {
	return m.explained().DerivationsOf(target)
}

// DerivationsFrom tells which fields are made from a member of the source
// (src.lines[].unit), or from part of an element of the EDI message behind it
// (PO103, 235=UP).
func (m *Mapping) DerivationsFrom(source string) ([]Derivation, error) {
	return m.explained().DerivationsFrom(source)
}

// Trace maps a document as Map does, and tells what every rule did, in the order
// of the run, up to a failure.
func (m *Mapping) Trace(ctx context.Context, doc []byte, in Input) ([]Step, Output, error) {
	var seen []program.Step
	out, err := m.run(ctx, doc, in, func(s program.Step) { seen = append(seen, s) })
	return m.explained().Steps(seen), out, err
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
	ran := map[*program.Rule]bool{}
	for i := 0; i < len(c.m.cases) && !failed(out); i++ {
		t := &c.m.cases[i]
		// What comes of it is the business of `map test`.
		_, _ = c.m.run(ctx, t.input, t.facts(), func(s program.Step) {
			if s.Rule != nil && !s.Declined {
				ran[s.Rule] = true
			}
		})
	}
	v := &Coverage{Mapping: c.m.name, Version: c.m.version, File: c.m.path}
	v.Source = c.m.explained().Sources(c.used.State, c.used.Whole)
	v.Required, v.Target, v.Tests = c.m.explained().Targets(ran)
	return v, out
}

// note keeps how an expression is written.
func (c *compiler) note(e *program.Expression, r *reading, n *yaml.Node, sc *scope) {
	w := &insight.Written{Text: n.Value, At: sc.file.at(n), Paths: slices.Clone(r.paths), Path: r.result, Alone: e.Path != nil, Whole: whole(e.Type)}
	if w.Path != "" && !slices.Contains(w.Paths, w.Path) {
		w.Paths = append(w.Paths, w.Path)
	}
	slices.Sort(w.Paths)
	w.Paths = slices.DeleteFunc(w.Paths, func(p string) bool {
		// has(a.b) looks at a, too.
		return slices.ContainsFunc(r.paths, func(q string) bool { return strings.HasPrefix(q, p+".") })
	})
	for _, name := range r.names {
		if v := sc.names[name]; v != nil && !slices.Contains(w.Names, v) {
			w.Names = append(w.Names, v)
		}
	}
	c.m.written[e] = w
}

// named returns the scope with a note of how its newest variable came about.
func (c *compiler) named(sc *scope, name, by string, e *program.Expression) *scope {
	if w := c.m.written[e]; e != nil && w != nil {
		sc.names[name] = &insight.Named{Name: name, By: by, Expr: w}
	}
	return sc
}

// whole tells whether a value of the type has members or items.
func whole(t *cel.Type) bool {
	k := plainType(t).Kind()
	return k == cel.StructKind || k == cel.ListKind || k == cel.MapKind || k == cel.DynKind
}
