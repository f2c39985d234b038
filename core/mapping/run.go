package mapping

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
)

// frame is one run of a mapping over one document: what expressions see and
// where the run is. It is the activation that CEL resolves names in.
type frame struct {
	ctx  context.Context
	p    *program
	in   facts
	src  *node
	out  *node
	vars []variable
	path []string // of the result, for errors
	runs int

	srcValue, outValue, metaValue ref.Val
	warnings                      []warning
}

// variable is a name with its value. n is set when the value is a node.
type variable struct {
	name string
	n    *node
	val  ref.Val
}

// maxRuns is how many rules one document may make run.
const maxRuns = 20_000_000

func (f *frame) Parent() cel.Activation { return nil }

// ResolveName implements CEL's activation.
func (f *frame) ResolveName(name string) (any, bool) {
	for i := len(f.vars) - 1; i >= 0; i-- {
		if f.vars[i].name == name {
			return f.vars[i].val, true
		}
	}
	switch name {
	case nameSrc:
		return f.srcValue, true
	case nameOut:
		return f.outValue, f.outValue != nil
	case nameMeta:
		return f.metaValue, true
	case nameMessageID:
		return types.String(f.in.messageID), true
	case nameNow:
		return types.String(f.in.now.UTC().Format(time.RFC3339Nano)), true
	}
	return nil, false
}

// stop is an error that no rule may swallow: a cancelled context, a table that
// cannot be asked, a limit.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

func (f *frame) tick() error {
	if f.runs++; f.runs > maxRuns {
		return stop{fmt.Errorf("the document makes more than %d rules run", maxRuns)}
	}
	if f.runs&255 == 0 && f.ctx.Err() != nil {
		return stop{fmt.Errorf("the mapping was interrupted: %w", context.Cause(f.ctx))}
	}
	return nil
}

// run makes the value of a rule; nil when it has none, with the reason.
func (f *frame) run(r *rule) (n *node, why string, err error) {
	if err := f.tick(); err != nil {
		return nil, "", err
	}
	if r.when != nil {
		ok, err := f.truth(r.when)
		if err != nil {
			n, why, err = f.recover(r, r.when, fmt.Errorf("`when`: %w", err))
			return n, why, err
		}
		if !ok {
			return f.orDefault(r, nil, "its `when` is false")
		}
	}
	n, err = f.produce(r)
	if err != nil {
		if isMissing(err) {
			return f.orDefault(r, nil, err.Error())
		}
		return f.recover(r, r.expr, err)
	}
	return f.orDefault(r, n, "none of its members has a value")
}

func (f *frame) orDefault(r *rule, n *node, why string) (*node, string, error) {
	if n == nil && r.fallback != nil {
		n = r.fallback.copied()
	}
	if n == nil {
		if r.required {
			return nil, "", f.fail(r, r.expr, fmt.Errorf("the field is required but has no value: %s", why))
		}
		return nil, why, nil
	}
	n.origin = r
	return n, "", nil
}

// recover applies the rule's policy to a failure.
func (f *frame) recover(r *rule, e *expression, err error) (*node, string, error) {
	var s stop
	if errors.As(err, &s) {
		return nil, "", f.fail(r, e, err)
	}
	p := r.onError
	if p == inherit && r.kind == ruleValue {
		p = f.p.onError
	}
	failure := f.fail(r, e, err)
	switch p {
	case useDefault:
		return f.orDefault(r, nil, err.Error())
	case onSkip:
		return f.orDefault(r, nil, err.Error())
	case onWarn:
		f.warn(r, failure)
		return f.orDefault(r, nil, err.Error())
	}
	return nil, "", failure
}

// maxWarnings is how many warnings one document can make.
const maxWarnings = 100

func (f *frame) warn(r *rule, e *failure) {
	if len(f.warnings) < maxWarnings {
		text := e.target + ": " + e.reason
		if e.source != "" {
			text += " [source " + e.source + "]"
		}
		f.warnings = append(f.warnings, warning{at: r.at, text: text})
	}
}

