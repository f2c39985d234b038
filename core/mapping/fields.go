package mapping

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// ruleKeys are what a rule may say.
var ruleKeys = []string{
	"from", "expr", "const", "fields", "each", "as", "index", "use", "with", "value", "when", "map", "lookup",
	"default", "emptyAs", "onError", "decimal", "rounding", "date", "zone", "required", "description",
}

// contents are the keys of which a rule has exactly one.
var contents = []string{"from", "expr", "const", "fields", "use", "value"}

func near(name string, known []string) string { return strictyaml.DidYouMean(name, known) }

// fields checks the members of an object. at is where a missing member is
// reported.
func (c *compiler) fields(n *yaml.Node, target *Schema, tpath string, sc *scope, at strictyaml.Pos) []*rule {
	if n.Kind != yaml.MappingNode {
		c.fail(sc.file.at(n), CodeSyntax, "", "%s: fields must be a list of `member: rule`", c.called(tpath))
		return nil
	}
	target = target.resolved()
	var out []*rule
	set := map[string]bool{}
	pairs(n, func(k, v *yaml.Node) {
		set[k.Value] = true
		path := strings.TrimPrefix(tpath+"."+k.Value, ".")
		var s *Schema
		if target != nil && target.kind == typeObject {
			if s = target.member(k.Value); s == nil {
				c.fail(sc.file.at(k), CodeUnknown, near(k.Value, target.names()), "target %s has no field %q", c.called(tpath), k.Value)
				s = &Schema{}
			}
		}
		r := c.rule(v, s, path, sc)
		if tpath == "" && sc.done != nil {
			sc.done[k.Value] = true
		}
		if r == nil {
			return
		}
		r.key = k.Value
		if target != nil && target.required[k.Value] {
			r.demanded = true
			// An optional object is left out when all its members are missing.
			c.mayMiss(r, v, sc, tpath == "" || strings.HasSuffix(tpath, "[]"))
		}
		out = append(out, r)
	})
	if target == nil {
		return out
	}
	required := make([]string, 0, len(target.required))
	for name := range target.required {
		required = append(required, name)
	}
	slices.Sort(required)
	for _, name := range required {
		if !set[name] {
			c.fail(at, CodeRequired, "add a rule for it", "required target field %s is never set", strings.TrimPrefix(tpath+"."+name, "."))
		}
	}
	return out
}

// called names an object of the target in messages.
func (c *compiler) called(tpath string) string {
	if tpath != "" {
		return tpath
	}
	if c.m.target != "" {
		return c.m.target
	}
	return "document"
}

// mayMiss warns where a required field is filled from what may be missing.
func (c *compiler) mayMiss(r *rule, v *yaml.Node, sc *scope, alone bool) {
	switch {
	case r.onError == onSkip || r.onError == onWarn:
		c.report(sc.file.at(v), SeverityWarning, CodeRequired, "use onError: default with a default, or fail", "%s is required by the target; when the rule fails the document fails too", r.target)
	case r.when != nil && r.fallback == nil:
		c.report(sc.file.at(v), SeverityWarning, CodeIncomplete, "give the rule a default", "%s is required by the target, but its `when` may be false", r.target)
	case r.kind == ruleValue && r.expr != nil && r.expr.path != nil && r.fallback == nil && r.expr.leaf != nil && !r.expr.sure && (alone || !r.expr.sureLeaf):
		c.report(sc.file.at(v), SeverityWarning, CodeIncomplete, "give the rule a default, or require the member in the source schema",
			"%s is required by the target, but %s may be missing in the source", r.target, strings.Join(r.expr.path, "."))
	}
}

// rule checks one rule: a scalar is an expression, a sequence is a list with an
// entry per item, a mapping says more.
func (c *compiler) rule(n *yaml.Node, target *Schema, tpath string, sc *scope) *rule {
	if c.rules++; c.rules > maxRules {
		if c.rules == maxRules+1 {
			c.fail(sc.file.at(n), CodeSyntax, "split the mapping", "the mapping has more than %d rules", maxRules)
		}
		return nil
	}
	r := &rule{at: sc.file.at(n), target: tpath, schema: target}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			c.fail(sc.file.at(n), CodeRequired, "write an expression such as src.orderNumber", "%s: the rule is empty", tpath)
			return nil
		}
		c.computed(r, n, sc, n)
		return r
	case yaml.SequenceNode:
		c.list(r, n, sc)
		return r
	}
	if !c.known(sc.file, n, "the rule "+tpath, ruleKeys) {
		return nil
	}
	c.conditions(r, n, sc)
	sc = sc.tested(r.when)
	if each := child(n, "each"); each != nil {
		c.each(r, n, each, sc)
		return r
	}
	for _, k := range []string{"as", "index"} {
		if v := child(n, k); v != nil {
			c.fail(sc.file.at(v), CodeUnknown, "", "%s: %q belongs to `each`", tpath, k)
		}
	}
	if !c.content(r, n, sc) {
		return nil
	}
	return r
}

