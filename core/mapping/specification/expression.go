package specification

import (
	"maps"
	"slices"
	"strconv"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// grammar reads expressions without knowing any types. Without macros an
// expression stays as it is written, so that it can be written again.
var grammar = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewCustomEnv(cel.OptionalTypes(), cel.ClearMacros())
})

var nodes = ast.NewExprFactory()

func ident(name string) ast.Expr { return nodes.NewIdent(0, name) }

// binding is what a name stands for.
type binding struct {
	same  ast.Expr // what it is replaced by
	path  string   // the member of the source that it is, if it is one
	reads []string // what is read when it is used
	shown ast.Expr // what people see in its place, if they do not see the name
}

// scope is the names that an expression may use.
type scope struct{ names map[string]binding }

func (s scope) with(name string, b binding) scope {
	next := scope{maps.Clone(s.names)}
	if next.names == nil {
		next.names = map[string]binding{}
	}
	next.names[name] = b
	return next
}

// expression is a text that was read.
type expression struct {
	text  Text
	expr  ast.Expr // of text.Same
	shown ast.Expr // of text.Shown
	path  string
	reads []string
}

// read brings an expression into the form in which spaces, quotes and the names
// of loop variables make no difference. What cannot be read stays as it is.
func (s scope) read(text string) expression {
	plain := expression{text: Text{text, text}, expr: ident(text), shown: ident(text)}
	env, err := grammar()
	if err != nil {
		return plain
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return plain
	}
	tree := parsed.NativeRep()
	out := expression{text: plain.text}
	reads := map[string]bool{}
	out.path = s.paths(tree.Expr(), reads, true)
	out.reads = slices.Sorted(maps.Keys(reads))
	shown := scope{}
	for name, b := range s.names {
		if b.shown != nil {
			shown = shown.with(name, binding{same: b.shown})
		}
	}
	out.shown = shown.replaced(tree.Expr(), 0, false)
	if len(shown.names) > 0 {
		if t, err := cel.ExprToString(out.shown, tree.SourceInfo()); err == nil {
			out.text.Shown = t
		}
	}
	out.expr = s.replaced(tree.Expr(), 0, true)
	if t, err := cel.ExprToString(out.expr, tree.SourceInfo()); err == nil {
		out.text.Same = t
	}
	return out
}

// loops are the functions that give each item of a list a name.
var loops = []string{"first", "filter", "map", "exists", "all", "exists_one", "existsOne"}

// variable returns the name that a call gives to items.
func variable(e ast.Expr) string {
	if e.Kind() != ast.CallKind || !e.AsCall().IsMemberFunction() || len(e.AsCall().Args()) < 2 || !slices.Contains(loops, e.AsCall().FunctionName()) {
		return ""
	}
	if v := e.AsCall().Args()[0]; v.Kind() == ast.IdentKind {
		return v.AsIdent()
	}
	return ""
}

// replaced copies an expression with its names replaced; rename gives loop
// variables inside of the expression the names of their depth, too.
func (s scope) replaced(e ast.Expr, depth int, rename bool) ast.Expr {
	switch e.Kind() {
	case ast.IdentKind:
		if b, ok := s.names[e.AsIdent()]; ok && b.same != nil {
			return nodes.CopyExpr(b.same)
		}
	case ast.SelectKind:
		sel := e.AsSelect()
		operand := s.replaced(sel.Operand(), depth, rename)
		if sel.IsTestOnly() {
			return nodes.NewPresenceTest(e.ID(), operand, sel.FieldName())
		}
		return nodes.NewSelect(e.ID(), operand, sel.FieldName())
	case ast.CallKind:
		call := e.AsCall()
		inner := s
		if v := variable(e); v != "" {
			depth++
			to := v
			if rename {
				to = "_" + strconv.Itoa(depth)
			}
			inner = s.with(v, binding{same: ident(to)})
		}
		args := make([]ast.Expr, len(call.Args()))
		for i, a := range call.Args() {
			args[i] = inner.replaced(a, depth, rename)
		}
		if call.IsMemberFunction() {
			return nodes.NewMemberCall(e.ID(), call.FunctionName(), s.replaced(call.Target(), depth, rename), args...)
		}
		return nodes.NewCall(e.ID(), call.FunctionName(), args...)
	case ast.ListKind:
		l := e.AsList()
		var elements []ast.Expr
		for _, x := range l.Elements() {
			elements = append(elements, s.replaced(x, depth, rename))
		}
		return nodes.NewList(e.ID(), elements, l.OptionalIndices())
	}
	return nodes.CopyExpr(e)
}

// paths collects the members of the source that an expression reads, and
// returns the one that it is. whole tells that the value itself is used.
func (s scope) paths(e ast.Expr, reads map[string]bool, whole bool) string {
	path := ""
	switch e.Kind() {
	case ast.IdentKind:
		if b, ok := s.names[e.AsIdent()]; ok {
			path = b.path
			if path == "" {
				for _, r := range b.reads {
					reads[r] = true
				}
			}
		} else if e.AsIdent() == "src" {
			path = "src"
		}
	case ast.SelectKind:
		path = suffixed(s.paths(e.AsSelect().Operand(), reads, false), "."+e.AsSelect().FieldName())
	case ast.CallKind:
		path = s.called(e, reads)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			s.paths(x, reads, true)
		}
	}
	if whole && path != "" {
		reads[path] = true
	}
	return path
}

func (s scope) called(e ast.Expr, reads map[string]bool) string {
	call := e.AsCall()
	args := call.Args()
	name := call.FunctionName()
	if (name == "_[_]" || name == "_?._") && len(args) == 2 {
		list := s.paths(args[0], reads, false)
		if name == "_?._" && args[1].Kind() == ast.LiteralKind {
			field, _ := args[1].AsLiteral().Value().(string)
			return suffixed(list, "."+field)
		}
		s.paths(args[1], reads, true)
		if args[1].Kind() == ast.LiteralKind {
			if key, ok := args[1].AsLiteral().Value().(string); ok {
				return suffixed(list, "."+key)
			}
		}
		return suffixed(list, "[]")
	}
	list, v := "", variable(e)
	if call.IsMemberFunction() {
		list = s.paths(call.Target(), reads, v == "" && name != "first")
	}
	if v != "" {
		s, args = s.with(v, binding{path: suffixed(list, "[]")}), args[1:]
	}
	for _, a := range args {
		s.paths(a, reads, true)
	}
	switch name {
	case "first":
		return suffixed(list, "[]")
	case "filter":
		return list
	}
	return ""
}
