package check

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/inverse"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// lossless are functions over one value that have an inverse, which is for the
// inverse mapping to use.
var lossless = []string{"string", "int", "double", "ts", "formatTime", "substring", "replace", "split", "join"}

// moved remembers what a rule does to a value.
func (c *compiler) moved(r *program.Rule, read *expression.Reading, sc *scope) {
	m := inverse.Move{At: r.At, Target: r.Target, Rule: r, Lossy: sc.lossy, Limit: sc.limit, Fixed: true}
	empty := r.Empty
	if empty == 0 { // as the settings say
		empty = c.m.Program.Empty
	}
	m.Empties = empty != program.EmptyKeep
	if read != nil {
		for _, p := range append(slices.Clone(read.Paths), read.Result) {
			if rest, ok := strings.CutPrefix(p, language.NameSrc+"."); ok && !slices.Contains(m.Reads, rest) {
				m.Reads = append(m.Reads, rest)
			}
		}
		m.Fixed = len(read.Paths) == 0 && read.Result == ""
		m.Source, _ = strings.CutPrefix(read.Result, language.NameSrc+".")
		if !strings.HasPrefix(read.Result, language.NameSrc+".") {
			m.Source = ""
		}
		m.Sure = read.Expr.Sure
		m.Whole = language.PlainType(read.Expr.Type).IsExactType(cel.IntType)
		m.Changes, m.Only = changed(read)
		if chosen := chosenBy(sc, read); m.Only == "" {
			m.Only = chosen
		}
	}
	c.m.Moves = append(c.m.Moves, m)
}

// changed finds what keeps an expression from being turned round: a function
// that drops something, or the choice of one item.
func changed(r *expression.Reading) (function, only string) {
	ast.PreOrderVisit(r.AST.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		name := call.FunctionName()
		switch {
		case name == language.FuncFirst || name == "first" || name == operators.Index:
			list := call.Target()
			if len(call.Args()) > 0 && !call.IsMemberFunction() {
				list = call.Args()[0]
			}
			if r.AST.GetType(list.ID()).Kind() == cel.ListKind && only == "" {
				only = strings.TrimPrefix(strings.TrimSuffix(listOf(r, list), "[]"), language.NameSrc+".")
			}
		case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "@") || strings.HasPrefix(name, "!") || slices.Contains(lossless, name) || name == "has":
		case function == "":
			function = name
		}
	}))
	return function, only
}

func listOf(r *expression.Reading, list ast.Expr) string {
	if p := r.PathOf(list); p != "" {
		return p
	}
	return "a list"
}

// chosenBy finds the list of which a variable of the expression is one item.
func chosenBy(sc *scope, r *expression.Reading) string {
	for _, path := range r.Expr.Reads {
		if from := sc.only[path[0]]; from != "" {
			return from
		}
	}
	return ""
}

// choosing returns the scope with a variable that may be one item of a list.
func (s *scope) choosing(name string, r *expression.Reading) *scope {
	if r == nil {
		return s
	}
	_, only := changed(r)
	if only == "" {
		only = chosenBy(s, r)
	}
	if only == "" {
		return s
	}
	c := *s
	if c.only = maps.Clone(s.only); c.only == nil {
		c.only = map[string]string{}
	}
	c.only[name] = only
	return &c
}

// within returns the scope inside of a rule: its reason for being lossy, and
// its condition.
func (s *scope) within(n *yaml.Node, when *expression.Reading) *scope {
	c := *s
	if v := source.Child(n, "lossy"); v != nil {
		c.lossy = v.Value
	}
	if when != nil && !onlyPresence(when.AST.Expr()) {
		c.limit = source.Child(n, "when").Value
	}
	return &c
}

// onlyPresence tells that a condition asks for nothing but members being there.
func onlyPresence(e ast.Expr) bool {
	if e.Kind() == ast.SelectKind {
		return e.AsSelect().IsTestOnly()
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		return onlyPresence(e.AsCall().Args()[0]) && onlyPresence(e.AsCall().Args()[1])
	}
	return false
}

// inverse reads `inverse`: a mapping file, relative to this one.
func (c *compiler) inverse(root *yaml.Node) {
	name, at := c.text(c.file, root, "inverse", "a mapping", false)
	if at == nil {
		return
	}
	file := path.Join(path.Dir(c.file.Name), name)
	switch {
	case !fs.ValidPath(file):
		c.fail(c.file.At(at), finding.CodeUnknown, "", "the path %q leads out of the configuration folder", name)
	case file == c.file.Name:
		c.fail(c.file.At(at), finding.CodeValue, "name the mapping that leads back", "a mapping is not its own inverse")
	default:
		if _, err := fs.Stat(c.fsys, file); err != nil {
			c.fail(c.file.At(at), finding.CodeUnknown, "paths are relative to the mapping file", "inverse: the file %s cannot be read: %v", file, strictyaml.WithoutPath(err))
			return
		}
		c.m.Inverse, c.m.InverseAt = file, c.file.At(at)
	}
}
