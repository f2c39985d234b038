package difference

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
)

// Message is one recorded document.
type Message struct {
	Name string
	Doc  []byte
}

// Outcome is what two versions make of the same messages.
type Outcome struct {
	Messages int `json:"messages"`
	// Same is how many both versions make the same of, refused by both included.
	Same    int       `json:"same"`
	Fields  []Field   `json:"fields"`
	Refused []Refusal `json:"refused"`
	// RefusedByBoth is how many neither maps, with the reason of the first.
	RefusedByBoth int    `json:"refused_by_both"`
	Reason        string `json:"reason,omitempty"`
}

// Different tells whether a message ends differently.
func (o *Outcome) Different() bool { return len(o.Fields)+len(o.Refused) > 0 }

// Field is a target field whose values differ, whatever its positions in lists.
type Field struct {
	Field string `json:"field"`
	// Messages is in how many it differs.
	Messages int       `json:"messages"`
	Examples []Example `json:"examples"`
}

// Example is one value in both versions, as JSON; "" is nothing.
type Example struct {
	Message string `json:"message"`
	Place   string `json:"place"`
	Old     string `json:"old"`
	New     string `json:"new"`
}

// Refusal is a message that one version maps and the other does not.
type Refusal struct {
	Message string `json:"message"`
	// By is "old" or "new".
	By    string `json:"by"`
	Error string `json:"error"`
}

// maxExamples is how many values are shown of a field.
const maxExamples = 3

// echo answers table lookups with the key: the same for both versions, and
// nothing outside is asked.
func echo(_ context.Context, _ mapping.Lookup, key string) (string, bool, error) {
	return key, true, nil
}

// Run maps every message with both versions. Tables are not asked: a lookup gives
// its key.
func Run(ctx context.Context, old, changed *mapping.Mapping, messages []Message) (*Outcome, error) {
	out := &Outcome{Messages: len(messages), Fields: []Field{}, Refused: []Refusal{}}
	places := map[string]int{}
	for _, m := range messages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		in := mapping.Input{MessageID: m.Name, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Lookup: echo}
		a, err := old.Map(ctx, m.Doc, in)
		b, err2 := changed.Map(ctx, m.Doc, in)
		switch {
		case err != nil && err2 != nil:
			if out.RefusedByBoth++; out.Reason == "" {
				out.Reason = err2.Error()
			}
			out.Same++
			continue
		case err != nil:
			out.Refused = append(out.Refused, Refusal{m.Name, "old", err.Error()})
			continue
		case err2 != nil:
			out.Refused = append(out.Refused, Refusal{m.Name, "new", err2.Error()})
			continue
		}
		values, err := compare(a.Doc, b.Doc)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if len(values) == 0 {
			out.Same++
		}
		seen := map[string]bool{}
		for _, v := range values {
			field := position.ReplaceAllString(v.Place, "[]")
			i, ok := places[field]
			if !ok {
				i = len(out.Fields)
				places[field] = i
				out.Fields = append(out.Fields, Field{Field: field})
			}
			f := &out.Fields[i]
			if !seen[field] {
				f.Messages++
				seen[field] = true
				if len(f.Examples) < maxExamples {
					v.Message = m.Name
					f.Examples = append(f.Examples, v)
				}
			}
		}
	}
	return out, nil
}

var position = regexp.MustCompile(`\[\d+\]`)

// compare lists the values in which two documents differ.
func compare(old, changed []byte) ([]Example, error) {
	a, err := document.Parse(old, "")
	if err != nil {
		return nil, err
	}
	b, err := document.Parse(changed, "")
	if err != nil {
		return nil, err
	}
	var out []Example
	values("", a, b, &out)
	return out, nil
}

func values(at string, a, b *document.Node, out *[]Example) {
	switch {
	case a != nil && b != nil && a.Kind == document.Object && b.Kind == document.Object:
		for i, k := range a.Keys {
			values(at+"."+k, a.Kids[i], b.Get(k), out)
		}
		for i, k := range b.Keys {
			if a.Get(k) == nil {
				values(at+"."+k, nil, b.Kids[i], out)
			}
		}
	case a != nil && b != nil && a.Kind == document.List && b.Kind == document.List:
		for i := range max(len(a.Kids), len(b.Kids)) {
			var x, y *document.Node
			if i < len(a.Kids) {
				x = a.Kids[i]
			}
			if i < len(b.Kids) {
				y = b.Kids[i]
			}
			values(fmt.Sprintf("%s[%d]", at, i), x, y, out)
		}
	case text(a) != text(b):
		*out = append(*out, Example{Place: strings.TrimPrefix(at, "."), Old: shown(a), New: shown(b)})
	}
}

func text(n *document.Node) string {
	if n == nil {
		return ""
	}
	return string(n.AppendJSON(nil))
}

func shown(n *document.Node) string {
	const most = 120
	return document.Shorten(text(n), most)
}
