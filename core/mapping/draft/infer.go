package draft

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
)

// dateTitle begins the title of a member whose sample is a date that is not
// written as JSON Schema writes dates.
const dateTitle = "Date in the form "

var dateForms = []struct {
	form   *regexp.Regexp
	layout string
	shown  string
}{
	{regexp.MustCompile(`^(19|20)\d{6}$`), "20060102", "yyyyMMdd"},
	{regexp.MustCompile(`^\d\d\.\d\d\.\d{4}$`), "02.01.2006", "dd.MM.yyyy"},
	{regexp.MustCompile(`^\d\d/\d\d/\d{4}$`), "01/02/2006", "MM/dd/yyyy"},
	{regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d$`), "2006-01-02 15:04", "yyyy-MM-dd HH:mm"},
	{regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`), "2006-01-02 15:04:05", "yyyy-MM-dd HH:mm:ss"},
	{regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`), "2006-01-02T15:04:05", "yyyy-MM-dd'T'HH:mm:ss"},
}

// Infer returns a JSON Schema that a sample fits. A person should look at it: one
// document does not tell what others may leave out.
func Infer(title string, sample []byte) ([]byte, error) {
	d, err := document.Parse(sample, "")
	if err != nil {
		return nil, fmt.Errorf("the sample is not JSON: %w", err)
	}
	if d.Kind != document.Object {
		return nil, errors.New("the sample must be one document, an object in braces")
	}
	s := document.NewObject("")
	s.Put("$schema", document.NewText("https://json-schema.org/draft/2020-12/schema"))
	s.Put("title", document.NewText(title))
	s.Put("description", document.NewText("Inferred from one sample: look at what is required, and at the types"))
	shape(s, []*document.Node{d})
	b, err := json.MarshalIndent(json.RawMessage(s.AppendJSON(nil)), "", " ")
	return append(b, '\n'), err
}

// shape adds to a schema what all values have in common.
func shape(s *document.Node, values []*document.Node) {
	var kinds []document.Kind
	null := false
	for _, v := range values {
		if v.Kind == document.Null {
			null = true
		} else if len(kinds) == 0 || kinds[0] != v.Kind {
			kinds = append(kinds, v.Kind)
		}
	}
	if len(kinds) != 1 {
		return // nothing, or different types: anything goes
	}
	name := map[document.Kind]string{
		document.Object: "object", document.List: "array", document.Text: "string", document.Bool: "boolean", document.Number: numbers(values),
	}[kinds[0]]
	t := document.NewText(name)
	if null {
		t = &document.Node{Kind: document.List, Kids: []*document.Node{document.NewText(name), document.NewText("null")}}
	}
	s.Put("type", t)
	switch kinds[0] {
	case document.Object:
		members(s, values)
	case document.List:
		var all []*document.Node
		for _, v := range values {
			all = append(all, v.Kids...)
		}
		item := document.NewObject("")
		shape(item, all)
		s.Put("items", item)
	case document.Text:
		dates(s, values)
	}
}

func numbers(values []*document.Node) string {
	for _, v := range values {
		if v.Kind == document.Number && regexp.MustCompile(`[.eE]`).MatchString(v.Text) {
			return "number"
		}
	}
	return "integer"
}

func members(s *document.Node, values []*document.Node) {
	props, required := document.NewObject(""), &document.Node{Kind: document.List}
	for _, v := range values {
		for _, k := range v.Keys {
			if props.Get(k) != nil {
				continue
			}
			var all []*document.Node
			objects := 0
			for _, o := range values {
				if o.Kind == document.Object {
					objects++
					if kid := o.Get(k); kid != nil {
						all = append(all, kid)
					}
				}
			}
			p := document.NewObject("")
			shape(p, all)
			props.Put(k, p)
			if len(all) == objects {
				required.Kids = append(required.Kids, document.NewText(k))
			}
		}
	}
	s.Put("properties", props)
	if len(required.Kids) > 0 {
		s.Put("required", required)
	}
}

// dates says of text how its dates are written.
func dates(s *document.Node, values []*document.Node) {
	all := func(fits func(string) bool) bool {
		for _, v := range values {
			if v.Kind == document.Text && !fits(v.Text) {
				return false
			}
		}
		return true
	}
	parses := func(layout string) func(string) bool {
		return func(t string) bool { _, err := time.Parse(layout, t); return err == nil }
	}
	switch {
	case all(parses(time.RFC3339)):
		s.Put("format", document.NewText("date-time"))
	case all(parses(time.DateOnly)):
		s.Put("format", document.NewText("date"))
	default:
		for _, f := range dateForms {
			if all(f.form.MatchString) && all(parses(f.layout)) {
				s.Put("title", document.NewText(dateTitle+f.shown))
				return
			}
		}
	}
}
