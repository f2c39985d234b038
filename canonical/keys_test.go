package canonical

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestInspect(t *testing.T) {
	docs := samples(t)
	for file, want := range map[string]Facts{
		"order-shopify.json": {
			Entity: "order", ID: "order:shopify:123456", Key: "order:shopify:123456", Event: "placed",
			Keys: map[string]string{"id": "order:shopify:123456", "order": "1234", "shop": "123456", "sku": "unknown"},
		},
		"shipment-parcel.json": {
			Entity: "shipment", ID: "ship:9001", Key: "ship:9001", Event: "shipped",
			Keys: map[string]string{
				"id": "ship:9001", "order": "order:shop:4711", "order.2": "4711", "location": "loc:STO", "package": "p1",
				"sku": "SKU-0003", "sscc": "340123450000000017", "tracking": "1Z999AA10123456784",
			},
		},
		"inventory-tryton.json": {
			Entity: "inventory", ID: "inv:SKU-0003:STO", Key: "inv:SKU-0003:STO", Event: "delta",
			Keys: map[string]string{"id": "inv:SKU-0003:STO", "product": "product:SKU-0003", "location": "loc:STO"},
		},
		"acknowledgement-855.json": {
			Entity: "acknowledgement", ID: "ack:855:1", Key: "order:po:PO-100", Event: "accepted-with-changes",
			Keys: map[string]string{"id": "ack:855:1", "reference": "order:po:PO-100", "message": "850:000000101", "document": "SO-8812"},
		},
		// Personal data and tax numbers never become keys.
		"customer-company.json": {
			Entity: "customer", ID: "customer:2002", Key: "customer:2002", Event: "changed",
			Keys: map[string]string{"id": "customer:2002"},
		},
	} {
		got, err := Inspect(want.Entity, docs[file])
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !maps.Equal(got.Keys, want.Keys) {
			t.Errorf("%s: keys %v, want %v", file, got.Keys, want.Keys)
		}
		got.Keys, want.Keys = nil, nil
		if got.Entity != want.Entity || got.ID != want.ID || got.Key != want.Key || got.Event != want.Event {
			t.Errorf("%s: %+v, want %+v", file, got, want)
		}
	}
}

func TestBusinessKeysAreLimitedAndNotRepeated(t *testing.T) {
	var lines []string
	for i := range 200 {
		lines = append(lines, fmt.Sprintf(`{"product":{"identifiers":[{"scheme":"sku","value":"S-%d"}]}}`, i/2))
	}
	keys := BusinessKeys("order", []byte(`{"orderNumber":"4711","lines":[`+strings.Join(lines, ",")+`]}`))
	if keys["order"] != "4711" || keys["sku"] != "S-0" || keys["sku.2"] != "S-1" || keys["sku.32"] != "S-31" {
		t.Errorf("keys = %v", keys)
	}
	if len(keys) != 1+MaxKeysPerName {
		t.Errorf("%d keys, want %d", len(keys), 1+MaxKeysPerName)
	}
}

func TestEventAndKey(t *testing.T) {
	for _, tc := range []struct{ entity, doc, event, key string }{
		{"order", `{"id":"o1","status":"part-shipped"}`, "part-shipped", "o1"},
		{"order", `{"id":"o1","status":"placed","deleted":true}`, "deleted", "o1"},
		{"order", `{"id":"o1","status":"placed","deleted":false}`, "placed", "o1"},
		{"order", `{"id":"o1"}`, "changed", "o1"},
		{"product", `{"id":"p1","lifecycle":"active"}`, "changed", "p1"},
		{"acknowledgement", `{"id":"a1","status":"accepted"}`, "accepted", "a1"},
		{"order", `{}`, "changed", ""},
		{"order", `not json`, "changed", ""},
		{"nonsense", `{"id":"x"}`, "changed", ""},
	} {
		if got := Event(tc.entity, []byte(tc.doc)); got != tc.event {
			t.Errorf("Event(%s, %s) = %q, want %q", tc.entity, tc.doc, got, tc.event)
		}
		if got := Key(tc.entity, []byte(tc.doc)); got != tc.key {
			t.Errorf("Key(%s, %s) = %q, want %q", tc.entity, tc.doc, got, tc.key)
		}
	}
}

func FuzzInspect(f *testing.F) {
	f.Add("order", []byte(`{"id":"o1","lines":[{"product":{"identifiers":[{"scheme":"sku","value":"1"}]}}]}`))
	f.Add("shipment", []byte(`{"packages":[{"tracking":["a",1,null]}],"order":7}`))
	f.Add("order", []byte(`{"lines":{"product":[]},"identifiers":{"scheme":[]},"deleted":"yes"}`))
	f.Fuzz(func(t *testing.T, entity string, doc []byte) {
		facts, err := Inspect(entity, doc)
		if err != nil {
			return
		}
		for k, v := range facts.Keys {
			if k == "" || v == "" {
				t.Errorf("empty key %q = %q", k, v)
			}
		}
		_ = Validate(entity, doc) // must not panic
	})
}

func BenchmarkInspect(b *testing.B) {
	doc := samples(b)["order-shopify.json"]
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := Inspect("order", doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	doc := samples(b)["order-shopify.json"]
	b.ReportAllocs()
	for b.Loop() {
		if err := Validate("order", doc); err != nil {
			b.Fatal(err)
		}
	}
}
