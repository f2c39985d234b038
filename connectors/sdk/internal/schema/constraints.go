package schema

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// constraints checks what the tags demand of a decoded value.
func (d *decoder) constraints(s *shape, f *field, v any, out reflect.Value, path string) {
	if len(f.enum) > 0 && s.kind != listShape {
		got := fmt.Sprint(out.Interface())
		if !slices.Contains(f.enum, got) && (got != "" || f.required) {
			hint := "use one of: " + strings.Join(f.enum, ", ")
			if near := nearest(got, f.enum); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			d.problem(path, "config.enum", hint, "%s is not an allowed value", describeValue(v))
			return
		}
	}
	if s.kind == textShape && out.Kind() == reflect.String {
		text := out.String()
		if f.required && text == "" {
			d.problem(path, "config.required", f.doc, "is required and empty")
			return
		}
		if hint, ok := checkFormat(f.format, text); !ok {
			shown := describeValue(v)
			if f.secret {
				shown = "the value"
			}
			d.problem(path, "config.format", hint, "%s is not a valid %s", shown, f.format)
			return
		}
	}
	d.bounds(s, f, out, path)
}

func (d *decoder) bounds(s *shape, f *field, out reflect.Value, path string) {
	var have float64
	var what string
	switch {
	case s.kind == listShape:
		have, what = float64(out.Len()), "number of entries"
	case s.kind == textShape && out.Kind() == reflect.String:
		have, what = float64(utf8.RuneCountInString(out.String())), "number of characters"
	case out.CanInt():
		have, what = float64(out.Int()), "value"
	case out.CanUint():
		have, what = float64(out.Uint()), "value"
	case out.CanFloat():
		have, what = out.Float(), "value"
	default:
		return
	}
	if f.min != "" {
		if low, err := f.measure(f.min); err == nil && have < low {
			d.problem(path, "config.range", "", "the %s is below the minimum of %s", what, f.min)
		}
	}
	if f.max != "" {
		if high, err := f.measure(f.max); err == nil && have > high {
			d.problem(path, "config.range", "", "the %s is above the maximum of %s", what, f.max)
		}
	}
}

// measure reads a min or max tag in the unit of the field.
func (f *field) measure(bound string) (float64, error) {
	switch f.shape.kind {
	case durationShape:
		d, err := time.ParseDuration(bound)
		return float64(d), err
	case bytesShape:
		n, err := ParseSize(bound)
		return float64(n), err
	default:
		return strconv.ParseFloat(bound, 64)
	}
}

// checkFormat knows the formats that are worth an error before anything is
// connected to; other names only go into the schema.
func checkFormat(format, text string) (hint string, ok bool) {
	if text == "" {
		return "", true
	}
	switch format {
	case "uri":
		u, err := url.Parse(text)
		return "write scheme and host: https://example.com/path", err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "")
	case "regex":
		_, err := regexp.Compile(text)
		if err != nil {
			return err.Error(), false
		}
	case "duration":
		_, err := time.ParseDuration(text)
		return "write a number and a unit: 500ms, 30s, 5m, 24h", err == nil
	case "timezone":
		_, err := time.LoadLocation(text)
		return "use an IANA name: Europe/Berlin", err == nil
	}
	return "", true
}

// readable writes a JSON pointer the way people read configuration:
// "/limits/0/rate" is limits[0].rate.
func readable(path string) string {
	var b strings.Builder
	for _, token := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		if _, err := strconv.Atoi(token); err == nil && b.Len() > 0 {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}

// describeValue names a value without printing much of it.
func describeValue(v any) string {
	switch t := v.(type) {
	case nil:
		return "nothing"
	case string:
		if len(t) > 40 {
			t = t[:40] + "…"
		}
		return strconv.Quote(t)
	case bool, float64, int, int64:
		return fmt.Sprint(t)
	case []any, []string:
		return "a list"
	case map[string]any:
		return "keys and values"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// nearest returns the name within two edits of got, or "".
func nearest(got string, names []string) string {
	best, bestAt := "", 3
	for _, n := range names {
		if strings.EqualFold(n, got) {
			return n
		}
		if d := editDistance(strings.ToLower(got), strings.ToLower(n)); d < bestAt && d < len(n) {
			best, bestAt = n, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur := make([]int, len(b)+1)
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
		}
		prev = cur
	}
	return prev[len(b)]
}
