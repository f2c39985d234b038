// Package expression checks CEL expressions over documents: their types, which members
// they read, what the schemas know of their outcome, and what is wrong with them in
// plain words.
package expression

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Problem is one thing wrong with an expression; Offset counts characters.
type Problem struct {
	Offset        int
	Code          string
	Message, Hint string
}

// Compile checks one expression. The second result is the source path
// that it stands for, "" when it is computed.
func Compile(text string, sc *Scope, prov *language.Provider) (*program.Expression, *Reading, []Problem) {
	if strings.TrimSpace(text) == "" {
		return nil, nil, []Problem{{Code: finding.CodeSyntax, Message: "the expression is empty", Hint: "write a path such as src.orderNumber, or quotes for fixed text"}}
	}
	clear(prov.Unknown)
	checked, issues := sc.Env.Parse(text)
	if issues.Err() == nil {
		language.MembersByIndex(checked.NativeRep().Expr())
		checked, issues = sc.Env.Check(checked)
	}
	if issues.Err() != nil {
		return nil, nil, explain(text, issues, sc, prov)
	}
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	counted := costly(checked.NativeRep().Expr(), 0)
	if counted {
		opts = append(opts, cel.CostLimit(language.MaxCost))
	}
	ready, err := sc.Env.Program(checked, opts...)
	if err != nil {
		return nil, nil, []Problem{{Code: finding.CodeSyntax, Message: err.Error()}}
	}
	e := &program.Expression{
		Type: checked.OutputType(), Plan: program.Interpreted(ready), AST: checked.NativeRep(), SchemaOf: prov.SchemaOf, Costly: counted,
	}
	r := &Reading{AST: checked.NativeRep(), prov: prov, bases: sc.Bases, Expr: e}
	r.Result = r.walk(r.AST.Expr(), nil)
	simple(e, r, sc)
	e.Tests = presence(r.AST.Expr())
	return e, r, nil
}

// presence returns the paths that has() finds there when e is true.
func presence(e ast.Expr) []string {
	switch e.Kind() {
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.LogicalAnd {
			return append(presence(c.Args()[0]), presence(c.Args()[1])...)
		}
	case ast.SelectKind:
		if s := e.AsSelect(); s.IsTestOnly() {
			if p := Chain(s.Operand()); p != nil {
				return []string{strings.Join(append(p, s.FieldName()), ".")}
			}
		}
	}
	return nil
}

// costly tells whether an expression can cost more than the document is large:
// loops inside of loops, and functions that multiply text. Counting the cost
// makes an expression a third slower, so only these are counted.
func costly(e ast.Expr, loops int) bool {
	found := false
	visit := func(parts ...ast.Expr) {
		for _, p := range parts {
			found = found || costly(p, loops)
		}
	}
	switch e.Kind() {
	case ast.SelectKind:
		visit(e.AsSelect().Operand())
	case ast.CallKind:
		c := e.AsCall()
		switch c.FunctionName() {
		case "replace", "join", "format", "split":
			return true
		}
		if c.IsMemberFunction() {
			visit(c.Target())
		}
		visit(c.Args()...)
	case ast.ListKind:
		visit(e.AsList().Elements()...)
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			visit(x.AsMapEntry().Key(), x.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		visit(c.IterRange())
		if loops++; loops > 1 {
			return true
		}
		visit(c.LoopCondition(), c.LoopStep(), c.Result())
	}
	return found
}

// simple recognises an expression that is only a path.
func simple(e *program.Expression, r *Reading, sc *Scope) {
	path := Chain(r.AST.Expr())
	if path == nil || path[0] == language.NameMeta || path[0] == language.NameNow || path[0] == language.NameMessageID {
		return
	}
	e.Path = path
	root := path[0]
	e.Sure, e.SureLeaf = true, true
	there := false
	for x := r.AST.Expr(); x.Kind() == ast.SelectKind; x = x.AsSelect().Operand() {
		owner := r.prov.SchemaOf(r.AST.GetType(x.AsSelect().Operand().ID()))
		field := x.AsSelect().FieldName()
		// What a condition has found is there with all that stands around it.
		if there = there || sc.there[strings.Join(path, ".")]; !there && (owner == nil || !owner.Required[field] || owner.Member(field).Resolved().Nullable) {
			e.Sure = false
			e.SureLeaf = e.SureLeaf && x.ID() != r.AST.Expr().ID()
		}
		if e.Leaf == nil && owner != nil && x.ID() == r.AST.Expr().ID() {
			e.Leaf = owner.Member(field)
		}
		path = path[:len(path)-1]
	}
	e.Sure = e.Sure && (there || sc.Sure[root])
}

// Chain returns [src beg po] for src.beg.po, nil for everything else.
func Chain(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() {
			if p := Chain(s.Operand()); p != nil {
				return append(p, s.FieldName())
			}
		}
	}
	return nil
}

