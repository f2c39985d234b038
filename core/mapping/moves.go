package mapping

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// move is what one rule does to one value, as far as the way back depends on it.
type move struct {
	at     strictyaml.Pos
	target string   // lines[].sku
	source string   // the member that it copies, without src; "" when it is computed
	reads  []string // all members of the source that it reads, without src
	rule   *program.Rule
	lossy  string // the reason that the file gives
	// limit is a condition around it other than that a member is there.
	limit string
	// only names a list of which one item is taken.
	only string
	// changes is a function that does not keep the value: gtin14, upper.
	changes string
	// fixed tells that the source has no part in it.
	fixed bool
	sure  bool // the schemas promise a value
	// empties tells that an empty text becomes missing or null.
	empties bool
	whole   bool // the source's value is a whole number, which no scale rounds
}

// lossless are functions over one value that have an inverse, which is for the
// inverse mapping to use.
var lossless = []string{"string", "int", "double", "ts", "formatTime", "substring", "replace", "split", "join"}

// moved remembers what a rule does to a value.
func (c *compiler) moved(r *program.Rule, read *reading, sc *scope) {
	m := move{at: r.At, target: r.Target, rule: r, lossy: sc.lossy, limit: sc.limit, fixed: true}
	empty := r.Empty
	if empty == 0 { // as the settings say
		empty = c.m.program.Empty
	}
	m.empties = empty != program.EmptyKeep
	if read != nil {
		for _, p := range append(slices.Clone(read.paths), read.result) {
			if rest, ok := strings.CutPrefix(p, language.NameSrc+"."); ok && !slices.Contains(m.reads, rest) {
				m.reads = append(m.reads, rest)
			}
		}
		m.fixed = len(read.paths) == 0 && read.result == ""
		m.source, _ = strings.CutPrefix(read.result, language.NameSrc+".")
		if !strings.HasPrefix(read.result, language.NameSrc+".") {
			m.source = ""
		}
		m.sure = read.expr.Sure
		m.whole = plainType(read.expr.Type).IsExactType(cel.IntType)
		m.changes, m.only = changed(read)
		if chosen := chosenBy(sc, read); m.only == "" {
			m.only = chosen
		}
	}
	c.m.moves = append(c.m.moves, m)
}

// changed finds what keeps an expression from being turned round: a function
// that drops something, or the choice of one item.
func changed(r *reading) (function, only string) {
	ast.PreOrderVisit(r.ast.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
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
			if r.ast.GetType(list.ID()).Kind() == cel.ListKind && only == "" {
				only = strings.TrimPrefix(strings.TrimSuffix(listOf(r, list), "[]"), language.NameSrc+".")
			}
		case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "@") || strings.HasPrefix(name, "!") || slices.Contains(lossless, name) || name == "has":
		case function == "":
			function = name
		}
	}))
	return function, only
}

func listOf(r *reading, list ast.Expr) string {
	if p := (&reading{ast: r.ast, prov: r.prov, bases: r.bases, expr: &program.Expression{}}).walk(list, nil); p != "" {
		return p
	}
	return "a list"
}

// chosenBy finds the list of which a variable of the expression is one item.
func chosenBy(sc *scope, r *reading) string {
	for _, path := range r.expr.Reads {
		if from := sc.only[path[0]]; from != "" {
			return from
		}
	}
	return ""
}

// choosing returns the scope with a variable that may be one item of a list.
func (s *scope) choosing(name string, r *reading) *scope {
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
func (s *scope) within(n *yaml.Node, when *reading) *scope {
	c := *s
	if v := child(n, "lossy"); v != nil {
		c.lossy = v.Value
	}
	if when != nil && !onlyPresence(when.ast.Expr()) {
		c.limit = child(n, "when").Value
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

// fixedValue shows a constant or default.
func fixedValue(n *document.Node) string {
	if n.Kind == document.Text {
		return `"` + n.Short() + `"`
	}
	return n.Short()
}
