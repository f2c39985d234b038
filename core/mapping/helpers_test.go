package mapping_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/crossdock/crossdock/core/mapping"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n--- want\n%s--- got\n%s", name, want, got)
	}
}

const sourceSchema = `{
  "type": "object", "additionalProperties": false, "required": ["id", "lines", "n"],
  "$defs": {"line": {"type": "object", "required": ["sku", "qty"], "properties": {
      "sku": {"type": "string"}, "qty": {"type": "string"}, "price": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}}}},
  "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "when": {"type": "string"},
    "note": {"type": ["string", "null"]}, "n": {"type": "integer"}, "amount": {"type": "number"}, "flag": {"type": "boolean"},
    "email": {"type": "string", "x-personal": true},
    "status": {"type": "string", "enum": ["open", "done"]},
    "address": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}},
    "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    "refs": {"type": "array", "items": {"type": "object", "properties": {"q": {"type": "string"}, "v": {"type": "string"}}}},
    "extra": {"type": "object"}
  }}`

const targetSchema = `{
  "type": "object", "additionalProperties": false,
  "properties": {
    "text": {"type": "string"}, "nullable": {"type": ["string", "null"]}, "count": {"type": "integer"}, "ratio": {"type": "number"},
    "ok": {"type": "boolean"}, "kind": {"type": "string", "enum": ["a", "b"]}, "day": {"type": "string", "format": "date"},
    "short": {"type": "string", "maxLength": 3}, "price": {"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$"},
    "email": {"$ref": "#/$defs/email"},
    "at": {"type": "string", "format": "date-time"},
    "identifiers": {"type": "array", "items": {"$ref": "defs.json#/$defs/identifier"}},
    "address": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}},
    "tags": {"type": "array", "items": {"type": "string"}},
    "lines": {"type": "array", "items": {"type": "object", "required": ["sku"], "properties": {
      "no": {"type": "integer"}, "sku": {"type": "string"}, "total": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
      "parts": {"type": "array", "items": {"type": "object", "properties": {"tag": {"type": "string"}, "of": {"type": "string"}}}}}}},
    "any": {}
  },
  "$defs": {"email": {"type": "string", "format": "email"}}}`

const definitions = `{"$id": "https://elsewhere.example/defs.json", "$defs": {"identifier": {"type": "object", "additionalProperties": false,
  "required": ["scheme", "value"], "properties": {"scheme": {"type": "string"}, "value": {"type": "string"}}}}}`

// head is the beginning of every mapping in the tests; it has 5 lines.
const head = `mapping: test
version: 1.0.0
source: {schema: ../schemas/source.json}
target: {schema: ../schemas/target.json}
settings: {timezone: America/Chicago, currency: USD}
`

// project is a configuration folder with one mapping.
func project(body string) fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"schemas/source.json":      file(sourceSchema),
		"schemas/target.json":      file(targetSchema),
		"schemas/defs.json":        file(definitions),
		"mappings/xref/codes.csv":  file("code,name\nA,Alpha\nB,Beta\n"),
		"mappings/xref/double.csv": file("code,name\nA,Alpha\nA,Beta\n"),
		"mappings/m.yaml":          file(head + body),
		"mappings/fragments/address.yaml": file(`fragment: address
version: 1.0.0
params: {a: src.address}
codelists: {zips: {"1": one, "*": other}}
fields:
  city: a.city
  zip: {from: a.zip, map: zips}
`),
	}
}

// checked fails the test when the mapping has errors.
func checked(t testing.TB, body string) *mapping.Mapping {
	t.Helper()
	m, found := mapping.Check(project(body), "mappings/m.yaml")
	if m == nil {
		t.Fatalf("the mapping has errors:\n%s", list(found))
	}
	return m
}

func list(found []mapping.Finding) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

var errTable = errors.New("the table's server is away")

func run(m *mapping.Mapping, doc string) (mapping.Output, error) {
	return m.Map(context.Background(), []byte(doc), mapping.Input{
		MessageID: "m-1", Meta: map[string]string{"tenant": "acme"},
		Now: time.Date(2026, 5, 12, 8, 0, 0, 0, time.UTC),
		Lookup: func(_ context.Context, l mapping.Lookup, key string) (string, bool, error) {
			if key == "broken" {
				return "", false, errTable
			}
			return l.Table + ":" + key, key == "known", nil
		},
	})
}
