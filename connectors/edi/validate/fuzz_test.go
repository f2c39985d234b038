package validate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// witness writes down everything that it is told.
type witness struct {
	listener
	said                    []string
	interchanges, groups, n int
}

func (l *witness) say(format string, args ...any) error {
	l.said = append(l.said, fmt.Sprintf(format, args...))
	return nil
}

func (l *witness) BeginInterchange(ic *validate.Interchange) error {
	l.interchanges++
	return l.say("interchange %s at %d", ic.Control, ic.Offset)
}

func (l *witness) BeginGroup(g *validate.Group) error {
	l.groups++
	return l.say("group %s", g.Control)
}

func (l *witness) BeginSet(s *validate.Set) error {
	l.n++
	return l.say("set %s %s", s.ID, s.Control)
}

func (l *witness) Segment(seg *syntax.Segment, at validate.Place) error {
	return l.say("%s %d %v %d %v", seg.Raw(), seg.Len(), at.Node != nil, at.Depth, at.Opens)
}

func (l *witness) EndSet(s *validate.Set) error {
	return l.say("end %s %d %v", s.Control, s.Segments, s.Rejected)
}
func (l *witness) EndGroup(g *validate.Group) error { return l.say("end group %v", g.Rejected) }
func (l *witness) EndInterchange(ic *validate.Interchange) error {
	return l.say("end interchange %v", ic.Rejected)
}

func (l *witness) Finding(f finding.Finding) error {
	l.findings = append(l.findings, f)
	return l.say("%#v", f)
}

// FuzzValidate: no file makes the validator panic or hang; its findings are
// complete, few enough and within the file; and a file gives the same whether it
// comes at once or byte by byte.
func FuzzValidate(f *testing.F) {
	f.Add([]byte(interchange(good)))
	f.Add([]byte("UNB+UNOC:3+A+B+260102:0915+7'UNH+1+ORDERS:D:96A:UN'UNT+2+1'UNZ+1+7'"))
	f.Add([]byte("STX=A:1+B+C+1+7'MHD=1+X:9'MTR=2'END=1'"))
	derived, err := filepath.Glob("../verdict/testdata/derived/*.edi")
	if err != nil || len(derived) == 0 {
		f.Fatal("there are no files to begin with", err)
	}
	for _, name := range derived {
		doc, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	library := grammar.Open(grammars.FS())
	f.Fuzz(func(t *testing.T, doc []byte) {
		// Short limits, so that short files reach them.
		o := syntax.Options{MaxSegment: 1 << 12, MaxElements: 40, MaxInterchange: 1 << 15, MaxSets: 20}
		whole, bytewise := &witness{}, &witness{}
		if err := (&validate.Validator{Grammars: library, Syntax: o}).Run(bytes.NewReader(doc), whole); err != nil {
			t.Fatal(err)
		}
		if err := (&validate.Validator{Grammars: library, Syntax: o}).Run(iotest.OneByteReader(bytes.NewReader(doc)), bytewise); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(whole.said, bytewise.said) {
			for i := range max(len(whole.said), len(bytewise.said)) {
				a, b := append(whole.said, "nothing", "")[min(i, len(whole.said))], append(bytewise.said, "nothing", "")[min(i, len(bytewise.said))]
				if a != b {
					t.Fatalf("at once:\n%q\nbyte by byte:\n%q", a, b)
				}
			}
		}
		if most := (validate.MaxFindings + 1) * (whole.interchanges + whole.groups + whole.n + 1); len(whole.findings) > most {
			t.Errorf("%d findings, want %d at most", len(whole.findings), most)
		}
		for _, x := range whole.findings {
			if x.Message == "" || x.Code == "" || x.Level == "" || x.Severity == "" {
				t.Errorf("an incomplete finding: %+v", x)
			}
			if x.Offset < 0 || x.Offset > int64(len(doc)) {
				t.Errorf("a finding beyond the %d bytes of the file: %+v", len(doc), x)
			}
		}
	})
}
