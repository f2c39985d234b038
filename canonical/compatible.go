package canonical

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Field is one place in an entity and what may stand there.
type Field struct {
	// Path leads to it from the document: /lines/*/quantity. A * stands for every
	// item of an array or every member of an open object.
	Path string `json:"path"`
	// Type is the JSON type; empty when any is allowed.
	Type string `json:"type,omitempty"`
	// Required says that the object around it must have it.
	Required bool `json:"required,omitempty"`
	// Closed says that an object may have no other members.
	Closed bool `json:"closed,omitempty"`
	// Enum lists the only values allowed, if it is not empty.
	Enum []string `json:"enum,omitempty"`
	// Const is the only value allowed, as JSON, if it is not empty.
	Const string `json:"const,omitempty"`
	// Pattern and Format are the schema's.
	Pattern string `json:"pattern,omitempty"`
	Format  string `json:"format,omitempty"`
	// Min and Max are the bounds of a number, or of the length of a text or an
	// array, or of the number of members.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`
	// Rules are the schema's conditions (if, then, allOf and so on) as JSON.
	Rules string `json:"rules,omitempty"`
}

// Fields lists every field of an entity in the schemas of fsys (see [FS]), by
// path, with references resolved.
func Fields(fsys fs.FS, entity string) ([]Field, error) {
	docs, _, err := decode(fsys, "v1")
	if err != nil {
		return nil, err
	}
	file := entity + ".json"
	if docs[file] == nil {
		return nil, fmt.Errorf("canonical entity %q has no schema v1/%s", entity, file)
	}
	var out []Field
	docs.fields(file, docs[file], "", false, 0, func(f Field) { out = append(out, f) })
	slices.SortFunc(out, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

func (d documents) fields(file string, s map[string]any, path string, required bool, depth int, add func(Field)) {
	if depth > maxDepth {
		return
	}
	file, s = d.resolve(file, s)
	add(fieldOf(s, path, required))
	props, _ := s["properties"].(map[string]any)
	for name, sub := range props {
		if sub, ok := sub.(map[string]any); ok {
			d.fields(file, sub, path+"/"+name, slices.Contains(list(s["required"]), any(name)), depth+1, add)
		}
	}
	for _, k := range []string{"items", "additionalProperties"} {
		if sub, ok := s[k].(map[string]any); ok {
			d.fields(file, sub, path+"/*", false, depth+1, add)
		}
	}
}

// fieldOf reads one schema's constraints.
func fieldOf(s map[string]any, path string, required bool) Field {
	f := Field{Path: path, Required: required}
	f.Type, _ = s["type"].(string)
	f.Pattern, _ = s["pattern"].(string)
	f.Format, _ = s["format"].(string)
	f.Closed = s["additionalProperties"] == false
	for _, v := range list(s["enum"]) {
		f.Enum = append(f.Enum, fmt.Sprint(v))
	}
	if c, ok := s["const"]; ok {
		b, err := json.Marshal(c)
		if err == nil {
			f.Const = string(b)
		}
	}
	rules := map[string]any{}
	for _, k := range []string{"if", "then", "else", "allOf", "anyOf", "oneOf", "not", "propertyNames"} {
		if r, ok := s[k]; ok {
			rules[k] = r
		}
	}
	if b, err := json.Marshal(rules); err == nil && len(rules) > 0 {
		f.Rules = string(b)
	}
	for _, k := range []string{"minimum", "minLength", "minItems", "minProperties"} {
		if n, ok := s[k].(float64); ok {
			f.Min = &n
		}
	}
	for _, k := range []string{"maximum", "maxLength", "maxItems", "maxProperties"} {
		if n, ok := s[k].(float64); ok {
			f.Max = &n
		}
	}
	return f
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// Compatible returns every way in which a new minor version of an entity would
// break somebody who relies on the old one: a producer whose documents would be
// refused, or a consumer that misses what it was promised. New optional fields,
// new enum values and wider bounds are fine. A change that is reported here needs
// a new major version, that is a new directory beside v1.
func Compatible(old, next []Field) []string {
	var broken []string
	report := func(path, format string, args ...any) {
		broken = append(broken, path+": "+fmt.Sprintf(format, args...))
	}
	was := make(map[string]Field, len(old))
	for _, f := range old {
		was[f.Path] = f
	}
	is := make(map[string]bool, len(next))
	for _, f := range next {
		is[f.Path] = true
		o, existed := was[f.Path]
		switch {
		case existed:
			narrowed(o, f, report)
		case f.Required && containerExisted(was, f.Path):
			report(f.Path, "is new and required: documents that were valid lack it; make it optional")
		}
	}
	for _, f := range old {
		if !is[f.Path] {
			report(f.Path, "was removed: consumers read it; keep it and mark it deprecated")
		}
	}
	return broken
}

// containerExisted says whether the object around a field is an old one: inside a
// new object a field may be required.
func containerExisted(was map[string]Field, path string) bool {
	_, ok := was[path[:strings.LastIndexByte(path, '/')]]
	return ok
}

// narrowed reports what the new field no longer allows or no longer promises.
func narrowed(old, f Field, report func(path, format string, args ...any)) {
	if old.Type != f.Type && f.Type != "" {
		report(f.Path, "changed type from %q to %q", old.Type, f.Type)
	}
	if f.Required && !old.Required {
		report(f.Path, "became required: documents that were valid lack it")
	}
	if old.Required && !f.Required {
		report(f.Path, "became optional: consumers rely on it")
	}
	if f.Closed && !old.Closed && old.Type == "object" {
		report(f.Path, "no longer allows other members")
	}
	if len(f.Enum) > 0 && len(old.Enum) == 0 {
		report(f.Path, "is now limited to %s", strings.Join(f.Enum, ", "))
	}
	for _, v := range old.Enum {
		if len(f.Enum) > 0 && !slices.Contains(f.Enum, v) {
			report(f.Path, "lost the value %q", v)
		}
	}
	if old.Const != f.Const {
		report(f.Path, "changed its constant from %s to %s", orNone(old.Const), orNone(f.Const))
	}
	if f.Format != "" && f.Format != old.Format {
		report(f.Path, "changed format from %s to %s", orNone(old.Format), f.Format)
	}
	if f.Pattern != "" && f.Pattern != old.Pattern && !widens(old.Pattern, f.Pattern) {
		report(f.Path, "changed pattern from %s to %s", orNone(old.Pattern), f.Pattern)
	}
	if f.Rules != "" && f.Rules != old.Rules {
		report(f.Path, "changed its conditions from %s to %s", orNone(old.Rules), f.Rules)
	}
	if f.Min != nil && (old.Min == nil || *f.Min > *old.Min) {
		report(f.Path, "raised its minimum to %v", *f.Min)
	}
	if f.Max != nil && (old.Max == nil || *f.Max < *old.Max) {
		report(f.Path, "lowered its maximum to %v", *f.Max)
	}
}

// widens recognises the one change of a pattern that is known to allow more: a
// list of alternatives, ^(a|b)$, that keeps what it had.
func widens(old, next string) bool {
	a, okA := alternatives(old)
	b, okB := alternatives(next)
	if !okA || !okB {
		return false
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

func alternatives(pattern string) ([]string, bool) {
	inner, ok := strings.CutPrefix(pattern, "^(")
	inner, ok2 := strings.CutSuffix(inner, ")$")
	return strings.Split(inner, "|"), ok && ok2 && !strings.ContainsAny(inner, "()")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
