package shape_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

func advice(lines int) string {
	return string(x12File("IB", "846", 1, func(s func(string, ...any)) { stock(s, lines) }))
}

// TestParts: a set of many lines comes in parts that together are the whole.
func TestParts(t *testing.T) {
	for _, c := range []struct{ lines, most, parts int }{
		{0, 3, 0}, {1, 3, 0}, {3, 3, 0}, {4, 3, 2}, {6, 3, 2}, {7, 3, 3}, {5, 1, 5}, {5, 0, 0},
	} {
		docs := documents(t, advice(c.lines), shape.Options{PartItems: func(*validate.Set) int { return c.most }})
		if len(docs) != max(c.parts, 1) {
			t.Errorf("%d lines in parts of %d: %d documents", c.lines, c.most, len(docs))
			continue
		}
		all := 0
		for i, d := range docs {
			body, ok := setOf(t, d)["inventory"].(map[string]any)
			if !ok || body["reference"] != "STOCK004711" || d.Key != "STOCK004711" || !strings.Contains(d.text, `"dates":[{"qualifier":"007"`) {
				t.Errorf("part %d does not repeat what stands before the lines: %s", i+1, d.text)
			}
			last := i == len(docs)-1
			if _, totals := body["totals"]; totals != last || d.Last != last {
				t.Errorf("part %d of %d: totals %v, last %v", i+1, len(docs), totals, d.Last)
			}
			said := fmt.Sprintf(`"part":%d`, i+1)
			if last {
				said += `,"last":true`
			}
			if part := strings.Contains(d.text, said+"}"); part != (c.parts > 0) || d.Part > 0 != (c.parts > 0) {
				t.Errorf("part %d of %d: %d, %s", i+1, len(docs), d.Part, d.text)
			}
			lines, ok := body["lines"].([]any)
			if !ok && c.lines > 0 {
				t.Errorf("part %d has no lines: %s", i+1, d.text)
			}
			for _, l := range lines {
				all++
				if line, ok := l.(map[string]any); !ok || line["line"] != fmt.Sprint(all) {
					t.Errorf("line %d is %v", all, l)
				}
			}
		}
		if all != c.lines {
			t.Errorf("%d of %d lines in parts of %d", all, c.lines, c.most)
		}
	}
}

// TestPartsOfParts: where the loop stands in another one, that is repeated, too.
// Another item of it begins another part when the one before is full.
func TestPartsOfParts(t *testing.T) {
	line := func(n int) string { return fmt.Sprintf("W01*%d*EA~", n) }
	body := isa + "GS*OW*A*B*20260105*0900*12*X*004010~ST*940*0001~W05*N*D1~N1*ST*STORE~%sW76*4~SE*9*0001~GE*1*12~IEA*1*000000317~"
	const head = `{"status":"N","depositor_order":"D1","ship_to":{"name":"STORE"},"sections":[`
	quantity := func(n int) string { return fmt.Sprintf(`{"quantity":"%d","unit":"EA"}`, n) }
	for _, c := range []struct {
		name, lines string
		want        []string
	}{
		{"in the middle", "LX*1~" + line(1) + line(2) + line(3) + "LX*2~" + line(4), []string{
			`{"number":"1","lines":[` + quantity(1) + "," + quantity(2) + `]}]}`,
			`{"number":"1","lines":[` + quantity(3) + `]},{"number":"2","lines":[` + quantity(4) + `]}],"totals":{"quantity":"4"}}`,
		}},
		{"between two", "LX*1~" + line(1) + line(2) + "LX*2~" + line(3), []string{
			`{"number":"1","lines":[` + quantity(1) + "," + quantity(2) + `]}]}`,
			`{"number":"2","lines":[` + quantity(3) + `]}],"totals":{"quantity":"4"}}`,
		}},
		{"more than once", "LX*1~" + line(1) + line(2) + line(3) + line(4) + line(5), []string{
			`{"number":"1","lines":[` + quantity(1) + "," + quantity(2) + `]}]}`,
			`{"number":"1","lines":[` + quantity(3) + "," + quantity(4) + `]}]}`,
			`{"number":"1","lines":[` + quantity(5) + `]}],"totals":{"quantity":"4"}}`,
		}},
	} {
		docs := documents(t, fmt.Sprintf(body, c.lines), shape.Options{PartItems: func(*validate.Set) int { return 2 }})
		if len(docs) != len(c.want) {
			t.Errorf("%s: %d parts, want %d", c.name, len(docs), len(c.want))
			continue
		}
		for i, d := range docs {
			if _, got, _ := strings.Cut(d.text, `"warehouse_order":`); got != head+c.want[i]+"}" {
				t.Errorf("%s: part %d\ngot  %s\nwant %s", c.name, i+1, got, head+c.want[i]+"}")
			}
		}
	}
}

