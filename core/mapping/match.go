package mapping

import (
	"strings"

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
			if p := c.prov.schemaOf(t).unlike(s); p != "" {
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
