package sef_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/sef"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

var update = flag.Bool("update", false, "write the golden files anew")

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func library(r *sef.Result) *grammar.Library {
	m := fstest.MapFS{}
	for name, text := range r.Files {
		m[name] = &fstest.MapFile{Data: text}
	}
	return grammar.Open(m)
}

func known(std syntax.Standard, set string) (name, group string) {
	if std == syntax.X12 && set == "199" {
		return "parcel", "PX"
	}
	return "", ""
}

// TestImport writes the grammars of made-up sets, which lint.
func TestImport(t *testing.T) {
	for _, name := range []string{"parcel", "meldung"} {
		r, err := sef.Import(name+".sef", read(t, name+".sef"), sef.Options{Known: known})
		if err != nil {
			t.Fatal(err)
		}
		if err := library(r).Lint(); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, file := range slices.Sorted(maps.Keys(r.Files)) {
			b.WriteString("-- " + file + " --\n" + string(r.Files[file]))
		}
		b.WriteString("-- notes --\n" + strings.Join(r.Notes, "\n") + "\n")
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != string(read(t, name+".golden")) {
			t.Errorf("%s became\n%s", name, b.String())
		}
	}
}

type findings struct {
	validate.Ignore
	all []string
}

func (f *findings) Finding(x finding.Finding) error {
	f.all = append(f.all, string(x.Code)+" "+x.Where())
	return nil
}

// TestImportedGrammarValidates: documents of the imported set are checked with it.
func TestImportedGrammarValidates(t *testing.T) {
	for _, c := range []struct{ file, doc, want string }{
		{"parcel", "BPX*00*4711*20260102*NE~REF*IA*1~N1*ST*STORE 7~N4*AKRON~HL*1**S~PKT*1*UP*614141000012***EA>2>CA>1~SAC*A**CTN25~CTX*1~", ""},
		{"parcel", "BPX*00*4711*20260102~HL*1**S~CTX*1~", "elements.condition BPX04"},
		{"parcel", "BPX*04*4711~HL*1**S~CTX*1~", "codes.unknown BPX01"},
		{"parcel", "BPX*00*4711~CTX*1~", "structure.missing-segment HL"},
		{"parcel", "BPX*00*4711~HL*1**S~PKT*1*****EA>X~CTX*1~", "elements.characters PKT06-2"},
		{"meldung", "BGM+220+4711'NAD+BY+4012345000009::9'RFF+VA:DE1'LIN+1++4012345000016:EN'QTY+21:48'", ""},
		{"meldung", "BGM+220+4711'LIN+A'", "elements.characters LIN01"},
	} {
		r, err := sef.Import(c.file, read(t, c.file+".sef"), sef.Options{Known: known})
		if err != nil {
			t.Fatal(err)
		}
		n := strconv.Itoa(2 + strings.Count(c.doc, "~") + strings.Count(c.doc, "'"))
		doc := "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260102*0915*U*00401*000000001*0*P*>~" +
			"GS*PX*A*B*20260102*0915*1*X*004010~ST*199*0001~" + c.doc + "SE*" + n + "*0001~GE*1*1~IEA*1*000000001~"
		if c.file == "meldung" {
			doc = "UNB+UNOC:3+A+B+260102:0915+7'UNH+1+PAKETE:D:96A:UN'" + c.doc + "UNT+" + n + "+1'UNZ+1+7'"
		}
		l := &findings{}
		if err := (&validate.Validator{Grammars: library(r), Policy: validate.Policy{finding.Business: validate.Off}}).Run(strings.NewReader(doc), l); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(l.all, "; "); got != c.want {
			t.Errorf("%s: found %q, want %q", c.doc, got, c.want)
		}
	}
}

