package mapping_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

func TestOrder850MapsToTheExpectedOrder(t *testing.T) {
	m, found := mapping.Check(os.DirFS("testdata"), "example/order-850.yaml")
	if m == nil {
		t.Fatalf("the good example has errors:\n%s", list(found))
	}
	golden(t, "order-850.findings", list(found))
	for _, r := range m.Test(context.Background()) {
		if !r.Passed() {
			t.Error(r)
		}
	}
	doc := read(t, "docs/order.json")
	out, err := m.Map(context.Background(), doc, mapping.Input{MessageID: "m1", Lookup: skuTable})
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(out.Doc, &got), json.Unmarshal(read(t, "docs/expected.json"), &want)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the result differs:\n%s", out.Doc)
	}
	// Members stand in the order of the rules.
	if want := `{"schemaVersion":"order/1.0","channel":"edi","id":"ACMEWM:4500012345","orderNumber":`; !strings.HasPrefix(string(out.Doc), want) {
		t.Errorf("the result begins %.100s, want %s", out.Doc, want)
	}
}

func TestOrder850BrokenReportsItsSevenErrorsWithPlaces(t *testing.T) {
	m, found := mapping.Check(os.DirFS("testdata"), "example/order-850-broken.yaml")
	if m != nil {
		t.Fatal("a mapping with errors can run")
	}
	errs := 0
	for _, f := range found {
		if f.Severity == mapping.SeverityError {
			errs++
		}
	}
	if errs != 7 {
		t.Errorf("%d errors, want 7", errs)
	}
	golden(t, "order-850-broken.findings", list(found))
}

func TestLineageLeadsToTheSource(t *testing.T) {
	m, _ := mapping.Check(os.DirFS("testdata"), "example/order-850.yaml")
	lineage := m.Lineage()
	for target, want := range map[string][]string{
		"orderNumber":   {"src.beg.po"},
		"lines[].sku":   {"src.po1[].ids.UP"},
		"shipTo.name":   {"src.n1[].name"},
		"department":    {"src.ref[].q", "src.ref[].v"},
		"total":         {"out.lines[].lineTotal"},
		"lines[].uom":   {"src.po1[].uom"},
		"requestedShip": {"src.dtm[].d", "src.dtm[].t"},
	} {
		if !reflect.DeepEqual(lineage[target], want) {
			t.Errorf("%s comes from %v, want %v", target, lineage[target], want)
		}
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
