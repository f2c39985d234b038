package difference_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/mapping/difference"
	"github.com/crossdock/crossdock/core/mapping/specification"
)

const base = `mapping: shop.order
version: 1.0.0
source: {schema: source.json}
target: {schema: target.json}
settings: {rounding: half-up}
include: [party.yaml]
codelists: {uom: {piece: EA, case: XCS}}
lookups: {name: {file: names.csv, key: code, value: name}}
let:
  ship: src.parties.first(p, p.role == "ST")
fields:
  number: src.number
  party: {use: party, with: {n: ship}}
  refs:
    - {fields: {kind: {const: a}, value: src.number}}
    - {fields: {kind: {const: b}, value: src.number}}
  lines:
    each: src.lines
    as: l
    index: i
    fields:
      no: {from: i + 1}
      uom: {from: l.unit, map: uom}
      price: {from: l.price, decimal: 2}
      big: l.tags.filter(t, t != "").first(t, t.startsWith("b"))
assert:
  - {that: size(out.lines) > 0, message: no lines}
ignore: [src.note]
tests:
  - {name: one, input: {number: "1"}, error: required}
`

const source = `{"type":"object","required":["number","lines"],"properties":{"number":{"type":"string"},"note":{"type":"string"},
"parties":{"type":"array","items":{"type":"object","properties":{"role":{"type":"string"},"name":{"type":"string"},"city":{"type":"string"}}}},
"lines":{"type":"array","items":{"type":"object","required":["unit"],"properties":{"unit":{"type":"string"},"price":{"type":"string"},"tags":{"type":"array","items":{"type":"string"}}}}}}}`

const target = `{"type":"object","required":["number"],"properties":{"number":{"type":"string"},"party":{"type":"object","properties":{"name":{"type":"string"},"city":{"type":"string"}}},
"refs":{"type":"array","items":{"type":"object","properties":{"kind":{"type":"string"},"value":{"type":"string"}}}},
"lines":{"type":"array","items":{"type":"object","properties":{"no":{"type":"integer"},"uom":{"type":"string"},"price":{"type":"string"},"big":{"type":"string"}}}}}}`

func folder(text string) fstest.MapFS {
	return fstest.MapFS{
		"m.yaml": {Data: []byte(text)}, "source.json": {Data: []byte(source)}, "target.json": {Data: []byte(target)},
		"names.csv":  {Data: []byte("code,name\nA,Alpha\n")},
		"party.yaml": {Data: []byte("fragment: party\nversion: 1.0.0\nparams: {n: \"src.parties[]\"}\nfields:\n  name: n.name\n  city: n.city\n")},
	}
}

