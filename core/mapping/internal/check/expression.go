package check

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
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// scope is what an expression can see.
type scope struct {
	env *cel.Env
	// bases maps a variable to the source path it stands for, for lineage.
	bases map[string]string
	// sure names the variables that always have a value.
	sure map[string]bool
	// done are the top-level members of the result that earlier rules made; nil
	// where out is not restricted.
	done map[string]bool
	// there are paths that a `when` around has tested with has().
	there map[string]bool
	file  *source.File
	frag  *fragment
	// names are the variables, for lineage.
	names map[string]*insight.Named
	// For the way back: the reason why the rules may lose something, their
	// condition, and the lists of which a variable is one item.
	lossy, limit string
	only         map[string]string
}

// tested returns the scope inside of a rule with a condition.
func (s *scope) tested(when *program.Expression) *scope {
	if when == nil || len(when.Tests) == 0 {
		return s
	}
	c := *s
	if c.there = maps.Clone(s.there); c.there == nil {
		c.there = map[string]bool{}
	}
	for _, p := range when.Tests {
		c.there[p] = true
	}
	return &c
}

// with returns the scope with one more variable.
func (s *scope) with(name string, t *cel.Type, base string, sure bool) (*scope, error) {
	env, err := s.env.Extend(cel.Variable(name, t))
	if err != nil {
		return nil, err
	}
	c := *s
	c.env, c.bases, c.sure, c.names = env, maps.Clone(s.bases), maps.Clone(s.sure), maps.Clone(s.names)
	if c.names == nil {
		c.names = map[string]*insight.Named{}
	}
	delete(c.names, name)
	c.bases[name], c.sure[name] = base, sure
	return &c, nil
}

// problem is one thing wrong with an expression; offset counts characters.
type problem struct {
	offset        int
	code          string
	message, hint string
}

