package check

import (
	"fmt"
	"regexp"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"go.yaml.in/yaml/v3"
)

// This file finds what happens to the digits of values without anybody's wish:
// money that passes through binary floating point, identifiers that are taken
// for numbers, codes that a list forgets.

var (
	exact      = []string{"money", "dmul", "ddiv", "dadd", "dsub", "dcmp"}
	arithmetic = map[string]string{operators.Add: "dadd", operators.Subtract: "dsub", operators.Multiply: "dmul", operators.Divide: "ddiv"}
	numbers    = []string{"int", "double", "uint"}
)

// amounts looks for functions that get what they must not get: decimals a sum
// in binary, int() an identifier.
func (c *compiler) amounts(r *expression.Reading, n *yaml.Node, sc *scope, target string) {
	ast.PreOrderVisit(r.AST.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		switch name := call.FunctionName(); {
		case slices.Contains(exact, name):
			for _, a := range call.Args() {
				if sum, by := binary(r, a); sum != nil {
					c.fail(place(r, sum, n, sc), finding.CodeLossy, "use "+by+"()", "%s: %s() gets a number that was computed in binary floating point, where 0.1 is not exact", target, name)
				}
			}
		case slices.Contains(numbers, name) && len(call.Args()) == 1:
			a := call.Args()[0]
			if a.Kind() == ast.SelectKind && r.AST.GetType(a.ID()).IsExactType(cel.StringType) && schema.IsIdentifier(a.AsSelect().FieldName()) {
				c.report(place(r, a, n, sc), finding.SeverityWarning, finding.CodeLossy, "keep it as text; gtin14() brings a GTIN to 14 digits",
					"%s: %s is an identifier and no amount; as a number it loses its leading zeros", target, memberName(a))
			}
		}
	}))
}

// binary finds arithmetic on binary numbers, and the function to use instead.
func binary(r *expression.Reading, e ast.Expr) (ast.Expr, string) {
	if e.Kind() != ast.CallKind {
		return nil, ""
	}
	call := e.AsCall()
	if by, ok := arithmetic[call.FunctionName()]; ok && r.AST.GetType(e.ID()).IsExactType(cel.DoubleType) {
		return e, by
	}
	for _, a := range call.Args() {
		if sum, by := binary(r, a); sum != nil {
			return sum, by
		}
	}
	return nil, ""
}

// gives compares what a rule is known to give with what its target takes. opts
// is the rule; done tells that something else than the expression decides.
func (c *compiler) gives(r *program.Rule, read *expression.Reading, n, opts *yaml.Node, sc *scope, done bool) {
	e := read.AST.Expr()
	member := read.LeafOf(e)
	if l := r.Codes; l != nil {
		c.translated(r, member, source.Child(opts, "map"), sc)
	}
	if r.Decimal != nil && r.Codes == nil && r.Lookup == nil {
		if sum, by := binary(read, e); sum != nil {
			c.fail(place(read, sum, n, sc), finding.CodeLossy, "use "+by+"()", "%s: `decimal` gets a number that was computed in binary floating point, where 0.1 is not exact", r.Target)
		}
		if e.Kind() == ast.SelectKind && schema.IsIdentifier(e.AsSelect().FieldName()) {
			c.report(sc.file.At(source.Child(opts, "decimal")), finding.SeverityWarning, finding.CodeLossy, "leave `decimal` out", "%s: %s is an identifier and no amount; as a number it loses its leading zeros", r.Target, memberName(e))
		}
	}
	if done {
		return
	}
	c.refused(read, n, r, sc)
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "string" && r.Schema.IsDecimal() {
		if a := e.AsCall().Args()[0]; language.PlainType(read.AST.GetType(a.ID())).IsExactType(cel.DoubleType) {
			c.fail(sc.file.At(n), finding.CodeLossy, "write {from: …, decimal: any}, which keeps the digits of the document", "%s wants a decimal number, string() gives a binary one, such as 1e+21", r.Target)
		}
	}
}

// translated compares the codes of the source with those of the list.
func (c *compiler) translated(r *program.Rule, member *schema.Schema, at *yaml.Node, sc *scope) {
	l := c.codelist(at.Value, sc)
	codes := member.Codes()
	if codes == nil {
		l.open = true
		return
	}
	var absent []string
	for _, code := range codes {
		if l.given == nil {
			l.given = map[string]bool{}
		}
		l.given[code] = true
		if l.Codes[code] == nil && l.Other == nil {
			absent = append(absent, fmt.Sprintf("%q", code))
		}
	}
	handled := r.OnError == program.UseDefault || r.OnError == program.OnSkip || r.OnError == program.OnWarn
	if len(absent) > 0 && !handled {
		c.report(sc.file.At(at), finding.SeverityWarning, finding.CodeIncomplete, `add them to the list, or "*" for all others`, "%s: the source may have %s, which the code list %s does not know", r.Target, finding.Listed(absent), l.Name)
	}
}

// givenCodes warns about entries of code lists that no source can give.
func (c *compiler) givenCodes() {
	lists := map[*codelist]bool{}
	for _, l := range c.codelists {
		lists[l] = true
	}
	for _, f := range c.fragments {
		for _, l := range f.codes {
			lists[l] = true
		}
	}
	for l := range lists {
		if l.open || l.given == nil {
			continue
		}
		known := keys(l.given)
		for _, code := range l.codes {
			if code.Value != "*" && !l.given[code.Value] {
				c.report(l.file.At(code), finding.SeverityWarning, finding.CodeUnreachable, near(code.Value, known), "the code list %s: the source never has %q", l.Name, code.Value)
			}
		}
	}
}

// computedText is text that reads like an expression.
var computedText = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*([.(\[]| *[+*?] *).*`)

// looksComputed warns about an expression where a fixed value stands.
func (c *compiler) looksComputed(n *document.Node, v *yaml.Node, tpath string, sc *scope) {
	if n.Kind != document.Text || sc.Env == nil || !computedText.MatchString(n.Text) {
		return
	}
	if e, r, _ := expression.Compile(n.Text, &sc.Scope, c.prov); e != nil && r.AST.Expr().Kind() != ast.IdentKind {
		c.report(sc.file.At(v), finding.SeverityWarning, finding.CodeType, "compute it in an expression, as in has(src.a) ? src.a : src.b", "%s: a fixed value stands here, and %q is taken as text", tpath, n.Short())
	}
}
