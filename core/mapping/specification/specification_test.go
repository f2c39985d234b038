package specification_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping/specification"
	"github.com/crossdock/crossdock/mappings"
)

// TestShippedMappings: what the rules of the shipped mappings read is in the
// schemas of their sources, and what they set in those of their targets.
func TestShippedMappings(t *testing.T) {
	files, err := fs.Glob(mappings.FS, "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	rules := 0
	for _, f := range files {
		m, err := specification.Read(mappings.FS, f)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, r := range m.Root.Members {
			r.Walk(func(r *specification.Rule) {
				rules++
				if !described(m.Target.Schema, r.Target) {
					t.Errorf("%s: the target has no %s", f, r.Target)
				}
				for _, p := range r.Reads {
					if !described(m.Source.Schema, strings.TrimPrefix(p, "src.")) {
						t.Errorf("%s: %s reads %s, which the source does not have", f, r.Target, p)
					}
				}
			})
		}
	}
	if rules < 100 {
		t.Errorf("only %d rules were looked at", rules)
	}
}

// described tells whether a schema has a path, or says nothing of what lies below
// a part of it: extensions are open, and levels of a hierarchy contain themselves.
func described(s *specification.Member, path string) bool {
	for path != "" {
		m := s.At(path)
		if m != nil {
			return true
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return false
		}
		path = path[:cut]
		if m = s.At(path); m != nil && len(m.Members) == 0 && m.Item == nil {
			return true
		}
	}
	return false
}

// TestExample reads the example of the language, which has fragments and loops.
func TestExample(t *testing.T) {
	m, err := specification.Read(os.DirFS("../testdata"), "example/order-850.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	m.Root.Walk(func(r *specification.Rule) { got[r.Target] = fmt.Sprintf("%s %v", r.Part("value"), r.Reads) })
	for target, want := range map[string]string{
		"requestedDelivery": `ts(delivery.d, delivery.t, "America/Chicago") [src.dtm[].d src.dtm[].t]`,
		"vendorNumber":      `src.ref.first(r, r.q == "IA").v [src.ref[].q src.ref[].v]`,
		"shipTo.name":       `src.n1.first(x, x.e == "ST").name [src.n1[].name]`,
		"lines[].lineTotal": `dmul(l.qty, l.price) [src.po1[].price src.po1[].qty]`,
		"lines[].gtin":      `gtin14(l.ids.UP) [src.po1[].ids.UP]`,
		"test":              `src.isa.usage == "T" [src.isa.usage]`,
	} {
		if got[target] != want {
			t.Errorf("%s: expected %s, got %s", target, want, got[target])
		}
	}
	if len(m.Tests) != 1 || !strings.Contains(m.Tests[0].Input, `"po1"`) || !strings.Contains(m.Tests[0].Expect, `"lines"`) {
		t.Errorf("%+v", m.Tests)
	}
}

func TestSchema(t *testing.T) {
	fsys := fstest.MapFS{
		"s/a.json": {Data: []byte(`{"$defs":{"node":{"type":"object","required":["v"],"properties":{"v":{"type":["string","null"],"x-edi":["A01","A02"]},"next":{"$ref":"#/$defs/node"}}}},
			"allOf":[{"$ref":"b.json#/$defs/base"}],"properties":{"z":{"$ref":"#/$defs/node","description":"mine"},"list":{"items":{"enum":["x","y"]}},"m":{"$ref":"https://github.com/crossdock/crossdock/canonical/v1/common.json#/$defs/money"}}}`)},
		"s/b.json": {Data: []byte(`{"$defs":{"base":{"type":"object","required":["id"],"properties":{"id":{"type":"integer","title":"Id"}}}}}`)},
		"bad.json": {Data: []byte(`{"$ref":"#/$defs/none"}`)},
	}
	m, err := specification.LoadSchema(fsys, "s/a.json")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	m.Walk(func(path string, m *specification.Member) {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s%s%s %v%v", path, m.Type, m.Title, m.Description, m.EDI, m.Required, m.Nullable)))
	})
	for _, want := range []string{"z object mine falsefalse", "z.v text A01, A02 truetrue", "id whole number Id truefalse", "list list  falsefalse"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if m.At("m.amount") == nil || m.At("z.next") == nil || m.At("list[]") == nil || m.At("z.none[].x") != nil {
		t.Error("paths lead elsewhere")
	}
	if _, err := specification.LoadSchema(fsys, "bad.json"); err == nil || !strings.Contains(err.Error(), "where nothing is") {
		t.Error(err)
	}
	if _, err := specification.LoadSchema(fsys, "none.json"); err == nil || !strings.Contains(err.Error(), "none.json cannot be read") {
		t.Error(err)
	}
}

// FuzzRead: no file stops the reader.
func FuzzRead(f *testing.F) {
	f.Add("fields: {a: {each: src.x, as: l, fields: {b: l.c.first(l, l.d == \"'\").e[0]}}}")
	f.Add("fields: [a]\nlet: {a: src.?a.?b.orValue(\"\")}\nassert: x\ntests: [1, {input: {}}]\ncodelists: {a: b}")
	f.Add("include: [m.yaml]\nfragment: f\nparams: {n: x}\nfields: {a: {use: f, with: {n: n}}, b: {decimal: {}, date: {}, value: []}}")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := specification.Read(fstest.MapFS{"m.yaml": {Data: []byte(text)}}, "m.yaml")
		if err == nil && m.Root == nil {
			t.Error("no rules and no error")
		}
	})
}
