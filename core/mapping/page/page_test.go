package page_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping/page"
	"github.com/crossdock/crossdock/core/mapping/specification"
)

var update = flag.Bool("update", false, "write golden files")

// TestPages: the pages of a mapping that uses most of the language.
func TestPages(t *testing.T) {
	m, err := specification.Read(os.DirFS("testdata"), "order.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"order.html", "order.md"} {
		var b bytes.Buffer
		write := page.HTML
		if strings.HasSuffix(name, ".md") {
			write = page.Markdown
		}
		if err := write(&b, m); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != string(want) {
			t.Errorf("%s differs (run with -update to accept):\n%s", name, got)
		}
	}
}

// TestEscaping: what a mapping says never becomes part of the page's own markup.
func TestEscaping(t *testing.T) {
	m, err := specification.Read(fstest.MapFS{"m.yaml": {Data: []byte(`mapping: m
version: 1.0.0
description: "<script>alert(1)</script>"
source: {format: x}
target: {entity: Inventory}
codelists: {c: {"<b>": "a|b"}}
fields: {id: {const: "<img src=x>"}}
tests: [{name: t, input: {a: "</pre>"}, error: "~~~ <i>"}]
`)}}, "m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var html, markdown bytes.Buffer
	if err := page.HTML(&html, m); err != nil {
		t.Fatal(err)
	}
	if err := page.Markdown(&markdown, m); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<b>", "<img", "<i>"} {
		if strings.Contains(html.String(), bad) || strings.Contains(markdown.String(), bad) {
			t.Errorf("%s stands in the page as it is", bad)
		}
	}
	if strings.Count(html.String(), "</pre>") != 1 {
		t.Error("a document ended its block")
	}
	if !strings.Contains(markdown.String(), `a\|b`) {
		t.Error("a code with | breaks the table")
	}
}
