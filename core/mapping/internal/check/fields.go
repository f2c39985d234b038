package check

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// ruleKeys are what a rule may say.
var ruleKeys = []string{
	"from", "expr", "const", "fields", "each", "as", "index", "use", "with", "value", "when", "map", "lookup",
	"default", "emptyAs", "onError", "decimal", "rounding", "date", "zone", "required", "lossy", "description",
}

// contents are the keys of which a rule has exactly one.
var contents = []string{"from", "expr", "const", "fields", "use", "value"}

func near(name string, known []string) string { return strictyaml.DidYouMean(name, known) }

// fields checks the members of an object. at is where a missing member is
// reported.
func (c *compiler) fields(n *yaml.Node, target *schema.Schema, tpath string, sc *scope, at strictyaml.Pos) []*program.Rule {
	if n.Kind != yaml.MappingNode {
		c.fail(sc.file.At(n), finding.CodeSyntax, "", "%s: fields must be a list of `member: rule`", c.called(tpath))
		return nil
	}
	target = target.Resolved()
	c.view.Object(n, target, tpath)
	var out []*program.Rule
	set := map[string]bool{}
	source.Pairs(n, func(k, v *yaml.Node) {
		set[k.Value] = true
		path := strings.TrimPrefix(tpath+"."+k.Value, ".")
		var s *schema.Schema
		if target != nil && target.Kind == schema.Object {
			if s = target.Member(k.Value); s == nil && !c.full() {
				c.fail(sc.file.At(k), finding.CodeUnknown, near(k.Value, target.Names()), "target %s has no field %q", c.called(tpath), k.Value)
				s = &schema.Schema{}
			}
		}
		r := c.rule(v, s, path, sc)
		if tpath == "" && sc.done != nil {
			sc.done[k.Value] = true
		}
		if r == nil {
			return
		}
		r.Key = k.Value
		if target != nil && target.Required[k.Value] {
			r.Demanded = true
			// An optional object is left out when all its members are missing.
			c.mayMiss(r, v, sc, tpath == "" || strings.HasSuffix(tpath, "[]"))
		}
		out = append(out, r)
	})
	if target == nil {
		return out
	}
	required := make([]string, 0, len(target.Required))
	for name := range target.Required {
		required = append(required, name)
	}
	slices.Sort(required)
	for _, name := range required {
		if !set[name] {
			c.fail(at, finding.CodeRequired, "add a rule for it", "required target field %s is never set", strings.TrimPrefix(tpath+"."+name, "."))
		}
	}
	return out
}

// called names an object of the target in messages.
func (c *compiler) called(tpath string) string {
	if tpath != "" {
		return tpath
	}
	if c.m.Target != "" {
		return c.m.Target
	}
	return "document"
}

// mayMiss warns where a required field is filled from what may be missing.
func (c *compiler) mayMiss(r *program.Rule, v *yaml.Node, sc *scope, alone bool) {
	switch {
	case r.OnError == program.OnSkip || r.OnError == program.OnWarn:
		c.report(sc.file.At(v), finding.SeverityWarning, finding.CodeRequired, "use onError: default with a default, or fail", "%s is required by the target; when the rule fails the document fails too", r.Target)
	case r.Required:
		// The author knows that there may be no value, and wants the document to fail then.
	case r.When != nil && r.Fallback == nil:
		c.report(sc.file.At(v), finding.SeverityWarning, finding.CodeIncomplete, "give the rule a default", "%s is required by the target, but its `when` may be false", r.Target)
	case r.Kind == program.Value && r.Expr != nil && r.Expr.Path != nil && r.Fallback == nil && r.Expr.Leaf != nil && !r.Expr.Sure && (alone || !r.Expr.SureLeaf):
		c.report(sc.file.At(v), finding.SeverityWarning, finding.CodeIncomplete, "give the rule a default, or require the member in the source schema",
			"%s is required by the target, but %s may be missing in the source", r.Target, strings.Join(r.Expr.Path, "."))
	}
}

