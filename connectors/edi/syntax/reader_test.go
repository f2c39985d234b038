package syntax_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

const isa = "ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260102*0915*U*00401*000000001*0*P*>"

// dump reads a stream to its end: a line a segment, then notes and the error.
func dump(r *syntax.Reader) string {
	var b strings.Builder
	for {
		s, err := r.Next()
		for _, n := range r.Notes() {
			fmt.Fprintf(&b, "note %d at %d %q\n", n.Kind, n.Offset, n.Data)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintf(&b, "error %v\n", err)
			}
			return b.String()
		}
		fmt.Fprintf(&b, "%d %s", s.Offset, s.Tag())
		for i := range s.Len() {
			fmt.Fprintf(&b, "|%s", s.Value(i+1))
		}
		b.WriteByte('\n')
	}
}

func TestSeparatorsAreFound(t *testing.T) {
	body := "%[1]sGS*PO*A*B%[1]sST*850*0001%[1]sBEG*00*SA%[1]sIEA*1*1%[1]s"
	for _, c := range []struct {
		name, doc string
		d         syntax.Delimiters
	}{
		{"tilde", isa + fmt.Sprintf(body, "~"), syntax.Delimiters{Segment: '~', Element: '*', Component: '>', Decimal: '.'}},
		{"tilde and line feeds", isa + fmt.Sprintf(body, "~\r\n"), syntax.Delimiters{Segment: '~', Element: '*', Component: '>', Decimal: '.'}},
		{"line feed", isa + fmt.Sprintf(body, "\n"), syntax.Delimiters{Segment: '\n', Element: '*', Component: '>', Decimal: '.'}},
		{"carriage return and line feed", isa + fmt.Sprintf(body, "\r\n"), syntax.Delimiters{Segment: '\n', Element: '*', Component: '>', Decimal: '.'}},
		{"control character", isa + fmt.Sprintf(body, "\x15"), syntax.Delimiters{Segment: 0x15, Element: '*', Component: '>', Decimal: '.'}},
		{"not padded", "ISA*00**00**ZZ*A*ZZ*B*260102*0915*U*00401*1*0*P*:" + fmt.Sprintf(body, "'"), syntax.Delimiters{Segment: '\'', Element: '*', Component: ':', Decimal: '.'}},
		{"repetition", strings.Replace(isa, "*U*00401*", "*^*00501*", 1) + fmt.Sprintf(body, "~"), syntax.Delimiters{Segment: '~', Element: '*', Component: '>', Repetition: '^', Decimal: '.'}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.doc), iotest.OneByteReader(strings.NewReader(c.doc)), iotest.DataErrReader(strings.NewReader(c.doc))} {
				x := syntax.NewReader(r, syntax.Options{})
				got := dump(x)
				if x.Delimiters() != c.d {
					t.Errorf("found %+v, want %+v", x.Delimiters(), c.d)
				}
				if strings.Contains(got, "note") || !strings.Contains(got, "GS|PO|A|B\n") || !strings.Contains(got, "BEG|00|SA\n") || !strings.HasSuffix(got, "IEA|1|1\n") {
					t.Errorf("read:\n%s", got)
				}
			}
		})
	}
}

func TestEDIFACT(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"default separators", "UNB+UNOC:3+A:14+B:14+260102:0915+7'UNH+1+ORDERS:D:96A:UN'FTX+AAI+++CREW?'S SOCK ?+ 6PK 10?:30 ??'UNZ+1+7'", "FTX|AAI|||CREW'S SOCK + 6PK 10:30 ?\n"},
		{"own separators", "UNA;*,# ~UNB*UNOC;3*A*B*260102;0915*7~FTX*a#*b~UNZ*1*7~", "FTX|a*b\n"},
		{"no release character", "UNA:+.  'UNB+UNOC:3+A+B+260102:0915+7'FTX+why?'UNZ+1+7'", "FTX|why?\n"},
		{"released release before the end", "UNB+UNOC:3+A+B+260102:0915+7'FTX+x??'UNZ+1+7'", "FTX|x?\n"},
		{"two interchanges", "UNB+UNOC:3+A+B+260102:0915+7'UNZ+0+7'\r\nUNA:|.? ~UNB|UNOC:3|A|B|260102:0915|8~UNZ|0|8~", "UNB|UNOC:3|A|B|260102:0915|8\n"},
		{"TRADACOMS", "STX=ANAA:1+5:A+6:B+930831+7'MHD=1+ORDERS:9'MTR=2'END=1'", "MHD|1|ORDERS:9\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(c.doc), iotest.OneByteReader(strings.NewReader(c.doc))} {
				if got := dump(syntax.NewReader(r, syntax.Options{})); !strings.Contains(got, c.want) || strings.Contains(got, "note") || strings.Contains(got, "error") {
					t.Errorf("read:\n%swant %s", got, c.want)
				}
			}
		})
	}
}

