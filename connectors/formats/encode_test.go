package formats_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/formats"
)

func encode(o formats.Options, docs ...string) string {
	var out bytes.Buffer
	encoder, err := formats.NewEncoder(&out, o)
	if err != nil {
		return "config: " + err.Error()
	}
	for _, doc := range docs {
		if err := encoder.Encode([]byte(doc)); err != nil {
			return "! " + err.Error()
		}
	}
	if err := encoder.Close(); err != nil {
		return "! " + err.Error()
	}
	return out.String()
}

func TestEncode(t *testing.T) {
	latin1 := csv(formats.CSVOptions{})
	latin1.Encoding = "latin1"
	xml := formats.Options{Format: formats.XML, XML: formats.XMLOptions{Record: "Orders/Order", RootAttributes: map[string]string{"xmlns": "urn:x", "v": "1"}}}
	fixed := formats.Options{Format: formats.Fixed, Fixed: formats.FixedOptions{Columns: []formats.FixedColumn{
		{Name: "sku", Start: 1, Length: 4}, {Name: "qty", Start: 6, Length: 3, Align: "right", Pad: "0"},
	}}}
	for _, c := range []struct {
		name string
		o    formats.Options
		docs []string
		want string
	}{
		{"csv", csv(formats.CSVOptions{}), []string{`{"a":"x,\"y\"","b":1.50,"c":null,"d":true}`, `{"a":" z","b":2}`}, "a,b,c,d\n\"x,\"\"y\"\"\",1.50,,true\n\" z\",2,,\n"},
		{"csv with columns", csv(formats.CSVOptions{Columns: []string{"b", "a"}, Delimiter: ";", LineEnd: "crlf", NoHeader: true}), []string{`{"a":"1","b":"2"}`}, "2;1\r\n"},
		{"csv empty", csv(formats.CSVOptions{Columns: []string{"a", "b"}}), nil, "a,b\n"},
		{"csv groups", csv(formats.CSVOptions{GroupBy: "r", Columns: []string{"r", "g"}}), []string{`{"r":"R1","rows":[{"g":"a"},{"r":"R1","g":"b"}]}`}, "r,g\nR1,a\nR1,b\n"},
		{"csv unknown field", csv(formats.CSVOptions{Columns: []string{"a"}}), []string{`{"a":1,"b":2}`}, "! input: the field b has no column; add it to csv.columns, or leave it out in the mapping (byte 0)"},
		{"csv nested", csv(formats.CSVOptions{}), []string{`{"a":{}}`}, "! input: the field a is nested; a line holds plain values only: flatten it in the mapping (byte 0)"},
		{"csv unquoted", csv(formats.CSVOptions{Quote: "none"}), []string{`{"a":"x,y"}`}, "! input: the field a: the value \"x,y\" contains the delimiter or a line end, and csv.quote is none (byte 0)"},
		{"latin1", latin1, []string{`{"a":"ü"}`}, "a\n\xfc\n"},
		{"latin1 without the character", latin1, []string{`{"a":"€"}`}, "! input: \"a\\n€\\n\" contains a character that latin1 does not have: set encoding: utf-8, or replace it in the mapping (byte 0)"},
		{"json", formats.Options{Format: formats.JSON}, []string{`{"a":1}`}, "{\"a\":1}\n"},
		{"json twice", formats.Options{Format: formats.JSON}, []string{`{}`, `{}`}, "! input: a JSON file holds one document unless json.array is true; this is number 2 (byte 0)"},
		{"json array", formats.Options{Format: formats.JSON, JSON: formats.JSONOptions{Array: true}}, []string{`{"a":1}`, `{"a":2}`}, "[\n{\"a\":1},\n{\"a\":2}\n]\n"},
		{"json empty array", formats.Options{Format: formats.JSON, JSON: formats.JSONOptions{Array: true}}, nil, "[]\n"},
		{"ndjson", formats.Options{Format: formats.NDJSON}, []string{"{\n\"a\": 1}", `{}`}, "{\"a\":1}\n{}\n"},
		{"xml", xml, []string{`{"@id":1,"No":"a<b","Lines":{"Line":["x",{"@n":"1","#text":"y"}]},"None":null}`}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Orders v=\"1\" xmlns=\"urn:x\">\n<Order id=\"1\"><No>a&lt;b</No><Lines><Line>x</Line><Line n=\"1\">y</Line></Lines><None/></Order>\n</Orders>\n"},
		{"xml document type", formats.Options{Format: formats.XML, XML: formats.XMLOptions{Record: "a", DocType: `a SYSTEM "http://x/a.dtd"`}}, []string{`{"b":1}`}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE a SYSTEM \"http://x/a.dtd\">\n<a><b>1</b></a>\n"},
		{"xml document type that declares", formats.Options{Format: formats.XML, XML: formats.XMLOptions{Record: "a/b", DocType: `a [<!ENTITY x "y">]`}}, nil, "config: format.config: \"a [<!ENTITY x \\\"y\\\">]\" is no document type: write the name of the root element, and where its definition is, as in a SYSTEM \"http://…\""},
		{"xml injection", xml, []string{`{"a><b":1}`}, `! input: the member "a><b" cannot be the name of an XML element (byte 0)`},
		{"xml second root", formats.Options{Format: formats.XML, XML: formats.XMLOptions{Record: "a"}}, []string{`{}`, `{}`}, "! input: an XML file has one root: a second record needs a path such as Orders/Order in xml.record (byte 0)"},
		{"xml without names", formats.Options{Format: formats.XML}, nil, "config: format.config: writing XML needs the names of the elements: Order, or Orders/Order"},
		{"fixed", fixed, []string{`{"sku":"Aü","qty":12}`}, "Aü   012\n"},
		{"fixed too long", fixed, []string{`{"sku":"12345"}`}, `! input: the value "12345" of sku does not fit its column; shorten it in the mapping, or widen the column (byte 0)`},
		{"fixed unknown field", fixed, []string{`{"x":"1"}`}, "! input: the field x has no column in fixed.columns (byte 0)"},
		{"not an object", csv(formats.CSVOptions{}), []string{`[1]`}, "! input: the document is not a JSON object (byte 0)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := encode(c.o, c.docs...); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// What is written reads back as the same documents.
func TestRoundTrip(t *testing.T) {
	doc := `{"a":"x,\"y\";'z'","b":"line 1\nline 2","c":"","d":" ü "}`
	for name, o := range map[string]formats.Options{
		"csv": csv(formats.CSVOptions{}), "csv semicolon": csv(formats.CSVOptions{Delimiter: ";", Quote: "'", LineEnd: "crlf"}),
		"json": {Format: formats.JSON}, "ndjson": {Format: formats.NDJSON},
	} {
		got := decode(encode(o, doc), o)
		if _, back, _ := strings.Cut(got, " "); back != doc {
			t.Errorf("%s: %s", name, got)
		}
	}
}
