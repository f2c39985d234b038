package canonical_test

import (
	"fmt"

	"github.com/crossdock/crossdock/canonical"
)

// A wrong value is named by its place, with what is expected there.
func ExampleValidate() {
	err := canonical.Validate("price", []byte(`{
		"schema": "price/1.0", "id": "price:SKU-7", "entityVersion": 1,
		"updatedAt": "2026-11-27T08:00:00+01:00", "source": {"system": "pricing"},
		"product": {"identifiers": [{"scheme": "gtin", "value": "4006381333932"}]},
		"priceList": "retail-de", "currency": "EUR", "amount": "13.00", "uom": "EA", "kind": "base"}`))
	fmt.Println(err)
	// Output:
	// not a valid price: /product/identifiers/0/value: GTIN "4006381333932" has check digit '2', expected '1'
}

// What the middleware needs to route, order and find a document.
func ExampleInspect() {
	f, err := canonical.Inspect("order", []byte(`{
		"id": "order:shop:4711", "orderNumber": "4711", "status": "placed",
		"lines": [{"product": {"identifiers": [{"scheme": "sku", "value": "SKU-7"}]}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Event, f.Key, f.Keys)
	// Output:
	// placed order:shop:4711 map[id:order:shop:4711 order:4711 sku:SKU-7]
}
