package canonical

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write the released field lists, if the change is compatible")

// TestEveryFieldIsExplained: a schema is the documentation of an entity.
func TestEveryFieldIsExplained(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	for file, doc := range c.docs {
		if id := doc["$id"]; id != baseID+"v1/"+file {
			t.Errorf("%s has $id %v", file, id)
		}
		explained(t, file, doc, true)
		defs, _ := doc["$defs"].(map[string]any)
		for name, def := range defs {
			explained(t, file+"#/$defs/"+name, def, true)
		}
	}
}

func explained(t *testing.T, path string, v any, named bool) {
	t.Helper()
	s, ok := v.(map[string]any)
	if !ok {
		t.Errorf("%s is not a schema", path)
		return
	}
	if _, ref := s["$ref"]; named || !ref {
		for _, k := range []string{"title", "description"} {
			if text, _ := s[k].(string); strings.TrimSpace(text) == "" {
				t.Errorf("%s has no %s", path, k)
			}
		}
	}
	if d, _ := s["description"].(string); d != "" && !strings.HasSuffix(d, ".") && !strings.HasSuffix(d, "?") {
		t.Errorf("%s: the description %q is no sentence", path, d)
	}
	props, _ := s["properties"].(map[string]any)
	for name, p := range props {
		explained(t, path+"/"+name, p, true)
	}
	if items, ok := s["items"]; ok {
		explained(t, path+"/*", items, false)
	}
}

// TestAnnotationsPointAtFields: a wrong pointer would silently make every event
// "changed" and every key the id.
func TestAnnotationsPointAtFields(t *testing.T) {
	topic := regexp.MustCompile(`^[a-z0-9-]+$`)
	for _, name := range Names() {
		fields, err := Fields(FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := load()
		if err != nil {
			t.Fatal(err)
		}
		e := c.entities[fold(name)]
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Path == e.eventAt })
		switch {
		case e.eventAt == "":
		case i < 0 || len(fields[i].Enum) == 0:
			t.Errorf("%s: x-event %s is no enumeration of the schema", name, e.eventAt)
		default:
			for _, v := range fields[i].Enum {
				if !topic.MatchString(v) {
					t.Errorf("%s: event %q does not fit in a topic", name, v)
				}
			}
		}
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Path == e.keyAt && f.Required }) {
			t.Errorf("%s: x-key %s is no required field", name, e.keyAt)
		}
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Path == "/schema" && strings.Contains(f.Pattern, name+"/1") }) {
			t.Errorf("%s: documents do not say schema: %s/1.x", name, name)
		}
	}
}

func TestExamplesOfSharedDefinitionsAreValid(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	defs := c.docs["common.json"]["$defs"].(map[string]any)
	for name, def := range defs {
		for _, example := range list(def.(map[string]any)["examples"]) {
			if err := validateAt("common.json#/$defs/"+name, example); err != nil {
				t.Errorf("example %v of %s: %v", example, name, err)
			}
		}
	}
	for _, example := range list(c.docs["envelope.json"]["examples"]) {
		if err := validateAt("envelope.json", example); err != nil {
			t.Errorf("example of the envelope: %v", err)
		}
	}
}

func validateAt(ref string, v any) error {
	c, err := load()
	if err != nil {
		return err
	}
	comp, err := c.compiler()
	if err != nil {
		return err
	}
	s, err := comp.Compile(baseID + "v1/" + ref)
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// TestReleasedFieldsAreKept compares each schema with what was released. An
// additive change is recorded with -update; a breaking one needs a new major.
func TestReleasedFieldsAreKept(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			fields, err := Fields(FS(), name)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("v1", "released", name+".jsonl")
			released := readReleased(t, file)
			if released == nil && !*update {
				t.Fatalf("%s is missing: run go test ./canonical -run Released -update", file)
			}
			if broken := Compatible(released, fields); len(broken) > 0 && released != nil {
				t.Fatalf("%s breaks who relies on the released version:\n  %s\nAdd instead of change, or start a new major beside v1.",
					name, strings.Join(broken, "\n  "))
			}
			got := writeReleased(t, fields)
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			} else if was, err := os.ReadFile(file); err != nil || !bytes.Equal(was, got) {
				t.Errorf("%s grew compatibly: record it with go test ./canonical -run Released -update", name)
			}
		})
	}
}

