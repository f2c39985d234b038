package mapping_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping"
)

func TestErrorNamesEverythingNeededToMendIt(t *testing.T) {
	m := checked(t, "lookups: {c: {file: xref/codes.csv, key: code, value: name}}\nfields:\n  lines:\n    each: src.lines\n    as: l\n    fields:\n      sku: {from: l.sku, lookup: c}\n")
	_, err := run(m, `{"id":"1","n":1,"lines":[{"sku":"A","qty":"1"},{"sku":"Q9","qty":"1"}]}`)
	var e *mapping.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	want := mapping.Error{
		Mapping: "test", Version: "1.0.0", File: "mappings/m.yaml", Line: 12, Col: 12, Target: "lines[1].sku",
		Source: "src.lines[1].sku", Value: "Q9", MessageID: "m-1", Reason: `the lookup c has no code "Q9"`,
	}
	if *e != want {
		t.Errorf("got  %+v\nwant %+v", *e, want)
	}
	if strings.Contains(e.Masked().Error(), "Q9") || !strings.Contains(e.Error(), "Q9") {
		t.Errorf("masked: %v", e.Masked())
	}
}

func TestErrorNamesPlacesInsideOfCopiedObjects(t *testing.T) {
	m := checked(t, "fields:\n  address: src.address\n  count: {expr: int(out.address.zip), onError: fail}")
	_, err := run(m, `{`+base+`,"address":{"city":"Ulm","zip":"x"}}`)
	var e *mapping.Error
	if !errors.As(err, &e) || e.Source != "out.address.zip" || e.Value != "x" {
		t.Errorf("error %+v", err)
	}
}

func TestErrorHidesPersonalData(t *testing.T) {
	m := checked(t, `fields: {email: src.email, count: {expr: int(src.email), default: 0}}`)
	_, err := run(m, `{`+base+`,"email":"dana@acme.example"}`)
	if err == nil || strings.Contains(err.Error(), "dana") || !strings.Contains(err.Error(), "hidden") {
		t.Errorf("error %v", err)
	}
}

func TestSchemaViolationPointsToTheRule(t *testing.T) {
	m := checked(t, "fields:\n  text: src.id\n  lines:\n    each: src.lines\n    as: l\n    fields:\n      sku: l.sku\n  at: src.id\n")
	_, err := run(m, "{"+base+"}")
	var e *mapping.Error
	if !errors.As(err, &e) || e.Line != 13 || e.Target != "at" || e.Value != "4711" {
		t.Errorf("error %+v", err)
	}
}

func TestFailureOfATableIsNotAnUnknownKey(t *testing.T) {
	// Skipping is for bad documents. A table that cannot be asked must not let
	// documents pass without their values.
	m := checked(t, "lookups: {c: {table: t, key: k, value: v, onMiss: skip}}\nfields: {text: {from: src.name, lookup: c, onError: skip}}")
	_, err := run(m, `{`+base+`,"name":"broken"}`)
	var e *mapping.Error
	if !errors.Is(err, errTable) || !errors.As(err, &e) || e.Target != "text" || e.Line != 7 || e.Value != "broken" {
		t.Errorf("error %v, want the table's, with the place of the rule", err)
	}
}

func TestWarnKeepsAWarning(t *testing.T) {
	m := checked(t, `fields: {count: {expr: int(src.name), onError: warn}}`)
	out, err := run(m, `{`+base+`,"name":"x"}`)
	if err != nil || len(out.Warnings) != 1 || out.Warnings[0].Line != 6 || !strings.Contains(out.Warnings[0].Message, "src.name") {
		t.Errorf("%+v %v", out.Warnings, err)
	}
}

