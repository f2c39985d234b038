// Package check reads a mapping file, checks it against the schemas of its source
// and target, and builds the program that runs it.
package check

import (
	"io/fs"
	"slices"
	"sort"

	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/inverse"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Mapping is what a mapping file says. It never changes once it is checked.
type Mapping struct {
	Name, Version, Owner, Description  string
	Target, SourceEntity, SourceFormat string
	Path                               string

	Settings    language.Settings
	Program     program.Program
	Constraints *jsonschema.Schema // of the target
	Lookups     map[string]Lookup
	Cases       []Case
	Unread      []string
	Use         insight.Use // of the source
	Written     map[*program.Expression]*insight.Written
	Ignored     []Ignored

	Inverse   string // file of the mapping that leads back
	InverseAt strictyaml.Pos
	Shapes    map[string]string // of source and target: the entity or schema file
	Moves     []inverse.Move    // what the rules do, for the way back
}

// File checks a mapping file of fsys and returns what it says, also when there are
// errors, with all findings in the order of the file. It is nil when the file cannot
// be read as YAML.
func File(fsys fs.FS, schemas *schema.Catalog, path string) (*Mapping, []finding.Finding) {
	file, found := source.Read(fsys, path)
	if file == nil {
		return nil, found
	}
	c := newCompiler(fsys, schemas, file, found)
	c.compile()
	return c.m, c.sorted()
}

// Explained is the mapping for those who explain it.
func (m *Mapping) Explained() *insight.Mapping {
	return &insight.Mapping{Path: m.Path, Program: &m.Program, Written: m.Written}
}

func newCompiler(fsys fs.FS, schemas *schema.Catalog, file *source.File, found []finding.Finding) *compiler {
	return &compiler{
		fsys: fsys, schemas: schemas, file: file, found: found,
		m: &Mapping{
			Path: file.Name, Lookups: map[string]Lookup{}, Written: map[*program.Expression]*insight.Written{}, Shapes: map[string]string{},
			Use: insight.Use{Read: map[string]bool{}, Whole: insight.Paths{}, Ignored: insight.Paths{}},
		},
	}
}

// Failed tells whether a mapping with these findings cannot run.
func Failed(found []finding.Finding) bool {
	return slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Severity != finding.SeverityWarning })
}

func (c *compiler) sorted() []finding.Finding {
	sort.SliceStable(c.found, func(i, j int) bool {
		a, b := c.found[i], c.found[j]
		if a.File != b.File {
			// The mapping itself comes before its fragments.
			return a.File == c.file.Name || b.File != c.file.Name && a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	return slices.Compact(c.found)
}
