package mapping_test

import (
	"context"
	"os"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

// BenchmarkOrder maps the 20-line purchase order, from bytes to validated bytes.
func BenchmarkOrder(b *testing.B) {
	m, found := mapping.Check(os.DirFS("testdata"), "example/order-850.yaml")
	if m == nil {
		b.Fatal(found)
	}
	doc, err := os.ReadFile("testdata/docs/order.json")
	if err != nil {
		b.Fatal(err)
	}
	in := mapping.Input{MessageID: "m1", Lookup: skuTable}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Map(context.Background(), doc, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheck checks the same mapping against both schemas.
func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		if m, found := mapping.Check(os.DirFS("testdata"), "example/order-850.yaml"); m == nil {
			b.Fatal(found)
		}
	}
}

// skuTable stands for a table of another system.
func skuTable(_ context.Context, l mapping.Lookup, key string) (string, bool, error) {
	if l.Table != "sku_xref" || len(key) != 12 {
		return "", false, nil
	}
	return "SKU-" + key[8:], true, nil
}
