//go:build integration

package estate

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/crossdock/crossdock/connectors/conformance/counterpart"
)

// TestZeepUnderstandsTheERP has a client that nobody here wrote read the WSDL,
// enter orders, list the shipments and tell the faults apart.
func TestZeepUnderstandsTheERP(t *testing.T) {
	python := counterpart.Python(t, "zeep")
	erp, err := startSOAP(catalogue(3), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := erp.close(); err != nil {
			t.Error(err)
		}
	})
	erp.shipAfter = 0
	script := filepath.Join("testdata", "zeep_client.py")
	out, err := exec.Command(python, script, erp.url()+"/orders?wsdl", catalogue(3)[0].sku).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `operations CreateSalesOrder GetShipments
created SO-000001
fault DuplicateOrder SO-000001
fault UnknownItem no-such-sku
shipment SH-000001 of Bestellung-Ä-注文, 2.50 pieces
refused a request without lines
`
	if got := string(out); got != want {
		t.Errorf("zeep says\n%s\nwant\n%s", got, want)
	}
	if n := erp.created.copy().times["Bestellung-Ä-注文"]; n != 1 {
		t.Errorf("the order was created %d times", n)
	}
}
