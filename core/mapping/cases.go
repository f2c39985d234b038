package mapping

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// testCase is one entry of `tests`: a document, and what must become of it.
type testCase struct {
	name     string
	at       strictyaml.Pos
	input    []byte
	expect   *document.Node
	failure  string // text of the error that must come instead
	meta     map[string]string
	message  string
	now      time.Time
	tables   map[string]map[string]string
	warnings []string
}

// TestResult is the outcome of one test of a mapping file.
type TestResult struct {
	Name string
	// File, Line and Col are the place of the test.
	File      string
	Line, Col int
	// Diff lists the differences to the expected document, one a line: the path,
	// what was expected and what came. Empty when the test passed.
	Diff string
	// Known lists the differences of a way there and back that the rules are known
	// to make; they do not fail it.
	Known []string
	// Err is why the document could not be mapped; nil when that was expected.
	Err  error
	Took time.Duration
}

// Passed tells whether the test passed.
func (r TestResult) Passed() bool { return r.Diff == "" && r.Err == nil }

// String is one line for a passed test, and the reasons for a failed one.
func (r TestResult) String() string {
	at := fmt.Sprintf("%s:%d:%d", r.File, r.Line, r.Col)
	switch {
	case r.Err != nil:
		return fmt.Sprintf("FAIL %s (%s)\n    %v", r.Name, at, r.Err)
	case r.Diff != "":
		return fmt.Sprintf("FAIL %s (%s)\n    %s", r.Name, at, strings.ReplaceAll(r.Diff, "\n", "\n    "))
	}
	known := ""
	if len(r.Known) > 0 {
		known = ", " + finding.Counted(len(r.Known), "known difference")
	}
	return fmt.Sprintf("ok   %s (%s%s)", r.Name, r.Took.Round(10*time.Microsecond), known)
}

var testKeys = []string{"name", "description", "input", "expect", "error", "meta", "messageId", "now", "lookups", "warnings"}

// tests reads `tests`. Files are read here, so that a missing one is found by
// the check.
func (c *compiler) tests(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		c.fail(c.file.at(n), CodeSyntax, "write - {name: text, input: file, expect: file}", "tests must be a list")
		return
	}
	names := map[string]bool{}
	for _, e := range n.Content {
		if !c.known(c.file, e, "a test", testKeys) {
			continue
		}
		t := testCase{at: c.file.at(e), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		t.name, _ = c.text(c.file, e, "name", "a test", true)
		if names[t.name] {
			c.fail(c.file.at(e), CodeValue, "", "two tests are called %q", t.name)
		}
		names[t.name] = true
		t.failure, _ = c.text(c.file, e, "error", "a test", false)
		t.message, _ = c.text(c.file, e, "messageId", "a test", false)
		if in := child(e, "input"); in == nil {
			c.fail(c.file.at(e), CodeRequired, "name a JSON file, or write the document out", `a test needs "input"`)
		} else if v := c.document(in); v != nil {
			t.input = v.AppendJSON(nil)
		}
		t.expect = c.document(child(e, "expect"))
		if (child(e, "expect") == nil) == (t.failure == "") {
			c.fail(c.file.at(e), CodeRequired, "", "a test needs either `expect` or `error`")
		}
		c.testEnvironment(&t, e)
		c.m.cases = append(c.m.cases, t)
	}
}

