// Package schema reads JSON Schemas into the shapes that mappings are checked
// against, and validates what mappings make.
package schema

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Type is what a schema says about the type of a value.
type Type uint8

// Types of JSON Schema, with integers apart from numbers.
const (
	Any Type = iota
	Object
	List
	Text
	Integer
	Number
	Boolean
	typeNull
)

// String names the type in messages.
func (k Type) String() string {
	return [...]string{"anything", "an object", "a list", "text", "a whole number", "a number", "true or false", "null"}[k]
}

// Holds tells whether the value has the type.
func (k Type) Holds(n *document.Node) bool {
	switch k {
	case Object:
		return n.Kind == document.Object
	case List:
		return n.Kind == document.List
	case Text:
		return n.Kind == document.Text
	case Integer, Number:
		return n.Kind == document.Number
	case Boolean:
		return n.Kind == document.Bool
	}
	return true
}

// Schema is the shape of a document: the part of JSON Schema 2020-12 that the
// static check understands (type, properties, required, additionalProperties,
// items, enum, const, pattern, format, allOf, and anyOf/oneOf whose branches
// agree). What it does not understand it treats as "anything"; validation of
// the result at run time knows all of JSON Schema.
//
// An object that lists properties and says nothing about others is taken to be
// complete, so that a misspelt name is found. Write `additionalProperties: true`
// where others are meant to be read.
type Schema struct {
	Name     string // for messages: "src.po1[]"
	Kind     Type
	Nullable bool    // may be null
	ref      *Schema // when this is only a reference with remarks

	props    map[string]*Schema
	order    []string
	Required map[string]bool
	Extra    *Schema // of members not listed; nil: there are none
	Items    *Schema

	enum    []*document.Node
	pattern *regexp.Regexp
	Format  string
	minLen  int
	// personal marks data about a person (x-personal): masked in errors.
	personal bool
	edi      string // where the value stands in an EDI message (x-edi)
	about    string // its description, or its title
}

// Resolved follows references to the schema that they mean.
func (s *Schema) Resolved() *Schema {
	for s != nil && s.ref != nil {
		s = s.ref
	}
	return s
}

// IsPersonal tells that a value is data about a person (x-personal).
func (s *Schema) IsPersonal() bool {
	for ; s != nil; s = s.ref {
		if s.personal {
			return true
		}
	}
	return false
}

// ItemSchema is the schema of the items of a list, nil when unknown.
func (s *Schema) ItemSchema() *Schema {
	if s = s.Resolved(); s == nil {
		return nil
	}
	return s.Items.Resolved()
}

// Member returns the schema of a member, nil when nothing is said about it.
func (s *Schema) Member(name string) *Schema {
	if s = s.Resolved(); s == nil {
		return nil
	}
	if p := s.props[name]; p != nil {
		return p
	}
	return s.Extra
}

// Open tells whether the object's members are not listed.
func (s *Schema) Open() bool { return len(s.props) == 0 && s.Extra != nil }

// Names lists the members by name, in alphabetical order.
func (s *Schema) Names() []string {
	names := slices.Clone(s.order)
	sort.Strings(names)
	return names
}

// Load reads a JSON Schema and the files it refers to. name is what messages
// call the document.
func Load(fsys fs.FS, file, name string) (*Schema, error) {
	l := &loader{fsys: fsys, docs: map[string]any{}, done: map[string]*Schema{}}
	return l.at(file, "", name)
}

// Entity reads the schema of a canonical entity, whose name may be spelt in any
// way. name is what messages call the document.
func Entity(entity, name string) (*Schema, error) {
	file, ok := canonical.Name(entity)
	if !ok {
		return nil, fmt.Errorf("there is no canonical entity %q", entity)
	}
	return Load(canonical.FS(), "v1/"+file+".json", name)
}

// EntityNames lists the canonical entities.
func EntityNames() []string { return canonical.Names() }

const (
	maxSchemaFile = 8 << 20
	maxSchemas    = 50_000
)

type loader struct {
	fsys  fs.FS
	docs  map[string]any
	done  map[string]*Schema // by file#pointer
	count int
}

// document reads one schema file, once.
func (l *loader) document(file string) (any, error) {
	if d, ok := l.docs[file]; ok {
		return d, nil
	}
	fsys := l.fsys
	name := file
	if rest, ok := strings.CutPrefix(file, canonicalID); ok {
		fsys, name = canonical.FS(), rest
	}
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("the schema file %s lies outside of the configuration folder", file)
	}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("the schema file %s cannot be read: %w", file, strictyaml.WithoutPath(err))
	}
	if info.Size() > maxSchemaFile {
		return nil, fmt.Errorf("the schema file %s has %d bytes; %d are the limit", file, info.Size(), maxSchemaFile)
	}
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("the schema file %s cannot be read: %w", file, strictyaml.WithoutPath(err))
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("the schema file %s is not JSON: %w", file, err)
	}
	l.docs[file] = doc
	return doc, nil
}