// fail makes a failure of an error. One that already is a failure stays.
func (f *frame) fail(r *rule, e *expression, err error) *failure {
	var have *failure
	if errors.As(err, &have) {
		return have
	}
	out := &failure{at: r.at, target: f.targetPath(), reason: err.Error()}
	var s stop
	if errors.As(err, &s) {
		out.cause = s
	}
	if e != nil {
		f.blame(out, e)
	}
	if r.schema.isPersonal() || e != nil && e.personal {
		if out.value != "" {
			out.reason = strings.ReplaceAll(out.reason, out.value, hidden)
			out.value = hidden
		}
	}
	return out
}

// blame finds the first place that the expression read.
func (f *frame) blame(out *failure, e *expression) {
	for _, path := range e.reads {
		n, _ := f.follow(path)
		if n == nil {
			continue
		}
		out.source = n.path()
		if n.kind != kindObject && n.kind != kindArray {
			out.value = n.short()
		}
		return
	}
	if len(e.reads) > 0 {
		out.source = strings.Join(e.reads[0], ".")
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
func (f *frame) follow(path []string) (*node, error) {
	var n *node
	switch path[0] {
	case nameSrc:
		n = f.src
	case nameOut:
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
				return nodeOf(v.val)
			}
			n = v.n
			break
		}
	}
	if n == nil {
		return nil, &missingError{path[0] + " is missing"}
	}
	for _, name := range path[1:] {
		if n.kind == kindNull {
			return nil, &missingError{n.path() + " is null"}
		}
		if n.kind != kindObject {
			return nil, fmt.Errorf("%s is %s, so it has no member %s", n.path(), n.kind, name)
		}
		kid := n.get(name)
		if kid == nil {
			return nil, &missingError{n.path() + "." + name + " is missing"}
		}
		n = kid
	}
	return n, nil
}

// errComputed says that a variable holds something that CEL computed, so that
// CEL must read its members too.
var errComputed = errors.New("a computed value")

// eval makes the value of an expression.
func (f *frame) eval(e *expression, target *Schema) (*node, error) {
	if e.path != nil {
		n, err := f.follow(e.path)
		if err == nil {
			return f.plain(n, e.leaf, target)
		}
		if !errors.Is(err, errComputed) {
			return nil, err
		}
	}
	v, err := f.value(e)
	if err != nil {
		return nil, err
	}
	n, err := nodeOf(v)
	if err == nil && n.kind == kindNull {
		return f.plain(n, nil, target)
	}
	return n, err
}

// plain copies a value as it stands.
func (f *frame) plain(n *node, leaf, target *Schema) (*node, error) {
	if n.kind == kindNull {
		if t := target.resolved(); t != nil && t.nullable {
			return &node{kind: kindNull}, nil
		}
		return nil, &missingError{strings.TrimSpace(n.path() + " is null")}
	}
	if l := leaf.resolved(); l != nil && !l.kind.holds(n) {
		return nil, fmt.Errorf("%s is %s, but the schema of the source says %s", n.path(), n.kind, l.kind)
	}
	return n.copied(), nil
}

// value evaluates an expression.
func (f *frame) value(e *expression) (ref.Val, error) {
	v, err := e.plan.eval(f)
	if err == nil {
		return v, nil
	}
	if strings.Contains(err.Error(), "cost limit exceeded") {
		return nil, fmt.Errorf("the expression exceeds its cost limit of %d steps: it loops inside of loops over long lists; take the inner list into `let`, or into a lookup", maxCost)
	}
	// A null in a calculation is a missing value, too.
	if strings.Contains(err.Error(), "no such overload") {
		for _, path := range e.reads {
			if n, _ := f.follow(path); n != nil && n.kind == kindNull {
				return nil, &missingError{n.path() + " is null"}
			}
		}
	}
	return nil, err
}

