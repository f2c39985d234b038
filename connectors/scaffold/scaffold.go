// Package scaffold writes the first version of a connector: a module that
// builds, runs and passes the conformance suite before its author has changed
// a line. `crossdock connector new` is a thin command around it.
//
// Starting from something that works turns writing a connector into a series
// of small changes, each of which the suite judges.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// goVersion is written into go.mod when there is no checkout to take it from.
const goVersion = "1.26.0"

// replacedVersion stands for a module that is taken from a folder.
const replacedVersion = "v0.0.0-00010101000000-000000000000"

// Write writes the connector name as the Go module module into dir, which must
// be absent or empty. Files are written in a temporary folder beside dir first,
// so a failure leaves nothing behind.
//
// crossdockDir, when not empty, is a checkout of Crossdock that the module
// builds against instead of a released version. Without it the author runs
// `go get github.com/crossdock/crossdock@latest` and `go mod tidy` once.
func Write(dir, name, module, crossdockDir string) error {
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`).MatchString(name) {
		return fmt.Errorf("connector name %q: use lower-case letters, digits and dashes, beginning with a letter, as in acme-wms", name)
	}
	if module == "" || strings.ContainsAny(module, " \t\n\"'`\\") {
		return fmt.Errorf("module path %q: write it as in go.mod, for example example.com/acme/%s", module, name)
	}
	if err := mustBeFree(dir); err != nil {
		return err
	}
	data, err := newValues(name, module, crossdockDir)
	if err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("creating the folder for connector %s: %w", name, err)
	}
	temp, err := os.MkdirTemp(parent, ".connector-new-*")
	if err != nil {
		return fmt.Errorf("creating the folder for connector %s: %w", name, err)
	}
	if err := render(temp, data); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, os.RemoveAll(temp))
	}
	if err := errors.Join(os.Chmod(temp, 0o755), os.Rename(temp, dir)); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return nil
}

func mustBeFree(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at %s: %w", dir, err)
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty (it has %s); choose a new folder, nothing was written", dir, entries[0].Name())
	}
	return nil
}

// values fill the templates.
type values struct {
	Name, Module, Go            string
	Crossdock, Version, Require string
	sums                        []byte
}

// newValues takes the requirements and checksums of a checkout, so that the
// new module builds with what is already downloaded.
func newValues(name, module, crossdockDir string) (values, error) {
	v := values{Name: name, Module: module, Go: goVersion}
	if crossdockDir == "" {
		return v, nil
	}
	root, err := filepath.Abs(crossdockDir)
	if err != nil {
		return v, fmt.Errorf("the Crossdock checkout %s: %w", crossdockDir, err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err == nil {
		v.sums, err = os.ReadFile(filepath.Join(root, "go.sum"))
	}
	if err != nil {
		return v, fmt.Errorf("%s is not a checkout of Crossdock: %w", crossdockDir, err)
	}
	text := string(mod)
	if !strings.Contains(text, "module github.com/crossdock/crossdock\n") {
		return v, fmt.Errorf("%s is not a checkout of Crossdock: its go.mod names another module", crossdockDir)
	}
	if m := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(text); m != nil {
		v.Go = m[1]
	}
	for _, block := range regexp.MustCompile(`(?ms)^require \(.*?^\)\n|^require [^(\n]*\n`).FindAllString(text, -1) {
		v.Require += block
	}
	v.Crossdock, v.Version = filepath.ToSlash(root), replacedVersion
	return v, nil
}

func render(dir string, v values) error {
	entries, err := templates.ReadDir("templates")
	if err != nil {
		return err
	}
	for _, e := range entries {
		t, err := template.ParseFS(templates, "templates/"+e.Name())
		if err != nil {
			return fmt.Errorf("template %s: %w", e.Name(), err)
		}
		var out bytes.Buffer
		if err := t.Execute(&out, v); err != nil {
			return fmt.Errorf("template %s: %w", e.Name(), err)
		}
		file := filepath.Join(dir, strings.TrimSuffix(e.Name(), ".tmpl"))
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if v.sums != nil {
		return os.WriteFile(filepath.Join(dir, "go.sum"), v.sums, 0o644)
	}
	return nil
}
