package check

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"go.yaml.in/yaml/v3"
)

// note keeps how an expression is written.
func (c *compiler) note(e *program.Expression, r *expression.Reading, n *yaml.Node, sc *scope) {
	w := &insight.Written{Text: n.Value, At: sc.file.At(n), Paths: slices.Clone(r.Paths), Path: r.Result, Alone: e.Path != nil, Whole: whole(e.Type)}
	if w.Path != "" && !slices.Contains(w.Paths, w.Path) {
		w.Paths = append(w.Paths, w.Path)
	}
	slices.Sort(w.Paths)
	w.Paths = slices.DeleteFunc(w.Paths, func(p string) bool {
		// has(a.b) looks at a, too.
		return slices.ContainsFunc(r.Paths, func(q string) bool { return strings.HasPrefix(q, p+".") })
	})
	for _, name := range r.Names {
		if v := sc.names[name]; v != nil && !slices.Contains(w.Names, v) {
			w.Names = append(w.Names, v)
		}
	}
	c.m.Written[e] = w
}

// named returns the scope with a note of how its newest variable came about.
func (c *compiler) named(sc *scope, name, by string, e *program.Expression) *scope {
	if w := c.m.Written[e]; e != nil && w != nil {
		sc.names[name] = &insight.Named{Name: name, By: by, Expr: w}
	}
	return sc
}

// whole tells whether a value of the type has members or items.
func whole(t *cel.Type) bool {
	k := language.PlainType(t).Kind()
	return k == cel.StructKind || k == cel.ListKind || k == cel.MapKind || k == cel.DynKind
}
