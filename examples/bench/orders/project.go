package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/crossdock/crossdock/mappings"
)

// writeProject writes the bench's project with the shipped mappings.
func writeProject(dir string) error {
	write := func(from fs.FS, strip, to string) error {
		return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasPrefix(name, strip) {
				return err
			}
			b, err := fs.ReadFile(from, name)
			if err != nil {
				return err
			}
			out := filepath.Join(dir, to, filepath.FromSlash(strings.TrimPrefix(name, strip)))
			if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
				return err
			}
			return os.WriteFile(out, b, 0o644)
		})
	}
	if err := write(files, "project/", "."); err != nil {
		return err
	}
	return write(mappings.FS, "", "mappings")
}
