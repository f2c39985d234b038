package mapping_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/core/mapping"
)

// agree compares the two ways to run a mapping: what the machine makes, the
// interpreter makes too, byte for byte and without a warning. It reports whether
// the machine made something, and whether the interpreter did.
func agree(t *testing.T, m *mapping.Mapping, doc string) (made, fine bool) {
	t.Helper()
	direct, interpreted, warnings, err := m.Both(context.Background(), []byte(doc), mapping.Input{
		MessageID: "m-1", Meta: map[string]string{"tenant": "acme"}, Now: time.Date(2026, 5, 12, 8, 0, 0, 123, time.UTC),
		Lookup: func(_ context.Context, l mapping.Lookup, key string) (string, bool, error) {
			return l.Table + ":" + key, len(key)%2 == 0, nil
		},
	})
	switch {
	case direct == nil:
		return false, err == nil
	case err != nil:
		t.Errorf("direct\n%s\nthe interpreter refuses: %v\ndocument\n%s", direct, err, doc)
	case warnings > 0:
		t.Errorf("direct\n%s\nthe interpreter warns\ndocument\n%s", direct, doc)
	case !bytes.Equal(direct, interpreted):
		t.Errorf("direct\n%s\ninterpreted\n%s\ndocument\n%s", direct, interpreted, doc)
	}
	return true, err == nil
}

// TestDirectAgrees runs generated expressions over generated documents in both
// ways.
func TestDirectAgrees(t *testing.T) {
	direct, all, left, refused, skipped := 0, 0, 0, 0, map[string]int{}
	for seed := range 250 {
		g := &generator{r: rand.New(rand.NewPCG(uint64(seed), 1))}
		body := g.mapping()
		m, found := mapping.Check(project(body), "mappings/m.yaml")
		if m == nil {
			refused++
			t.Logf("seed %d: the generated mapping is refused:\n%s", seed, list(found))
			continue
		}
		if why := m.Interpreted(); why != nil {
			_, reason, _ := strings.Cut(why.Error(), ": ")
			skipped[reason]++
			continue
		}
		for range 40 {
			all++
			ok, fine := agree(t, m, g.document())
			if ok {
				direct++
			} else if fine {
				left++
			}
			if t.Failed() {
				t.Fatalf("seed %d, mapping\n%s", seed, body)
			}
		}
	}
	t.Logf("%d of %d documents without the interpreter, %d it made something of; mappings that need it: %v", direct, all, left, skipped)
	if refused > 25 {
		t.Errorf("%d of 250 generated mappings are refused by the check", refused)
	}
	if direct < all/4 {
		t.Errorf("the machine makes only %d of %d documents, the comparison says little", direct, all)
	}
}

// FuzzDirect looks for a document that the two ways treat differently.
func FuzzDirect(f *testing.F) {
	for seed := range uint64(30) {
		f.Add(seed, (&generator{r: rand.New(rand.NewPCG(seed, 2))}).document())
	}
	f.Add(uint64(1), "{"+base+"}")
	mappings := make([]*mapping.Mapping, 64)
	for i := range mappings {
		g := &generator{r: rand.New(rand.NewPCG(uint64(i), 1))}
		mappings[i], _ = mapping.Check(project(g.mapping()), "mappings/m.yaml") // a refused one is no mapping to compare
	}
	f.Fuzz(func(t *testing.T, seed uint64, doc string) {
		if m := mappings[seed%uint64(len(mappings))]; m != nil {
			agree(t, m, doc)
		}
	})
}

// FuzzDirectExpression looks for an expression that the two ways evaluate
// differently.
func FuzzDirectExpression(f *testing.F) {
	g := &generator{r: rand.New(rand.NewPCG(7, 3))}
	for range 60 {
		f.Add(g.text(3), g.document())
		f.Add(g.truth(3), g.document())
		f.Add(g.number(3), g.document())
	}
	f.Fuzz(func(t *testing.T, expression, doc string) {
		if m, _ := mapping.Check(project(fmt.Sprintf("fields: {any: {expr: %q}}", expression)), "mappings/m.yaml"); m != nil {
			agree(t, m, doc)
		}
	})
}

