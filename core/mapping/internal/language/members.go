package language

import (
	"regexp"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// MembersByIndex turns x["@id"] into the selection of the member @id, at any
// depth of e. CEL has no other way to write a member whose name is not an
// identifier, such as the attributes and the text of XML, and knows indexes of
// lists and maps only. A map gives the same either way.
func MembersByIndex(e ast.Expr) {
	fac := ast.NewExprFactory()
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != operators.Index {
			return
		}
		args := x.AsCall().Args()
		if args[1].Kind() != ast.LiteralKind {
			return
		}
		if name, is := args[1].AsLiteral().(types.String); is && !plainName.MatchString(string(name)) {
			x.SetKindCase(fac.NewSelect(x.ID(), args[0], string(name)))
		}
	}))
}