// compileExpression checks one expression. The second result is the source path
// that it stands for, "" when it is computed.
func compileExpression(text string, sc *scope, prov *language.Provider) (*program.Expression, *reading, []problem) {
	if strings.TrimSpace(text) == "" {
		return nil, nil, []problem{{code: finding.CodeSyntax, message: "the expression is empty", hint: "write a path such as src.orderNumber, or quotes for fixed text"}}
	}
	clear(prov.Unknown)
	checked, issues := sc.env.Parse(text)
	if issues.Err() == nil {
		language.MembersByIndex(checked.NativeRep().Expr())
		checked, issues = sc.env.Check(checked)
	}
	if issues.Err() != nil {
		return nil, nil, explain(text, issues, sc, prov)
	}
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	counted := costly(checked.NativeRep().Expr(), 0)
	if counted {
		opts = append(opts, cel.CostLimit(language.MaxCost))
	}
	ready, err := sc.env.Program(checked, opts...)
	if err != nil {
		return nil, nil, []problem{{code: finding.CodeSyntax, message: err.Error()}}
	}
	e := &program.Expression{
		Type: checked.OutputType(), Plan: program.Interpreted(ready), AST: checked.NativeRep(), SchemaOf: prov.SchemaOf, Costly: counted,
	}
	r := &reading{ast: checked.NativeRep(), prov: prov, bases: sc.bases, expr: e}
	r.result = r.walk(r.ast.Expr(), nil)
	simple(e, r, sc)
	e.Tests = presence(r.ast.Expr())
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
			if p := chain(s.Operand()); p != nil {
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
func simple(e *program.Expression, r *reading, sc *scope) {
	path := chain(r.ast.Expr())
	if path == nil || path[0] == language.NameMeta || path[0] == language.NameNow || path[0] == language.NameMessageID {
		return
	}
	e.Path = path
	root := path[0]
	e.Sure, e.SureLeaf = true, true
	there := false
	for x := r.ast.Expr(); x.Kind() == ast.SelectKind; x = x.AsSelect().Operand() {
		owner := r.prov.SchemaOf(r.ast.GetType(x.AsSelect().Operand().ID()))
		field := x.AsSelect().FieldName()
		// What a condition has found is there with all that stands around it.
		if there = there || sc.there[strings.Join(path, ".")]; !there && (owner == nil || !owner.Required[field] || owner.Member(field).Resolved().Nullable) {
			e.Sure = false
			e.SureLeaf = e.SureLeaf && x.ID() != r.ast.Expr().ID()
		}
		if e.Leaf == nil && owner != nil && x.ID() == r.ast.Expr().ID() {
			e.Leaf = owner.Member(field)
		}
		path = path[:len(path)-1]
	}
	e.Sure = e.Sure && (there || sc.sure[root])
}

// chain returns [src beg po] for src.beg.po, nil for everything else.
func chain(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() {
			if p := chain(s.Operand()); p != nil {
				return append(p, s.FieldName())
			}
		}
	}
	return nil
}

// reading collects what a checked expression reads.
type reading struct {
	ast   *ast.AST
	prov  *language.Provider
	bases map[string]string
	expr  *program.Expression
	paths []string // in terms of src, out, …: src.po1[].ids.UP
	// result is the path that the value of the expression stands for.
	result string
	names  []string // of the variables it begins from
}

// walk returns the path that e stands for, "" when it is computed. local maps
// the variables of comprehensions.
func (r *reading) walk(e ast.Expr, local map[string]string) string {
	switch e.Kind() {
	case ast.IdentKind:
		if p, ok := local[e.AsIdent()]; ok {
			return p
		}
		r.names = append(r.names, e.AsIdent())
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

// use walks an expression whose value is consumed, so that its path counts as
// read.
func (r *reading) use(e ast.Expr, local map[string]string) string {
	p := r.walk(e, local)
	if p != "" && !slices.Contains(r.paths, p) {
		r.paths = append(r.paths, p)
	}
	return p
}

func (r *reading) selection(e ast.Expr, local map[string]string) string {
	s := e.AsSelect()
	owner := r.walk(s.Operand(), local)
	if owner := r.prov.SchemaOf(r.ast.GetType(s.Operand().ID())); owner != nil && owner.Member(s.FieldName()).IsPersonal() {
		r.expr.Personal = true
	}
	if path := chain(e); path != nil {
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
func (r *reading) remember(path []string) {
	if last := len(r.expr.Reads) - 1; last >= 0 && len(r.expr.Reads[last]) < len(path) &&
		slices.Equal(r.expr.Reads[last], path[:len(r.expr.Reads[last])]) {
		r.expr.Reads[last] = path
		return
	}
	r.expr.Reads = append(r.expr.Reads, path)
}

func (r *reading) call(c ast.CallExpr, local map[string]string) string {
	switch c.FunctionName() {
	case operators.Index, operators.OptIndex:
		list := r.walk(c.Args()[0], local)
		r.use(c.Args()[1], local)
		return element(list)
	case operators.OptSelect:
		owner := r.walk(c.Args()[0], local)
		if field, ok := c.Args()[1].AsLiteral().(types.String); ok && owner != "" {
			return owner + "." + string(field)
		}
		return ""
	case language.FuncFirst:
		return element(r.walk(c.Args()[0], local))
	case operators.Conditional:
		r.use(c.Args()[0], local)
		r.use(c.Args()[1], local)
		r.use(c.Args()[2], local)
		return ""
	}
	if c.IsMemberFunction() {
		target := r.use(c.Target(), local)
		if c.FunctionName() == "first" {
			return element(target)
		}
	}
	for _, a := range c.Args() {
		r.use(a, local)
	}
	return ""
}

func element(list string) string {
	if list == "" {
		return ""
	}
	return list + "[]"
}

func (r *reading) comprehension(c ast.ComprehensionExpr, local map[string]string) string {
	list := r.walk(c.IterRange(), local)
	inner := maps.Clone(local)
	if inner == nil {
		inner = map[string]string{}
	}
	inner[c.IterVar()] = element(list)
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
func explain(text string, issues *cel.Issues, sc *scope, prov *language.Provider) []problem {
	var out []problem
	seen := map[string]bool{}
	all := issues.Errors()
	slices.Reverse(all) // has() repeats inner steps before the written one
	for _, e := range all {
		p := problem{offset: offsetOf(text, e.Location.Line(), e.Location.Column()), code: finding.CodeSyntax, message: e.Message}
		switch {
		case undefined.MatchString(e.Message):
			field := undefined.FindStringSubmatch(e.Message)[1]
			p.code, p.message = finding.CodeUnknown, fmt.Sprintf("undefined field '%s'", field)
			p.hint = strictyaml.DidYouMean(field, prov.Unknown[field])
		case undeclared.MatchString(e.Message):
			name := undeclared.FindStringSubmatch(e.Message)[1]
			p.code, p.message = finding.CodeUnknown, fmt.Sprintf("nothing is called %q here", name)
			p.hint = strictyaml.DidYouMean(name, known(sc))
		case noOverload.MatchString(e.Message):
			m := noOverload.FindStringSubmatch(e.Message)
			p.code = finding.CodeType
			p.message = fmt.Sprintf("%s does not take %s", operatorName(m[1]), m[2])
			p.hint = "types are not converted unasked: use int(), string(), or money() and dmul() for decimal text"
		case strings.HasPrefix(e.Message, "Syntax error: "):
			p.message = "the expression cannot be read: " + strings.TrimPrefix(e.Message, "Syntax error: ")
			p.hint = "fixed text stands in quotes: '\"EUR\"', or use {const: EUR}"
		}
		if key := p.code + p.message; !seen[key] {
			seen[key] = true
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b problem) int { return a.offset - b.offset })
	return out
}

func known(sc *scope) []string {
	names := []string{language.NameMeta, language.NameMessageID, "has", "first", "ts", "int", "string", "money", "dmul", "ddiv", "dadd", "dsub", "dsum", "dcmp", "convert", "gtin14", "now", "size", "formatTime"}
	for n := range sc.bases {
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
