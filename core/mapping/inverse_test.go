package mapping_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/core/mapping"
)

const shopToERP, erpToShop = "mappings/shop-to-erp.yaml", "mappings/erp-to-shop.yaml"

// pair is a project with a mapping and its inverse, with texts replaced in
// them.
func pair(t testing.TB, replace map[string]string) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, name := range []string{"schemas/shop.json", "schemas/erp.json", shopToERP, erpToShop, "mappings/xref/carriers.csv", "mappings/xref/countries.csv"} {
		text := string(read(t, "inverse/"+name))
		for from, to := range replace {
			text = strings.ReplaceAll(text, from, to)
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// TestRoundTrip: what the rules of a mapping and its inverse lose, and what the
// samples of both show.
func TestRoundTrip(t *testing.T) {
	lib := mapping.Open(os.DirFS("testdata/inverse"))
	for _, m := range []string{shopToERP, erpToShop} {
		if _, found := lib.Mapping(m); len(found) > 0 {
			t.Errorf("found:\n%s", list(found))
		}
	}
	trip, found := lib.RoundTrip(shopToERP)
	if trip == nil {
		t.Fatal(list(found))
	}
	var b strings.Builder
	for _, r := range trip.Rules {
		fmt.Fprintln(&b, r)
	}
	for _, r := range trip.Test(context.Background()) {
		r.Took = 0
		fmt.Fprintln(&b, r)
		for _, k := range r.Known {
			fmt.Fprintln(&b, "    known: "+k)
		}
		if !r.Passed() {
			t.Error("the way there and back fails")
		}
	}
	invertible, lossy, declared := trip.Count()
	fmt.Fprintf(&b, "%d invertible, %d lossy, %d declared\n", invertible, lossy, declared)
	golden(t, "inverse/roundtrip.golden", b.String())
	if trip, found := lib.RoundTrip(erpToShop); trip != nil || found != nil {
		t.Errorf("a mapping without an inverse has one: %v", found)
	}
}

// TestRoundTripReasons: what makes a rule lossy, one change to the pair at a
// time.
func TestRoundTripReasons(t *testing.T) {
	tests := []struct{ name, from, to, target, want string }{
		{"a code that does not come back", "{A: new, B: paid, C: gone}", "{A: new, B: paid}", "state", `lossy: the code list status of the inverse does not give back "gone"`},
		{"codes for all others", "{new: A, paid: B, gone: C}", "{new: A, paid: B, \"*\": C}", "state", `lossy: the code list state makes "C" of every code that it does not list ("*")`},
		{"a list on one side", "{from: src.state, map: status}", "src.state", "state", "lossy: the code list state is not translated back"},
		{"a member that is not mapped back", "  number: src.doc\n", "  number: {const: x}\n", "doc", "lossy: number is filled from something else on the way back (mappings/erp-to-shop.yaml:13)"},
		{"a member that nothing writes", "  count: src.count\n  address: src.address\n  items", "  address: src.address\n  items", "count", "lossy: count is not mapped back"},
		{"another form of the date", "{from: yyyyMMdd, to: yyyy-MM-dd}", "{from: yyyyMMdd, to: dd.MM.yyyy}", "date", "lossy: a date written as yyyy-MM-dd comes back in another form"},
		{"another zone", "date: {to: yyyy-MM-dd HH:mm}", "date: {to: yyyy-MM-dd HH:mm, zone: America/Chicago}", "posted", "lossy: the zone is Europe/Berlin there and America/Chicago back"},
		{"a condition", "  doc: src.number", "  doc: {when: src.status == \"new\", from: src.number}", "doc", `lossy: left out unless src.status == "new"`},
		{"a condition around it", "      article: i.sku", "      article: {from: i.sku, onError: skip}", "rows[].article", "lossy: a value that cannot be computed is left out or replaced"},
		{"a list read by its position", "src.ids.first(i, i.kind == \"account\").value", "src.ids[0].value", "account", "lossy: only one item of ids is kept"},
		{"a lookup on one side", "{from: src.land, lookup: country}", "src.land", "land", "lossy: the lookup land is not made back"},
		{"a condition of the inverse", "  number: src.doc", "  number: {when: src.state == \"A\", from: src.doc}", "doc", `lossy: the inverse leaves it out unless src.state == "A"`},
		{"an expression both ways", "  doc: src.number", "  doc: '\"N\" + src.number'", "doc", "invertible: comes back in number, computed both ways: the tests show whether as it was"},
		{"a reason for all of an object", "    each: src.items", "    lossy: lines are merged\n    each: src.items", "rows[].refs[].value", "lossy (declared): lines are merged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trip, found := mapping.Open(pair(t, map[string]string{tt.from: tt.to})).RoundTrip(shopToERP)
			if trip == nil {
				t.Fatalf("no round trip: %s", list(found))
			}
			for _, r := range trip.Rules {
				if r.File == shopToERP && r.Target == tt.target {
					if !strings.Contains(r.String(), tt.want) {
						t.Errorf("%s\nwant %s", r, tt.want)
					}
					return
				}
			}
			t.Errorf("no rule for %s", tt.target)
		})
	}
}

// TestInverseThatDoesNotFit: what is wrong between the two files is an error at
// the key.
func TestInverseThatDoesNotFit(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"no such file", "inverse: erp-to-shop.yaml", "inverse: none.yaml", "mappings/shop-to-erp.yaml:6:10: inverse: the file mappings/none.yaml cannot be read"},
		{"itself", "inverse: erp-to-shop.yaml", "inverse: shop-to-erp.yaml", "mappings/shop-to-erp.yaml:6:10: a mapping is not its own inverse"},
		{"out of the folder", "inverse: erp-to-shop.yaml", "inverse: ../../x.yaml", "leads out of the configuration folder"},
		{"another inverse", "version: 1.0.0\nsource: {schema: ../schemas/erp.json}", "version: 1.0.0\ninverse: ../mappings/other.yaml\nsource: {schema: ../schemas/erp.json}", "mappings/shop-to-erp.yaml:6:10: inverse: mappings/erp-to-shop.yaml names another inverse, mappings/other.yaml"},
		{"errors in it", "number: src.doc", "number: src.dok", "mappings/shop-to-erp.yaml:6:10: inverse: the mapping mappings/erp-to-shop.yaml has errors"},
		{"other ends", "source: {schema: ../schemas/erp.json}", "source: {schema: ../schemas/erp2.json}", "mappings/shop-to-erp.yaml:6:10: inverse: this mapping makes the schema schemas/erp.json, but its inverse begins at the schema schemas/erp2.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := pair(t, map[string]string{tt.from: tt.to})
			fsys["mappings/other.yaml"], fsys["schemas/erp2.json"] = fsys[shopToERP], fsys["schemas/erp.json"]
			lib := mapping.Open(fsys)
			_, found := lib.Mapping(shopToERP)
			trip, more := lib.RoundTrip(shopToERP)
			if got := list(append(found, more...)); trip != nil || !strings.Contains(got, tt.want) {
				t.Errorf("found:\n%swant: %s", got, tt.want)
			}
		})
	}
}

// TestRoundTripThatFails: a sample that does not come back fails the test, with
// the member and both values.
func TestRoundTripThatFails(t *testing.T) {
	trip, found := mapping.Open(pair(t, map[string]string{"doc: src.number": "doc: '\"N\" + src.number'"})).RoundTrip(shopToERP)
	if trip == nil {
		t.Fatal(list(found))
	}
	results := trip.Test(context.Background())
	if len(results) != 2 {
		t.Fatalf("%d results, want one for each sample", len(results))
	}
	for i, want := range []string{`number: "1" came back as "N1"`, `doc: "1" came back as "N1"`} {
		if r := results[i]; r.Passed() || r.Diff != want {
			t.Errorf("%s: differences %q, want %q", r.Name, r.Diff, want)
		}
	}
}
