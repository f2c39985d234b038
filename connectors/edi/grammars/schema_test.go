package grammars_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
)

// schema compiles one of the schemas; that it is one is checked on the way.
func schema(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	b, ok := grammars.Schema(kind)
	if !ok {
		t.Fatalf("there is no schema of %s", kind)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(kind, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(kind)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value is a YAML node as editors see it: keys are text, 02 too.
func value(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.DocumentNode:
		return value(t, n.Content[0])
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			out = append(out, value(t, c))
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			out[n.Content[i].Value] = value(t, n.Content[i+1])
		}
		return out
	}
	switch n.Tag {
	case "!!int":
		if i, err := strconv.Atoi(n.Value); err == nil {
			return i
		}
	case "!!bool":
		return n.Value == "true"
	case "!!null":
		return nil
	}
	return n.Value
}

func document(t *testing.T, text []byte) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	return value(t, &n)
}

// TestShippedGrammarsHaveTheSchema, so that editors do not complain about them.
func TestShippedGrammarsHaveTheSchema(t *testing.T) {
	s, seen := schema(t, "grammar"), 0
	err := fs.WalkDir(grammars.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		text, err := fs.ReadFile(grammars.FS(), path)
		if err != nil {
			return err
		}
		seen++
		if err := s.Validate(document(t, text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || seen < 60 {
		t.Fatalf("%d files were looked at: %v", seen, err)
	}
}

func TestOverlaysHaveTheSchema(t *testing.T) {
	s := schema(t, "overlay")
	files, err := filepath.Glob("../grammar/testdata/overlays/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(document(t, text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchemasRefuse what an editor should underline.
func TestSchemasRefuse(t *testing.T) {
	for _, c := range []struct{ kind, text string }{
		{"overlay", "overlay: a\n"},
		{"overlay", "overlay: a\nextends: x12/850\n"},
		{"overlay", "overlay: a\nextends: x12/004010/850\nsegment: {}\n"},
		{"overlay", "overlay: a\nextends: x12/004010/850\nsegments: {BEG: unusd}\n"},
		{"overlay", "overlay: a\nextends: x12/004010/850\nsegments: {BEG: {elements: {02: {code: [SA]}}}}\n"},
		{"overlay", "overlay: a\nextends: x12/004010/850\nsegments:\n  N1[ST: required\n"},
		{"overlay", "overlay: a\nextends: x12/004010/850\nrules: {PO1: {add: [X0102]}}\n"},
		{"grammar", "standard: x12\nversion: \"004010\"\nelements: {\"1\": {name: a, type: XX, min: 1, max: 2}}\n"},
		{"grammar", "standard: x12\nversion: \"004010\"\nsegments: {A1: {name: a, elements: [1]}}\n"},
		{"grammar", "standard: x12\nversion: \"004010\"\nset: \"1\"\nname: a\nbody: [A1 M]\n"},
		{"grammar", "standard: x12\nversion: \"004010\"\nset: \"1\"\nname: a\nbody: [{loop: A1 M 1}]\n"},
	} {
		if err := schema(t, c.kind).Validate(document(t, []byte(c.text))); err == nil {
			t.Errorf("%s: an editor would not see what is wrong with %q", c.kind, c.text)
		}
	}
}

// TestReadmeOverlay: the example of the guide is one that compiles.
func TestReadmeOverlay(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, block := range strings.Split(string(text), "```") {
		example, isYAML := strings.CutPrefix(block, "yaml\n")
		if !isYAML || !grammar.IsOverlay([]byte(example)) {
			continue
		}
		found = true
		if _, err := grammar.Open(grammars.FS()).Overlay("README.md", []byte(example)); err != nil {
			t.Error(err)
		}
		if err := schema(t, "overlay").Validate(document(t, []byte(example))); err != nil {
			t.Error(err)
		}
	}
	if !found {
		t.Error("the guide has no overlay")
	}
}
