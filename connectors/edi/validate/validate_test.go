package validate_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// small is a grammar of a few segments, so that what a test sees is in sight.
var small = grammar.Open(fstest.MapFS{
	"x12/004010/elements.yaml": {Data: []byte(`
standard: x12
version: "004010"
elements:
  "353": {name: purpose, type: ID, min: 2, max: 2, codes: ["00", "01"]}
  "324": {name: number, type: AN, min: 1, max: 22}
  "373": {name: date, type: DT, min: 8, max: 8}
  "98":  {name: role, type: ID, min: 2, max: 3}
  "93":  {name: party, type: AN, min: 1, max: 60}
  "66":  {name: qualifier, type: ID, min: 1, max: 2}
  "67":  {name: code, type: AN, min: 2, max: 80}
  "350": {name: line, type: AN, min: 1, max: 20}
  "380": {name: quantity, type: R, min: 1, max: 15}
  "355": {name: unit, type: ID, min: 2, max: 2}
  "782": {name: amount, type: N2, min: 1, max: 15}
  "337": {name: time, type: TM, min: 4, max: 8}
  "354": {name: lines, type: N0, min: 1, max: 6}
  "143": {name: set, type: ID, min: 3, max: 3}
  "329": {name: control, type: AN, min: 4, max: 9}
  "96":  {name: segments, type: N0, min: 1, max: 10}
`)},
	"x12/004010/segments.yaml": {Data: []byte(`
standard: x12
version: "004010"
composites:
  C001: {name: composite_unit, elements: [355 M, 380 O]}
segments:
  ST:  {name: header, elements: [143 M, 329 M]}
  SE:  {name: trailer, elements: [96 M, 329 M]}
  BEG: {name: beginning, elements: [353 M, 324 M, 373 O, 337 O]}
  REF: {name: reference, elements: [66 M, 67 O]}
  N1:  {name: party, elements: [98 M, 93 O name, 66 O, 67 O], rules: [R0203, P0304]}
  N3:  {name: address, elements: [93 M]}
  PO1: {name: line, elements: [350 O, 380 O, 355 O, C001 O measure, 782 O], rules: [C0302, E0405]}
  PID: {name: description, elements: [93 M]}
  CTT: {name: totals, elements: [354 M]}
  CLM: {name: claim, elements: [93 M]}
`)},
	"x12/004010/sets/850.yaml": {Data: []byte(`
standard: x12
version: "004010"
set: "850"
group: PO
name: purchase_order
body:
  - BEG M 1
  - REF O 2 references
  - loop: N1 O 2 parties
    body: [N1 M 1, N3 O 2]
  - loop: PO1 M 3 lines
    fragment: true
    body:
      - PO1 M 1
      - PID O 1
      - loop: N1 O 1 parties
        body: [N1 M 1, N3 M 1]
  - CTT O 1
`)},
})

type listener struct {
	validate.Ignore
	findings []finding.Finding
	sets     []string
}

func (l *listener) Finding(f finding.Finding) error {
	l.findings = append(l.findings, f)
	return nil
}

func (l *listener) EndSet(s *validate.Set) error {
	l.sets = append(l.sets, fmt.Sprintf("%s:%v", s.Control, s.Rejected))
	return nil
}

func check(t testing.TB, doc string, p validate.Policy) *listener {
	t.Helper()
	l := &listener{}
	if err := (&validate.Validator{Grammars: small, Policy: p}).Run(strings.NewReader(doc), l); err != nil {
		t.Fatal(err)
	}
	return l
}

const head = "ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260102*0915*U*00401*000000001*0*P*>~GS*PO*A*B*20260102*0915*1*X*004010VICS~"

// interchange wraps the bodies of sets.
func interchange(bodies ...string) string {
	var b strings.Builder
	b.WriteString(head)
	for i, body := range bodies {
		fmt.Fprintf(&b, "ST*850*%04d~%sSE*%d*%04d~", i+1, body, strings.Count(body, "~")+2, i+1)
	}
	fmt.Fprintf(&b, "GE*%d*1~IEA*1*000000001~", len(bodies))
	return b.String()
}

