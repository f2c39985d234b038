package acknowledge_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/internal/specimen"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

var (
	update  = flag.Bool("update", false, "write golden files")
	library = grammar.Open(grammars.FS())
	at      = time.Date(2026, 1, 5, 9, 15, 0, 0, time.UTC)
)

func collect(t testing.TB, doc []byte) *acknowledge.Collector {
	t.Helper()
	c := &acknowledge.Collector{}
	if err := (&validate.Validator{Grammars: library}).Run(bytes.NewReader(doc), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func isa(groups string) string {
	return "ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*0900*U*00401*000000317*0*P*>~" + groups + "IEA*1*000000317~"
}

const unb = "UNB+UNOC:3+5412345000013:14+5498765000017:14+260105:0900+317'"

func TestAcknowledgements(t *testing.T) {
	order := "BEG*00*SA*4500012345**20260105~PO1*1*48*EA*7.25**UP*614141000012~"
	group := func(sets string, n string) string {
		return "GS*PO*ACME*RETAILER*20260105*0900*12*X*004010VICS~" + sets + "GE*" + n + "*12~"
	}
	message := "UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+128576+9'DTM+137:20260105:102'NAD+BY+5412345000013::9'LIN+1++8711234567890:EN'QTY+21:48'UNS+S'UNT+8+1'"
	for _, c := range []struct {
		name, doc string
		kind      acknowledge.Kind
		version   string
	}{
		{"997-accepted", isa(group("ST*850*0001~"+order+"SE*4*0001~", "1")), acknowledge.X997, ""},
		{"997-partly", isa(group("ST*850*0001~"+order+"SE*4*0001~ST*850*0002~BEG*00*SA**1*20261399~QQQ*1~SE*4*0002~", "2")), acknowledge.X997, ""},
		{"997-005010", isa(group("ST*850*0001~BEG*ZQ*SA*4500012345**20260105~SE*3*0001~", "1")), acknowledge.X997, "005010"},
		{"997-release", strings.Replace(isa(strings.Replace(group("ST*850*0001~"+order+"SE*4*0001~", "1"), "004010VICS", "005010", 1)), "U*00401", "^*00501", 1), acknowledge.X997, ""},
		{"997-count", isa(group("ST*850*0001~"+order+"SE*4*0001~", "3")), acknowledge.X997, ""},
		{"997-number", isa(strings.Replace(group("ST*850*0001~"+order+"SE*4*0001~", "1"), "*12*X", "*13*X", 1)), acknowledge.X997, ""},
		{"997-empty", isa(group("", "0")), acknowledge.X997, ""},
		{"999", isa(group("ST*850*0001~BEG*ZQ*SA*4500012345**20260105~SE*3*0001~", "1")), acknowledge.X999, ""},
		{"999-convention", strings.Replace(isa("GS*HC*ACME*RETAILER*20260105*0900*12*X*005010X222A1~ST*837*0001*005010X222A1~BHT*0019*00*1~SE*3*0001~GE*1*12~"), "U*00401", "^*00501", 1), acknowledge.X999, ""},
		{"ta1", strings.Replace(isa(group("ST*850*0001~"+order+"SE*4*0001~", "1")), "IEA*1*000000317", "IEA*2*000000317", 1), acknowledge.TA1, ""},
		{"contrl-accepted", unb + message + "UNZ+1+317'", acknowledge.CONTRL, ""},
		{"contrl-refused", unb + strings.NewReplacer("QTY+21:48'", "QTY+21:4B'QQQ+1'", "UNT+8", "UNT+9").Replace(message) + "UNZ+1+317'", acknowledge.CONTRL, ""},
		{"contrl-groups", unb + "UNG+ORDERS+5412345000013:14+5498765000017:14+260105:0900+7+UN+D:96A'" + message + "UNE+2+7'UNZ+1+317'", acknowledge.CONTRL, ""},
		{"contrl-version-4", strings.Replace(strings.Replace(unb, "UNOC:3", "UNOC:4", 1), "260105", "20260105", 1) + strings.Replace(message, "QTY+21:48", "QTY+21:48*21:7", 1) + "UNZ+1+317'", acknowledge.CONTRL, ""},
		{"contrl-separators", "UNA|*,! ~" + strings.NewReplacer("+", "*", ":", "|", "'", "~").Replace(unb+message) + "UNZ*1*317~", acknowledge.CONTRL, ""},
		{"contrl-test", strings.Replace(unb, "+317'", "+317++++++1'", 1) + message + "UNZ+1+317'", acknowledge.CONTRL, ""},
		{"contrl-interchange", unb + message + "UNZ+7+317'", acknowledge.CONTRL, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := collect(t, []byte(c.doc)).Write(c.kind, acknowledge.Options{Control: 42, At: at, Suffix: "\n", Version: c.version})
			if err != nil {
				t.Fatal(err)
			}
			got := string(bytes.Join(out, nil))
			golden := filepath.Join("testdata", c.name+".edi")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("written (run with -update to accept):\n%s\nwant:\n%s", got, want)
			}
			sound(t, out)
		})
	}
}

