package draft_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/mapping/draft"
	"github.com/crossdock/crossdock/core/mapping/specification"
)

var update = flag.Bool("update", false, "write golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", name, got)
	}
}

// TestDraftOfASample: a document of a shop becomes a schema, and the schema a
// mapping whose only mistakes are the rules that nobody could guess.
func TestDraftOfASample(t *testing.T) {
	sample, err := os.ReadFile("testdata/web.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := draft.Infer("web", sample)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "web.schema.json", schema)
	fsys := fstest.MapFS{"mappings/schemas/web.json": {Data: schema}}
	source, err := specification.LoadSchema(fsys, "mappings/schemas/web.json")
	if err != nil {
		t.Fatal(err)
	}
	target, err := specification.EntitySchema("Order")
	if err != nil {
		t.Fatal(err)
	}
	text := draft.Write(draft.Request{
		Name: "web-to-order", SourceHead: "{schema: schemas/web.json}", TargetHead: "{entity: Order}", Entity: "order", Source: source, Target: target,
	})
	golden(t, "web-to-order.yaml", text)
	fsys["mappings/web-to-order.yaml"] = &fstest.MapFile{Data: text}
	_, found := mapping.Check(fsys, "mappings/web-to-order.yaml")
	empty := strings.Count(string(text), "# required: nothing")
	for _, f := range found {
		switch {
		case f.Code == mapping.CodeRequired && strings.Contains(f.Message, "the rule is empty"):
			empty--
		case f.Code == mapping.CodeSyntax && strings.Contains(f.Message, "has no codes"):
		case f.Code == mapping.CodeIncomplete, f.Code == mapping.CodeUnread:
		default:
			t.Error(f)
		}
	}
	if empty != 0 {
		t.Errorf("the check does not report every rule that is missing (%d left)", empty)
	}
}

// TestGuesses asks for single guesses, by the names on both sides.
func TestGuesses(t *testing.T) {
	for _, c := range []struct{ target, source, want string }{
		{`"quantity":{"type":"string"}`, `"qty":{"type":"string"}`, "quantity: src.qty"},
		{`"quantity":{"type":"integer"}`, `"qty":{"type":"string"}`, "quantity: int(src.qty)"},
		{`"orderNumber":{"type":"string"}`, `"po":{"type":"object","properties":{"no":{"type":"integer"}}}`, "orderNumber: string(src.po.no)"},
		{`"shipTo":{"type":"object","properties":{"city":{"type":"string"}}}`, `"delivery_address":{"type":"object","properties":{"town":{"type":"string"}}}`, "city: src.delivery_address.town"},
		{`"billTo":{"type":"object","properties":{"city":{"type":"string"}}}`, `"delivery_address":{"type":"object","properties":{"town":{"type":"string"}}}`, "  {}"},
		{`"at":{"type":"string","format":"date-time"},"placedAt":{"type":"string","format":"date-time"}`, `"created":{"type":"string","format":"date"}`, "placedAt: {from: src.created, date: yyyy-MM-dd}"},
		{`"day":{"type":"string","format":"date"}`, `"flag":{"type":"boolean"}`, "  {}"},
		{`"state":{"type":"string","enum":["part-shipped","closed"]}`, `"status":{"type":"string"},"state":{"type":"string","enum":["PARTSHIPPED","CLOSED","x: y"]}`, "    'CLOSED': closed"},
		{`"tags":{"type":"array","items":{"type":"string"}}`, `"tags":{"type":"array","items":{"type":"string"}}`, "tags: src.tags"},
		{`"lines":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}}}}`, `"rows":{"type":"array","items":{"type":"object","properties":{"SKU":{"type":"string"}}}}`, "each: src.rows"},
		{`"yes":{"type":"string"}`, `"yes":{"type":"string"}`, "'yes': src.yes"},
		{`"kind":{"const":"a: b"}`, `"x":{"type":"string"}`, "kind: {const: 'a: b'}"},
	} {
		fsys := fstest.MapFS{
			"s.json": {Data: []byte(`{"type":"object","properties":{` + c.source + `}}`)},
			"t.json": {Data: []byte(`{"type":"object","required":["kind"],"properties":{` + c.target + `}}`)},
		}
		source, err := specification.LoadSchema(fsys, "s.json")
		if err != nil {
			t.Fatal(err)
		}
		target, err := specification.LoadSchema(fsys, "t.json")
		if err != nil {
			t.Fatal(err)
		}
		text := string(draft.Write(draft.Request{Name: "n", SourceHead: "{schema: s.json}", TargetHead: "{schema: t.json}", Source: source, Target: target}))
		if !strings.Contains(text, c.want) {
			t.Errorf("%s from %s: expected %q in\n%s", c.target, c.source, c.want, text)
		}
		fsys["m.yaml"] = &fstest.MapFile{Data: []byte(text)}
		if _, found := mapping.Check(fsys, "m.yaml"); strings.Contains(told(found), "error") {
			t.Errorf("%s from %s:\n%s\n%s", c.target, c.source, told(found), text)
		}
	}
}

func told(found []mapping.Finding) string {
	var b strings.Builder
	for _, f := range found {
		// A target that requires a member which its schema does not have is our test's.
		if !strings.Contains(f.Message, "kind is never set") {
			b.WriteString(f.Severity + " " + f.String() + "\n")
		}
	}
	return b.String()
}

func TestInferRefuses(t *testing.T) {
	for _, c := range [][2]string{{`[]`, "must be one document"}, {`{`, "not JSON"}, {`"a"`, "must be one document"}} {
		if _, err := draft.Infer("x", []byte(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
}

// FuzzInfer: whatever a sample holds, the schema can be read and the draft too.
func FuzzInfer(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{"c":null},{"c":"x"}],"d":[[]],"e-f":{"":true}}`))
	f.Add([]byte(`{"id":"","lines":[{"qty":1e3},{"qty":"x"}],"#":"'","x: y":{"a":{}}}`))
	target, err := specification.EntitySchema("Order")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sample []byte) {
		schema, err := draft.Infer("x", sample)
		if err != nil {
			return
		}
		fsys := fstest.MapFS{"s.json": {Data: schema}}
		source, err := specification.LoadSchema(fsys, "s.json")
		if err != nil {
			t.Fatalf("%v\n%s", err, schema)
		}
		fsys["m.yaml"] = &fstest.MapFile{Data: draft.Write(draft.Request{Name: "n", SourceHead: "{schema: s.json}", TargetHead: "{entity: Order}", Entity: "order", Source: source, Target: target})}
		if _, err := specification.Read(fsys, "m.yaml"); err != nil {
			t.Fatalf("%v\n%s", err, fsys["m.yaml"].Data)
		}
	})
}