// TestNotUnderstood: each mistake has its place; a lenient import goes on.
func TestNotUnderstood(t *testing.T) {
	whole := string(read(t, "parcel.sef"))
	for _, c := range []struct{ name, from, to, want string }{
		{"section", ".VALREFS", ".VALUES", "parcel.sef:65:1: there is no section .VALUES"},
		{"wrapped line", "[N3,,2]", "[N3,,2]\n", "parcel.sef:11:1: a line of .SETS begins with a name and =; long lines must not be wrapped"},
		{"requirement", "[ST,M]", "[ST,Q]", `parcel.sef:10:11: ST: "Q" is no requirement`},
		{"maximum", "[N3,,2]", "[N3,,0]", `"0" is no maximum`},
		{"bracket", "[N3,,2]", "[N3,,2", "N3: ] is expected here"},
		{"loop not closed", "[.PKT]}}^", "[.PKT]}^", "a loop is not closed"},
		{"loop closed twice", "[SE,M]", "}[SE,M]", "} without {"},
		{"loop without a segment", "{L5:3[SAC][.PKT]}", "{L5:3}", "a loop begins with a segment"},
		{"sign", "[SE,M]", "#[SE,M]", `'#' is not understood in a set`},
		{"segment", "[!N4]", "[!N9]", "parcel.sef:10:65: the set uses the segment N9, which .SEGS does not have"},
		{"element", "SAC=[248,M][782]", "SAC=[248,M][783]", "SAC uses 783, which neither .ELMS nor .COMS has"},
		{"condition", "[352]+R0203", "[352]+D0203", `'D' is no condition`},
		{"condition of one", "[352]+R0203", "[352]+R02", "the condition R needs two elements"},
		{"condition of elements that are not", "[352]+R0203", "[352]+R0209", "names the element 09, there are 3"},
		{"group", "{2[235][234]}", "{200[235][234]}", "99 elements at most"},
		{"type", "354=N,1,6", "354=QQ,1,6", `"QQ" is no type`},
		{"length", "354=N,1,6", "354=N,7,6", "7 to 6 is no length"},
		{"element line", "354=N,1,6", "354=N,1", "written as in 353=ID,2,2"},
		{"range", "00:02", "02:00", "02 to 00 is no range"},
		{"range of two forms", "00:02", "A:02", "A to 02 is no range"},
		{"code", "248=A,C", "248=A,,C", "is no code"},
		{"codes of no element", "248=A,C", "249=A,C", "the codes are of the element 249"},
		{"twice", "354=N,1,6", "354=N,1,6\n354=N,1,7", "354 is defined twice"},
		{"before all", ".VER 1.6", "x\n.VER 1.6", "parcel.sef:1:1: this stands before the first section"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := []byte(strings.Replace(whole, c.from, c.to, 1))
			_, err := sef.Import("parcel.sef", text, sef.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("said %v\nwant %q", err, c.want)
			}
			r, err := sef.Import("parcel.sef", text, sef.Options{Lenient: true})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(r.Notes, "\n"), c.want) {
				t.Errorf("the lenient import does not note it: %q", r.Notes)
			}
			if err := library(r).Lint(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range []struct{ from, to, want string }{
		{",X,X12", ",TD,X12", `the agency "TD" is neither X (X12) nor UN (EDIFACT)`},
		{"004 010 HOME", "4 10", "is no version and release of X12"},
		{".INI", ".TEXT,SETS", "the section .INI is missing"},
		{"A made-up", "\x00", "is no text"},
		{"A made-up", strings.Repeat("x", sef.MaxFile), "more than the limit"},
	} {
		_, err := sef.Import("parcel.sef", []byte(strings.Replace(whole, c.from, c.to, 1)), sef.Options{Lenient: true})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("said %.200v, want %q", err, c.want)
		}
	}
}

// FuzzSEF: no file makes the import panic or take much, and what it accepts lints.
func FuzzSEF(f *testing.F) {
	f.Add(read(f, "parcel.sef"), false)
	f.Add(read(f, "meldung.sef"), true)
	f.Add([]byte(".INI\nX,,004 010,X,X,X\n.SETS\n1={:2[A]}\n.SEGS\nA=[1]\n.ELMS\n1=AN,1,0\n.CODES\n1=A:Z\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, lenient bool) {
		const most = 1 << 16
		r, err := sef.Import("x.sef", data[:min(len(data), most)], sef.Options{Lenient: lenient})
		if err != nil {
			return
		}
		if err := library(r).Lint(); err != nil {
			t.Errorf("what was imported does not lint: %v", err)
		}
	})
}
