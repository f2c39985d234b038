// Package program runs checked mappings.
//
// A [Program] is a tree of rules in the shape of the target. A check builds it
// from a mapping file and the schemas; from then on it knows nothing of files
// and never changes. A run walks the rules in order over one source document,
// evaluates their expressions (see [Plan]), applies what a rule does to a value
// (code lists, lookups, decimals, dates) and what it does without one (default,
// skip, warn, fail), checks the assertions, and validates the result.
//
// What runs is kept apart from what checks, so that another way to run the same
// rules can stand beside this one and be compared with it.
package program

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Program is a checked mapping as it runs: what a check found right, without
// how it is written. It never changes and may run any number of times at once.
type Program struct {
	Source, Target *schema.Schema
	OnError        Policy    // of rules that say nothing
	Empty          Emptiness // of rules that say nothing
	Lets           []Binding // in the order in which they see each other
	Root           *Rule
	Asserts        []Assertion
	Valid          schema.Validator // of the result
}

// MaxOutput is the largest result in bytes.
const MaxOutput = 64 << 20

// Facts are what a run knows besides the document.
type Facts struct {
	MessageID string            // messageId in expressions
	Meta      map[string]string // meta["…"] in expressions
	Now       time.Time         // what now() gives
	// Lookup asks a table that is elsewhere, by the lookup's name; nil when there
	// are no tables. An error ends the run, whatever the rules say.
	Lookup func(ctx context.Context, name, key string) (value string, found bool, err error)
	// Observe is told what each rule does, when it has done it; nil for nothing.
	Observe func(Step)
}

// Failure says why a document could not be mapped.
type Failure struct {
	At     strictyaml.Pos // of the rule; without a file when the document itself is wrong
	Target string         // lines[3].sku
	Source string         // src.po1[3].ids.UP
	Value  string         // what stood there
	Reason string
	Err    error // from outside: a lookup, a cancelled context
}

// Error is the reason; who runs the program adds the mapping and the place.
func (f *Failure) Error() string { return f.Reason }

// Unwrap returns the cause from outside, if there is one.
func (f *Failure) Unwrap() error { return f.Err }

// Warning is a failure that a rule's policy let pass.
type Warning struct {
	At   strictyaml.Pos
	Text string
}

// hidden replaces personal data in failures.
const hidden = "(hidden: personal data)"

// Run makes the target document of one source document, with the warnings of
// rules that let a failure pass. ctx ends a run that takes too long.
func (p *Program) Run(ctx context.Context, doc []byte, in Facts) ([]byte, []Warning, *Failure) {
	f, err := newFrame(ctx, p, doc, in)
	if err != nil {
		return nil, nil, &Failure{Source: language.NameSrc, Reason: err.Error()}
	}
	for _, b := range p.Lets {
		v, err := f.bind(b)
		f.bound(b, v, err)
		if err != nil {
			// The rules that use the variable decide what that means.
			v = variable{val: types.WrapErr(err)}
		}
		v.name = b.Name
		f.vars = append(f.vars, v)
	}
	n, _, err := f.run(p.Root)
	if err != nil {
		return nil, nil, f.fail(p.Root, nil, err)
	}
	n.Origin = nil
	out, failed := f.finish(n)
	return out, f.warnings, failed
}

func newFrame(ctx context.Context, p *Program, doc []byte, in Facts) (*frame, error) {
	src, err := document.Parse(doc, language.NameSrc)
	if err != nil {
		return nil, err
	}
	f := &frame{ctx: ctx, p: p, in: in, src: src, metaValue: metaValue(in.Meta), srcValue: language.ValueOf(src, p.Source)}
	if bad, ok := f.srcValue.(*types.Err); ok {
		return nil, bad
	}
	return f, nil
}

// finish checks a result.
func (f *frame) finish(n *document.Node) ([]byte, *Failure) {
	p := f.p
	for _, a := range p.Asserts {
		ok, err := f.truth(a.That)
		f.asserted(a, ok, err)
		if err == nil && ok {
			continue
		}
		e := &Failure{At: a.At, Reason: "the assertion failed: " + a.Message}
		if err != nil {
			e.Reason = fmt.Sprintf("the assertion %q could not be checked: %v", a.Message, err)
		}
		f.blame(e, a.That)
		return nil, e
	}
	doc := n.AppendJSON(nil)
	if len(doc) > MaxOutput {
		return nil, &Failure{At: p.Root.At, Reason: fmt.Sprintf("the result has %d bytes; %d are the limit", len(doc), MaxOutput)}
	}
	all, err := p.Valid(n, doc)
	if err != nil {
		return nil, &Failure{At: p.Root.At, Reason: "the result could not be validated: " + err.Error(), Err: err}
	}
	if len(all) > 0 {
		return nil, p.invalid(n, all)
	}
	return doc, nil
}

// invalid makes a failure of the violations; the first gives the place.
func (p *Program) invalid(root *document.Node, all []schema.Violation) *Failure {
	n, r, target := root, p.Root, ""
	for _, token := range all[0].Path {
		var kid *document.Node
		switch n.Kind {
		case document.Object:
			kid = n.Get(token)
			target += "." + token
		case document.List:
			var i int
			if err := json.Unmarshal([]byte(token), &i); err == nil && i >= 0 && i < len(n.Kids) {
				kid = n.Kids[i]
			}
			target += "[" + token + "]"
		}
		if kid == nil {
			break
		}
		n = kid
		if by, ok := n.Origin.(*Rule); ok {
			r = by
		}
	}
	e := &Failure{At: r.At, Target: strings.TrimPrefix(target, ".")}
	if n.Kind != document.Object && n.Kind != document.List {
		e.Value = n.Short()
	}
	var texts []string
	const most = 5
	for i, v := range all {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		text := v.Message
		if i > 0 {
			text = "/" + strings.Join(v.Path, "/") + ": " + text
		}
		texts = append(texts, text)
	}
	e.Reason = "the result does not fit the target's schema: " + strings.Join(texts, "; ")
	if r.Schema.IsPersonal() && e.Value != "" {
		e.Reason = strings.ReplaceAll(e.Reason, e.Value, hidden)
		e.Value = hidden
	}
	return e
}

// metaValue shows metadata to CEL.
func metaValue(meta map[string]string) ref.Val {
	if meta == nil {
		meta = map[string]string{}
	}
	return types.NewStringStringMap(language.Adapter, meta)
}

// Evaluation runs single expressions over one document, which is both src and
// out, as the steps of a route do.
type Evaluation struct{ f *frame }

// NewEvaluation reads a document with the shape of s.
func NewEvaluation(doc []byte, s *schema.Schema, in Facts) (Evaluation, error) {
	f, err := newFrame(context.Background(), &Program{Source: s}, doc, in)
	if err != nil {
		return Evaluation{}, err
	}
	f.out, f.outValue = f.src, f.srcValue
	return Evaluation{f}, nil
}

// Truth evaluates a condition.
func (e Evaluation) Truth(x *Expression) (bool, error) { return e.f.truth(x) }

// Value evaluates an expression to what it makes in a document.
func (e Evaluation) Value(x *Expression) (*document.Node, error) { return e.f.eval(x, nil) }
