package direct

import (
	"math"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// rule is a compiled rule. It has what a run needs when all goes right.
type rule struct {
	kind     program.Kind
	when     fn
	required bool
	demanded bool
	fallback fn // nil when there is none

	make      func(f *frame) value // of plain values, with what is done to them
	children  []*rule
	shape     *shape
	root      bool
	with      []binding
	item      *rule
	as, index int // slots; 0 for none
	list      binding
}

// binding is a variable.
type binding struct {
	slot int
	fn   fn
	// leaf is the schema of a value that is kept as it was read.
	leaf *schema.Schema
	path bool
}

// value is the variable's. Null where the schema knows none is missing.
func (b binding) value(f *frame) value {
	v := b.fn(f)
	if b.path && v.kind == null && b.leaf != nil && b.leaf.Kind != schema.Any && !b.leaf.Nullable {
		return value{}
	}
	return v
}

// program compiles the rules in the order in which they see each other.
func (c *compiler) program() error {
	p, m := c.m.p, c.m
	if p.Source == nil || p.Target == nil || p.Valid == nil {
		return unsupported("a side without a schema")
	}
	c.m.vars = 1
	var err error
	if m.source, err = m.sourceShape(p.Source, map[*schema.Schema]*shape{}); err != nil {
		return err
	}
	sc := scope{}
	for _, l := range p.Lets {
		b, v, err := c.binding(l, sc)
		if err != nil {
			return err
		}
		m.lets, sc = append(m.lets, b), sc.with(l.Name, v)
	}
	if m.root, err = c.rule(p.Root, sc); err != nil {
		return err
	}
	for _, a := range p.Asserts {
		that, err := c.expression(a.That, sc)
		if err != nil {
			return err
		}
		m.asserts = append(m.asserts, that.fn)
	}
	c.link()
	return nil
}

func (c *compiler) binding(b program.Binding, sc scope) (binding, variable, error) {
	out := binding{slot: c.slot()}
	if b.Expr.Path != nil {
		var err error
		out.fn, err = c.path(b.Expr, sc)
		out.path, out.leaf = true, b.Expr.Leaf.Resolved()
		leaf := out.leaf
		if len(b.Expr.Path) == 1 {
			leaf = c.schemaOfName(b.Expr.Path[0], sc)
		} else if leaf == nil {
			return out, variable{}, unsupported("the path %v, of which the schema says nothing", b.Expr.Path)
		}
		return out, variable{out.slot, leaf}, err
	}
	r, err := c.expression(b.Expr, sc)
	out.fn = r.fn
	return out, variable{out.slot, r.schema}, err
}

func (c *compiler) schemaOfName(name string, sc scope) *schema.Schema {
	if v, ok := sc[name]; ok {
		return v.schema
	}
	if name == language.NameOut {
		return c.m.p.Target.Resolved()
	}
	return c.m.p.Source.Resolved()
}

func (c *compiler) rule(r *program.Rule, sc scope) (out *rule, err error) {
	out = &rule{kind: r.Kind, required: r.Required, demanded: r.Demanded, root: r.Root}
	defer func() {
		if err != nil && c.where == "" {
			c.where = r.At.String() + ": "
		}
	}()
	if r.When != nil {
		when, err := c.expression(r.When, sc)
		if err != nil {
			return nil, err
		}
		out.when = when.fn
	}
	if r.Fallback != nil {
		if out.fallback, err = c.fixedValue(r.Fallback); err != nil {
			return nil, err
		}
	}
	switch r.Kind {
	case program.Object:
		return out, c.object(out, r, sc)
	case program.List:
		for _, kid := range r.Children {
			k, err := c.rule(kid, sc)
			if err != nil {
				return nil, err
			}
			out.children = append(out.children, k)
		}
		return out, nil
	case program.Each:
		return out, c.each(out, r, sc)
	}
	if r.Constant != nil {
		out.make, err = c.fixedValue(r.Constant)
		return out, err
	}
	out.make, err = c.plain(r, sc)
	return out, err
}

// fixed is a plain value that a file names.
func (c *compiler) fixed(n *document.Node) (value, error) {
	switch n.Kind {
	case document.Null:
		return value{kind: null}, nil
	case document.Bool:
		return truth(n.Truth), nil
	case document.Number:
		return value{kind: number, s: n.Text}, nil
	case document.Text:
		return value{kind: text, s: n.Text}, nil
	}
	return value{}, unsupported("a code that stands for an object or list")
}

// fixedValue is any value that a file names.
func (c *compiler) fixedValue(n *document.Node) (fn, error) {
	if n.Kind != document.Object && n.Kind != document.List {
		v, err := c.fixed(n)
		return func(*frame) value { return v }, err
	}
	kids := make([]fn, len(n.Kids))
	for i, k := range n.Kids {
		var err error
		if kids[i], err = c.fixedValue(k); err != nil {
			return nil, err
		}
	}
	if n.Kind == document.List {
		return func(f *frame) value {
			base := len(f.stack)
			for _, k := range kids {
				v := k(f)
				f.stack = append(f.stack, v)
			}
			return f.keep(base)
		}, nil
	}
	s, err := c.m.newShape(n.Keys)
	return func(f *frame) value {
		v := f.record(s)
		for i, k := range kids {
			f.arena[v.at()+i] = k(f)
		}
		return v
	}, err
}

func (c *compiler) object(out *rule, r *program.Rule, sc scope) error {
	inner := sc
	for _, w := range r.With {
		b, v, err := c.binding(w, sc)
		if err != nil {
			return err
		}
		out.with, inner = append(out.with, b), inner.with(w.Name, v)
	}
	names := make([]string, len(r.Children))
	for i, kid := range r.Children {
		k, err := c.rule(kid, inner)
		if err != nil {
			return err
		}
		out.children, names[i] = append(out.children, k), kid.Key
	}
	var err error
	out.shape, err = c.m.newShape(names)
	return err
}

func (c *compiler) each(out *rule, r *program.Rule, sc scope) error {
	b, v, err := c.binding(program.Binding{Name: r.As, Expr: r.Expr}, sc)
	if err != nil {
		return err
	}
	out.list, out.as = b, c.slot()
	inner := sc.with(r.As, variable{out.as, itemSchema(v.schema)})
	if r.Index != "" {
		out.index = c.slot()
		inner = inner.with(r.Index, variable{slot: out.index})
	}
	out.item, err = c.rule(r.Item, inner)
	return err
}

// run makes the value of a rule, absent when it has none.
func (f *frame) run(r *rule) value {
	if !f.tick() {
		return value{}
	}
	if r.when != nil {
		switch v := r.when(f); {
		case v.kind != boolean:
			return f.giveUp()
		case v.n == 0:
			return f.orFallback(r, value{})
		}
	}
	var v value
	switch r.kind {
	case program.Object:
		v = f.object(r)
	case program.List:
		v = f.list(r)
	case program.Each:
		v = f.each(r)
	default:
		v = r.make(f)
	}
	return f.orFallback(r, v)
}

func (f *frame) orFallback(r *rule, v value) value {
	if v.kind == absent {
		if r.fallback != nil {
			return r.fallback(f)
		}
		f.gaveUp = f.gaveUp || r.required
	}
	return v
}

func (f *frame) object(r *rule) value {
	for _, b := range r.with {
		if v := b.fn(f); v.kind == absent {
			return v
		}
		f.vars[b.slot] = b.value(f)
	}
	out := f.record(r.shape)
	if f.out.kind == absent {
		f.out = out
	}
	filled, lacks := r.root, false
	for i, kid := range r.children {
		v := f.run(kid)
		if f.gaveUp {
			return value{}
		}
		if v.kind == absent {
			lacks = lacks || kid.demanded
			continue
		}
		filled = true
		f.arena[out.at()+i] = v
	}
	if !filled {
		return value{}
	}
	if lacks {
		return f.giveUp()
	}
	return out
}

func (f *frame) list(r *rule) value {
	base := len(f.stack)
	for _, kid := range r.children {
		v := f.run(kid)
		if f.gaveUp {
			return value{}
		}
		switch {
		case v.kind == absent:
		case kid.kind == program.Each:
			f.stack = append(f.stack, f.items(v)...)
		default:
			f.stack = append(f.stack, v)
		}
	}
	return f.keep(base)
}

func (f *frame) each(r *rule) value {
	l := r.list.value(f)
	if l.kind != list {
		return f.noItems(l)
	}
	base := len(f.stack)
	n := int(l.n & math.MaxUint32)
	for i := range n {
		f.vars[r.as] = f.items(l)[i]
		if r.index > 0 {
			f.vars[r.index] = value{kind: integer, n: int64(i)}
		}
		v := f.run(r.item)
		if f.gaveUp {
			return value{}
		}
		if v.kind != absent {
			f.stack = append(f.stack, v)
		}
	}
	return f.keep(base)
}

// noItems is what a rule makes of something that is no list: null is missing.
func (f *frame) noItems(v value) value {
	if v.kind > null {
		f.gaveUp = true
	}
	return value{}
}

// plain compiles a rule that makes a plain value, and what it does to it.
func (c *compiler) plain(r *program.Rule, sc scope) (func(*frame) value, error) {
	get, err := c.got(r, sc)
	if err != nil {
		return nil, err
	}
	steps, err := c.transforms(r)
	if err != nil {
		return nil, err
	}
	empty := r.Empty
	if empty == program.EmptyInherit {
		empty = c.m.p.Empty
	}
	nullable := false
	if t := r.Schema.Resolved(); t != nil {
		nullable = t.Nullable
	}
	return func(f *frame) value {
		v := get(f)
		switch {
		case v.kind == absent:
			return v
		case v.kind == null:
			if !nullable {
				return value{}
			}
			return v
		case v.kind == text && v.s == "" && empty != program.EmptyKeep:
			if empty == program.EmptyMissing {
				return value{}
			}
			return value{kind: null}
		}
		for _, do := range steps {
			if v = do(f, v); v.kind == absent {
				return v
			}
		}
		return v
	}, nil
}

// got compiles where the value comes from.
func (c *compiler) got(r *program.Rule, sc scope) (fn, error) {
	e := r.Expr
	if e == nil {
		return nil, unsupported("a rule without an expression")
	}
	if e.Path == nil {
		x, err := c.expression(e, sc)
		return x.fn, err
	}
	get, err := c.path(e, sc)
	if err != nil {
		return nil, err
	}
	leaf := e.Leaf.Resolved()
	if len(e.Path) == 1 {
		leaf = c.schemaOfName(e.Path[0], sc)
	}
	return func(f *frame) value {
		v := get(f)
		if v.kind <= null {
			return v
		}
		if len(e.Path) > 1 && !isOf(v, leaf) {
			return f.giveUp()
		}
		return v
	}, nil
}

// isOf tells whether a value has the schema's type.
func isOf(v value, s *schema.Schema) bool {
	if s == nil {
		return true
	}
	switch s.Kind {
	case schema.Text:
		return v.kind == text
	case schema.Integer, schema.Number:
		return v.kind == number || v.kind == integer || v.kind == double
	case schema.Boolean:
		return v.kind == boolean
	case schema.List:
		return v.kind == list
	case schema.Object:
		return v.kind == object || v.kind == opaque
	}
	return true
}
