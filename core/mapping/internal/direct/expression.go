package direct

import (
	"math"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// fn evaluates an expression. An absent result is what the language calls missing;
// an error is left to the interpreter.
type fn func(f *frame) value

// result is a compiled expression, with the schema of its value when it comes from
// a document: the items and members in it are as they were read, and are converted
// when they are reached.
type result struct {
	fn     fn
	schema *schema.Schema
}

// variable is where a name's value stands in a run.
type variable struct {
	slot   int
	schema *schema.Schema
}

// scope is what names mean at a place of the mapping.
type scope map[string]variable

func (s scope) with(name string, v variable) scope {
	out := make(scope, len(s)+1)
	for k, have := range s {
		out[k] = have
	}
	out[name] = v
	return out
}

// compiler compiles one program.
type compiler struct {
	m     *Machine
	next  int    // slot of a variable
	where string // of the rule that cannot be compiled
	// sites are the member reads whose places are filled in when all shapes are known.
	sites []site
}

type site struct {
	name string
	at   *[]int32
}

func newCompiler(m *Machine) *compiler { return &compiler{m: m, next: 1} }

func (c *compiler) slot() int {
	c.next++
	c.m.vars = max(c.m.vars, c.next)
	return c.next - 1
}

// expression compiles one, as a value that a rule takes.
func (c *compiler) expression(e *program.Expression, sc scope) (result, error) {
	if e == nil || e.AST == nil {
		return result{}, unsupported("an expression that was not checked")
	}
	x := expression{compiler: c, ast: e.AST, schemaOf: e.SchemaOf}
	out, err := x.compile(e.AST.Expr(), sc)
	if err == nil && e.Costly {
		do := out.fn
		out.fn = func(f *frame) value {
			f.counted, f.steps = true, 0
			v := do(f)
			f.counted = false
			return v
		}
	}
	return out, err
}

// maxSteps is how many items the loops of one expression may look at that has loops
// inside of loops. The interpreter counts the cost of such expressions; what comes
// near its limit is left to it.
const maxSteps = 2000

// step counts an item of a loop; false ends the loop.
func (f *frame) step() bool {
	if !f.counted {
		return true
	}
	f.steps++
	f.gaveUp = f.gaveUp || f.steps > maxSteps
	return !f.gaveUp
}

// path compiles an expression that is only a path, whose value is copied as it
// stands.
func (c *compiler) path(e *program.Expression, sc scope) (fn, error) {
	out, err := c.start(e.Path[0], sc)
	if err != nil {
		return nil, err
	}
	for _, name := range e.Path[1:] {
		out = c.read(out, name)
	}
	return out, nil
}

func (c *compiler) start(name string, sc scope) (fn, error) {
	if v, ok := sc[name]; ok {
		slot := v.slot
		return func(f *frame) value { return f.vars[slot] }, nil
	}
	switch name {
	case language.NameSrc:
		return func(f *frame) value { return f.vars[0] }, nil
	case language.NameOut:
		return func(f *frame) value { return f.out }, nil
	}
	return nil, unsupported("the name %q", name)
}

// read reads a member. Of what is missing or null it is missing.
func (c *compiler) read(of fn, name string) fn {
	at := c.place(name)
	return func(f *frame) value {
		v := of(f)
		if v.kind == object {
			if i := (*at)[v.shape()]; i >= 0 {
				return f.arena[v.at()+int(i)]
			}
			f.gaveUp = f.gaveUp || v.open()
			return value{}
		}
		if v.kind != absent && v.kind != null {
			f.gaveUp = true
		}
		return value{}
	}
}

// place returns the places of a member in the objects of all shapes; it is filled
// in by link.
func (c *compiler) place(name string) *[]int32 {
	at := new([]int32)
	c.sites = append(c.sites, site{name, at})
	return at
}

func (c *compiler) link() {
	for _, s := range c.sites {
		*s.at = make([]int32, len(c.m.shapes))
		for i, shape := range c.m.shapes {
			(*s.at)[i] = -1
			if at, ok := shape.at[s.name]; ok {
				(*s.at)[i] = int32(at)
			}
		}
	}
}

// expression is one that is being compiled.
type expression struct {
	*compiler
	ast      *ast.AST
	schemaOf func(*cel.Type) *schema.Schema
}

func (x *expression) compile(e ast.Expr, sc scope) (result, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		return x.literal(e)
	case ast.IdentKind:
		return x.ident(e.AsIdent(), sc)
	case ast.SelectKind:
		return x.selection(e, sc)
	case ast.CallKind:
		return x.call(e, sc)
	case ast.ListKind:
		return x.list(e, sc)
	case ast.ComprehensionKind:
		return x.comprehension(e, sc)
	}
	return result{}, unsupported("an object that an expression makes")
}