// canonicalID is the $id prefix of the canonical schemas, so that a partner's
// schema may refer to their definitions.
const canonicalID = "https://github.com/crossdock/crossdock/canonical/"

// at returns the schema at a JSON Pointer of a file.
func (l *loader) at(file, pointer, name string) (*Schema, error) {
	id := file + "#" + pointer
	if s, ok := l.done[id]; ok {
		return s, nil
	}
	doc, err := l.document(file)
	if err != nil {
		return nil, err
	}
	raw, ok := lookUp(doc, pointer)
	if !ok {
		return nil, fmt.Errorf("the schema %s has nothing at #%s", file, pointer)
	}
	if pointer != "" {
		name = path.Base(pointer)
	}
	s := &Schema{Name: name}
	l.done[id] = s
	return s, l.fill(s, file, raw, 0)
}

func lookUp(doc any, pointer string) (any, bool) {
	if pointer == "" {
		return doc, true
	}
	for _, token := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		m, ok := doc.(map[string]any)
		if !ok {
			return nil, false
		}
		if doc, ok = m[token]; !ok {
			return nil, false
		}
	}
	return doc, true
}

func (l *loader) child(file string, raw any, name string, depth int) (*Schema, error) {
	s := &Schema{Name: name}
	return s, l.fill(s, file, raw, depth+1)
}

// fill reads one schema. References to files are relative to file.
func (l *loader) fill(s *Schema, file string, raw any, depth int) error {
	if l.count++; l.count > maxSchemas || depth > document.MaxDepth {
		return fmt.Errorf("the schema %s is too large or nests too deep", file)
	}
	m, ok := raw.(map[string]any)
	if !ok {
		if _, isBool := raw.(bool); isBool {
			return nil
		}
		return fmt.Errorf("the schema %s: %s is not a schema", file, s.Name)
	}
	s.personal, _ = m["x-personal"].(bool)
	s.edi, _ = m["x-edi"].(string)
	if s.about, _ = m["description"].(string); s.about == "" {
		s.about, _ = m["title"].(string)
	}
	if ref, ok := m["$ref"].(string); ok {
		target, err := l.follow(file, ref)
		if err != nil {
			return err
		}
		s.ref = target
		return nil
	}
	l.types(s, m)
	if err := l.literals(s, file, m); err != nil {
		return err
	}
	if err := l.members(s, file, m, depth); err != nil {
		return err
	}
	if items, ok := m["items"]; ok && s.Kind == List {
		it, err := l.child(file, items, s.Name+"[]", depth)
		if err != nil {
			return err
		}
		s.Items = it
	}
	return l.combine(s, file, m, depth)
}

func (l *loader) follow(file, ref string) (*Schema, error) {
	target, pointer, _ := strings.Cut(ref, "#")
	switch {
	case target == "":
		target = file
	case strings.HasPrefix(target, canonicalID):
	case strings.Contains(target, "://"):
		return nil, fmt.Errorf("the schema %s refers to %s; only files can be read: keep a copy beside it and refer to that", file, ref)
	case strings.HasPrefix(file, canonicalID):
		target = canonicalID + path.Join(path.Dir(strings.TrimPrefix(file, canonicalID)), target)
	default:
		target = path.Join(path.Dir(file), target)
	}
	return l.at(target, pointer, strings.TrimSuffix(path.Base(target), ".json"))
}

var kinds = map[string]Type{
	"object": Object, "array": List, "string": Text, "integer": Integer,
	"number": Number, "boolean": Boolean, "null": typeNull,
}

// types reads `type`, or concludes it from other keywords.
func (l *loader) types(s *Schema, m map[string]any) {
	var names []any
	switch t := m["type"].(type) {
	case string:
		names = []any{t}
	case []any:
		names = t
	default:
		switch {
		case m["properties"] != nil:
			names = []any{"object"}
		case m["items"] != nil:
			names = []any{"array"}
		case m["pattern"] != nil, m["minLength"] != nil:
			names = []any{"string"}
		}
	}
	found := 0
	for _, n := range names {
		text, _ := n.(string)
		k := kinds[text]
		if k == typeNull {
			s.Nullable = true
			continue
		}
		if found++; found == 1 {
			s.Kind = k
		} else if s.Kind != k {
			s.Kind = Any
		}
	}
	if found == 0 && s.Nullable {
		s.Kind = typeNull
	}
}

