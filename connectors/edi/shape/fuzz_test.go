package shape_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// FuzzShape: whatever is read, documents are JSON in UTF-8, lineage changes
// nothing about them, and the parts of a set say what the whole one says.
func FuzzShape(f *testing.F) {
	for _, name := range derived(f, "*.edi") {
		f.Add([]byte(contents(f, name)), uint8(2))
	}
	f.Add(x12File("SH", "856", 2, shipment), uint8(1))
	f.Add(x12File("PO", "850", 2, order), uint8(5))
	f.Add(ordersFile(2), uint8(3))
	f.Add([]byte(notice("HL*1**S~HL*2*1*O~N1*XX*A~N1*ST*B~N1*YY*C~HL*3*1*P~HL*4*2*I~HL*5*1*O~")), uint8(1))
	f.Add([]byte(isa+"GS*OW*A*B*20260105*0900*12*X*004010~ST*940*0001~W05*N*D1~LX*1~W01*1*EA~W01*2*EA~LX*2~W01*3*EA~W76*4~SE*9*0001~GE*1*12~IEA*1*000000317~"), uint8(1))
	f.Fuzz(func(t *testing.T, doc []byte, items uint8) {
		collect := func(o shape.Options) (out []document) {
			o.Each = func(d *shape.Document) error {
				c := document{Document: *d, text: string(d.JSON)}
				c.Lineage = append([]shape.Origin(nil), d.Lineage...)
				out = append(out, c)
				if !utf8.Valid(d.JSON) || !json.Valid(d.JSON) {
					t.Fatalf("no JSON in UTF-8: %q", d.JSON)
				}
				return nil
			}
			v := validate.Validator{Grammars: library, Syntax: syntax.Options{MaxSegment: 1 << 12}}
			if err := v.Run(strings.NewReader(string(doc)), shape.New(o)); err != nil {
				t.Fatal(err)
			}
			return out
		}
		whole, plain := collect(shape.Options{Lineage: true}), collect(shape.Options{})
		if len(whole) != len(plain) {
			t.Fatalf("%d documents with lineage, %d without", len(whole), len(plain))
		}
		parts := collect(shape.Options{Lineage: true, PartItems: func(*validate.Set) int { return int(items) }})
		for i := range whole {
			if whole[i].text != plain[i].text {
				t.Fatalf("with lineage another document:\n%s\n%s", whole[i].text, plain[i].text)
			}
			var of []document
			for len(of) == 0 || !of[len(of)-1].Last {
				of, parts = append(of, parts[0]), parts[1:]
			}
			sameValues(t, whole[i], of)
			sameLines(t, whole[i], of)
		}
		if len(parts) > 0 {
			t.Errorf("%d parts of nothing", len(parts))
		}
	})
}

// sameValues compares where the values of parts and of the whole come from.
func sameValues(t *testing.T, whole document, parts []document) {
	want, got := map[shape.Origin]bool{}, map[shape.Origin]bool{}
	add := func(to map[shape.Origin]bool, d document) {
		seen := map[string]bool{}
		for _, o := range d.Lineage {
			if seen[o.Path] {
				t.Errorf("%s has two origins", o.Path)
			}
			seen[o.Path] = true
			o.Path = ""
			to[o] = true
		}
	}
	add(want, whole)
	for _, p := range parts {
		add(got, p)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d values in %d parts, %d in the whole", len(got), len(parts), len(want))
	}
}

// sameLines compares the lists that are parted.
func sameLines(t *testing.T, whole document, parts []document) {
	g := whole.Set.Grammar
	if g == nil {
		return
	}
	lines := func(d document, name string) []any {
		set, _ := setOf(t, d)[g.Name].(map[string]any)
		list, _ := set[name].([]any)
		return list
	}
	for _, n := range g.Body {
		if !n.Fragment {
			continue
		}
		var got []any
		for _, p := range parts {
			got = append(got, lines(p, n.Name)...)
		}
		if want := lines(whole, n.Name); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%d %s in %d parts, %d in the whole", len(got), n.Name, len(parts), len(want))
		}
	}
}