func (x *expression) literal(e ast.Expr) (result, error) {
	var v value
	switch l := e.AsLiteral().(type) {
	case types.String:
		v = value{kind: text, s: string(l)}
		if !utf8.ValidString(v.s) {
			return result{}, unsupported("text that is not UTF-8")
		}
	case types.Int:
		v = value{kind: integer, n: int64(l)}
	case types.Bool:
		v = truth(bool(l))
	case types.Double:
		v = value{kind: double, n: int64(math.Float64bits(float64(l)))}
	case types.Null:
		v = value{kind: null}
	default:
		return result{}, unsupported("the literal %v", l)
	}
	return result{fn: func(*frame) value { return v }}, nil
}

func truth(b bool) value {
	v := value{kind: boolean}
	if b {
		v.n = 1
	}
	return v
}

func (x *expression) ident(name string, sc scope) (result, error) {
	if v, ok := sc[name]; ok {
		slot, s := v.slot, v.schema
		if s == nil {
			return result{fn: func(f *frame) value { return f.vars[slot] }}, nil
		}
		return result{func(f *frame) value { return f.computable(f.vars[slot], s) }, s}, nil
	}
	switch name {
	case language.NameMessageID:
		return result{fn: func(f *frame) value { return value{kind: text, s: f.in.MessageID} }}, nil
	case language.NameNow:
		return result{fn: (*frame).now}, nil
	}
	start, err := x.start(name, sc)
	s := x.m.p.Source
	if name == language.NameOut {
		s = x.m.p.Target
	}
	return result{start, s.Resolved()}, err
}

// isMeta recognises the message's metadata, the only map of text there is.
func isMeta(e ast.Expr, sc scope) bool {
	if e.Kind() != ast.IdentKind || e.AsIdent() != language.NameMeta {
		return false
	}
	_, shadowed := sc[language.NameMeta]
	return !shadowed
}

func (x *expression) meta(name string, test bool) (result, error) {
	return result{fn: func(f *frame) value {
		v, ok := f.in.Meta[name]
		switch {
		case test:
			return truth(ok)
		case !ok:
			return value{}
		case !utf8.ValidString(v):
			return f.giveUp()
		}
		return value{kind: text, s: v}
	}}, nil
}

func (x *expression) selection(e ast.Expr, sc scope) (result, error) {
	s := e.AsSelect()
	if isMeta(s.Operand(), sc) {
		return x.meta(s.FieldName(), s.IsTestOnly())
	}
	owner := x.schemaOf(x.ast.GetType(s.Operand().ID()))
	if owner == nil {
		return result{}, unsupported("the member %q of something without a schema", s.FieldName())
	}
	of, err := x.compile(s.Operand(), sc)
	if err != nil {
		return result{}, err
	}
	if s.IsTestOnly() {
		at := x.place(s.FieldName())
		return result{fn: func(f *frame) value {
			v := of.fn(f)
			if v.kind != object {
				if v.kind != absent {
					f.gaveUp = true
				}
				return value{}
			}
			i := (*at)[v.shape()]
			f.gaveUp = f.gaveUp || i < 0 && v.open()
			return truth(i >= 0 && f.arena[v.at()+int(i)].kind > null)
		}}, nil
	}
	member := owner.Member(s.FieldName()).Resolved()
	if member == nil {
		return result{}, unsupported("the member %q, of which the schema says nothing", s.FieldName())
	}
	raw := x.read(of.fn, s.FieldName())
	return result{func(f *frame) value { return f.computable(raw(f), member) }, member}, nil
}

// list compiles a list that an expression makes; an item that is missing makes the
// list missing.
func (x *expression) list(e ast.Expr, sc scope) (result, error) {
	if len(e.AsList().OptionalIndices()) > 0 {
		return result{}, unsupported("optional items")
	}
	var items []fn
	for _, item := range e.AsList().Elements() {
		r, err := x.compile(item, sc)
		if err != nil {
			return result{}, err
		}
		if r.schema != nil && (r.schema.Kind == schema.Object || r.schema.Kind == schema.List) {
			return result{}, unsupported("a list of parts of a document")
		}
		items = append(items, r.fn)
	}
	return result{fn: func(f *frame) value {
		base := len(f.stack)
		for _, item := range items {
			v := item(f)
			if v.kind == absent {
				f.stack = f.stack[:base]
				return v
			}
			f.stack = append(f.stack, v)
		}
		return f.keep(base)
	}}, nil
}

// itemSchema is the schema of what stands in a list of a document.
func itemSchema(s *schema.Schema) *schema.Schema {
	if s == nil || s.Kind != schema.List {
		return nil
	}
	return s.ItemSchema()
}

