package soap

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/hooklift/gowsdl"
)

// maxDepth bounds nesting in both directions; schemas may refer to themselves.
const maxDepth = 64

// field is a child element together with the schema that it stands in.
type field struct {
	el       *gowsdl.XSDElement
	schema   *gowsdl.XSDSchema
	optional bool // one of a choice
}

func (f field) many() bool {
	return f.el.MaxOccurs != "" && f.el.MaxOccurs != "1" && f.el.MaxOccurs != "0"
}

// deref follows a ref to the global element that it names.
func (s *Service) deref(f field) field {
	if f.el.Ref == "" {
		return f
	}
	e := s.elements[s.qualify(f.schema, f.el.Ref)]
	if e == nil {
		return field{el: &gowsdl.XSDElement{Name: local(f.el.Ref)}, schema: f.schema, optional: f.optional}
	}
	c := *e
	c.MinOccurs, c.MaxOccurs = f.el.MinOccurs, f.el.MaxOccurs
	return field{el: &c, schema: s.home[e], optional: f.optional}
}

// complexType returns the type of an element that has children.
func (s *Service) complexType(f field) (*gowsdl.XSDComplexType, *gowsdl.XSDSchema) {
	if f.el.ComplexType != nil {
		return f.el.ComplexType, f.schema
	}
	if f.el.Type == "" {
		return nil, nil
	}
	if t := s.types[s.qualify(f.schema, f.el.Type)]; t != nil {
		return t, s.home[t]
	}
	return nil, nil
}

// children lists the child elements of a type in the order of the schema, those
// of the base type first.
func (s *Service) children(t *gowsdl.XSDComplexType, x *gowsdl.XSDSchema, depth int) []field {
	var out []field
	if depth > maxDepth {
		return nil
	}
	ext := t.ComplexContent.Extension
	if ext.Base != "" {
		if b := s.types[s.qualify(x, ext.Base)]; b != nil {
			out = append(out, s.children(b, s.home[b], depth+1)...)
		}
		for i := range ext.Sequence {
			out = append(out, s.deref(field{el: &ext.Sequence[i], schema: x}))
		}
		for _, e := range ext.Choice {
			out = append(out, s.deref(field{el: e, schema: x, optional: true}))
		}
	}
	for _, l := range [][]*gowsdl.XSDElement{t.Sequence, t.All} {
		for _, e := range l {
			out = append(out, s.deref(field{el: e, schema: x}))
		}
	}
	for _, l := range [][]*gowsdl.XSDElement{t.SequenceChoice, t.Choice} {
		for _, e := range l {
			out = append(out, s.deref(field{el: e, schema: x, optional: true}))
		}
	}
	return out
}

// scalarKind is number for XML Schema's whole numbers, bool for booleans and
// text for everything else: decimals and identifiers stay as they are written.
type scalarKind int

const (
	textKind scalarKind = iota
	wholeKind
	boolKind
)

func (s *Service) scalar(f field) scalarKind {
	t := f.el.Type
	if f.el.SimpleType != nil {
		t = f.el.SimpleType.Restriction.Base
	}
	if st := s.simple[s.qualify(f.schema, t)]; st != nil && t != "" {
		t = st.Restriction.Base
	}
	switch local(t) {
	case "int", "integer", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "unsignedInt", "unsignedShort", "unsignedLong":
		return wholeKind
	case "boolean":
		return boolKind
	}
	return textKind
}

// Encode writes the body of an operation's request from JSON, in the order and
// the namespaces of the schema. Missing and unknown fields are errors that name
// their path.
func (s *Service) Encode(o *Operation, doc []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("the request is not JSON: %w", err)
	}
	var w bytes.Buffer
	f := field{el: o.input, schema: s.home[o.input]}
	if err := s.encode(&w, f, v, "", true, 0); err != nil {
		return nil, err
	}
	return w.Bytes(), nil
}

