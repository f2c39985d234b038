package specification

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Types of members, as people call them.
const (
	TypeObject  = "object"
	TypeList    = "list"
	TypeText    = "text"
	TypeInteger = "whole number"
	TypeNumber  = "number"
	TypeBoolean = "true or false"
	TypeAny     = "anything"
)

var typeNames = map[string]string{
	"object": TypeObject, "array": TypeList, "string": TypeText, "integer": TypeInteger, "number": TypeNumber, "boolean": TypeBoolean,
}

// Member is what a JSON Schema says of one member to people, in the order in
// which the schema tells it.
type Member struct {
	Name, Title, Description string
	Type, Format, Pattern    string
	// EDI is the segment and element that the member stands for (x-edi).
	EDI      string
	Enum     []string
	Const    string
	Required bool
	Nullable bool
	Members  []*Member
	// Item is what the list has; nil for others.
	Item *Member
}

// Member returns the member of an object by name, nil when there is none.
func (m *Member) Member(name string) *Member {
	if m == nil {
		return nil
	}
	for _, k := range m.Members {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// At returns the member at a path below m, such as lines[].sku; nil when there is
// none.
func (m *Member) At(path string) *Member {
	for _, step := range strings.Split(path, ".") {
		name := strings.TrimRight(step, "[]")
		if name != "" {
			m = m.Member(name)
		}
		for range strings.Count(step, "[]") {
			if m == nil {
				return nil
			}
			m = m.Item
		}
	}
	return m
}

// Walk calls f with the path of every member below m.
func (m *Member) Walk(f func(path string, m *Member)) { m.walk("", f) }

func (m *Member) walk(at string, f func(string, *Member)) {
	if m == nil {
		return
	}
	for _, k := range m.Members {
		p := strings.TrimPrefix(at+"."+k.Name, ".")
		f(p, k)
		k.walk(p, f)
	}
	if m.Item != nil {
		m.Item.walk(at+"[]", f)
	}
}

// LoadSchema reads a JSON Schema file and those it refers to.
func LoadSchema(fsys fs.FS, file string) (*Member, error) {
	l := &schemas{fsys: fsys, files: map[string]*document.Node{}}
	return l.open(file)
}

// EntitySchema reads the schema of a canonical entity, in any spelling.
func EntitySchema(entity string) (*Member, error) {
	name, ok := canonical.Name(entity)
	if !ok {
		return nil, fmt.Errorf("there is no canonical entity %q; %s", entity, strictyaml.DidYouMean(entity, canonical.Names()))
	}
	return LoadSchema(canonical.FS(), "v1/"+name+".json")
}

// canonicalID begins the references to canonical schemas.
const canonicalID = "https://github.com/crossdock/crossdock/canonical/"

// maxMembers bounds what references can multiply to.
const maxMembers = 100_000

type schemas struct {
	fsys   fs.FS
	files  map[string]*document.Node
	opened []string // references that are being read
	count  int
}

func (l *schemas) open(file string) (*Member, error) {
	root, err := l.file(file)
	if err != nil {
		return nil, err
	}
	m := &Member{}
	return m, l.fill(m, file, root)
}

func (l *schemas) file(name string) (*document.Node, error) {
	if d := l.files[name]; d != nil {
		return d, nil
	}
	fsys, at := l.fsys, name
	if rest, ok := strings.CutPrefix(name, canonicalID); ok {
		fsys, at = canonical.FS(), rest
	}
	b, err := fs.ReadFile(fsys, at)
	if err != nil {
		return nil, fmt.Errorf("the schema %s cannot be read: %w", name, strictyaml.WithoutPath(err))
	}
	d, err := document.Parse(b, "")
	if err != nil {
		return nil, fmt.Errorf("the schema %s is not JSON: %w", name, err)
	}
	l.files[name] = d
	return d, nil
}

// fill adds to m what a schema says; what m says already stays.
func (l *schemas) fill(m *Member, file string, n *document.Node) error {
	if l.count++; l.count > maxMembers {
		return fmt.Errorf("the schema %s has more than %d members", file, maxMembers)
	}
	if n.Kind != document.Object {
		if m.Type == "" {
			m.Type = TypeAny
		}
		return nil
	}
	l.remarks(m, n)
	if ref := n.Get("$ref"); ref != nil {
		if err := l.follow(m, file, ref.Text); err != nil {
			return err
		}
	}
	if props := n.Get("properties"); props != nil {
		for i, name := range props.Keys {
			k := m.Member(name)
			if k == nil {
				k = &Member{Name: name}
				m.Members = append(m.Members, k)
			}
			if err := l.fill(k, file, props.Kids[i]); err != nil {
				return err
			}
		}
	}
	if it := n.Get("items"); it != nil {
		if m.Item == nil {
			m.Item = &Member{}
		}
		if err := l.fill(m.Item, file, it); err != nil {
			return err
		}
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		if list := n.Get(word); list != nil {
			for _, p := range list.Kids {
				if err := l.fill(m, file, p); err != nil {
					return err
				}
			}
		}
	}
	l.finish(m, n)
	return nil
}

func (l *schemas) remarks(m *Member, n *document.Node) {
	for key, to := range map[string]*string{
		"title": &m.Title, "description": &m.Description, "format": &m.Format, "pattern": &m.Pattern, "x-edi": &m.EDI,
	} {
		v := n.Get(key)
		switch {
		case v == nil || *to != "":
		case v.Kind == document.List:
			var all []string
			for _, k := range v.Kids {
				all = append(all, k.Text)
			}
			*to = strings.Join(all, ", ")
		default:
			*to = v.Text
		}
	}
	var types []*document.Node
	if t := n.Get("type"); t != nil {
		if types = t.Kids; t.Kind == document.Text {
			types = []*document.Node{t}
		}
	}
	for _, t := range types {
		switch name := typeNames[t.Text]; {
		case t.Text == "null":
			m.Nullable = true
		case m.Type == "":
			m.Type = name
		case m.Type != name:
			m.Type = TypeAny
		}
	}
	if c := n.Get("const"); c != nil && m.Const == "" {
		m.Const = c.Text
	}
	if e := n.Get("enum"); e != nil && m.Enum == nil {
		for _, v := range e.Kids {
			m.Enum = append(m.Enum, v.Text)
		}
	}
}

func (l *schemas) finish(m *Member, n *document.Node) {
	if req := n.Get("required"); req != nil {
		for _, r := range req.Kids {
			if k := m.Member(r.Text); k != nil {
				k.Required = true
			}
		}
	}
	if m.Type != "" {
		return
	}
	switch {
	case len(m.Members) > 0:
		m.Type = TypeObject
	case m.Item != nil:
		m.Type = TypeList
	case m.Pattern != "", m.Format != "", len(m.Enum) > 0:
		m.Type = TypeText
	default:
		m.Type = TypeAny
	}
}

func (l *schemas) follow(m *Member, file, ref string) error {
	target, pointer, _ := strings.Cut(ref, "#")
	switch {
	case target == "":
		target = file
	case strings.HasPrefix(target, canonicalID):
	case strings.HasPrefix(file, canonicalID):
		target = canonicalID + path.Join(path.Dir(strings.TrimPrefix(file, canonicalID)), target)
	default:
		target = path.Join(path.Dir(file), target)
	}
	id := target + "#" + pointer
	if slices.Contains(l.opened, id) {
		return nil // a schema that contains itself ends where it begins again
	}
	d, err := l.file(target)
	if err != nil {
		return err
	}
	for _, token := range strings.Split(strings.Trim(pointer, "/"), "/") {
		if token == "" {
			continue
		}
		if d = d.Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(token)); d == nil {
			return fmt.Errorf("the schema %s refers to %s, where nothing is", file, ref)
		}
	}
	l.opened = append(l.opened, id)
	err = l.fill(m, target, d)
	l.opened = l.opened[:len(l.opened)-1]
	return err
}

// indented writes a document for people.
func indented(d *document.Node) string {
	var v json.RawMessage = d.AppendJSON(nil)
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return string(v)
	}
	return string(b)
}
