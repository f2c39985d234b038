package mapping_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
)

// TestSchemasThatReferToThemselves: levels in levels, as HL loops of an 856 are.
func TestSchemasThatReferToThemselves(t *testing.T) {
	fsys := fstest.MapFS{
		"notice.json": {Data: []byte(`{
			"$defs": {"level": {"type": "object", "additionalProperties": false, "patternProperties": {"^level_": {"type": "array", "items": {"$ref": "#/$defs/level"}}},
				"properties": {"id": {"type": "string", "x-edi": "MAN02"}, "packs": {"type": "array", "items": {"$ref": "#/$defs/level"}}, "items": {"type": "array", "items": {"$ref": "#/$defs/level"}}}}},
			"type": "object", "properties": {"orders": {"type": "array", "items": {"$ref": "#/$defs/level"}, "x-edi": "HL03 O"}}}`)},
		"flat.json": {Data: []byte(`{"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "object", "properties": {"pack": {"type": "string"}, "item": {"type": "string"}}}}}}`)},
		"flat.yaml": {Data: []byte(`mapping: notice.flat
version: 1.0.0
owner: edi
source: {schema: notice.json}
target: {schema: flat.json}
fields:
  ids:
    each: src.orders
    as: o
    fields:
      pack: o.packs.first(p, has(p.id)).id
      item: o.packs.first(p, has(p.id)).items.first(i, has(i.id)).id
ignore: [{path: src.orders, reason: the rest of the levels}]
tests:
  - {name: three levels, input: {orders: [{packs: [{id: P1, items: [{id: I1}]}]}]}, expect: {ids: [{pack: P1, item: I1}]}}
`)},
	}
	m, found := mapping.Check(fsys, "flat.yaml")
	if m == nil || len(found) > 0 {
		t.Fatalf("%v", found)
	}
	for _, r := range m.Test(context.Background()) {
		if !r.Passed() {
			t.Error(r)
		}
	}
}
