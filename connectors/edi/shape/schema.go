package shape

import (
	"encoding/json"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// Schema returns the JSON Schema (2020-12) of a set's document, so that mappings
// that read it are checked before they run. All members are optional but those
// that the grammar demands.
func Schema(s *grammar.Set) ([]byte, error) {
	textType := map[string]any{"type": "string"}
	party := map[string]any{"type": "object", "properties": map[string]any{"qualifier": textType, "id": textType}, "required": []string{"id"}, "additionalProperties": false}
	properties := map[string]any{
		"interchange": closed(map[string]any{
			"standard": textType, "sender": party, "receiver": party, "control_number": textType, "version": textType, "usage": textType,
		}, "sender", "receiver", "control_number"),
		"group": closed(map[string]any{
			"functional_id": textType, "sender": textType, "receiver": textType, "control_number": textType, "version": textType,
		}),
		"transaction": closed(map[string]any{
			"set": textType, "control_number": textType, "release": textType, "association": textType, "rejected": map[string]any{"type": "boolean"},
		}, "set", "control_number"),
		s.Name: body(s.Body, true),
	}
	doc := closed(properties, "interchange", "transaction", s.Name)
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = s.Standard.String() + " " + s.ID + " " + s.Version
	return json.MarshalIndent(doc, "", "  ")
}

func closed(properties map[string]any, required ...string) map[string]any {
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// body is the object of a set or loop, whose first segment's elements are its own.
func body(nodes []*grammar.Node, root bool) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for i, n := range nodes {
		if i == 0 && !n.Loop() && (!root || n.Max == 1) {
			required = append(required, elements(properties, n.Segment)...)
			continue
		}
		var one map[string]any
		if n.Loop() {
			one = body(n.Body, false)
		} else {
			members := map[string]any{}
			need := elements(members, n.Segment)
			one = closed(members, need...)
		}
		if n.Max > 1 {
			one = map[string]any{"type": "array", "items": one}
		}
		if _, taken := properties[n.Name]; taken {
			// The name is used at two places of the body, or by an element: a second
			// value makes a list.
			one = map[string]any{}
		}
		properties[n.Name] = one
		if n.Mandatory {
			required = append(required, n.Name)
		}
	}
	properties[Extra] = map[string]any{"type": "array", "items": map[string]any{"type": "object", "additionalProperties": true}}
	return closed(properties, required...)
}

// elements adds a segment's elements and returns those that must be there.
func elements(properties map[string]any, s *grammar.Segment) []string {
	var required []string
	for i := 0; i < len(s.Elements); i++ {
		p := &s.Elements[i]
		if p.Pair {
			ids, _ := properties["ids"].(map[string]any)
			if ids == nil {
				ids = map[string]any{"type": "object", "properties": map[string]any{}, "additionalProperties": map[string]any{"type": "string"}}
				properties["ids"] = ids
			}
			names, _ := ids["properties"].(map[string]any)
			for code := range p.Element.Codes {
				names[codeName(p.Element, code)] = map[string]any{"type": "string"}
			}
			i++
			continue
		}
		one := map[string]any{"type": "string"}
		if p.Composite != nil {
			members := map[string]any{}
			var need []string
			for _, c := range p.Composite.Components {
				members[c.Name] = map[string]any{"type": "string"}
				if c.Mandatory {
					need = append(need, c.Name)
				}
			}
			one = closed(members, need...)
		} else if e := p.Element; e != nil && e.Type == grammar.Date {
			one["format"] = "date"
		}
		if p.Repeat > 1 {
			one = map[string]any{"type": "array", "items": one}
		}
		properties[p.Name] = one
		if p.Mandatory {
			required = append(required, p.Name)
		}
	}
	return required
}
