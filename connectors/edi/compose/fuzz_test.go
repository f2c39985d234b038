package compose_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

// derived are the files of our own making.
func derived(t testing.TB) [][]byte {
	names, err := filepath.Glob("../verdict/testdata/derived/*.edi")
	if err != nil || len(names) < 100 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	var out [][]byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func graded(t testing.TB, file []byte) verdict.Report {
	t.Helper()
	r, err := verdict.Grade("", bytes.NewReader(file), &validate.Validator{Grammars: library})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzCompose writes any JSON: it is refused, or makes a file that our own reader
// accepts, the same one every time.
func FuzzCompose(f *testing.F) {
	for _, file := range derived(f) {
		for _, doc := range shaped(f, file, 0) {
			f.Add([]byte(doc))
		}
	}
	f.Add([]byte(`{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "date": "2026-01-05", "ship_to": {"name": "A"}, "lines": [{"line": "1", "quantity": 4.5, "unit": "EA", "ids": {"gtin12": "614141000012"}}]}}`))
	f.Add([]byte(`{"order": {"number": "1", "dates": [{"date": {"qualifier": "137", "value": "20260105"}}], "lines": [{"line": "1"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := compose.Read(text)
		if err != nil {
			return
		}
		for _, to := range []compose.Agreement{acme, nord} {
			out, err := to.Interchange(library, []*compose.Document{doc}, numbers)
			if err != nil {
				continue
			}
			if r := graded(t, out); r.Verdict == verdict.Reject && !bytes.Contains(text, []byte("_extra")) {
				t.Fatalf("%s: %v", out, r.Findings)
			}
			again, err := to.Interchange(library, []*compose.Document{doc}, numbers)
			if err != nil || !bytes.Equal(out, again) {
				t.Fatalf("%s\nthe second time %v\n%s", out, err, again)
			}
		}
		out, err := compose.Restore(library, []*compose.Document{doc})
		if err != nil || bytes.Contains(text, []byte("rejected")) || bytes.Contains(text, []byte("_extra")) {
			return
		}
		if r := graded(t, out); r.Verdict == verdict.Reject {
			t.Fatalf("%s: %v", out, r.Findings)
		}
	})
}

// FuzzRoundTrip reads any clean file, writes it back, and reads the same
// documents again. Bytes may differ in what EDI has two ways to write, such as
// leading zeros or a decimal comma; what was written back does not change again.
func FuzzRoundTrip(f *testing.F) {
	for _, file := range derived(f) {
		f.Add(file, uint8(0))
		f.Add(file, uint8(1))
	}
	for _, set := range everySet(f) {
		f.Add(generate(set, 1), uint8(2))
	}
	f.Fuzz(func(t *testing.T, file []byte, items uint8) { thereAndBack(t, file, int(items)) })
}

// thereAndBack reports whether the file is one that is compared.
func thereAndBack(t *testing.T, file []byte, items int) bool {
	t.Helper()
	if kindOf(t, file) != "" {
		return false
	}
	docs := shaped(t, file, items)
	back, err := restored(docs)
	if err != nil {
		t.Fatalf("%v\n%q\n%s", err, file, strings.Join(docs, "\n"))
	}
	if r := graded(t, back); r.Verdict == verdict.Reject {
		t.Fatalf("%q: %v", back, r.Findings)
	}
	again := shaped(t, back, items)
	if !slices.Equal(docs, again) {
		t.Fatalf("%q\n%s\nwritten\n%q\n%s", file, strings.Join(docs, "\n"), back, strings.Join(again, "\n"))
	}
	same, err := restored(again)
	if err != nil || !bytes.Equal(back, same) {
		t.Fatalf("%v\n%q\n%q", err, back, same)
	}
	return true
}

// TestEverySeparator gives each separator each character, and every two of them
// odd ones (a tenth, with CROSSDOCK_EDI_SEPARATORS=all all of them): what is graded
// clean is written back the same.
func TestEverySeparator(t *testing.T) {
	for _, c := range []struct {
		name, file, usual string // the digits in angle brackets stand for the separators
	}{
		{"X12 004010", "ISA<0>00<0>          <0>00<0>          <0>ZZ<0>HARBOROUT      <0>08<0>9254110060     <0>260105<0>0915<0>U<0>00401<0>000000101<0>0<0>P<0><1><2>" +
			"GS<0>PO<0>HARBOROUT<0>9254110060<0>20260105<0>0915<0>101<0>X<0>004010<2>ST<0>850<0>0001<2>BEG<0>00<0>SA<0>4711-3<0><0>20260105<2>" +
			"N1<0>ST<0>M\xfcller & Co<2>PO1<0>1<0>48<0>EA<0>7.25<2>CTT<0>1<2>SE<0>6<0>0001<2>GE<0>1<0>101<2>IEA<0>1<0>000000101<2>", "*>~"},
		{"X12 005010", "ISA<0>00<0>          <0>00<0>          <0>ZZ<0>HARBOROUT      <0>08<0>9254110060     <0>260105<0>0915<0><3><0>00501<0>000000101<0>0<0>P<0><1><2>" +
			"GS<0>PO<0>HARBOROUT<0>9254110060<0>20260105<0>0915<0>101<0>X<0>005010<2>ST<0>850<0>0001<2>BEG<0>00<0>SA<0>4711-3<0><0>20260105<2>" +
			"PO1<0>1<0>48<0>EA<0>7.25<2>CTT<0>1<2>SE<0>5<0>0001<2>GE<0>1<0>101<2>IEA<0>1<0>000000101<2>", "*>~^"},
		{"EDIFACT 3", "UNA<1><0>.<3><4><2>UNB<0>UNOC<1>3<0>5412345000013<1>14<0>8712345000019<1>14<0>260105<1>0915<0>42<2>UNH<0>1<0>ORDERS<1>D<1>96A<1>UN<2>" +
			"BGM<0>220<0>4711-3<0>9<2>DTM<0>137<1>20260105<1>102<2>LIN<0>1<2>PRI<0>AAA<1>7.25<2>UNS<0>S<2>UNT<0>7<0>1<2>UNZ<0>1<0>42<2>", "+:'? "},
		{"EDIFACT 4", "UNA<1><0>.<3><4><2>UNB<0>UNOC<1>4<0>5412345000013<1>14<0>8712345000019<1>14<0>20260105<1>0915<0>42<2>UNH<0>1<0>ORDERS<1>D<1>01B<1>UN<2>" +
			"BGM<0>220<0>4711-3<0>9<2>DTM<0>137<1>20260105<1>102<2>LIN<0>1<2>PRI<0>AAA<1>7.25<2>UNS<0>S<2>UNT<0>7<0>1<2>UNZ<0>1<0>42<2>", "+:'?*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			compared, tried := 0, 0
			try := func(separators []byte) {
				file := c.file
				for i, b := range separators {
					file = strings.ReplaceAll(file, "<"+strconv.Itoa(i)+">", string([]byte{b}))
				}
				tried++
				if thereAndBack(t, []byte(file), tried%2) { // whole, or in parts
					compared++
				}
			}
			for at := range c.usual {
				for b := range 256 {
					s := []byte(c.usual)
					s[at] = byte(b)
					try(s)
				}
			}
			const odd = "*+:'~>^?|,.;-! 0A\r\n\t\x00\x1c\x1d\x7f\x80\xa0\xfc\xff"
			for one := range c.usual {
				for two := range one {
					for _, a := range []byte(odd) {
						for _, b := range []byte(odd) {
							if os.Getenv("CROSSDOCK_EDI_SEPARATORS") != "all" && (int(a)*31+int(b))%10 != 0 {
								continue
							}
							s := []byte(c.usual)
							s[one], s[two] = a, b
							try(s)
						}
					}
				}
			}
			if compared < 100 {
				t.Errorf("only %d files were compared", compared)
			}
			t.Logf("%d files compared", compared)
		})
	}
}
