package mapping_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

// FuzzCheck: no file makes the check fail in a way that is not a finding.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(head + "fields: {text: src.id}"))
	f.Add(read(f, "example/order-850.yaml"))
	f.Add([]byte(toCanonical))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte(head + "fields: {lines: {each: src.lines, as: l, fields: [{value: [l]}]}}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		fsys := project("")
		fsys["mappings/m.yaml"].Data = file
		m, found := mapping.Check(fsys, "mappings/m.yaml")
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
