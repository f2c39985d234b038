package shape_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

var update = flag.Bool("update", false, "write golden files")

// document is what a Document said while it was valid.
type document struct {
	shape.Document
	text string
}

func documents(t testing.TB, doc string, o shape.Options) []document {
	t.Helper()
	var out []document
	o.Each = func(d *shape.Document) error {
		c := document{Document: *d, text: string(d.JSON)}
		c.Lineage = append([]shape.Origin(nil), d.Lineage...)
		out = append(out, c)
		return nil
	}
	if err := (&validate.Validator{Grammars: library}).Run(strings.NewReader(doc), shape.New(o)); err != nil {
		t.Fatal(err)
	}
	return out
}

func derived(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob("../verdict/testdata/derived/" + pattern)
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return files
}

func contents(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGolden shows what files become: the base files of all sets, and an 856.
func TestGolden(t *testing.T) {
	files := map[string]string{
		"generated_856.json":    string(x12File("SH", "856", 1, shipment)),
		"generated_ORDERS.json": string(ordersFile(1)),
	}
	for _, name := range derived(t, "*_base.edi") {
		files[strings.TrimSuffix(filepath.Base(name), ".edi")+".json"] = contents(t, name)
	}
	for name, doc := range files {
		var got bytes.Buffer
		for _, line := range shaped(t, doc) {
			if err := json.Indent(&got, []byte(line), "", "  "); err != nil {
				t.Fatalf("%s: %v in %s", name, err, line)
			}
			got.WriteByte('\n')
		}
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := contents(t, golden); got.String() != want {
			t.Errorf("%s differs from its golden file; -update writes it\ngot %s", name, got.String())
		}
	}
}

// place is where a value stands in a set.
type place struct{ position, element, component, repeat int }

// reading writes down every value of a set and which of them are told by the name
// of a member.
type reading struct {
	validate.Ignore
	values map[place]bool // true for a qualifier or a number of the hierarchy
	sets   []map[place]bool
}

func (r *reading) BeginSet(*validate.Set) error {
	r.values = map[place]bool{}
	return nil
}

func (r *reading) EndSet(*validate.Set) error {
	r.sets = append(r.sets, r.values)
	return nil
}

func (r *reading) Segment(seg *syntax.Segment, at validate.Place) error {
	position := at.Set.Segments
	switch string(seg.Tag()) {
	case "ST", "SE", "UNH", "UNT":
		return nil
	}
	for i := 1; i <= seg.Len(); i++ {
		data := seg.Element(i)
		if len(data) == 0 {
			continue
		}
		if at.Node == nil || i > len(at.Node.Segment.Elements) {
			r.values[place{position, i, 0, 0}] = false
			continue
		}
		p := &at.Node.Segment.Elements[i-1]
		one := func(repeat int, v []byte) {
			if p.Composite == nil {
				if len(v) > 0 {
					r.values[place{position, i, 0, repeat}] = named(at.Node, i)
				}
				return
			}
			seg.Components(v, func(n int, c []byte) {
				if len(c) > 0 {
					r.values[place{position, i, n, repeat}] = false
				}
			})
		}
		if p.Repeat > 1 {
			seg.Repeats(data, one)
		} else {
			one(0, data)
		}
	}
	return nil
}

func named(n *grammar.Node, element int) bool {
	if t := n.Tree; t != nil && (element == t.IDAt || element == t.ParentAt || element == t.LevelAt) {
		return true
	}
	return element == n.AsAt || n.Segment.Elements[element-1].Pair
}

// TestNothingIsDropped: every value of a set is in its document exactly once,
// qualifiers and the hierarchy's numbers at most once, and nothing else is.
func TestNothingIsDropped(t *testing.T) {
	files := append(derived(t, "*.edi"), "")
	for _, name := range files {
		doc := string(x12File("SH", "856", 2, shipment)) + string(ordersFile(1))
		if name != "" {
			doc = contents(t, name)
		}
		var r reading
		if err := (&validate.Validator{Grammars: library}).Run(strings.NewReader(doc), &r); err != nil {
			t.Fatal(err)
		}
		docs := documents(t, doc, shape.Options{Lineage: true})
		if len(docs) != len(r.sets) {
			t.Fatalf("%s: %d documents of %d sets", name, len(docs), len(r.sets))
		}
		for i, d := range docs {
			values := r.sets[i]
			body := setOf(t, d)
			if n := leaves(body, ""); n != filled(t, body, d.Lineage) {
				t.Errorf("%s: set %d has %d values in JSON, lineage knows %d", name, i, n, len(d.Lineage))
			}
			for _, o := range d.Lineage {
				at := place{o.Position, o.Element, o.Component, o.Repeat}
				if strings.Contains(o.Path, "/_extra/") {
					// Elements stand there as they are, with all their components.
					told := false
					for v := range values {
						if v.position == at.position && v.element == at.element {
							delete(values, v)
							told = true
						}
					}
					values[at] = told
				}
				if _, there := values[at]; !there && lookUp(body, o.Path) != "" {
					t.Errorf("%s: set %d: %s comes from %+v, which is nowhere or was there already", name, i, o.Path, at)
				}
				delete(values, at)
			}
			for at, told := range values {
				if !told {
					t.Errorf("%s: set %d: the value at %+v is dropped", name, i, at)
				}
			}
		}
	}
}

func setOf(t testing.TB, d document) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(d.text), &out); err != nil {
		t.Fatalf("%v in %s", err, d.text)
	}
	for _, name := range []string{"interchange", "group", "transaction"} {
		delete(out, name)
	}
	return out
}

