package program

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// frame is one run of a mapping over one document: what expressions see and
// where the run is. It is the activation that CEL resolves names in.
type frame struct {
	ctx  context.Context
	p    *Program
	in   Facts
	src  *document.Node
	out  *document.Node
	vars []variable
	path []string // of the result, for errors
	runs int
	// before is how many items of a written list stand before those of an `each` in
	// it.
	before int

	srcValue, outValue, metaValue ref.Val
	warnings                      []Warning

	// Of a run that is observed.
	steps    []*Step // of the rules that run, the innermost last
	observed int
	told     *Failure
}

// variable is a name with its value. n is set when the value is a node.
type variable struct {
	name string
	n    *document.Node
	val  ref.Val
}

// MaxRuns is how many rules one document may make run.
const MaxRuns = 20_000_000

func (f *frame) Parent() cel.Activation { return nil }

// ResolveName implements CEL's activation.
func (f *frame) ResolveName(name string) (any, bool) {
	for i := len(f.vars) - 1; i >= 0; i-- {
		if f.vars[i].name == name {
			return f.vars[i].val, true
		}
	}
	switch name {
	case language.NameSrc:
		return f.srcValue, true
	case language.NameOut:
		return f.outValue, f.outValue != nil
	case language.NameMeta:
		return f.metaValue, true
	case language.NameMessageID:
		return types.String(f.in.MessageID), true
	case language.NameNow:
		return types.String(f.in.Now.UTC().Format(time.RFC3339Nano)), true
	}
	return nil, false
}

// stop is an error that no rule may swallow: a cancelled context, a table that
// cannot be asked, a limit.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

func (f *frame) tick() error {
	if f.runs++; f.runs > MaxRuns {
		return stop{fmt.Errorf("the document makes more than %d rules run", MaxRuns)}
	}
	if f.runs&255 == 0 && f.ctx.Err() != nil {
		return stop{fmt.Errorf("the mapping was interrupted: %w", context.Cause(f.ctx))}
	}
	return nil
}

// run makes the value of a rule; nil when it has none, with the reason.
func (f *frame) run(r *Rule) (n *document.Node, why string, err error) {
	if f.in.Observe != nil {
		return f.observe(r)
	}
	return f.make(r)
}

func (f *frame) make(r *Rule) (n *document.Node, why string, err error) {
	if err := f.tick(); err != nil {
		return nil, "", err
	}
	if r.When != nil {
		ok, err := f.truth(r.When)
		if err != nil {
			n, why, err = f.recover(r, r.When, fmt.Errorf("`when`: %w", err))
			return n, why, err
		}
		if !ok {
			f.declines()
			return f.orDefault(r, nil, "its `when` is false")
		}
	}
	n, err = f.produce(r)
	if err != nil {
		if language.IsMissing(err) {
			return f.orDefault(r, nil, err.Error())
		}
		return f.recover(r, r.Expr, err)
	}
	return f.orDefault(r, n, "none of its members has a value")
}

func (f *frame) orDefault(r *Rule, n *document.Node, why string) (*document.Node, string, error) {
	if n == nil {
		f.lacks(r, why)
		if r.Fallback != nil {
			n = r.Fallback.Copied()
		}
	}
	if n == nil {
		if r.Required {
			return nil, "", f.fail(r, r.Expr, fmt.Errorf("the field is required but has no value: %s", why))
		}
		return nil, why, nil
	}
	n.Origin = r
	return n, "", nil
}

// recover applies the rule's policy to a failure.
func (f *frame) recover(r *Rule, e *Expression, err error) (*document.Node, string, error) {
	var s stop
	if errors.As(err, &s) {
		return nil, "", f.fail(r, e, err)
	}
	p := r.OnError
	if p == inherit && r.Kind == Value {
		p = f.p.OnError
	}
	failure := f.fail(r, e, err)
	f.decides(p, failure)
	switch p {
	case UseDefault:
		return f.orDefault(r, nil, err.Error())
	case OnSkip:
		return f.orDefault(r, nil, err.Error())
	case OnWarn:
		f.warn(r, failure)
		return f.orDefault(r, nil, err.Error())
	}
	return nil, "", failure
}

// maxWarnings is how many warnings one document can make.
const maxWarnings = 100

func (f *frame) warn(r *Rule, e *Failure) {
	if len(f.warnings) < maxWarnings {
		text := e.Target + ": " + e.Reason
		if e.Source != "" {
			text += " [source " + e.Source + "]"
		}
		f.warnings = append(f.warnings, Warning{At: r.At, Text: text})
	}
}