// TestPartsHoldMemory reads a stock report of a million lines in parts. Nothing
// that grows with it may be kept.
func TestPartsHoldMemory(t *testing.T) {
	const lines, limit = 1_000_000, 32 << 20
	size := lines
	if testing.Short() {
		size /= 10
	}
	n, most := 0, uint64(0)
	var m runtime.MemStats
	s := shape.New(shape.Options{PartItems: func(*validate.Set) int { return 1000 }, Each: func(d *shape.Document) error {
		if n++; n%50 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return nil
	}})
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	if err := (&validate.Validator{Grammars: library}).Run(stockReader(size), s); err != nil {
		t.Fatal(err)
	}
	if n != size/1000 {
		t.Errorf("%d parts", n)
	}
	t.Logf("%d KB are kept", (int64(most)-int64(before))>>10)
	if most > before && most-before > limit {
		t.Errorf("%d MB are kept", (most-before)>>20)
	}
}

// stockReader writes a report while it is read.
func stockReader(lines int) io.Reader {
	r, w := io.Pipe()
	go func() {
		b := bytes.NewBufferString(strings.TrimSuffix(advice(0), "CTT*0~SE*5*0001~GE*1*1~IEA*1*000000001~"))
		for l := range lines {
			fmt.Fprintf(b, "LIN*%d*UK*00614141000012*VN*V004711~QTY*33*4711*EA~", l+1)
			if b.Len() > 60_000 {
				if _, err := b.WriteTo(w); err != nil {
					return
				}
			}
		}
		fmt.Fprintf(b, "CTT*%d~SE*%d*0001~GE*1*1~IEA*1*000000001~", lines, 2*lines+5)
		_, err := b.WriteTo(w)
		w.CloseWithError(err)
	}()
	return r
}

// TestListsThatAreNoLines: what grows without being meant to is parted, too.
func TestListsThatAreNoLines(t *testing.T) {
	const many = 400_000
	for name, doc := range map[string]string{
		"references":    isa + "GS*PO*A*B*20260105*0900*12*X*004010~ST*850*0001~BEG*00*SA*1**20260105~" + strings.Repeat("REF*DP*077~", many) + "PO1*1~SE*9*0001~GE*1*12~IEA*1*000000317~",
		"of a line":     isa + "GS*PO*A*B*20260105*0900*12*X*004010~ST*850*0001~BEG*00*SA*1**20260105~PO1*1~" + strings.Repeat("REF*DP*077~", many) + "SE*9*0001~GE*1*12~IEA*1*000000317~",
		"no grammar":    strings.ReplaceAll(isa+"GS*PO*A*B*20260105*0900*12*X*003010~ST*850*0001~"+strings.Repeat("REF*DP*077~", many)+"SE*9*0001~GE*1*12~IEA*1*000000317~", "\n", ""),
		"without place": isa + "GS*PO*A*B*20260105*0900*12*X*004010~ST*850*0001~BEG*00*SA*1**20260105~" + strings.Repeat("QQQ*DP*077~", many) + "SE*9*0001~GE*1*12~IEA*1*000000317~",
	} {
		found, parts := 0, 0
		s := shape.New(shape.Options{PartItems: func(*validate.Set) int { return 1000 }, Each: func(d *shape.Document) error {
			parts++
			found += bytes.Count(d.JSON, []byte(`"077"`))
			if len(d.JSON) > 10<<20 {
				t.Errorf("%s: a part of %d MB", name, len(d.JSON)>>20)
			}
			if !json.Valid(d.JSON) {
				t.Errorf("%s: part %d is no JSON", name, d.Part)
			}
			return nil
		}})
		if err := (&validate.Validator{Grammars: library}).Run(strings.NewReader(doc), s); err != nil {
			t.Fatal(err)
		}
		if found != many || parts < 2 {
			t.Errorf("%s: %d values in %d parts", name, found, parts)
		}
	}
}

// TestSkipAndErrors: sets that are skipped are not handed over, and an error of
// the receiver ends the walk.
func TestSkipAndErrors(t *testing.T) {
	doc := string(x12File("PO", "850", 3, order))
	var got []string
	s := shape.New(shape.Options{
		Skip: func(s *validate.Set) bool { return s.Control == "0002" },
		Each: func(d *shape.Document) error { got = append(got, d.Set.Control); return nil },
	})
	if err := (&validate.Validator{Grammars: library}).Run(strings.NewReader(doc), s); err != nil || !reflect.DeepEqual(got, []string{"0001", "0003"}) {
		t.Errorf("%v, %v", got, err)
	}
	n := 0
	s = shape.New(shape.Options{PartItems: func(*validate.Set) int { return 2 }, Each: func(*shape.Document) error { n++; return io.ErrClosedPipe }})
	if err := (&validate.Validator{Grammars: library}).Run(strings.NewReader(doc), s); err != io.ErrClosedPipe || n != 1 {
		t.Errorf("%d documents, %v", n, err)
	}
}