func lines(fs []finding.Finding) string {
	var out []string
	for _, f := range fs {
		out = append(out, fmt.Sprintf("%s %s %s at %d", f.Severity, f.Code, f.Where(), f.Position))
	}
	return strings.Join(out, "; ")
}

const good = "BEG*00*PO1*20260102~REF*IA*4711~N1*ST*STORE 7*92*0007~N3*1 MAIN ST~PO1*1*48*EA~PID*SOCK~N1*ST**92*0008~N3*2 MAIN ST~PO1*2*5*EA~CTT*2~"

func TestSets(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"good", good, ""},
		{"mandatory segment missing at the beginning", "PO1*1*48*EA~", "reject structure.missing-segment BEG at 2"},
		{"mandatory loop missing", "BEG*00*PO1~", "reject structure.missing-segment PO1 at 3"},
		{"mandatory segment missing in a loop", "BEG*00*PO1~PO1*1~N1*ST**92*0008~PO1*2~", "reject structure.missing-segment N3 at 5"},
		{"segment of another set", "BEG*00*PO1~CLM*X~PO1*1~", "reject structure.foreign-segment CLM at 3"},
		{"no segment", "BEG*00*PO1~QQQ*X~PO1*1~", "reject structure.unknown-segment QQQ at 3"},
		{"loop not open", "BEG*00*PO1~N3*1 MAIN ST~PO1*1~", "reject structure.misplaced-segment N3 at 3"},
		{"too late", "BEG*00*PO1~PO1*1~REF*IA*11~", "reject structure.misplaced-segment REF at 4"},
		{"too often", "BEG*00*PO1~BEG*00*PO1~PO1*1~", "reject structure.too-many-segments BEG at 3"},
		{"loop too often", "BEG*00*PO1~" + strings.Repeat("PO1*1~", 4), "reject structure.too-many-loops PO1 at 6"},
		{"mandatory element", "BEG**PO1~PO1*1~", "reject elements.missing BEG01 at 2"},
		{"code outside of its list", "BEG*99*PO1~PO1*1~", "reject codes.unknown BEG01 at 2"},
		{"no date", "BEG*00*PO1*20260231~PO1*1~", "reject elements.date BEG03 at 2"},
		{"date too short", "BEG*00*PO1*260228~PO1*1~", "reject elements.too-short BEG03 at 2"},
		{"no time", "BEG*00*PO1*20260228*2561~PO1*1~", "reject elements.time BEG04 at 2"},
		{"too long", "BEG*00*" + strings.Repeat("X", 23) + "~PO1*1~", "reject elements.too-long BEG02 at 2"},
		{"letters in a number", "BEG*00*PO1~PO1*1*4B~", "reject elements.characters PO102 at 3"},
		{"point in an implied decimal", "BEG*00*PO1~PO1*1****7.25~", "reject elements.characters PO105 at 3"},
		{"sign and point are not counted", "BEG*00*PO1~PO1*1*-12345678901234.5~", ""},
		{"too many elements", "BEG*00*PO1*20260102*0915*X~PO1*1~", "reject elements.too-many BEG05 at 2"},
		{"too many components", "BEG*00*PO1~PO1*1***EA>1>2~", "reject elements.too-many-components PO104-3 at 3"},
		{"component of a simple element", "BEG*00*P>O~PO1*1~", "reject elements.too-many-components BEG02-2 at 2"},
		{"components without a value", "BEG*00*PO1~PO1*1***>>~", "warning tokens.trailing-separator PO104 at 3"},
		{"mandatory element of separators alone", "BEG*00*>~PO1*1~", "warning tokens.trailing-separator BEG02 at 2; reject elements.missing BEG02 at 2"},
		{"mandatory component", "BEG*00*PO1~PO1*1***>5~", "reject elements.missing PO104-1 at 3"},
		{"together or not at all", "BEG*00*PO1~N1*ST*X*92~PO1*1~", "reject elements.condition N104 at 3"},
		{"one of two", "BEG*00*PO1~N1*ST~PO1*1~", "reject elements.condition N102 at 3"},
		{"the first needs the other", "BEG*00*PO1~PO1*1**EA~", "reject elements.condition PO102 at 3"},
		{"one excludes the other", "BEG*00*PO1~PO1*1***EA*700~", "reject elements.exclusion PO105 at 3"},
		{"empty elements at the end", "BEG*00*PO1**~PO1*1~", "warning tokens.trailing-separator BEG at 2"},
		{"wrong count of lines", "BEG*00*PO1~PO1*1~CTT*7~", "info business.count CTT01 at 4"},
		{"no tag", "BEG*00*PO1~po1*1~PO1*1~", "reject tokens.tag po1 at 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lines(check(t, interchange(c.body), nil).findings); got != c.want {
				t.Errorf("found %s\nwant  %s", got, c.want)
			}
		})
	}
}

