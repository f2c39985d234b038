package mapping_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
)

// told is a derivation in one line, for comparison.
func told(d mapping.Derivation) string {
	parts := []string{d.Target}
	if d.Element != "" {
		parts = append(parts, "at "+d.Element)
	}
	for _, p := range []struct{ what, text string }{{"const", d.Constant}, {"list", d.Codelist}, {"lookup", d.Lookup}, {"default", d.Default}} {
		if p.text != "" {
			parts = append(parts, p.what+" "+p.text)
		}
	}
	from := func(all []mapping.Origin) {
		for _, o := range all {
			text := o.Path
			if o.Element != "" {
				text += " @ " + o.Element
			}
			for _, d := range o.From {
				text += " (" + told(d) + ")"
			}
			parts = append(parts, text)
		}
	}
	from(d.Sources)
	for _, i := range d.Through {
		parts = append(parts, strings.TrimSpace(i.By+" "+i.Name)+":")
		from(i.Sources)
	}
	return strings.Join(parts, " | ")
}

func TestDerivations(t *testing.T) {
	m := checked(t, explained)
	for target, want := range map[string]string{
		"text":         "text | lookup names | src.id",
		"kind":         `kind | list kinds | default "b" | src.status`,
		"short":        "short | src.refs[].v | let ref: | src.refs[].q",
		"address.zip":  "address.zip | list zips | src.address.zip",
		"tags":         "tags | src.lines[].sku",
		"lines[0].sku": "lines[].sku | src.lines[].sku | each l: | src.lines | src.lines[].qty",
		"lines.total":  "lines[].total | src.lines[].price | src.lines[].qty | each l: | src.lines | src.lines[].qty",
		"any":          `any | const {"fixed":[1]} | when: | src.flag`,
	} {
		got, err := m.DerivationsOf(target)
		if err != nil || len(got) != 1 || told(got[0]) != want {
			t.Errorf("%s is made by %v, %v\nwant %s", target, tell(got), err, want)
		}
	}
	got, err := m.DerivationsOf("ratio")
	if err != nil || len(got) != 1 || !strings.Contains(told(got[0]), "ratio | out.lines (lines | ") {
		t.Errorf("what other rules made is not followed: %v, %v", tell(got), err)
	}
	if got[0].Line != 29 || got[0].Col != 17 || got[0].File != "mappings/m.yaml" {
		t.Errorf("the expression stands at %v", got[0].Place)
	}
}

func tell(all []mapping.Derivation) string {
	var b strings.Builder
	for _, d := range all {
		fmt.Fprintf(&b, "\n  %s", told(d))
	}
	return b.String()
}

// TestDerivationsOfWhatIsCopied: below a member that is copied as a whole, target
// and source go on side by side.
func TestDerivationsOfWhatIsCopied(t *testing.T) {
	m := checked(t, "fields: {address: src.address}\n")
	got, err := m.DerivationsOf("address.zip")
	if err != nil || tell(got) != "\n  address.zip | src.address.zip" {
		t.Errorf("made by %s, %v", tell(got), err)
	}
	if got, err = m.DerivationsFrom("src.address.zip"); err != nil || tell(got) != "\n  address | src.address" {
		t.Errorf("goes to %s, %v", tell(got), err)
	}
}

func TestDerivationsFrom(t *testing.T) {
	m := checked(t, explained)
	for source, want := range map[string]string{
		"src.id":             "text",
		"src.lines.price":    "lines[].total ratio",
		"src.lines[2].tags":  "lines[].tags ratio",
		"src.refs[].q":       "short",
		"src.address":        "address.city address.zip",
		"src.flag":           "any",
		"src.lines[].tags[]": "lines[].tags ratio",
	} {
		got, err := m.DerivationsFrom(source)
		var names []string
		for _, d := range got {
			names = append(names, d.Target)
		}
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("%s goes to %v, %v; want %s", source, names, err, want)
		}
	}
}

func TestLineageOfWhatIsNotThere(t *testing.T) {
	m := checked(t, explained)
	for _, c := range []struct {
		reverse     bool
		field, want string
	}{
		{false, "ok", "no rule of mappings/m.yaml sets ok"},
		{false, "lines.skuu", `has no field "lines.skuu" (did you mean "lines[].sku"?)`},
		{true, "src.name", "no rule of mappings/m.yaml reads src.name"},
		{true, "src.nme", `has no src.nme (did you mean "src.name"?)`},
		{true, "PO103", `reads an element "PO103"; write a member of the source with src. before it`},
	} {
		of := m.DerivationsOf
		if c.reverse {
			of = m.DerivationsFrom
		}
		if got, err := of(c.field); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want an error with %q", c.field, tell(got), err, c.want)
		}
	}
}

