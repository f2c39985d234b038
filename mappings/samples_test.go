package mappings

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

// samplesVariable names the environment variable with the folder of real
// payloads. They are other people's, so they are not part of the project.
const samplesVariable = "CROSSDOCK_SAMPLES"

// samples are documents of the public projects that the folder collects: where
// in the file the document stands, and what must stand in the result.
var samples = []struct {
	mapping, file, at string
	want              map[string]string
}{
	{"shopify-order-to-order", "shopify-go_order.json", "order", map[string]string{
		"id": "order:shopify:123456", "status": "cancelled", "paymentStatus": "voided", "totals.total": "10.00",
		"totals.lines": "0.00", "lines.1.discounts.0.amount": "5.00", "fulfilments.0.shipTo.address.country": "US",
	}},
	{"shopify-order-to-order", "shopify-go_order_with_transaction.json", "order", map[string]string{"id": "order:shopify:123456"}},
	{"shopify-order-to-order", "shopify-go_orders.json", "orders.0", map[string]string{"id": "order:shopify:123456"}},
	{"shopify-product-to-product", "shopify-go_product.json", "product", map[string]string{
		"id": "product:shopify:1071559748", "kind": "item", "classification.0.code": "Snowboard",
	}},
	{"shopify-variant-to-product", "shopify-go_variant.json", "variant", map[string]string{
		"id": "product:shopify:variant:1", "options.option1": "Yellow",
	}},
	{"shopify-inventory-to-inventory", "shopify-go_inventory_level.json", "inventory_level", map[string]string{
		"quantities.available": "6", "location": "location:shopify:905684977",
	}},
	{"shopify-inventory-to-inventory", "shopify-go_inventory_levels.json", "inventory_levels.1", map[string]string{"quantities.available": "27"}},
	{"woocommerce-order-to-order", "woo-wp-api-v3_orders_0.json", "", map[string]string{
		"id": "order:woocommerce:727", "placedAt": "2017-03-22T19:28:02Z", "lines.0.unitPrice": "3.0000", "totals.total": "29.35",
	}},
	{"woocommerce-order-to-order", "woo-wp-api-v3_orders_2.json", "1", map[string]string{
		"id": "order:woocommerce:723", "paymentStatus": "part-refunded", "customer.id": "customer:woocommerce:26",
	}},
	{"woocommerce-product-to-product", "woo-wp-api-v3_products_0.json", "", map[string]string{
		"id": "product:woocommerce:794", "classification.1.path": "T-shirts", "taxCode": "standard",
	}},
}

// TestRealPayloads maps documents as the systems really send them.
func TestRealPayloads(t *testing.T) {
	dir := os.Getenv(samplesVariable)
	if dir == "" {
		t.Skipf("no real payloads: set %s to the folder that holds %s and the like", samplesVariable, samples[0].file)
	}
	for _, s := range samples {
		t.Run(s.mapping+"/"+s.file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, s.file))
			if os.IsNotExist(err) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			doc, err := inside(b, s.at)
			if err != nil {
				t.Fatal(err)
			}
			m, found := mapping.Check(FS, s.mapping+".yaml")
			if m == nil {
				t.Fatal(found)
			}
			out, err := m.Map(context.Background(), doc, mapping.Input{MessageID: "sample"})
			if err != nil {
				t.Fatal(err)
			}
			for at, want := range s.want {
				got, err := inside(out.Doc, at)
				if err != nil {
					t.Error(err)
				} else if string(got) != fmt.Sprintf("%q", want) {
					t.Errorf("%s is %s, expected %q", at, got, want)
				}
			}
		})
	}
}

// inside returns the value at a path such as orders.0.id.
func inside(doc []byte, at string) ([]byte, error) {
	if at == "" {
		return doc, nil
	}
	name, rest, _ := strings.Cut(at, ".")
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) == nil {
		if v, ok := members[name]; ok {
			return inside(v, rest)
		}
		return nil, fmt.Errorf("there is no %s in %.200s", name, doc)
	}
	var items []json.RawMessage
	var i int
	if err := json.Unmarshal(doc, &items); err != nil {
		return nil, fmt.Errorf("%s is looked for in %.200s: %w", name, doc, err)
	}
	if _, err := fmt.Sscan(name, &i); err != nil || i < 0 || i >= len(items) {
		return nil, fmt.Errorf("there is no item %s in a list of %d", name, len(items))
	}
	return inside(items[i], rest)
}