func TestWhatPartnersDoToFiles(t *testing.T) {
	doc := isa + "~GS*PO*A*B~ST*850*0001~IEA*1*000000001~"
	wrapped := func(width int) string {
		var b strings.Builder
		for rest := doc; rest != ""; {
			n := min(width, len(rest))
			b.WriteString(rest[:n] + "\r\n")
			rest = rest[n:]
		}
		return b.String()
	}
	for _, c := range []struct {
		name, doc string
		notes     []syntax.NoteKind
	}{
		{"nothing", doc, nil},
		{"line feed at the end", doc + "\n", nil},
		{"byte order mark", "\xef\xbb\xbf" + doc, []syntax.NoteKind{syntax.ByteOrderMark}},
		{"empty lines before", "\r\n \n" + doc, []syntax.NoteKind{syntax.LeadingBlank}},
		{"no last terminator", strings.TrimSuffix(doc, "~"), []syntax.NoteKind{syntax.NoTerminator}},
		{"end of file character", doc + "\x1a", []syntax.NoteKind{syntax.TrailingControl}},
		{"something behind", doc + "-- end --", []syntax.NoteKind{syntax.TrailingData}},
		{"cut at 80", wrapped(80), []syntax.NoteKind{syntax.Wrapped}},
		{"cut at 105, before the terminator", wrapped(105), []syntax.NoteKind{syntax.Wrapped}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := syntax.NewReader(strings.NewReader(c.doc), syntax.Options{})
			var tags []string
			var notes []syntax.NoteKind
			for {
				s, err := r.Next()
				for _, n := range r.Notes() {
					notes = append(notes, n.Kind)
				}
				if err != nil {
					break
				}
				tags = append(tags, string(s.Tag()))
			}
			if got := strings.Join(tags, " "); got != "ISA GS ST IEA" {
				t.Errorf("segments %s", got)
			}
			if !slices.Equal(notes, c.notes) {
				t.Errorf("notes %v, want %v", notes, c.notes)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"empty", "", "no interchange begins here"},
		{"another file", "order;sku;quantity\n", "no interchange begins here"},
		{"ISA alone", "ISA", "no interchange begins here"},
		{"ISA cut", isa[:60], "elements instead of 16"},
		{"ISA ends with the file", isa, "the file ends in ISA"},
		{"letter as terminator", isa + "GS*", "cannot end segments"},
		{"UNA with equal separators", "UNA++.? 'UNB+", "three different separators"},
		{"UNA alone", "UNA:+.? 'XYZ+1'", "UNA is not followed by UNB"},
		{"no terminator in sight", isa + "~" + strings.Repeat("x", 5000), "longer than 4096 bytes"},
		{"stream breaks", "", "cable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var in io.Reader = strings.NewReader(c.doc)
			if c.want == "cable" {
				in = iotest.ErrReader(errors.New("cable"))
			}
			r := syntax.NewReader(in, syntax.Options{MaxSegment: 4096})
			got := dump(r)
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %q", got, c.want)
			}
		})
	}
}

