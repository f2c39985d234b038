// Package schema makes a configuration's documentation, its JSON Schema and its
// checks out of one text: the struct that the connector's author wrote.
//
// Of reads the struct's tags once. From what it finds, JSON writes the schema
// that editors and forms use, and Decode fills the struct from what a user
// wrote: strictly, with every problem at once, each with its place and what to
// do about it ("did you mean statuses?"). As both come from the same reading,
// the schema never promises what the decoder refuses.
//
// The tags are json (the key), title, doc, example, required, secret, default,
// enum, min, max, format (bytes, duration, regex, timezone, uri) and role.
package schema

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Config is what is known of one configuration type.
type Config struct{ root *shape }

// shape is what is known of one type inside a configuration.
type shape struct {
	kind   shapeKind
	typ    reflect.Type
	fields []*field // of an object, in declaration order
	elem   *shape   // of a list or of a map's values
}

type shapeKind int

const (
	anyShape shapeKind = iota
	textShape
	boolShape
	intShape
	numberShape
	durationShape
	bytesShape // an integer with format:"bytes": "16MiB" or a number
	listShape
	mapShape
	objectShape
)

// field is one key of an object.
type field struct {
	name     string
	index    []int // path through embedded structs
	title    string
	doc      string
	required bool
	secret   bool
	roles    []string // empty: all
	enum     []string
	format   string
	min, max string
	fallback string // the default tag
	example  string
	shape    *shape
}

func (f *field) inRole(role string) bool {
	return role == "" || len(f.roles) == 0 || slices.Contains(f.roles, role)
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	rawType      = reflect.TypeFor[json.RawMessage]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Of reads a configuration type, which must be a struct. roles are the names
// that role tags may use. Its errors are for the connector's author: a tag that
// cannot be right whatever the user writes.
func Of(t reflect.Type, roles []string) (*Config, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the configuration type %s is not a struct", t)
	}
	root, err := (&tagReader{roles}).shape(t, "", nil)
	if err != nil {
		return nil, fmt.Errorf("configuration type: %w", err)
	}
	return &Config{root}, nil
}

// tagReader reads types; it knows the roles that tags may name.
type tagReader struct{ roles []string }

func (r *tagReader) shape(t reflect.Type, format string, outer []reflect.Type) (*shape, error) {
	if t.Kind() == reflect.Pointer {
		return r.shape(t.Elem(), format, outer)
	}
	s := &shape{typ: t}
	switch {
	case t == durationType:
		s.kind = durationShape
		return s, nil
	case t == rawType:
		return s, nil
	case reflect.PointerTo(t).Implements(textType):
		s.kind = textShape
		return s, nil
	}
	var err error
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return nil, fmt.Errorf("type %s is an interface with methods and cannot be read from a configuration", t)
		}
	case reflect.String:
		s.kind = textShape
	case reflect.Bool:
		s.kind = boolShape
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.kind = intShape
		if format == "bytes" {
			s.kind = bytesShape
		}
	case reflect.Float32, reflect.Float64:
		s.kind = numberShape
	case reflect.Slice:
		s.kind = listShape
		s.elem, err = r.shape(t.Elem(), format, outer)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("type %s: the keys of a configuration map must be strings", t)
		}
		s.kind = mapShape
		s.elem, err = r.shape(t.Elem(), format, outer)
	case reflect.Struct:
		s.kind = objectShape
		if slices.Contains(outer, t) {
			return nil, fmt.Errorf("type %s contains itself", t)
		}
		s.fields, err = r.fields(t, append(outer, t), nil)
	default:
		return nil, fmt.Errorf("type %s cannot be read from a configuration", t)
	}
	return s, err
}

func (r *tagReader) fields(t reflect.Type, outer []reflect.Type, index []int) ([]*field, error) {
	var out []*field
	var errs []error
	for i := range t.NumField() {
		sf := t.Field(i)
		path := append(slices.Clone(index), i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if sf.Anonymous && name == "" && sf.Type.Kind() == reflect.Struct {
			inner, err := r.fields(sf.Type, outer, path)
			errs = append(errs, err)
			out = append(out, inner...)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f, err := r.field(sf, name, outer)
		if err != nil {
			errs = append(errs, fmt.Errorf("field %s.%s: %w", t, sf.Name, err))
			continue
		}
		f.index = path
		out = append(out, f)
	}
	return out, errors.Join(errs...)
}

func (r *tagReader) field(sf reflect.StructField, name string, outer []reflect.Type) (*field, error) {
	tag := sf.Tag.Get
	if name == "" {
		name = lowerFirst(sf.Name)
	}
	f := &field{
		name: name, title: tag("title"), doc: tag("doc"),
		required: tag("required") == "true", secret: tag("secret") == "true",
		roles: split(tag("role")), enum: split(tag("enum")), format: tag("format"),
		min: tag("min"), max: tag("max"), fallback: tag("default"), example: tag("example"),
	}
	if f.title == "" {
		f.title = humanize(name)
	}
	for _, role := range f.roles {
		if !slices.Contains(r.roles, role) {
			return nil, fmt.Errorf("role %q is not one of %s", role, strings.Join(r.roles, ", "))
		}
	}
	var err error
	if f.shape, err = r.shape(sf.Type, f.format, outer); err != nil {
		return nil, err
	}
	return f, f.checkTags()
}

// checkTags finds tags that no configuration could satisfy, so that the author
// hears of them at the first start and not the user at the first value.
func (f *field) checkTags() error {
	s := f.shape
	for _, bound := range []string{f.min, f.max} {
		if bound == "" {
			continue
		}
		if _, err := f.measure(bound); err != nil {
			return fmt.Errorf("min or max %q: %w", bound, err)
		}
	}
	if f.fallback == "" {
		return nil
	}
	d := decoder{}
	v := reflect.New(s.typ).Elem()
	d.value(s, f, literal(s, f.fallback), v, "/"+f.name)
	if len(d.Problems) > 0 {
		return fmt.Errorf("default %q: %w", f.fallback, d.Problems[0])
	}
	return nil
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	parts := strings.Split(list, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func lowerFirst(s string) string {
	r := []rune(s)
	r[0] = unicode.ToLower(r[0])
	return string(r)
}

// humanize turns "clientSecret" and "client_secret" into "Client secret".
func humanize(name string) string {
	var b strings.Builder
	prev := ' '
	for i, r := range name {
		switch {
		case i == 0:
			r = unicode.ToUpper(r)
		case r == '_' || r == '-':
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(prev):
			b.WriteRune(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
		prev = r
	}
	return b.String()
}
