package validate_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

var shipped = grammar.Open(grammars.FS())

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		o         syntax.Options
		want      string
	}{
		{
			"elements", interchange("BEG*00*PO1"+strings.Repeat("*", 30)+"x~PO1*1~", good),
			syntax.Options{MaxElements: 20},
			"reject tokens.segment-too-wide BEG at 2; warning tokens.trailing-separator BEG at 2",
		},
		{"elements, as many as allowed", interchange("BEG*00*PO1~REF*A*BB*C*D*E~PO1*1~"), syntax.Options{MaxElements: 16}, "reject elements.too-many REF03 at 3"},
		{
			"segment", interchange("BEG*00*" + strings.Repeat("x", 500) + "~PO1*1~"),
			syntax.Options{MaxSegment: 400},
			"reject tokens.segment-too-long byte 157 at 0; reject envelope.set-open SE at 2; reject envelope.group-open GE at 3; reject envelope.interchange-open IEA at 3",
		},
		{
			"sets", interchange(good, good, good),
			syntax.Options{MaxSets: 2},
			"reject tokens.too-large byte 457 at 0; reject envelope.group-open GE at 26; reject envelope.interchange-open IEA at 26",
		},
		{"sets, as many as allowed", interchange(good, good), syntax.Options{MaxSets: 2}, ""},
		{
			"interchange", interchange(good, good),
			syntax.Options{MaxInterchange: 300},
			"reject tokens.too-large byte 301 at 0; reject envelope.group-open GE at 14; reject envelope.interchange-open IEA at 14",
		},
		{"each interchange", interchange(good) + strings.Replace(interchange(good), "000000001", "000000002", 2), syntax.Options{MaxInterchange: 400, MaxSets: 1}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &listener{}
			if err := (&validate.Validator{Grammars: small, Syntax: c.o}).Run(strings.NewReader(c.doc), l); err != nil {
				t.Fatal(err)
			}
			if got := lines(l.findings); got != c.want {
				t.Errorf("found %s\nwant  %s", got, c.want)
			}
			for _, f := range l.findings {
				if strings.HasPrefix(string(f.Code), "tokens.too") && f.Hint == "" {
					t.Errorf("%s does not say what to do", f)
				}
			}
		})
	}
}

// envelopes notes what is rejected.
type envelopes struct{ listener }

func (l *envelopes) EndGroup(g *validate.Group) error {
	l.sets = append(l.sets, fmt.Sprintf("group:%v", g.Rejected))
	return nil
}

func (l *envelopes) EndInterchange(ic *validate.Interchange) error {
	l.sets = append(l.sets, fmt.Sprintf("interchange:%v", ic.Rejected))
	return nil
}

// A finding rejects what it stands in, and nothing around or beside it.
func TestWhatAFindingRejects(t *testing.T) {
	bad := interchange(good, "BEG*99*PO1~PO1*1~", good)
	for _, c := range []struct {
		name, doc string
		policy    validate.Policy
		want      string
	}{
		{"a bad set stops no other", bad, nil, "0001:false 0002:true 0003:false group:false interchange:false"},
		{"a warning stops nothing", bad, validate.Policy{finding.Codes: validate.Warn}, "0001:false 0002:false 0003:false group:false interchange:false"},
		{"a bad group", strings.Replace(bad, "GE*3", "GE*4", 1), nil, "0001:false 0002:true 0003:false group:true interchange:false"},
		{"a bad interchange", strings.Replace(bad, "IEA*1", "IEA*2", 1), nil, "0001:false 0002:true 0003:false group:false interchange:true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &envelopes{}
			if err := (&validate.Validator{Grammars: small, Policy: c.policy}).Run(strings.NewReader(c.doc), l); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(l.sets, " "); got != c.want {
				t.Errorf("rejected %s\nwant     %s", got, c.want)
			}
		})
	}
}

