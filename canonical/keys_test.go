package canonical

import (
	"maps"
	"testing"
)

func TestInspectOrder(t *testing.T) {
	doc := samples(t, "order-shopify.json")["order-shopify.json"]
	f, err := Inspect("Order", doc)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"id": "order:shopify:123456", "order": "1234", "shop": "123456", "sku": "unknown",
	}
	if f.Entity != "order" || f.ID != "order:shopify:123456" || f.Key != f.ID || f.Event != "placed" {
		t.Errorf("facts = %+v", f)
	}
	if !maps.Equal(f.Keys, want) {
		t.Errorf("keys = %v, want %v", f.Keys, want)
	}
}