// rule checks one rule: a scalar is an expression, a sequence is a list with an
// entry per item, a mapping says more.
func (c *compiler) rule(n *yaml.Node, target *schema.Schema, tpath string, sc *scope) *program.Rule {
	if c.full() {
		return nil
	}
	if c.rules++; c.rules > maxRules {
		if c.rules == maxRules+1 {
			c.fail(sc.file.At(n), finding.CodeSyntax, "split the mapping", "the mapping has more than %d rules", maxRules)
		}
		return nil
	}
	c.view.Rule(n, target, tpath)
	r := &program.Rule{At: sc.file.At(n), Target: tpath, Schema: target}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			c.fail(sc.file.At(n), finding.CodeRequired, "write an expression such as src.orderNumber", "%s: the rule is empty", tpath)
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
	when := c.conditions(r, n, sc)
	sc = sc.tested(r.When).within(n, when)
	if each := source.Child(n, "each"); each != nil {
		c.each(r, n, each, sc)
		return r
	}
	for _, k := range []string{"as", "index"} {
		if v := source.Child(n, k); v != nil {
			c.fail(sc.file.At(v), finding.CodeUnknown, "", "%s: %q belongs to `each`", tpath, k)
		}
	}
	if !c.content(r, n, sc) {
		return nil
	}
	return r
}

// conditions reads the keys that belong to a rule as a whole.
func (c *compiler) conditions(r *program.Rule, n *yaml.Node, sc *scope) (when *expression.Reading) {
	if w := source.Child(n, "when"); w != nil {
		var read *expression.Reading
		if r.When, read = c.truth(w, sc, r.Target, "when"); read != nil {
			c.decided(read, w, n, sc, r.Target)
			when = read
		}
	}
	if v := source.Child(n, "onError"); v != nil {
		r.OnError = choose(c, sc.file, v, "onError", program.Policies)
	}
	if v := source.Child(n, "required"); v != nil {
		if err := v.Decode(&r.Required); err != nil {
			c.fail(sc.file.At(v), finding.CodeSyntax, "", "%s: required is true or false", r.Target)
		}
	}
	if v := source.Child(n, "default"); v != nil {
		r.Fallback = c.literal(v, r.Schema, r.Target, sc)
	}
	if r.OnError == program.UseDefault && r.Fallback == nil && source.Child(n, "default") == nil {
		c.fail(sc.file.At(source.Child(n, "onError")), finding.CodeRequired, "add `default:`", "%s: onError: default needs a default", r.Target)
	}
	c.text(sc.file, n, "lossy", "the rule "+r.Target, false)
	return when
}

// literal reads a fixed value and compares it with the target's schema.
func (c *compiler) literal(v *yaml.Node, target *schema.Schema, tpath string, sc *scope) *document.Node {
	n, err := document.FromYAML(v)
	if err != nil {
		c.fail(sc.file.At(v), finding.CodeSyntax, "", "%s: %v", tpath, err)
		return nil
	}
	if p := target.Refuses(n); p != "" {
		hint := ""
		if n.Kind == document.Number || n.Kind == document.Bool {
			hint = "quote it if it is text"
		}
		c.fail(sc.file.At(v), finding.CodeValue, hint, "%s %s", tpath, p)
	}
	c.looksComputed(n, v, tpath, sc)
	n.Adopt()
	return n
}

// content reads the one key that says what a rule makes.
func (c *compiler) content(r *program.Rule, n *yaml.Node, sc *scope) bool {
	var has []string
	for _, k := range contents {
		if source.Child(n, k) != nil {
			has = append(has, k)
		}
	}
	if len(has) != 1 {
		found := "none"
		if len(has) > 1 {
			found = strings.Join(has, " and ")
		}
		c.fail(sc.file.At(n), finding.CodeRequired, "", "%s: needs one of %s, each; found %s", r.Target, strings.Join(contents, ", "), found)
		return false
	}
	v := source.Child(n, has[0])
	switch has[0] {
	case "fields":
		c.object(r, v, sc)
	case "use":
		c.use(r, v, source.Child(n, "with"), sc)
	case "const":
		r.Constant = c.literal(v, r.Schema, r.Target, sc)
		c.moved(r, nil, sc)
	case "value":
		if v.Kind == yaml.SequenceNode {
			c.list(r, v, sc)
			break
		}
		c.computed(r, v, sc, n)
	default:
		c.computed(r, v, sc, n)
	}
	if has[0] != "use" && source.Child(n, "with") != nil {
		c.fail(sc.file.At(source.Child(n, "with")), finding.CodeUnknown, "", "%s: `with` belongs to `use`", r.Target)
	}
	if r.Kind != program.Value || r.Constant != nil {
		for _, k := range []string{"map", "lookup", "emptyAs", "decimal", "rounding", "date", "zone"} {
			if v := source.Child(n, k); v != nil {
				c.fail(sc.file.At(v), finding.CodeUnknown, "", "%s: %q works on the value of `from` or `expr`", r.Target, k)
			}
		}
	}
	return true
}

