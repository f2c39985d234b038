package mapping

import (
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// written is an expression as the file has it: its text, its place, and what it
// reads. Expressions that run have no use for that; those who ask where a value
// comes from do.
type written struct {
	text  string
	at    strictyaml.Pos
	paths []string // members of src and out, the one that the value stands for among them
	// path is the member that the value stands for, "" when it is computed.
	path string
	// alone tells that the expression is nothing but a path.
	alone bool
	names []*named
}

// named is a variable that an expression uses.
type named struct {
	name string
	by   string // the key that names it: let, each, with
	expr *written
}

// note keeps how an expression is written.
func (c *compiler) note(e *program.Expression, r *reading, n *yaml.Node, sc *scope) {
	w := &written{text: n.Value, at: sc.file.at(n), paths: slices.Clone(r.paths), path: r.result, alone: e.Path != nil}
	if w.path != "" && !slices.Contains(w.paths, w.path) {
		w.paths = append(w.paths, w.path)
	}
	slices.Sort(w.paths)
	w.paths = slices.DeleteFunc(w.paths, func(p string) bool {
		// has(a.b) looks at a, too.
		return slices.ContainsFunc(r.paths, func(q string) bool { return strings.HasPrefix(q, p+".") })
	})
	for _, name := range r.names {
		if v := sc.names[name]; v != nil && !slices.Contains(w.names, v) {
			w.names = append(w.names, v)
		}
	}
	c.m.written[e] = w
}

// named returns the scope with a note of how its newest variable came about.
func (c *compiler) named(sc *scope, name, by string, e *program.Expression) *scope {
	if w := c.m.written[e]; e != nil && w != nil {
		sc.names[name] = &named{name: name, by: by, expr: w}
	}
	return sc
}