func (x *expression) comprehension(e ast.Expr, sc scope) (result, error) {
	c := e.AsComprehension()
	if c.HasIterVar2() {
		return result{}, unsupported("a loop with two variables")
	}
	over, err := x.compile(c.IterRange(), sc)
	if err != nil {
		return result{}, err
	}
	loop := loop{expression: x, over: over, slot: x.slot()}
	loop.inner = sc.with(c.IterVar(), variable{slot: loop.slot, schema: itemSchema(over.schema)})
	init, step, accu := c.AccuInit(), c.LoopStep(), c.AccuVar()
	switch {
	case step.Kind() != ast.CallKind || c.Result().Kind() != ast.IdentKind || c.Result().AsIdent() != accu:
	case isCall(step, operators.LogicalOr) && isBool(init, false) && isIdent(step.AsCall().Args()[0], accu):
		return loop.quantifier(step.AsCall().Args()[1], true)
	case isCall(step, operators.LogicalAnd) && isBool(init, true) && isIdent(step.AsCall().Args()[0], accu):
		return loop.quantifier(step.AsCall().Args()[1], false)
	case isCall(step, operators.Add) && isIdent(step.AsCall().Args()[0], accu):
		return loop.collect(nil, step.AsCall().Args()[1])
	case isCall(step, operators.Conditional):
		args := step.AsCall().Args()
		if isCall(args[1], operators.Add) && isIdent(args[1].AsCall().Args()[0], accu) && isIdent(args[2], accu) {
			return loop.collect(args[0], args[1].AsCall().Args()[1])
		}
	}
	return result{}, unsupported("this kind of loop")
}

func isCall(e ast.Expr, name string) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == name
}

func isIdent(e ast.Expr, name string) bool {
	return e.Kind() == ast.IdentKind && e.AsIdent() == name
}

func isBool(e ast.Expr, b bool) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.Bool(b)
}

// loop is a comprehension.
type loop struct {
	*expression
	over  result
	slot  int
	inner scope
}

// quantifier compiles exists (until true) and all (until false): one item decides,
// also when a condition before it has no value.
func (l *loop) quantifier(condition ast.Expr, until bool) (result, error) {
	that, err := l.compile(condition, l.inner)
	if err != nil {
		return result{}, err
	}
	return result{fn: func(f *frame) value {
		items := l.over.fn(f)
		if items.kind != list {
			return f.noList(items)
		}
		missing := false
		for i := range int(items.n & math.MaxUint32) {
			if !f.step() {
				return value{}
			}
			f.vars[l.slot] = f.items(items)[i]
			switch v := that.fn(f); {
			case v.kind == absent:
				missing = true
			case v.kind != boolean:
				return f.giveUp()
			case v.n == 1 == until:
				return v
			}
		}
		if missing {
			return value{}
		}
		return truth(!until)
	}}, nil
}

func (f *frame) noList(v value) value {
	if v.kind != absent {
		f.gaveUp = true
	}
	return value{}
}

// collect compiles filter and map. One condition or item without a value makes the
// whole list missing.
func (l *loop) collect(condition, added ast.Expr) (result, error) {
	if added.Kind() != ast.ListKind || added.AsList().Size() != 1 || len(added.AsList().OptionalIndices()) > 0 {
		return result{}, unsupported("this kind of loop")
	}
	var that result
	var err error
	if condition != nil {
		if that, err = l.compile(condition, l.inner); err != nil {
			return result{}, err
		}
	}
	item, err := l.compile(added.AsList().Elements()[0], l.inner)
	if err != nil {
		return result{}, err
	}
	out := result{fn: func(f *frame) value {
		items := l.over.fn(f)
		if items.kind != list {
			return f.noList(items)
		}
		base, missing := len(f.stack), false
		for i := range int(items.n & math.MaxUint32) {
			if !f.step() {
				return value{}
			}
			f.vars[l.slot] = f.items(items)[i]
			if that.fn != nil {
				switch v := that.fn(f); {
				case v.kind == absent:
					missing = true // the last condition without a value counts: it may be an error
					continue
				case v.kind != boolean:
					return f.giveUp()
				case v.n == 0:
					continue
				}
			}
			v := item.fn(f)
			if v.kind == absent {
				f.stack = f.stack[:base]
				return v
			}
			f.stack = append(f.stack, v)
		}
		if missing {
			f.stack = f.stack[:base]
			return value{}
		}
		return f.keep(base)
	}}
	if item.schema != nil {
		out.schema = &schema.Schema{Kind: schema.List, Items: item.schema}
	}
	return out, nil
}
