package program

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types/ref"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Expression is one CEL expression, checked, with what the check found out.
type Expression struct {
	Type *cel.Type
	Plan Plan
	// Path is set when the expression is nothing but a path: src.beg.po. Such a
	// value is copied as it stands, digits, null and all.
	Path []string
	Leaf *schema.Schema // of the path's end, nil when unknown
	// Sure tells that the schemas promise a value for the whole path, SureLeaf
	// that they promise its last member.
	Sure, SureLeaf bool
	// Reads are the paths that the expression begins from, for error messages.
	Reads [][]string
	// Personal tells that it reads data about a person.
	Personal bool
	// Tests are the paths that are there when the condition is true: has(path)
	// joined with &&.
	Tests []string
	// AST is the checked expression, and SchemaOf gives the schemas behind its
	// types: what another way to run it is made of.
	AST      *ast.AST
	SchemaOf func(*cel.Type) *schema.Schema
	// Costly expressions can take more steps than the document is large; their
	// cost is counted.
	Costly bool
}

// Plan evaluates an expression.
type Plan interface {
	eval(f *frame) (ref.Val, error)
}

// celPlan runs an expression in cel-go's interpreter.
type celPlan struct{ program cel.Program }

func (p celPlan) eval(f *frame) (ref.Val, error) {
	v, _, err := p.program.Eval(f)
	return v, err
}

// Interpreted is the plan of a program of cel-go.
func Interpreted(p cel.Program) Plan { return celPlan{p} }
