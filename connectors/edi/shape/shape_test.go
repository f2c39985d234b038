package shape_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

var library = grammar.Open(grammars.FS())

func shaped(t testing.TB, doc string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := (&validate.Validator{Grammars: library}).Run(strings.NewReader(doc), shape.NewWriter(&out)); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n")
}

const isa = "ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*0900*U*00401*000000317*0*P*>~"

func TestNames(t *testing.T) {
	x12 := func(group, set, body string) string {
		return isa + "GS*" + group + "*A*B*20260105*0900*12*X*004010~ST*" + set + "*0001~" + body + "SE*9*0001~GE*1*12~IEA*1*000000317~"
	}
	edifact := func(body string) string {
		return "UNB+UNOC:3+A:14+B:14+260105:0900+317'UNH+1+ORDERS:D:96A:UN'BGM+220+128576+9'DTM+137:20260105:102'" + body + "UNS+S'UNT+9+1'UNZ+1+317'"
	}
	for _, c := range []struct{ name, doc, want string }{
		{"the opening segment is the object itself", x12("PO", "850", "BEG*00*SA*4711**20260105~PO1*1*48*EA~"), `"purchase_order":{"purpose":"00","type":"SA","number":"4711","date":"2026-01-05","lines":[{"line":"1","quantity":"48","unit":"EA"}]}`},
		{"what may repeat is a list, also once", x12("PO", "850", "BEG*00*SA*4711**20260105~REF*DP*077~PO1*1~"), `"references":[{"qualifier":"DP","id":"077"}]`},
		{"pairs of qualifier and id", x12("PO", "850", "BEG*00*SA*4711**20260105~PO1*1*1*EA***XX*7*UP*614141000012~"), `"ids":{"xx":"7","gtin12":"614141000012"}`},
		{"loops in loops", x12("PO", "850", "BEG*00*SA*4711**20260105~PO1*1~N1*ST*STORE~N3*1 MAIN ST~PO1*2~"), `"lines":[{"line":"1","ship_to":{"name":"STORE","address":[{"line_1":"1 MAIN ST"}]}},{"line":"2"}]`},
		{"implied decimals are written out", x12("IN", "810", "BIG*20260105*R1~TDS*-5~"), `"total":{"amount":"-0.05"}`},
		{"nothing is dropped", x12("PO", "850", "BEG*00*SA*4711**20260105~QQQ*a**c~PO1*1~"), `"_extra":[{"segment":"QQQ","position":3,"elements":["a","","c"]}]`},
		{"what cannot be a segment, too", x12("PO", "850", "BEG*00*SA*4711**20260105~po1*a~PO1*1~"), `"_extra":[{"segment":"po1","position":3,"elements":["a"]}]`},
		{
			"what comes too often", x12("PO", "850", "BEG*00*SA*4711**20260105~BEG*05*SA*4712~PO1*1~CTT*1~AMT*TT*5~CTT*2~AMT*TT*6~"),
			`"totals":{"line_count":"1","amount":{"qualifier":"TT","amount":"5"}},"_extra":[{"segment":"BEG","position":3,"elements":["05","SA","4712"]},{"segment":"CTT","position":7,"elements":["2"]},{"segment":"AMT","position":8,"elements":["TT","6"]}]}`,
		},
		{"elements too many", x12("PO", "850", "BEG*00*SA*4711**20260105~N3*A*B*C~N1*ST*S~N3*A*B*C~PO1*1~"), `"address":[{"line_1":"A","line_2":"B","element_3":"C"}]`},
		{"components too many", edifact("LIN+1'QTY+21:4:PCE:X'"), `"quantity":{"qualifier":"21","quantity":"4","unit":"PCE","component_4":"X"}`},
		{"halves of pairs, and one that comes twice", x12("PO", "850", "BEG*00*SA*4711**20260105~PO1*1*****UP*614141000012*VN**UP*7~"), `"ids":{"gtin12":"614141000012"},"product_qualifier_2":"VN","product_qualifier_3":"UP","product_id_3":"7"}`},
		{"codes in small letters keep their element", x12("PO", "850", "BEG*00*SA*4711**20260105~PO1*1*****up*614141000012~"), `{"line":"1","product_qualifier_1":"up","product_id_1":"614141000012"}`},
		{"what JSON escapes", x12("PO", "850", "BEG*00*SA*47\"1\\1\t**20260105~PO1*1~"), `"number":"47\"1\\1\u0009"`},
		{"dates of six digits stay where eight belong", x12("PO", "850", "BEG*00*SA*4711**260105~PO1*1~"), `"date":"260105"`},
		{"rejected sets are marked", x12("PO", "850", "BEG*00*SA*4711**20260105~QQQ*a~PO1*1~"), `"rejected":true`},
		{"composites", edifact("NAD+BY+5412345000013::9'LIN+1++8711234567890:EN'"), `"buyer":{"party":{"id":"5412345000013","agency":"9"}}`},
		{"release characters are gone", edifact("LIN+1'FTX+AAI+++CREW?'S SOCK'"), `"line_1":"CREW'S SOCK"`},
		{"comma as the decimal mark", edifact("LIN+1'PRI+AAA:7,25'"), `"price":"7.25"`},
		{"no grammar", strings.Replace(x12("PO", "850", "BEG*00~"), "*X*004010", "*X*003010", 1), `"segments":{"_extra":[{"segment":"BEG","position":2,"elements":["00"]}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shaped(t, c.doc)[0]; !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSchemas holds every document of a valid file against the schema of its set,
// whole and in parts.
func TestSchemas(t *testing.T) {
	files := map[string]string{"levels without a name": notice("HL*1**S~HL*2*1*Y~HL*3*2*I~HL*4*9*Z~"), "no root": notice("HL*1**O~HL*2*1*I~")}
	for _, name := range derived(t, "*_base.edi") {
		files[filepath.Base(name)] = contents(t, name)
	}
	for _, k := range kinds {
		files[k.name] = string(k.file(1))
	}
	schemas := map[*grammar.Set]*jsonschema.Schema{}
	for name, doc := range files {
		for _, items := range []int{0, 1, 5} {
			for _, d := range documents(t, doc, shape.Options{PartItems: func(*validate.Set) int { return items }}) {
				set := d.Set.Grammar
				if schemas[set] == nil {
					schemas[set] = compiled(t, set)
				}
				if err := schemas[set].Validate(decoded(t, d.text)); err != nil {
					t.Errorf("%s does not fit the schema of %s: %v\n%s", name, set.ID, err, d.text)
				}
			}
		}
	}
}

// TestEverySetHasASchema compiles the schema of every grammar.
func TestEverySetHasASchema(t *testing.T) {
	for _, std := range []syntax.Standard{syntax.X12, syntax.EDIFACT} {
		releases, err := library.Releases(std)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range releases {
			sets, err := library.Sets(std, r)
			if err != nil || len(sets) == 0 {
				t.Fatalf("%s %s has no sets: %v", std, r, err)
			}
			for _, id := range sets {
				set, err := library.Set(std, r, id)
				if err != nil {
					t.Fatal(err)
				}
				compiled(t, set)
			}
		}
	}
}

func decoded(t *testing.T, doc string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func compiled(t *testing.T, set *grammar.Set) *jsonschema.Schema {
	t.Helper()
	b, err := shape.Schema(set)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("set.json", decoded(t, string(b))); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("set.json")
	if err != nil {
		t.Fatalf("%s %s: %v", set.Version, set.ID, err)
	}
	return s
}

// TestShippedSchemas: the mappings that ship are checked against what this
// package makes and reads. -update writes their schemas.
func TestShippedSchemas(t *testing.T) {
	for _, c := range []struct {
		std               syntax.Standard
		release, id, name string
	}{
		{syntax.X12, "004010", "810", "x12-810"},
		{syntax.X12, "004010", "832", "x12-832"},
		{syntax.X12, "004010", "846", "x12-846"},
		{syntax.X12, "004010", "850", "x12-850"},
		{syntax.X12, "004010", "855", "x12-855"},
		{syntax.X12, "004010", "856", "x12-856"},
		{syntax.EDIFACT, "D96A", "DESADV", "edifact-desadv"},
		{syntax.EDIFACT, "D96A", "INVOIC", "edifact-invoic"},
		{syntax.EDIFACT, "D96A", "INVRPT", "edifact-invrpt"},
		{syntax.EDIFACT, "D96A", "ORDERS", "edifact-orders"},
		{syntax.EDIFACT, "D96A", "ORDRSP", "edifact-ordrsp"},
		{syntax.EDIFACT, "D96A", "PRICAT", "edifact-pricat"},
	} {
		set, err := library.Set(c.std, c.release, c.id)
		if err != nil {
			t.Fatal(err)
		}
		b, err := shape.Schema(set)
		if err != nil {
			t.Fatal(err)
		}
		file := "../../../mappings/schemas/" + c.name + ".json"
		if *update {
			if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if contents(t, file) != string(b)+"\n" {
			t.Errorf("%s is not what `crossdock edi schema %s` prints; -update writes it", file, c.id)
		}
	}
}

// TestSchemaTellsPlaces: who follows a member of the document finds the element
// that a partner's guide talks about.
func TestSchemaTellsPlaces(t *testing.T) {
	for _, c := range []struct {
		standard syntax.Standard
		release  string
		set      string
		pointer  string
		want     string
	}{
		{syntax.X12, "004010", "850", "properties/interchange/properties/sender/properties/id", "ISA06"},
		{syntax.X12, "004010", "850", "properties/interchange/properties/ack_requested", "ISA14"},
		{syntax.X12, "004010", "850", "properties/group/properties/version", "GS08"},
		{syntax.X12, "004010", "850", "properties/purchase_order/properties/number", "BEG03 (324)"},
		{syntax.X12, "004010", "850", "properties/purchase_order/properties/ship_to", "N101=ST"},
		{syntax.X12, "004010", "850", "properties/purchase_order/properties/lines/items/properties/ids/properties/gtin12", "PO1 235=UP → 234"},
		{syntax.X12, "004010", "856", "$defs/levels/properties/hierarchy/properties/parent", "HL02 (734)"},
		{syntax.EDIFACT, "D96A", "ORDERS", "properties/interchange/properties/receiver/properties/qualifier", "UNB03-2"},
		{syntax.EDIFACT, "D96A", "ORDERS", "properties/transaction/properties/control_number", "UNH01"},
		{syntax.EDIFACT, "D96A", "ORDERS", "properties/order/properties/buyer", "NAD01=BY"},
		{syntax.EDIFACT, "D96A", "ORDERS", "$defs/parties/properties/party/properties/id", "NAD02-1 (3039)"},
	} {
		set, err := library.Set(c.standard, c.release, c.set)
		if err != nil {
			t.Fatal(err)
		}
		b, err := shape.Schema(set)
		if err != nil {
			t.Fatal(err)
		}
		at := decoded(t, string(b))
		for _, name := range strings.Split(c.pointer, "/") {
			members, _ := at.(map[string]any)
			if at = members[name]; at == nil {
				t.Fatalf("%s %s: nothing at %s, before %s", c.release, c.set, c.pointer, name)
			}
		}
		if got := at.(map[string]any)["x-edi"]; got != c.want {
			t.Errorf("%s %s: %s stands at %v, want %s", c.release, c.set, c.pointer, got, c.want)
		}
	}
}
