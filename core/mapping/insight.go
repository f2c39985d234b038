package mapping

import (
	"context"
	"io/fs"

	"github.com/crossdock/crossdock/core/mapping/internal/check"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
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

// Derivations tells for every field of the result, in the order of the rules,
// what makes it.
func (m *Mapping) Derivations() []Derivation { return m.checked.Explained().Derivations() }

// DerivationsOf tells what makes a field, or all fields below it. Indexes may be
// written or left out: lines[].sku, lines.sku.
func (m *Mapping) DerivationsOf(target string) ([]Derivation, error) {
	return m.checked.Explained().DerivationsOf(target)
}

// DerivationsFrom tells which fields are made from a member of the source
// (src.lines[].unit), or from part of an element of the EDI message behind it
// (PO103, 235=UP).
func (m *Mapping) DerivationsFrom(source string) ([]Derivation, error) {
	return m.checked.Explained().DerivationsFrom(source)
}

// Trace maps a document as Map does, and tells what every rule did, in the order
// of the run, up to a failure.
func (m *Mapping) Trace(ctx context.Context, doc []byte, in Input) ([]Step, Output, error) {
	var seen []program.Step
	out, err := m.run(ctx, doc, in, func(s program.Step) { seen = append(seen, s) })
	return m.checked.Explained().Steps(seen), out, err
}

// Cover measures a mapping file of fsys. It also measures one with errors, which
// come back with it, so that unfinished work can be looked at; its tests then do
// not count. The coverage is nil when there is nothing to measure: the file or a
// schema cannot be read.
func Cover(ctx context.Context, fsys fs.FS, path string) (*Coverage, []Finding) {
	return cover(ctx, fsys, schema.NewCatalog(fsys), path)
}

func cover(ctx context.Context, fsys fs.FS, schemas *schema.Catalog, path string) (*Coverage, []Finding) {
	checked, found := check.File(fsys, schemas, path)
	if checked == nil || checked.Program.Source == nil || checked.Program.Target == nil {
		return nil, found
	}
	m := &Mapping{checked: checked}
	ran := map[*program.Rule]bool{}
	for i := 0; i < len(checked.Cases) && !check.Failed(found); i++ {
		t := checked.Cases[i]
		// What comes of it is the business of `map test`.
		_, _ = m.run(ctx, t.Input, facts(t), func(s program.Step) {
			if s.Rule != nil && !s.Declined {
				ran[s.Rule] = true
			}
		})
	}
	v := &Coverage{Mapping: checked.Name, Version: checked.Version, File: checked.Path}
	v.Source = checked.Explained().Sources(checked.Use)
	v.Required, v.Target, v.Tests = checked.Explained().Targets(ran)
	return v, found
}