// conditions reads the keys that belong to a rule as a whole.
func (c *compiler) conditions(r *rule, n *yaml.Node, sc *scope) {
	if w := child(n, "when"); w != nil {
		r.when = c.truth(w, sc, r.target, "when")
	}
	if v := child(n, "onError"); v != nil {
		r.onError = choose(c, sc.file, v, "onError", policies)
	}
	if v := child(n, "required"); v != nil {
		if err := v.Decode(&r.required); err != nil {
			c.fail(sc.file.at(v), CodeSyntax, "", "%s: required is true or false", r.target)
		}
	}
	if v := child(n, "default"); v != nil {
		r.fallback = c.literal(v, r.schema, r.target, sc)
	}
	if r.onError == useDefault && r.fallback == nil && child(n, "default") == nil {
		c.fail(sc.file.at(child(n, "onError")), CodeRequired, "add `default:`", "%s: onError: default needs a default", r.target)
	}
}

// literal reads a fixed value and compares it with the target's schema.
func (c *compiler) literal(v *yaml.Node, target *Schema, tpath string, sc *scope) *node {
	n, err := literal(v)
	if err != nil {
		c.fail(sc.file.at(v), CodeSyntax, "", "%s: %v", tpath, err)
		return nil
	}
	if p := target.refuses(n); p != "" {
		hint := ""
		if n.kind == kindNumber || n.kind == kindBool {
			hint = "quote it if it is text"
		}
		c.fail(sc.file.at(v), CodeValue, hint, "%s %s", tpath, p)
	}
	n.adopt()
	return n
}

// content reads the one key that says what a rule makes.
func (c *compiler) content(r *rule, n *yaml.Node, sc *scope) bool {
	var has []string
	for _, k := range contents {
		if child(n, k) != nil {
			has = append(has, k)
		}
	}
	if len(has) != 1 {
		found := "none"
		if len(has) > 1 {
			found = strings.Join(has, " and ")
		}
		c.fail(sc.file.at(n), CodeRequired, "", "%s: needs one of %s, each; found %s", r.target, strings.Join(contents, ", "), found)
		return false
	}
	v := child(n, has[0])
	switch has[0] {
	case "fields":
		c.object(r, v, sc)
	case "use":
		c.use(r, v, child(n, "with"), sc)
	case "const":
		r.constant = c.literal(v, r.schema, r.target, sc)
	case "value":
		if v.Kind == yaml.SequenceNode {
			c.list(r, v, sc)
			break
		}
		c.computed(r, v, sc, n)
	default:
		c.computed(r, v, sc, n)
	}
	if has[0] != "use" && child(n, "with") != nil {
		c.fail(sc.file.at(child(n, "with")), CodeUnknown, "", "%s: `with` belongs to `use`", r.target)
	}
	if r.kind != ruleValue || r.constant != nil {
		for _, k := range []string{"map", "lookup", "emptyAs", "decimal", "rounding", "date", "zone"} {
			if v := child(n, k); v != nil {
				c.fail(sc.file.at(v), CodeUnknown, "", "%s: %q works on the value of `from` or `expr`", r.target, k)
			}
		}
	}
	return true
}

func (c *compiler) object(r *rule, v *yaml.Node, sc *scope) {
	r.kind = ruleObject
	s := r.schema.resolved()
	if s != nil && s.kind != typeObject && s.kind != typeAny {
		c.fail(sc.file.at(v), CodeType, "", "%s wants %s, `fields` makes an object", r.target, s.kind)
		s = nil
	}
	r.children = c.fields(v, s, r.target, sc, sc.file.at(v))
}

// list reads a YAML sequence: each entry is a rule that makes one item, or with
// `each` any number of them.
func (c *compiler) list(r *rule, n *yaml.Node, sc *scope) {
	r.kind = ruleList
	s := r.schema.resolved()
	if s != nil && s.kind != typeArray && s.kind != typeAny {
		c.fail(sc.file.at(n), CodeType, "", "%s wants %s, a YAML sequence makes a list", r.target, s.kind)
		s = nil
	}
	for _, e := range n.Content {
		spread := e.Kind == yaml.MappingNode && child(e, "each") != nil
		target := s.itemSchema()
		if spread {
			target = s
		}
		path := r.target
		if !spread {
			path += "[]"
		}
		if item := c.rule(e, target, path, sc); item != nil {
			r.children = append(r.children, item)
		}
	}
}

