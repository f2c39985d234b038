package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
)

// This file compares values and schemas with schemas.

// Refuses says what a schema has against a fixed value, "" for nothing.
func (s *Schema) Refuses(n *document.Node) string {
	s = s.Resolved()
	if s == nil {
		return ""
	}
	if n.Kind == document.Null {
		if s.Nullable || s.Kind == Any {
			return ""
		}
		return "may not be null"
	}
	if !s.Kind.Holds(n) || s.Kind == Integer && strings.ContainsAny(n.Text, ".eE") {
		return fmt.Sprintf("takes %s, found %s", s.Kind, Quoted(n))
	}
	if len(s.enum) > 0 && !slices.ContainsFunc(s.enum, func(e *document.Node) bool {
		return e.Kind == n.Kind && string(e.AppendJSON(nil)) == string(n.AppendJSON(nil))
	}) {
		allowed := make([]string, len(s.enum))
		for i, e := range s.enum {
			allowed[i] = e.Short()
		}
		return fmt.Sprintf("allows only %s", strings.Join(allowed, ", "))
	}
	switch n.Kind {
	case document.Text:
		if s.pattern != nil && !s.pattern.MatchString(n.Text) {
			return fmt.Sprintf("must match %s, found %q", s.pattern, n.Short())
		}
		if utf8.RuneCountInString(n.Text) < s.minLen {
			return fmt.Sprintf("needs at least %d characters", s.minLen)
		}
	case document.Object:
		for _, k := range n.Keys {
			m := s.Member(k)
			if m == nil && len(s.props) > 0 {
				return fmt.Sprintf("has no field %q", k)
			}
			if p := m.Refuses(n.Get(k)); p != "" {
				return k + " " + p
			}
		}
	case document.List:
		for _, k := range n.Kids {
			if p := s.ItemSchema().Refuses(k); p != "" {
				return "items: " + p
			}
		}
	}
	return ""
}

// Quoted shows a value in messages, text in quotes.
func Quoted(n *document.Node) string {
	if n.Kind == document.Text {
		return fmt.Sprintf("%q", n.Text)
	}
	return n.Short()
}

// Unlike says why a document of one schema may not fit another, as far as members
// and types go; "" when every one fits.
func (s *Schema) Unlike(to *Schema) string { return unlike(s, to, "", map[[2]*Schema]bool{}) }

// unlike compares two schemas once: those of EDI hierarchies contain themselves
// in many lists.
func unlike(from, to *Schema, at string, seen map[[2]*Schema]bool) string {
	from, to = from.Resolved(), to.Resolved()
	pair := [2]*Schema{from, to}
	if from == nil || to == nil || from == to || to.Kind == Any || from.Kind == Any || seen[pair] {
		return ""
	}
	seen[pair] = true
	if from.Kind != to.Kind && (from.Kind != Integer || to.Kind != Number) {
		return fmt.Sprintf("%s is %s, the target takes %s", strings.TrimPrefix(at, "."), from.Kind, to.Kind)
	}
	if from.Kind == List {
		return unlike(from.Items, to.Items, at+"[]", seen)
	}
	if from.Kind != Object {
		return ""
	}
	for _, name := range from.Names() {
		t := to.Member(name)
		if t == nil {
			return fmt.Sprintf("the target has no field %s", strings.TrimPrefix(at+"."+name, "."))
		}
		if p := unlike(from.props[name], t, at+"."+name, seen); p != "" {
			return p
		}
	}
	for name := range to.Required {
		if !from.Required[name] {
			return fmt.Sprintf("the target requires %s, the source does not", strings.TrimPrefix(at+"."+name, "."))
		}
	}
	return ""
}
