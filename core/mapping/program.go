package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// program is a checked mapping as it runs: what a check found right, without
// how it is written. It never changes and may run any number of times at once.
type program struct {
	source, target *Schema
	onError        policy    // of rules that say nothing
	empty          emptiness // of rules that say nothing
	lets           []binding
	root           *rule
	asserts        []assertion
	valid          validator
}

// maxOutput is the largest result in bytes.
const maxOutput = 64 << 20

// facts are what a run knows besides the document.
type facts struct {
	messageID string
	meta      map[string]string
	now       time.Time
	lookup    func(ctx context.Context, name, key string) (value string, found bool, err error) // nil: no tables
}

// failure says why a document could not be mapped.
type failure struct {
	at     strictyaml.Pos // of the rule; without a file when the document itself is wrong
	target string         // lines[3].sku
	source string         // src.po1[3].ids.UP
	value  string         // what stood there
	reason string
	cause  error // from outside: a lookup, a cancelled context
}

func (f *failure) Error() string { return f.reason }

// Unwrap returns the cause from outside, if there is one.
func (f *failure) Unwrap() error { return f.cause }

// warning is a failure that a rule's policy let pass.
type warning struct {
	at   strictyaml.Pos
	text string
}

// hidden replaces personal data.
const hidden = "(hidden: personal data)"

// run makes the target document of one source document.
func (p *program) run(ctx context.Context, doc []byte, in facts) ([]byte, []warning, *failure) {
	f, err := newFrame(ctx, p, doc, in)
	if err != nil {
		return nil, nil, &failure{source: nameSrc, reason: err.Error()}
	}
	for _, b := range p.lets {
		v, err := f.bind(b)
		if err != nil {
			// The rules that use the variable decide what that means.
			v = variable{val: types.WrapErr(err)}
		}
		v.name = b.name
		f.vars = append(f.vars, v)
	}
	n, _, err := f.run(p.root)
	if err != nil {
		return nil, nil, f.fail(p.root, nil, err)
	}
	n.origin = nil
	out, failed := f.finish(n)
	return out, f.warnings, failed
}

func newFrame(ctx context.Context, p *program, doc []byte, in facts) (*frame, error) {
	src, err := parse(doc, nameSrc)
	if err != nil {
		return nil, err
	}
	f := &frame{ctx: ctx, p: p, in: in, src: src, metaValue: metaValue(in.meta), srcValue: value(src, p.source)}
	if bad, ok := f.srcValue.(*types.Err); ok {
		return nil, bad
	}
	return f, nil
}

// finish checks a result.
func (f *frame) finish(n *node) ([]byte, *failure) {
	p := f.p
	for _, a := range p.asserts {
		ok, err := f.truth(a.that)
		if err == nil && ok {
			continue
		}
		e := &failure{at: a.at, reason: "the assertion failed: " + a.message}
		if err != nil {
			e.reason = fmt.Sprintf("the assertion %q could not be checked: %v", a.message, err)
		}
		f.blame(e, a.that)
		return nil, e
	}
	doc := n.appendJSON(nil)
	if len(doc) > maxOutput {
		return nil, &failure{at: p.root.at, reason: fmt.Sprintf("the result has %d bytes; %d are the limit", len(doc), maxOutput)}
	}
	all, err := p.valid(n, doc)
	if err != nil {
		return nil, &failure{at: p.root.at, reason: "the result could not be validated: " + err.Error(), cause: err}
	}
	if len(all) > 0 {
		return nil, p.invalid(n, all)
	}
	return doc, nil
}

// invalid makes a failure of the violations; the first gives the place.
func (p *program) invalid(root *node, all []violation) *failure {
	n, r, target := root, p.root, ""
	for _, token := range all[0].path {
		var kid *node
		switch n.kind {
		case kindObject:
			kid = n.get(token)
			target += "." + token
		case kindArray:
			var i int
			if err := json.Unmarshal([]byte(token), &i); err == nil && i >= 0 && i < len(n.kids) {
				kid = n.kids[i]
			}
			target += "[" + token + "]"
		}
		if kid == nil {
			break
		}
		n = kid
		if by, ok := n.origin.(*rule); ok {
			r = by
		}
	}
	e := &failure{at: r.at}
	e.target = strings.TrimPrefix(target, ".")
	if n.kind != kindObject && n.kind != kindArray {
		e.value = n.short()
	}
	var texts []string
	const most = 5
	for i, v := range all {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		text := v.message
		if i > 0 {
			text = "/" + strings.Join(v.path, "/") + ": " + text
		}
		texts = append(texts, text)
	}
	e.reason = "the result does not fit the target's schema: " + strings.Join(texts, "; ")
	if r.schema.isPersonal() && e.value != "" {
		e.reason = strings.ReplaceAll(e.reason, e.value, hidden)
		e.value = hidden
	}
	return e
}

// metaValue shows metadata to CEL.
func metaValue(meta map[string]string) ref.Val {
	if meta == nil {
		meta = map[string]string{}
	}
	return types.NewStringStringMap(defaultAdapter, meta)
}

// evaluation runs single expressions over one document, which is both src and
// out, as the steps of a route do.
type evaluation struct{ f *frame }

// newEvaluation reads a document with the shape of s.
func newEvaluation(doc []byte, s *Schema, in facts) (evaluation, error) {
	f, err := newFrame(context.Background(), &program{source: s}, doc, in)
	if err != nil {
		return evaluation{}, err
	}
	f.out, f.outValue = f.src, f.srcValue
	return evaluation{f}, nil
}

// truth evaluates a condition.
func (e evaluation) truth(x *expression) (bool, error) { return e.f.truth(x) }

// value evaluates an expression to what it makes in a document.
func (e evaluation) value(x *expression) (*node, error) { return e.f.eval(x, nil) }
