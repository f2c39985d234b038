package mapping_test

import (
	"bytes"
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

// TestSchemaForEditorsIsCurrent: the file beside the mappings is what the command
// prints.
func TestSchemaForEditorsIsCurrent(t *testing.T) {
	const file = "../../mappings/mapping.schema.json"
	if *update {
		if err := os.WriteFile(file, mapping.EditorSchema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != string(mapping.EditorSchema()) {
		t.Errorf("%s is not what `crossdock map schema` prints; run with -update", file)
	}
}

// compileSchema compiles a schema for editors.
func compileSchema(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("file:///editor.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("file:///editor.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func yamlValue(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchemaOfATarget: the mappings that ship fit the schema of what they make,
// and a member or a constant that the target does not have is refused.
func TestSchemaOfATarget(t *testing.T) {
	files, err := filepath.Glob("../../mappings/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no mappings", err)
	}
	shipped := os.DirFS("../../mappings")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		v := yamlValue(t, string(b))
		target, _ := v.(map[string]any)["target"].(map[string]any)
		var text []byte
		if entity, _ := target["entity"].(string); entity != "" {
			text, err = mapping.EditorSchemaFor(entity)
		} else {
			text, err = mapping.EditorSchemaForFile(shipped, target["schema"].(string))
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := compileSchema(t, text).Validate(v); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	text, err := mapping.EditorSchemaForFile(project(""), "schemas/target.json")
	if err != nil {
		t.Fatal(err)
	}
	s := compileSchema(t, text)
	for _, body := range []string{
		"fields: {kind: {const: a}, count: {const: 1}, any: {fields: {x: src.id}}}",
		"fields: {lines: {each: src.lines, as: l, fields: {sku: l.sku, parts: [{fields: {tag: src.id}}, {each: src.refs, as: r, fields: {tag: r.v}}]}}}",
	} {
		if err := s.Validate(yamlValue(t, head+body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{
		"fields: {txt: src.id}", "fields: {kind: {const: c}}", "fields: {count: {const: one}}", "fields: {kind: {from: src.id, default: c}}",
		"fields: {lines: {each: src.lines, as: l, fields: {skuu: l.sku}}}", "fields: {lines: [{fields: {no: {const: 1}}}]}",
		"fields: {address: {fields: {city: src.id, zip: {use: x, form: src.id}}}}",
	} {
		if s.Validate(yamlValue(t, head+body)) == nil {
			t.Errorf("the schema accepts %s", body)
		}
	}
	if text, err = mapping.EditorSchemaFor("order"); err != nil {
		t.Fatal(err)
	}
	order, err := mapping.EntitySchema("order")
	if err != nil {
		t.Fatal(err)
	}
	if about := order.Member("orderNumber").About(); about == "" || !strings.Contains(string(text), about) {
		t.Errorf("the schema does not explain orderNumber: %q", about)
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