func TestHostileDocuments(t *testing.T) {
	m := checked(t, `fields: {text: src.name, any: src.extra}`)
	for name, tt := range map[string]struct{ doc, want string }{
		"not JSON":       {`{"id": }`, "not valid JSON at line 1, column 8"},
		"cut off":        {`{"id":"1"`, "line 1, column 10"},
		"second line":    {"{\n\"id\" 1}", "line 2, column 6"},
		"duplicate":      {`{"id":"1","id":"2"}`, `the member "id" appears twice`},
		"deep":           {`{"extra":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, "nest deeper than 64"},
		"not UTF-8":      {"{\"id\":\"\xff\"}", "not UTF-8"},
		"more than one":  {`{} {}`, "unexpected text after the end"},
		"empty":          {``, "it ends where a value is expected"},
		"wrong root":     {`[]`, "src is a list, but the schema says an object"},
		"not a document": {`null`, "src is null"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(m, tt.doc)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCancelledContextStopsARun(t *testing.T) {
	m := checked(t, `fields: {lines: {onError: skip, each: src.lines, as: l, fields: {sku: l.sku, parts: {each: src.lines, as: o, fields: {tag: o.sku}}}}}`)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf(`{"sku":"%d","qty":"1"}`, i))
	}
	_, err := m.Map(ctx, []byte(`{"id":"1","n":1,"lines":[`+strings.Join(lines, ",")+`]}`), mapping.Input{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestCostOfAnExpressionIsBounded(t *testing.T) {
	m := checked(t, `fields: {ok: 'src.lines.all(a, src.lines.all(b, src.lines.all(c, a.sku == b.sku || c.sku == a.sku || true)))'}`)
	var lines []string
	for range 600 {
		lines = append(lines, `{"sku":"s","qty":"1"}`)
	}
	_, err := run(m, `{"id":"1","n":1,"lines":[`+strings.Join(lines, ",")+`]}`)
	if err == nil || !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("error %v, want the cost limit", err)
	}
}

func TestMapIsSafeForConcurrentUse(t *testing.T) {
	m, found := mapping.Check(os.DirFS("testdata"), "example/order-850.yaml")
	if m == nil {
		t.Fatal(found)
	}
	doc := read(t, "docs/order.json")
	first, err := m.Map(context.Background(), doc, mapping.Input{Lookup: skuTable})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				out, err := m.Map(context.Background(), doc, mapping.Input{Lookup: skuTable})
				if err != nil || !bytes.Equal(out.Doc, first.Doc) {
					t.Errorf("another result: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

const toCanonical = `mapping: shop.order
version: 1.0.0
source: {format: json}
target: {entity: order}
fields:
  schema: {const: order/1.0}
  id: '"order:shop:" + src.number'
  entityVersion: {const: 1}
  updatedAt: now()
  source: {fields: {system: {const: shop}, messageId: messageId}}
  identifiers:
    - {fields: {scheme: {const: order-number}, value: src.number}}
    - {when: has(src.po), fields: {scheme: {const: po-number}, value: src.po}}
  orderNumber: src.number
  type: {const: sale}
  channel: {const: web-us}
  placedAt: src.placed
  currency: {const: USD}
  status: {const: placed}
  lines:
    each: src.items
    as: l
    index: i
    fields:
      lineId: string(i + 1)
      product:
        fields:
          identifiers:
            - {fields: {scheme: {const: sku}, value: l.sku}}
            - {when: has(l.upc), fields: {scheme: {const: gtin}, value: gtin14(l.upc)}}
      quantity: {from: l.qty, decimal: any}
      uom: {const: EA}
      unitPrice: {from: l.price, decimal: 2}
      lineTotal: dmul(l.qty, l.price)
  totals:
    fields:
      total: dsum(out.lines.map(l, l.lineTotal))
`

const fromCanonical = `mapping: erp.order
version: 1.0.0
source: {entity: Order}
target: {schema: ../schemas/erp.json}
fields:
  NUMBER: src.orderNumber
  DATE: {from: src.placedAt, date: {to: yyyyMMdd, zone: America/Chicago}}
  ITEMS:
    each: src.lines
    as: l
    fields:
      SKU: 'l.product.identifiers.first(i, i.scheme == "sku").value'
      QTY: {from: l.quantity, decimal: 3}
`

func TestThroughTheCanonicalOrder(t *testing.T) {
	fsys := fstest.MapFS{
		"mappings/in.yaml":  {Data: []byte(toCanonical)},
		"mappings/out.yaml": {Data: []byte(fromCanonical)},
		"schemas/erp.json": {Data: []byte(`{"type":"object","required":["NUMBER"],"properties":{"NUMBER":{"type":"string"},"DATE":{"type":"string"},
			"ITEMS":{"type":"array","items":{"type":"object","required":["SKU","QTY"],"properties":{"SKU":{"type":"string"},"QTY":{"type":"number"}}}}}}`)},
	}
	lib := mapping.Open(fsys)
	in, found := lib.Mapping("mappings/in.yaml")
	if in == nil {
		t.Fatal(list(found))
	}
	out, found := lib.Mapping("out")
	if out == nil {
		t.Fatal(list(found))
	}
	if in.Target() != "order" || out.SourceEntity() != "Order" || out.Target() != "" || in.SourceFormat() != "json" {
		t.Errorf("target %q, source %q", in.Target(), out.SourceEntity())
	}
	order, err := run(in, `{"number":"4711","placed":"2026-05-12T02:00:00Z","items":[{"sku":"A","upc":"012345678905","qty":2,"price":1.25},{"sku":"B","qty":1,"price":10}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := canonical.Validate("order", order.Doc); err != nil {
		t.Errorf("%v\n%s", err, order.Doc)
	}
	var got struct {
		Identifiers []struct{ Scheme, Value string }
		Totals      struct{ Total string }
	}
	if err := json.Unmarshal(order.Doc, &got); err != nil || len(got.Identifiers) != 1 || got.Totals.Total != "12.50" {
		t.Errorf("%+v %v", got, err)
	}
	erp, err := run(out, string(order.Doc))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"NUMBER":"4711","DATE":"20260511","ITEMS":[{"SKU":"A","QTY":2.000},{"SKU":"B","QTY":1.000}]}`; string(erp.Doc) != want {
		t.Errorf("got  %s\nwant %s", erp.Doc, want)
	}
	// A wrong check digit is found at the border.
	_, err = run(in, `{"number":"4711","placed":"2026-05-12T02:00:00Z","items":[{"sku":"A","upc":"012345678904","qty":2,"price":1.25}]}`)
	var e *mapping.Error
	if !errors.As(err, &e) || !strings.Contains(e.Target, "lines[0].product.identifiers[1]") {
		t.Errorf("error %v", err)
	}
}

func TestTestsOfAMapping(t *testing.T) {
	m := checked(t, `lookups: {c: {table: t, key: k, value: v}}
fields: {text: src.id, kind: {from: src.name, lookup: c, onError: fail}, tags: {each: src.lines, as: l, expr: l.sku}}
tests:
  - name: passes
    input: {id: "1", n: 1, name: k, lines: [{sku: A, qty: "1"}]}
    expect: {kind: a, tags: [A], text: "1"}
    lookups: {c: {k: a}}
  - name: differs
    input: {id: "1", n: 1, lines: [{sku: A, qty: "1"}, {sku: B, qty: "1"}]}
    expect: {tags: [A, C], text: "2", kind: a}
  - name: expected error
    input: {id: "1", n: 1, name: zz, lines: []}
    error: has no k "zz"
    lookups: {c: {k: a}}
  - name: no rows
    input: {id: "1", n: 1, name: zz, lines: []}
    expect: {}
`)
	results := m.Test(context.Background())
	var got []string
	for _, r := range results {
		text := r.String()
		if r.Passed() {
			text = "ok   " + r.Name
		}
		got = append(got, text)
	}
	golden(t, "tests.golden", strings.Join(got, "\n")+"\n")
}

func TestPredicates(t *testing.T) {
	schema, err := mapping.EntitySchema("order")
	if err != nil {
		t.Fatal(err)
	}
	doc, meta := []byte(`{"status":"placed","n":5,"total":"9.50","lines":[{"sku":"A"}]}`), map[string]string{"tenant": "acme"}
	for _, tt := range []struct {
		expr, wantErr, matchErr string
		schema                  *mapping.Schema
		want                    bool
	}{
		{expr: `src.status != "draft"`, want: true},
		{expr: `src.status == "draft"`},
		{expr: `src.status == out.status && meta["tenant"] == "acme"`, want: true},
		{expr: `dcmp(src.total, "10") < 0 && src.n > 4`, want: true},
		{expr: `src.lines.exists(l, l.sku == "A")`, want: true},
		{expr: `has(src.a.b.c)`},
		{expr: `src.status == "placed"`, schema: schema, want: true},
		{expr: `src.statu == "placed"`, schema: schema, wantErr: `column 4: undefined field 'statu' (did you mean "status"?)`},
		{expr: `src.orderNumber`, schema: schema, wantErr: `a condition must be true/false, "src.orderNumber" is string`},
		{expr: `src.status ==`, wantErr: "cannot be read"},
		{expr: ``, wantErr: "the expression is empty"},
		{expr: `sorce.status == "x"`, wantErr: `nothing is called "sorce" here`},
		{expr: `src.nothing == "x"`, matchErr: "nothing"},
		{expr: `src.n`, matchErr: "not true or false"},
	} {
		p, err := mapping.CompilePredicate(tt.expr, tt.schema)
		if tt.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("%s: error %v, want %q", tt.expr, err, tt.wantErr)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		got, err := p.Match(doc, meta)
		if tt.matchErr != "" {
			if err == nil || !strings.Contains(err.Error(), tt.matchErr) {
				t.Errorf("%s: error %v, want %q", tt.expr, err, tt.matchErr)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s: %v %v, want %v", tt.expr, got, err, tt.want)
		}
	}
}

func TestKeysAndSplits(t *testing.T) {
	doc := []byte(`{"id":12345678901234567890,"n":7,"empty":"","orders":[{"id":"1","z":1,"a":1.10},{"id":"2"}],"name":"x"}`)
	for expr, want := range map[string]string{
		`out.name`: "x", `src.id`: "12345678901234567890", `src.n`: "7", `src.name + "/" + string(src.n)`: "x/7", `src.orders[0].id`: "1",
		`src.empty`: "error: is empty", `src.orders`: "error: gives a list", `src.none`: "error: src.none is missing",
	} {
		k, err := mapping.CompileKey(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		got, err := k.Eval(doc, nil)
		if text, fails := strings.CutPrefix(want, "error: "); fails {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: error %v, want %q", expr, err, text)
			}
		} else if err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", expr, got, err, want)
		}
	}
	if _, err := mapping.CompileKey(`src.n > 1`); err == nil {
		t.Error("a condition is accepted as a key")
	}
	s, err := mapping.CompileSplit(`src.orders`)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := s.Eval(doc, nil)
	if err != nil || len(parts) != 2 || string(parts[0]) != `{"id":"1","z":1,"a":1.10}` {
		t.Errorf("%q %v", parts, err)
	}
	if _, err := s.Eval([]byte(`{"orders":{}}`), nil); err == nil {
		t.Error("an object is split")
	}
	if _, err := mapping.CompileSplit(`"text"`); err == nil {
		t.Error("text is accepted as a split")
	}
}

func TestSchemasThatCannotBeUsed(t *testing.T) {
	for name, tt := range map[string]struct{ schema, want string }{
		"no JSON":          {`{`, "is not JSON"},
		"reference":        {`{"$ref":"none.json"}`, "schemas/none.json cannot be read"},
		"pointer":          {`{"$ref":"#/$defs/none"}`, "has nothing at #/$defs/none"},
		"web":              {`{"$ref":"https://example.org/x.json"}`, "only files can be read"},
		"out":              {`{"$ref":"../../x.json"}`, "outside of the configuration folder"},
		"not a schema":     {`[]`, "is not a schema"},
		"refers to itself": {`{"type":"object","properties":{"a":{"$ref":"#"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := project("fields: {text: src.a.a.a.id}")
			fsys["schemas/source.json"].Data = []byte(tt.schema)
			_, found := mapping.Check(fsys, "mappings/m.yaml")
			if tt.want == "" {
				tt.want = "undefined field 'id'"
			}
			if got := list(found); !strings.Contains(got, tt.want) {
				t.Errorf("found:\n%swant %s", got, tt.want)
			}
		})
	}
}

// An error in the items that a loop adds to a written list says which item of the
// result it would have been.
func TestPlaceInListWithLoop(t *testing.T) {
	m := checked(t, "fields: {identifiers: [{fields: {scheme: {const: x}, value: src.id}}, {each: src.lines, as: l, fields: {scheme: {const: sku}, value: {from: l.sku, required: true, emptyAs: missing}}}]}\nignore: [src]")
	_, err := run(m, `{"id":"1","n":1,"lines":[{"sku":"a","qty":"1"},{"sku":"","qty":"1"}]}`)
	var failed *mapping.Error
	if !errors.As(err, &failed) || failed.Target != "identifiers[2].value" {
		t.Errorf("got %v", err)
	}
}
