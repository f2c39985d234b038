package check

import (
	"io/fs"

	"github.com/crossdock/crossdock/core/mapping/internal/cursor"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// Inspect checks a mapping file and returns, beside the findings, what the check has
// seen, also of a mapping with errors; nil when the file cannot be read as YAML.
func Inspect(fsys fs.FS, schemas *schema.Catalog, path string) (*cursor.Insight, []finding.Finding) {
	file, found := source.Read(fsys, path)
	if file == nil {
		return nil, found
	}
	c := newCompiler(fsys, schemas, file, found)
	c.view = cursor.New(file.Name)
	c.view.Roots[file.Name] = file.Root
	c.view.TypeName = language.TypeName
	c.compile()
	c.view.Source = c.src
	c.view.Lineage = c.m.Explained().Lineage()
	for name, f := range c.fragments {
		c.view.Fragments[name] = f.file.Name
		c.view.Roots[f.file.Name] = f.file.Root
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
		File: sc.file.Name, Node: n, Env: sc.Env, Schemas: c.prov,
		Inside: func(offset int) strictyaml.Pos { return sc.file.Inside(n, offset) },
	}
	if e != nil {
		seen.Type = e.Type
	}
	c.view.Expression(seen)
}
