package mapping_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
)

// largeProject is a configuration folder whose mapping has so many rules over
// the members of an X12 850, half of them in its lines, as a partner's guide
// with everything in it would have. Source and target are the schema that ships,
// with 9,000 members; only the target's demands are taken out.
func largeProject(t testing.TB, rules int) fstest.MapFS {
	t.Helper()
	text, err := os.ReadFile("../../mappings/schemas/x12-850.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	undemanding(doc)
	target, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{"schemas/x12-850.json": {Data: text}, "schemas/target.json": {Data: target}}
	s, err := mapping.LoadSchema(fsys, "schemas/target.json")
	if err != nil {
		t.Fatal(err)
	}
	var head, lines []string
	s.Walk("src", func(p string, leaf bool) {
		switch line, inLine := strings.CutPrefix(p, "src.purchase_order.lines[]."); {
		case !leaf || p == "src.purchase_order.line_count":
		case inLine && !strings.Contains(line, "[]"):
			lines = append(lines, line)
		case !inLine && !strings.Contains(p, "[]") && strings.HasPrefix(p, "src.purchase_order."):
			head = append(head, strings.TrimPrefix(p, "src.purchase_order."))
		}
	})
	if len(head) < rules/2 || len(lines) < rules/2 {
		t.Fatalf("the schema has only %d and %d members", len(head), len(lines))
	}
	var b strings.Builder
	b.WriteString("mapping: large\nversion: 1.0.0\nsource: {schema: ../schemas/x12-850.json}\ntarget: {schema: ../schemas/target.json}\nlet: {po: src.purchase_order}\n" +
		"codelists: {codes: {A: B, C: D}}\nfields:\n  purchase_order:\n    fields:\n")
	writeRules(&b, "      ", "po", head[:rules/2])
	b.WriteString("      lines:\n        each: po.lines\n        as: l\n        fields:\n")
	writeRules(&b, "          ", "l", lines[:rules/2])
	fsys["mappings/large.yaml"] = &fstest.MapFile{Data: []byte(b.String())}
	return fsys
}

// undemanding takes `required` and the like out of a schema.
func undemanding(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok {
			for _, k := range []string{"required", "allOf", "anyOf", "oneOf", "dependentRequired"} {
				delete(v, k)
			}
		}
		if v["type"] == "string" {
			delete(v, "enum")
		}
		for _, x := range v {
			undemanding(x)
		}
	case []any:
		for _, x := range v {
			undemanding(x)
		}
	}
}

// writeRules writes rules for members of src, of all the kinds that people
// write, under the same names.
func writeRules(b *strings.Builder, indent, src string, paths []string) {
	count := 0
	slices.Sort(paths)
	var open []string
	for _, p := range paths {
		parts := strings.Split(p, ".")
		same := 0
		for same < len(open) && same < len(parts)-1 && open[same] == parts[same] {
			same++
		}
		open = slices.Clone(parts[:len(parts)-1])
		for i := same; i < len(open); i++ {
			pad := indent + strings.Repeat("    ", i)
			fmt.Fprintf(b, "%s%s:\n%s  fields:\n", pad, open[i], pad)
		}
		pad := indent + strings.Repeat("    ", len(open))
		from := src + "." + p
		rule := []string{
			from, "{from: " + from + ", emptyAs: missing}", "{from: " + from + ", default: none}", "'string(size(string(" + from + ")))'",
			"{when: has(" + from + "), expr: 'string(" + from + ").upper()'}", "{from: 'string(" + from + ")', map: codes}",
			"'has(" + from + ") ? string(" + from + ") : \"\"'", "{from: 'string(" + from + ")', decimal: 2}", "{from: '" + src + ".dates.first(d, d.qualifier == \"002\").date', date: yyyyMMdd}", "'dmul(string(" + from + "), \"2\")'",
		}[count%10]
		if count++; strings.Contains(rule, ".dates") {
			rule = from
		}
		fmt.Fprintf(b, "%s%s: %s\n", pad, parts[len(parts)-1], rule)
	}
}

// BenchmarkCheckLarge checks a mapping of 200 rules.
func BenchmarkCheckLarge(b *testing.B) {
	fsys := largeProject(b, 200)
	for b.Loop() {
		if m, found := mapping.Check(fsys, "mappings/large.yaml"); m == nil {
			b.Fatal(list(found))
		}
	}
}

// BenchmarkCheckLargeAgain checks it beside other mappings of the same schemas,
// as `crossdock map check` and a reload of the project do.
func BenchmarkCheckLargeAgain(b *testing.B) {
	fsys := largeProject(b, 200)
	const copies = 1000
	for i := range copies {
		fsys[fmt.Sprintf("mappings/large-%d.yaml", i)] = fsys["mappings/large.yaml"]
	}
	lib := mapping.Open(fsys)
	lib.Mapping("large")
	i := 0
	for b.Loop() {
		if m, found := lib.Mapping(fmt.Sprintf("large-%d", i)); m == nil {
			b.Fatal(list(found))
		}
		if i++; i == copies {
			lib, i = mapping.Open(fsys), 0
		}
	}
}
