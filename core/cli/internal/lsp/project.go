package lsp

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/mapping"
)

// overlay is a project's folder in which the texts of open documents stand in
// the place of what is saved.
type overlay struct {
	fs.FS
	texts map[string]string // by path in the folder
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if text, ok := o.texts[name]; ok {
		return &buffer{Reader: bytes.NewReader([]byte(text)), name: path.Base(name), size: int64(len(text))}, nil
	}
	return o.FS.Open(name)
}

// buffer is an open document as a file.
type buffer struct {
	io.Reader
	name string
	size int64
}

// Close and the other methods implement fs.File and fs.FileInfo.
func (b *buffer) Close() error               { return nil }
func (b *buffer) Stat() (fs.FileInfo, error) { return b, nil }
func (b *buffer) Name() string               { return b.name }
func (b *buffer) Size() int64                { return b.size }
func (b *buffer) Mode() fs.FileMode          { return 0o444 }
func (b *buffer) ModTime() time.Time         { return time.Time{} }
func (b *buffer) IsDir() bool                { return false }
func (b *buffer) Sys() any                   { return nil }

// pathOf is the file that a URI names; "" for what is not a file.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return ""
	}
	p := u.Path
	if runtime.GOOS == "windows" {
		p = strings.TrimPrefix(p, "/")
	}
	return filepath.Clean(filepath.FromSlash(p))
}

func uriOf(file string) string {
	p := filepath.ToSlash(file)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// folderOf finds the project's folder of a file: the named one if the file is in
// it; else the nearest one above with a crossdock.yaml, the folder the editor has
// open, the one above mappings, or the file's own.
func folderOf(file, named string, roots []string) string {
	if named != "" && filepath.IsLocal(filepath.FromSlash(inFolder(named, file))) {
		return named
	}
	above := ""
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "crossdock.yaml")); err == nil {
			return dir
		}
		if filepath.Base(dir) == "mappings" && above == "" {
			above = filepath.Dir(dir)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	for _, root := range roots {
		if rel, err := filepath.Rel(root, file); err == nil && filepath.IsLocal(rel) {
			return root
		}
	}
	if above != "" {
		return above
	}
	return filepath.Dir(file)
}

// inFolder is the path of a file within a folder, with slashes.
func inFolder(dir, file string) string {
	rel, err := filepath.Rel(dir, file)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel)
}

var (
	mappingFile  = regexp.MustCompile(`(?m)^(mapping|source|target|fields)\s*:`)
	fragmentFile = regexp.MustCompile(`(?m)^fragment\s*:`)
)

// result is what a check of one document gives.
type result struct {
	insight *mapping.Insight
	found   []mapping.Finding
}

// examine checks a document of a project. Other YAML files of a project, such as
// routes, are none of the language's. A fragment is checked where it is used.
func examine(project overlay, file, text string) result {
	switch {
	case fragmentFile.MatchString(text):
		return examineFragment(project, file)
	case mappingFile.MatchString(text), strings.HasPrefix(file, "mappings/"):
		return inspect(project, file)
	}
	return result{}
}

// inspect checks one mapping. A panic is a mistake in the check, which must not
// take the editor's server with it.
func inspect(project overlay, file string) (r result) {
	defer func() {
		if p := recover(); p != nil {
			r.found = []mapping.Finding{{
				File: file, Line: 1, Col: 1, Severity: mapping.SeverityError, Code: mapping.CodeSyntax,
				Message: fmt.Sprintf("the check stopped: %v", p), Hint: "please report this with the file",
			}}
		}
	}()
	r.insight, r.found = mapping.Inspect(project, file)
	return r
}

// maxUsers is in how many mappings a fragment is checked.
const maxUsers = 10

func examineFragment(project overlay, file string) result {
	var r result
	users := 0
	for _, p := range candidates(project, file) {
		b, err := fs.ReadFile(project, p)
		if err != nil || !bytes.Contains(b, []byte(path.Base(file))) || fragmentFile.Match(b) {
			continue
		}
		used := inspect(project, p)
		if used.insight != nil && used.insight.Roots[file] == nil && !slices.ContainsFunc(used.found, func(f mapping.Finding) bool { return f.File == file }) {
			continue
		}
		if users++; users > maxUsers {
			break
		}
		if used.insight != nil && used.insight.Roots[file] != nil && r.insight == nil {
			r.insight = used.insight
		}
		for _, f := range used.found {
			if f.File == file && !slices.Contains(r.found, f) {
				r.found = append(r.found, f)
			}
		}
	}
	return r
}

// candidates are the files that may use a fragment: the project's mappings, those
// beside it and above it, and the open ones.
func candidates(project overlay, file string) []string {
	out, err := mapping.Open(project).Paths()
	if err != nil {
		out = nil // there is no folder of mappings
	}
	for _, dir := range []string{path.Dir(file), path.Dir(path.Dir(file))} {
		beside, err := fs.Glob(project, path.Join(dir, "*.yaml"))
		if err == nil {
			out = append(out, beside...)
		}
	}
	for p := range project.texts {
		out = append(out, p)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(p string) bool { return p == file || path.Ext(p) != ".yaml" })
}