func (c *compiler) object(r *program.Rule, v *yaml.Node, sc *scope) {
	r.Kind = program.Object
	s := r.Schema.Resolved()
	if s != nil && s.Kind != schema.Object && s.Kind != schema.Any {
		c.fail(sc.file.At(v), finding.CodeType, "", "%s wants %s, `fields` makes an object", r.Target, s.Kind)
		s = nil
	}
	r.Children = c.fields(v, s, r.Target, sc, sc.file.At(v))
}

// list reads a YAML sequence: each entry is a rule that makes one item, or with
// `each` any number of them.
func (c *compiler) list(r *program.Rule, n *yaml.Node, sc *scope) {
	r.Kind = program.List
	s := r.Schema.Resolved()
	if s != nil && s.Kind != schema.List && s.Kind != schema.Any {
		c.fail(sc.file.At(n), finding.CodeType, "", "%s wants %s, a YAML sequence makes a list", r.Target, s.Kind)
		s = nil
	}
	for _, e := range n.Content {
		spread := e.Kind == yaml.MappingNode && source.Child(e, "each") != nil
		target := s.ItemSchema()
		if spread {
			target = s
		}
		path := r.Target
		if !spread {
			path += "[]"
		}
		if item := c.rule(e, target, path, sc); item != nil {
			r.Children = append(r.Children, item)
		}
	}
}

func (c *compiler) each(r *program.Rule, n, each *yaml.Node, sc *scope) {
	r.Kind = program.Each
	s := r.Schema.Resolved()
	if s != nil && s.Kind != schema.List && s.Kind != schema.Any {
		c.fail(sc.file.At(each), finding.CodeType, "", "%s wants %s, `each` makes a list", r.Target, s.Kind)
		s = nil
	}
	e, read := c.expression(each, sc, r.Target)
	elem, base := cel.DynType, ""
	if e != nil {
		r.Expr, base = e, expression.Element(read.Result)
		delete(c.m.Use.Read, read.Result)
		switch {
		case e.Type.Kind() == cel.ListKind:
			elem = e.Type.Parameters()[0]
		case !e.Type.IsExactType(cel.DynType):
			c.fail(sc.file.At(each), finding.CodeType, "name a list of the source", "%s: `each` wants a list, this is %s", r.Target, language.TypeName(e.Type))
		}
	}
	inner := sc
	for _, v := range []struct {
		key  string
		t    *cel.Type
		base string
		to   *string
	}{{"as", elem, base, &r.As}, {"index", cel.IntType, "", &r.Index}} {
		name := source.Child(n, v.key)
		if name == nil {
			if v.key == "as" {
				c.fail(sc.file.At(n), finding.CodeRequired, "name the item, as in `as: l`", "%s: `each` needs `as`", r.Target)
			}
			continue
		}
		if !c.variable(sc, name) {
			continue
		}
		next, err := inner.with(name.Value, v.t, v.base, true)
		if err != nil {
			c.fail(sc.file.At(name), finding.CodeSyntax, "choose another name", "%q is already a variable: %v", name.Value, err)
			continue
		}
		inner, *v.to = c.named(next, name.Value, "each", e), name.Value
		if v.key == "as" {
			inner = inner.choosing(name.Value, read)
		}
	}
	if sc.done != nil && inner != sc {
		inner.done = sc.done
	}
	r.Item = &program.Rule{At: sc.file.At(n), Target: r.Target + "[]", Schema: s.ItemSchema(), Root: true}
	if !c.content(r.Item, n, inner) {
		r.Item = nil
	}
}

