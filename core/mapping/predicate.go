package mapping

import (
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Predicate is a condition of a route, such as src.status != "draft".
type Predicate struct{ routeExpression }

// Key is an expression of a route that gives text, such as out.orderNumber.
type Key struct{ routeExpression }

// Split is an expression of a route that gives a list, a message per item.
type Split struct{ routeExpression }

// routeExpression is an expression over one document. The document is called
// src, and also out, since a route's later steps see a canonical document.
type routeExpression struct {
	text  string
	expr  *program.Expression
	shape *Schema
}

// CompilePredicate checks a condition. With a shape every member is checked;
// with nil the document may have any shape. The document is `src` and `out`,
// its metadata `meta`.
func CompilePredicate(expr string, shape *Schema) (*Predicate, error) {
	e, err := compileRoute(expr, shape)
	if err != nil {
		return nil, err
	}
	if t := language.PlainType(e.expr.Type); !t.IsExactType(cel.BoolType) && t.Kind() != cel.DynKind {
		return nil, fmt.Errorf("a condition must be true/false, %q is %s", expr, language.TypeName(t))
	}
	return &Predicate{*e}, nil
}

// CompileKey checks an expression that gives text or a whole number.
func CompileKey(expr string) (*Key, error) {
	e, err := compileRoute(expr, nil)
	if err != nil {
		return nil, err
	}
	switch t := language.PlainType(e.expr.Type); t.Kind() {
	case cel.StringKind, cel.IntKind, cel.DynKind:
		return &Key{*e}, nil
	default:
		return nil, fmt.Errorf("a key must be text, %q is %s; convert it with string(…)", expr, language.TypeName(t))
	}
}

// CompileSplit checks an expression that gives a list.
func CompileSplit(expr string) (*Split, error) {
	e, err := compileRoute(expr, nil)
	if err != nil {
		return nil, err
	}
	if t := language.PlainType(e.expr.Type); t.Kind() != cel.ListKind && t.Kind() != cel.DynKind {
		return nil, fmt.Errorf("split needs a list, %q is %s", expr, language.TypeName(t))
	}
	return &Split{*e}, nil
}

func compileRoute(text string, shape *Schema) (*routeExpression, error) {
	if shape == nil {
		shape = &schema.Schema{Name: language.NameSrc}
	}
	e, err := expression.OverDocument(text, shape)
	if err != nil {
		return nil, err
	}
	return &routeExpression{text: text, expr: e, shape: shape}, nil
}

// String is the expression as it was written.
func (e *routeExpression) String() string { return e.text }

func (e *routeExpression) over(doc []byte, meta map[string]string) (program.Evaluation, error) {
	return program.NewEvaluation(doc, e.shape, program.Facts{Meta: meta, Now: routeTime(meta)})
}

// routeTime is now() in routes: when the message was received, so that a replay
// decides as the first run did.
func routeTime(meta map[string]string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, meta["received"])
	if err != nil {
		return time.Unix(0, 0)
	}
	return t
}

// Match evaluates the condition on a JSON document. A member that is missing is
// an error and not false, so that no message is dropped for a misspelt name.
func (p *Predicate) Match(doc []byte, meta map[string]string) (bool, error) {
	f, err := p.over(doc, meta)
	if err != nil {
		return false, err
	}
	ok, err := f.Truth(p.expr)
	if err != nil {
		return false, fmt.Errorf("the condition %q: %w", p.text, err)
	}
	return ok, nil
}

// Eval gives the text of the key for a JSON document. Whole numbers become
// text; nothing, an empty text or an object is an error.
func (k *Key) Eval(doc []byte, meta map[string]string) (string, error) {
	f, err := k.over(doc, meta)
	if err != nil {
		return "", err
	}
	n, err := f.Value(k.expr)
	if err != nil {
		return "", fmt.Errorf("the key %q: %w", k.text, err)
	}
	switch {
	case n.Kind != document.Text && n.Kind != document.Number:
		return "", fmt.Errorf("the key %q gives %s; a key must be text", k.text, n.Kind)
	case n.Text == "":
		return "", fmt.Errorf("the key %q is empty", k.text)
	}
	return n.Text, nil
}

// Eval gives the documents into which a JSON document is split, in order.
func (s *Split) Eval(doc []byte, meta map[string]string) ([][]byte, error) {
	f, err := s.over(doc, meta)
	if err != nil {
		return nil, err
	}
	n, err := f.Value(s.expr)
	if err != nil {
		return nil, fmt.Errorf("the split %q: %w", s.text, err)
	}
	if n.Kind != document.List {
		return nil, fmt.Errorf("the split %q gives %s; a list is needed", s.text, n.Kind)
	}
	out := make([][]byte, len(n.Kids))
	for i, k := range n.Kids {
		out[i] = k.AppendJSON(nil)
	}
	return out, nil
}
