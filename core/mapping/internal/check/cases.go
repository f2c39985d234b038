package check

import (
	"io/fs"
	"path"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// Case is one entry of `tests`: a document, and what must become of it.
type Case struct {
	Name     string
	At       strictyaml.Pos
	Input    []byte
	Expect   *document.Node
	Failure  string // text of the error that must come instead
	Meta     map[string]string
	Message  string
	Now      time.Time
	Tables   map[string]map[string]string
	Warnings []string
}

var testKeys = []string{"name", "description", "input", "expect", "error", "meta", "messageId", "now", "lookups", "warnings"}

// tests reads `tests`. Files are read here, so that a missing one is found by
// the check.
func (c *compiler) tests(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		c.fail(c.file.At(n), finding.CodeSyntax, "write - {name: text, input: file, expect: file}", "tests must be a list")
		return
	}
	names := map[string]bool{}
	for _, e := range n.Content {
		if !c.known(c.file, e, "a test", testKeys) {
			continue
		}
		t := Case{At: c.file.At(e), Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		t.Name, _ = c.text(c.file, e, "name", "a test", true)
		if names[t.Name] {
			c.fail(c.file.At(e), finding.CodeValue, "", "two tests are called %q", t.Name)
		}
		names[t.Name] = true
		t.Failure, _ = c.text(c.file, e, "error", "a test", false)
		t.Message, _ = c.text(c.file, e, "messageId", "a test", false)
		if in := source.Child(e, "input"); in == nil {
			c.fail(c.file.At(e), finding.CodeRequired, "name a JSON file, or write the document out", `a test needs "input"`)
		} else if v := c.document(in); v != nil {
			t.Input = v.AppendJSON(nil)
		}
		t.Expect = c.document(source.Child(e, "expect"))
		if (source.Child(e, "expect") == nil) == (t.Failure == "") {
			c.fail(c.file.At(e), finding.CodeRequired, "", "a test needs either `expect` or `error`")
		}
		c.testEnvironment(&t, e)
		c.m.Cases = append(c.m.Cases, t)
	}
}

func (c *compiler) testEnvironment(t *Case, e *yaml.Node) {
	if now, v := c.text(c.file, e, "now", "a test", false); v != nil {
		var err error
		if t.Now, err = time.Parse(time.RFC3339Nano, now); err != nil {
			c.fail(c.file.At(v), finding.CodeValue, "", "now is a time such as 2026-05-12T08:00:00Z, found %q", now)
		}
	}
	t.Meta = c.words(source.Child(e, "meta"), "meta")
	if v := source.Child(e, "warnings"); v != nil {
		for _, w := range v.Content {
			t.Warnings = append(t.Warnings, w.Value)
		}
	}
	source.Pairs(source.Child(e, "lookups"), func(k, v *yaml.Node) {
		l := c.lookups[k.Value]
		if l == nil || l.Table == "" {
			c.fail(c.file.At(k), finding.CodeUnknown, near(k.Value, keys(c.lookups)), "the mapping has no table lookup %q", k.Value)
			return
		}
		if t.Tables == nil {
			t.Tables = map[string]map[string]string{}
		}
		if v.Kind != yaml.ScalarNode {
			t.Tables[k.Value] = c.words(v, "lookups")
			return
		}
		t.Tables[k.Value] = c.rows(c.m.Lookups[k.Value], v.Value, v, "the test's lookup "+k.Value)
	})
}

// words reads a YAML mapping of texts.
func (c *compiler) words(n *yaml.Node, what string) map[string]string {
	if n == nil {
		return nil
	}
	out := map[string]string{}
	if n.Kind != yaml.MappingNode {
		c.fail(c.file.At(n), finding.CodeSyntax, "", "%s must be a list of `name: text`", what)
		return out
	}
	source.Pairs(n, func(k, v *yaml.Node) { out[k.Value] = v.Value })
	return out
}

// document reads a test's document: the name of a JSON file, or YAML.
func (c *compiler) document(n *yaml.Node) *document.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.ScalarNode {
		v, err := document.FromYAML(n)
		if err != nil {
			c.fail(c.file.At(n), finding.CodeSyntax, "", "%v", err)
		}
		return v
	}
	name := path.Join(path.Dir(c.file.Name), n.Value)
	if !fs.ValidPath(name) {
		c.fail(c.file.At(n), finding.CodeUnknown, "", "the path %q leads out of the configuration folder", n.Value)
		return nil
	}
	b, err := fs.ReadFile(c.fsys, name)
	if err != nil {
		c.fail(c.file.At(n), finding.CodeUnknown, "paths are relative to the mapping file", "the file %s cannot be read: %v", name, strictyaml.WithoutPath(err))
		return nil
	}
	v, err := document.Parse(b, "")
	if err != nil {
		c.fail(c.file.At(n), finding.CodeValue, "", "%s: %v", name, err)
	}
	return v
}
