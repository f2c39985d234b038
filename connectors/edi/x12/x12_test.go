package x12

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const order = `ISA*00*          *00*          *ZZ*HARBOROUT      *08*9254110060     *260105*0915*U*00401*000001001*0*P*>~GS*PO*HARBOROUT*9254110060*20260105*0915*101*X*004010~
ST*850*0001~BEG*00*SA*4500012345**20260105~REF*DP*077~ITD*01*3*2**30**45~DTM*010*20260120~N1*BY*HARBOR OUTFITTERS*92*0017~N1*ST*HARBOR DC 4*92*0904~N3*1200 DOCK ROAD~N4*SAVANNAH*GA*31401*US~PO1*1*48*EA*7.25**UK*00614141000012*VN*AX-100~PID*F*08***CREW SOCK 6PK BLACK~PO1*2*24*EA*.5**UK*00614141000029*VN*AX-200~CTT*2*72~SE*14*0001~GE*1*101~IEA*1*000001001~`

func parseOne(t *testing.T, doc string) *Interchange {
	t.Helper()
	ics, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return ics[0]
}

func TestCleanOrderHasNoFindings(t *testing.T) {
	for _, tail := range []string{"", "\n", "\r\n", "\x1a"} {
		ic := parseOne(t, order+tail)
		if fs := ic.All(); len(fs) > 0 {
			t.Errorf("with tail %q: %v", tail, fs)
		}
	}
}

func TestDocumentGolden(t *testing.T) {
	ic := parseOne(t, order)
	doc, err := ic.Document(ic.Groups[0], ic.Groups[0].Sets[0])
	if err != nil {
		t.Fatal(err)
	}
	got, err := doc.JSON()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "850.golden.json")
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("the named form changed; run with -update and review\n got %s\nwant %s", got, want)
	}
}

// Each defect is one change to a clean order and must give exactly this
// finding: a partner fixes what the first finding says, so neither a missing
// nor a following finding is acceptable.
func TestOneDefectOneFinding(t *testing.T) {
	tests := []struct{ name, old, new, code, ak string }{
		{"segment count", "SE*14*", "SE*15*", "SE01.count", "4"},
		{"set control number", "SE*14*0001", "SE*14*0002", "SE02.control", "3"},
		{"group count", "GE*1*", "GE*2*", "GE01.count", "5"},
		{"group control number", "GE*1*101", "GE*1*102", "GE02.control", "4"},
		{"interchange count", "IEA*1*", "IEA*3*", "IEA01.count", "021"},
		{"interchange control number", "IEA*1*000001001", "IEA*1*000001002", "IEA02.control", "001"},
		{"wrong group for the set", "GS*PO", "GS*IB", "ST01.group", "6"},
		{"line count", "CTT*2*", "CTT*3*", "CTT01.count", "7"},
		{"mandatory element", "BEG*00*SA*4500012345", "BEG*00*SA*", "element.missing", "1"},
		{"code outside its list", "BEG*00*", "BEG*77*", "element.value", "7"},
		{"not a date", "20260105~REF", "20261305~REF", "element.value", "8"},
		{"not a number", "*48*EA", "*4X*EA", "element.value", "6"},
		{"pair broken", "UK*00614141000012", "UK*", "element.pair", "2"},
		{"unknown segment", "DTM*010*20260120~", "ZZZ*1~", "segment.unexpected", "1"},
		{"segment in the wrong place", "DTM*010*20260120~", "ACK*IA~", "segment.unexpected", "2"},
		{"no BEG", "BEG*00*SA*4500012345**20260105~", "CUR*BY*USD~", "BEG.missing", "3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(order, tt.old) {
				t.Fatalf("the test's text %q is not in the order", tt.old)
			}
			fs := parseOne(t, strings.Replace(order, tt.old, tt.new, 1)).All()
			if len(fs) != 1 {
				t.Fatalf("expected one finding, got %v", fs)
			}
			f := fs[0]
			ak := f.AK403
			for _, c := range []string{f.AK304, f.AK502, f.AK905, f.TA105} {
				if ak == "" {
					ak = c
				}
			}
			if f.Code != tt.code || ak != tt.ak {
				t.Errorf("got %s with code %s (%v), want %s with %s", f.Code, ak, f, tt.code, tt.ak)
			}
		})
	}
}

func TestToleratedDeviations(t *testing.T) {
	tests := map[string]string{
		"byte order mark":         "\xef\xbb\xbf" + order,
		"last terminator missing": strings.TrimSuffix(order, "~"),
		"ISA padded wrongly":      strings.Replace(order, "HARBOROUT      ", "HARBOROUT ", 1),
		"control number padding":  strings.Replace(order, "IEA*1*000001001", "IEA*1*1001", 1),
	}
	for name, doc := range tests {
		t.Run(name, func(t *testing.T) {
			ic := parseOne(t, doc)
			for _, f := range ic.All() {
				if f.Severity == Reject {
					t.Errorf("rejected: %s", f)
				}
			}
			if len(ic.Groups) != 1 || len(ic.Groups[0].Sets) != 1 {
				t.Error("the order is gone")
			}
		})
	}
}

