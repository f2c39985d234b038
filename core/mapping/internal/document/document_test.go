package document

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParseErrorsNameThePlace(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`{"a": 1, "a": 2}`, `line 1, column 10: the member "a" appears twice`},
		{"{\"a\":\n 01}", "line 2, column 3"},
		{`{"a": "x`, "no closing quote"},
		{`[1, 2`, "it ends where a comma"},
		{`[1] 2`, "after the end of the document"},
		{strings.Repeat("[", MaxDepth+1), "nest deeper than 64"},
		{"\"\x01\"", `must be written as \u0001`},
		{"\"\xff\"", "not UTF-8"},
	} {
		if _, err := Parse([]byte(c.doc), "src"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.doc, err, c.want)
		}
	}
}

func TestNodesKnowTheirPlace(t *testing.T) {
	n, err := Parse([]byte(`{"po1": [{"ids": {"UP": "0001"}}, {"ids": {"UP": "0002"}}]}`), "src")
	if err != nil {
		t.Fatal(err)
	}
	leaf := n.Get("po1").Kids[1].Get("ids").Get("UP")
	if got := leaf.Path(); got != "src.po1[1].ids.UP" {
		t.Errorf("path %s", got)
	}
	if got := leaf.Copied().Path(); got != "" {
		t.Errorf("a copy still stands at %s", got)
	}
}

// FuzzParse holds the reader against encoding/json: what it accepts is JSON, and
// what it writes reads as the same value.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a": [1, -2.50e+3, true, null, "é\n\ud83d\ude00"], "b": {}}`, `1e999`, `"\u0000"`, `[[[]]]`, ` 0 `, `{"":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := Parse(doc, "src")
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(doc))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted %q, which is no JSON: %v", doc, err)
		}
		if !reflect.DeepEqual(n.Any(), want) {
			t.Fatalf("read %q as %v", doc, n.Any())
		}
		again, err := Parse(n.AppendJSON(nil), "src")
		if err != nil {
			t.Fatalf("its own output of %q: %v", doc, err)
		}
		if !reflect.DeepEqual(again.Any(), n.Any()) {
			t.Fatalf("%q became %q", doc, n.AppendJSON(nil))
		}
	})
}
