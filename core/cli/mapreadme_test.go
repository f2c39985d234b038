package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeOfMappings: what the architect's guide shows is what the commands
// print about the mappings that ship.
func TestReadmeOfMappings(t *testing.T) {
	guide, err := os.ReadFile("../../mappings/README.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := filepath.Join(t.TempDir(), "po.json")
	if err := os.WriteFile(doc, []byte(`{"interchange": {"sender": {"id": "BUYER"}, "receiver": {"id": "US"}, "control_number": "1"}, "transaction": {"set": "850", "control_number": "1"},
		"purchase_order": {"purpose": "00", "type": "SA", "number": "7", "date": "2026-03-01", "lines": [{"quantity": "2", "unit": "CA", "price": "1.5", "ids": {"vendor_item": "A"}}]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		// from and to are the first and the last line that the guide shows; all of
		// them when empty.
		from, to string
	}{
		{args: "map lineage x12-850-to-order totals.lines"},
		{args: "map run x12-850-to-order " + doc + " --trace", from: "currency = ", to: "    src.purchase_order.currency"},
		{args: "map run x12-850-to-order " + doc + " --trace", from: "lines[0].product.identifiers[0] left out", to: "    src.purchase_order.lines[0].ids.gtin14"},
		{args: "map run x12-850-to-order " + doc + " --trace", from: "lines[0].uom = ", to: "    src.purchase_order.lines[0].unit"},
	} {
		var out, stderr bytes.Buffer
		if code := Run(context.Background(), append(strings.Fields(c.args), "-c", "../.."), Streams{In: strings.NewReader(""), Out: &out, Err: &stderr}, os.Getenv); code != 0 {
			t.Fatalf("%s: %s", c.args, stderr.String())
		}
		text := out.String()
		if c.from != "" {
			_, text, _ = strings.Cut(text, "\n"+c.from)
			head, rest, found := strings.Cut(text, "\n"+c.to)
			line, _, _ := strings.Cut(rest, "\n")
			if text = c.from + head + "\n" + c.to + line + "\n"; !found {
				t.Errorf("%s prints nothing with %q and %q:\n%s", c.args, c.from, c.to, out.String())
			}
		}
		if !strings.Contains(string(guide), "\n"+text) {
			t.Errorf("mappings/README.md does not show what %s prints:\n%s", c.args, text)
		}
	}
}
