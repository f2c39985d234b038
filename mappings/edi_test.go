package mappings

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	edishape "github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
	"github.com/crossdock/crossdock/core/mapping"
	"go.yaml.in/yaml/v3"
)

var ediGrammars = grammar.Open(grammars.FS())

// ediPair is a mapping to EDI, the one that reads it back, and what must be the
// same after both.
type ediPair struct {
	out, in string
	keep    []string
}

var ediPairs = []ediPair{
	{"acknowledgement-to-edifact-ordrsp", "edifact-ordrsp-to-acknowledgement", []string{"status", "externalRef", "level", "lines.0", "lines.1.status", "lines.1.quantity", "at"}},
	{"acknowledgement-to-x12-855", "x12-855-to-acknowledgement", []string{"status", "externalRef", "level", "lines.0.lineId", "lines.0.status", "lines.0.unitPrice", "lines.0.date"}},
	{"inventory-to-edifact-invrpt", "edifact-invrpt-to-inventory", []string{"kind", "basis", "location", "uom", "quantities.onHand", "quantities.available", "asOf"}},
	{"inventory-to-x12-846", "x12-846-to-inventory", []string{"uom", "quantities.onHand", "quantities.available", "asOf"}},
	{"invoice-to-x12-810", "x12-810-to-invoice", []string{"kind", "invoiceNumber", "issuedOn", "dueOn", "currency", "seller.identifiers", "buyer", "lines.0.quantity", "lines.0.unitPrice", "lines.0.lineTotal", "charges.0", "totals.total"}},
	{"invoice-to-edifact-invoic", "edifact-invoic-to-invoice", []string{"kind", "invoiceNumber", "issuedOn", "dueOn", "currency", "seller", "buyer", "lines.0.quantity", "lines.0.uom", "lines.0.unitPrice", "lines.0.lineTotal", "charges.0", "taxes.0", "totals"}},
	{"order-to-edifact-orders", "edifact-orders-to-order", []string{"orderNumber", "currency", "buyer", "seller", "billTo", "fulfilments.0.shipTo", "lines.0.lineId", "lines.0.quantity", "lines.0.uom", "lines.0.unitPrice", "lines.0.lineTotal", "terms", "notes"}},
	{"order-to-x12-850", "x12-850-to-order", []string{"orderNumber", "currency", "buyer", "seller", "fulfilments.0.shipTo.identifiers", "fulfilments.0.carrier", "lines.0.lineId", "lines.0.quantity", "lines.0.uom", "lines.0.unitPrice", "lines.0.discounts", "charges", "discounts", "terms"}},
	{"price-to-edifact-pricat", "edifact-pricat-to-price", []string{"priceList", "currency", "amount", "uom", "minQuantity", "kind", "from", "to"}},
	{"price-to-x12-832", "x12-832-to-price", []string{"priceList", "currency", "amount", "uom", "minQuantity", "from", "to"}},
	{"shipment-to-edifact-desadv", "edifact-desadv-to-shipment", []string{"status", "order", "from", "to", "shippedAt", "expectedAt", "carrier", "packages.0.identifiers", "packages.1.identifiers", "packages.0.kind", "packages.1.kind", "packages.2.kind", "packages.2.weight", "packages.2.lines.0.lineId", "packages.2.lines.0.quantity", "packages.2.lines.0.uom"}},
	{"shipment-to-x12-856", "x12-856-to-shipment", []string{"status", "expectedAt", "carrier", "to", "packages.1.identifiers", "packages.1.weight", "packages.1.tracking", "packages.1.lines.0.quantity"}},
}