// use puts a fragment in the place of `fields`.
func (c *compiler) use(r *program.Rule, name, with *yaml.Node, sc *scope) {
	r.Kind = program.Object
	f := c.fragments[name.Value]
	if f == nil {
		known := make([]string, 0, len(c.fragments))
		for k := range c.fragments {
			known = append(known, k)
		}
		c.fail(sc.file.At(name), finding.CodeUnknown, near(name.Value, known)+"; list its file under `include`", "%s: no fragment %q", r.Target, name.Value)
		return
	}
	depth := 0
	for g := sc.frag; g != nil; g = g.user {
		if depth++; g.name == f.name || depth > maxFragments {
			c.fail(sc.file.At(name), finding.CodeSyntax, "", "%s: the fragment %q uses itself", r.Target, name.Value)
			return
		}
	}
	inner, ok := c.arguments(r, f, name, with, sc)
	if !ok {
		return
	}
	before := len(c.found)
	r.Children = c.fields(f.fields, r.Schema, r.Target, inner, sc.file.At(name))
	// A fragment is checked at every use; what is wrong in it is said once.
	c.found = slices.DeleteFunc(c.found, func() func(finding.Finding) bool {
		i := -1
		return func(x finding.Finding) bool {
			i++
			return i >= before && x.File == f.file.Name && slices.ContainsFunc(c.found[:before], func(y finding.Finding) bool {
				return y.File == x.File && y.Line == x.Line && y.Col == x.Col && y.Code == x.Code
			})
		}
	}())
}

// arguments binds a fragment's parameters.
func (c *compiler) arguments(r *program.Rule, f *fragment, name, with *yaml.Node, sc *scope) (*scope, bool) {
	// A fragment sees src, out and its parameters; not the variables around its use.
	inner, _, err := c.fragmentScope(f, sc)
	if err != nil {
		c.fail(sc.file.At(name), finding.CodeSyntax, "", "%s: %v", r.Target, err)
		return nil, false
	}
	ok := true
	source.Pairs(with, func(k, v *yaml.Node) {
		if !slices.Contains(f.params, k.Value) {
			c.fail(sc.file.At(k), finding.CodeUnknown, near(k.Value, f.params), "%s: the fragment %q has no parameter %q", r.Target, f.name, k.Value)
		}
	})
	for _, p := range f.params {
		v := source.Child(with, p)
		if v == nil {
			c.fail(sc.file.At(name), finding.CodeRequired, fmt.Sprintf("write with: {%s: …}", p), "%s: the fragment %q needs the parameter %q", r.Target, f.name, p)
			ok = false
			continue
		}
		e, read := c.expression(v, sc, r.Target)
		if e == nil {
			ok = false
			continue
		}
		delete(c.m.Use.Read, read.Result)
		next, err := inner.choosing(p, read).with(p, e.Type, read.Result, true)
		if err != nil {
			c.fail(f.file.At(f.fields), finding.CodeSyntax, "", "%q cannot be a parameter: %v", p, err)
			ok = false
			continue
		}
		inner = c.named(next, p, "with", e)
		r.With = append(r.With, program.Binding{Name: p, Expr: e, At: sc.file.At(v)})
	}
	return inner, ok
}

// computed checks the value of `from` or `expr` and what is done to it. opts is
// the rule's YAML mapping, or the scalar itself.
func (c *compiler) computed(r *program.Rule, n *yaml.Node, sc *scope, opts *yaml.Node) {
	e, read := c.expression(n, sc, r.Target)
	t := cel.DynType
	if e != nil {
		t, r.Expr = e.Type, e
		if read.Result != "" && whole(t) {
			c.m.Use.Whole[read.Result] = true
		}
	}
	r.Expr = e
	done := c.transforms(r, opts, t, sc)
	if e != nil {
		c.gives(r, read, n, opts, sc, done)
		c.moved(r, read, sc)
	}
	if e != nil && !done {
		if p := c.mismatch(t, r.Schema); p != "" {
			c.fail(sc.file.At(n), finding.CodeType, c.conversion(t, r.Schema), "%s wants %s, the expression gives %s%s", r.Target, wanted(r.Schema), language.TypeName(t), strings.TrimRight(p, " "))
		}
	}
}
