package check

import (
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// This file compares what a rule gives with what the target takes.

// wanted is a target type in messages, in CEL's words where it has one.
func wanted(s *schema.Schema) string {
	s = s.Resolved()
	switch s.Kind {
	case schema.Text:
		return "string"
	case schema.Integer:
		return "int"
	case schema.Number:
		return "number"
	case schema.Boolean:
		return "bool"
	}
	return s.Kind.String()
}

// mismatch says why a value of type t cannot stand where the schema stands: ""
// when it can, otherwise something to add to "X wants A, the expression gives B"
// (a blank when there is nothing to add).
func (c *compiler) mismatch(t *cel.Type, s *schema.Schema) string {
	s, t = s.Resolved(), language.PlainType(t)
	if s == nil || s.Kind == schema.Any || t.Kind() == cel.DynKind {
		return ""
	}
	fits := false
	switch t.Kind() {
	case cel.StringKind:
		fits = s.Kind == schema.Text
	case cel.IntKind, cel.UintKind:
		fits = s.Kind == schema.Integer || s.Kind == schema.Number
	case cel.DoubleKind:
		fits = s.Kind == schema.Number
	case cel.BoolKind:
		fits = s.Kind == schema.Boolean
	case cel.NullTypeKind:
		fits = s.Nullable
	case cel.ListKind:
		if s.Kind == schema.List {
			if p := c.mismatch(t.Parameters()[0], s.Items); p != "" {
				return strings.TrimRight(": the items do not fit"+p, " ")
			}
			return ""
		}
	case cel.MapKind:
		fits = s.Kind == schema.Object
	case cel.StructKind:
		if s.Kind == schema.Object {
			if p := c.prov.SchemaOf(t).Unlike(s); p != "" {
				return ": " + p
			}
			return ""
		}
	}
	if fits {
		return ""
	}
	return " "
}

// conversion is the hint for a mismatch.
func (c *compiler) conversion(t *cel.Type, s *schema.Schema) string {
	t, s = language.PlainType(t), s.Resolved()
	switch {
	case s.Kind == schema.Integer && t.Kind() == cel.StringKind:
		return "convert it with int(…)"
	case s.Kind == schema.Number && t.Kind() == cel.StringKind:
		return "add `decimal: 2` or `decimal: any`"
	case s.Kind == schema.Text && t.Kind() == cel.DoubleKind:
		return "add `decimal: 2` for money, or convert it with string(…)"
	case s.Kind == schema.Text && (t.Kind() == cel.IntKind || t.Kind() == cel.BoolKind):
		return "convert it with string(…)"
	case s.Kind == schema.Boolean && t.Kind() == cel.StringKind:
		return `compare it, as in src.flag == "Y"`
	case s.Kind == schema.List:
		return "use `each`, or write a YAML sequence of rules"
	case s.Kind == schema.Object && t.Kind() == cel.StructKind:
		return "write the members under `fields`"
	}
	return ""
}
