package check

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// This file finds conditions whose outcome the schemas know already, and so the
// rules that never run. These are warnings: source documents are not validated,
// so what their schema excludes may still arrive.

// place is where a part of an expression stands in the file.
func place(r *expression.Reading, e ast.Expr, n *yaml.Node, sc *scope) strictyaml.Pos {
	at, ok := r.AST.SourceInfo().GetOffsetRange(e.ID())
	if !ok {
		return sc.file.At(n)
	}
	return sc.file.Inside(n, int(at.Start))
}

// comparisons reports every comparison, anywhere in the expression, of a member
// with a code that it cannot have, and every choice that is none.
func (c *compiler) comparisons(r *expression.Reading, n *yaml.Node, sc *scope, target string) {
	steps := map[int64]bool{} // of filter(), which are choices too, but nobody wrote them
	ast.PreOrderVisit(r.AST.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			steps[e.AsComprehension().LoopStep().ID()] = true
		}
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.Equals, operators.NotEquals:
			c.compared(r, call.Args()[0], call.Args()[1], n, sc, target)
		case operators.In:
			if list := call.Args()[1]; list.Kind() == ast.ListKind {
				for _, x := range list.AsList().Elements() {
					c.compared(r, call.Args()[0], x, n, sc, target)
				}
			}
		case operators.Conditional:
			cond := call.Args()[0]
			if o := r.Outcome(cond, &sc.Scope); o != expression.Unsure && !steps[e.ID()] {
				dead := map[expression.Outcome]string{expression.Never: "second", expression.Always: "third"}[o]
				c.report(place(r, cond, n, sc), finding.SeverityWarning, finding.CodeUnreachable, "leave the choice out, or mend its condition",
					"%s: the condition is %s, so the %s part of the choice is never taken", target, o, dead)
			}
		}
	}))
}

func (c *compiler) compared(r *expression.Reading, a, b ast.Expr, n *yaml.Node, sc *scope, target string) {
	member, text, impossible := r.Impossible(a, b)
	if !impossible {
		return
	}
	code := string(text.AsLiteral().(types.String))
	c.report(place(r, text, n, sc), finding.SeverityWarning, finding.CodeUnreachable, near(code, r.LeafOf(member).Codes()),
		"%s: the source never has %q in %s", target, code, memberName(member))
}

// memberName is a member as it is written, for messages.
func memberName(e ast.Expr) string {
	if p := expression.Chain(e); p != nil {
		return strings.Join(p, ".")
	}
	return e.AsSelect().FieldName()
}

// decided warns about a `when` whose outcome is known.
func (c *compiler) decided(r *expression.Reading, w, rule *yaml.Node, sc *scope, target string) {
	switch r.Outcome(r.AST.Expr(), &sc.Scope) {
	case expression.Never:
		c.report(sc.file.At(w), finding.SeverityWarning, finding.CodeUnreachable, "mend the condition, or leave the rule out", "%s: the rule never runs, since its `when` is never true", target)
	case expression.Always:
		if d := source.Child(rule, "default"); d != nil && source.Child(rule, "onError") == nil {
			c.report(sc.file.At(d), finding.SeverityWarning, finding.CodeUnreachable, "leave out `when` and `default`", "%s: the default is never taken, since the `when` above is always true", target)
			return
		}
		c.report(sc.file.At(w), finding.SeverityWarning, finding.CodeUnreachable, "leave it out", "%s: the `when` is always true", target)
	}
}

// choices are the literals that an expression can give: itself, or the parts of
// its choices.
func choices(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.LiteralKind:
		return []ast.Expr{e}
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.Conditional {
			return append(choices(c.Args()[1]), choices(c.Args()[2])...)
		}
	}
	return nil
}

// refused compares what an expression is known to give with the target: fixed
// text in its choices, and the codes of the member that it copies.
func (c *compiler) refused(r *expression.Reading, n *yaml.Node, rule *program.Rule, sc *scope) {
	for _, e := range choices(r.AST.Expr()) {
		s, ok := e.AsLiteral().(types.String)
		if !ok || s == "" && c.emptyIsNoValue(rule) {
			continue
		}
		if p := rule.Schema.Refuses(document.NewText(string(s))); p != "" {
			c.fail(place(r, e, n, sc), finding.CodeValue, "", "%s %s, the expression gives %q", rule.Target, p, string(s))
		}
	}
	allowed := rule.Schema.Codes()
	if allowed == nil {
		return
	}
	var outside []string
	for _, code := range r.LeafOf(r.AST.Expr()).Codes() {
		if !slices.Contains(allowed, code) {
			outside = append(outside, fmt.Sprintf("%q", code))
		}
	}
	if len(outside) > 0 {
		c.report(sc.file.At(n), finding.SeverityWarning, finding.CodeValue, "translate it with `map`", "%s does not take %s, which %s may be", rule.Target, finding.Listed(outside), memberName(r.AST.Expr()))
	}
}

// emptyIsNoValue tells that an empty text never reaches the target, by what the
// rule or the settings say of it.
func (c *compiler) emptyIsNoValue(r *program.Rule) bool {
	empty := r.Empty
	if empty == program.EmptyInherit {
		empty = c.m.Program.Empty
	}
	return empty == program.EmptyMissing || empty == program.EmptyNull
}
