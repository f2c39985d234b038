package schema

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// durationPattern accepts what time.ParseDuration accepts, without a sign.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`

// JSON returns the JSON Schema 2020-12 of the configuration. defaults is a value
// of its type and is shown as such; title may be empty. Beside the standard
// keywords it writes
//
//   - x-secret: the value is never shown, logged or stored,
//   - x-role: the roles a key belongs to; absent means all,
//   - x-required: required in those roles only (plain "required" would refuse
//     a connection's shared configuration in the other roles),
//   - x-order: the position of a key in the author's struct, for forms,
//   - x-format: duration or bytes,
//   - x-min, x-max: bounds of durations and sizes, which JSON Schema cannot
//     compare.
func (c *Config) JSON(defaults reflect.Value, title string) ([]byte, error) {
	root := objectSchema(c.root, defaults)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	if title != "" {
		root["title"] = title
	}
	return json.MarshalIndent(root, "", "  ")
}

func objectSchema(s *shape, defaults reflect.Value) map[string]any {
	props := map[string]any{}
	var required []string
	for i, f := range s.fields {
		var d reflect.Value
		if defaults.IsValid() {
			d = defaults.FieldByIndex(f.index)
		}
		p := fieldSchema(f, d)
		p["x-order"] = i
		props[f.name] = p
		if f.required && len(f.roles) == 0 {
			required = append(required, f.name)
		}
	}
	out := map[string]any{"type": "object", "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func fieldSchema(f *field, defaults reflect.Value) map[string]any {
	p := valueSchema(f.shape, defaults)
	p["title"] = f.title
	if f.doc != "" {
		p["description"] = f.doc
	}
	if f.secret {
		p["x-secret"] = true
		p["writeOnly"] = true
	}
	if len(f.roles) > 0 {
		p["x-role"] = f.roles
		if f.required {
			p["x-required"] = true
		}
	}
	if f.example != "" {
		p["examples"] = []any{literal(f.shape, f.example)}
	}
	if d := f.shown(defaults); d != nil {
		p["default"] = d
	}
	leaf := p
	if f.shape.kind == listShape {
		leaf, _ = p["items"].(map[string]any)
	}
	if len(f.enum) > 0 {
		leaf["enum"] = enumValues(f)
	}
	if f.format != "" && f.format != "bytes" && f.format != "duration" {
		leaf["format"] = f.format
	}
	f.boundSchema(p)
	return p
}

func valueSchema(s *shape, defaults reflect.Value) map[string]any {
	switch s.kind {
	case textShape:
		return map[string]any{"type": "string"}
	case boolShape:
		return map[string]any{"type": "boolean"}
	case intShape:
		return map[string]any{"type": "integer"}
	case numberShape:
		return map[string]any{"type": "number"}
	case durationShape:
		return map[string]any{"type": "string", "x-format": "duration", "pattern": durationPattern}
	case bytesShape:
		return map[string]any{"type": []string{"integer", "string"}, "x-format": "bytes", "pattern": bytesPattern}
	case listShape:
		return map[string]any{"type": "array", "items": valueSchema(s.elem, reflect.Value{})}
	case mapShape:
		return map[string]any{"type": "object", "additionalProperties": valueSchema(s.elem, reflect.Value{})}
	case objectShape:
		for defaults.IsValid() && defaults.Kind() == reflect.Pointer {
			defaults = defaults.Elem()
		}
		return objectSchema(s, defaults)
	default:
		return map[string]any{}
	}
}

// shown is the default as the schema shows it: Connector.Defaults first, then
// the tag. Secrets have none.
func (f *field) shown(defaults reflect.Value) any {
	if f.secret {
		return nil
	}
	if defaults.IsValid() && !defaults.IsZero() && f.shape.kind != objectShape {
		if d, ok := defaults.Interface().(time.Duration); ok {
			return shortDuration(d)
		}
		return defaults.Interface()
	}
	if f.fallback != "" {
		return literal(f.shape, f.fallback)
	}
	return nil
}

func (f *field) boundSchema(p map[string]any) {
	set := func(keyword, bound string) {
		if bound == "" {
			return
		}
		if n, err := f.measure(bound); err == nil {
			p[keyword] = n
		}
	}
	switch f.shape.kind {
	case intShape, numberShape:
		set("minimum", f.min)
		set("maximum", f.max)
	case textShape:
		set("minLength", f.min)
		set("maxLength", f.max)
	case listShape:
		set("minItems", f.min)
		set("maxItems", f.max)
	case durationShape, bytesShape:
		// The decoder compares them.
		if f.min != "" {
			p["x-min"] = f.min
		}
		if f.max != "" {
			p["x-max"] = f.max
		}
	}
}

func enumValues(f *field) []any {
	s := f.shape
	if s.kind == listShape {
		s = s.elem
	}
	out := make([]any, len(f.enum))
	for i, e := range f.enum {
		out[i] = literal(s, e)
	}
	return out
}

// literal reads a tag's text as the configuration value it stands for. Lists
// are comma separated, objects and maps are JSON.
func literal(s *shape, text string) any {
	switch s.kind {
	case boolShape, intShape, numberShape:
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			return v
		}
	case listShape:
		if strings.HasPrefix(text, "[") {
			var v []any
			if json.Unmarshal([]byte(text), &v) == nil {
				return v
			}
		}
		var out []any
		for _, e := range split(text) {
			out = append(out, literal(s.elem, e))
		}
		return out
	case mapShape, objectShape, anyShape:
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			return v
		}
	}
	return text
}

// shortDuration writes 1m and not 1m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
