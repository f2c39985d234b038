// Package specification reads a mapping as its author wrote it: its rules with
// fragments resolved, code lists, lookups and tests, and what the schemas of both
// sides say to people. It is for those who compare mappings and who print them;
// [mapping.Check] says whether a mapping is right.
//
// [mapping.Check]: https://pkg.go.dev/github.com/crossdock/crossdock/core/mapping#Check
package specification

import (
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// Text is something that a mapping says. Two texts mean the same when Same is
// equal, however they are written.
type Text struct {
	Shown string
	Same  string
}

// Part is one thing that a rule or another entry says, under its name.
type Part struct {
	Name string
	Text
}

// Mapping is a mapping as it is written.
type Mapping struct {
	Path                              string
	Name, Version, Owner, Description string
	Source, Target                    Side
	Settings                          []Part
	CodeLists                         []Table
	Lookups                           []Table
	Lets                              []Part
	// Root has the rules of the target's members.
	Root    *Rule
	Asserts []Assert
	Ignore  []string
	Tests   []Test
}

// Side is the source or the target of a mapping.
type Side struct {
	Entity, Format string
	// File is the schema file within the configuration folder, or "".
	File string
	// Schema is nil when there is none.
	Schema *Member
}

// String names the side for people.
func (s Side) String() string {
	var words []string
	if s.Entity != "" {
		words = append(words, "canonical "+s.Entity)
	}
	if s.Format != "" {
		words = append(words, s.Format)
	}
	if s.File != "" {
		words = append(words, "schema "+s.File)
	}
	return strings.Join(words, ", ")
}

// Table is a code list or a lookup.
type Table struct {
	Name string
	Rows []Part
}

// Assert is a condition that must be true at the end.
type Assert struct {
	That    Text
	Message string
}

// Test is one test of the mapping.
type Test struct {
	Name, Description string
	// Input and Expect are indented JSON; Expect is empty when Failure is expected.
	Input, Expect string
	Failure       string
}

// Rule is what makes one member of the target, one object or one list.
type Rule struct {
	// Key is the member's name, "" for the entries of a list.
	Key string
	// Target is the place in the result, such as lines[].sku.
	Target string
	Line   int
	// Parts are what the rule says, in a fixed order.
	Parts []Part
	// Reads are the members of the source that the value is computed from.
	Reads []string
	// Members are the rules of an object, Entries those of a list that is written
	// out. The item of `each` has its members here as well.
	Members, Entries []*Rule
	Each             bool
}

// Part returns what the rule says under a name, "" when it says nothing.
func (r *Rule) Part(name string) string {
	for _, p := range r.Parts {
		if p.Name == name {
			return p.Shown
		}
	}
	return ""
}

// Walk calls f for the rule and all below it, in the order of the file.
func (r *Rule) Walk(f func(*Rule)) {
	f(r)
	for _, k := range append(r.Members, r.Entries...) {
		k.Walk(f)
	}
}

// Read reads the mapping file at name. What is not right in it is left out;
// the error says that the file, a fragment or a schema cannot be read at all.
func Read(fsys fs.FS, name string) (*Mapping, error) {
	root, err := readYAML(fsys, name)
	if err != nil {
		return nil, err
	}
	m := &Mapping{
		Path: name, Name: scalar(root, "mapping"), Version: scalar(root, "version"),
		Owner: scalar(root, "owner"), Description: scalar(root, "description"),
	}
	r := &reader{fsys: fsys, dir: path.Dir(name), m: m, fragments: map[string]*fragment{}, settings: map[string]string{
		"timezone": "UTC", "rounding": "half-even", "onError": "fail", "emptyAs": "empty",
	}}
	if m.Source, err = r.side(child(root, "source")); err != nil {
		return nil, fmt.Errorf("%s: source: %w", name, err)
	}
	if m.Target, err = r.side(child(root, "target")); err != nil {
		return nil, fmt.Errorf("%s: target: %w", name, err)
	}
	pairs(child(root, "settings"), func(k, v *yaml.Node) {
		m.Settings = append(m.Settings, part(k.Value, v.Value))
		r.settings[k.Value] = v.Value
	})
	if err := r.include(child(root, "include")); err != nil {
		return nil, err
	}
	m.CodeLists = append(r.tables("", child(root, "codelists")), m.CodeLists...)
	m.Lookups = r.tables("", child(root, "lookups"))
	for i := range m.Lookups {
		r.rows(&m.Lookups[i])
	}
	sc := scope{}
	pairs(child(root, "let"), func(k, v *yaml.Node) {
		e := sc.read(v.Value)
		m.Lets = append(m.Lets, Part{k.Value, e.text})
		sc = sc.with(k.Value, binding{same: ident(k.Value), path: e.path, reads: e.reads})
	})
	m.Root = &Rule{}
	m.Root.Members = r.members(child(root, "fields"), "", sc)
	for _, a := range items(child(root, "assert")) {
		m.Asserts = append(m.Asserts, Assert{That: sc.read(scalar(a, "that")).text, Message: scalar(a, "message")})
	}
	for _, i := range items(child(root, "ignore")) {
		m.Ignore = append(m.Ignore, i.Value)
	}
	for _, t := range items(child(root, "tests")) {
		m.Tests = append(m.Tests, r.test(t))
	}
	return m, nil
}

// reader reads one mapping file.
type reader struct {
	fsys      fs.FS
	dir       string
	m         *Mapping
	settings  map[string]string
	fragments map[string]*fragment
	using     []string // fragments around the rule
}

type fragment struct {
	fields *yaml.Node
	lists  map[string]bool // names of its own code lists
}

func readYAML(fsys fs.FS, name string) (*yaml.Node, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("the path %q leads out of the configuration folder", name)
	}
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, strictyaml.WithoutPath(err))
	}
	f, found := strictyaml.Parse(name, b)
	if f == nil {
		return nil, found.Err()
	}
	return f.Root, nil
}

