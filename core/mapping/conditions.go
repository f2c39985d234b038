package mapping

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// This file finds conditions whose outcome the schemas know already, and so the
// rules that never run. These are warnings: source documents are not validated,
// so what their schema excludes may still arrive.

// outcome is what is known of a condition without a document.
type outcome int8

const (
	unsure outcome = iota
	never
	always
)

func (o outcome) not() outcome {
	switch o {
	case never:
		return always
	case always:
		return never
	}
	return unsure
}

func outcomeOf(b bool) outcome {
	if b {
		return always
	}
	return never
}

// leafOf is the schema of the member that e reads; nil when it is computed.
func (r *reading) leafOf(e ast.Expr) *schema.Schema {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() {
		return nil
	}
	s := e.AsSelect()
	return r.prov.SchemaOf(r.ast.GetType(s.Operand().ID())).Member(s.FieldName())
}

// outcome works out a condition as far as literals and schemas say.
func (r *reading) outcome(e ast.Expr, sc *scope) outcome {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return outcomeOf(bool(b))
		}
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() && r.promised(e, sc) {
			return always
		}
	case ast.CallKind:
		return r.callOutcome(e.AsCall(), sc)
	}
	return unsure
}

func (r *reading) callOutcome(c ast.CallExpr, sc *scope) outcome {
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalNot:
		return r.outcome(args[0], sc).not()
	case operators.LogicalAnd, operators.LogicalOr:
		a, b := r.outcome(args[0], sc), r.outcome(args[1], sc)
		decides := never
		if c.FunctionName() == operators.LogicalOr {
			decides = always
		}
		switch {
		case a == decides || b == decides:
			return decides
		case a == b:
			return a
		}
	case operators.Equals, operators.NotEquals:
		o := unsure
		a, b := args[0], args[1]
		switch {
		case a.Kind() == ast.LiteralKind && b.Kind() == ast.LiteralKind:
			o = outcomeOf(a.AsLiteral().Equal(b.AsLiteral()) == types.True)
		default:
			if _, _, impossible := r.impossible(a, b); impossible {
				o = never
			}
		}
		if c.FunctionName() == operators.NotEquals {
			o = o.not()
		}
		return o
	case operators.In:
		return r.inOutcome(args[0], args[1])
	}
	return unsure
}

func (r *reading) inOutcome(e, list ast.Expr) outcome {
	if list.Kind() != ast.ListKind {
		return unsure
	}
	for _, x := range list.AsList().Elements() {
		if _, _, impossible := r.impossible(e, x); !impossible {
			return unsure
		}
	}
	return never
}

// impossible tells that one side reads a member that has listed codes and the
// other is text that is none of them.
func (r *reading) impossible(a, b ast.Expr) (member, text ast.Expr, ok bool) {
	if a.Kind() == ast.LiteralKind {
		a, b = b, a
	}
	if b.Kind() != ast.LiteralKind {
		return nil, nil, false
	}
	s, isText := b.AsLiteral().(types.String)
	codes := r.leafOf(a).Codes()
	return a, b, isText && codes != nil && !slices.Contains(codes, string(s))
}

// promised tells that the schemas promise every step of has(path).
func (r *reading) promised(test ast.Expr, sc *scope) bool {
	s := test.AsSelect()
	path := chain(s.Operand())
	if path == nil || !sc.sure[path[0]] || !strings.HasPrefix(sc.bases[path[0]], language.NameSrc) {
		return false
	}
	// has() is always there only when all steps above are, and these are tested
	// beside it.
	owner := r.prov.SchemaOf(r.ast.GetType(s.Operand().ID()))
	return owner != nil && owner.Required[s.FieldName()] && !owner.Member(s.FieldName()).Resolved().Nullable
}

// place is where a part of an expression stands in the file.
func (r *reading) place(e ast.Expr, n *yaml.Node, sc *scope) strictyaml.Pos {
	at, ok := r.ast.SourceInfo().GetOffsetRange(e.ID())
	if !ok {
		return sc.file.at(n)
	}
	return sc.file.inside(n, int(at.Start))
}

