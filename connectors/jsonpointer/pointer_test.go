package jsonpointer_test

import (
	"testing"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
)

const doc = `{"order":{"lines":[{"sku":"A-1","qty":2.50},{"sku":"B/2"}],"a/b":true,"m~n":null}}`

func TestFindAndRaw(t *testing.T) {
	v, err := jsonpointer.Decode([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		pointer, text, raw string
		found              bool
	}{
		{"/order/lines/0/sku", "A-1", `"A-1"`, true},
		{"/order/lines/0/qty", "2.50", `2.50`, true}, // digits stay as they were written
		{"/order/a~1b", "true", `true`, true},
		{"/order/m~0n", "", `null`, true},
		{"/order/lines/2", "", "", false},
		{"/order/lines/01", "", "", false}, // an index has no leading zeros
		{"/order/lines/-1", "", "", false},
		{"/order/x", "", "", false},
		{"/order/lines/0/sku/x", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.pointer, func(t *testing.T) {
			p, err := jsonpointer.Parse(tt.pointer)
			if err != nil {
				t.Fatal(err)
			}
			got, found := p.Find(v)
			text, _ := jsonpointer.Text(got)
			raw, _ := p.Raw([]byte(doc))
			if found != tt.found || text != tt.text || string(raw) != tt.raw {
				t.Errorf("found %v %q raw %q, want %v %q %q", found, text, raw, tt.found, tt.text, tt.raw)
			}
		})
	}
}

func TestParseRefusesWhatIsNoPointer(t *testing.T) {
	for _, s := range []string{"order", "/a~", "/a~2b"} {
		if _, err := jsonpointer.Parse(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
		if _, found := jsonpointer.Must(s).Find(map[string]any{"order": 1}); found && s != "order" {
			t.Errorf("%q found something", s)
		}
	}
}

func TestDecodeTellsThePlace(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "it is empty",
		" \n\t":                 "it is empty",
		"{\n \"a\": x}":         "invalid character 'x' looking for beginning of value at line 2, column 8",
		`{"a":1`:                "it ends too early, at line 1, column 7",
		"{}\n{}":                "it goes on after the end of the document, at line 2, column 2",
		"{\"a\":\"M\xfcller\"}": "it is not UTF-8",
		"<html>":                "invalid character '<' looking for beginning of value at line 1, column 2",
		`{"order":"4711"} null`: "it goes on after the end of the document, at line 1, column 22",
	} {
		if _, err := jsonpointer.Decode([]byte(in)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

func TestTextKeepsDigits(t *testing.T) {
	v, err := jsonpointer.Decode([]byte(`[12345678901234567890, 1.50, 1e3, true, "x", null, {}, []]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"12345678901234567890", "1.50", "1e3", "true", "x", "-", "-", "-"}
	for i, one := range v.([]any) {
		got, ok := jsonpointer.Text(one)
		if !ok {
			got = "-"
		}
		if got != want[i] {
			t.Errorf("%v: %q, want %q", one, got, want[i])
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("/order/lines/0", doc)
	f.Add("/a~1b", `{"a/b":1}`)
	f.Fuzz(func(t *testing.T, pointer, doc string) {
		p, err := jsonpointer.Parse(pointer)
		if err != nil {
			return
		}
		if p.String() != pointer {
			t.Errorf("%q is written %q", pointer, p.String())
		}
		v, err := jsonpointer.Decode([]byte(doc))
		if err != nil {
			return
		}
		_, found := p.Find(v)
		if _, raw := p.Raw([]byte(doc)); raw != found {
			t.Errorf("Find says %v, Raw says %v", found, raw)
		}
	})
}