// sound checks that acknowledgements are accepted by what judges other documents.
func sound(t testing.TB, acks [][]byte) {
	t.Helper()
	for _, a := range acks {
		r, err := verdict.Grade("ack", bytes.NewReader(a), &validate.Validator{Grammars: library})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != verdict.Accept {
			t.Errorf("the acknowledgement itself is graded %s: %v\n%s", r.Verdict, r.Findings, a)
		}
		for _, kind := range []acknowledge.Kind{acknowledge.X997, acknowledge.X999, acknowledge.CONTRL} {
			if out, err := collect(t, a).Write(kind, acknowledge.Options{Control: 1, At: at}); !errors.Is(err, acknowledge.ErrNothing) {
				t.Errorf("an acknowledgement is acknowledged: %s, %v", out, err)
			}
		}
		if bytes.Contains(a, []byte("TA1")) && !bytes.Contains(a, []byte("GS")) {
			if out, err := collect(t, a).Write(acknowledge.TA1, acknowledge.Options{Control: 1, At: at}); !errors.Is(err, acknowledge.ErrNothing) {
				t.Errorf("a TA1 is answered with a TA1: %s, %v", out, err)
			}
		}
	}
}

// TestEveryFileIsAnswered writes every kind for all files of our own making, most
// of which have a defect.
func TestEveryFileIsAnswered(t *testing.T) {
	files, err := filepath.Glob("../verdict/testdata/derived/*")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	answered := 0
	for _, name := range files {
		doc, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := collect(t, doc)
		for _, kind := range kinds {
			out, err := c.Write(kind, acknowledge.Options{Control: 7, At: at})
			if errors.Is(err, acknowledge.ErrNothing) {
				continue
			}
			if err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(name), kind, err)
			}
			answered++
			sound(t, out)
		}
	}
	if answered < 250 {
		t.Errorf("only %d acknowledgements were written", answered)
	}
}

// TestNothingIsAcknowledged: acknowledgements have no answer, and what cannot be
// named has none either.
func TestNothingIsAcknowledged(t *testing.T) {
	contrl := "UNH+1+CONTRL:D:3:UN'UCI+5+A+B+7'UNT+3+1'"
	for _, c := range []struct {
		name, doc string
		kinds     []acknowledge.Kind
	}{
		{"interchange of a TA1", isa("TA1*000000316*260105*0900*A*000~"), []acknowledge.Kind{acknowledge.TA1, acknowledge.X997, acknowledge.X999}},
		{"group of a 997", isa("GS*FA*A1*B1*20260105*0900*12*X*004010~ST*997*0001~AK1*PO*1~AK9*A*1*1*1~SE*4*0001~GE*1*12~"), []acknowledge.Kind{acknowledge.X997, acknowledge.X999}},
		{"CONTRL", unb + contrl + "UNZ+1+317'", []acknowledge.Kind{acknowledge.CONTRL}},
		{"CONTRL in a group", unb + "UNG+CONTRL+A+B+260105:0900+7+UN+D:3'" + contrl + "UNE+1+7'UNZ+1+317'", []acknowledge.Kind{acknowledge.CONTRL}},
		{"no sender", "UNB+UNOC:3++5498765000017:14+260105:0900+317'UNZ+0+317'", []acknowledge.Kind{acknowledge.CONTRL}},
		{"no EDI", "<Order/>", []acknowledge.Kind{acknowledge.TA1, acknowledge.X997, acknowledge.X999, acknowledge.CONTRL}},
	} {
		for _, kind := range c.kinds {
			if out, err := collect(t, []byte(c.doc)).Write(kind, acknowledge.Options{Control: 1, At: at}); !errors.Is(err, acknowledge.ErrNothing) {
				t.Errorf("%s, %s: %s, %v", c.name, kind, out, err)
			}
		}
	}
}