func (s *Service) encode(w *bytes.Buffer, f field, v any, at string, global bool, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: nested deeper than %d", at, maxDepth)
	}
	if list, ok := v.([]any); ok {
		if !f.many() {
			return fmt.Errorf("%s: the WSDL allows one value here, found a list of %d", at, len(list))
		}
		for i, e := range list {
			if err := s.encode(w, f, e, at+"/"+strconv.Itoa(i), global, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	w.WriteString("<" + f.el.Name)
	if global || f.schema.ElementFormDefault == "qualified" {
		fmt.Fprintf(w, ` xmlns="%s"`, escape(f.schema.TargetNamespace))
	} else {
		w.WriteString(` xmlns=""`)
	}
	if v == nil {
		w.WriteString(` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>`)
		return nil
	}
	w.WriteString(">")
	if t, x := s.complexType(f); t != nil && t.SimpleContent.Extension.Base == "" {
		if err := s.encodeChildren(w, t, x, v, at, depth); err != nil {
			return err
		}
	} else {
		text, err := scalarText(v)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		w.WriteString(escape(text))
	}
	w.WriteString("</" + f.el.Name + ">")
	return nil
}

func (s *Service) encodeChildren(w *bytes.Buffer, t *gowsdl.XSDComplexType, x *gowsdl.XSDSchema, v any, at string, depth int) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: expected an object", orRoot(at))
	}
	known := map[string]bool{}
	for _, f := range s.children(t, x, 0) {
		known[f.el.Name] = true
		value, ok := m[f.el.Name]
		if !ok {
			if f.el.MinOccurs != "0" && !f.optional {
				return fmt.Errorf("%s/%s: the WSDL requires it and it is missing", at, f.el.Name)
			}
			continue
		}
		if err := s.encode(w, f, value, at+"/"+f.el.Name, false, depth+1); err != nil {
			return err
		}
	}
	var unknown []string
	for k := range m {
		if !known[k] {
			unknown = append(unknown, k)
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return fmt.Errorf("%s: the WSDL has no field %s", orRoot(at), strings.Join(unknown, ", "))
	}
	return nil
}

func orRoot(at string) string {
	if at == "" {
		return "the request"
	}
	return at
}

func scalarText(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	case bool:
		return strconv.FormatBool(x), nil
	}
	return "", fmt.Errorf("expected a single value, found %T", v)
}

func escape(v string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(v)) // a strings.Builder does not fail
	return b.String()
}

// decode reads the children of an element whose start tag was just read.
// Arrays come from maxOccurs, so one entry is still a list.
func (s *Service) decode(d *xml.Decoder, f *field, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the reply is nested deeper than %d", maxDepth)
	}
	var fields []field
	if f != nil {
		if t, x := s.complexType(*f); t != nil && t.SimpleContent.Extension.Base == "" {
			fields = s.children(t, x, 0)
		}
	}
	m := map[string]any{}
	for _, c := range fields {
		if c.many() {
			m[c.el.Name] = []any{}
		}
	}
	children := false
	var text strings.Builder
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			children = true
			var cf *field
			for i := range fields {
				if fields[i].el.Name == tok.Name.Local {
					cf = &fields[i]
				}
			}
			nilled := isNil(tok)
			v, err := s.decode(d, cf, depth+1)
			if err != nil {
				return nil, err
			}
			if nilled {
				v = nil
			}
			if old, ok := m[tok.Name.Local].([]any); ok {
				m[tok.Name.Local] = append(old, v)
			} else if prev, seen := m[tok.Name.Local]; seen {
				m[tok.Name.Local] = []any{prev, v} // repeated without a schema
			} else {
				m[tok.Name.Local] = v
			}
		case xml.CharData:
			text.Write(tok)
		case xml.EndElement:
			if children || len(fields) > 0 {
				return m, nil
			}
			return s.scalarValue(f, strings.TrimSpace(text.String())), nil
		}
	}
}

func isNil(e xml.StartElement) bool {
	for _, a := range e.Attr {
		if a.Name.Local == "nil" && (a.Value == "true" || a.Value == "1") {
			return true
		}
	}
	return false
}

func (s *Service) scalarValue(f *field, v string) any {
	if f == nil {
		return v
	}
	switch s.scalar(*f) {
	case wholeKind:
		if _, err := strconv.ParseInt(v, 10, 64); err == nil {
			return json.Number(v)
		}
	case boolKind:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
	}
	return v
}

// Schema returns the JSON Schema (2020-12) of an operation's request or reply,
// so that mappings to and from it can be checked.
func (s *Service) Schema(o *Operation, reply bool) []byte {
	e := o.input
	if reply {
		e = o.output
	}
	if e == nil {
		return nil
	}
	doc := s.schema(field{el: e, schema: s.home[e]}, 0)
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = e.Name
	out, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	return out
}

// schemaDepth ends types that refer to themselves.
const schemaDepth = 12

func (s *Service) schema(f field, depth int) map[string]any {
	t, x := s.complexType(f)
	if t == nil || depth > schemaDepth || t.SimpleContent.Extension.Base != "" {
		kind := map[scalarKind]string{textKind: "string", wholeKind: "integer", boolKind: "boolean"}[s.scalar(f)]
		return map[string]any{"type": kind}
	}
	props, required := map[string]any{}, []string{}
	for _, c := range s.children(t, x, 0) {
		p := s.schema(c, depth+1)
		if c.many() {
			p = map[string]any{"type": "array", "items": p}
		}
		props[c.el.Name] = p
		if c.el.MinOccurs != "0" && !c.optional {
			required = append(required, c.el.Name)
		}
	}
	out := map[string]any{"type": "object", "properties": props, "additionalProperties": len(t.Any) > 0}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
