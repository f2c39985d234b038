package formats_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/formats"
)

// decode reads everything; a broken row that leaves the others readable shows
// as "! reason" among the documents.
func decode(input string, o formats.Options) string {
	decoder, err := formats.NewDecoder(strings.NewReader(input), "in.txt", o)
	if err != nil {
		return "config: " + err.Error()
	}
	var out []string
	for {
		rec, err := decoder.Next()
		var broken *formats.Error
		switch {
		case errors.Is(err, io.EOF):
			return strings.Join(out, "\n")
		case errors.As(err, &broken):
			out = append(out, "! "+broken.Error())
			if !broken.Row {
				return strings.Join(append(out, "end"), "\n")
			}
		case err != nil:
			return "failed: " + err.Error()
		default:
			out = append(out, fmt.Sprintf("%d:%d@%d %s", rec.Index, rec.Line, rec.Offset, rec.JSON))
		}
	}
}

type decodeCase struct {
	name, input string
	o           formats.Options
	want        []string
}

func runDecode(t *testing.T, cases []decodeCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, want := decode(c.input, c.o), strings.Join(c.want, "\n")
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func csv(o formats.CSVOptions) formats.Options { return formats.Options{Format: formats.CSV, CSV: o} }

func TestCSV(t *testing.T) {
	latin1 := csv(formats.CSVOptions{})
	latin1.Encoding = "latin1"
	windows := csv(formats.CSVOptions{})
	windows.Encoding = "windows-1252"
	utf16 := csv(formats.CSVOptions{})
	utf16.Encoding = "utf-16"
	small := csv(formats.CSVOptions{})
	small.MaxRecord = 16
	runDecode(t, []decodeCase{
		{"plain", "a,b\n1,2\n3,\n", csv(formats.CSVOptions{}), []string{`0:2@4 {"a":"1","b":"2"}`, `1:3@8 {"a":"3","b":""}`}},
		{"no last line end, CRLF, blank lines", "a,b\r\n\r\n1,2\r\n\r\n3,4", csv(formats.CSVOptions{}), []string{`0:3@7 {"a":"1","b":"2"}`, `1:5@14 {"a":"3","b":"4"}`}},
		{"quotes", "a,b\n\"x, \"\"y\"\"\",\"line 1\nline 2\"\nz,\"\"\n", csv(formats.CSVOptions{}), []string{`0:2@4 {"a":"x, \"y\"","b":"line 1\nline 2"}`, `1:4@31 {"a":"z","b":""}`}},
		{"semicolon and apostrophe", "a;b\n'1;1';2\n", csv(formats.CSVOptions{Delimiter: ";", Quote: "'"}), []string{`0:2@4 {"a":"1;1","b":"2"}`}},
		{"tab, no quoting", "a\tb\n\"1\t2\n", csv(formats.CSVOptions{Delimiter: `\t`, Quote: "none"}), []string{`0:2@4 {"a":"\"1","b":"2"}`}},
		{"columns instead of header", "1,2\n", csv(formats.CSVOptions{Columns: []string{"a", "b"}}), []string{`0:1@0 {"a":"1","b":"2"}`}},
		{"columns replace the header", "title\nx,y\n1,2\n", csv(formats.CSVOptions{Columns: []string{"a", "b"}, SkipLines: 2}), []string{`0:3@10 {"a":"1","b":"2"}`}},
		{"trim and omit", "a , b\n 1 ,\n\" 2 \" , 3\n", csv(formats.CSVOptions{Trim: true, OmitEmpty: true}), []string{`0:2@6 {"a":"1"}`, `1:3@11 {"a":" 2 ","b":"3"}`}},
		{"byte order mark", "\ufeffa\n1\n", csv(formats.CSVOptions{}), []string{`0:2@2 {"a":"1"}`}},
		{"latin1", "a\nM\xfcller\n", latin1, []string{`0:2@2 {"a":"Müller"}`}},
		{"windows-1252", "a\n\x80 5\n", windows, []string{`0:2@2 {"a":"€ 5"}`}},
		{"utf-16", "\xff\xfea\x00\n\x00\xe4\x00\n\x00", utf16, []string{`0:2@2 {"a":"ä"}`}},
		{"empty", "", csv(formats.CSVOptions{}), []string{""}},
		{"header only", "a,b\n", csv(formats.CSVOptions{}), []string{""}},
		{
			"ragged", "a,b\n1\n2,3\n4,5,6\n", csv(formats.CSVOptions{}),
			[]string{"! in.txt:2: the row has 1 cells and there are 2 columns (a, b) (byte 4)", `1:3@6 {"a":"2","b":"3"}`, "! in.txt:4:5: the row has 3 cells and there are 2 columns (a, b) (byte 10)"},
		},
		{"stray quote", "a,b\nü\"x,1\n2,3\n", csv(formats.CSVOptions{}), []string{"! in.txt:2:2: a quote \" inside a cell that does not begin with one; quote the whole cell and double the quotes in it, or set csv.quote: none (byte 6)", `1:3@11 {"a":"2","b":"3"}`}},
		{"text after quote", "a,b\n\"x\"y,1\n", csv(formats.CSVOptions{}), []string{"! in.txt:2:4: text after a closing quote; double the quotes inside a cell (byte 7)"}},
		{"open quote", "a,b\n1,\"x\n2,3\n", csv(formats.CSVOptions{}), []string{"! in.txt:2:3: the quote opened here is never closed (byte 6)", "end"}},
		{"not UTF-8", "a\nM\xfcller\nx\n", csv(formats.CSVOptions{}), []string{"! in.txt:2:2: the byte 0xfc is not UTF-8 text; if the partner sends Windows or Latin-1 text, set encoding (byte 3)", `1:3@9 {"a":"x"}`}},
		{"header twice", "a,a\n1,2\n", csv(formats.CSVOptions{}), []string{`! in.txt:1:1: the header names the column "a" twice; give other names with csv.columns and csv.skipLines: 1 (byte 0)`, "end"}},
		{"header without name", "a,\n1,2\n", csv(formats.CSVOptions{}), []string{"! in.txt:1:3: column 2 of the header has no name; give the names with csv.columns and csv.skipLines: 1 (byte 0)", "end"}},
		{"long line", "a\n" + strings.Repeat("x", 17) + "\n1\n", small, []string{"! in.txt:2:1: the line is longer than maxRecord, 16 bytes (byte 2)", `1:3@20 {"a":"1"}`}},
		{"bad delimiter", "", csv(formats.CSVOptions{Delimiter: "||"}), []string{`config: format.config: "||" is not one character`}},
	})
}

func TestCSVGroups(t *testing.T) {
	group := csv(formats.CSVOptions{GroupBy: "receipt", GroupColumns: []string{"store"}})
	const header = "store,receipt,gtin\n"
	runDecode(t, []decodeCase{
		{"groups", header + "7,R1,a\n7,R1,b\n7,R2,c\n", group, []string{
			`0:2@19 {"store":"7","receipt":"R1","rows":[{"store":"7","receipt":"R1","gtin":"a"},{"store":"7","receipt":"R1","gtin":"b"}]}`,
			`1:4@33 {"store":"7","receipt":"R2","rows":[{"store":"7","receipt":"R2","gtin":"c"}]}`,
		}},
		{"all columns lifted", header + "7,R1,a\n8,R1,b\n", csv(formats.CSVOptions{GroupBy: "receipt"}), []string{
			`0:2@19 {"store":"7","receipt":"R1","gtin":"a","rows":[{"store":"7","receipt":"R1","gtin":"a"},{"store":"8","receipt":"R1","gtin":"b"}]}`,
		}},
		{"not consecutive", header + "7,R1,a\n7,R2,b\n7,R1,c\n", group, []string{
			`0:2@19 {"store":"7","receipt":"R1","rows":[{"store":"7","receipt":"R1","gtin":"a"}]}`,
			`1:3@26 {"store":"7","receipt":"R2","rows":[{"store":"7","receipt":"R2","gtin":"b"}]}`,
			`! in.txt:4:3: receipt "R1" was complete at line 2 and comes again; the rows of one receipt must follow each other: sort the file (byte 33)`, "end",
		}},
		{"header differs", header + "7,R1,a\n8,R1,b\n", group, []string{`! in.txt:3:1: store is "8" here and "7" in line 2 of the same receipt; take it out of csv.groupColumns if it belongs to the row (byte 26)`, "end"}},
		{"broken row ends the file", header + "7,R1,a\n7,R1\n", group, []string{"! in.txt:3: the row has 2 cells and there are 3 columns (store, receipt, gtin) (byte 26)", "end"}},
		{"empty value", header + "7,,a\n", group, []string{"! in.txt:2:3: the column receipt to group by is empty (byte 19)", "end"}},
		{"unknown column", "store,gtin\n7,a\n", group, []string{`! in.txt:1:1: the column "receipt" to group by is not in the header: store, gtin (byte 0)`, "end"}},
		{"empty file", header, group, []string{""}},
	})
}

func TestJSON(t *testing.T) {
	document := formats.Options{Format: formats.JSON}
	orders := formats.Options{Format: formats.JSON, JSON: formats.JSONOptions{Pointer: "/data/orders"}}
	small := formats.Options{Format: formats.JSON, MaxRecord: 16}
	runDecode(t, []decodeCase{
		{"object", "\n{ \"a\" : 1.10 }\n", document, []string{`0:2@1 {"a":1.10}`}},
		{"array", "[{\"a\":1},\n {\"a\":2}]", document, []string{`0:1@1 {"a":1}`, `1:2@11 {"a":2}`}},
		{"empty array", " []\n", document, []string{""}},
		{"pointer", `{"meta":{"x":[1]},"data":{"n":2,"orders":[{"a":1},{"a":2}],"more":[]}}`, orders, []string{`0:1@42 {"a":1}`, `1:1@50 {"a":2}`}},
		{"pointer absent", `{"data":{}}`, orders, []string{"! in.txt:1:10: there is no /data/orders in the document; json.pointer must name the records (byte 9)", "end"}},
		{"pointer to an object", `{"data":{"orders":{}}}`, orders, []string{"! in.txt:1:19: expected [, found {; json.pointer must name an array (byte 18)", "end"}},
		{"cut off", "[{\"a\":1},\n{\"a\":", document, []string{`0:1@1 {"a":1}`, "! in.txt:2:6: the document ends too early: the file is empty or cut off (byte 15)", "end"}},
		{"cut off behind the records", `{"data":{"orders":[{"a":1}]`, orders, []string{`0:1@19 {"a":1}`, "! in.txt:1:28: the document ends too early: the file is empty or cut off (byte 27)", "end"}},
		{"empty", "", document, []string{"! in.txt:1:1: the document ends too early: the file is empty or cut off (byte 0)", "end"}},
		{"syntax", "[{\"a\":1},\n{\"a\" 2}]", document, []string{`0:1@1 {"a":1}`, "! in.txt:2:6: invalid character '2' after object key (byte 15)", "end"}},
		{"two documents", "{}\n{}\n", document, []string{"0:1@0 {}", "! in.txt:2:1: text after the end of the document; for one document per line set format: ndjson (byte 3)", "end"}},
		{"not UTF-8", "{\"a\":\"\xfc\"}", document, []string{"! in.txt:1:7: the byte 0xfc is not UTF-8 text; JSON must be UTF-8, or set encoding (byte 6)", "end"}},
		{"long", `[{"a":"` + strings.Repeat("x", 20) + `"}]`, small, []string{"! in.txt:1:30: record 0 is longer than maxRecord, 16 bytes (byte 29)", "end"}},
	})
}

func TestNDJSON(t *testing.T) {
	o := formats.Options{Format: formats.NDJSON}
	runDecode(t, []decodeCase{
		{"lines", "{\"a\": 1}\r\n\n[2]\n\"x\"", o, []string{`0:1@0 {"a":1}`, "1:3@11 [2]", `2:4@15 "x"`}},
		{"broken line", "{\"a\":1}\n{\"ü\":}\n{\"a\":3}\n", o, []string{`0:1@0 {"a":1}`, "! in.txt:2:6: invalid character '}' looking for beginning of value (byte 14)", `2:3@16 {"a":3}`}},
		{"cut off line", "{\"a\":", o, []string{"! in.txt:1:5: unexpected end of JSON input (byte 4)"}},
	})
}

func TestXML(t *testing.T) {
	o := formats.Options{Format: formats.XML, XML: formats.XMLOptions{Record: "Orders/Order", Arrays: []string{"Lines/Line"}, Objects: []string{"Price"}}}
	whole := formats.Options{Format: formats.XML}
	flat := formats.Options{Format: formats.XML, XML: formats.XMLOptions{MaxDepth: 3}}
	latin1 := whole
	small := whole
	small.MaxRecord = 64
	runDecode(t, []decodeCase{
		{"records", `<?xml version="1.0"?>
<Orders xmlns="urn:x">
  <Sender>acme</Sender>
  <Order id="1"><No>4711</No><Lines><Line n="1">a</Line></Lines><Price>1.00</Price></Order>
  <!-- a comment -->
  <Order id="2"><Lines><Line>b</Line><Line>c</Line></Lines><Price currency="EUR">2</Price></Order>
</Orders>`, o, []string{
			`0:4@71 {"@id":"1","No":"4711","Lines":{"Line":[{"@n":"1","#text":"a"}]},"Price":{"#text":"1.00"}}`,
			`1:6@184 {"@id":"2","Lines":{"Line":["b","c"]},"Price":{"@currency":"EUR","#text":"2"}}`,
		}},
		{"root as record", "<a><b>1 &lt; 2</b><c/></a>", whole, []string{`0:1@0 {"b":"1 < 2","c":""}`}},
		{"text root", "<a>x</a>", whole, []string{`0:1@0 {"#text":"x"}`}},
		{"mixed", "<a>one<b>2</b>three</a>", whole, []string{`0:1@0 {"b":"2","#text":"onethree"}`}},
		{"nil", `<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><b i:nil="true"/></a>`, whole, []string{`0:1@0 {"b":null}`}},
		{"namespaces", `<x:a xmlns:x="urn:x" x:k="v"><x:b>1</x:b></x:a>`, whole, []string{`0:1@0 {"@k":"v","b":"1"}`}},
		{"declared latin1", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>M\xfcller</a>", latin1, []string{`0:1@43 {"#text":"Müller"}`}},
		{"plain document type", `<!DOCTYPE a SYSTEM "a.dtd"><a/>`, whole, []string{`0:1@27 {"#text":""}`}},
		{
			"anywhere", `<a><b>1</b><c><b>2</b><d>3</d></c><d>4</d><x><bb>5</bb></x></a>`,
			formats.Options{Format: formats.XML, XML: formats.XMLOptions{Arrays: []string{"//b"}, Objects: []string{"//c/d"}}},
			[]string{`0:1@0 {"b":["1"],"c":{"b":["2"],"d":{"#text":"3"}},"d":"4","x":{"bb":"5"}}`},
		},
		{"repeated element", "<a><b/><b/></a>", whole, []string{"! in.txt:1:12: <b> comes more than once; add b to xml.arrays (byte 11)", "end"}},
		{"entities", `<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;">]><a>&m;</a>`, whole, []string{"! in.txt:1:52: the document type declares entities; they are refused because they can expand without end or read files (byte 51)", "end"}},
		{"unknown entity", "<a>&x;</a>", whole, []string{"! in.txt:1:7: invalid character entity &x; (byte 6)", "end"}},
		{"deep", "<a><b><c><d/></c></b></a>", flat, []string{"! in.txt:1:14: <d> is nested deeper than xml.maxDepth, 3 (byte 13)", "end"}},
		{"cut off", "<Orders><Order><No>1</No></Order><Order><No>", o, []string{`0:1@8 {"No":"1"}`, "! in.txt:1:45: unexpected EOF (byte 44)", "end"}},
		{"wrong nesting", "<a>\n<b></a>", whole, []string{"! in.txt:2:8: element <b> closed by </a> (byte 11)", "end"}},
		{"wrong root", "<Order/>", o, []string{"! in.txt:1:9: the root element is <Order>; xml.record expects <Orders> (byte 8)", "end"}},
		{"two roots", "<a/><b/>", whole, []string{`0:1@0 {"#text":""}`, "! in.txt:1:9: a second root element <b> (byte 8)", "end"}},
		{"empty", "", whole, []string{"! in.txt:1:1: the document is empty: there is no root element (byte 0)", "end"}},
		{"not XML", "hello", whole, []string{"! in.txt:1:6: the document is empty: there is no root element (byte 5)", "end"}},
		{"long text", "<a>" + strings.Repeat("x", 200) + "</a>", small, []string{"! in.txt:1:68: a single piece of the document is longer than maxRecord, 64 bytes (byte 67)", "end"}},
		{"long record", "<a>" + strings.Repeat("<b>x</b><c/>", 1) + strings.Repeat("<!-- x -->", 10) + "</a>", small, []string{"! in.txt:1:76: record 0 is longer than maxRecord, 64 bytes (byte 75)", "end"}},
	})
}

func TestFixed(t *testing.T) {
	columns := []formats.FixedColumn{{Name: "sku", Start: 1, Length: 4}, {Name: "qty", Start: 5, Length: 3, Align: "right", Pad: "0"}, {Name: "raw", Start: 9, Length: 2, Keep: true}}
	o := formats.Options{Format: formats.Fixed, Fixed: formats.FixedOptions{Columns: columns}}
	short := formats.Options{Format: formats.Fixed, Fixed: formats.FixedOptions{Columns: columns, AllowShort: true, SkipLines: 1}}
	overlapping := formats.Options{Format: formats.Fixed, Fixed: formats.FixedOptions{Columns: []formats.FixedColumn{{Name: "a", Start: 1, Length: 3}, {Name: "b", Start: 3, Length: 1}}}}
	runDecode(t, []decodeCase{
		{"columns", "Aü  012 x \r\nB   000 yy  \n", o, []string{`0:1@0 {"sku":"Aü","qty":"12","raw":"x "}`, `1:2@13 {"sku":"B","qty":"0","raw":"yy"}`}},
		{"short", "A   012 x \nA   01\n", o, []string{`0:1@0 {"sku":"A","qty":"12","raw":"x "}`, "! in.txt:2:7: the line has 6 characters and column qty ends at 7; if trailing blanks are cut off, set fixed.allowShort (byte 17)"}},
		{"short allowed", "header\nA   01\n", short, []string{`0:2@7 {"sku":"A","qty":"1","raw":""}`}},
		{"text behind", "A   012 xx!\n", o, []string{"! in.txt:1:11: text behind the last column, which ends at 10 (byte 10)"}},
		{"overlap", "", overlapping, []string{"config: format.config: the columns a and b overlap"}},
	})
}
