package mappings

import (
	"context"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
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

// library checks each mapping once for all tests.
var library = mapping.Open(FS)

// TestEveryMappingIsComplete holds what a partner may expect of a mapping that
// ships: no warning, nothing of the source left out without a word, an owner, a
// description, and tests of a good document and of the edges.
func TestEveryMappingIsComplete(t *testing.T) {
	for _, f := range shipped(t) {
		t.Run(f, func(t *testing.T) {
			m, found := library.Mapping(f)
			for _, x := range found {
				t.Error(x)
			}
			if m == nil {
				t.Fatal("the mapping has errors")
			}
			if unread := m.Unread(); len(unread) > 0 {
				t.Errorf("neither read nor ignored: %s", strings.Join(unread, ", "))
			}
			if m.Owner() == "" || m.Description() == "" {
				t.Error("it has no owner or no description")
			}
			if name := strings.TrimSuffix(f, ".yaml"); m.Name() != name {
				t.Errorf("the mapping in %s is called %s", f, m.Name())
			}
		})
	}
}

// TestCommerceMappingsHaveTestsOfTheEdges asks more of the mappings of shops and
// ERPs: at least one good document, three edges, and one document that is refused.
func TestCommerceMappingsHaveTestsOfTheEdges(t *testing.T) {
	systems := regexp.MustCompile(`shopify|woocommerce|magento|netsuite|erp-(product|delivery|invoice|sales|stock)|to-erp-database`)
	refused := regexp.MustCompile(`(?m)^    error: `)
	const fewest = 4
	for _, f := range shipped(t) {
		if !systems.MatchString(f) {
			continue
		}
		m, _ := library.Mapping(f)
		if m == nil {
			t.Errorf("%s: the mapping has errors", f)
			continue
		}
		text, err := fs.ReadFile(FS, f)
		if err != nil {
			t.Fatal(err)
		}
		errors := len(refused.FindAll(text, -1))
		if all := len(m.Test(context.Background())); all < fewest || errors == 0 || errors == all {
			t.Errorf("%s: %d tests, of which %d expect an error; at least %d are wanted, good documents and refused ones", f, all, errors, fewest)
		}
	}
}

// TestNoMappingLeadsFromSystemToSystem holds the rule that each system meets the
// others at a canonical entity.
func TestNoMappingLeadsFromSystemToSystem(t *testing.T) {
	for _, f := range shipped(t) {
		if m, _ := library.Mapping(f); m != nil && m.Target() == "" && m.SourceEntity() == "" {
			t.Errorf("%s leads from one system's format straight to another's; map to a canonical entity, and from it", f)
		}
	}
}

// TestReadmeListsEveryMapping keeps the table of the guide true.
func TestReadmeListsEveryMapping(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile("(?m)^\\|.*\\[`([a-z0-9-]+)`\\]\\(([a-z0-9-]+\\.yaml)\\) \\|$").FindAllSubmatch(text, -1)
	names := make([]string, 0, len(listed))
	for _, l := range listed {
		names = append(names, string(l[2]))
	}
	for _, f := range shipped(t) {
		if !slices.Contains(names, f) {
			t.Errorf("README.md, \"Shipped mappings\", does not list %s", f)
		}
	}
	for _, f := range names {
		if _, err := fs.Stat(FS, f); err != nil {
			t.Errorf("README.md lists %s, which does not exist", f)
		}
	}
}

func shipped(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(FS, "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no mappings", err)
	}
	return files
}