func TestComponentsAndRepeats(t *testing.T) {
	r := syntax.NewReader(strings.NewReader("UNB+UNOC:4+A+B+20260102:0915+7'PIA+5+a?:b:EN*c:SRV*d?*e'UNZ+0+7'"), syntax.Options{})
	for {
		s, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if string(s.Tag()) != "PIA" {
			continue
		}
		var got []string
		s.Repeats(s.Element(2), func(n int, v []byte) {
			s.Components(v, func(m int, c []byte) { got = append(got, fmt.Sprintf("%d.%d=%s", n, m, s.Plain(c))) })
		})
		if want := "1.1=a:b 1.2=EN 2.1=c 2.2=SRV 3.1=d*e"; strings.Join(got, " ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
		if s.ComponentValue(2, 1) != "a:b" || s.ComponentValue(2, 9) != "" || s.Element(3) != nil {
			t.Errorf("component %q", s.ComponentValue(2, 1))
		}
		return
	}
}

// FuzzReader: no stream makes the reader panic, hang or read beyond its end, and
// reading byte by byte gives the same.
func FuzzReader(f *testing.F) {
	f.Add([]byte(isa + "~GS*PO*A*B~IEA*0*000000001~"))
	f.Add([]byte("UNA:+.? 'UNB+UNOC:4+A+B+1:2+7'FTX+a?'b'UNZ+0+7'"))
	f.Add([]byte("\xef\xbb\xbfSTX=A:1+B'END=0'\x1a"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		o := syntax.Options{MaxSegment: 1 << 12}
		whole, bytewise := dump(syntax.NewReader(bytes.NewReader(doc), o)), dump(syntax.NewReader(iotest.OneByteReader(bytes.NewReader(doc)), o))
		if whole != bytewise {
			t.Errorf("at once:\n%s\nbyte by byte:\n%s", whole, bytewise)
		}
	})
}

var file = flag.String("file", "", "EDI file for BenchmarkReader")

// BenchmarkReader cuts 16 MB of purchase orders into segments and elements, beside
// a bare walk over the terminators.
func BenchmarkReader(b *testing.B) {
	doc := []byte(isa + "~GS*PO*A*B*20260102*0915*1*X*004010~" + strings.Repeat("ST*850*0001~BEG*00*SA*PO00000001**20260102~N1*ST*NORTHWIND STORE 0113*92*0113~PO1*1*48*EA*7.25*WE*UK*00614141000012*VN*V000123~SE*5*0001~", 100_000) + "GE*1*1~IEA*1*000000001~")
	if *file != "" {
		var err error
		if doc, err = os.ReadFile(filepath.Clean(*file)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("reader", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			r := syntax.NewReader(bytes.NewReader(doc), syntax.Options{})
			n := 0
			for {
				s, err := r.Next()
				if err != nil {
					break
				}
				n += s.Len()
			}
			if n == 0 {
				b.Fatal("nothing was read")
			}
		}
	})
	b.Run("terminators", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			n := 0
			for rest := doc; ; n++ {
				i := bytes.IndexByte(rest, '~')
				if i < 0 {
					break
				}
				rest = rest[i+1:]
			}
			if n == 0 {
				b.Fatal("nothing was read")
			}
		}
	})
}

// TestLayouts: what stands around the terminator of the header is told, however
// the stream comes in.
func TestLayouts(t *testing.T) {
	edifact := "UNB+UNOC:3+A+B+260102:0915+7'%sUNZ+0+7'"
	for _, c := range []struct {
		name, doc string
		want      syntax.Layout
	}{
		{"nothing", isa + "~IEA*0*1~", syntax.Layout{Terminator: '~'}},
		{"line feed", isa + "~\nIEA*0*1~\n", syntax.Layout{Terminator: '~', Suffix: "\n"}},
		{"carriage return and line feed", isa + "~\r\nIEA*0*1~", syntax.Layout{Terminator: '~', Suffix: "\r\n"}},
		{"carriage return", isa + "~\rIEA*0*1~", syntax.Layout{Terminator: '~', Suffix: "\r"}},
		{"blanks are none", isa + "~  IEA*0*1~", syntax.Layout{Terminator: '~'}},
		{"line feed as terminator", isa + "\nIEA*0*1\n", syntax.Layout{Terminator: '\n'}},
		{"both as terminator", isa + "\r\nIEA*0*1\r\n", syntax.Layout{Terminator: '\r', Suffix: "\n"}},
		{"EDIFACT", fmt.Sprintf(edifact, ""), syntax.Layout{Terminator: '\''}},
		{"service string advice", "UNA:+.? '\n" + fmt.Sprintf(edifact, "\n"), syntax.Layout{UNA: true, Terminator: '\'', Suffix: "\n"}},
		{"the header alone", isa + "~", syntax.Layout{Terminator: '~'}},
	} {
		for _, in := range []io.Reader{strings.NewReader(c.doc), iotest.OneByteReader(strings.NewReader(c.doc))} {
			r := syntax.NewReader(in, syntax.Options{})
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			if got := r.Layout(); got != c.want {
				t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
			}
		}
	}
}
