// Package insight tells people what a checked mapping does: what each field of
// the result is made from, how much of both sides the mapping deals with, what
// every rule did with a document, and where two documents differ.
package insight

import (
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Mapping is what explanations need of a mapping: its rules, and how their
// expressions are written.
type Mapping struct {
	Path    string
	Program *program.Program
	Written map[*program.Expression]*Written
}

// Written is an expression as the file has it: its text, its place, and what it
// reads. Expressions that run have no use for that.
type Written struct {
	Text  string
	At    strictyaml.Pos
	Paths []string // members of src and out, the one that the value stands for among them
	// Path is the member that the value stands for, "" when it is computed.
	Path string
	// Alone tells that the expression is nothing but a path, Whole that its value
	// has members or items.
	Alone, Whole bool
	Names        []*Named
}

// Named is a variable that an expression uses.
type Named struct {
	Name string
	By   string // the key that names it: let, each, with
	Expr *Written
}

// Place is where something stands in a mapping file or in a fragment.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// At is a place of the file reader.
func At(p strictyaml.Pos) Place { return Place{p.File, p.Line, p.Col} }

// placeOf is where a rule's expression stands, or the rule.
func (m *Mapping) placeOf(r *program.Rule) Place {
	if w := m.Written[r.Expr]; r.Expr != nil && w != nil {
		return At(w.At)
	}
	return At(r.At)
}
