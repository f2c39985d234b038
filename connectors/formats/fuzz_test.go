package formats_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/formats"
)

// fuzz checks what holds for every input: a decoder ends, gives valid JSON
// within the size limit, numbers its records, and places its errors inside the
// input.
func fuzz(f *testing.F, o formats.Options, seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	o.MaxRecord = 1 << 12
	f.Fuzz(func(t *testing.T, input string) {
		decoder, err := formats.NewDecoder(strings.NewReader(input), "in", o)
		if err != nil {
			t.Fatal(err)
		}
		// Each call consumes something or ends.
		for range len(input) + 2 {
			rec, err := decoder.Next()
			var broken *formats.Error
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &broken):
				if broken.Line < 1 || broken.Col < 0 || broken.Offset < 0 || broken.Offset > int64(3*len(input)+1) || broken.Reason == "" {
					t.Fatalf("error without a place: %#v", broken)
				}
				if !broken.Row {
					return
				}
			case err != nil:
				t.Fatal(err)
			case !json.Valid(rec.JSON) || !utf8.Valid(rec.JSON) || rec.Line < 1:
				t.Fatalf("record %+v: %q", rec, rec.JSON)
			}
		}
		t.Fatal("the decoder does not end")
	})
}

func FuzzCSV(f *testing.F) {
	fuzz(f, csv(formats.CSVOptions{}), "a,b\n1,2\n", "a\n\"x\ny\"\n", "a,b\r\n\"\"\"\",", "\ufeffa\n\xff\n")
}

func FuzzCSVGroups(f *testing.F) {
	fuzz(f, csv(formats.CSVOptions{GroupBy: "r", Trim: true, OmitEmpty: true}), "r,g\n1,a\n1,b\n2,c\n", "r\n \n")
}

func FuzzJSON(f *testing.F) {
	fuzz(f, formats.Options{Format: formats.JSON}, `[{"a":1},{"b":[2]}]`, "{}", "[1,\n2", "[1}", "\"\xff\"")
}

func FuzzJSONPointer(f *testing.F) {
	fuzz(f, formats.Options{Format: formats.JSON, JSON: formats.JSONOptions{Pointer: "/a/b"}}, `{"x":[1],"a":{"b":[1,2]},"y":{}}`, `{"a":1}`)
}

func FuzzNDJSON(f *testing.F) {
	fuzz(f, formats.Options{Format: formats.NDJSON}, "{}\n[1]\n", "{\"a\":\n")
}

func FuzzXML(f *testing.F) {
	fuzz(f, formats.Options{Format: formats.XML, XML: formats.XMLOptions{Record: "a/b", Arrays: []string{"c"}}}, "<a><b x='1'><c>1</c><c/></b></a>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a><b>")
}

func FuzzFixed(f *testing.F) {
	fuzz(f, formats.Options{Format: formats.Fixed, Fixed: formats.FixedOptions{Columns: []formats.FixedColumn{{Name: "a", Start: 2, Length: 3}, {Name: "b", Start: 5, Length: 1, Align: "right", Pad: "0"}}}}, " abc0\n", "ü\n", "\xff    \n")
}