func changes(t *testing.T, a, b fstest.MapFS) string {
	t.Helper()
	old, err := specification.Read(a, "m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := specification.Read(b, "m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range difference.Compare(old, changed) {
		line := fmt.Sprintf("%s: %s %s", c.Section, c.Kind, c.Name)
		for _, d := range c.Details {
			line += fmt.Sprintf(" [%s: %q -> %q]", d.What, d.Old, d.New)
		}
		if len(c.UsedBy) > 0 {
			line += " used by " + strings.Join(c.UsedBy, ",")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// TestCompare edits a mapping and says what must be told of it.
func TestCompare(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"comments and spaces", "  number: src.number", "\n  number:   src.number # its number", ""},
		{"another way to write a rule", "number: src.number\n", "number: {expr: src.number}\n", ""},
		{"quotes in an expression", `p.role == "ST"`, `p.role  ==  'ST'`, ""},
		{"the name of a loop's variable", `(p, p.role`, `(x, x.role`, ""},
		{"the name of an item", "    as: l\n    index: i\n    fields:\n      no: {from: i + 1}\n      uom: {from: l.unit, map: uom}\n      price: {from: l.price, decimal: 2}\n      big: l.tags", "    as: t\n    index: k\n    fields:\n      no: {from: k + 1}\n      uom: {from: t.unit, map: uom}\n      price: {from: t.price, decimal: 2}\n      big: t.tags", ""},
		{"what the settings say already", "decimal: 2}", "decimal: {scale: 2, rounding: half-up}, onError: fail}", ""},
		{"a fragment written out", "{use: party, with: {n: ship}}", "{fields: {city: ship.city, name: ship.name}}", ""},
		{"the order of members", "      no: {from: i + 1}\n      uom: {from: l.unit, map: uom}\n", "      uom: {from: l.unit, map: uom}\n      no: {from: i + 1}\n", ""},
		{"the order of codes", "{piece: EA, case: XCS}", "{case: XCS, piece: EA}", ""},

		{"an expression", "number: src.number\n", "number: src.note\n", `rules: changed number [value: "src.number" -> "src.note"]`},
		{"a transformation", "decimal: 2}", "decimal: any, default: \"0\", when: has(l.price), onError: skip}", `rules: changed lines[].price [when: "" -> "has(l.price)"] [decimal: "2 digits after the point" -> "as many digits as there are"] [default: "" -> "0"] [onError: "" -> "skip"]`},
		{"text and a number", "{const: a}", "{const: 1}", `rules: changed refs[0].kind [const: "a" -> "1"]`},
		{"a default of text instead of a number", "decimal: 2}", "decimal: 2, default: \"1\"}", `rules: changed lines[].price [default: "" -> "1"]`},
		{"a rule less", "  number: src.number\n", "", `rules: removed number [value: "src.number" -> ""]`},
		{"a parameter of a fragment", "with: {n: ship}", "with: {n: 'src.parties.first()'}", "rules: changed party.name [value: \"ship.name\" -> \"src.parties.first().name\"]\nrules: changed party.city [value: \"ship.city\" -> \"src.parties.first().city\"]"},
		{"an entry of a list in front", "  refs:\n", "  refs:\n    - {fields: {kind: {const: c}}}\n", `rules: added refs[0].kind [const: "" -> "c"]`},
		{"an expression in the place of an object", "{use: party, with: {n: ship}}", "src.parties.first()", "rules: changed party [value: \"an object of rules\" -> \"src.parties.first()\"]\nrules: removed party.name [value: \"ship.name\" -> \"\"]\nrules: removed party.city [value: \"ship.city\" -> \"\"]"},
		{"another list", "each: src.lines", "each: src.lines.filter(l, l.unit != \"\")", `rules: changed lines [each: "src.lines" -> "src.lines.filter(l, l.unit != \"\")"]`},
		{"codes", "{piece: EA, case: XCS}", `{piece: C62, "*": EA}`, `code lists: changed uom [piece: "EA" -> "C62"] [*: "" -> "EA"] [case: "XCS" -> ""] used by lines[].uom`},
		{"a variable", `"ST"`, `"BY"`, `let: changed ship [: "src.parties.first(p, p.role == \"ST\")" -> "src.parties.first(p, p.role == \"BY\")"] used by party.name,party.city`},
		{"a lookup", "value: name}", "value: name, onMiss: skip}", `lookups: changed name [onMiss: "" -> "skip"]`},
		{"an assertion", "> 0, message", "> 1, message", `assert: changed no lines [that: "size(out.lines) > 0" -> "size(out.lines) > 1"]`},
		{"what is ignored", "[src.note]", "[]", "ignore: removed src.note"},
		{"the version", "version: 1.0.0", "version: 1.1.0", `metadata: changed version [: "1.0.0" -> "1.1.0"]`},
		{"settings", "rounding: half-up", "rounding: down", `settings: changed rounding [: "half-up" -> "down"]`},
		{"a test", `{number: "1"}`, `{number: "2"}`, `tests: changed one [input: "a document" -> "a document"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(base, c.old) {
				t.Fatalf("the mapping has no %q", c.old)
			}
			if got := changes(t, folder(base), folder(strings.Replace(base, c.old, c.new, 1))); got != c.want {
				t.Errorf("expected\n%s\ngot\n%s", c.want, got)
			}
		})
	}
}

// TestMovedEntries: the order of the entries of a list is that of the result.
func TestMovedEntries(t *testing.T) {
	a, b := "    - {fields: {kind: {const: a}, value: src.number}}\n", "    - {fields: {kind: {const: b}, value: src.number}}\n"
	got := changes(t, folder(base), folder(strings.Replace(base, a+b, b+a, 1)))
	if want := `rules: moved refs[1] [position: "0" -> "1"]`; got != want {
		t.Errorf("expected\n%s\ngot\n%s", want, got)
	}
}

// TestFilesBesideTheMapping: what fragments, schemas and tables say belongs to it.
func TestFilesBesideTheMapping(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"party.yaml", "n.city", "n.role", `rules: changed party.city [value: "ship.city" -> "ship.role"]`},
		{"names.csv", "Alpha", "Beta", `lookups: changed name [contents: "1 rows, checksum`},
		{"source.json", `"note":{"type":"string"}`, `"note":{"type":"integer"}`, `schemas: changed source note [type: "text" -> "whole number"]`},
		{"target.json", `"required":["number"]`, `"required":["number","party"]`, `schemas: changed target party [required: "" -> "true"]`},
		{"source.json", `"note":{"type":"string"},`, ``, `schemas: removed source note`},
	} {
		changed := folder(base)
		changed[c.file].Data = []byte(strings.Replace(string(changed[c.file].Data), c.old, c.new, 1))
		if got := changes(t, folder(base), changed); !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: expected\n%s\ngot\n%s", c.file, c.want, got)
		}
	}
}

func TestRun(t *testing.T) {
	check := func(text string) *mapping.Mapping {
		t.Helper()
		m, found := mapping.Check(folder(text), "m.yaml")
		if m == nil {
			t.Fatal(found)
		}
		return m
	}
	old := check(base)
	changed := check(strings.NewReplacer("case: XCS", "case: CS, crate: XCR", "decimal: 2}", "decimal: any}", "size(out.lines) > 0", "size(out.lines) != 2").Replace(base))
	var messages []difference.Message
	for i, lines := range []string{
		`{"unit":"piece","price":"1.50"}`, `{"unit":"piece","price":"1"}`, `{"unit":"case"}`, `{"unit":"crate"}`, `{"unit":"tub"}`, `{"unit":"piece"},{"unit":"piece"}`,
		`{"unit":"case"},{"unit":"case"},{"unit":"case"}`, `{"unit":"case"}`, `{"unit":"case"}`,
	} {
		messages = append(messages, difference.Message{Name: fmt.Sprint("m", i), Doc: fmt.Appendf(nil, `{"number":"1","lines":[%s]}`, lines)})
	}
	o, err := difference.Run(context.Background(), old, changed, messages)
	if err != nil {
		t.Fatal(err)
	}
	if o.Messages != 9 || o.Same != 2 || o.RefusedByBoth != 1 || !strings.Contains(o.Reason, "tub") {
		t.Errorf("%+v", o)
	}
	want := []difference.Field{
		{"lines[].price", 1, []difference.Example{{"m1", "lines[0].price", `"1.00"`, `"1"`}}},
		{"lines[].uom", 4, []difference.Example{{"m2", "lines[0].uom", `"XCS"`, `"CS"`}, {"m6", "lines[0].uom", `"XCS"`, `"CS"`}, {"m7", "lines[0].uom", `"XCS"`, `"CS"`}}},
	}
	if fmt.Sprint(o.Fields) != fmt.Sprint(want) {
		t.Errorf("expected %v, got %v", want, o.Fields)
	}
	if len(o.Refused) != 2 || o.Refused[0].By != "old" || o.Refused[0].Message != "m3" || o.Refused[1].By != "new" || o.Refused[1].Message != "m5" {
		t.Errorf("%+v", o.Refused)
	}
}
