package mappings

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/connectors/formats"
	"github.com/crossdock/crossdock/core/mapping"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write golden files")

// XML files become the canonical entity with the options that the README
// prescribes, however often an element comes.
func TestXMLToCanonical(t *testing.T) {
	for _, c := range []struct{ mapping, options, entity string }{
		{"sap-orders05-to-order", "sap/ORDERS05, read and written", "order"},
		{"sap-delvry-to-shipment", "sap/DELVRY03, read; for DELVRY07 the record is DELVRY07/IDOC", "shipment"},
		{"sap-invoic02-to-invoice", "sap/INVOIC02, read", "invoice"},
		{"ubl-order-to-order", "ubl/Order, read", "order"},
		{"cxml-order-request-to-order", "cxml/OrderRequest, read", "order"},
	} {
		t.Run(c.mapping, func(t *testing.T) {
			name := strings.TrimSuffix(c.mapping, "-to-"+c.entity)
			in, err := os.ReadFile("testdata/xml/" + name + ".xml")
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			for _, doc := range decodeXML(t, in, documented(t)[c.options]) {
				entity, err := mapDocument(t, c.mapping, doc)
				if err != nil {
					t.Fatal(err)
				}
				if err := canonical.Validate(c.entity, entity); err != nil {
					t.Error(err)
				}
				if err := json.Indent(&out, entity, "", "  "); err != nil {
					t.Fatal(err)
				}
				out.WriteByte('\n')
			}
			compareGolden(t, name+".golden.json", out.Bytes())
		})
	}
}

// A canonical entity becomes an XML file whose elements are those of the
// schema, in its order, and which reads back.
func TestCanonicalToXML(t *testing.T) {
	order, err := os.ReadFile("testdata/xml/order.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ mapping, options, schema, readOptions, back string }{
		{"order-to-sap-orders05", "sap/ORDERS05, read and written", "sap-orders05.json", "sap/ORDERS05, read and written", "sap-orders05-to-order"},
		{"order-to-ubl-order", "ubl/Order, written", "ubl-order-written.json", "ubl/Order, read", "ubl-order-to-order"},
		{"order-to-cxml-order-request", "cxml/OrderRequest, written", "cxml-order-request-written.json", "cxml/OrderRequest, read", "cxml-order-request-to-order"},
	} {
		t.Run(c.mapping, func(t *testing.T) {
			doc, err := mapDocument(t, c.mapping, order)
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			encoder, err := formats.NewEncoder(&file, documented(t)[c.options])
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(encoder.Encode(doc), encoder.Close()); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, c.mapping+".golden.xml", file.Bytes())
			record := documented(t)[c.options].XML.Record
			checkElements(t, file.Bytes(), record[strings.LastIndexByte(record, '/')+1:], readSchema(t, c.schema))

			again := decodeXML(t, file.Bytes(), documented(t)[c.readOptions])
			if len(again) != 1 {
				t.Fatalf("%d documents", len(again))
			}
			back, err := mapDocument(t, c.back, again[0])
			if err != nil {
				t.Fatal(err)
			}
			if want, got := essence(t, order), essence(t, back); want != got {
				t.Errorf("the order came back changed:\nsent %s\ngot  %s", want, got)
			}
		})
	}
}

// Every element of a schema, once, reads as the schema says: a list where it
// may repeat, an object where it may have attributes.
func TestXMLOptionsFitTheSchemas(t *testing.T) {
	for schema, options := range map[string]string{
		"sap-orders05.json":       "sap/ORDERS05, read and written",
		"sap-delvry.json":         "sap/DELVRY03, read; for DELVRY07 the record is DELVRY07/IDOC",
		"sap-invoic02.json":       "sap/INVOIC02, read",
		"ubl-order.json":          "ubl/Order, read",
		"cxml-order-request.json": "cxml/OrderRequest, read",
	} {
		t.Run(schema, func(t *testing.T) {
			o := documented(t)[options]
			path := strings.Split(o.XML.Record, "/")
			if o.XML.Record == "" {
				path = []string{"root"}
			}
			root := readSchema(t, schema)
			var file bytes.Buffer
			for _, name := range path[:len(path)-1] {
				file.WriteString("<" + name + ">")
			}
			writeOnce(&file, path[len(path)-1], root)
			for i := len(path) - 2; i >= 0; i-- {
				file.WriteString("</" + path[i] + ">")
			}
			for _, doc := range decodeXML(t, file.Bytes(), o) {
				var v any
				if err := json.Unmarshal(doc, &v); err != nil {
					t.Fatal(err)
				}
				checkShape(t, "", root, v)
			}
		})
	}
}