func (c *compiler) each(r *rule, n, each *yaml.Node, sc *scope) {
	r.kind = ruleEach
	s := r.schema.resolved()
	if s != nil && s.kind != typeArray && s.kind != typeAny {
		c.fail(sc.file.at(each), CodeType, "", "%s wants %s, `each` makes a list", r.target, s.kind)
		s = nil
	}
	e, read := c.expression(each, sc, r.target)
	elem, base := cel.DynType, ""
	if e != nil {
		r.expr, base = e, element(read.result)
		delete(c.reads, read.result)
		switch {
		case e.typ.Kind() == cel.ListKind:
			elem = e.typ.Parameters()[0]
		case !e.typ.IsExactType(cel.DynType):
			c.fail(sc.file.at(each), CodeType, "name a list of the source", "%s: `each` wants a list, this is %s", r.target, typeName(e.typ))
		}
	}
	inner := sc
	for _, v := range []struct {
		key  string
		t    *cel.Type
		base string
		to   *string
	}{{"as", elem, base, &r.as}, {"index", cel.IntType, "", &r.index}} {
		name := child(n, v.key)
		if name == nil {
			if v.key == "as" {
				c.fail(sc.file.at(n), CodeRequired, "name the item, as in `as: l`", "%s: `each` needs `as`", r.target)
			}
			continue
		}
		if !c.variable(sc, name) {
			continue
		}
		next, err := inner.with(name.Value, v.t, v.base, true)
		if err != nil {
			c.fail(sc.file.at(name), CodeSyntax, "choose another name", "%q is already a variable: %v", name.Value, err)
			continue
		}
		inner, *v.to = next, name.Value
	}
	if sc.done != nil && inner != sc {
		inner.done = sc.done
	}
	r.item = &rule{at: sc.file.at(n), target: r.target + "[]", schema: s.itemSchema(), root: true}
	if !c.content(r.item, n, inner) {
		r.item = nil
	}
}

// use puts a fragment in the place of `fields`.
func (c *compiler) use(r *rule, name, with *yaml.Node, sc *scope) {
	r.kind = ruleObject
	f := c.fragments[name.Value]
	if f == nil {
		known := make([]string, 0, len(c.fragments))
		for k := range c.fragments {
			known = append(known, k)
		}
		c.fail(sc.file.at(name), CodeUnknown, near(name.Value, known)+"; list its file under `include`", "%s: no fragment %q", r.target, name.Value)
		return
	}
	depth := 0
	for g := sc.frag; g != nil; g = g.user {
		if depth++; g.name == f.name || depth > maxFragments {
			c.fail(sc.file.at(name), CodeSyntax, "", "%s: the fragment %q uses itself", r.target, name.Value)
			return
		}
	}
	inner, ok := c.arguments(r, f, name, with, sc)
	if !ok {
		return
	}
	before := len(c.found)
	r.children = c.fields(f.fields, r.schema, r.target, inner, sc.file.at(name))
	// A fragment is checked at every use; what is wrong in it is said once.
	c.found = slices.DeleteFunc(c.found, func() func(Finding) bool {
		i := -1
		return func(x Finding) bool {
			i++
			return i >= before && x.File == f.file.name && slices.ContainsFunc(c.found[:before], func(y Finding) bool {
				return y.File == x.File && y.Line == x.Line && y.Col == x.Col && y.Code == x.Code
			})
		}
	}())
}

// arguments binds a fragment's parameters.
func (c *compiler) arguments(r *rule, f *fragment, name, with *yaml.Node, sc *scope) (*scope, bool) {
	// A fragment sees src, out and its parameters; not the variables around its use.
	inner, _, err := c.fragmentScope(f, sc)
	if err != nil {
		c.fail(sc.file.at(name), CodeSyntax, "", "%s: %v", r.target, err)
		return nil, false
	}
	ok := true
	pairs(with, func(k, v *yaml.Node) {
		if !slices.Contains(f.params, k.Value) {
			c.fail(sc.file.at(k), CodeUnknown, near(k.Value, f.params), "%s: the fragment %q has no parameter %q", r.target, f.name, k.Value)
		}
	})
	for _, p := range f.params {
		v := child(with, p)
		if v == nil {
			c.fail(sc.file.at(name), CodeRequired, fmt.Sprintf("write with: {%s: …}", p), "%s: the fragment %q needs the parameter %q", r.target, f.name, p)
			ok = false
			continue
		}
		e, read := c.expression(v, sc, r.target)
		if e == nil {
			ok = false
			continue
		}
		delete(c.reads, read.result)
		next, err := inner.with(p, e.typ, read.result, true)
		if err != nil {
			c.fail(f.file.at(f.fields), CodeSyntax, "", "%q cannot be a parameter: %v", p, err)
			ok = false
			continue
		}
		inner = next
		r.with = append(r.with, binding{p, e, sc.file.at(v)})
	}
	return inner, ok
}

// computed checks the value of `from` or `expr` and what is done to it. opts is
// the rule's YAML mapping, or the scalar itself.
func (c *compiler) computed(r *rule, n *yaml.Node, sc *scope, opts *yaml.Node) {
	e, read := c.expression(n, sc, r.target)
	t := cel.DynType
	if e != nil {
		t, r.expr = e.typ, e
		if k := plainType(t).Kind(); read.result != "" && (k == cel.StructKind || k == cel.ListKind || k == cel.MapKind || k == cel.DynKind) {
			c.wholes[read.result] = true
		}
	}
	r.expr = e
	done := c.transforms(r, opts, t, sc)
	if e != nil && !done {
		if p := c.mismatch(t, r.schema); p != "" {
			c.fail(sc.file.at(n), CodeType, c.conversion(t, r.schema), "%s wants %s, the expression gives %s%s", r.target, wanted(r.schema), typeName(t), strings.TrimRight(p, " "))
		}
	}
}