// comparisons reports every comparison, anywhere in the expression, of a member
// with a code that it cannot have, and every choice that is none.
func (c *compiler) comparisons(r *reading, n *yaml.Node, sc *scope, target string) {
	steps := map[int64]bool{} // of filter(), which are choices too, but nobody wrote them
	ast.PreOrderVisit(r.ast.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
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
			if o := r.outcome(cond, sc); o != unsure && !steps[e.ID()] {
				dead := map[outcome]string{never: "second", always: "third"}[o]
				c.report(r.place(cond, n, sc), SeverityWarning, CodeUnreachable, "leave the choice out, or mend its condition",
					"%s: the condition is %s, so the %s part of the choice is never taken", target, o, dead)
			}
		}
	}))
}

func (o outcome) String() string { return [...]string{"open", "never true", "always true"}[o] }

func (c *compiler) compared(r *reading, a, b ast.Expr, n *yaml.Node, sc *scope, target string) {
	member, text, impossible := r.impossible(a, b)
	if !impossible {
		return
	}
	code := string(text.AsLiteral().(types.String))
	c.report(r.place(text, n, sc), SeverityWarning, CodeUnreachable, near(code, r.leafOf(member).Codes()),
		"%s: the source never has %q in %s", target, code, memberName(member))
}

// memberName is a member as it is written, for messages.
func memberName(e ast.Expr) string {
	if p := chain(e); p != nil {
		return strings.Join(p, ".")
	}
	return e.AsSelect().FieldName()
}

// decided warns about a `when` whose outcome is known.
func (c *compiler) decided(r *reading, w, rule *yaml.Node, sc *scope, target string) {
	switch r.outcome(r.ast.Expr(), sc) {
	case never:
		c.report(sc.file.at(w), SeverityWarning, CodeUnreachable, "mend the condition, or leave the rule out", "%s: the rule never runs, since its `when` is never true", target)
	case always:
		if d := child(rule, "default"); d != nil && child(rule, "onError") == nil {
			c.report(sc.file.at(d), SeverityWarning, CodeUnreachable, "leave out `when` and `default`", "%s: the default is never taken, since the `when` above is always true", target)
			return
		}
		c.report(sc.file.at(w), SeverityWarning, CodeUnreachable, "leave it out", "%s: the `when` is always true", target)
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
func (c *compiler) refused(r *reading, n *yaml.Node, rule *program.Rule, sc *scope) {
	for _, e := range choices(r.ast.Expr()) {
		s, ok := e.AsLiteral().(types.String)
		if !ok || s == "" && c.emptyIsNoValue(rule) {
			continue
		}
		if p := rule.Schema.Refuses(document.NewText(string(s))); p != "" {
			c.fail(r.place(e, n, sc), CodeValue, "", "%s %s, the expression gives %q", rule.Target, p, string(s))
		}
	}
	allowed := rule.Schema.Codes()
	if allowed == nil {
		return
	}
	var outside []string
	for _, code := range r.leafOf(r.ast.Expr()).Codes() {
		if !slices.Contains(allowed, code) {
			outside = append(outside, fmt.Sprintf("%q", code))
		}
	}
	if len(outside) > 0 {
		c.report(sc.file.at(n), SeverityWarning, CodeValue, "translate it with `map`", "%s does not take %s, which %s may be", rule.Target, listed(outside), memberName(r.ast.Expr()))
	}
}

// emptyIsNoValue tells that an empty text never reaches the target, by what the
// rule or the settings say of it.
func (c *compiler) emptyIsNoValue(r *program.Rule) bool {
	empty := r.Empty
	if empty == program.EmptyInherit {
		empty = c.m.program.Empty
	}
	return empty == program.EmptyMissing || empty == program.EmptyNull
}

// listed joins a few words and says how many are left out.
func listed(words []string) string {
	const most = 12
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
	}
	return strings.Join(words, ", ")
}
