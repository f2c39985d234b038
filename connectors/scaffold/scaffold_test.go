package scaffold

import (
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A new connector builds and passes the conformance suite as it is.
func TestNewConnectorPasses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "acme-wms")
	if err := Write(dir, "acme-wms", "example.com/acme/wms", "../.."); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "crossdock-connector-acme-wms")
	run(t, dir, "go", "build", "-o", binary, ".")
	out := run(t, dir, "go", "test", "-vet=off", "-v", ".")
	for _, want := range []string{"TestConformance/in_process/source/resume", "TestConformance/as_a_process/sink/one_effect"} {
		if !strings.Contains(out, "--- PASS: "+want) {
			t.Errorf("the new connector's own tests did not run %s", want)
		}
	}
	if out, err := exec.Command(binary).CombinedOutput(); err == nil || !strings.Contains(string(out), "acme-wms is a Crossdock connector") {
		t.Errorf("started by hand the connector says %q (%v); expected an explanation and a failure", out, err)
	}
}

// run runs the go tool offline: everything is in the module cache already.
func run(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	c := exec.Command(argv[0], argv[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

func TestWrittenFilesAreFormatted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := Write(dir, "acme", "example.com/acme", ""); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 5 {
		t.Fatalf("expected five files, found %v (%v)", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "{{") && !strings.HasSuffix(f, ".go") {
			t.Errorf("%s has a template left in it", f)
		}
		if !strings.HasSuffix(f, ".go") {
			continue
		}
		nice, err := format.Source(text)
		if err != nil {
			t.Errorf("%s: %v", f, err)
		} else if string(nice) != string(text) {
			t.Errorf("%s is not formatted", f)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine.txt"), []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ dir, name, module, crossdock, want string }{
		{"x", "Acme WMS", "example.com/a", "", "lower-case"},
		{"x", "acme", "", "", "module path"},
		{"x", "acme", "has space", "", "module path"},
		{full, "acme", "example.com/a", "", "is not empty (it has mine.txt)"},
		{"x", "acme", "example.com/a", full, "is not a checkout of Crossdock"},
	} {
		dir := test.dir
		if dir == "x" {
			dir = filepath.Join(t.TempDir(), "x")
		}
		err := Write(dir, test.name, test.module, test.crossdock)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Write(%q, %q) = %v, expected an error with %q", test.name, test.module, err, test.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "main.go")); err == nil {
			t.Errorf("Write(%q) wrote files although it failed", test.name)
		}
	}
	if text, err := os.ReadFile(filepath.Join(full, "mine.txt")); err != nil || string(text) != "keep" {
		t.Errorf("a file of the user changed: %q, %v", text, err)
	}
}
