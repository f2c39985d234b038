package expression

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Outcome is what is known of a condition without a document.
type Outcome int8

// Outcomes.
const (
	Unsure Outcome = iota
	Never          // true
	Always         // true
)

func (o Outcome) not() Outcome {
	switch o {
	case Never:
		return Always
	case Always:
		return Never
	}
	return Unsure
}

func outcomeOf(b bool) Outcome {
	if b {
		return Always
	}
	return Never
}

// LeafOf is the schema of the member that e reads; nil when it is computed.
func (r *Reading) LeafOf(e ast.Expr) *schema.Schema {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() {
		return nil
	}
	s := e.AsSelect()
	return r.prov.SchemaOf(r.AST.GetType(s.Operand().ID())).Member(s.FieldName())
}

// Outcome works out a condition as far as literals and schemas say.
func (r *Reading) Outcome(e ast.Expr, sc *Scope) Outcome {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return outcomeOf(bool(b))
		}
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() && r.promised(e, sc) {
			return Always
		}
	case ast.CallKind:
		return r.callOutcome(e.AsCall(), sc)
	}
	return Unsure
}

func (r *Reading) callOutcome(c ast.CallExpr, sc *Scope) Outcome {
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalNot:
		return r.Outcome(args[0], sc).not()
	case operators.LogicalAnd, operators.LogicalOr:
		a, b := r.Outcome(args[0], sc), r.Outcome(args[1], sc)
		decides := Never
		if c.FunctionName() == operators.LogicalOr {
			decides = Always
		}
		switch {
		case a == decides || b == decides:
			return decides
		case a == b:
			return a
		}
	case operators.Equals, operators.NotEquals:
		o := Unsure
		a, b := args[0], args[1]
		switch {
		case a.Kind() == ast.LiteralKind && b.Kind() == ast.LiteralKind:
			o = outcomeOf(a.AsLiteral().Equal(b.AsLiteral()) == types.True)
		default:
			if _, _, impossible := r.Impossible(a, b); impossible {
				o = Never
			}
		}
		if c.FunctionName() == operators.NotEquals {
			o = o.not()
		}
		return o
	case operators.In:
		return r.inOutcome(args[0], args[1])
	}
	return Unsure
}

func (r *Reading) inOutcome(e, list ast.Expr) Outcome {
	if list.Kind() != ast.ListKind {
		return Unsure
	}
	for _, x := range list.AsList().Elements() {
		if _, _, impossible := r.Impossible(e, x); !impossible {
			return Unsure
		}
	}
	return Never
}

// Impossible tells that one side reads a member that has listed codes and the
// other is text that is none of them.
func (r *Reading) Impossible(a, b ast.Expr) (member, text ast.Expr, ok bool) {
	if a.Kind() == ast.LiteralKind {
		a, b = b, a
	}
	if b.Kind() != ast.LiteralKind {
		return nil, nil, false
	}
	s, isText := b.AsLiteral().(types.String)
	codes := r.LeafOf(a).Codes()
	return a, b, isText && codes != nil && !slices.Contains(codes, string(s))
}

// promised tells that the schemas promise every step of has(path).
func (r *Reading) promised(test ast.Expr, sc *Scope) bool {
	s := test.AsSelect()
	path := Chain(s.Operand())
	if path == nil || !sc.Sure[path[0]] || !strings.HasPrefix(sc.Bases[path[0]], language.NameSrc) {
		return false
	}
	// has() is always there only when all steps above are, and these are tested
	// beside it.
	owner := r.prov.SchemaOf(r.AST.GetType(s.Operand().ID()))
	return owner != nil && owner.Required[s.FieldName()] && !owner.Member(s.FieldName()).Resolved().Nullable
}

// String is the outcome in messages.
func (o Outcome) String() string { return [...]string{"open", "never true", "always true"}[o] }
