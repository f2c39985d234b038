package mapping_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
)

// The attributes and the text of XML are members whose names CEL cannot write
// behind a dot.
func TestMembersWithNamesThatAreNoIdentifiers(t *testing.T) {
	files := func(rule string) fstest.MapFS {
		return fstest.MapFS{
			"in.json": {Data: []byte(`{"type": "object", "properties": {
				"price": {"type": "object", "required": ["#text"], "properties": {"@currency": {"type": "string"}, "#text": {"type": "string"}}},
				"ids": {"type": "array", "items": {"type": "object", "properties": {"@domain": {"type": "string"}, "#text": {"type": "string"}}}}}}`)},
			"out.json": {Data: []byte(`{"type": "object", "properties": {"@a": {"type": "string"}, "cbc:ID": {"type": "string"}, "n": {"type": "integer"}}}`)},
			"m.yaml":   {Data: []byte("mapping: test\nversion: 1.0.0\nsource: {schema: in.json}\ntarget: {schema: out.json}\nignore: [src]\nfields:\n" + rule)},
		}
	}
	const doc = `{"price":{"@currency":"EUR","#text":"1.50"},"ids":[{"@domain":"a","#text":"1"},{"@domain":"b","#text":"2"}]}`
	for _, c := range []struct{ name, rule, doc, want string }{
		{"attribute and text", `  "@a": 'src.price["#text"] + src.price["@currency"]'`, doc, `{"@a":"1.50EUR"}`},
		{"in a condition of a list", `  "@a": 'src.ids.first(i, i["@domain"] == "b")["#text"]'`, doc, `{"@a":"2"}`},
		{"has", `  "@a": {when: 'has(src.price["@currency"])', from: 'src.price["@currency"]'}`, doc, `{"@a":"EUR"}`},
		{"has not", `  "@a": {when: 'has(src.price["@currency"])', from: 'src.price["@currency"]'}`, `{"ids":[]}`, `{}`},
		{"a missing one is left out", `  "@a": 'src.price["@currency"]'`, `{"price":{"#text":"1"}}`, `{}`},
		{"of the result", "  cbc:ID: 'src.price[\"#text\"]'\n  \"@a\": 'out[\"cbc:ID\"]'", doc, `{"cbc:ID":"1.50","@a":"1.50"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, found := mapping.Check(files(c.rule), "m.yaml")
			if m == nil {
				t.Fatal(found)
			}
			got, err := m.Map(context.Background(), []byte(c.doc), mapping.Input{})
			if err != nil || string(got.Doc) != c.want {
				t.Errorf("got %s, %v; want %s", got.Doc, err, c.want)
			}
		})
	}
	for rule, want := range map[string]string{
		`  "@a": 'src.price["@curency"]'`: `undefined field '@curency' (did you mean "@currency"?)`,
		`  n: 'src.price["@currency"]'`:   `n wants int, the expression gives string`,
		`  "@a": 'src.ids["@domain"]'`:    `does not support field selection`,
	} {
		if m, found := mapping.Check(files(rule), "m.yaml"); m != nil || !strings.Contains(list(found), want) {
			t.Errorf("%s: %v", rule, found)
		}
	}
}