// Documents of other people show what ours do not think of. They are not part
// of the project: CROSSDOCK_SAMPLES names the folder that has them.
func TestXMLOfOthers(t *testing.T) {
	folder := os.Getenv("CROSSDOCK_SAMPLES")
	if folder == "" {
		t.Skip("CROSSDOCK_SAMPLES names no folder with documents of others: nothing was tried")
	}
	for _, c := range []struct{ files, mapping, options, refused string }{
		{"cxml_OrderRequest*.xml", "cxml-order-request-to-order", "cxml/OrderRequest, read", ""},
		{"sap-*Sales-Order-Response-Outbound.xml", "sap-orders05-to-order", "sap/ORDERS05, read and written", `the code "ORDRSP" is not in the code list purpose`},
		{"sap-*SOAP-03-Invoice-Outbound.xml", "sap-invoic02-to-invoice", "sap/INVOIC02, read", ""},
		{"sap-*EDIFACT-03-Invoice-Outbound.xml", "sap-invoic02-to-invoice", "sap/INVOIC02, read", `GLN "5450534000020" has check digit`},
		{"sap-*Delivery-Notification*.xml", "sap-delvry-to-shipment", "sap/DELVRY03, read; for DELVRY07 the record is DELVRY07/IDOC", ""},
	} {
		files, err := filepath.Glob(filepath.Join(folder, c.files))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			t.Logf("there is no %s", c.files)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				in, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				o := documented(t)[c.options]
				if root, isIDoc := strings.CutSuffix(o.XML.Record, "/IDOC"); isIDoc {
					in = bytes.ReplaceAll(in, []byte("DELVRY07>"), []byte("DELVRY03>"))
					if !bytes.Contains(in, []byte("<"+root+">")) {
						t.Skip("another document")
					}
				}
				for _, doc := range decodeXML(t, in, o) {
					_, err := mapDocument(t, c.mapping, doc)
					if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
						t.Errorf("error %v, expected %q", err, c.refused)
					}
					// An answer has the items of an order, too.
					if bytes.Contains(doc, []byte(`"ORDRSP"`)) {
						_, err := mapDocument(t, c.mapping, bytes.Replace(doc, []byte(`"ORDRSP"`), []byte(`"ORDERS"`), 1))
						t.Logf("as an order: %v", err)
					}
				}
			})
		}
	}
}

func mapDocument(t *testing.T, name string, doc []byte) ([]byte, error) {
	t.Helper()
	m, found := mapping.Check(FS, name+".yaml")
	if m == nil {
		t.Fatal(found)
	}
	out, err := m.Map(context.Background(), doc, mapping.Input{MessageID: "m-1", Now: time.Date(2026, 5, 12, 10, 0, 0, 0, time.UTC)})
	return out.Doc, err
}

func decodeXML(t *testing.T, in []byte, o formats.Options) [][]byte {
	t.Helper()
	decoder, err := formats.NewDecoder(bytes.NewReader(in), "in.xml", o)
	if err != nil {
		t.Fatal(err)
	}
	var docs [][]byte
	for {
		record, err := decoder.Next()
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, bytes.Clone(record.JSON))
	}
}

var block = regexp.MustCompile("(?s)```yaml\n# ([^\n]+)\n(format: xml\n.*?)```")

// documented returns the options of the section "XML documents" of the README
// by the first line of each.
func documented(t *testing.T) map[string]formats.Options {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]formats.Options{}
	for _, m := range block.FindAllSubmatch(text, -1) {
		var v map[string]any
		if err := yaml.Unmarshal(m[2], &v); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var o formats.Options
		strict := json.NewDecoder(bytes.NewReader(b))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&o); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		out[string(m[1])] = o
	}
	return out
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "xml", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", name, got)
	}
}

// essence is what any of the formats carries: number, currency, sum, and for
// each line quantity, unit, price and GTIN.
func essence(t *testing.T, doc []byte) string {
	t.Helper()
	var o struct {
		OrderNumber, Currency, PlacedAt string
		Totals                          struct{ Lines string }
		Lines                           []struct {
			LineID, Quantity, UOM, UnitPrice, LineTotal string
			Product                                     struct {
				Identifiers []struct{ Scheme, Value string }
			}
		}
	}
	if err := json.Unmarshal(doc, &o); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, o.PlacedAt)
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprint(o.OrderNumber, o.Currency, at.UTC(), o.Totals.Lines)
	for _, l := range o.Lines {
		out += fmt.Sprint("\n", l.LineID, l.Quantity, l.UOM, l.UnitPrice, l.LineTotal)
		for _, id := range l.Product.Identifiers {
			if id.Scheme == "gtin" {
				out += " " + id.Value
			}
		}
	}
	return out
}

