// Package peer builds the programs that benchmarks compare with. Each is a module
// of its own, so that its dependencies are not ours.
package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build makes a program of files, by their names in its module, with one module of
// the peer's ("example.com/peer@v1.2.3") and what that needs. It is kept in the
// user's cache, and returns the binary. The first time takes a download.
func Build(name, module string, files map[string][]byte) (binary string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	_, version, _ := strings.Cut(module, "@")
	dir := filepath.Join(cache, "crossdock-bench", name+"-"+strings.TrimPrefix(version, "v"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	all := map[string][]byte{"go.mod": []byte("module bench.example/" + name + "\n\ngo 1.24\n")}
	for file, b := range files {
		all[file] = b
	}
	for file, b := range all {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o644); err != nil {
			return "", err
		}
	}
	for _, c := range [][]string{{"get", module}, {"mod", "tidy"}, {"build", "-trimpath", "-o", name, "."}} {
		cmd := exec.Command("go", c...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: go %s: %w\n%s", name, strings.Join(c, " "), err, out)
		}
	}
	return filepath.Join(dir, name), nil
}