func (l *loader) literals(s *Schema, file string, m map[string]any) error {
	values, _ := m["enum"].([]any)
	if c, ok := m["const"]; ok {
		values = []any{c}
	}
	for _, v := range values {
		n, err := document.FromAny(v)
		if err != nil {
			return fmt.Errorf("the schema %s: %s: %w", file, s.Name, err)
		}
		s.enum = append(s.enum, n)
		if n.Kind == document.Null {
			s.Nullable = true
		}
	}
	if s.Kind == Any && len(s.enum) > 0 && !slices.ContainsFunc(s.enum, func(n *document.Node) bool { return n.Kind != document.Text && n.Kind != document.Null }) {
		s.Kind = Text
	}
	s.Format, _ = m["format"].(string)
	if f, ok := m["minLength"].(float64); ok {
		s.minLen = int(f)
	}
	if p, ok := m["pattern"].(string); ok {
		// ECMA patterns that Go cannot compile are left to run-time validation.
		s.pattern, _ = regexp.Compile(p)
	}
	return nil
}

func (l *loader) members(s *Schema, file string, m map[string]any, depth int) error {
	if s.Kind != Object {
		return nil
	}
	s.props, s.Required = map[string]*Schema{}, map[string]bool{}
	props, _ := m["properties"].(map[string]any)
	for name, raw := range props {
		c, err := l.child(file, raw, s.Name+"."+name, depth)
		if err != nil {
			return err
		}
		s.props[name] = c
		s.order = append(s.order, name)
	}
	sort.Strings(s.order)
	required, _ := m["required"].([]any)
	for _, r := range required {
		if name, ok := r.(string); ok {
			s.Required[name] = true
		}
	}
	switch extra := m["additionalProperties"].(type) {
	case bool:
		if extra {
			s.Extra = &Schema{Name: s.Name + ".*"}
		}
	case map[string]any:
		c, err := l.child(file, extra, s.Name+".*", depth)
		if err != nil {
			return err
		}
		s.Extra = c
	default:
		if len(props) == 0 && m["allOf"] == nil && m["oneOf"] == nil && m["anyOf"] == nil {
			s.Extra = &Schema{Name: s.Name + ".*"}
		}
	}
	return nil
}

// combine reads allOf, anyOf and oneOf.
func (l *loader) combine(s *Schema, file string, m map[string]any, depth int) error {
	all, _ := m["allOf"].([]any)
	for _, raw := range all {
		part, err := l.child(file, raw, s.Name, depth)
		if err != nil {
			return err
		}
		s.merge(part.Resolved(), true)
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		branches, _ := m[word].([]any)
		var parts []*Schema
		for _, raw := range branches {
			part, err := l.child(file, raw, s.Name, depth)
			if err != nil {
				return err
			}
			if part = part.Resolved(); part.Kind == typeNull {
				s.Nullable = true
				continue
			}
			parts = append(parts, part)
		}
		agree := len(parts) > 0 && !slices.ContainsFunc(parts, func(p *Schema) bool { return p.Kind != parts[0].Kind })
		if agree {
			for _, p := range parts {
				s.merge(p, len(parts) == 1)
			}
		}
	}
	return nil
}

// merge adds what another schema says about the same value. With every false
// it is one of several possibilities, whose demands do not bind.
func (s *Schema) merge(o *Schema, every bool) {
	if s.Kind == Any {
		s.Kind = o.Kind
	}
	s.Nullable = s.Nullable || o.Nullable && every
	s.personal = s.personal || o.personal
	if s.props == nil && o.props != nil {
		s.props, s.Required = map[string]*Schema{}, map[string]bool{}
	}
	for _, name := range o.order {
		if s.props[name] == nil {
			s.order = append(s.order, name)
			s.props[name] = o.props[name]
		}
	}
	if s.Extra == nil && len(o.props) > 0 {
		s.Extra = o.Extra
	}
	if s.Items == nil {
		s.Items = o.Items
	}
	if !every {
		return
	}
	for r := range o.Required {
		s.Required[r] = true
	}
	if s.enum == nil {
		s.enum = o.enum
	}
	if s.pattern == nil {
		s.pattern = o.pattern
	}
	if s.Format == "" {
		s.Format = o.Format
	}
}

// Walk calls f with the path of every member, beginning with the schema itself,
// which is called name; leaf tells that there is nothing below. A schema that
// contains itself, as levels of an EDI hierarchy do, is walked once on each way:
// orders[].packs is named, orders[].packs[].items is not.
func (s *Schema) Walk(name string, f func(path string, leaf bool)) { s.walkFrom(name, nil, f) }

func (s *Schema) walkFrom(path string, above []*Schema, f func(path string, leaf bool)) {
	s = s.Resolved()
	if s == nil {
		return
	}
	if slices.Contains(above, s) {
		f(path, false)
		return
	}
	f(path, s.Kind != Object && s.Kind != List)
	above = append(above, s)
	switch s.Kind {
	case List:
		s.Items.walkFrom(path+"[]", above, f)
	case Object:
		for _, name := range s.Names() {
			s.props[name].walkFrom(path+"."+name, above, f)
		}
	}
}
