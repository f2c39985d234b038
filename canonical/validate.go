package canonical

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Problem is one rule that a document breaks.
type Problem struct {
	// Path is a JSON Pointer to the value at fault; empty for the document.
	Path string
	// Message says what was found and what is expected.
	Message string
}

func (p Problem) String() string {
	if p.Path == "" {
		return "(document): " + p.Message
	}
	return p.Path + ": " + p.Message
}

// InvalidError lists every rule that a document breaks.
type InvalidError struct {
	Entity   string
	Problems []Problem
}

func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return fmt.Sprintf("not a valid %s: %s", e.Entity, strings.Join(lines, "; "))
}

// Validate checks a document against the entity's schema, with formats asserted
// and the check digits of GTIN, UPC, GLN and SSCC identifiers verified. The error
// is an [*InvalidError] that names every value at fault and what was expected
// there. A check takes about 0.1 ms for an order of a few lines.
func Validate(entity string, doc []byte) error {
	c, err := load()
	if err != nil {
		return err
	}
	e, ok := c.entities[fold(entity)]
	if !ok {
		return unknownEntity(entity, c.names)
	}
	schemas, err := compile()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return &InvalidError{Entity: e.name, Problems: []Problem{{Message: "is not JSON: " + err.Error()}}}
	}
	err = schemas[e.name].Validate(v)
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		return &InvalidError{Entity: e.name, Problems: c.problems(invalid)}
	}
	return err
}

// Compiled returns the schema of an entity as [Validate] uses it, for those who
// check documents in a form of their own. It must not be changed.
func Compiled(entity string) (*jsonschema.Schema, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	e, ok := c.entities[fold(entity)]
	if !ok {
		return nil, unknownEntity(entity, c.names)
	}
	schemas, err := compile()
	if err != nil {
		return nil, err
	}
	return schemas[e.name], nil
}

func unknownEntity(entity string, names []string) error {
	return fmt.Errorf("canonical entity %q does not exist: expected one of %s", entity, strings.Join(names, ", "))
}

// compile prepares the schemas for validation on first use; they are immutable
// afterwards.
var compile = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	comp, err := c.compiler()
	if err != nil {
		return nil, err
	}
	out := make(map[string]*jsonschema.Schema, len(c.names))
	for _, name := range c.names {
		if out[name], err = comp.Compile(baseID + "v1/" + name + ".json"); err != nil {
			return nil, fmt.Errorf("schema %s.json: %w", name, err)
		}
	}
	return out, nil
})

// compiler knows every schema file and the formats of this package.
func (c *catalogue) compiler() (*jsonschema.Compiler, error) {
	comp := jsonschema.NewCompiler()
	comp.DefaultDraft(jsonschema.Draft2020)
	comp.AssertFormat()
	for name, check := range identifierFormats() {
		comp.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok {
				return check(s)
			}
			return nil
		}})
	}
	for file, doc := range c.docs {
		if err := comp.AddResource(baseID+"v1/"+file, doc); err != nil {
			return nil, fmt.Errorf("schema %s: %w", file, err)
		}
	}
	return comp, nil
}

// problems flattens the library's tree to the rules that failed, in document
// order and without repetition.
func (c *catalogue) problems(e *jsonschema.ValidationError) []Problem {
	var out []Problem
	printer := message.NewPrinter(language.English)
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) > 0 {
			return
		}
		p := Problem{Path: pointer(e.InstanceLocation), Message: c.describe(e, printer)}
		same := func(q Problem) bool { return q.Path == p.Path && p.Path != "" && textual(e) }
		if !slices.Contains(out, p) && !slices.ContainsFunc(out, same) {
			out = append(out, p)
		}
	}
	walk(e)
	slices.SortStableFunc(out, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// textual says that a text is refused for its form. A value that breaks format
// and pattern is reported once.
func textual(e *jsonschema.ValidationError) bool {
	switch e.ErrorKind.(type) {
	case *kind.Pattern, *kind.Format:
		return true
	}
	return false
}

// describe says what was found and what the schema's own words expect.
func (c *catalogue) describe(e *jsonschema.ValidationError, printer *message.Printer) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Pattern:
		if d := c.description(e.SchemaURL); d != "" {
			return fmt.Sprintf("%q is not valid, expected: %s", k.Got, d)
		}
	case *kind.Type:
		if d := c.description(e.SchemaURL); d != "" {
			return fmt.Sprintf("got %s, expected %s: %s", k.Got, strings.Join(k.Want, " or "), d)
		}
	case *kind.Format:
		if d := c.description(e.SchemaURL); d != "" {
			return fmt.Sprintf("%q is not a valid %s, expected: %s", k.Got, k.Want, d)
		}
		// The formats of this package explain themselves.
		return k.Err.Error()
	case *kind.MinItems:
		return fmt.Sprintf("has %d items, expected at least %d", k.Got, k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, expected at least %d", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("has %d members, expected at least %d", k.Got, k.Want)
	case *kind.AdditionalProperties:
		return fmt.Sprintf("unknown field %s; fields of your own belong under ext", quoted(k.Properties))
	case *kind.Required:
		return fmt.Sprintf("required field %s is missing", quoted(k.Missing))
	}
	return e.ErrorKind.LocalizedString(printer)
}

// description returns the description of the schema at url, if it has one.
func (c *catalogue) description(url string) string {
	file, ptr, _ := strings.Cut(strings.TrimPrefix(url, baseID+"v1/"), "#")
	s, _ := at(c.docs[file], ptr).(map[string]any)
	d, _ := s["description"].(string)
	return d
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

func pointer(tokens []string) string {
	var sb strings.Builder
	for _, t := range tokens {
		sb.WriteByte('/')
		sb.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(t))
	}
	return sb.String()
}