func TestEnvelopes(t *testing.T) {
	whole := interchange(good, good)
	for _, c := range []struct{ name, from, to, want string }{
		{"good", "", "", ""},
		{"segment count", "SE*12*0002", "SE*13*0002", "reject envelope.set-count SE01 at 12"},
		{"set control number", "SE*12*0002", "SE*12*0003", "reject envelope.set-match SE02 at 12"},
		{"no SE", "SE*12*0001~", "", "reject envelope.set-open SE at 12"},
		{"set count", "GE*2*1", "GE*1*1", "reject envelope.group-count GE01 at 27"},
		{"group control number", "GE*2*1", "GE*2*9", "reject envelope.group-match GE02 at 27"},
		{"zeros only", "GE*2*1~", "GE*2*0001~", "warning envelope.group-match GE02 at 27"},
		{"no GE", "GE*2*1~", "", "reject envelope.group-open GE at 27"},
		{"group count", "IEA*1*", "IEA*2*", "reject envelope.interchange-count IEA01 at 28"},
		{"interchange control number", "IEA*1*000000001", "IEA*1*000000002", "reject envelope.interchange-match IEA02 at 28"},
		{"no IEA", "IEA*1*000000001~", "", "reject envelope.interchange-open IEA at 27"},
		{"group of another kind", "GS*PO*", "GS*IN*", "reject envelope.group-kind GS01 at 2; reject envelope.group-kind GS01 at 2"},
		{"no ST", "ST*850*0001~" + good + "SE*12*0001~", "", "reject envelope.group-count GE01 at 15"},
		{"number twice", "ST*850*0002~" + good + "SE*12*0002~", "ST*850*0001~" + good + "SE*12*0001~", "warning envelope.set-twice ST02 at 1"},
		{"other version", "004010VICS", "004030VICS", "info structure.unknown-set ST01 at 1; info structure.unknown-set ST01 at 1"},
		{"not padded", "*ACMEOUTFIT     *", "*ACMEOUTFIT*", "warning envelope.header-width ISA06 at 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := strings.Replace(whole, c.from, c.to, 1)
			if got := lines(check(t, doc, nil).findings); got != c.want {
				t.Errorf("found %s\nwant  %s", got, c.want)
			}
		})
	}
}

func TestNeighboursOfABadSet(t *testing.T) {
	l := check(t, interchange(good, "BEG*00*PO1~", good), nil)
	if got := strings.Join(l.sets, " "); got != "0001:false 0002:true 0003:false" {
		t.Errorf("sets %s", got)
	}
	f := l.findings[0]
	if f.Set != "0002" || f.Group != "1" || f.Control != "000000001" || f.Offset == 0 || f.Expected != "PO1" {
		t.Errorf("the finding does not say where it stands: %+v", f)
	}
	if l := check(t, interchange("BEG*00*PO1~PO1*1~PO1*2~N1*ST**92*0008~CTT*1~"), nil); l.findings[0].Loop != "lines[1].parties[0]" {
		t.Errorf("loop %q", l.findings[0].Loop)
	}
}

