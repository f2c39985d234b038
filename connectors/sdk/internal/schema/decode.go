package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Decoded is what was found while a configuration was decoded.
type Decoded struct {
	Problems []Problem // it cannot be used
	Warnings []Problem // part of it has no effect
	Secrets  []string  // the values of secret keys
}

// Problem is one finding, for the person who writes the configuration.
type Problem struct {
	Code    string // config.unknown, config.type, …
	Field   string // JSON Pointer into the configuration
	Message string // begins with the field as people write it: limits[0].rate
	Hint    string // what to do next; may be empty
}

func (p Problem) Error() string { return p.Code + ": " + p.Message }

// Decode fills out, an addressable struct of the configuration's type that
// holds the defaults, for an instance in one role; "" stands for all roles. It
// does not stop at the first problem but finds all. Numbers in may be written
// as text, because an environment variable always gives text.
func (c *Config) Decode(role string, in map[string]any, out reflect.Value) Decoded {
	d := decoder{role: role}
	d.object(c.root, in, out, "")
	return d.Decoded
}

type decoder struct {
	Decoded
	role string
}

func (d *decoder) problem(path, code, hint, format string, args ...any) {
	d.Problems = append(d.Problems, Problem{
		Code: code, Field: path, Hint: hint,
		Message: fmt.Sprintf("%s: %s", readable(path), fmt.Sprintf(format, args...)),
	})
}

func (d *decoder) object(s *shape, in map[string]any, out reflect.Value, path string) {
	for _, key := range sortedKeys(in) {
		if !slices.ContainsFunc(s.fields, func(f *field) bool { return f.name == key }) {
			d.unknown(s, key, path)
		}
	}
	for _, f := range s.fields {
		at := path + "/" + escapePointer(f.name)
		v, given := in[f.name]
		target := out.FieldByIndex(f.index)
		if !given || v == nil {
			d.missing(f, target, at)
			continue
		}
		if !f.inRole(d.role) {
			d.Warnings = append(d.Warnings, Problem{
				Code: "config.role", Field: at,
				Message: fmt.Sprintf("%s: has no effect here: it belongs to the role %s", readable(at), strings.Join(f.roles, ", ")),
				Hint:    fmt.Sprintf("move it to the connection's %s", endpointLists(f.roles)),
			})
		}
		d.value(f.shape, f, v, target, at)
	}
}

func endpointLists(roles []string) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r + "s"
	}
	return strings.Join(names, " or ")
}

func (d *decoder) missing(f *field, out reflect.Value, path string) {
	// The inner defaults of an object hold although the object is not written.
	if f.shape.kind == objectShape && out.Kind() == reflect.Struct && (!f.required || !out.IsZero()) {
		if !out.IsZero() || !f.shape.hasRequired(d.role) {
			d.object(f.shape, nil, out, path)
		}
		return
	}
	if !out.IsZero() {
		return // from Connector.Defaults
	}
	if f.fallback != "" {
		d.value(f.shape, f, literal(f.shape, f.fallback), out, path)
		return
	}
	if f.required && f.inRole(d.role) {
		hint := f.doc
		if f.example != "" {
			hint = strings.TrimPrefix(hint+"; for example "+f.example, "; ")
		}
		d.problem(path, "config.required", hint, "is required and missing")
	}
}

func (s *shape) hasRequired(role string) bool {
	for _, f := range s.fields {
		if f.required && f.fallback == "" && f.inRole(role) {
			return true
		}
	}
	return false
}

func (d *decoder) unknown(s *shape, key, path string) {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	hint := "known keys: " + strings.Join(names, ", ")
	if near := nearest(key, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.problem(path+"/"+escapePointer(key), "config.unknown", hint, "is not a key of this connector's configuration")
}

// value decodes v into out. f gives the constraints; it is nil inside maps.
func (d *decoder) value(s *shape, f *field, v any, out reflect.Value, path string) {
	for out.Kind() == reflect.Pointer {
		fresh := reflect.New(out.Type().Elem())
		if !out.IsNil() {
			fresh.Elem().Set(out.Elem()) // Connector.Defaults stays as it is
		}
		out.Set(fresh)
		if u, ok := out.Interface().(encoding.TextUnmarshaler); ok && s.kind == textShape {
			d.textUnmarshal(u, v, path)
			return
		}
		out = out.Elem()
	}
	before := len(d.Problems)
	switch s.kind {
	case textShape:
		d.text(f, v, out, path)
	case boolShape:
		d.boolean(v, out, path)
	case intShape, numberShape, bytesShape:
		d.number(s, v, out, path)
	case durationShape:
		d.duration(v, out, path)
	case listShape:
		d.list(s, f, v, out, path)
	case mapShape:
		d.mapping(s, v, out, path)
	case objectShape:
		m, ok := v.(map[string]any)
		if !ok {
			d.mismatch(path, "keys and values", v, "")
			return
		}
		d.object(s, m, out, path)
	default:
		d.anything(v, out, path)
	}
	if f != nil && len(d.Problems) == before {
		d.constraints(s, f, v, out, path)
	}
}

func (d *decoder) mismatch(path, want string, got any, hint string) {
	d.problem(path, "config.type", hint, "expected %s, found %s", want, describeValue(got))
}

func (d *decoder) text(f *field, v any, out reflect.Value, path string) {
	if u, ok := out.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.textUnmarshal(u, v, path)
		return
	}
	s, ok := v.(string)
	if !ok {
		hint := ""
		switch v.(type) {
		case float64, int, int64, bool:
			hint = fmt.Sprintf("put it in quotes: \"%v\"", v)
		}
		d.mismatch(path, "text", v, hint)
		return
	}
	if f != nil && f.secret && s != "" {
		d.Secrets = append(d.Secrets, s)
	}
	out.SetString(s)
}