func readReleased(t *testing.T, file string) []Field {
	t.Helper()
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []Field
	for line := range bytes.Lines(b) {
		var f Field
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, f)
	}
	return out
}

func writeReleased(t *testing.T, fields []Field) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, f := range fields {
		if err := enc.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestCompatible(t *testing.T) {
	const before = `{"type":"object","additionalProperties":false,"required":["id","status"],"properties":{
		"id":{"type":"string","maxLength":10},
		"status":{"type":"string","enum":["open","closed"]},
		"scheme":{"type":"string","pattern":"^(gtin|sku)$"},
		"version":{"const":"1.0"},
		"due":{"type":"string"},
		"lines":{"type":"array","items":{"type":"object","properties":{"n":{"type":"string"}}}}}}`
	for name, tc := range map[string]struct{ from, to, want string }{
		"unchanged":           {``, ``, ""},
		"optional field":      {`"due":`, `"note":{"type":"string"},"due":`, ""},
		"enum value added":    {`"closed"]`, `"closed","held"]`, ""},
		"wider bound":         {`"maxLength":10`, `"maxLength":20`, ""},
		"alternative added":   {`(gtin|sku)`, `(gtin|sku|upc)`, ""},
		"required in new":     {`"due":`, `"by":{"type":"object","required":["who"],"properties":{"who":{"type":"string"}}},"due":`, ""},
		"removed":             {`"due":{"type":"string"},`, ``, "/due: was removed"},
		"type":                {`"due":{"type":"string"}`, `"due":{"type":"integer"}`, `/due: changed type from "string" to "integer"`},
		"enum value lost":     {`"open","closed"`, `"open"`, `/status: lost the value "closed"`},
		"enum introduced":     {`"due":{"type":"string"}`, `"due":{"type":"string","enum":["now"]}`, "/due: is now limited to now"},
		"const":               {`"1.0"`, `"1.1"`, "/version: changed its constant"},
		"new required":        {`"required":["id","status"]`, `"required":["id","status","due"]`, "/due: became required"},
		"new field, required": {`"required":["id","status"],"properties":{`, `"required":["id","status","x"],"properties":{"x":{"type":"string"},`, "/x: is new and required"},
		"became optional":     {`"required":["id","status"]`, `"required":["id"]`, "/status: became optional"},
		"tighter bound":       {`"maxLength":10`, `"maxLength":5`, "/id: lowered its maximum to 5"},
		"pattern introduced":  {`"due":{"type":"string"}`, `"due":{"type":"string","pattern":"^x"}`, "/due: changed pattern from none"},
		"alternative lost":    {`(gtin|sku)`, `(gtin)`, "/scheme: changed pattern"},
		"format introduced":   {`"due":{"type":"string"}`, `"due":{"type":"string","format":"date"}`, "/due: changed format from none to date"},
		"closed inside":       {`"items":{"type":"object",`, `"items":{"type":"object","additionalProperties":false,`, "/lines/*: no longer allows"},
		"new condition":       {`"additionalProperties":false,`, `"additionalProperties":false,"if":{"required":["due"]},"then":{"required":["lines"]},`, ": changed its conditions"},
	} {
		t.Run(name, func(t *testing.T) {
			after := strings.Replace(before, tc.from, tc.to, 1)
			if (after == before) != (name == "unchanged") {
				t.Fatal("the case changes nothing")
			}
			broken := strings.Join(Compatible(fieldsOf(t, before), fieldsOf(t, after)), "\n")
			if tc.want == "" && broken != "" || !strings.Contains(broken, tc.want) || tc.want != "" && broken == "" {
				t.Errorf("Compatible = %q, want %q", broken, tc.want)
			}
		})
	}
}

func fieldsOf(t *testing.T, schema string) []Field {
	t.Helper()
	var fsys fs.FS = fstest.MapFS{"v1/thing.json": {Data: []byte(schema)}}
	f, err := Fields(fsys, "thing")
	if err != nil {
		t.Fatal(err)
	}
	return f
}
