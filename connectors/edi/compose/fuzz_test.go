package compose_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

// derived are the files of our own making.
func derived(t testing.TB) [][]byte {
	names, err := filepath.Glob("../verdict/testdata/derived/*.edi")
	if err != nil || len(names) < 100 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	var out [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func graded(t testing.TB, file []byte) verdict.Report {
	t.Helper()
	r, err := verdict.Grade("", bytes.NewReader(file), &validate.Validator{Grammars: library})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzCompose writes any JSON: it is refused, or makes a file that our own reader
// accepts, the same one every time.
func FuzzCompose(f *testing.F) {
	for _, file := range derived(f) {
		for _, doc := range shaped(f, file, 0) {
			f.Add([]byte(doc))
		}
	}
	f.Add([]byte(`{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "date": "2026-01-05", "ship_to": {"name": "A"}, "lines": [{"line": "1", "quantity": 4.5, "unit": "EA", "ids": {"gtin12": "614141000012"}}]}}`))
	f.Add([]byte(`{"order": {"number": "1", "dates": [{"date": {"qualifier": "137", "value": "20260105"}}], "lines": [{"line": "1"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := compose.Read(text)
		if err != nil {
			return
		}
		for _, to := range []compose.Agreement{acme, nord} {
			out, err := to.Interchange(library, []*compose.Document{doc}, numbers)
			if err != nil {
				continue
			}
			if r := graded(t, out); r.Verdict == verdict.Reject && !bytes.Contains(text, []byte("_extra")) {
				t.Fatalf("%s: %v", out, r.Findings)
			}
			again, err := to.Interchange(library, []*compose.Document{doc}, numbers)
			if err != nil || !bytes.Equal(out, again) {
				t.Fatalf("%s\nthe second time %v\n%s", out, err, again)
			}
		}
		out, err := compose.Restore(library, []*compose.Document{doc})
		if err != nil || bytes.Contains(text, []byte("rejected")) || bytes.Contains(text, []byte("_extra")) {
			return
		}
		if r := graded(t, out); r.Verdict == verdict.Reject {
			t.Fatalf("%s: %v", out, r.Findings)
		}
	})
}

// FuzzRoundTrip reads any clean file, writes it back, and reads the same
// documents again. Bytes may differ in what EDI has two ways to write, such as
// leading zeros or a decimal comma; what was written back does not change again.
func FuzzRoundTrip(f *testing.F) {
	for _, file := range derived(f) {
		f.Add(file, uint8(0))
		f.Add(file, uint8(1))
	}
	for _, set := range everySet(f) {
		f.Add(generate(set, 1), uint8(2))
	}
	f.Fuzz(func(t *testing.T, file []byte, items uint8) {
		if kindOf(t, file) != "" {
			return
		}
		docs := shaped(t, file, int(items))
		back, err := restored(docs)
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, file, strings.Join(docs, "\n"))
		}
		if r := graded(t, back); r.Verdict == verdict.Reject {
			t.Fatalf("%q: %v", back, r.Findings)
		}
		again := shaped(t, back, int(items))
		if !slices.Equal(docs, again) {
			t.Fatalf("%q\n%s\nwritten\n%q\n%s", file, strings.Join(docs, "\n"), back, strings.Join(again, "\n"))
		}
		same, err := restored(again)
		if err != nil || !bytes.Equal(back, same) {
			t.Fatalf("%v\n%q\n%q", err, back, same)
		}
	})
}