// TestDirectReadsWhatTheInterpreterReads compares the readers on documents that
// are hostile or only unusual.
func TestDirectReadsWhatTheInterpreterReads(t *testing.T) {
	m := checked(t, "fields: {text: src.id, count: src.n, nullable: {from: src.note, emptyAs: missing}, tags: 'src.refs.map(r, r.q)'}")
	if why := m.Interpreted(); why != nil {
		t.Fatal(why)
	}
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"x%d": {"a": [%d]}`, i, i)
	}
	for _, c := range []struct {
		doc    string
		direct bool
	}{
		{`{"id": "1", "lines": [], "n": 7}`, true},
		{"\t{ \"n\" : -0 ,\r\n\"lines\":[ ] , \"id\":\"\\u00e9\\ud83d\\ude00\\n\" } ", true},
		{`{"id": "1", "lines": [], "n": 7, "note": null}`, true},
		{`{"id": "1", "lines": [], "n": 7, "note": ""}`, true},
		{`{"id": "1", "lines": [], "n": 7, ` + strings.Join(many, ", ") + `}`, true},
		{`{"id": "1", "lines": [], "n": 7, ` + strings.Join(append(many, `"x3": 1`), ", ") + `}`, false}, // x3 twice
		{`{"id": "1", "id": "2", "lines": [], "n": 7}`, false},
		{`{"id": "1", "lines": [], "n": 7, "extra": {"a": 1, "a": 2}}`, false},
		{`{"id": "1", "lines": [], "n": 7, "extra": {"a": {"b": [[[]]]}}}`, true},
		{`{"id": "1", "lines": [], "n": 7.0}`, true}, // copied as it stands
		{`{"id": 1, "lines": [], "n": 7}`, false},
		{`{"id": "1", "lines": [], "n": 7} x`, false},
		{`{"id": "1", "lines": [], "n": 07}`, false},
		{`{"id": "1", "lines": [], "n": 7,}`, false},
		{`{"id": "1" "lines": [], "n": 7}`, false},
		{"{\"id\": \"\x01\", \"lines\": [], \"n\": 7}", false},
		{"{\"id\": \"\xff\", \"lines\": [], \"n\": 7}", false},
		{`{"id": "\ud800", "lines": [], "n": 7}`, true},
		{`{"id": "1", "lines": [], "n": 7, "extra": ` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, true},
		{`{"id": "1", "lines": [], "n": 7, "extra": ` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, false},
		{`[]`, false},
		{``, false},
		{`{}`, true},
		{`null`, false},
	} {
		if got, _ := agree(t, m, c.doc); got != c.direct {
			t.Errorf("direct %t, expected %t: %s", got, c.direct, c.doc)
		}
	}
}

// TestExamplesAreDirect: the example's mapping needs the interpreter for documents
// with something wrong only.
func TestExamplesAreDirect(t *testing.T) {
	m, found := mapping.Check(os.DirFS("testdata"), "example/order-850.yaml")
	if m == nil {
		t.Fatal(found)
	}
	if why := m.Interpreted(); why != nil {
		t.Fatal(why)
	}
	if made, _ := agree(t, m, string(read(t, "docs/order.json"))); !made {
		t.Error("the order of the example is left to the interpreter")
	}
}

// generator writes mappings whose expressions have the right types, and documents
// that are mostly right.
type generator struct {
	r *rand.Rand
}

func (g *generator) of(list ...string) string { return list[g.r.IntN(len(list))] }

// mapping makes rules of every kind.
func (g *generator) mapping() string {
	var b strings.Builder
	if g.r.IntN(2) == 0 {
		fmt.Fprintf(&b, "let:\n  v1: %s\n  v2: %s\n", quoted(g.of(g.text(1), "src.address.city", "src.note")), quoted(g.of("src.lines.first(l, "+"l.qty == \"1\""+").sku", g.text(2))))
	}
	if g.r.IntN(3) == 0 {
		b.WriteString("include: [fragments/address.yaml]\n")
	}
	b.WriteString("lookups:\n  codes: {file: xref/codes.csv, key: code, value: name, onMiss: " + g.of("fail", "skip", "none") + "}\n" +
		"  away: {table: away, connection: main, key: k, value: v, onMiss: " + g.of("fail", "skip", "other") + "}\n" +
		"codelists:\n  c: {open: done, done: open, \"1\": one, \"true\": yes, \"\": empty" + g.of("", ", \"*\": other") + "}\n")
	b.WriteString("fields:\n")
	rule := func(format string, args ...any) {
		if g.r.IntN(100) < 35 {
			fmt.Fprintf(&b, "  "+format+"\n", args...)
		}
	}
	b.WriteString("  short: {const: x}\n")
	rule("text: {expr: %s%s}", quoted(g.text(3)), g.conditions())
	rule("nullable: {expr: %s, emptyAs: %s}", quoted(g.of("src.note", g.text(1))), g.of("missing", "null", "empty"))
	rule("count: {expr: %s%s}", quoted(g.number(3)), g.of("", ", onError: skip", ", default: 7"))
	rule("ok: %s", quoted(g.truth(3)))
	rule("ratio: %s", g.of("src.amount", "{from: src.amount, decimal: 2}", "{from: 'src.lines[0].price', decimal: 1}", "{from: 'src.lines[0].price', decimal: any}"))
	rule("day: {from: src.when, date: %s%s}", g.of("yyyyMMdd", "yyyy-MM-dd", "yyMMdd", "{from: yyyyMMddHHmm, to: yyyy-MM-dd}", "{from: yyyyMMdd, to: yyyy-MM-dd}"), g.of("", ", onError: skip"))
	if g.r.IntN(2) == 0 {
		rule("any: %s", g.of(quoted(g.of(g.number(2), g.truth(2), "src.n", "src.amount", "src.lines.map(l, l.sku)", "src.extra", "src.address", "src.lines", "src.lines.filter(l, l.qty == \"1\")", "src.lines[0]", "src.refs")),
			"{from: src.address, default: {city: x, list: [1, {a: []}]}}", "{const: [{a: 1}, null, \"é\"]}"))
	} else {
		rule("any: {expr: %s%s}", quoted(g.of(g.text(2), "src.n", "src.status")), g.of("", ", map: c", ", lookup: codes", ", lookup: away", ", map: c, lookup: codes", ", decimal: 3"))
	}
	if strings.Contains(b.String(), "include:") {
		rule("address: {use: address, with: {a: src.address}%s}", g.of("", ", when: has(src.address)"))
	} else {
		rule("address: {fields: {city: %s, zip: %s}}", quoted(g.text(1)), quoted(g.of("src.address.zip", g.text(1))))
	}
	rule("tags: %s", g.of("'src.lines.map(l, l.sku)'", "'src.lines[0].tags'", "'[\"a\", src.id]'", "[{value: src.id}, {when: has(src.name), value: src.name}, {each: src.lines, as: l, value: l.sku}]"))
	rule("lines:\n    each: %s\n    as: l\n    index: i\n    fields:\n      sku: {from: l.sku%s}\n      no: i + 1\n      total: {expr: %s, onError: %s}\n      tags: l.tags",
		g.of("src.lines", "src.lines.filter(x, "+"x.qty != \"0\""+")"), g.of("", ", default: none", ", emptyAs: missing"), quoted(g.of("dmul(l.qty, l.price)", "dmul(l.qty, l.price, 4)", "l.qty + src.id", "money(l.price)", "ddiv(l.price, l.qty)", g.text(1))), g.of("fail", "skip"))
	if g.r.IntN(2) == 0 {
		fmt.Fprintf(&b, "assert:\n  - {that: %s, message: no}\n", quoted(g.of("size(out.short) == 1", g.truth(2), "out.short == src.id || true", "!has(out.lines) || out.lines.all(l, l.no > 0)")))
	}
	return b.String()
}

func quoted(expression string) string { return "'" + strings.ReplaceAll(expression, "'", "''") + "'" }

func (g *generator) conditions() string {
	return g.of("", "", ", when: has(src.name)", ", when: "+quoted(g.truth(1)), ", default: none", ", onError: skip", ", map: c", ", lookup: codes", ", emptyAs: missing")
}

func (g *generator) text(depth int) string {
	if depth <= 0 || g.r.IntN(4) == 0 {
		return g.of("src.id", "src.name", "src.when", "src.email", "src.status", "src.address.city", `"x"`, `""`, `"é"`, "messageId", "meta.tenant", `meta["tenant"]`, "src.lines[0].sku",
			"src.refs[1].v", "src.refs.first(r, r.q == \"A\").v", "now()")
	}
	d := depth - 1
	switch g.r.IntN(15) {
	case 0, 1:
		return g.text(d) + " + " + g.text(d)
	case 2:
		return "(" + g.truth(d) + " ? " + g.text(d) + " : " + g.text(d) + ")"
	case 3:
		return "string(" + g.number(d) + ")"
	case 4:
		if g.r.IntN(2) == 0 {
			return "(" + g.text(d) + ")" + g.of(`.replace("1", "é")`, `.replace("a", "")`, `.replace("", "x")`, `.split("0")[0]`, `.split("-").first(p, p != "")`)
		}
		return "(" + g.text(d) + ")" + g.of(".upper()", ".lower()", ".trim()", ".lowerAscii()", ".upperAscii()")
	case 5:
		return "money(" + g.decimal() + g.of("", ", 3") + ")"
	case 6:
		return g.of("dadd", "dsub", "dmul", "ddiv") + "(" + g.decimal() + ", " + g.decimal() + ")"
	case 7:
		return "dsum(src.lines.map(l, " + g.of("l.qty", "l.price", "dmul(l.qty, l.price)") + "))"
	case 8:
		return "gtin14(" + g.text(d) + ")"
	case 9:
		return "ts(" + g.of("src.when", `"20260301"`, `"260301"`) + ", " + g.of(`""`, `"0930"`, `"235959"`, `"2460"`) + g.of("", `, "Europe/Berlin"`) + ")"
	case 10:
		return "src.refs.first(r, " + g.of("r.q == "+g.text(d), "has(r.v) && r.v != \"\"", "true") + ")." + g.of("q", "v")
	case 11:
		return "(" + g.text(d) + ").substring(" + g.of("0", "1") + g.of("", ", 2") + ")"
	case 12:
		return "convert(" + g.decimal() + g.of(`, "KGM", "LBR"`, `, "DZN", "EA"`, `, "INH", "CMT"`, `, "KGM", src.id`) + g.of("", ", 3") + ")"
	case 13:
		return "formatTime(" + g.of("now()", `"2026-05-12T08:00:00Z"`, g.text(d)) + g.of(`, "yyyyMMdd"`, `, "yyyyMMdd", "America/New_York"`) + ")"
	}
	return g.text(d)
}

func (g *generator) decimal() string {
	return g.of("src.lines[0].qty", "src.lines[0].price", `"1.005"`, `"-2.50"`, `"-0.00"`, `"+1"`, `".5"`, "3", "src.n", "src.amount", "1.25", "src.id", `"12345678901234567"`)
}

func (g *generator) number(depth int) string {
	if depth <= 0 || g.r.IntN(4) == 0 {
		return g.of("src.n", "7", "-1", "size(src.lines)", "size(src.id)", "int(src.id)", "9223372036854775807")
	}
	d := depth - 1
	switch g.r.IntN(6) {
	case 0, 1:
		return g.number(d) + g.of(" + ", " - ", " * ", " / ", " % ") + g.number(d)
	case 2:
		return "(" + g.truth(d) + " ? " + g.number(d) + " : " + g.number(d) + ")"
	case 3:
		return "dcmp(" + g.decimal() + ", " + g.decimal() + ")"
	case 4:
		return "size(src.lines.filter(l, " + g.of("l.qty == \"1\"", "has(l.price)", "l.tags.exists(t, t == \"a\")") + "))"
	}
	return "-(" + g.number(d) + ")"
}

func (g *generator) truth(depth int) string {
	if depth <= 0 || g.r.IntN(4) == 0 {
		return g.of("src.flag", "has(src.name)", "has(src.address.zip)", "true", "src.id == \"1\"", "src.note == null", "has(src.note)", "src.status in [\"open\", \"x\"]")
	}
	d := depth - 1
	switch g.r.IntN(10) {
	case 0:
		return "(" + g.truth(d) + " && " + g.truth(d) + ")"
	case 1:
		return "(" + g.truth(d) + " || " + g.truth(d) + ")"
	case 2:
		return "!(" + g.truth(d) + ")"
	case 3:
		return g.text(d) + g.of(" == ", " != ", " < ", " >= ") + g.text(d)
	case 4:
		return g.number(d) + g.of(" == ", " != ", " < ", " <= ", " > ") + g.number(d)
	case 5:
		return "src.lines." + g.of("exists", "all") + "(l, " + g.of("l.price == \"1.5\"", "has(l.price)", "l.qty != src.id", "l.sku.startsWith(\"A\")") + ")"
	case 6:
		return "(" + g.text(d) + ")" + g.of(".startsWith", ".endsWith", ".contains") + "(" + g.text(d) + ")"
	case 7:
		return "src.lines." + g.of("exists", "all") + "(l, has(l.tags) && " + g.of("l.tags.exists(t, t == \"b\")", "src.refs.exists(r, r.q == l.sku)", "size(src.lines.filter(m, m.sku == l.sku)) == 1") + ")"
	case 8:
		return "(" + g.text(d) + ").matches(\"^[A-Z0-9]+$\")"
	}
	return "src.refs.exists(r, " + g.of("r.q == \"A\"", "r.v == src.id") + ")"
}

// document makes one that often lacks something, and sometimes has it wrong.
func (g *generator) document() string {
	var parts []string
	add := func(chance int, name string, values ...string) {
		if g.r.IntN(100) < chance {
			parts = append(parts, `"`+name+`": `+g.of(values...))
		}
	}
	add(98, "id", `"1"`, `"4006381333931"`, `"a\"b"`, `"Zoë"`, `""`, `"  x "`)
	add(70, "name", `"Jane"`, `"É"`, `"open"`)
	add(70, "when", `""`, `"20260512"`, `"2026-05-12"`, `"20261301"`, `"260512"`, `"202605121230"`, `"20240229"`, `"20250229"`)
	add(60, "note", `null`, `""`, `"n"`)
	add(98, "n", `1`, `0`, `-12`, `1e2`, `9007199254740993`, `1.50`)
	add(70, "amount", `1.5`, `-0.10`, `100`, `1e3`, `0.1234567890123456`)
	add(80, "flag", `true`, `false`)
	add(50, "email", `"a@b.example"`)
	add(70, "status", `"open"`, `"done"`)
	add(70, "address", `{"city": "Köln"}`, `{"city": "X", "zip": "1"}`, `{"zip": "2"}`, `{"city": null}`, `{}`, `{ "zip" : "1\n" , "city":"\u00fc", "other": {"z": [ ] } }`)
	var lines []string
	for range g.r.IntN(4) {
		line := []string{`"sku": ` + g.of(`"A1"`, `"B2"`, `""`)}
		if g.r.IntN(20) > 0 {
			line = append(line, `"qty": `+g.of(`"1"`, `"2.5"`, `"0"`, `"x"`, `"10"`))
		}
		if g.r.IntN(4) > 0 {
			line = append(line, `"price": `+g.of(`"1.5"`, `"0.333"`, `"-1"`, `"1.10"`))
		}
		if g.r.IntN(3) > 0 {
			line = append(line, `"tags": `+g.of(`[]`, `["a"]`, `["a", "b"]`))
		}
		if g.r.IntN(5) == 0 {
			line = append(line, `"unknown": [1, {"x": null}]`)
		}
		lines = append(lines, "{"+strings.Join(line, ", ")+"}")
	}
	add(97, "lines", "["+strings.Join(lines, ", ")+"]")
	add(70, "refs", `[]`, `[{"q": "A", "v": "va"}]`, `[{"q": "B", "v": "vb"}, {"q": "A", "v": "va"}, {"v": "lone"}]`, `[{"q": "A"}, null]`)
	add(30, "extra", `{"a": 1}`, `null`, `7`, `{"b" : [ 1.50 , "\u00e9\\" , {} ] ,"a":"x y"}`)
	g.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return "{" + strings.Join(parts, ", ") + "}"
}

// TestDirectAtOnce maps documents whose members stand in different orders from many
// goroutines: what one has learned of the order may not mislead another.
func TestDirectAtOnce(t *testing.T) {
	m := checked(t, "fields: {text: src.id, count: src.n, lines: {each: src.lines, as: l, fields: {sku: l.sku, total: 'dmul(l.qty, l.price)'}}}\nignore: [src]")
	if why := m.Interpreted(); why != nil {
		t.Fatal(why)
	}
	var wg sync.WaitGroup
	for _, doc := range []string{
		`{"id":"a","n":1,"lines":[{"sku":"x","qty":"2","price":"3"}]}`,
		`{"lines":[{"price":"3","qty":"2","sku":"x"},{"qty":"1","sku":"y","price":"1"}],"n":2,"id":"b"}`,
		`{"n":3,"id":"c","lines":[]}`,
	} {
		for range 4 {
			wg.Go(func() {
				for range 200 {
					if made, _ := agree(t, m, doc); !made {
						t.Errorf("left to the interpreter: %s", doc)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}