func TestAcknowledgementNamesTheError(t *testing.T) {
	at := time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	a := Address{Sender: Party{"08", "9254110060"}, Receiver: Party{"ZZ", "HARBOROUT"}, Control: 7, At: at}
	tests := []struct{ name, doc, want string }{
		{"accepted", order, "AK1*PO*101~AK2*850*0001~AK5*A~AK9*A*1*1*1~"},
		{"rejected", strings.Replace(order, "*48*EA", "*4X*EA", 1), "AK1*PO*101~AK2*850*0001~AK3*PO1*10**8~AK4*2**6*4X~AK5*R*5~AK9*R*1*1*0~"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ic := parseOne(t, tt.doc)
			got, ok, err := Acknowledge(ic, ic.Groups[0], a)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			if !strings.Contains(string(got), tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			again := parseOne(t, string(got))
			if _, ok, _ := Acknowledge(again, again.Groups[0], a); ok {
				t.Error("an acknowledgement was acknowledged")
			}
		})
	}
}

// Wherever a file is cut off, it gets a valid answer or is told to have none: an
// acknowledgement that cannot be written must not hold up the partner's other
// files.
func TestEveryCutIsAnswered(t *testing.T) {
	a := Address{Sender: Party{"08", "9254110060"}, Receiver: Party{"ZZ", "HARBOROUT"}, Control: 7}
	answered := 0
	for n := range len(order) {
		ics, err := Parse([]byte(order[:n]))
		if err != nil {
			continue
		}
		for _, g := range ics[0].Groups {
			out, ok, err := Acknowledge(ics[0], g, a)
			switch {
			case ok:
				answered++
				if ics[0].Rejected() && !strings.Contains(string(out), "~AK9*R*") {
					t.Fatalf("cut at byte %d: the answer does not reject: %s", n, out)
				}
			case !errors.Is(err, ErrUnanswerable):
				t.Fatalf("cut at byte %d: %v", n, err)
			}
		}
	}
	if answered < len(order)/2 {
		t.Errorf("only %d of %d cuts were answered", answered, len(order))
	}
}

func TestAcknowledgementLeavesOutWhatItCannotRepeat(t *testing.T) {
	a := Address{Sender: Party{"08", "9254110060"}, Receiver: Party{"ZZ", "HARBOROUT"}, Control: 7}
	for _, tt := range []struct{ name, doc, want string }{
		{"a segment of one letter", strings.Replace(order, "~CTT*", "~C*1~CTT*", 1), "AK1*PO*101~AK2*850*0001~AK5*R*"},
		{"a set number that is too long", strings.NewReplacer("ST*850*0001", "ST*850*0001000100", "*0001~GE", "*0001000100~GE").Replace(order), "AK1*PO*101~AK9*"},
		{"a set of four digits", strings.Replace(order, "ST*850*", "ST*8500*", 1), "AK1*PO*101~AK9*R*1*1*0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ics, err := Parse([]byte(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			got, ok, err := Acknowledge(ics[0], ics[0].Groups[0], a)
			if err != nil || !ok || !strings.Contains(string(got), tt.want) {
				t.Errorf("got %s (%v, %v)\nwant %s", got, ok, err, tt.want)
			}
		})
	}
	ics, err := Parse([]byte(strings.NewReplacer("*101*X*", "*CAT*X*", "GE*1*101", "GE*1*CAT").Replace(order)))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := Acknowledge(ics[0], ics[0].Groups[0], a); ok || !errors.Is(err, ErrUnanswerable) {
		t.Errorf("a group without a number: %s, %v, %v", got, ok, err)
	}
}

func TestWriterRefusesDelimitersInValues(t *testing.T) {
	w, err := NewWriter(Address{Sender: Party{"ZZ", "A"}, Receiver: Party{"ZZ", "B"}, Control: 1}, "IB")
	if err != nil {
		t.Fatal(err)
	}
	w.Begin("846")
	w.Segment("BIA", "00", "DD", "REF*1", "20260105")
	w.End()
	if _, err := w.Bytes(); err == nil || !strings.Contains(err.Error(), "BIA03") {
		t.Errorf("expected an error that names BIA03, got %v", err)
	}
}

func TestNotX12(t *testing.T) {
	for _, doc := range []string{"", "hello", "ISA", "ISA*00*", "UNA:+.? '"} {
		if _, err := Parse([]byte(doc)); err == nil {
			t.Errorf("%q was read", doc)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(order))
	f.Add([]byte(strings.ReplaceAll(order, "~", "\n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		ics, err := Parse(data)
		if err != nil {
			return
		}
		for _, ic := range ics {
			for _, g := range ic.Groups {
				if _, _, err := Acknowledge(ic, g, Address{Sender: Party{"ZZ", "A"}, Receiver: Party{"ZZ", "B"}, Control: 1}); err != nil && !errors.Is(err, ErrUnanswerable) {
					t.Errorf("the answer cannot be written: %v", err)
				}
				for _, s := range g.Sets {
					if !s.Rejected() {
						if _, err := ic.Document(g, s); err != nil {
							t.Errorf("an accepted set has no document: %v", err)
						}
					}
				}
			}
		}
	})
}