// TestEveryDefectIsAnswered writes every kind for generated files with one defect
// each.
func TestEveryDefectIsAnswered(t *testing.T) {
	samples, err := specimen.All(library)
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for _, s := range samples {
		cases := []specimen.Case{{Class: "none", Text: func() string { return s.Text(s.Segments()) }}}
		if !s.Rich {
			cases = slices.Concat(cases, s.Contents(1), s.Envelopes())
		}
		for _, one := range cases {
			c := collect(t, []byte(one.Text()))
			for _, kind := range kinds {
				out, err := c.Write(kind, acknowledge.Options{Control: 7, At: at})
				if err != nil && !errors.Is(err, acknowledge.ErrNothing) {
					t.Errorf("%s, %s: %s: %v", s, one.Class, kind, err)
				}
				answered += len(out)
				sound(t, out)
			}
			if t.Failed() {
				t.Fatalf("%s, %s: %s", s, one.Class, one.Text())
			}
		}
	}
	if answered < 5000 {
		t.Errorf("only %d acknowledgements were written", answered)
	}
}

func TestControlNumber(t *testing.T) {
	c := collect(t, []byte(isa("")))
	if _, err := c.Write(acknowledge.TA1, acknowledge.Options{Control: 1_000_000_000, At: at}); err == nil || !strings.Contains(err.Error(), "does not fit ISA13") {
		t.Errorf("error %v", err)
	}
}

var kinds = []acknowledge.Kind{acknowledge.TA1, acknowledge.X997, acknowledge.X999, acknowledge.CONTRL}

// fuzz: whatever was read, the answer is accepted by what judges other documents.
func fuzz(f *testing.F, kind acknowledge.Kind) {
	f.Add([]byte(isa("GS*PO*A*B*20260105*0900*12*X*004010~ST*850*0001~BEG*77~SE*3*0001~GE*1*12~")))
	f.Add([]byte(strings.Replace(isa("GS*P*A*B*20260105*0900*X*X*005010~ST*850*1~BEG*00*SA^NE*1**20269905~po1*\x01~GE*X*12~"), "U*00401", "^*00501", 1)))
	f.Add([]byte(unb + "UNH+1+ORDERS:D:96A:UN'BGM+220'DTM+1:2:3:4'UNT+2+1'UNZ+1+317'"))
	f.Add([]byte("UNA:+.  'UNB+UNOC:4+A+B+20260105:0900+317'UNG+ORDERS+A+B+1:2+7'UNH++ORDERS:D'UNT+2+1'UNE+1+8'UNZ+1+317'"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, masked := range []bool{false, true} {
			out, _ := collect(t, doc).Write(kind, acknowledge.Options{Control: 7, At: at, Masked: masked})
			sound(t, out)
		}
	})
}

// FuzzTA1 answers interchanges.
func FuzzTA1(f *testing.F) { fuzz(f, acknowledge.TA1) }

// Fuzz997 answers groups.
func Fuzz997(f *testing.F) { fuzz(f, acknowledge.X997) }

// Fuzz999 answers groups of 005010.
func Fuzz999(f *testing.F) { fuzz(f, acknowledge.X999) }

// FuzzCONTRL answers EDIFACT interchanges.
func FuzzCONTRL(f *testing.F) { fuzz(f, acknowledge.CONTRL) }
