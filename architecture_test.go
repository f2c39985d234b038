package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/crossdock/crossdock"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

// layers of core, from the top; an arrow may only point down.
var layers = [][]string{
	{"cli"}, {"node"}, {"config", "console"}, {"intake", "routing"}, {"delivery", "mapping"}, {"engine"}, {"ledger"}, {"telemetry"}, {"strictyaml"},
}

func layerOf(importPath string) int {
	name := corePackage(importPath)
	for i, l := range layers {
		for _, p := range l {
			if p == name {
				return i
			}
		}
	}
	return -1
}

// corePackage is the folder below core to which a package belongs, with what is
// internal to it.
func corePackage(importPath string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(importPath, module+"/core/"), "/")
	return name
}

// TestImportRules holds the layout: who may know whom.
func TestImportRules(t *testing.T) {
	in := func(path, folder string) bool {
		return path == module+"/"+folder || strings.HasPrefix(path, module+"/"+folder+"/")
	}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, module+"/") {
				continue
			}
			bad := func(rule string) { t.Errorf("%s imports %s: %s", p.ImportPath, imp, rule) }
			switch {
			case in(p.ImportPath, "canonical"):
				if !in(imp, "canonical") {
					bad("canonical imports nothing of ours")
				}
			case in(p.ImportPath, "connectors"):
				if in(imp, "core") {
					bad("connectors do not know the core")
				}
				for _, c := range []string{"rest", "soap", "sftp", "edi", "database"} {
					if in(imp, "connectors/"+c) && !in(p.ImportPath, "connectors/"+c) {
						bad("connectors do not know each other")
					}
				}
			case in(p.ImportPath, "plugins/host"), in(p.ImportPath, "plugins/protocol"):
				if in(imp, "connectors") || in(imp, "core") {
					bad("the plugin boundary knows only the protocol")
				}
			case in(p.ImportPath, "core/cli"):
			case in(p.ImportPath, "core"):
				if in(imp, "connectors") {
					bad("core talks to connectors only through plugins/host")
				}
				if in(imp, "core") && corePackage(imp) != corePackage(p.ImportPath) {
					from, to := layerOf(p.ImportPath), layerOf(imp)
					if from < 0 || to < 0 {
						t.Errorf("%s or %s has no layer: add it to the list", p.ImportPath, imp)
					} else if to <= from {
						bad("between core packages arrows point down")
					}
				}
			}
			if in(imp, "core/cli") && p.ImportPath != module && !in(p.ImportPath, "examples") && !in(p.ImportPath, "core/cli") {
				bad("nothing imports core/cli")
			}
		}
	}
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// maxPackage is how many lines a package may have, tests and generated files not
// counted.
const maxPackage = 3000

// TestPackageSize keeps packages small enough to read.
func TestPackageSize(t *testing.T) {
	for _, p := range packages(t) {
		lines := 0
		for _, f := range p.GoFiles {
			b, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if !generated.Match(b) {
				lines += bytes.Count(b, []byte("\n"))
			}
		}
		if lines > maxPackage {
			t.Errorf("%s has %d lines, %d are the limit: what is its second idea?", p.ImportPath, lines, maxPackage)
		}
	}
}

// TestExportedNamesAreDocumented holds the promise that every exported name
// says what it does.
func TestExportedNamesAreDocumented(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.GoFiles {
			name := filepath.Join(p.Dir, f)
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if generated.Match(b) {
				continue
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, b, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				for _, n := range undocumented(d) {
					t.Errorf("%s: %s has no comment", fset.Position(n.Pos()), n.Name)
				}
			}
		}
	}
}

func undocumented(d ast.Decl) []*ast.Ident {
	var out []*ast.Ident
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedReceiver(d.Recv)) && !wellKnown[d.Name.Name] {
			out = append(out, d.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					out = append(out, s.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						out = append(out, n)
					}
				}
			}
		}
	}
	return out
}

// wellKnown methods implement an interface that documents them.
var wellKnown = map[string]bool{
	"Error": true, "Unwrap": true, "String": true, "Close": true, "Len": true, "Less": true, "Swap": true, "Push": true, "Pop": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true, "ServeHTTP": true,
	"Enabled": true, "Handle": true, "WithAttrs": true, "WithGroup": true, "Write": true, "Read": true, "Call": true, "Is": true,
}

func exportedReceiver(r *ast.FieldList) bool {
	x := r.List[0].Type
	for {
		switch e := x.(type) {
		case *ast.StarExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

// TestForbiddenNames keeps rooms from being named after nothing.
func TestForbiddenNames(t *testing.T) {
	bad := regexp.MustCompile(`(?i)^(util|utils|common|helper|helpers|manager|base|misc)(\.go)?$`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if bad.MatchString(d.Name()) {
			t.Errorf("%s: name it after what it does", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryFolderHasAReadme: whoever works in a top-level folder is met by one.
func TestEveryFolderHasAReadme(t *testing.T) {
	for _, d := range []string{"canonical", "connectors", "core", "examples", "mappings", "plugins", "routes"} {
		f, err := os.Open(filepath.Join(d, "README.md"))
		if err != nil {
			t.Errorf("%s has no README.md", d)
			continue
		}
		if !bufio.NewScanner(f).Scan() {
			t.Errorf("%s/README.md is empty", d)
		}
		_ = f.Close()
	}
}
