package cursor

import (
	"regexp"
	"slices"
	"unicode"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// expressionAt finds the expression at a place, and how many characters of its
// text stand before it; nil when there is none.
func (in *Insight) expressionAt(at Place) (*Expression, int) {
	for i := range in.expressions {
		e := &in.expressions[i]
		if e.File != at.File || !starts(e.Node, at) {
			continue
		}
		text := []rune(e.Node.Value)
		if end := e.Inside(len(text)); end.Line < at.Line || end.Line == at.Line && end.Col < at.Col {
			continue
		}
		offset := 0
		for o := range len(text) + 1 {
			if p := e.Inside(o); p.Line > at.Line || p.Line == at.Line && p.Col > at.Col {
				break
			}
			offset = o
		}
		return e, offset
	}
	return nil, 0
}

// nearest is the last expression that begins at or before a place: what it sees
// is the best guess for a place that could not be read.
func (in *Insight) nearest(at Place) *Expression {
	var best *Expression
	for i := range in.expressions {
		e := &in.expressions[i]
		if e.File != at.File || !starts(e.Node, at) {
			continue
		}
		if best == nil || e.Node.Line > best.Node.Line || e.Node.Line == best.Node.Line && e.Node.Column > best.Node.Column {
			best = e
		}
	}
	return best
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// wordBefore is the beginning of the word that ends at the end of text.
func wordBefore(text []rune) int {
	i := len(text)
	for i > 0 && isWord(text[i-1]) {
		i--
	}
	return i
}

// quoted tells whether the end of text stands inside of fixed text.
func quoted(text []rune) bool {
	var open rune
	for i := 0; i < len(text); i++ {
		switch r := text[i]; {
		case open != 0 && r == '\\':
			i++
		case r == open:
			open = 0
		case open == 0 && (r == '"' || r == '\''):
			open = r
		}
	}
	return open != 0
}

// receiver is the expression directly before the end of text, which is before
// a dot: src.n1[0].first(x, x.q == "ST").
func receiver(text []rune) string {
	i := len(text)
	for i > 0 {
		switch r := text[i-1]; {
		case isWord(r):
			i = wordBefore(text[:i])
		case r == ')' || r == ']':
			if i = opening(text, i-1); i < 0 {
				return ""
			}
			continue // what is called or indexed stands before it
		case r == '"' || r == '\'':
			for i -= 2; i >= 0 && text[i] != r; i-- {
			}
			if i < 0 {
				return ""
			}
		default:
			return string(text[i:])
		}
		// Another step stands before a dot, optional or not.
		switch {
		case i > 1 && text[i-1] == '?' && text[i-2] == '.':
			i -= 2
		case i > 0 && text[i-1] == '.':
			i--
		default:
			return string(text[i:])
		}
	}
	return string(text[max(i, 0):])
}

// opening finds the bracket that the one at close closes, -1 when there is none.
func opening(text []rune, closing int) int {
	depth := 0
	var open rune
	for i := closing; i >= 0; i-- {
		r := text[i]
		switch {
		case open != 0:
			if r == open {
				open = 0
			}
		case r == '"' || r == '\'':
			open = r
		case r == ')' || r == ']':
			depth++
		case r == '(' || r == '[':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// loops are the functions that name the item of a list in their first argument.
var loops = []string{"first", "filter", "map", "all", "exists", "exists_one"}

var loopVariable = regexp.MustCompile(`^\s*([A-Za-z_]\w*)\s*,`)

// locals extends what the expression sees by the items of the loops that are
// open at the end of text, and names them.
func (e *Expression) locals(text []rune) (*cel.Env, []string) {
	env := e.Env
	var names []string
	var open []int
	var fixed rune
	for i, r := range text {
		switch {
		case fixed != 0:
			if r == fixed {
				fixed = 0
			}
		case r == '"' || r == '\'':
			fixed = r
		case r == '(' || r == '[':
			open = append(open, i)
		case (r == ')' || r == ']') && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	for _, i := range open {
		from := wordBefore(text[:i])
		named := loopVariable.FindStringSubmatch(string(text[i+1:]))
		if text[i] != '(' || from == 0 || text[from-1] != '.' || named == nil || !slices.Contains(loops, string(text[from:i])) {
			continue
		}
		item := cel.DynType
		if t := typeIn(env, receiver(text[:from-1])); t != nil && (t.Kind() == cel.ListKind || t.Kind() == cel.MapKind) {
			item = t.Parameters()[0]
		}
		if next, err := env.Extend(cel.Variable(named[1], item)); err == nil {
			env, names = next, append(names, named[1])
		}
	}
	return env, names
}

// typeIn is the type of an expression, nil when it has mistakes.
func typeIn(env *cel.Env, text string) *cel.Type {
	if text == "" {
		return nil
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil
	}
	return checked.OutputType()
}

// value removes "optional" and "or null".
func value(t *cel.Type) *cel.Type {
	for t != nil && t.Kind() == cel.OpaqueKind && t.TypeName() == "optional_type" && len(t.Parameters()) == 1 {
		t = t.Parameters()[0]
	}
	for _, p := range []*cel.Type{cel.StringType, cel.IntType, cel.DoubleType, cel.BoolType} {
		if t != nil && t.IsExactType(cel.NullableType(p)) {
			return p
		}
	}
	return t
}

// isOptional tells that a type was read with .?
func isOptional(t *cel.Type) bool { return value(t) != t && t.Kind() == cel.OpaqueKind }

// words describes the schema of a value: its type, and what it may be.
func words(s *schema.Schema) string {
	r := s.Resolved()
	if r == nil {
		return "anything"
	}
	out := r.Kind.String()
	if r.Kind == schema.List {
		if item := s.ItemSchema(); item != nil && item.Kind != schema.Any {
			out += " of " + map[schema.Type]string{
				schema.Object: "objects", schema.List: "lists", schema.Text: "texts", schema.Integer: "whole numbers",
				schema.Number: "numbers", schema.Boolean: "true or false",
			}[item.Kind]
		}
	}
	if r.Format != "" {
		out += " (" + r.Format + ")"
	}
	if r.Nullable {
		out += ", or null"
	}
	return out
}
