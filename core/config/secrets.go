package config

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/core/strictyaml"
)

// references resolves ${env:NAME}, ${env:NAME|default} and ${file:path}.
type references struct {
	dir    string
	getenv func(string) string
	dotenv map[string]string
	seen   map[string]bool
}

var referenceRule = regexp.MustCompile(`\$\{(env|file):([^}|]+)(\|[^}]*)?\}`)

// secretName tells a secret from an address among environment variables.
var secretName = regexp.MustCompile(`(?i)(secret|token|pass|key|credential|dsn)`)

func newReferences(dir string, getenv func(string) string) *references {
	r := &references{dir: dir, getenv: getenv, dotenv: map[string]string{}, seen: map[string]bool{}}
	f, err := os.Open(filepath.Join(dir, ".env"))
	if err != nil {
		return r
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		k, v, ok := strings.Cut(sc.Text(), "=")
		if k = strings.TrimSpace(k); ok && !strings.HasPrefix(k, "#") {
			r.dotenv[k] = strings.TrimSpace(v)
		}
	}
	return r
}

// resolve replaces every reference below n in place, so that what is decoded
// later holds the values while positions stay those of the file.
func (r *references) resolve(f *strictyaml.File, n *yaml.Node, fs *strictyaml.Findings) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		n.Value = referenceRule.ReplaceAllStringFunc(n.Value, func(s string) string {
			m := referenceRule.FindStringSubmatch(s)
			v, err := r.lookup(m[1], m[2])
			if err != nil && m[3] != "" {
				return m[3][1:]
			}
			if err != nil {
				hint := "set it in the environment or in the project's .env file, or write ${env:" + m[2] + "|default}"
				if m[1] == "file" {
					hint = "the path is relative to the project's folder"
				}
				fs.Add(f.Pos(n), hint, "%v", err)
				return ""
			}
			if m[1] == "file" || secretName.MatchString(m[2]) {
				r.seen[v] = true
			}
			return v
		})
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	for _, c := range n.Content {
		r.resolve(f, c, fs)
	}
}

func (r *references) lookup(kind, name string) (string, error) {
	if kind == "env" {
		if v := r.getenv(name); v != "" {
			return v, nil
		}
		if v, ok := r.dotenv[name]; ok {
			return v, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the secret file %s: %w", name, strictyaml.WithoutPath(err))
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// values returns what references resolved to, longest first, without values
// too short to be secrets.
func (r *references) values() []string {
	var out []string
	for v := range r.seen {
		if len(v) >= 6 {
			out = append(out, v)
		}
	}
	sort.Slice(out, func(i, j int) bool { return len(out[i]) > len(out[j]) })
	return out
}