// shape is the part of a JSON Schema that says what an XML document looks like.
type shape struct {
	Ref        string `json:"$ref"`
	Type       string
	Properties members
	Required   []string
	Items      *shape
	Defs       map[string]*shape `json:"$defs"`
	root       *shape
}

// members are properties in the order of the file.
type members struct {
	names []string
	of    map[string]*shape
}

func (m *members) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &m.of); err != nil {
		return err
	}
	in := json.NewDecoder(bytes.NewReader(b))
	if _, err := in.Token(); err != nil {
		return err
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return err
		}
		m.names = append(m.names, name.(string))
		var skipped json.RawMessage
		if err := in.Decode(&skipped); err != nil {
			return err
		}
	}
	return nil
}

func readSchema(t *testing.T, name string) *shape {
	t.Helper()
	b, err := FS.ReadFile("schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	s := &shape{}
	if err := json.Unmarshal(b, s); err != nil {
		t.Fatal(err)
	}
	s.root = s
	return s
}

// member is the shape of one element called name inside of s.
func (s *shape) member(name string) (item *shape, list bool) {
	m := s.Properties.of[name]
	if m == nil {
		return nil, false
	}
	m.root = s.root
	if m = m.resolved(); m.Type == "array" {
		m.Items.root = s.root
		return m.Items.resolved(), true
	}
	return m, false
}

func (s *shape) resolved() *shape {
	if s.Ref == "" {
		return s
	}
	r := s.root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
	r.root = s.root
	return r.resolved()
}

// checkElements compares the elements of a file, from record down, with the
// schema: only what it knows, in its order, what is required, and repeated only
// where it has a list.
func checkElements(t *testing.T, file []byte, record string, s *shape) {
	t.Helper()
	in := xml.NewDecoder(bytes.NewReader(file))
	for {
		token, err := in.RawToken()
		if err != nil {
			t.Fatalf("there is no <%s>: %v", record, err)
		}
		if start, is := token.(xml.StartElement); is && start.Name.Local == record {
			checkElement(t, in, start, record, s)
			return
		}
	}
}

func checkElement(t *testing.T, in *xml.Decoder, start xml.StartElement, at string, s *shape) {
	t.Helper()
	seen := map[string]int{}
	for _, a := range start.Attr {
		if name := "@" + prefixed(a.Name); s.Properties.of[name] != nil {
			seen[name]++
		} else if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			t.Errorf("%s: no attribute %s", at, name)
		}
	}
	last := -1
	for {
		token, err := in.RawToken()
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.CharData:
			if strings.TrimSpace(string(x)) != "" {
				seen["#text"]++
			}
		case xml.StartElement:
			name := prefixed(x.Name)
			item, list := s.member(name)
			if item == nil {
				t.Fatalf("%s: no element %s", at, name)
			}
			position := 0
			for s.Properties.names[position] != name {
				position++
			}
			if position < last || position == last && !list {
				t.Errorf("%s: %s stands behind %s", at, name, s.Properties.names[last])
			}
			last = position
			seen[name]++
			checkElement(t, in, x, at+"/"+name, item)
		case xml.EndElement:
			for _, name := range s.Required {
				if seen[name] == 0 {
					t.Errorf("%s: %s is missing", at, name)
				}
			}
			return
		}
	}
}

func prefixed(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// writeOnce writes an element with each of its children once, without
// attributes.
func writeOnce(w *bytes.Buffer, name string, s *shape) {
	fmt.Fprintf(w, "<%s>", name)
	children := false
	for _, member := range s.Properties.names {
		if !strings.ContainsAny(member[:1], "@#") {
			item, _ := s.member(member)
			writeOnce(w, member, item)
			children = true
		}
	}
	if !children {
		w.WriteString("x")
	}
	fmt.Fprintf(w, "</%s>", name)
}

func checkShape(t *testing.T, at string, s *shape, v any) {
	t.Helper()
	m, is := v.(map[string]any)
	if !is && s.Type == "object" && len(s.Properties.names) > 0 && !slices.ContainsFunc(s.Properties.names, func(n string) bool { return n[0] != '@' }) {
		return // all it has are attributes, which it never comes without
	}
	if is != (s.Type == "object") {
		t.Errorf("%s: the schema says %s, the document has %v", at, s.Type, v)
		return
	}
	for name, child := range m {
		if name == "#text" {
			continue
		}
		item, list := s.member(name)
		l, isList := child.([]any)
		if isList != list {
			t.Errorf("%s/%s: list in the schema: %t, in the document: %t", at, name, list, isList)
			continue
		}
		if !list {
			l = []any{child}
		}
		for _, x := range l {
			checkShape(t, at+"/"+name, item, x)
		}
	}
}
