package mapping

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"
)

// expression is one CEL expression, checked.
type expression struct {
	typ  *cel.Type
	plan plan
	// path is set when the expression is nothing but a path: src.beg.po. Such a
	// value is copied as it stands, digits, null and all.
	path []string
	leaf *Schema // of the path's end, nil when unknown
	// sure tells that the schemas promise a value for the whole path, sureLeaf
	// that they promise its last member.
	sure, sureLeaf bool
	// reads are the paths that the expression begins from, for error messages.
	reads    [][]string
	personal bool
	// tests are the paths that are there when the condition is true: has(path)
	// joined with &&.
	tests []string
}

// plan evaluates an expression. The first implementation is cel-go's
// interpreter; whatever replaces it must give the same values and errors.
type plan interface {
	eval(f *frame) (ref.Val, error)
}

// celPlan runs an expression in cel-go's interpreter.
type celPlan struct{ program cel.Program }

func (p celPlan) eval(f *frame) (ref.Val, error) {
	v, _, err := p.program.Eval(f)
	return v, err
}
