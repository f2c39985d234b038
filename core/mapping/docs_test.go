package mapping_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const shopSchema = `{"type":"object","required":["number","placed","total","items"],"properties":{
	"number":{"type":"string"},"placed":{"type":"string"},"total":{"type":"string"},"currency":{"type":"string"},
	"items":{"type":"array","items":{"type":"object","required":["sku","quantity","unit","price"],"properties":{
		"sku":{"type":"string"},"upc":{"type":"string"},"quantity":{"type":"string"},"unit":{"type":"string"},"price":{"type":"string"}}}}}}`

// TestExampleOfTheReadme: what architects copy works, tests included, and its
// mistake is reported as printed.
func TestExampleOfTheReadme(t *testing.T) {
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(readme(t))[1]
	fsys := fstest.MapFS{"mappings/shop-order.yaml": {Data: []byte(example)}, "schemas/shop-order.json": {Data: []byte(shopSchema)}}
	m, found := mapping.Check(fsys, "mappings/shop-order.yaml")
	if m == nil || len(found) > 0 {
		t.Fatalf("findings:\n%s", list(found))
	}
	results := m.Test(context.Background())
	for _, r := range results {
		if !r.Passed() {
			t.Error(r)
		}
	}
	if len(results) != 2 {
		t.Errorf("%d tests, want 2", len(results))
	}
	fsys["mappings/shop-order.yaml"].Data = []byte(strings.Replace(example, "orderNumber: src.number", "orderNumber: src.nunber", 1))
	_, found = mapping.Check(fsys, "mappings/shop-order.yaml")
	if len(found) != 1 || !strings.Contains(readme(t), "\n"+found[0].String()+"\n") {
		t.Errorf("the README does not show\n%s", list(found))
	}
}

// TestSchemaForEditors: every mapping that ships and every example fits the
// schema that editors use.
func TestSchemaForEditors(t *testing.T) {
	s, err := jsonschema.NewCompiler().Compile("../../mappings/mapping.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../mappings/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{"README": regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(readme(t))[1]}
	for _, f := range append(files, "testdata/example/order-850.yaml", "testdata/example/fragments/party.yaml", "testdata/inverse/"+shopToERP, "testdata/inverse/"+erpToShop) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		docs[f] = string(b)
	}
	for name, text := range docs {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range []string{
		head + "fields: {a: {frm: src.id}}", head + "fields: {a: {from: src.id, const: b}}", head + "fields: {a: {each: src.l, from: x}}", head,
	} {
		var v any
		if err := yaml.Unmarshal([]byte(wrong), &v); err != nil {
			t.Fatal(err)
		}
		if s.Validate(v) == nil {
			t.Errorf("the schema accepts\n%s", wrong)
		}
	}
}

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../mappings/README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