func (c *compiler) testEnvironment(t *testCase, e *yaml.Node) {
	if now, v := c.text(c.file, e, "now", "a test", false); v != nil {
		var err error
		if t.now, err = time.Parse(time.RFC3339Nano, now); err != nil {
			c.fail(c.file.at(v), CodeValue, "", "now is a time such as 2026-05-12T08:00:00Z, found %q", now)
		}
	}
	t.meta = c.words(child(e, "meta"), "meta")
	if v := child(e, "warnings"); v != nil {
		for _, w := range v.Content {
			t.warnings = append(t.warnings, w.Value)
		}
	}
	pairs(child(e, "lookups"), func(k, v *yaml.Node) {
		l := c.lookups[k.Value]
		if l == nil || l.Table == "" {
			c.fail(c.file.at(k), CodeUnknown, near(k.Value, keys(c.lookups)), "the mapping has no table lookup %q", k.Value)
			return
		}
		if t.tables == nil {
			t.tables = map[string]map[string]string{}
		}
		if v.Kind != yaml.ScalarNode {
			t.tables[k.Value] = c.words(v, "lookups")
			return
		}
		t.tables[k.Value] = c.rows(c.m.lookups[k.Value], v.Value, v, "the test's lookup "+k.Value)
	})
}

// words reads a YAML mapping of texts.
func (c *compiler) words(n *yaml.Node, what string) map[string]string {
	if n == nil {
		return nil
	}
	out := map[string]string{}
	if n.Kind != yaml.MappingNode {
		c.fail(c.file.at(n), CodeSyntax, "", "%s must be a list of `name: text`", what)
		return out
	}
	pairs(n, func(k, v *yaml.Node) { out[k.Value] = v.Value })
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
			c.fail(c.file.at(n), CodeSyntax, "", "%v", err)
		}
		return v
	}
	name := path.Join(path.Dir(c.file.name), n.Value)
	if !fs.ValidPath(name) {
		c.fail(c.file.at(n), CodeUnknown, "", "the path %q leads out of the configuration folder", n.Value)
		return nil
	}
	b, err := fs.ReadFile(c.fsys, name)
	if err != nil {
		c.fail(c.file.at(n), CodeUnknown, "paths are relative to the mapping file", "the file %s cannot be read: %v", name, strictyaml.WithoutPath(err))
		return nil
	}
	v, err := document.Parse(b, "")
	if err != nil {
		c.fail(c.file.at(n), CodeValue, "", "%s: %v", name, err)
	}
	return v
}

// Test runs the tests that the mapping file contains, in order. Tables are what
// the tests say under `lookups`; nothing outside is asked.
func (m *Mapping) Test(ctx context.Context) []TestResult {
	out := make([]TestResult, len(m.cases))
	for i, t := range m.cases {
		r := TestResult{Name: t.name, File: t.at.File, Line: t.at.Line, Col: t.at.Col}
		began := time.Now()
		got, err := m.Map(ctx, t.input, t.facts())
		r.Took = time.Since(began)
		t.judge(&r, got, err)
		out[i] = r
	}
	return out
}

func (t testCase) facts() Input {
	return Input{MessageID: t.message, Meta: t.meta, Now: t.now, Lookup: t.lookup}
}

func (t testCase) lookup(_ context.Context, l Lookup, key string) (string, bool, error) {
	rows, ok := t.tables[l.Name]
	if !ok {
		return "", false, fmt.Errorf("the test has no rows for it; add lookups: {%s: {%q: value}}", l.Name, key)
	}
	v, found := rows[key]
	return v, found, nil
}

func (t testCase) judge(r *TestResult, got Output, err error) {
	if t.failure != "" {
		switch {
		case err == nil:
			r.Diff = fmt.Sprintf("expected an error with %q, but the document was mapped", t.failure)
		case !strings.Contains(err.Error(), t.failure):
			r.Err = fmt.Errorf("expected an error with %q, got: %w", t.failure, err)
		}
		return
	}
	if err != nil {
		r.Err = err
		return
	}
	n, err := document.Parse(got.Doc, "")
	if err != nil {
		r.Err = err
		return
	}
	lines := insight.Differences(t.expect, n)
	for _, w := range t.warnings {
		if !strings.Contains(fmt.Sprint(got.Warnings), w) {
			lines = append(lines, fmt.Sprintf("expected a warning with %q", w))
		}
	}
	r.Diff = strings.Join(lines, "\n")
}