func TestPolicy(t *testing.T) {
	doc := interchange("BEG*99*PO1**~PO1*1~CTT*7~")
	for _, c := range []struct {
		policy validate.Policy
		want   string
	}{
		{nil, "warning tokens.trailing-separator BEG at 2; reject codes.unknown BEG01 at 2; info business.count CTT01 at 4"},
		{validate.Policy{finding.Codes: validate.Off, finding.Tokens: validate.Off}, "info business.count CTT01 at 4"},
		{validate.Policy{finding.Codes: validate.Warn, finding.Business: validate.Warn, finding.Tokens: validate.Strict}, "reject tokens.trailing-separator BEG at 2; warning codes.unknown BEG01 at 2; warning business.count CTT01 at 4"},
	} {
		if got := lines(check(t, doc, c.policy).findings); got != c.want {
			t.Errorf("found %s\nwant  %s", got, c.want)
		}
	}
}

// TestLineEndsHideNothing: the reader's buffer is filled many times, and a control
// character behind that is found as one in front.
func TestLineEndsHideNothing(t *testing.T) {
	doc := strings.ReplaceAll(interchange("BEG*00*PO1~"+strings.Repeat("REF*IA*4711~", 2)+"PO1*1~"+strings.Repeat("PID*SOCK~N1*ST*STORE 7~N3*1 MAIN ST~PO1*2~", 4000)+"PID*SO\x01CK~"), "~", "\n")
	l := check(t, doc, validate.Policy{finding.Structure: validate.Off})
	if got := lines(l.findings); got != "reject elements.characters PID01 at 16006" {
		t.Errorf("found %s", got)
	}
}

func TestManyFindingsAreBounded(t *testing.T) {
	l := check(t, interchange("BEG*00*PO1~"+strings.Repeat("QQQ*1~", 5000)+"PO1*1~"), nil)
	if n := len(l.findings); n != validate.MaxFindings {
		t.Errorf("%d findings were told", n)
	}
}

// BenchmarkValidator checks 16 MB of purchase orders at all levels.
func BenchmarkValidator(b *testing.B) {
	var sets []string
	for range 60_000 {
		sets = append(sets, good)
	}
	doc := []byte(interchange(sets...))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		l := &listener{}
		if err := (&validate.Validator{Grammars: small}).Run(bytes.NewReader(doc), l); err != nil {
			b.Fatal(err)
		}
	}
}

// A file that is cut off anywhere is rejected, its missing trailers are told where it
// ends, and the elements of the segment that it ends in say nothing more.
func TestCutOff(t *testing.T) {
	doc := interchange("BEG*00*PO1*20260102~REF*IA*4711~PO1*1*48*EA~")
	trailers := map[finding.Code]bool{finding.SetOpen: true, finding.GroupOpen: true, finding.InterchangeOpen: true}
	for n := len(head); n < len(doc)-len("000000001~"); n++ {
		l := check(t, doc[:n], nil)
		if !finding.Rejects(l.findings) {
			t.Fatalf("accepted: %s", doc[len(head):n])
		}
		for _, f := range l.findings {
			switch {
			case trailers[f.Code] && f.Offset != int64(n):
				t.Errorf("%s is told at byte %d of %d: %s", f.Code, f.Offset, n, doc[len(head):n])
			case f.Level == finding.Elements || f.Level == finding.Codes || f.Code == finding.BadTag || f.Code == finding.UnknownSegment || f.Code == finding.Outside:
				t.Errorf("a consequence is told, %s, after %s", f, doc[len(head):n])
			}
		}
	}
	// Where the agreement lets trailers be missing, the torn segment is all that tells.
	torn := doc[:strings.Index(doc, "260102~REF")]
	if l := check(t, torn, validate.Policy{finding.Envelope: validate.Warn}); !strings.Contains(lines(l.findings), "BEG") {
		t.Errorf("nothing tells that the date is torn:\n%s", lines(l.findings))
	}
	// Trailers that are missed in the middle are missed at what stands in their place.
	at := strings.Index(doc, "GE*")
	l := check(t, doc[:at]+doc[strings.Index(doc, "IEA*"):], nil)
	if len(l.findings) != 1 || l.findings[0].Code != finding.GroupOpen || l.findings[0].Offset != int64(at) {
		t.Errorf("said %v, expected the missing GE at byte %d", l.findings, at)
	}
}