// worked are the documents that the embedded tests of a mapping expect to work.
func worked(t *testing.T, name string) (inputs [][]byte) {
	t.Helper()
	b, err := fs.ReadFile(FS, name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests []struct {
			Input  any
			Expect any
		}
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Tests {
		if c.Expect == nil {
			continue
		}
		doc, err := json.Marshal(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, doc)
	}
	return inputs
}

func checkedMapping(t *testing.T, name string) *mapping.Mapping {
	t.Helper()
	m, found := mapping.Check(FS, name+".yaml")
	if m == nil {
		t.Fatalf("%s: %v", name, found)
	}
	return m
}

// written is a document as an interchange of its standard.
func written(t *testing.T, mappingName string, doc []byte) []byte {
	t.Helper()
	d, err := compose.Read(doc)
	if err != nil {
		t.Fatal(err)
	}
	to := compose.Agreement{Standard: syntax.X12, Release: "004010", Sender: compose.Party{Qualifier: "08", ID: "9254110060"}, Receiver: compose.Party{Qualifier: "ZZ", ID: "ACMEOUTFIT"}}
	if strings.Contains(mappingName, "edifact") {
		to = compose.Agreement{Standard: syntax.EDIFACT, Release: "D96A", Association: "EAN008", Sender: compose.Party{Qualifier: "14", ID: "5412345000013"}, Receiver: compose.Party{Qualifier: "14", ID: "4012345500004"}}
	}
	file, err := to.Interchange(ediGrammars, []*compose.Document{d}, compose.Numbers{Interchange: 42, At: time.Date(2026, 1, 5, 9, 15, 0, 0, time.UTC)})
	if err != nil {
		t.Fatalf("cannot be written: %v\n%s", err, doc)
	}
	return file
}

// TestEDIOut: what the mappings make for partners can be written, is accepted by
// the grammar, and says the same when it is read back.
func TestEDIOut(t *testing.T) {
	for _, p := range ediPairs {
		t.Run(p.out, func(t *testing.T) {
			out, in := checkedMapping(t, p.out), checkedMapping(t, p.in)
			docs := worked(t, p.out)
			if len(docs) == 0 {
				t.Fatal("no embedded test expects a document")
			}
			for i, doc := range docs {
				made, err := out.Map(context.Background(), doc, mapping.Input{})
				if err != nil {
					t.Fatal(err)
				}
				file := written(t, p.out, made.Doc)
				r, err := verdict.Grade(p.out, bytes.NewReader(file), &validate.Validator{Grammars: ediGrammars})
				if err != nil {
					t.Fatal(err)
				}
				if r.Verdict != verdict.Accept {
					t.Errorf("sample %d is graded %s: %v\n%s", i, r.Verdict, r.Findings, file)
				}
				if i > 0 {
					continue
				}
				back := []byte(nil)
				for _, d := range shaped(t, file) {
					back = d.doc
				}
				again, err := in.Map(context.Background(), back, mapping.Input{})
				if err != nil {
					t.Fatalf("%s: %v\n%s", p.in, err, file)
				}
				same(t, doc, again.Doc, p.keep)
			}
		})
	}
}

func same(t *testing.T, was, is []byte, paths []string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(was, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(is, &b); err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		x, y := member(a, p), member(b, p)
		if x == nil || y == nil || fmt.Sprint(x) != fmt.Sprint(y) && !sameTime(x, y) {
			t.Errorf("%s was %v, and is %v", p, x, y)
		}
	}
}

func sameTime(x, y any) bool {
	a, err := time.Parse(time.RFC3339, fmt.Sprint(x))
	b, err2 := time.Parse(time.RFC3339, fmt.Sprint(y))
	return err == nil && err2 == nil && a.Equal(b)
}

func member(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i := int(step[0] - '0')
			if i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// shapedSet is a set as named JSON.
type shapedSet struct {
	id, release string
	doc         []byte
}

// shaped reads the sets of a file that are not rejected.
func shaped(t *testing.T, file []byte) (sets []shapedSet) {
	t.Helper()
	s := edishape.New(edishape.Options{Each: func(d *edishape.Document) error {
		if !bytes.Contains(d.JSON, []byte(`"rejected":true`)) {
			sets = append(sets, shapedSet{d.Set.ID, d.Set.Release, slices.Clone(d.JSON)})
		}
		return nil
	}})
	if err := (&validate.Validator{Grammars: ediGrammars}).Run(bytes.NewReader(file), s); err != nil {
		t.Fatal(err)
	}
	return sets
}

// ediSplits are what a route writes under `split` for mappings of one line.
var ediSplits = map[string]string{
	"846":    `src.inventory.lines.map(l, {"interchange": src.interchange, "inventory": {"purpose": src.inventory.purpose, "report_type": src.inventory.report_type, "reference": src.inventory.reference, "date": src.inventory.date, ?"time": src.inventory.?time, ?"warehouse": src.inventory.?warehouse, ?"ship_from": src.inventory.?ship_from, "lines": [l]}})`,
	"INVRPT": `src.inventory_report.lines.map(l, {"interchange": src.interchange, "inventory_report": {"name": src.inventory_report.name, "number": src.inventory_report.number, "dates": src.inventory_report.dates, ?"warehouse": src.inventory_report.?warehouse, ?"store": src.inventory_report.?store, "lines": [l]}})`,
	"PRICAT": `src.price_catalogue.product_groups[0].lines.map(l, {"interchange": src.interchange, "price_catalogue": {"name": src.price_catalogue.name, ?"number": src.price_catalogue.?number, "dates": src.price_catalogue.dates, ?"currencies": src.price_catalogue.?currencies, ?"allowances": src.price_catalogue.?allowances, "product_groups": src.price_catalogue.product_groups.map(g, {"type": g.type, ?"allowances": g.?allowances, "lines": [l]})}})`,
	"832":    `src.catalog.lines.map(l, {"interchange": src.interchange, "catalog": {"catalog_purpose": src.catalog.catalog_purpose, ?"catalog": src.catalog.?catalog, ?"currencies": src.catalog.?currencies, ?"dates": src.catalog.?dates, "lines": [l]}})`,
}

// inbound are the mappings of sets that partners send.
var inbound = map[string]string{
	"850": "x12-850-to-order", "855": "x12-855-to-acknowledgement", "856": "x12-856-to-shipment", "810": "x12-810-to-invoice",
	"846": "x12-846-to-inventory", "832": "x12-832-to-price", "DESADV": "edifact-desadv-to-shipment", "INVOIC": "edifact-invoic-to-invoice", "INVRPT": "edifact-invrpt-to-inventory", "ORDERS": "edifact-orders-to-order", "ORDRSP": "edifact-ordrsp-to-acknowledgement", "PRICAT": "edifact-pricat-to-price",
}

// TestSplits: a report of several lines becomes a document for each, which the
// mapping of a line takes.
func TestSplits(t *testing.T) {
	for set, expr := range ediSplits {
		split, err := mapping.CompileSplit(expr)
		if err != nil {
			t.Fatal(err)
		}
		m := checkedMapping(t, inbound[set])
		doc := worked(t, inbound[set])[0]
		var whole map[string]any
		if err := json.Unmarshal(doc, &whole); err != nil {
			t.Fatal(err)
		}
		for _, top := range whole {
			o, ok := top.(map[string]any)
			if groups, grouped := o["product_groups"].([]any); grouped {
				o, ok = groups[0].(map[string]any)
			}
			if ok && o["lines"] != nil {
				o["lines"] = append(o["lines"].([]any), o["lines"].([]any)...)
			}
		}
		two, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := split.Eval(two, nil)
		if err != nil || len(parts) != 2 {
			t.Fatalf("%s: %d parts, %v", set, len(parts), err)
		}
		for _, p := range parts {
			if _, err := m.Map(context.Background(), p, mapping.Input{}); err != nil {
				t.Errorf("%s: %v", set, err)
			}
		}
	}
}

// TestRealEDI runs the mappings over files of other people, which are not part of
// this repository. They come without an agreement, so that some are refused for
// good reason; each reason is known.
func TestRealEDI(t *testing.T) {
	root := os.Getenv("CROSSDOCK_EDI_CORPUS")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "edi-corpus")
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("the corpus of real files is not there (%s): set CROSSDOCK_EDI_CORPUS to its folder", root)
	}
	mappings := map[string]*mapping.Mapping{}
	mapped, refused, reasons := map[string]int{}, map[string]int{}, map[string]int{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(p, "/derived/") || strings.HasSuffix(p, ".tsv") || strings.HasSuffix(p, ".md") {
			return err
		}
		file, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for _, s := range shaped(t, file) {
			name := inbound[s.id]
			if name == "" || s.release != "004010" && s.release != "D96A" {
				continue
			}
			if mappings[name] == nil {
				mappings[name] = checkedMapping(t, name)
			}
			parts := [][]byte{s.doc}
			if expr := ediSplits[s.id]; expr != "" {
				split, err := mapping.CompileSplit(expr)
				if err != nil {
					return err
				}
				if parts, err = split.Eval(s.doc, nil); err != nil {
					return fmt.Errorf("%s: %w", p, err)
				}
			}
			for _, part := range parts {
				_, err := mappings[name].Map(context.Background(), part, mapping.Input{})
				if err == nil {
					mapped[name]++
					continue
				}
				refused[name]++
				reason := fmt.Sprint(name, ": ", err)
				if reasons[reason]++; reasons[reason] > 1 {
					continue
				}
				if !slices.ContainsFunc(knownRefusals, func(k string) bool { return strings.Contains(err.Error(), k) }) {
					t.Errorf("%s: a reason that nobody looked at: %v", filepath.Base(p), err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range inbound {
		t.Logf("%-30s %d mapped, %d refused", name, mapped[name], refused[name])
		if refused[name] > 0 && mapped[name] == 0 {
			t.Errorf("%s takes none of the files", name)
		}
	}
	for r, n := range reasons {
		t.Logf("%d× %s", n, r)
	}
}

// knownRefusals are what the mappings rightly refuse in files that were made up
// as samples.
var knownRefusals = []string{
	`the code "KI" is not in the code list uom`,
	`the code "ZZ" is not in the code list uom`,
	"src.interchange is missing",                     // a message without UNB
	"the total (TDS01) is not the sum",               // one line of 807.50 and a total of 1395.50; lines of 1851.00 and the total 2554.38 of the invoice before
	`GLN "123456`, `GTIN "00002840022222" has check`, // numbers that were made up
	"lines[0].quantity: the field is required", // QTY+1 instead of QTY+21
	"no item number of a kind that is mapped",  // LIN without a kind of number
}