// Reading collects what a checked expression reads.
type Reading struct {
	AST   *ast.AST
	prov  *language.Provider
	bases map[string]string
	Expr  *program.Expression
	Paths []string // in terms of src, out, …: src.po1[].ids.UP
	// Result is the path that the value of the expression stands for.
	Result string
	Names  []string // of the variables it begins from
}

// walk returns the path that e stands for, "" when it is computed. local maps
// the variables of comprehensions.
func (r *Reading) walk(e ast.Expr, local map[string]string) string {
	switch e.Kind() {
	case ast.IdentKind:
		if p, ok := local[e.AsIdent()]; ok {
			return p
		}
		r.Names = append(r.Names, e.AsIdent())
		if base := r.bases[e.AsIdent()]; base != "" {
			r.remember([]string{e.AsIdent()})
			return base
		}
	case ast.SelectKind:
		return r.selection(e, local)
	case ast.CallKind:
		return r.call(e.AsCall(), local)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			r.use(x, local)
		}
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			r.use(x.AsMapEntry().Key(), local)
			r.use(x.AsMapEntry().Value(), local)
		}
	case ast.ComprehensionKind:
		return r.comprehension(e.AsComprehension(), local)
	}
	return ""
}

// PathOf is the path that a part of the expression stands for, "" when it is
// computed.
func (r *Reading) PathOf(e ast.Expr) string {
	part := Reading{AST: r.AST, prov: r.prov, bases: r.bases, Expr: &program.Expression{}}
	return part.walk(e, nil)
}

// use walks an expression whose value is consumed, so that its path counts as
// read.
func (r *Reading) use(e ast.Expr, local map[string]string) string {
	p := r.walk(e, local)
	if p != "" && !slices.Contains(r.Paths, p) {
		r.Paths = append(r.Paths, p)
	}
	return p
}

func (r *Reading) selection(e ast.Expr, local map[string]string) string {
	s := e.AsSelect()
	owner := r.walk(s.Operand(), local)
	if owner := r.prov.SchemaOf(r.AST.GetType(s.Operand().ID())); owner != nil && owner.Member(s.FieldName()).IsPersonal() {
		r.Expr.Personal = true
	}
	if path := Chain(e); path != nil {
		if _, isLocal := local[path[0]]; !isLocal && r.bases[path[0]] != "" {
			r.remember(path)
		}
	}
	if owner == "" {
		return ""
	}
	return owner + "." + s.FieldName()
}

// remember keeps the longest of paths that continue each other.
func (r *Reading) remember(path []string) {
	if last := len(r.Expr.Reads) - 1; last >= 0 && len(r.Expr.Reads[last]) < len(path) &&
		slices.Equal(r.Expr.Reads[last], path[:len(r.Expr.Reads[last])]) {
		r.Expr.Reads[last] = path
		return
	}
	r.Expr.Reads = append(r.Expr.Reads, path)
}

func (r *Reading) call(c ast.CallExpr, local map[string]string) string {
	switch c.FunctionName() {
	case operators.Index, operators.OptIndex:
		list := r.walk(c.Args()[0], local)
		r.use(c.Args()[1], local)
		return Element(list)
	case operators.OptSelect:
		owner := r.walk(c.Args()[0], local)
		if field, ok := c.Args()[1].AsLiteral().(types.String); ok && owner != "" {
			return owner + "." + string(field)
		}
		return ""
	case language.FuncFirst:
		return Element(r.walk(c.Args()[0], local))
	case operators.Conditional:
		r.use(c.Args()[0], local)
		r.use(c.Args()[1], local)
		r.use(c.Args()[2], local)
		return ""
	}
	if c.IsMemberFunction() {
		target := r.use(c.Target(), local)
		if c.FunctionName() == "first" {
			return Element(target)
		}
	}
	for _, a := range c.Args() {
		r.use(a, local)
	}
	return ""
}

