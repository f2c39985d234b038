package mapping_test

import (
	"context"
	"errors"
	"fmt"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
)

// files is a configuration folder; in a project it is os.DirFS(".").
func files(rules string) fstest.MapFS {
	return fstest.MapFS{
		"schemas/shop.json": {Data: []byte(`{"type":"object","required":["no"],"properties":{"no":{"type":"string"},"qty":{"type":"string"}}}`)},
		"schemas/erp.json":  {Data: []byte(`{"type":"object","required":["NUMBER"],"properties":{"NUMBER":{"type":"string"},"QTY":{"type":"integer"}}}`)},
		"mappings/order.yaml": {Data: []byte(`mapping: shop.order-to-erp
version: 1.0.0
source: {schema: ../schemas/shop.json}
target: {schema: ../schemas/erp.json}
fields:
` + rules)},
	}
}

// A mapping is checked before it runs. All mistakes are reported at once.
func ExampleCheck() {
	_, found := mapping.Check(files("  NUMBR: src.no\n  QTY: src.qty\n"), "mappings/order.yaml")
	for _, f := range found {
		fmt.Println(f)
	}
	// Output:
	// mappings/order.yaml:6:3: target document has no field "NUMBR" (did you mean "NUMBER"?)
	// mappings/order.yaml:6:3: required target field NUMBER is never set (add a rule for it)
	// mappings/order.yaml:7:8: QTY wants int, the expression gives string (convert it with int(…))
}

func ExampleMapping_Map() {
	m, _ := mapping.Check(files("  NUMBER: src.no\n  QTY: int(src.qty)\n"), "mappings/order.yaml")
	out, err := m.Map(context.Background(), []byte(`{"no": "0042", "qty": "12"}`), mapping.Input{MessageID: "shop.orders/1"})
	fmt.Println(string(out.Doc), err)

	_, err = m.Map(context.Background(), []byte(`{"no": "0043", "qty": "a dozen"}`), mapping.Input{MessageID: "shop.orders/2"})
	var e *mapping.Error
	if errors.As(err, &e) {
		fmt.Printf("%s:%d:%d, field %s from %s, value %q\n", e.File, e.Line, e.Col, e.Target, e.Source, e.Value)
	}
	// Output:
	// {"NUMBER":"0042","QTY":12} <nil>
	// mappings/order.yaml:7:8, field QTY from src.qty, value "a dozen"
}

func ExampleCompilePredicate() {
	p, err := mapping.CompilePredicate(`src.status != "draft" && meta["tenant"] == "acme"`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Match([]byte(`{"status": "placed"}`), map[string]string{"tenant": "acme"}))
	// Output: true <nil>
}