// fail makes a failure of an error. One that already is a failure stays.
func (f *frame) fail(r *Rule, e *Expression, err error) *Failure {
	var have *Failure
	if errors.As(err, &have) {
		return have
	}
	out := &Failure{At: r.At, Target: f.targetPath(), Reason: err.Error()}
	var s stop
	if errors.As(err, &s) {
		out.Err = s
	}
	if e != nil {
		f.blame(out, e)
	}
	if r.Schema.IsPersonal() || e != nil && e.Personal {
		if out.Value != "" {
			out.Reason = strings.ReplaceAll(out.Reason, out.Value, hidden)
			out.Value = hidden
		}
	}
	return out
}

// blame finds the first place that the expression read.
func (f *frame) blame(out *Failure, e *Expression) {
	for _, path := range e.Reads {
		n, _ := f.follow(path)
		if n == nil {
			continue
		}
		out.Source = n.Path()
		if n.Kind != document.Object && n.Kind != document.List {
			out.Value = n.Short()
		}
		return
	}
	if len(e.Reads) > 0 {
		out.Source = strings.Join(e.Reads[0], ".")
	}
}

func (f *frame) targetPath() string {
	var b strings.Builder
	for _, p := range f.path {
		if b.Len() > 0 && !strings.HasPrefix(p, "[") {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}

// follow walks a path of names from a variable.
func (f *frame) follow(path []string) (*document.Node, error) {
	var n *document.Node
	switch path[0] {
	case language.NameSrc:
		n = f.src
	case language.NameOut:
		n = f.out
	}
	for i := len(f.vars) - 1; i >= 0; i-- {
		if v := f.vars[i]; v.name == path[0] {
			if v.n == nil {
				if err, ok := v.val.(*types.Err); ok {
					return nil, err
				}
				if len(path) > 1 {
					return nil, errComputed
				}
				return language.NodeOf(v.val)
			}
			n = v.n
			break
		}
	}
	if n == nil {
		return nil, language.Missing(path[0] + " is missing")
	}
	for _, name := range path[1:] {
		if n.Kind == document.Null {
			return nil, language.Missing(n.Path() + " is null")
		}
		if n.Kind != document.Object {
			return nil, fmt.Errorf("%s is %s, so it has no member %s", n.Path(), n.Kind, name)
		}
		kid := n.Get(name)
		if kid == nil {
			return nil, language.Missing(n.Path() + "." + name + " is missing")
		}
		n = kid
	}
	return n, nil
}

// errComputed says that a variable holds something that CEL computed, so that
// CEL must read its members too.
var errComputed = errors.New("a computed value")

// eval makes the value of an expression.
func (f *frame) eval(e *Expression, target *schema.Schema) (*document.Node, error) {
	if e.Path != nil {
		n, err := f.follow(e.Path)
		if err == nil {
			return f.plain(n, e.Leaf, target)
		}
		if !errors.Is(err, errComputed) {
			return nil, err
		}
	}
	v, err := f.value(e)
	if err != nil {
		return nil, err
	}
	n, err := language.NodeOf(v)
	if err == nil && n.Kind == document.Null {
		return f.plain(n, nil, target)
	}
	return n, err
}

// plain copies a value as it stands.
func (f *frame) plain(n *document.Node, leaf, target *schema.Schema) (*document.Node, error) {
	if n.Kind == document.Null {
		if t := target.Resolved(); t != nil && t.Nullable {
			return &document.Node{Kind: document.Null}, nil
		}
		return nil, language.Missing(strings.TrimSpace(n.Path() + " is null"))
	}
	if l := leaf.Resolved(); l != nil && !l.Kind.Holds(n) {
		return nil, fmt.Errorf("%s is %s, but the schema of the source says %s", n.Path(), n.Kind, l.Kind)
	}
	return n.Copied(), nil
}

// value evaluates an expression.
func (f *frame) value(e *Expression) (ref.Val, error) {
	v, err := e.Plan.eval(f)
	if err == nil {
		return v, nil
	}
	if strings.Contains(err.Error(), "cost limit exceeded") {
		return nil, fmt.Errorf("the expression exceeds its cost limit of %d steps: it loops inside of loops over long lists; take the inner list into `let`, or into a lookup", language.MaxCost)
	}
	// A null in a calculation is a missing value, too.
	if strings.Contains(err.Error(), "no such overload") || strings.Contains(err.Error(), "expected iterable type") {
		for _, path := range e.Reads {
			if n, _ := f.follow(path); n != nil && n.Kind == document.Null {
				return nil, language.Missing(n.Path() + " is null")
			}
		}
	}
	return nil, err
}

func (f *frame) truth(e *Expression) (bool, error) {
	v, err := f.value(e)
	if err != nil {
		if language.IsMissing(err) {
			return false, fmt.Errorf("%w; test it with has() first", errors.New(err.Error()))
		}
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the condition gives %s, not true or false", v.Type().TypeName())
	}
	return bool(b), nil
}

// produce makes the value of a rule without its conditions; nil means that it
// has no members.
func (f *frame) produce(r *Rule) (*document.Node, error) {
	switch r.Kind {
	case Object:
		return f.object(r)
	case List:
		return f.list(r)
	case Each:
		return f.each(r)
	}
	if r.Constant != nil {
		return r.Constant.Copied(), nil
	}
	n, err := f.eval(r.Expr, r.Schema)
	if err != nil {
		return nil, err
	}
	return f.transform(r, n)
}

// object makes an object of the rules that have a value. An object without any
// member is left out instead of failing for the members that the target
// requires in it.
func (f *frame) object(r *Rule) (*document.Node, error) {
	defer func(n int) { f.vars = f.vars[:n] }(len(f.vars))
	var params []variable // which do not see each other
	for _, b := range r.With {
		v, err := f.bind(b)
		f.bound(b, v, err)
		if err != nil {
			return nil, err
		}
		params = append(params, v)
	}
	f.vars = append(f.vars, params...)
	n := document.NewObject("")
	if f.out == nil {
		f.outRoot(n)
	}
	filled := false
	var absent []*Rule
	var reasons []string
	for _, c := range r.Children {
		f.path = append(f.path, c.Key)
		kid, why, err := f.run(c)
		f.path = f.path[:len(f.path)-1]
		if err != nil {
			return nil, err
		}
		if kid == nil {
			if c.Demanded {
				absent, reasons = append(absent, c), append(reasons, why)
			}
			continue
		}
		filled = true
		kid.Parent, kid.Key = n, c.Key
		n.Put(c.Key, kid)
	}
	if !filled && !r.Root {
		return nil, nil
	}
	if len(absent) > 0 {
		f.path = append(f.path, absent[0].Key)
		err := f.fail(absent[0], absent[0].Expr, fmt.Errorf("the field is required but has no value: %s", reasons[0]))
		f.path = f.path[:len(f.path)-1]
		return nil, err
	}
	return n, nil
}

func (f *frame) outRoot(n *document.Node) {
	n.Key = language.NameOut
	f.out = n
	f.outValue = language.ObjectOf(n, f.p.Target)
}

// bind evaluates a variable. What is missing is an error for a parameter.
func (f *frame) bind(b Binding) (variable, error) {
	if b.Expr.Path != nil {
		n, err := f.follow(b.Expr.Path)
		if err == nil {
			return variable{b.Name, n, language.ValueOf(n, b.Expr.Leaf)}, nil
		}
		if !errors.Is(err, errComputed) {
			return variable{}, err
		}
	}
	v, err := f.value(b.Expr)
	if err != nil {
		return variable{}, err
	}
	return variable{name: b.Name, n: language.NodeBehind(v), val: v}, nil
}

func (f *frame) list(r *Rule) (*document.Node, error) {
	n := &document.Node{Kind: document.List}
	for _, c := range r.Children {
		var kid *document.Node
		var err error
		if c.Kind == Each {
			f.before = len(n.Kids) // its items are the list's
			kid, _, err = f.run(c)
			f.before = 0
		} else {
			f.path = append(f.path, "["+strconv.Itoa(len(n.Kids))+"]")
			kid, _, err = f.run(c)
			f.path = f.path[:len(f.path)-1]
		}
		if err != nil {
			return nil, err
		}
		switch {
		case kid == nil:
		case c.Kind == Each:
			for _, k := range kid.Kids {
				k.Parent, k.Pos = n, len(n.Kids)
				n.Kids = append(n.Kids, k)
			}
		default:
			kid.Parent, kid.Pos = n, len(n.Kids)
			n.Kids = append(n.Kids, kid)
		}
	}
	return n, nil
}

func (f *frame) each(r *Rule) (*document.Node, error) {
	b, err := f.bind(Binding{Name: r.As, Expr: r.Expr})
	if err != nil {
		return nil, err
	}
	list, err := itemsOf(b)
	if err != nil {
		return nil, err
	}
	before := f.before
	f.before = 0
	n := &document.Node{Kind: document.List}
	defer func(vars int) { f.vars = f.vars[:vars] }(len(f.vars))
	vars := len(f.vars)
	for i, item := range list {
		item.name = r.As
		f.vars = append(f.vars[:vars], item)
		if r.Index != "" {
			f.vars = append(f.vars, variable{name: r.Index, val: types.Int(i)})
		}
		f.path = append(f.path, "["+strconv.Itoa(before+i)+"]")
		kid, _, err := f.run(r.Item)
		f.path = f.path[:len(f.path)-1]
		if err != nil {
			return nil, err
		}
		if kid != nil {
			kid.Parent, kid.Pos = n, len(n.Kids)
			n.Kids = append(n.Kids, kid)
		}
	}
	return n, nil
}
