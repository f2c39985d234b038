package shape

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// Schema returns the JSON Schema (2020-12) of a set's document, so that mappings
// that read or make it are checked before they run. "x-edi" says where a value
// stands, with the number of its data element: "BEG03 (324)", "DTM01-2 (2380)"
// for a component, "PO1 235=UP → 234" for the identifier with that qualifier, of
// whichever pair; "N101=ST" for the segment or loop that has a name of its own.
//
// Required is what the grammar demands of every document; of a set that may come
// in parts only what stands before its lines. The envelope is not required: who
// writes a document leaves it to the partner's agreement.
func Schema(s *grammar.Set) ([]byte, error) {
	w := &schemaWriter{defs: map[string]any{}}
	body := w.object(s.Body, nil)
	doc := envelopeSchema(s.Standard)
	doc[s.Name] = body
	out := object(doc, s.Name)
	out["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	out["title"] = s.Standard.String() + " " + s.ID + " " + s.Version
	w.defs[extraDef] = listOf(object(map[string]any{"segment": textType(), "position": map[string]any{"type": "integer"}, "elements": listOf(textType())}))
	w.defs[orderDef] = listOf(textType())
	out["$defs"] = w.defs
	return json.MarshalIndent(out, "", " ")
}

// Definitions of what may be in every object.
const (
	extraDef = "segments_without_a_place"
	orderDef = "order_of_members"
)

func reference(def string) map[string]any { return map[string]any{"$ref": "#/$defs/" + def} }

// schemaWriter collects the definitions that are referred to: segments by their
// tags, loops with names and trees by theirs.
type schemaWriter struct{ defs map[string]any }

func object(properties map[string]any, required ...string) map[string]any {
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func listOf(items any) map[string]any { return map[string]any{"type": "array", "items": items} }

func textType() map[string]any { return map[string]any{"type": "string"} }

// object is that of a set or loop, whose first segment's elements are its own.
// omit has those that are told otherwise.
func (w *schemaWriter) object(nodes []*grammar.Node, omit map[string]bool) map[string]any {
	properties := map[string]any{}
	var required []string
	parts := false
	for i, n := range nodes {
		if i == 0 && !n.Loop() && n.Single() {
			required = w.elements(properties, n.Segment, omit)
			continue
		}
		switch {
		case n.Tree != nil:
			w.tree(properties, n)
		case n.AsAt > 0:
			w.named(properties, n)
		default:
			one := w.item(n)
			if !n.Single() {
				one = listOf(one)
			}
			properties[n.Name] = one
			if n.Mandatory && !parts {
				required = append(required, n.Name)
			}
		}
		parts = parts || parted(n)
	}
	properties[Extra], properties[Order] = reference(extraDef), reference(orderDef)
	out := object(properties, required...)
	if i := slices.IndexFunc(nodes, func(n *grammar.Node) bool { return n.Tree != nil }); i >= 0 {
		out["patternProperties"] = unnamedLevels(nodes[i])
	}
	return out
}

// parted tells whether a loop, or one in it, is handed over in parts.
func parted(n *grammar.Node) bool { return n.Fragment || slices.ContainsFunc(n.Body, parted) }

func (w *schemaWriter) item(n *grammar.Node) map[string]any {
	if n.Loop() {
		return w.object(n.Body, nil)
	}
	if w.defs[n.Segment.Tag] == nil {
		w.defs[n.Segment.Tag] = w.segment(n.Segment)
	}
	return reference(n.Segment.Tag)
}

func (w *schemaWriter) segment(s *grammar.Segment) map[string]any {
	members := map[string]any{}
	required := w.elements(members, s, nil)
	return object(members, required...)
}

// define puts a schema where it can be referred to. Equal ones share a place.
func (w *schemaWriter) define(name string, schema map[string]any) string {
	text, err := json.Marshal(schema)
	for i := 1; ; i++ {
		id := name
		if i > 1 {
			id = fmt.Sprintf("%s_%d", name, i)
		}
		have, taken := w.defs[id]
		if !taken {
			w.defs[id] = schema
			return id
		}
		if other, err2 := json.Marshal(have); err == nil && err2 == nil && string(other) == string(text) {
			return id
		}
	}
}

// named adds the members that qualifiers name, and the list of the others.
func (w *schemaWriter) named(properties map[string]any, n *grammar.Node) {
	qualifier := n.Segment.Elements[n.AsAt-1].Name
	one := w.segment(n.Segment)
	if n.Loop() {
		one = w.object(n.Body, nil)
	}
	if required, ok := one["required"].([]string); ok {
		// Members with a name do without the qualifier.
		if one["required"] = slices.DeleteFunc(required, func(s string) bool { return s == qualifier }); len(required) == 1 {
			delete(one, "required")
		}
	}
	def := w.define(n.Name, one)
	for code, name := range n.As[qualifier] {
		properties[name] = map[string]any{"$ref": "#/$defs/" + def, "x-edi": fmt.Sprintf("%s%02d=%s", n.Segment.Tag, n.AsAt, code)}
	}
	properties[n.Name] = listOf(reference(def))
}

// tree adds the lists of a tree's levels, and what its root brings.
func (w *schemaWriter) tree(properties map[string]any, n *grammar.Node) {
	t := n.Tree
	omit := map[string]bool{t.ID: true, t.Parent: true, t.Level: true}
	item := w.object(n.Body, omit)
	members, ok := item["properties"].(map[string]any)
	if !ok {
		return
	}
	lists := map[string]any{n.Name: listOf(reference(n.Name))}
	for code, name := range t.Names {
		lists[name] = map[string]any{"type": "array", "items": reference(n.Name), "x-edi": fmt.Sprintf("%s%02d=%s", n.Segment.Tag, t.LevelAt, code)}
	}
	maps.Copy(members, lists)
	hierarchy := map[string]any{"id": elementOf(n.Segment, t.IDAt), "parent": elementOf(n.Segment, t.ParentAt)}
	if t.LevelAt > 0 {
		hierarchy["level"] = elementOf(n.Segment, t.LevelAt)
	}
	hierarchy["sequence"] = map[string]any{"type": "integer"}
	members["hierarchy"] = object(hierarchy)
	item["patternProperties"] = unnamedLevels(n)
	w.defs[n.Name] = item
	maps.Copy(properties, lists)
	if t.Root != "" {
		maps.Copy(properties, members)
	}
}

// unnamedLevels are the lists of levels without a name.
func unnamedLevels(n *grammar.Node) map[string]any {
	return map[string]any{"^" + grammar.LevelPrefix: listOf(reference(n.Name))}
}

// leaf is a value that stands at an element, or at a component of one.
func leaf(tag string, element, component int, number string) map[string]any {
	at := fmt.Sprintf("%s%02d", tag, element)
	if component > 0 {
		at += fmt.Sprintf("-%d", component)
	}
	if number != "" {
		at += " (" + number + ")"
	}
	return map[string]any{"type": "string", "x-edi": at}
}

func elementOf(s *grammar.Segment, at int) map[string]any {
	return leaf(s.Tag, at, 0, s.Elements[at-1].Reference())
}

// elements adds a segment's elements and returns those that must be there.
func (w *schemaWriter) elements(properties map[string]any, s *grammar.Segment, omit map[string]bool) []string {
	var required []string
	for i := range s.Elements {
		p := &s.Elements[i]
		if omit[p.Name] {
			continue
		}
		if p.Pair {
			pairIDs(properties, s, i)
		}
		one := elementOf(s, i+1)
		switch {
		case p.Composite != nil:
			one = components(s.Tag, i+1, p.Composite)
		case p.Element != nil && p.Element.Type == grammar.Date && p.Element.Min >= len("260105"):
			one["format"] = "date"
		}
		if p.Repeat > 1 {
			one = listOf(one)
		}
		properties[p.Name] = one
		if p.Mandatory && !p.Pair && (i == 0 || !s.Elements[i-1].Pair) {
			required = append(required, p.Name)
		}
	}
	return required
}

// pairIDs adds what a qualifier names. A pair that cannot be told so has the names
// of its elements.
func pairIDs(properties map[string]any, s *grammar.Segment, at int) {
	qualifier, id := s.Elements[at].Element, &s.Elements[at+1]
	ids, _ := properties["ids"].(map[string]any)
	if ids == nil {
		ids = map[string]any{"type": "object", "properties": map[string]any{}, "additionalProperties": textType()}
		properties["ids"] = ids
		properties[Slots] = map[string]any{"type": "array", "items": map[string]any{"type": "integer"}}
	}
	names, _ := ids["properties"].(map[string]any)
	for code, name := range qualifier.Codes {
		if name == "" {
			name = strings.ToLower(code)
		}
		names[name] = map[string]any{"type": "string", "x-edi": fmt.Sprintf("%s %s=%s → %s", s.Tag, qualifier.ID, code, id.Reference())}
	}
}

func components(tag string, element int, c *grammar.Composite) map[string]any {
	members := map[string]any{}
	var required []string
	for k := range c.Components {
		p := &c.Components[k]
		members[p.Name] = leaf(tag, element, k+1, p.Reference())
		if p.Mandatory {
			required = append(required, p.Name)
		}
	}
	return object(members, required...)
}