// TestLineageEndsAtTheElement: schemas of EDI messages say where members stand.
func TestLineageEndsAtTheElement(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	edi := `{"$defs": {"party": {"type": "object", "properties": {"name": {"type": "string", "x-edi": "N102 (93)"}}}}, "type": "object", "properties": {
		"ship_to": {"$ref": "#/$defs/party", "x-edi": "N101=ST"},
		"lines": {"type": "array", "items": {"type": "object", "properties": {"unit": {"type": "string", "x-edi": "PO103 (355)"},
			"ids": {"type": "object", "properties": {"gtin12": {"type": "string", "x-edi": "PO1 235=UP → 234"}}}}}}}}`
	m, found := mapping.Check(fstest.MapFS{"edi.json": file(edi), "m.yaml": file(`mapping: m
version: 1.0.0
source: {schema: edi.json}
target: {schema: edi.json}
fields:
  ship_to: {fields: {name: src.ship_to.name}}
  lines:
    each: src.lines
    as: l
    fields:
      unit: l.unit
      ids: {fields: {gtin12: l.ids.gtin12}}
`)}, "m.yaml")
	if m == nil {
		t.Fatal(list(found))
	}
	want := `
  ship_to.name | at N101=ST → N102 (93) | src.ship_to.name @ N101=ST → N102 (93)
  lines | src.lines
  lines[].unit | at PO103 (355) | src.lines[].unit @ PO103 (355)
  lines[].ids.gtin12 | at PO1 235=UP → 234 | src.lines[].ids.gtin12 @ PO1 235=UP → 234`
	if got := tell(m.Derivations()); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
	for element, target := range map[string]string{"PO103": "lines[].unit", "235=UP": "lines[].ids.gtin12", "N101=ST": "ship_to.name"} {
		if got, err := m.DerivationsFrom(element); err != nil || len(got) != 1 || got[0].Target != target {
			t.Errorf("%s goes to %s, %v; want %s", element, tell(got), err, target)
		}
	}
}

// TestTrace: every outcome of a rule is told, in the order of the run.
func TestTrace(t *testing.T) {
	m := checked(t, explained)
	for name, doc := range map[string]string{
		"trace.golden": `{"id": "Z", "n": 1, "email": "a@b.example", "refs": [{"q": "DP"}], "address": {"city": "Oslo"},
			"lines": [{"sku": "S", "qty": "2", "price": "1.5", "tags": ["x"]}, {"sku": "N", "qty": "0"}, {"sku": "T", "qty": "many", "price": "1"}]}`,
		"trace-failed.golden": `{"id": "A", "n": 1, "lines": [{"sku": "S", "qty": "2", "price": "1.5"}, {"qty": "1"}]}`,
		"trace-assert.golden": `{"id": "A", "n": 1, "flag": true, "lines": [{"sku": "S", "qty": "1"}, {"sku": "S", "qty": "1"}, {"sku": "S", "qty": "1"}]}`,
	} {
		steps, out, err := m.Trace(context.Background(), []byte(doc), mapping.Input{MessageID: "m-1"})
		var b strings.Builder
		for _, s := range steps {
			fmt.Fprintf(&b, "%d:%d %s %s: %s %s", s.Line, s.Col, s.Kind, s.Target, s.Outcome, s.Result)
			for _, p := range []struct{ what, text string }{{"when", s.When}, {"expression", s.Expression}, {"list", s.Codelist}, {"lookup", s.Lookup}, {"onError", s.OnError}, {"why", s.Why}} {
				if p.text != "" {
					fmt.Fprintf(&b, "\n    %s: %s", p.what, p.text)
				}
			}
			for _, r := range s.Reads {
				fmt.Fprintf(&b, "\n    %s = %s", r.Path, r.Value)
			}
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n", out.Doc)
		if err != nil {
			fmt.Fprintf(&b, "%v\n", err)
		}
		golden(t, name, b.String())
		plain, err2 := m.Map(context.Background(), []byte(doc), mapping.Input{MessageID: "m-1"})
		if string(plain.Doc) != string(out.Doc) || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%s: without a trace it is %s, %v", name, plain.Doc, err2)
		}
	}
}