func (f *frame) truth(e *expression) (bool, error) {
	v, err := f.value(e)
	if err != nil {
		if isMissing(err) {
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
func (f *frame) produce(r *rule) (*node, error) {
	switch r.kind {
	case ruleObject:
		return f.object(r)
	case ruleList:
		return f.list(r)
	case ruleEach:
		return f.each(r)
	}
	if r.constant != nil {
		return r.constant.copied(), nil
	}
	n, err := f.eval(r.expr, r.schema)
	if err != nil {
		return nil, err
	}
	return f.transform(r, n)
}

// object makes an object of the rules that have a value. An object without any
// member is left out instead of failing for the members that the target
// requires in it.
func (f *frame) object(r *rule) (*node, error) {
	defer func(n int) { f.vars = f.vars[:n] }(len(f.vars))
	for _, b := range r.with {
		v, err := f.bind(b)
		if err != nil {
			return nil, err
		}
		f.vars = append(f.vars, v)
	}
	n := objectNode("")
	if f.out == nil {
		f.outRoot(n)
	}
	filled := false
	var absent []*rule
	var reasons []string
	for _, c := range r.children {
		f.path = append(f.path, c.key)
		kid, why, err := f.run(c)
		f.path = f.path[:len(f.path)-1]
		if err != nil {
			return nil, err
		}
		if kid == nil {
			if c.demanded {
				absent, reasons = append(absent, c), append(reasons, why)
			}
			continue
		}
		filled = true
		kid.parent, kid.key = n, c.key
		n.put(c.key, kid)
	}
	if !filled && !r.root {
		return nil, nil
	}
	if len(absent) > 0 {
		f.path = append(f.path, absent[0].key)
		err := f.fail(absent[0], absent[0].expr, fmt.Errorf("the field is required but has no value: %s", reasons[0]))
		f.path = f.path[:len(f.path)-1]
		return nil, err
	}
	return n, nil
}

func (f *frame) outRoot(n *node) {
	n.key = nameOut
	f.out = n
	f.outValue = &objectValue{n: n, schema: f.p.target}
}

// bind evaluates a variable. What is missing is an error for a parameter.
func (f *frame) bind(b binding) (variable, error) {
	if b.expr.path != nil {
		n, err := f.follow(b.expr.path)
		if err == nil {
			return variable{b.name, n, value(n, b.expr.leaf)}, nil
		}
		if !errors.Is(err, errComputed) {
			return variable{}, err
		}
	}
	v, err := f.value(b.expr)
	if err != nil {
		return variable{}, err
	}
	return variable{name: b.name, n: nodeBehind(v), val: v}, nil
}

// nodeBehind returns the node that a value shows, nil for a computed value.
func nodeBehind(v ref.Val) *node {
	switch v := v.(type) {
	case *objectValue:
		return v.n
	case *listValue:
		return v.n
	}
	return nil
}

func (f *frame) list(r *rule) (*node, error) {
	n := &node{kind: kindArray}
	for _, c := range r.children {
		f.path = append(f.path, "["+strconv.Itoa(len(n.kids))+"]")
		kid, _, err := f.run(c)
		f.path = f.path[:len(f.path)-1]
		if err != nil {
			return nil, err
		}
		switch {
		case kid == nil:
		case c.kind == ruleEach:
			for _, k := range kid.kids {
				k.parent, k.pos = n, len(n.kids)
				n.kids = append(n.kids, k)
			}
		default:
			kid.parent, kid.pos = n, len(n.kids)
			n.kids = append(n.kids, kid)
		}
	}
	return n, nil
}

func (f *frame) each(r *rule) (*node, error) {
	b, err := f.bind(binding{name: r.as, expr: r.expr})
	if err != nil {
		return nil, err
	}
	list, err := itemsOf(b)
	if err != nil {
		return nil, err
	}
	n := &node{kind: kindArray}
	defer func(vars int) { f.vars = f.vars[:vars] }(len(f.vars))
	vars := len(f.vars)
	for i, item := range list {
		item.name = r.as
		f.vars = append(f.vars[:vars], item)
		if r.index != "" {
			f.vars = append(f.vars, variable{name: r.index, val: types.Int(i)})
		}
		f.path = append(f.path, "["+strconv.Itoa(i)+"]")
		kid, _, err := f.run(r.item)
		f.path = f.path[:len(f.path)-1]
		if err != nil {
			return nil, err
		}
		if kid != nil {
			kid.parent, kid.pos = n, len(n.kids)
			n.kids = append(n.kids, kid)
		}
	}
	return n, nil
}
