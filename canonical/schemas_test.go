package canonical

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func samples(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("samples", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples match %s: %v", pattern, err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

// entityOf reads the entity from a document's schema member: "order/1.0".
func entityOf(t *testing.T, doc []byte) string {
	t.Helper()
	var v struct{ Schema string }
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	name, _, ok := strings.Cut(v.Schema, "/")
	if !ok {
		t.Fatalf("sample has no schema member: %s", doc)
	}
	return name
}

func TestSamples(t *testing.T) {
	for file, doc := range samples(t, "*.json") {
		t.Run(file, func(t *testing.T) {
			err := Validate(entityOf(t, doc), doc)
			if bad := strings.HasPrefix(file, "BAD-"); bad == (err == nil) {
				t.Fatalf("Validate = %v", err)
			} else if bad {
				t.Log(err)
			}
		})
	}
}