// TestTheFirstRejectionIsTold: warnings before it do not hide it.
func TestTheFirstRejectionIsTold(t *testing.T) {
	l := check(t, interchange("BEG*00*PO1~"+strings.Repeat("REF*IA*4711*~", 500)+"PO1*1~"), validate.Policy{finding.Structure: validate.Warn})
	if l.findings[len(l.findings)-1].Severity == finding.Reject {
		t.Fatal("the test does not test anything")
	}
	l = check(t, interchange("BEG*00*PO1~REF*IA*4711*~"+strings.Repeat("REF*IA*4711*~", 500)+"PO1*x~QQQ*1~"), validate.Policy{finding.Structure: validate.Warn, finding.Elements: validate.Warn, finding.Tokens: validate.Warn})
	if n := len(l.findings); n != validate.MaxFindings {
		t.Errorf("%d findings, want %d", n, validate.MaxFindings)
	}
	l = check(t, interchange(strings.Repeat("BEG*00*PO1*~", 1)+strings.Repeat("REF*IA*4711*~", 250)+"PO1*1~BAD!*~"), validate.Policy{finding.Structure: validate.Warn})
	if !finding.Rejects(l.findings) || len(l.findings) != validate.MaxFindings+1 {
		t.Errorf("%d findings, rejects %v", len(l.findings), finding.Rejects(l.findings))
	}
}

func TestTotals(t *testing.T) {
	x12 := func(set, group, body string) string {
		return strings.NewReplacer("ST*850", "ST*"+set, "GS*PO", "GS*"+group).Replace(interchange(body))
	}
	order := func(ctt string) string {
		return x12("850", "PO", "BEG*00*SA*PO1**20260102~PO1*1*48*EA*7.25~PO1*2*4.5*EA*1~"+ctt)
	}
	message := func(cnt string) string {
		body := "BGM+220+1+9'DTM+137:20260102:102'NAD+BY+1'LIN+1++1:IN'QTY+21:10'QTY+59:2'LIN+2++2:IN'QTY+21:5,5'UNS+S'" + cnt
		return "UNB+UNOC:3+A+B+260102:0915+7'UNH+1+ORDERS:D:96A:UN'" + body + fmt.Sprintf("UNT+%d+1'UNZ+1+7'", strings.Count(body, "'")+2)
	}
	for _, c := range []struct{ name, doc, want string }{
		{"none", order(""), ""},
		{"right", order("CTT*2*52.5~"), ""},
		{"right, without the points", order("CTT*2*93~"), ""}, // 48 and 45: X12's own rule
		{"number of lines", order("CTT*3*52.5~"), "info business.count CTT01 at 5, 2"},
		{"sum", order("CTT*2*52~"), "info business.hash CTT02 at 5, 52.5"},
		{"a sum that nobody can add", x12("850", "PO", "BEG*00*SA*PO1**20260102~PO1*1*0.1234567*EA*7.25~CTT*1*5~"), ""},
		{"invoice", x12("810", "IN", "BIG*20260102*1~IT1*1*2*EA*5~IT1*2*3*EA*5~TDS*2500~CTT*2*6~"), "info business.hash CTT02 at 6, 5"},
		{"edifact, right", message("CNT+2:2'CNT+1:15.5'"), ""},
		{"edifact, everything", message("CNT+1:17.5'"), ""},
		{"edifact, lines", message("CNT+2:3'"), "info business.count CNT01-2 at 11, 2"},
		{"edifact, sum", message("CNT+1:16'"), "info business.hash CNT01-2 at 11, 17.5"},
		{"edifact, other totals", message("CNT+7:16'"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &listener{}
			if err := (&validate.Validator{Grammars: shipped}).Run(strings.NewReader(c.doc), l); err != nil {
				t.Fatal(err)
			}
			got := lines(l.findings)
			if len(l.findings) == 1 {
				got += ", " + l.findings[0].Expected
			}
			if got != c.want {
				t.Errorf("found %s\nwant  %s", got, c.want)
			}
		})
	}
}