// leaves counts the values that are not empty, without what the shape adds.
func leaves(v any, name string) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			if _, tag := v["position"].(float64); k != "_order" && !(tag && k == "segment") {
				n += leaves(m, k)
			}
		}
	case []any:
		for _, m := range v {
			n += leaves(m, name)
		}
	case string:
		if v != "" {
			n++
		}
	}
	return n
}

// filled counts the origins of values that are not empty.
func filled(t testing.TB, body map[string]any, all []shape.Origin) int {
	t.Helper()
	n := 0
	for _, o := range all {
		if lookUp(body, o.Path) != "" {
			n++
		}
	}
	return n
}

// lookUp finds the text at a JSON pointer; what is not there is told as such.
func lookUp(doc any, pointer string) string {
	for _, step := range strings.Split(pointer, "/")[1:] {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch v := doc.(type) {
		case map[string]any:
			doc = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return "(nothing at " + pointer + ")"
			}
			doc = v[i]
		}
	}
	s, ok := doc.(string)
	if !ok {
		return "(no text at " + pointer + ")"
	}
	return s
}

// TestLineage looks from values back to the file.
func TestLineage(t *testing.T) {
	doc := isa + "GS*PO*A*B*20260105*0900*12*X*004010~ST*850*0001~BEG*00*SA*4711**20260105~N1*ZZ*OTHER~N1*ST*STORE~N1*YY*LAST~PO1*1*48*EA*7.25**UP*614141000012~QQQ*x~SE*8*0001~GE*1*12~IEA*1*000000317~"
	d := documents(t, doc, shape.Options{Lineage: true})[0]
	byPath := map[string]shape.Origin{}
	for _, o := range d.Lineage {
		byPath[o.Path] = o
	}
	for path, want := range map[string]string{
		"/purchase_order/number":                      "BEG03 4711",
		"/purchase_order/date":                        "BEG05 20260105",
		"/purchase_order/ship_to/name":                "N102 STORE",
		"/purchase_order/parties/0/name":              "N102 OTHER",
		"/purchase_order/parties/1/name":              "N102 LAST",
		"/purchase_order/lines/0/ids/gtin12":          "PO107 614141000012",
		"/purchase_order/lines/0/_extra/0/elements/0": "QQQ01 x",
	} {
		o, ok := byPath[path]
		_, value, _ := strings.Cut(want, " ")
		if got := fmt.Sprintf("%s%02d %s", o.Segment, o.Element, doc[o.Offset:o.Offset+int64(len(value))]); !ok || got != want {
			t.Errorf("%s comes from %s, want %s", path, got, want)
		}
	}
	if plain := documents(t, doc, shape.Options{})[0]; plain.text != d.text || len(plain.Lineage) != 0 {
		t.Errorf("the document is another one with lineage:\n%s\n%s", plain.text, d.text)
	}
	values := "UNB+UNOC:3+A:14+B:14+260105:0900+317'UNH+1+ORDERS:D:96A:UN'BGM+220+12?'8+9'DTM+137:20260105:102'UNS+S'UNT+5+1'UNZ+1+317'"
	for _, o := range documents(t, values, shape.Options{Lineage: true})[0].Lineage {
		if o.Path == "/order/dates/0/date/format" && (o.Component != 3 || values[o.Offset:o.Offset+3] != "102" || o.Position != 3) {
			t.Errorf("a component comes from %+v", o)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{string(x12File("SH", "856", 1, shipment)), "000004711"},
		{string(x12File("PO", "850", 1, order)), "PO00004711"},
		{string(ordersFile(1)), "PO00004711"},
		{strings.Replace(string(ordersFile(1)), "PO00004711", "PO?+1", 1), "PO+1"},
		{strings.ReplaceAll(string(ordersFile(1)), "D:96A", "D:01B"), "PO00004711"},
		{strings.Replace(string(x12File("PO", "850", 1, order)), "004010VICS", "003010", 1), ""},
	} {
		if got := documents(t, c.doc, shape.Options{})[0].Key; got != c.want {
			t.Errorf("key %q, want %q", got, c.want)
		}
	}
}

// TestEnvelopes shows what is told of headers.
func TestEnvelopes(t *testing.T) {
	x12 := string(x12File("PO", "850", 1, order))
	edifact := string(ordersFile(1))
	replaced := func(s string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(s) }
	for _, c := range []struct{ name, doc, want string }{
		{"X12", x12, `{"interchange":{"standard":"X12","sender":{"qualifier":"ZZ","id":"ACMEBUYER"},"receiver":{"qualifier":"08","id":"9254110060"},"control_number":"000000001","version":"00401","usage":"P","date":"260102","time":"0915","separators":{"segment":"~","element":"*","component":">"}},` +
			`"group":{"functional_id":"PO","sender":"ACMEBUYER","receiver":"9254110060","control_number":"1","version":"004010VICS","date":"20260102","time":"0915","agency":"X"},"transaction":{"set":"850","control_number":"0001","release":"004010","association":"VICS"},"purchase_order"`},
		{"EDIFACT", edifact, `{"interchange":{"standard":"EDIFACT","sender":{"qualifier":"14","id":"5412345000013"},"receiver":{"qualifier":"14","id":"5498765000017"},"control_number":"1","version":"UNOC 3","date":"260102","time":"0915","separators":{"segment":"'","element":"+","component":":","release":"?"}},"transaction":{"set":"ORDERS","control_number":"1","release":"D96A","association":"EAN008"},"order"`},
		{"line ends", strings.ReplaceAll(x12, "~", "~\r\n"), `"component":">","suffix":"\u000d\u000a"}`},
		{"line ends as terminators", strings.ReplaceAll(x12, "~", "\n"), `{"segment":"\u000a","element":"*","component":">"}`},
		{"carriage returns, too", strings.ReplaceAll(x12, "~", "\r\n"), `{"segment":"\u000d","element":"*","component":">","suffix":"\u000a"}`},
		{"acknowledgement wanted", strings.Replace(x12, "*0*P*>", "*1*P*>", 1), `"time":"0915","ack_requested":true,"separators"`},
		{"repetitions", replaced(x12, "*U*00401", "*^*00501", "004010VICS", "005010"), `"component":">","repetition":"^"}`},
		{"security information", strings.Replace(x12, "ISA*00*          *", "ISA*01*CODE      *", 1), `"header":["01","CODE      ","00","          ","ZZ","ACMEBUYER      ","08","9254110060     ","260102","0915","U","00401","000000001","0","P",">"]`},
		{"not padded", strings.Replace(x12, "ACMEBUYER      ", "ACMEBUYER", 1), `"header":["00","          ","00","          ","ZZ","ACMEBUYER","08"`},
		{"service string advice", "UNA:+,? '" + edifact, `"release":"?","decimal":","},"una":true}`},
		{"application reference", strings.Replace(edifact, "0915+1'", "0915+1++ORDERS'", 1), `"header":["UNOC:3","5412345000013:14","5498765000017:14","260102:0915","1","","ORDERS"]`},
		{"test indicator", strings.Replace(edifact, "0915+1'", "0915+1++++1++1'", 1), `"usage":"1","date":"260102","time":"0915","ack_requested":true,"separators":{"segment":"'","element":"+","component":":","release":"?"}}`},
		{"common access reference", strings.Replace(edifact, "EAN008'", "EAN008+CASE7'", 1), `"association":"EAN008","header":["1","ORDERS:D:96A:UN:EAN008","CASE7"]`},
		{"implementation guide", replaced(x12, "ST*850*0001", "ST*850*0001*GUIDE7"), `"header":["850","0001","GUIDE7"]`},
		{"ISO 8859-1", strings.Replace(x12, "NORTHWIND STORE", "CAF\xc9", 1), `,"charset":"ISO-8859-1"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shaped(t, c.doc)[0]; !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
