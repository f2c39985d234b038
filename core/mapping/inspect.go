package mapping

import (
	"io/fs"

	"github.com/crossdock/crossdock/core/mapping/internal/cursor"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// Insight is what a check knows about every place of a mapping and its
// fragments: what can stand there, what stands there, and where it is defined.
// It is for editors.
type Insight = cursor.Insight

// What an [Insight] answers with.
type (
	// Completion is what can be written at a place.
	Completion = cursor.Completion
	// Item is something that can be written at a place.
	Item = cursor.Item
	// ItemKind is what an [Item] is.
	ItemKind = cursor.Kind
	// Span is a stretch of one line.
	Span = cursor.Span
	// Location is a place in a file; lines and columns count from 1.
	Location = cursor.Place
)

// Kinds of items.
const (
	ItemMember   = cursor.Member
	ItemKey      = cursor.Key
	ItemVariable = cursor.Variable
	ItemFunction = cursor.Function
	ItemValue    = cursor.Value
	ItemName     = cursor.Name
)

// Inspect is [Check] for editors: beside the findings it returns what the check
// has seen, also of a mapping with errors. It is nil when the file cannot be
// read as YAML.
func Inspect(fsys fs.FS, path string) (*Insight, []Finding) {
	file, found := readSource(fsys, path)
	if file == nil {
		return nil, found
	}
	c := newCompiler(fsys, schema.NewCatalog(fsys), file, found)
	c.view = cursor.New(file.name)
	c.view.Roots[file.name] = file.root
	c.view.TypeName = typeName
	c.compile()
	c.view.Source = c.src
	c.view.Lineage = c.m.Lineage()
	for name, f := range c.fragments {
		c.view.Fragments[name] = f.file.name
		c.view.Roots[f.file.name] = f.file.root
	}
	return c.view, c.sorted()
}

// see records an expression for an editor, when one asks. e is nil when the
// expression has mistakes.
func (c *compiler) see(n *yaml.Node, sc *scope, e *program.Expression) {
	if c.view == nil {
		return
	}
	seen := cursor.Expression{
		File: sc.file.name, Node: n, Env: sc.env, Schemas: c.prov,
		Inside: func(offset int) strictyaml.Pos { return sc.file.inside(n, offset) },
	}
	if e != nil {
		seen.Type = e.Type
	}
	c.view.Expression(seen)
}