// stream is a file that is made while it is read.
type stream struct {
	parts func(i int) string
	i     int
	rest  string
}

func (s *stream) Read(p []byte) (int, error) {
	for s.rest == "" {
		if s.rest = s.parts(s.i); s.rest == "" {
			return 0, io.EOF
		}
		s.i++
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// meter looks at the memory in use while a file is read.
type meter struct {
	validate.Ignore
	n, every int
	peak     uint64
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (m *meter) tick() error {
	if m.n++; m.n%m.every == 0 {
		m.peak = max(m.peak, inUse())
	}
	return nil
}

func (m *meter) Segment(*syntax.Segment, validate.Place) error { return m.tick() }
func (m *meter) BeginSet(*validate.Set) error                  { return m.tick() }
func (m *meter) BeginInterchange(*validate.Interchange) error  { return m.tick() }

// TestMemoryIsBounded: what a file has much of does not stay in memory.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some hundred megabytes")
	}
	start := strings.NewReplacer("GS*PO", "GS*IB").Replace(head)
	many := func(head string, n int, item func(i int) string) *stream {
		return &stream{parts: func(i int) string {
			switch {
			case i == 0:
				return head
			case i <= n:
				return item(i)
			}
			return ""
		}}
	}
	scattered := func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 >> 20 }
	huge := strings.Repeat("9", 500_000)
	for _, c := range []struct {
		name  string
		every int
		doc   *stream
	}{
		{"846 of many lines", 100_000, many(start+"ST*846*0001~BIA*00*DD*1*20260102~", 300_000, func(i int) string { return fmt.Sprintf("LIN*%d*VN*V1~QTY*33*1*EA~", i) })},
		{"856 of many HL", 100_000, many(start+"ST*856*0001~BSN*00*1*20260103*1201~", 300_000, func(i int) string { return fmt.Sprintf("HL*%d*%d*I~", i, max(1, i-1)) })},
		{"HL in no order", 100_000, many(start+"ST*856*0001~BSN*00*1*20260103*1201~", 300_000, func(i int) string { return fmt.Sprintf("HL*%d*%d*I~", scattered(i), scattered(i/2)) })},
		{"many sets", 100_000, many(start, 300_000, func(i int) string { return fmt.Sprintf("ST*850*%04d~SE*2*%04d~", i, i) })},
		{"sets in no order", 100_000, many(start, 300_000, func(i int) string { return fmt.Sprintf("ST*850*%d~SE*2*%d~", scattered(i), scattered(i)) })},
		{"interchanges", 100_000, many("\n", 300_000, func(i int) string {
			return strings.ReplaceAll(isaOf(scattered(i)%1e9), "\n", "")
		})},
		{"huge numbers and names", 5, many(start, 60, func(i int) string { return fmt.Sprintf("ST*%d%s*%d%s~BEG*%s~SE*1*1~", i, huge, i, huge, huge[:100]) })},
		{"nothing but separators", 5, many(start+"ST*850*0001~", 30, func(int) string { return "BEG" + strings.Repeat("*", 1_000_000) + "~" })},
		{"nothing but components", 5, many(start+"ST*850*0001~", 30, func(int) string { return "BEG*" + strings.Repeat(">", 1_000_000) + "~" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := inUse()
			m := &meter{every: c.every}
			if err := (&validate.Validator{Grammars: shipped}).Run(c.doc, m); err != nil {
				t.Fatal(err)
			}
			const limit = 14 << 20
			if used := int64(m.peak) - int64(before); used > limit || m.peak == 0 {
				t.Errorf("%.1f MiB are in use, want %d at most", float64(used)/(1<<20), limit>>20)
			} else {
				t.Logf("%.1f MiB", float64(used)/(1<<20))
			}
		})
	}
}

// isaOf is an interchange without anything in it.
func isaOf(control uint64) string {
	return fmt.Sprintf("ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260102*0915*U*00401*%09d*0*P*>~IEA*0*%09d~", control, control)
}
