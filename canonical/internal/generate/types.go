package main

import (
	"fmt"
	"go/format"
	"io/fs"
	"slices"
	"strings"
)

// Generate returns the generated files by name, one per schema file.
func Generate(dir fs.FS) (map[string][]byte, error) {
	schemas, err := readSchemas(dir)
	if err != nil {
		return nil, err
	}
	g := &generator{schemas: schemas, declared: map[string]string{}}
	out := map[string][]byte{}
	names := make([]string, 0, len(schemas))
	for n := range schemas {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		// The envelope belongs to the transport, which has types of its own.
		if n == "envelope" {
			continue
		}
		src, err := g.file(n)
		if err != nil {
			return nil, fmt.Errorf("v1/%s.json: %w", n, err)
		}
		out[strings.ReplaceAll(n, "-", "_")+"_gen.go"] = src
	}
	return out, nil
}

type generator struct {
	schemas  map[string]*schema
	declared map[string]string // Go name -> where it was declared
	where    string            // schema file in work
	usesTime bool
	body     strings.Builder
	// pending are types met in fields and written after the type they are in.
	pending []func() error
}

// file generates the types of one schema file.
func (g *generator) file(name string) ([]byte, error) {
	g.where, g.usesTime = name, false
	g.body.Reset()
	s := g.schemas[name]
	for _, d := range s.Defs {
		if err := g.definition(d.schema); err != nil {
			return nil, fmt.Errorf("$defs/%s: %w", d.name, err)
		}
	}
	if s.Type == "object" {
		if err := g.object(s); err != nil {
			return nil, err
		}
	}
	if err := g.drain(); err != nil {
		return nil, err
	}
	head := "// Code generated from v1/" + name + ".json by go generate; DO NOT EDIT.\n\npackage canonical\n\n"
	if g.usesTime {
		head += "import \"time\"\n\n"
	}
	return format.Source([]byte(head + g.body.String()))
}

func (g *generator) drain() error {
	for len(g.pending) > 0 {
		next := g.pending[0]
		g.pending = g.pending[1:]
		if err := next(); err != nil {
			return err
		}
	}
	return nil
}

// definition writes the type of a shared definition, unless Go has one already.
func (g *generator) definition(s *schema) error {
	switch {
	case s.Type == "string" && s.Format != "date-time":
		return g.declare(goName(s.Title), s.Description, "string")
	case s.Type == "object" && len(s.Properties) > 0:
		return g.object(s)
	}
	return nil
}

func (g *generator) declare(name, doc, def string) error {
	if other, ok := g.declared[name]; ok {
		return fmt.Errorf("the Go type %s is declared by v1/%s.json already: give the schema another title", name, other)
	}
	g.declared[name] = g.where
	g.body.WriteString(comment("", sentence(name, doc)))
	fmt.Fprintf(&g.body, "type %s %s\n\n", name, def)
	return nil
}

// object writes a struct named after the schema's title.
func (g *generator) object(s *schema) error {
	if s.Title == "" {
		return fmt.Errorf("an object without a title: it cannot be named")
	}
	name := goName(s.Title)
	var fields strings.Builder
	fields.WriteString("struct {\n")
	for _, p := range s.Properties {
		required := slices.Contains(s.Required, p.name)
		typ, err := g.fieldType(name, p.name, p.schema, required)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		tag := p.name
		if !required {
			tag += ",omitzero"
		}
		doc := p.schema.Description
		if p.schema.Personal {
			doc += " Personal data."
		}
		fields.WriteString(comment("\t", doc))
		fmt.Fprintf(&fields, "\t%s %s `json:%q`\n", goName(p.name), typ, tag)
	}
	fields.WriteString("}")
	return g.declare(name, s.Description, fields.String())
}

// fieldType returns the Go type of a member. Optional booleans, integers and
// structs are pointers, so that absent differs from false, 0 and empty.
func (g *generator) fieldType(parent, field string, s *schema, required bool) (string, error) {
	typ, nilable, err := g.typeOf(goName(parent)+goName(field), s)
	if err != nil {
		return "", err
	}
	if required || nilable {
		return typ, nil
	}
	return "*" + typ, nil
}

// typeOf returns the Go type of a schema and whether its zero value means
// absent. enumName names the type of an enumeration.
func (g *generator) typeOf(enumName string, s *schema) (typ string, zeroIsAbsent bool, err error) {
	if s.Ref != "" {
		return g.refType(s.Ref)
	}
	switch s.Type {
	case "string":
		if len(s.Enum) > 0 {
			g.pending = append(g.pending, func() error { return g.enum(enumName, s) })
			return enumName, true, nil
		}
		return "string", true, nil
	case "boolean":
		return "bool", false, nil
	case "integer":
		return "int64", false, nil
	case "array":
		return g.arrayType(enumName, s)
	case "object":
		if len(s.Properties) == 0 {
			if s.Additional != nil && s.Additional.schema != nil && s.Additional.schema.Type == "string" {
				return "map[string]string", true, nil
			}
			return "map[string]any", true, nil
		}
		g.pending = append(g.pending, func() error { return g.object(s) })
		return goName(s.Title), false, nil
	case "":
		return "any", true, nil
	}
	return "", false, fmt.Errorf("type %q has no Go type here; numbers are decimal text", s.Type)
}

func (g *generator) arrayType(enumName string, s *schema) (string, bool, error) {
	if s.Items == nil {
		return "", false, fmt.Errorf("array without items")
	}
	if len(s.Items.Enum) > 0 {
		enumName = goName(s.Items.Title)
	}
	item, _, err := g.typeOf(enumName, s.Items)
	return "[]" + item, true, err
}

// refType names the type of "common.json#/$defs/money".
func (g *generator) refType(ref string) (string, bool, error) {
	file, def, ok := strings.Cut(ref, ".json#/$defs/")
	if !ok || g.schemas[file] == nil {
		return "", false, fmt.Errorf("$ref %q: expected file.json#/$defs/name", ref)
	}
	s := g.schemas[file].Defs.get(def)
	if s == nil {
		return "", false, fmt.Errorf("$ref %q: %s.json has no such definition", ref, file)
	}
	switch {
	case s.Format == "date-time":
		g.usesTime = true
		return "time.Time", true, nil
	case s.Type == "string":
		return goName(s.Title), true, nil
	case s.Type == "array":
		item, _, err := g.refType(s.Items.Ref)
		return "[]" + item, true, err
	case len(s.Properties) == 0:
		return "map[string]any", true, nil
	}
	return goName(s.Title), false, nil
}

// enum writes a string type and its constants.
func (g *generator) enum(name string, s *schema) error {
	if err := g.declare(name, "One of the constants below. "+s.Description, "string"); err != nil {
		return err
	}
	fmt.Fprintf(&g.body, "// The values of %s.\nconst (\n", name)
	for _, v := range s.Enum {
		fmt.Fprintf(&g.body, "\t%s%s %s = %q\n", name, goName(v), name, v)
	}
	g.body.WriteString(")\n\n")
	return nil
}
