package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
)

// This file compares what a rule gives with what the target takes.

// plainType removes "or null" and "optional" from a type.
func plainType(t *cel.Type) *cel.Type {
	if t == nil {
		return cel.DynType
	}
	for _, p := range []*cel.Type{cel.StringType, cel.IntType, cel.DoubleType, cel.BoolType} {
		if t.IsExactType(cel.NullableType(p)) {
			return p
		}
	}
	if t.Kind() == cel.OpaqueKind && t.TypeName() == "optional_type" && len(t.Parameters()) == 1 {
		return plainType(t.Parameters()[0])
	}
	return t
}

// typeName is a CEL type in messages.
func typeName(t *cel.Type) string {
	t = plainType(t)
	switch t.Kind() {
	case cel.StructKind:
		return "an object (" + strings.TrimPrefix(t.TypeName(), typeMark) + ")"
	case cel.ListKind:
		return "a list of " + typeName(t.Parameters()[0])
	case cel.MapKind:
		return "an object"
	case cel.DynKind:
		return "anything"
	}
	return t.String()
}

// wanted is a target type in messages, in CEL's words where it has one.
func wanted(s *Schema) string {
	s = s.resolved()
	switch s.kind {
	case typeString:
		return "string"
	case typeInteger:
		return "int"
	case typeNumber:
		return "number"
	case typeBoolean:
		return "bool"
	}
	return s.kind.String()
}

// mismatch says why a value of type t cannot stand where the schema stands: ""
// when it can, otherwise something to add to "X wants A, the expression gives B"
// (a blank when there is nothing to add).
func (c *compiler) mismatch(t *cel.Type, s *Schema) string {
	s, t = s.resolved(), plainType(t)
	if s == nil || s.kind == typeAny || t.Kind() == cel.DynKind {
		return ""
	}
	fits := false
	switch t.Kind() {
	case cel.StringKind:
		fits = s.kind == typeString
	case cel.IntKind, cel.UintKind:
		fits = s.kind == typeInteger || s.kind == typeNumber
	case cel.DoubleKind:
		fits = s.kind == typeNumber
	case cel.BoolKind:
		fits = s.kind == typeBoolean
	case cel.NullTypeKind:
		fits = s.nullable
	case cel.ListKind:
		if s.kind == typeArray {
			if p := c.mismatch(t.Parameters()[0], s.items); p != "" {
				return strings.TrimRight(": the items do not fit"+p, " ")
			}
			return ""
		}
	case cel.MapKind:
		fits = s.kind == typeObject
	case cel.StructKind:
		if s.kind == typeObject {
			if p := copyable(c.prov.schemaOf(t), s, "", 0); p != "" {
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

// copyable compares two object schemas; "" when every document of one fits the
// other as far as members and types go.
func copyable(from, to *Schema, at string, depth int) string {
	from, to = from.resolved(), to.resolved()
	if from == nil || to == nil || from == to || to.kind == typeAny || from.kind == typeAny || depth > MaxDepth {
		return ""
	}
	if from.kind != to.kind && (from.kind != typeInteger || to.kind != typeNumber) {
		return fmt.Sprintf("%s is %s, the target takes %s", strings.TrimPrefix(at, "."), from.kind, to.kind)
	}
	if from.kind == typeArray {
		return copyable(from.items, to.items, at+"[]", depth+1)
	}
	if from.kind != typeObject {
		return ""
	}
	for _, name := range from.names() {
		t := to.member(name)
		if t == nil {
			return fmt.Sprintf("the target has no field %s", strings.TrimPrefix(at+"."+name, "."))
		}
		if p := copyable(from.props[name], t, at+"."+name, depth+1); p != "" {
			return p
		}
	}
	for name := range to.required {
		if !from.required[name] {
			return fmt.Sprintf("the target requires %s, the source does not", strings.TrimPrefix(at+"."+name, "."))
		}
	}
	return ""
}

// conversion is the hint for a mismatch.
func (c *compiler) conversion(t *cel.Type, s *Schema) string {
	t, s = plainType(t), s.resolved()
	switch {
	case s.kind == typeInteger && t.Kind() == cel.StringKind:
		return "convert it with int(…)"
	case s.kind == typeNumber && t.Kind() == cel.StringKind:
		return "add `decimal: 2` or `decimal: any`"
	case s.kind == typeString && t.Kind() == cel.DoubleKind:
		return "add `decimal: 2` for money, or convert it with string(…)"
	case s.kind == typeString && (t.Kind() == cel.IntKind || t.Kind() == cel.BoolKind):
		return "convert it with string(…)"
	case s.kind == typeBoolean && t.Kind() == cel.StringKind:
		return `compare it, as in src.flag == "Y"`
	case s.kind == typeArray:
		return "use `each`, or write a YAML sequence of rules"
	case s.kind == typeObject && t.Kind() == cel.StructKind:
		return "write the members under `fields`"
	}
	return ""
}

// refuses says what a schema has against a fixed value, "" for nothing.
func (s *Schema) refuses(n *node) string {
	s = s.resolved()
	if s == nil {
		return ""
	}
	if n.kind == kindNull {
		if s.nullable || s.kind == typeAny {
			return ""
		}
		return "may not be null"
	}
	if !s.kind.holds(n) || s.kind == typeInteger && strings.ContainsAny(n.text, ".eE") {
		return fmt.Sprintf("takes %s, found %s", s.kind, quoted(n))
	}
	if len(s.enum) > 0 && !slices.ContainsFunc(s.enum, func(e *node) bool { return e.kind == n.kind && string(e.appendJSON(nil)) == string(n.appendJSON(nil)) }) {
		allowed := make([]string, len(s.enum))
		for i, e := range s.enum {
			allowed[i] = e.short()
		}
		return fmt.Sprintf("allows only %s", strings.Join(allowed, ", "))
	}
	switch n.kind {
	case kindString:
		if s.pattern != nil && !s.pattern.MatchString(n.text) {
			return fmt.Sprintf("must match %s, found %q", s.pattern, n.short())
		}
		if utf8.RuneCountInString(n.text) < s.minLen {
			return fmt.Sprintf("needs at least %d characters", s.minLen)
		}
	case kindObject:
		for _, k := range n.keys {
			m := s.member(k)
			if m == nil && len(s.props) > 0 {
				return fmt.Sprintf("has no field %q", k)
			}
			if p := m.refuses(n.get(k)); p != "" {
				return k + " " + p
			}
		}
	case kindArray:
		for _, k := range n.kids {
			if p := s.itemSchema().refuses(k); p != "" {
				return "items: " + p
			}
		}
	}
	return ""
}
