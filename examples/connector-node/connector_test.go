//go:build integration

package connectornode

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/crossdock/crossdock/connectors/conformance"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// The JavaScript connector passes the suite that the Go connectors pass.
func TestConformance(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("DID NOT RUN: the JavaScript connector needs Node.js 18 or newer: %v", err)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skipf("DID NOT RUN: the JavaScript connector's packages need npm: %v", err)
	}
	main := install(t, npm)
	conformance.Run(t, conformance.Target{
		Command: []string{node, main},
		Source: func(t testing.TB) conformance.Source {
			dir := t.TempDir()
			n := 0
			return conformance.Source{
				Config: map[string]any{"dir": dir},
				Fill: func(more int) {
					for range more {
						n++
						put(t, dir, fmt.Sprintf("order-%04d.json", n), fmt.Sprintf(`{"order": %d}`, n))
					}
				},
				Acked: func() int { return count(t, filepath.Join(dir, "done")) },
			}
		},
		Sink: func(t testing.TB) conformance.Sink {
			dir := t.TempDir()
			return conformance.Sink{
				Config:  map[string]any{"dir": dir},
				Effects: func() int { return count(t, dir) },
				Bad:     func() sdk.Record { return sdk.Record{ID: "bad", Payload: []byte("no JSON")} },
			}
		},
		Call: func(t testing.TB) conformance.Call {
			return conformance.Call{Config: map[string]any{"dir": t.TempDir()}, Operation: "count", Input: sdk.Record{Payload: []byte("{}")}}
		},
	})
}

// install copies the connector and the protocol into a folder of the test's
// own, so that no node_modules appears in the source tree.
func install(t *testing.T, npm string) (main string) {
	t.Helper()
	root := t.TempDir()
	at := filepath.Join(root, "examples", "connector-node")
	for from, to := range map[string]string{
		".": at, "proto": filepath.Join(at, "proto"), "../../plugins/protocol": filepath.Join(root, "plugins", "protocol"),
	} {
		copyFiles(t, from, to)
	}
	c := exec.Command(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	c.Dir = at
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return filepath.Join(at, "main.js")
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.js", "*.json", "*.proto"} {
		files, err := filepath.Glob(filepath.Join(from, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err == nil {
				err = os.WriteFile(filepath.Join(to, filepath.Base(f)), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func put(t testing.TB, dir, name, content string) {
	t.Helper()
	temp := filepath.Join(dir, ".new")
	if err := os.WriteFile(temp, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
