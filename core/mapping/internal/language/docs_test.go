package language

import (
	"regexp"
	"strings"
	"testing"
)

// TestDocs: what editors explain exists, and what the language adds to CEL is
// explained.
func TestDocs(t *testing.T) {
	env, err := StandardEnv()
	if err != nil {
		t.Fatal(err)
	}
	if env, err = env.Extend(DefaultSettings.Functions()...); err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, m := range env.Macros() {
		exists[m.Function()] = true
	}
	for name, f := range env.Functions() {
		exists[name] = true
		_, alone := Document(name, false)
		_, method := Document(name, true)
		known := alone || method || f.Description() != "" || strings.HasSuffix(name, "Ascii") || name == "format" || name == "in"
		if regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`).MatchString(name) && !known {
			t.Errorf("%s() is not explained; add it to Docs", name)
		}
	}
	for _, d := range Docs {
		if !exists[d.Name] {
			t.Errorf("%s() does not exist", d.Name)
		}
		if !strings.Contains(d.Use, d.Name+"(") || !strings.HasSuffix(d.About, ".") && !strings.HasSuffix(d.About, "?") {
			t.Errorf("%s(): %q, %q", d.Name, d.Use, d.About)
		}
	}
}
