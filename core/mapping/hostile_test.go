package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

// TestHostileMappingsEndInFindings: files that were made to cost time, memory or
// stack end in findings with places, and soon.
func TestHostileMappingsEndInFindings(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, tt := range []struct{ name, body, want string }{
		{"anchors", "fields: {text: &a src.id, any: *a}", "mappings/m.yaml:6:16: YAML anchors and aliases are not accepted"},
		{"a merge key", "fields: {<<: {text: src.id}}", "mappings/m.yaml:6:10: target document has no field \"<<\""},
		{"deep rules", "fields: {any: " + strings.Repeat("{fields: {a: ", 300) + "src.id" + strings.Repeat("}}", 300) + "}", "the file nests deeper than 200 levels"},
		{"deep lists", "fields: {any: " + strings.Repeat("[", 3000) + strings.Repeat("]", 3000) + "}", "mappings/m.yaml:6:214: the file nests deeper than 200 levels"},
		{"a deep constant", "fields: {any: {const: " + strings.Repeat("{a: ", 300) + "1" + strings.Repeat("}", 300) + "}}", "the file nests deeper than 200 levels"},
		{"unknown keys", many(20_000, "k%d: 1\n") + "fields: {}", "there are more than 1000 findings; the others are not shown"},
		{"unknown members of the target", "fields:\n" + many(5_000, "  k%d: src.id\n"), "there are more than 1000 findings"},
		{"unknown members of the source", "fields:\n  tags:\n" + many(5_000, "  - src.k%d\n"), "there are more than 1000 findings"},
		{"unknown members to ignore", "fields: {}\nignore:\n" + many(5_000, "- src.k%d\n"), "there are more than 1000 findings"},
		{"many rules", "fields:\n  tags:\n" + many(60_000, "  - {const: k%d}\n"), "the mapping has more than 50000 rules"},
		{"many variables", "let:\n" + many(2_000, "  v%d: src.id\n") + "fields: {}", "mappings/m.yaml:507:3: the mapping has more than 500 variables"},
		{"a fragment in itself", "include: [fragments/self.yaml]\nfields: {address: {use: self, with: {a: src.address}}}", "mappings/fragments/self.yaml:4:15: address.city: the fragment \"self\" uses itself"},
		{"a long expression", "fields: {text: '" + strings.Repeat("src.id+", 2000) + "src.id'}", "mappings/m.yaml:6:17: text: "},
		{"a long name", "fields: {text: " + strings.Repeat("x", 100_000) + "}", "mappings/m.yaml:6:16: text: "},
		{"deep parentheses", "fields: {text: '" + strings.Repeat("(", 500) + "src.id" + strings.Repeat(")", 500) + "'}", "mappings/m.yaml:6:"},
		{"deep choices", "fields: {text: '" + strings.Repeat("src.flag ? src.id : (", 100) + "src.id" + strings.Repeat(")", 100) + "'}", "mappings/m.yaml:6:"},
		{"deep members", "fields: {any: 'src.extra" + strings.Repeat(".a", 3000) + "'}", "mappings/m.yaml:6:"},
		{"deep lists in an expression", "fields: {any: '" + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "'}", "mappings/m.yaml:6:"},
		{"loops in loops", "fields: {ok: '" + strings.Repeat("src.lines.all(a, ", 6) + "true" + strings.Repeat(")", 6) + "'}", "mappings/m.yaml:6:"},
		{"a wild regular expression", "fields: {ok: 'src.id.matches(\"" + strings.Repeat("(a{1,1000}){1,1000}", 3) + "\")'}", "mappings/m.yaml:6:"},
		{"a huge number", "fields: {any: 99999999999999999999999999}", "mappings/m.yaml:6:15: any: "},
		{"an endless lookup", "lookups: {c: {file: /dev/zero, key: a, value: b}}\nfields: {}", "the lookup c: the file mappings/dev/zero cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys := project(tt.body)
			self := *fsys["mappings/fragments/address.yaml"]
			self.Data = []byte("fragment: self\nparams: {a: src.address}\nfields:\n  city: {use: self, with: {a: a}}\n")
			fsys["mappings/fragments/self.yaml"] = &self
			m, found := mapping.Check(fsys, "mappings/m.yaml")
			got := list(found)
			if m != nil || !strings.Contains(got, tt.want) {
				if len(got) > 2000 {
					got = got[:2000] + "…"
				}
				t.Errorf("accepted: %v, found:\n%swant: %s", m != nil, got, tt.want)
			}
			if len(found) > 1100 {
				t.Errorf("%d findings", len(found))
			}
		})
	}
}

// TestHostileExpressionsCostLittle: an expression that multiplies its input ends
// in an error with the place of its rule, at run time.
func TestHostileExpressionsCostLittle(t *testing.T) {
	for name, rule := range map[string]string{
		"loops":  "'src.lines.all(a, src.lines.all(b, src.lines.all(c, src.lines.all(d, a.sku != b.qty + c.qty + d.qty))))'",
		"joined": "'size(src.lines.map(a, src.lines.map(b, a.sku + b.sku).join(\",\")).join(\",\").replace(\"A\", src.lines.map(l, l.sku).join(\"-\"))) > 0'",
	} {
		t.Run(name, func(t *testing.T) {
			m := checked(t, "fields: {ok: "+rule+"}")
			doc := `{"id": "1", "n": 1, "lines": [` + strings.Repeat(`{"sku": "A", "qty": "1"},`, 999) + `{"sku": "A", "qty": "1"}]}`
			_, err := run(m, doc)
			if err == nil || !strings.Contains(err.Error(), "mappings/m.yaml:6:14, field ok: ") {
				t.Errorf("error %v, want one that names the rule", err)
			}
		})
	}
}
