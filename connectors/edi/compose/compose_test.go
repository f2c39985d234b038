package compose_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

var (
	library = grammar.Open(grammars.FS())
	acme    = compose.Agreement{
		Standard: syntax.X12, Release: "004010", Suffix: "\n",
		Sender: compose.Party{Qualifier: "08", ID: "9254110060"}, Receiver: compose.Party{Qualifier: "ZZ", ID: "ACMEOUTFIT"},
	}
	nord = compose.Agreement{
		Standard: syntax.EDIFACT, Release: "D96A", Association: "EAN008", Suffix: "\n",
		Sender: compose.Party{Qualifier: "14", ID: "5412345000013"}, Receiver: compose.Party{Qualifier: "14", ID: "8712345000019"},
	}
	numbers = compose.Numbers{Interchange: 42, At: time.Date(2026, 1, 5, 9, 15, 0, 0, time.UTC)}
)

func read(t testing.TB, docs ...string) []*compose.Document {
	t.Helper()
	var out []*compose.Document
	for _, d := range docs {
		doc, err := compose.Read([]byte(d))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, doc)
	}
	return out
}

func TestWhatIsWritten(t *testing.T) {
	comma := nord
	comma.Delimiters = syntax.Delimiters{Decimal: ','}
	for _, c := range []struct {
		name string
		to   compose.Agreement
		doc  string
		want string // between the set's header and trailer
	}{
		{
			"the opening segment is the object itself, totals are counted", acme,
			`{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "date": "2026-01-05", "lines": [{"line": "1", "quantity": 48, "unit": "EA", "price": 7.25, "ids": {"gtin14": "00614141000012"}}]}}`,
			"BEG*00*SA*4711**20260105~\nPO1*1*48*EA*7.25**UK*00614141000012~\nCTT*1~\n",
		},
		{
			"a total of the document's own stays", acme,
			`{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "date": "2026-01-05", "lines": [{"line": "1"}], "totals": {"line_count": 7}}}`,
			"BEG*00*SA*4711**20260105~\nPO1*1~\nCTT*7~\n",
		},
		{
			"members come in the order of the grammar, ids in their own", acme,
			`{"purchase_order": {"lines": [{"ids": {"vendor_item": "V1", "gtin12": "614141000012"}, "line": "1"}], "date": "2026-01-05", "number": "4711", "type": "SA", "purpose": "00"}}`,
			"BEG*00*SA*4711**20260105~\nPO1*1*****VN*V1*UP*614141000012~\nCTT*1~\n",
		},
		{
			"the name of a party is its qualifier", acme,
			`{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "date": "2026-01-05", "ship_to": {"name": "STORE"}, "parties": [{"entity": "XY", "name": "OTHER"}], "lines": [{"line": "1"}]}}`,
			"BEG*00*SA*4711**20260105~\nN1*ST*STORE~\nN1*XY*OTHER~\nPO1*1~\nCTT*1~\n",
		},
		{
			"_order mixes them", acme,
			`{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "date": "2026-01-05", "_order": ["parties", "ship_to", "parties"], "ship_to": {"name": "STORE"}, "parties": [{"entity": "XY", "name": "OTHER"}, {"entity": "YX", "name": "LAST"}], "lines": [{"line": "1"}]}}`,
			"BEG*00*SA*4711**20260105~\nN1*XY*OTHER~\nN1*ST*STORE~\nN1*YX*LAST~\nPO1*1~\nCTT*1~\n",
		},
		{
			"implied decimals", acme,
			`{"invoice": {"date": "2026-01-05", "number": "R1", "lines": [], "total": {"amount": "-0.05"}}}`,
			"BIG*20260105*R1~\nTDS*-5~\n",
		},
		{
			"a tree is numbered", acme,
			`{"shipment": {"purpose": "00", "shipment": "S1", "date": "2026-01-05", "time": "09:15", "ship_to": {"name": "STORE"},
			  "orders": [{"order": {"number": "4711"}, "packs": [{"marks": [{"qualifier": "GM", "marks": "00106141410000000015"}], "items": [{"item": {"ids": {"gtin12": "614141000012"}}}]}]}, {"order": {"number": "4712"}}]}}`,
			"BSN*00*S1*20260105*0915~\nHL*1**S~\nN1*ST*STORE~\nHL*2*1*O~\nPRF*4711~\nHL*3*2*P~\nMAN*GM*00106141410000000015~\nHL*4*3*I~\nLIN**UP*614141000012~\nHL*5*1*O~\nPRF*4712~\nCTT*5~\n",
		},
		{
			"what the inventory mapping makes", acme,
			`{"inventory":{"purpose":"00","report_type":"DD","reference":"SKU-1-7","date":"2026-01-05","time":"09:00","lines":[{"line":"1","ids":{"vendor_item":"SKU-1","gtin14":"00614141000012"},"quantities":[{"qualifier":"17","quantity":"20","unit":{"code":"EA"}},{"qualifier":"33","quantity":"15","unit":{"code":"EA"}}]}]}}`,
			"BIA*00*DD*SKU-1-7*20260105*0900~\nLIN*1*VN*SKU-1*UK*00614141000012~\nQTY*17*20*EA~\nQTY*33*15*EA~\nCTT*1~\n",
		},
		{
			"null and empty text say nothing", acme,
			`{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "release": null, "date": "2026-01-05", "currency": null, "lines": [{"line": "1", "unit": ""}]}}`,
			"BEG*00*SA*4711**20260105~\nPO1*1~\nCTT*1~\n",
		},
		{
			"composites, release characters, a decimal comma, UNS and CNT", comma,
			`{"order": {"name": {"code": "220"}, "number": "128576", "function": "9", "dates": [{"date": {"qualifier": "137", "value": "20260105", "format": "102"}}],
			  "lines": [{"line": "1", "item": {"id": "8711234567890", "type": "EN"}, "prices": [{"price": {"qualifier": "AAA", "price": 7.25}}], "texts": [{"qualifier": "AAI", "text": {"line_1": "CREW'S SOCK"}}]}]}}`,
			"BGM+220+128576+9'\nDTM+137:20260105:102'\nLIN+1++8711234567890:EN'\nFTX+AAI+++CREW?'S SOCK'\nPRI+AAA:7,25'\nUNS+S'\nCNT+2:1'\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := c.to.Interchange(library, read(t, c.doc), numbers)
			if err != nil {
				t.Fatal(err)
			}
			if got := body(string(out)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// body is what stands between the header and the trailer of the first set.
func body(file string) string {
	lines := strings.SplitAfter(file, "\n")
	from, to := 0, len(lines)
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "ST*") || strings.HasPrefix(l, "UNH+"):
			from = i + 1
		case strings.HasPrefix(l, "SE*") || strings.HasPrefix(l, "UNT+"):
			to = i
		}
	}
	return strings.Join(lines[from:to], "")
}

func TestWhatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		want      []string
	}{
		{
			"names that nothing carries, all at once",
			`{"purchase_order": {"purpose": "00", "type": "SA", "nubmer": "4711", "date": "2026-01-05", "lines": [{"line": "1", "colour": "red", "ids": {"gtin12": "1"}}]}}`,
			[]string{`/purchase_order/nubmer: no segment or element carries "nubmer", so that it would be lost; did you mean "number"?`, `/purchase_order/lines/0/colour`},
		},
		{
			"too many digits behind the point", `{"invoice": {"date": "2026-01-05", "number": "R1", "total": {"amount": "7.255"}}}`,
			[]string{`/invoice/total/amount (TDS01): "7.255" has three digits behind the point, amount has room for two digits; round it in the mapping`},
		},
		{
			"a separator in a value", `{"purchase_order": {"purpose": "00", "type": "SA", "number": "47*11", "date": "2026-01-05", "lines": [{"line": "1"}]}}`,
			[]string{`/purchase_order/number (BEG03, segment 2): the value "47*11" contains the separator '*', which X12 cannot write`},
		},
		{
			"what is mandatory", `{"purchase_order": {"purpose": "00", "type": "SA", "date": "2026-01-05", "lines": [{"line": "1"}]}}`,
			[]string{`/purchase_order/number (BEG03, segment 2): the mandatory element number is missing`},
		},
		{
			"a mandatory loop", `{"purchase_order": {"purpose": "00", "type": "SA", "number": "1", "date": "2026-01-05"}}`,
			[]string{`/purchase_order/lines (PO1): the mandatory segment PO1`},
		},
		{
			"a code", `{"purchase_order": {"purpose": "QQ", "type": "SA", "number": "1", "date": "2026-01-05", "lines": [{"line": "1"}]}}`,
			[]string{`/purchase_order/purpose (BEG01, segment 2): `, "QQ", "expected"},
		},
		{
			"a condition", `{"purchase_order": {"purpose": "00", "type": "SA", "number": "1", "date": "2026-01-05", "ship_to": {"name": "X", "id": "077"}, "lines": [{"line": "1"}]}}`,
			[]string{`/purchase_order/ship_to/qualifier (N103, segment 3)`},
		},
		{"another set's member", `{"purchase_orders": {}}`, []string{`did you mean "purchase_order"?`}},
		{
			"a number for text", `{"purchase_order": {"purpose": "00", "type": "SA", "number": 4711, "date": "2026-01-05", "lines": [{"line": "1"}]}}`,
			[]string{`/purchase_order/number (BEG03): "4711" is a number, and`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := acme.Interchange(library, read(t, c.doc), numbers)
			if err == nil {
				t.Fatalf("written: %s", out)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got  %v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestDelimiterError(t *testing.T) {
	_, err := acme.Interchange(library, read(t, `{"purchase_order": {"purpose": "00", "type": "SA", "number": "47>11", "date": "2026-01-05", "lines": [{"line": "1"}]}}`), numbers)
	var wrong *compose.DelimiterError
	if !errors.As(err, &wrong) || wrong.Delimiter != '>' || wrong.Pointer != "/purchase_order/number" || wrong.Value != "47>11" {
		t.Errorf("got %v", err)
	}
}

func TestHostileJSON(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"twice":           {`{"a": {"b": 1, "b": 2}}`, `/a: the member "b" comes twice`},
		"deep":            {strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), "nested deeper"},
		"no UTF-8":        {"{\"a\": \"\xff\"}", "not UTF-8"},
		"half a pair":     {`{"a": "\ud83d"}`, "half of a surrogate pair"},
		"more behind":     {`{} {}`, "byte 4"},
		"cut":             {`{"a": `, "no JSON"},
		"a list":          {`[]`, "is a list"},
		"twice, escaped":  {`{"a": 1, "\u0061": 2}`, "comes twice"},
		"twice, of many":  {`{` + manyMembers(40) + `"m7": 1}`, "comes twice"},
		"a colon's place": {`{"a" 1}`, "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := compose.Read([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := compose.Read([]byte(`{"a": "\ufffd\ud83d\ude00"}`)); err != nil {
		t.Error(err)
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"m` + string(rune('0'+i%10)) + strings.Repeat("x", i/10) + `": 1, `)
	}
	return b.String()
}