func (r *reader) side(n *yaml.Node) (Side, error) {
	s := Side{Entity: scalar(n, "entity"), Format: scalar(n, "format")}
	var err error
	switch file := scalar(n, "schema"); {
	case file != "":
		s.File = path.Join(r.dir, file)
		s.Schema, err = LoadSchema(r.fsys, s.File)
	case s.Entity != "":
		s.Schema, err = EntitySchema(s.Entity)
	}
	return s, err
}

func (r *reader) include(n *yaml.Node) error {
	for _, e := range items(n) {
		root, err := readYAML(r.fsys, path.Join(r.dir, e.Value))
		if err != nil {
			return fmt.Errorf("include: %w", err)
		}
		f := &fragment{fields: child(root, "fields"), lists: map[string]bool{}}
		name := scalar(root, "fragment")
		pairs(child(root, "codelists"), func(k, _ *yaml.Node) { f.lists[k.Value] = true })
		r.m.CodeLists = append(r.m.CodeLists, r.tables(name+"/", child(root, "codelists"))...)
		r.fragments[name] = f
	}
	return nil
}

// tables reads code lists and lookups; those of fragments are called by both
// names.
func (r *reader) tables(prefix string, n *yaml.Node) []Table {
	var out []Table
	pairs(n, func(k, v *yaml.Node) {
		t := Table{Name: prefix + k.Value}
		pairs(v, func(code, to *yaml.Node) { t.Rows = append(t.Rows, Part{code.Value, value(to)}) })
		out = append(out, t)
	})
	return out
}

// rows adds what is in the file of a lookup, without showing it.
func (r *reader) rows(t *Table) {
	for _, p := range t.Rows {
		if p.Name != "file" {
			continue
		}
		b, err := fs.ReadFile(r.fsys, path.Join(r.dir, p.Shown))
		if err != nil {
			return
		}
		t.Rows = append(t.Rows, Part{"contents", Text{
			Shown: fmt.Sprintf("%d rows, checksum %08x", max(0, strings.Count(strings.TrimSpace(string(b)), "\n")), crc32.ChecksumIEEE(b)),
			Same:  string(b),
		}})
	}
}

func (r *reader) test(n *yaml.Node) Test {
	return Test{
		Name: scalar(n, "name"), Description: scalar(n, "description"), Failure: scalar(n, "error"),
		Input: r.document(child(n, "input")), Expect: r.document(child(n, "expect")),
	}
}

func (r *reader) document(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	var d *document.Node
	var err error
	if n.Kind == yaml.ScalarNode {
		var b []byte
		if b, err = fs.ReadFile(r.fsys, path.Join(r.dir, n.Value)); err == nil {
			d, err = document.Parse(b, "")
		}
	} else {
		d, err = document.FromYAML(n)
	}
	if err != nil {
		return n.Value
	}
	return indented(d)
}

// value reads a fixed value; text and numbers that look alike stay apart.
func value(n *yaml.Node) Text {
	d, err := document.FromYAML(n)
	if err != nil {
		return Text{n.Value, n.Value}
	}
	json := string(d.AppendJSON(nil))
	if d.Kind == document.Text {
		return Text{d.Text, json}
	}
	return Text{json, json}
}

func part(name, s string) Part { return Part{name, Text{s, s}} }

// child returns the value of a key in a YAML mapping, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	var out *yaml.Node
	pairs(n, func(k, v *yaml.Node) {
		if k.Value == key {
			out = v
		}
	})
	return out
}

func scalar(n *yaml.Node, key string) string {
	if v := child(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func pairs(n *yaml.Node, f func(k, v *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i], n.Content[i+1])
	}
}
