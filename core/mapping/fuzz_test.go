package mapping_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
)

// backwards leads back from the target of the tests.
const backwards = `mapping: back
version: 1.0.0
source: {schema: ../schemas/target.json}
target: {schema: ../schemas/source.json}
fields: {id: src.text, n: src.count, lines: {each: src.lines, as: l, fields: {sku: l.sku, qty: {const: "1"}}}}
`

// FuzzCheck: no file makes the check fail in a way that is not a finding.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(head + "fields: {text: src.id}"))
	f.Add(read(f, "example/order-850.yaml"))
	f.Add([]byte(toCanonical))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("fields: {text: &x src.id, any: *x, <<: *x}"))
	f.Add([]byte(head + "inverse: back.yaml\nignore: [src.id, {path: src.n, reason: x}, {reason: x}]\nfields: {text: {from: src.id, lossy: x, when: has(src.id), default: src.name + src.id}}"))
	f.Add([]byte(head + "codelists: {k: {open: a, x: b, '*': 1}}\nfields: {kind: {from: src.status, map: k}, price: string(src.amount), text: 'src.status == \"x\" ? \"a\" : money(src.amount * 1.1)'}"))
	f.Add([]byte(head + "let: {l: 'src.refs.first(r, r.q in [\"a\"])'}\nfields: {any: {each: src.lines, as: l2, index: i, value: [l.v, {const: {a: [1]}}, 'int(l2.sku)']}}\nassert: [{that: 'true', message: m}]"))
	f.Add([]byte(head + "include: [fragments/address.yaml]\nfields: {address: {use: address, with: {a: src.address}}, at: {from: src.when, date: {from: yyyy, to: dd}, zone: UTC, onError: default, default: ''}}"))
	f.Add([]byte(head + "fields: {lines: {each: src.lines, as: l, fields: [{value: [l]}]}}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		fsys := project("")
		fsys["mappings/m.yaml"].Data = file
		fsys["mappings/back.yaml"] = &fstest.MapFile{Data: []byte(backwards)}
		lib := mapping.Open(fsys)
		m, found := lib.Mapping("mappings/m.yaml")
		if m == nil && len(found) == 0 {
			t.Error("refused without a finding")
		}
		for _, x := range found {
			if x.Line < 1 || x.File == "" {
				t.Errorf("a finding without a place: %+v", x)
			}
		}
		if m != nil {
			_, err := run(m, "{"+base+"}")
			mustBeError(t, err)
			m.Test(context.Background())
			if trip, _ := lib.RoundTrip("mappings/m.yaml"); trip != nil {
				trip.Test(context.Background())
			}
		}
	})
}

// FuzzMap: every document gives JSON or an *Error.
func FuzzMap(f *testing.F) {
	m := checked(f, "include: [fragments/address.yaml]\nlet: {first: 'src.lines.first(l, l.qty != \"0\")'}\n"+
		"fields: {text: first.sku, nullable: src.note, count: src.n, ratio: src.amount, any: src.extra, day: {from: src.when, date: yyyyMMdd, onError: skip},"+
		" address: {use: address, with: {a: src.address}}, lines: {each: src.lines, as: l, fields: {sku: l.sku, total: 'dmul(l.qty, l.price)', tags: l.tags}}}")
	f.Add([]byte("{" + base + "}"))
	f.Add([]byte(`{"id":"1","n":1e2,"lines":[],"note":null,"amount":-0.5e-3,"extra":{"a":[{}]}}`))
	f.Add([]byte(`[[[[`))
	f.Add([]byte(`{"a":"\ud800\"`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		out, err := run(m, string(doc))
		mustBeError(t, err)
		if err == nil && !json.Valid(out.Doc) {
			t.Errorf("the result is not JSON: %q", out.Doc)
		}
	})
}

func mustBeError(t *testing.T, err error) {
	t.Helper()
	var e *mapping.Error
	if err != nil && (!errors.As(err, &e) || e.Reason == "" || e.Line < 1) {
		t.Errorf("%T %v is not a complete *mapping.Error", err, err)
	}
}

// FuzzExpression: no text of an expression makes the check fail in a way that
// is not a finding inside of the text, and what it accepts runs.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"src.id", "src.lines.first(l, l.sku == \"A\").qty", "has(src.address.zip) ? src.address.zip : \"\"", "money(src.amount * 2.0)", "src.status in [\"open\", \"x\"]",
		"dsum(src.lines.map(l, dmul(l.qty, l.price)))", "src.?extra.?a.orValue(1)", "((((", "\"\\u00e9\" + 'x'", "src.lines[0].tags.join(\",\").split(\"\").size()", "now() + meta[\"tenant\"]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := project("")
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		fsys["mappings/m.yaml"].Data = []byte(head + "fields:\n  any: " + string(quoted) + "\n")
		m, found := mapping.Check(fsys, "mappings/m.yaml")
		for _, x := range found {
			if x.Line < 1 || x.Line > 8 || x.Col < 1 || x.Message == "" {
				t.Errorf("%q: a finding without a place: %+v", text, x)
			}
		}
		if m == nil {
			if len(found) == 0 {
				t.Errorf("%q is refused without a finding", text)
			}
			return
		}
		_, err = run(m, "{"+base+"}")
		mustBeError(t, err)
	})
}
