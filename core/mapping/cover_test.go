package mapping_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/crossdock/crossdock/core/mapping"
)

// explained is a mapping with every way in which a field gets its value.
const explained = `let:
  ref: src.refs.first(r, r.q == "DP")
include: [fragments/address.yaml]
codelists: {kinds: {open: a, "*": b}}
lookups: {names: {file: xref/codes.csv, key: code, value: name, onMiss: none}}
fields:
  text: {from: src.id, lookup: names}
  nullable: src.note
  count: src.n
  kind: {from: src.status, map: kinds, default: b}
  short: {from: ref.v, emptyAs: missing}
  email: src.email
  address: {use: address, with: {a: src.address}}
  tags: src.lines.map(l, l.sku)
  lines:
    each: src.lines.filter(l, l.qty != "0")
    as: l
    index: i
    fields:
      no: i
      sku: l.sku
      total: {expr: 'dmul(l.qty, l.price)', onError: skip}
      tags: l.tags
  ratio: {from: 'double(size(out.lines))'}
  any: {when: has(src.flag) && src.flag, const: {fixed: [1]}}
assert:
  - {that: size(out.lines) < 3, message: too many lines}
ignore: [src.extra, src.when]
tests:
  - name: one line
    input: {id: A, n: 1, status: open, email: a@b.example, lines: [{sku: S, qty: "2", price: "1.5", tags: [x]}]}
    expect: {text: Alpha, count: 1, kind: a, email: a@b.example, tags: [S], ratio: 1, lines: [{no: 0, sku: S, total: "3.00", tags: [x]}]}
`

func cover(t *testing.T, body string) (*mapping.Coverage, []mapping.Finding) {
	t.Helper()
	v, found := mapping.Cover(context.Background(), project(body), "mappings/m.yaml")
	if v == nil {
		t.Fatalf("nothing was measured:\n%s", list(found))
	}
	return v, found
}

func states(t mapping.Tally) map[string]mapping.State {
	out := map[string]mapping.State{}
	for _, f := range t.Fields {
		out[f.Path] = f.State
	}
	return out
}

func TestCoverageTellsWhatBecomesOfEachField(t *testing.T) {
	v, _ := cover(t, explained)
	source, target := states(v.Source), states(v.Target)
	for path, want := range map[string]mapping.State{
		"src.id": "read", "src.lines[].sku": "read", "src.refs[].q": "read", "src.refs[].v": "read",
		"src.lines[].tags[]": "copied", "src.address.zip": "read", "src.flag": "read",
		"src.when": "ignored", "src.name": "unread", "src.amount": "unread",
	} {
		if source[path] != want {
			t.Errorf("%s is %q, want %q", path, source[path], want)
		}
	}
	for path, want := range map[string]mapping.State{
		"text": "set", "lines[].sku": "set", "lines[].tags[]": "set", "address.city": "set",
		"tags[]": "set", "any.fixed[]": "set", "identifiers[].scheme": "unset", "lines[].parts[].tag": "unset",
	} {
		if target[path] != want {
			t.Errorf("%s is %q, want %q", path, target[path], want)
		}
	}
	if got, want := states(v.Required), map[string]mapping.State{"address.city": "set", "lines[].sku": "set"}; len(got) != len(want) || got["address.city"] != "set" || got["lines[].sku"] != "set" {
		t.Errorf("required are %v, want %v", got, want)
	}
	// The address is missing in the test, so its fragment never runs; neither does
	// the constant, whose condition is false.
	if got := v.Tests.Missing(); len(got) != 3 || !strings.HasPrefix(strings.Join(got, " "), "address.city address.zip any") {
		t.Errorf("no test runs %v", got)
	}
	if v.Required.Percent != 100 || v.Source.Covered >= v.Source.Total || v.Source.Percent >= 100 {
		t.Errorf("required %v, source %v", v.Required, v.Source.Percent)
	}
}

// TestCoverageOfUnfinishedWork: a mapping that lacks a required field is measured,
// and the field is named.
func TestCoverageOfUnfinishedWork(t *testing.T) {
	v, found := cover(t, "fields:\n  text: src.id\n  lines:\n    each: src.lines\n    as: l\n    fields: {no: int(l.qty)}\n")
	if got := v.Required.Missing(); !slices.Equal(got, []string{"lines[].sku"}) {
		t.Errorf("missing are %v, want lines[].sku", got)
	}
	errors := slices.DeleteFunc(slices.Clone(found), func(f mapping.Finding) bool { return f.Severity == mapping.SeverityWarning })
	if len(errors) != 1 || v.Tests.Covered != 0 {
		t.Errorf("found %v, tests %v", found, v.Tests)
	}
	if v, found := mapping.Cover(context.Background(), project(""), "mappings/none.yaml"); v != nil || len(found) == 0 {
		t.Errorf("a file that is not there has a coverage: %v", v)
	}
}

// TestCoverageRoundsDown: 100 means all.
func TestCoverageRoundsDown(t *testing.T) {
	v, _ := cover(t, "fields: {text: src.id}\n")
	if v.Source.Covered != 1 || v.Source.Percent != float64(1000/v.Source.Total)/10 {
		t.Errorf("%d of %d are %v %%", v.Source.Covered, v.Source.Total, v.Source.Percent)
	}
}

// TestSchemaThatContainsItselfEnds: the levels of a ship notice name each other,
// twelve lists in each. Walking all ways through them took seconds.
func TestSchemaThatContainsItselfEnds(t *testing.T) {
	var lists []string
	for _, l := range strings.Fields("a b c d e f g h i j k l") {
		lists = append(lists, `"`+l+`": {"type": "array", "items": {"$ref": "#/$defs/level"}}`)
	}
	fsys := fstest.MapFS{
		"s.json": {Data: []byte(`{"$defs": {"level": {"type": "object", "properties": {"id": {"type": "string"}, ` + strings.Join(lists, ",") + `}}},
			"type": "object", "properties": {"top": {"type": "array", "items": {"$ref": "#/$defs/level"}}}}`)},
		"m.yaml": {Data: []byte("mapping: m\nversion: 1.0.0\nsource: {schema: s.json}\ntarget: {schema: s.json}\nfields: {top: src.top}\n" +
			"ignore: ['src.top[].a[].b[].id']\n")},
	}
	began := time.Now()
	v, found := mapping.Cover(context.Background(), fsys, "m.yaml")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the check took %v", took)
	}
	if len(found) > 0 || v.Source.Total != 1 || v.Source.Covered != 1 {
		t.Errorf("findings %v, source %+v", found, v.Source)
	}
	fsys["m.yaml"].Data = []byte(strings.Replace(string(fsys["m.yaml"].Data), "src.top[].a[].b[].id", "src.top[].a.b[].id", 1))
	if _, found := mapping.Cover(context.Background(), fsys, "m.yaml"); len(found) != 1 || !strings.Contains(found[0].Message, "the source has no src.top[].a.b[].id") {
		t.Errorf("a path without [] is taken for one: %v", found)
	}
}
