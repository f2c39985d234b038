package program

import (
	"cel.dev/cel-go/cel"
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
}

// Plan evaluates an expression. The first implementation is cel-go's
// interpreter; whatever replaces it must give the same values and errors.
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
