package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file compares values and schemas with schemas.

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

func quoted(n *node) string {
	if n.kind == kindString {
		return fmt.Sprintf("%q", n.text)
	}
	return n.short()
}

// unlike says why a document of one schema may not fit another, as far as members
// and types go; "" when every one fits.
func (s *Schema) unlike(to *Schema) string { return unlike(s, to, "", 0) }

func unlike(from, to *Schema, at string, depth int) string {
	from, to = from.resolved(), to.resolved()
	if from == nil || to == nil || from == to || to.kind == typeAny || from.kind == typeAny || depth > MaxDepth {
		return ""
	}
	if from.kind != to.kind && (from.kind != typeInteger || to.kind != typeNumber) {
		return fmt.Sprintf("%s is %s, the target takes %s", strings.TrimPrefix(at, "."), from.kind, to.kind)
	}
	if from.kind == typeArray {
		return unlike(from.items, to.items, at+"[]", depth+1)
	}
	if from.kind != typeObject {
		return ""
	}
	for _, name := range from.names() {
		t := to.member(name)
		if t == nil {
			return fmt.Sprintf("the target has no field %s", strings.TrimPrefix(at+"."+name, "."))
		}
		if p := unlike(from.props[name], t, at+"."+name, depth+1); p != "" {
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
