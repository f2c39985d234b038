// Package retail is the example project that `crossdock demo` runs: the
// settings, connections and partners of a small retailer. Its routes and
// mappings are those of the top-level folders of the same names.
package retail

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crossdock/crossdock/mappings"
	"github.com/crossdock/crossdock/routes"
)

//go:embed crossdock.yaml connections/*.yaml partners/*.yaml
var files embed.FS

// Write writes the project into dir, which must exist. Files that are there
// already are replaced.
func Write(dir string) error {
	for _, part := range []struct {
		from fs.FS
		to   string
	}{{files, "."}, {mappings.FS, "mappings"}, {routes.FS, "routes"}} {
		err := fs.WalkDir(part.from, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			to := filepath.Join(dir, part.to, filepath.FromSlash(name))
			if d.IsDir() {
				return os.MkdirAll(to, 0o755)
			}
			b, err := fs.ReadFile(part.from, name)
			if err != nil {
				return err
			}
			return os.WriteFile(to, b, 0o644)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