// Element is the path of the items of a list.
func Element(list string) string {
	if list == "" {
		return ""
	}
	return list + "[]"
}

func (r *Reading) comprehension(c ast.ComprehensionExpr, local map[string]string) string {
	list := r.walk(c.IterRange(), local)
	inner := maps.Clone(local)
	if inner == nil {
		inner = map[string]string{}
	}
	inner[c.IterVar()] = Element(list)
	inner[c.AccuVar()] = ""
	// filter and first keep items of the list; what map makes has no path.
	if filters(c) {
		r.use(c.LoopStep().AsCall().Args()[0], inner)
		return list
	}
	r.use(c.AccuInit(), inner)
	r.use(c.LoopCondition(), inner)
	r.use(c.LoopStep(), inner)
	r.use(c.Result(), inner)
	return ""
}

// filters recognises the comprehension that the macro filter makes: its step
// adds the item itself or nothing.
func filters(c ast.ComprehensionExpr) bool {
	step := c.LoopStep()
	if step.Kind() != ast.CallKind || step.AsCall().FunctionName() != operators.Conditional {
		return false
	}
	add := step.AsCall().Args()[1]
	if add.Kind() != ast.CallKind || add.AsCall().FunctionName() != operators.Add {
		return false
	}
	item := add.AsCall().Args()[1]
	return item.Kind() == ast.ListKind && item.AsList().Size() == 1 &&
		item.AsList().Elements()[0].Kind() == ast.IdentKind && item.AsList().Elements()[0].AsIdent() == c.IterVar()
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
)

// explain turns CEL's issues into problems in plain words.
func explain(text string, issues *cel.Issues, sc *Scope, prov *language.Provider) []Problem {
	var out []Problem
	seen := map[string]bool{}
	all := issues.Errors()
	slices.Reverse(all) // has() repeats inner steps before the written one
	for _, e := range all {
		p := Problem{Offset: offsetOf(text, e.Location.Line(), e.Location.Column()), Code: finding.CodeSyntax, Message: e.Message}
		switch {
		case undefined.MatchString(e.Message):
			field := undefined.FindStringSubmatch(e.Message)[1]
			p.Code, p.Message = finding.CodeUnknown, fmt.Sprintf("undefined field '%s'", field)
			p.Hint = strictyaml.DidYouMean(field, prov.Unknown[field])
		case undeclared.MatchString(e.Message):
			name := undeclared.FindStringSubmatch(e.Message)[1]
			p.Code, p.Message = finding.CodeUnknown, fmt.Sprintf("nothing is called %q here", name)
			p.Hint = strictyaml.DidYouMean(name, known(sc))
		case noOverload.MatchString(e.Message):
			m := noOverload.FindStringSubmatch(e.Message)
			p.Code = finding.CodeType
			p.Message = fmt.Sprintf("%s does not take %s", operatorName(m[1]), m[2])
			p.Hint = "types are not converted unasked: use int(), string(), or money() and dmul() for decimal text"
		case strings.HasPrefix(e.Message, "Syntax error: "):
			p.Message = "the expression cannot be read: " + strings.TrimPrefix(e.Message, "Syntax error: ")
			p.Hint = "fixed text stands in quotes: '\"EUR\"', or use {const: EUR}"
		}
		if key := p.Code + p.Message; !seen[key] {
			seen[key] = true
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Problem) int { return a.Offset - b.Offset })
	return out
}

func known(sc *Scope) []string {
	names := []string{language.NameMeta, language.NameMessageID, "has", "first", "ts", "int", "string", "money", "dmul", "ddiv", "dadd", "dsub", "dsum", "dcmp", "convert", "gtin14", "now", "size", "formatTime"}
	for n := range sc.Bases {
		names = append(names, n)
	}
	return names
}

// operatorName turns _==_ into '=='.
func operatorName(f string) string {
	if s, ok := operators.FindReverse(f); ok && s != "" {
		return "'" + s + "'"
	}
	switch f {
	case operators.Conditional:
		return "'? :'"
	case operators.Index:
		return "'[]'"
	}
	return f + "()"
}

// offsetOf turns CEL's line (from 1) and column (from 0) into an offset.
func offsetOf(text string, line, col int) int {
	offset := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			break
		}
		offset += utf8.RuneCountInString(text[:i]) + 1
		text = text[i+1:]
	}
	return offset + max(0, col)
}
