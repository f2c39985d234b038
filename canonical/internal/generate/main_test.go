package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGeneratedCodeIsCurrent fails when a schema was changed without running
// `go generate ./canonical`.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	root := filepath.Join("..", "..")
	want, err := Generate(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range want {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v: run go generate ./canonical", err)
		} else if !bytes.Equal(got, src) {
			t.Errorf("%s is stale: run go generate ./canonical", name)
		}
	}
	have, err := filepath.Glob(filepath.Join(root, "*_gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range have {
		if _, ok := want[filepath.Base(f)]; !ok {
			t.Errorf("%s belongs to no schema: delete it", filepath.Base(f))
		}
	}
}

func TestGoName(t *testing.T) {
	for in, want := range map[string]string{
		"orderNumber":    "OrderNumber",
		"Order line":     "OrderLine",
		"externalId":     "ExternalID",
		"taxIds":         "TaxIDs",
		"marketplace-fc": "MarketplaceFc",
		"ERP reference":  "ERPReference",
		"line1":          "Line1",
		"uom":            "UOM",
	} {
		if got := goName(in); got != want {
			t.Errorf("goName(%q) = %q, want %q", in, got, want)
		}
	}
}
