package mappings

import (
	"context"
	"io/fs"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

// TestEveryMappingIsChecked holds what `crossdock map check` and `map test` say
// of the mappings that ship: no error, and every embedded test passes.
func TestEveryMappingIsChecked(t *testing.T) {
	files, err := fs.Glob(FS, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(f, func(t *testing.T) {
			m, found := mapping.Check(FS, f)
			for _, x := range found {
				t.Log(x)
			}
			if m == nil {
				t.Fatal("the mapping has errors")
			}
			results := m.Test(context.Background())
			if len(results) == 0 {
				t.Error("the mapping has no tests")
			}
			for _, r := range results {
				if !r.Passed() {
					t.Error(r)
				}
			}
			v, _ := mapping.Cover(context.Background(), FS, f)
			if missing := v.Required.Missing(); len(missing) > 0 {
				t.Errorf("required, and no rule sets it: %v", missing)
			}
			if missing := v.Tests.Missing(); len(missing) > 0 {
				t.Errorf("rules that no test of the mapping runs: %v", missing)
			}
		})
	}
}
