// Package editor describes the language of mapping files for editors: what each
// key means, and JSON Schemas with which an editor completes and checks them.
package editor

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Language is the JSON Schema of every mapping and fragment, whatever they make.
//
//go:embed language.json
var Language []byte

type object = map[string]any

// For returns the JSON Schema of mappings whose target has the given shape: the
// members of the target complete under `fields`, with their descriptions.
func For(target *schema.Schema, title string) ([]byte, error) {
	var doc object
	if err := json.Unmarshal(Language, &doc); err != nil {
		return nil, fmt.Errorf("the schema of the language: %w", err)
	}
	delete(doc, "$id") // it is another schema
	doc["title"] = title
	g := &generator{defs: doc["$defs"].(object), members: map[*schema.Schema]string{}, rules: map[*schema.Schema]string{}, scalars: map[string]string{}}
	own := g.defs["mapping"].(object)["properties"].(object)
	own["fields"] = g.fields(target)
	return json.MarshalIndent(doc, "", " ")
}

// generator writes one definition for each shape of the target, so that shapes
// that contain themselves end, and shapes used twice are written once.
type generator struct {
	defs    object
	members map[*schema.Schema]string
	rules   map[*schema.Schema]string
	scalars map[string]string // by what they allow
}

func refer(name string) object { return object{"$ref": "#/$defs/" + name} }

var unfit = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// claim finds a name for a definition and takes it.
func (g *generator) claim(name string) string {
	name = "target." + strings.Trim(unfit.ReplaceAllString(strings.ReplaceAll(name, "[]", ".item"), "-"), "-.")
	free := name
	for n := 2; g.defs[free] != nil; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	g.defs[free] = object{}
	return free
}

// fields is what may stand under `fields` of an object.
func (g *generator) fields(s *schema.Schema) object {
	s = s.Resolved()
	if s == nil || s.Kind != schema.Object {
		return refer("fields")
	}
	if name, ok := g.members[s]; ok {
		return refer(name)
	}
	name := g.claim(s.Name + ".fields")
	g.members[s] = name
	members := object{}
	for _, name := range s.Names() {
		m := s.Member(name)
		rule := refer(g.rule(m))
		if about := m.About(); about != "" {
			rule["description"] = about
		}
		members[name] = rule
	}
	out := object{"type": "object", "properties": members, "additionalProperties": false}
	if s.Extra != nil {
		out["additionalProperties"] = refer(g.rule(s.Extra))
	}
	if must := s.Demands(); len(must) > 0 {
		out["required"] = must
	}
	g.defs[name] = out
	return refer(name)
}

// rule is the name of the definition of rules that make a value of a shape.
func (g *generator) rule(s *schema.Schema) string {
	s = s.Resolved()
	if s == nil || s.Kind == schema.Any {
		return "rule"
	}
	if name, ok := g.rules[s]; ok {
		return name
	}
	if s.Kind != schema.Object && s.Kind != schema.List {
		g.rules[s] = g.scalar(s)
		return g.rules[s]
	}
	name := g.claim(s.Name)
	g.rules[s] = name
	if s.Kind == schema.Object {
		g.defs[name] = object{"anyOf": []any{refer("expression"), body(object{"fields": g.fields(s)})}}
		return name
	}
	item := s.ItemSchema()
	of := refer(g.rule(item))
	each := object{"fields": g.fields(item), "value": object{"anyOf": []any{refer(name), of}}}
	g.defs[name] = object{"anyOf": []any{
		refer("expression"),
		// An entry of the list is an item, or with `each` any number of them.
		object{"type": "array", "items": object{"anyOf": []any{of, body(object{"fields": g.fields(item)})}}},
		body(each),
	}}
	return name
}

// scalar is the rule of text, numbers and truth values. Those that allow the
// same share a definition.
func (g *generator) scalar(s *schema.Schema) string {
	value := object{}
	if words := s.Allowed(); len(words) > 0 {
		value["enum"] = words
	} else if kind := typeWords[s.Kind]; kind != "" {
		value["type"] = kind
		if s.Nullable {
			value["type"] = []string{kind, "null"}
		}
	}
	key, err := json.Marshal(value)
	if err != nil {
		return "rule" // the words are JSON already
	}
	if name, ok := g.scalars[string(key)]; ok {
		return name
	}
	name := s.Name
	if value["enum"] == nil {
		name = typeWords[s.Kind]
	}
	name = g.claim(name)
	g.scalars[string(key)] = name
	g.defs[name] = object{"anyOf": []any{refer("expression"), body(object{"const": value, "default": value})}}
	return name
}

var typeWords = map[schema.Type]string{schema.Text: "string", schema.Integer: "integer", schema.Number: "number", schema.Boolean: "boolean"}

// body is a rule in braces of which more is known. allOf, since not every editor
// reads what stands beside a $ref.
func body(known object) object {
	return object{"allOf": []any{refer("body"), object{"properties": known}}}
}