func (d *decoder) textUnmarshal(u encoding.TextUnmarshaler, v any, path string) {
	s, ok := v.(string)
	if !ok {
		d.mismatch(path, "text", v, "")
		return
	}
	if err := u.UnmarshalText([]byte(s)); err != nil {
		d.problem(path, "config.value", "", "%v", err)
	}
}

// Text is accepted for booleans and numbers because ${env:X} always gives text.
func (d *decoder) boolean(v any, out reflect.Value, path string) {
	switch b := v.(type) {
	case bool:
		out.SetBool(b)
		return
	case string:
		switch b {
		case "true", "false":
			out.SetBool(b == "true")
			return
		}
	}
	d.mismatch(path, "true or false", v, "")
}

func (d *decoder) number(s *shape, v any, out reflect.Value, path string) {
	if s.kind == numberShape {
		n, ok := asFloat(v)
		if !ok || out.OverflowFloat(n) {
			d.mismatch(path, "a number", v, "")
			return
		}
		out.SetFloat(n)
		return
	}
	n, ok := asInt(v)
	want := "a whole number"
	if s.kind == bytesShape {
		want = "a size such as 16MiB"
		if text, isText := v.(string); isText {
			size, err := ParseSize(text)
			n, ok = size, err == nil
		}
	}
	if !ok {
		d.mismatch(path, want, v, "")
		return
	}
	if out.CanUint() {
		if n < 0 || out.OverflowUint(uint64(n)) {
			d.problem(path, "config.range", "", "%d is outside the range of %s", n, out.Type())
			return
		}
		out.SetUint(uint64(n))
		return
	}
	if out.OverflowInt(n) {
		d.problem(path, "config.range", "", "%d is outside the range of %s", n, out.Type())
		return
	}
	out.SetInt(n)
}

func asFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case string:
		f, err := strconv.ParseFloat(n, 64)
		return f, err == nil
	}
	return 0, false
}

func asInt(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case uint64:
		return int64(n), n <= math.MaxInt64
	case float64:
		return int64(n), n == math.Trunc(n) && math.Abs(n) <= 1<<53
	case string:
		i, err := strconv.ParseInt(n, 10, 64)
		return i, err == nil
	}
	return 0, false
}

func (d *decoder) duration(v any, out reflect.Value, path string) {
	const hint = "write a number and a unit: 500ms, 30s, 5m, 24h"
	switch t := v.(type) {
	case time.Duration:
		out.SetInt(int64(t))
		return
	case string:
		n, err := time.ParseDuration(t)
		if err == nil && n >= 0 {
			out.SetInt(int64(n))
			return
		}
	}
	d.mismatch(path, "a duration", v, hint)
}

func (d *decoder) list(s *shape, f *field, v any, out reflect.Value, path string) {
	items, ok := v.([]any)
	if !ok {
		if texts, isTexts := v.([]string); isTexts {
			for _, t := range texts {
				items = append(items, t)
			}
		} else {
			d.mismatch(path, "a list", v, "begin each entry with \"- \"")
			return
		}
	}
	list := reflect.MakeSlice(out.Type(), len(items), len(items))
	for i, item := range items {
		at := path + "/" + strconv.Itoa(i)
		d.value(s.elem, elementField(f), item, list.Index(i), at)
	}
	out.Set(list)
}

// elementField passes to the entries of a list what holds for each of them.
func elementField(f *field) *field {
	if f == nil {
		return nil
	}
	return &field{name: f.name, secret: f.secret, enum: f.enum, format: f.format}
}

func (d *decoder) mapping(s *shape, v any, out reflect.Value, path string) {
	in, ok := v.(map[string]any)
	if !ok {
		d.mismatch(path, "keys and values", v, "")
		return
	}
	m := reflect.MakeMapWithSize(out.Type(), len(in))
	for _, key := range sortedKeys(in) {
		e := reflect.New(out.Type().Elem()).Elem()
		d.value(s.elem, nil, in[key], e, path+"/"+escapePointer(key))
		m.SetMapIndex(reflect.ValueOf(key).Convert(out.Type().Key()), e)
	}
	out.Set(m)
}

func (d *decoder) anything(v any, out reflect.Value, path string) {
	if out.Type() == rawType {
		raw, err := json.Marshal(v)
		if err != nil {
			d.problem(path, "config.value", "", "%v", err)
			return
		}
		out.SetBytes(raw)
		return
	}
	if v != nil {
		out.Set(reflect.ValueOf(v))
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// escapePointer escapes one token of a JSON pointer (RFC 6901, 3).
func escapePointer(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}
