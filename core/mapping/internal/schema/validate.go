package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/strictyaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Violation is one rule of the target's schema that a result breaks.
type Violation struct {
	Path    []string // of the value: names and list positions
	Message string
}

// Validator checks a result; doc is its JSON.
type Validator func(n *document.Node, doc []byte) ([]Violation, error)

// ForEntity uses the canonical package, which also verifies check digits.
func ForEntity(entity string) Validator {
	return func(_ *document.Node, doc []byte) ([]Violation, error) {
		err := canonical.Validate(entity, doc)
		var invalid *canonical.InvalidError
		if !errors.As(err, &invalid) {
			return nil, err
		}
		var out []Violation
		for _, p := range invalid.Problems {
			out = append(out, Violation{tokens(p.Path), p.Message})
		}
		return out, nil
	}
}

func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(pointer[1:], "/")
	for i, p := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
	}
	return parts
}

// resourceID is the base under which schema files are known to the validator.
const resourceID = "file:///"

// schemaFiles loads schemas from the configuration folder only.
type schemaFiles struct{ fsys fs.FS }

func (l schemaFiles) Load(url string) (any, error) {
	fsys, name, ours := l.fsys, strings.TrimPrefix(url, resourceID), false
	if rest, ok := strings.CutPrefix(url, canonicalID); ok {
		fsys, name, ours = canonical.FS(), rest, true
	}
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, strictyaml.WithoutPath(err))
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// References are relative to files here and in the static check; an $id
	// would make them relative to an address that nobody serves.
	if m, ok := v.(map[string]any); ok && !ours {
		delete(m, "$id")
	}
	return v, nil
}

// ForFile compiles a schema file once. The second result is the compiled schema.
func ForFile(fsys fs.FS, file string) (Validator, *jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(schemaFiles{fsys})
	s, err := c.Compile(resourceID + path.Clean(file))
	if err != nil {
		return nil, nil, err
	}
	return func(n *document.Node, _ []byte) ([]Violation, error) {
		err := s.Validate(n.Any())
		var invalid *jsonschema.ValidationError
		if !errors.As(err, &invalid) {
			return nil, err
		}
		var out []Violation
		printer := message.NewPrinter(language.English)
		var walk func(*jsonschema.ValidationError)
		walk = func(e *jsonschema.ValidationError) {
			for _, cause := range e.Causes {
				walk(cause)
			}
			if len(e.Causes) == 0 {
				out = append(out, Violation{e.InstanceLocation, e.ErrorKind.LocalizedString(printer)})
			}
		}
		walk(invalid)
		return out, nil
	}, s, nil
}
