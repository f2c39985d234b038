package validate_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

func overlay(t testing.TB, name string, text []byte) *grammar.Set {
	t.Helper()
	s, err := shipped.Overlay(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func guide(t testing.TB, name string) *grammar.Set {
	t.Helper()
	b, err := os.ReadFile("../grammar/testdata/overlays/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return overlay(t, name, b)
}

// agreed validates a document as it was agreed.
func agreed(t testing.TB, set *grammar.Set, doc string, p validate.Policy) *listener {
	t.Helper()
	l := &listener{}
	v := &validate.Validator{Grammars: shipped, Policy: p, Overlays: func(std syntax.Standard, release, id string) *grammar.Set {
		if std == set.Standard && release == set.Version && id == set.ID {
			return set
		}
		return nil
	}}
	if err := v.Run(strings.NewReader(doc), l); err != nil {
		t.Fatal(err)
	}
	return l
}

const acmeOrder = "BEG*00*SA*4711**20260102~REF*DP*007~REF*IA*99~PER*OC*Ann*TE*555~" +
	"N1*ST*STORE 7*92*0007~N3*1 MAIN ST~N4*AKRON*OH*44301~N1*SE*US~" +
	"PO1*1*48*EA*7.25**UP*614141000012~PID*F****SOCK~ZZZ*1*FRAGILE~CTT*1~"

// TestAcmeGuide: one deviation from a good document each, and what is found.
func TestAcmeGuide(t *testing.T) {
	set := guide(t, "acme-850.yaml")
	for _, c := range []struct{ name, from, to, want string }{
		{"as agreed", "", "", ""},
		{"code beyond the agreed ones", "BEG*00*SA*", "BEG*00*KN*", "partner.unknown-code BEG02 at 2"},
		{"code beyond the standard's, too", "BEG*00*", "BEG*QQ*", "codes.unknown BEG01 at 2"},
		{"code of the standard that was not agreed", "BEG*00*", "BEG*01*", "partner.unknown-code BEG01 at 2"},
		{"longer than agreed", "*4711**", "*123456789**", "partner.too-long BEG03 at 2"},
		{"longer than the standard allows", "*4711**", "*" + strings.Repeat("1", 23) + "**", "elements.too-long BEG03 at 2"},
		{"segment that is not used", "REF*DP", "CUR*BY*USD~REF*DP", "partner.unused-segment CUR at 3"},
		{"element that is not used", "PER*OC*Ann*TE*555~", "PER*OC*Ann*TE*555*FX*556~", "partner.unused-element PER05 at 5"},
		{"segment too often", "PER*OC", "PER*OC*Bob~PER*OC", "partner.too-many-segments PER at 6"},
		{"qualified segment missing", "REF*DP*007~", "", "partner.missing-segment REF at 13"},
		{"qualified segment too often", "REF*DP*007~", "REF*DP*007~REF*DP*008~", "partner.too-many-segments REF at 4"},
		{"qualified element", "REF*DP*007~", "REF*DP*7~", "partner.too-short REF02 at 3"},
		{"type of a qualified element", "REF*DP*007~", "REF*DP*ABC~", "partner.characters REF02 at 3"},
		{"the same element with another qualifier", "REF*IA*99~", "REF*IA*ABCDEFG~", ""},
		{"qualified loop missing", "N1*ST*STORE 7*92*0007~N3*1 MAIN ST~N4*AKRON*OH*44301~", "", "partner.missing-segment N1 at 11"},
		{"segment of a qualified loop missing", "N4*AKRON*OH*44301~", "", "partner.missing-segment N4 at 8"},
		{"not asked of another loop", "N1*SE*US~", "N1*SE*US~N3*2 MAIN ST~", ""},
		{"element of a segment in a qualified loop", "OH*44301", "OH*443", "partner.too-short N403 at 8"},
		{"element of a qualified loop", "N1*ST*STORE 7*92*0007~", "N1*ST*STORE 7~", "partner.missing-element N103 at 6; partner.missing-element N104 at 6"},
		{"condition of the standard in a qualified loop", "N1*ST*STORE 7*92*0007~", "N1*ST*STORE 7*92~", "partner.missing-element N104 at 6; elements.condition N104 at 6"},
		{"the other code of the entry", "N1*SE*US~", "N1*BY*US~", "partner.missing-element N103 at 9; partner.missing-element N104 at 9"},
		{"mandatory by agreement", "**UP*614141000012", "***614141000012", "partner.missing-element PO106 at 10; elements.condition PO106 at 10"},
		{"loop too often", "CTT*1~", strings.Repeat("PO1*2*1*EA***UP*614141000012~", 3) + "CTT*4~", "partner.too-many-segments PO1 at 15"},
		{"loop in a loop too often", "PID*F****SOCK~", strings.Repeat("PID*F****SOCK~", 3), "partner.too-many-segments PID at 13"},
		{"code list of an element everywhere", "*EA*7.25", "*CS*7.25", "partner.unknown-code PO103 at 10"},
		{"code that was added", "*EA*7.25", "*ZP*7.25", ""},
		{"condition that was removed", "*48*EA*", "**EA*", ""},
		{"condition that was added", "*48*EA*", "***", "partner.condition PO103 at 10"},
		{"own segment too often", "ZZZ*1*FRAGILE~", strings.Repeat("ZZZ*1*FRAGILE~", 3), "structure.too-many-segments ZZZ at 14"},
		{"own segment without its element", "ZZZ*1*FRAGILE~", "ZZZ*1~", "partner.missing-element ZZZ02 at 12"},
		{"own segment elsewhere", "PID*F****SOCK~ZZZ*1*FRAGILE~", "PID*F****SOCK~", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := strings.Replace(acmeOrder, c.from, c.to, 1)
			l := agreed(t, set, interchange(body), validate.Policy{finding.Business: validate.Off})
			if got := strings.ReplaceAll(lines(l.findings), "reject ", ""); got != c.want {
				t.Errorf("found %s\nwant  %s", got, c.want)
			}
			for _, f := range l.findings {
				if (f.Level == finding.Partner) != strings.HasPrefix(string(f.Code), "partner.") {
					t.Errorf("the level of %s is %s", f.Code, f.Level)
				}
				if f.Level == finding.Partner && (f.AK304 == "" || f.AK502 != "5" || f.EDIFACT == "" || !strings.Contains(f.Hint, "acme-850")) {
					t.Errorf("an incomplete finding: %+v", f)
				}
			}
		})
	}
}

// TestLoosened: what the standard rejects is taken where it was agreed, and
// without the overlay it is not.
func TestLoosened(t *testing.T) {
	const order = "BEG*00*SA*4711**20260102~PO1*1*48*EA~CTT*1~"
	for _, c := range []struct{ name, say, from, to, standard string }{
		{"length", "segments:\n  BEG: {elements: {03: {max: 40}}}", "4711", strings.Repeat("4", 30), "elements.too-long BEG03"},
		{"mandatory element", "segments:\n  BEG: {elements: {05: optional}}", "**20260102", "", "elements.missing BEG05"},
		{"mandatory segment", "segments:\n  BEG: optional", "BEG*00*SA*4711**20260102~", "", "structure.missing-segment BEG"},
		{"mandatory segment, other form", "segments:\n  BEG: {required: false}", "BEG*00*SA*4711**20260102~", "", "structure.missing-segment BEG"},
		{"mandatory segment that is not used", "segments:\n  BEG: unused", "BEG*00*SA*4711**20260102~", "", "structure.missing-segment BEG"},
		{"maximum", "segments:\n  BEG: {max: 2}", "BEG*", "BEG*00*SA*1**20260102~BEG*", "structure.too-many-segments BEG"},
		{"type", "segments:\n  PO1: {elements: {02: {type: AN}}}", "*48*", "*4B*", "elements.characters PO102"},
		{"one more element", "segments:\n  BEG: {elements: {13: 93 O buyer}}", "20260102", "20260102********ANN", "elements.too-many BEG13"},
		{"code", "codes:\n  \"353\": {add: [QQ]}", "BEG*00", "BEG*QQ", "codes.unknown BEG01"},
		{"condition", "rules:\n  PO1: {remove: [C0302]}", "*48*EA", "**EA", "elements.condition PO102"},
		{"segment of another place", "segments:\n  TD5: {after: CTT.CTT, name: late_routing}", "CTT*1~", "CTT*1~TD5*O*2*UPSN~", "structure.misplaced-segment TD5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := overlay(t, "a.yaml", []byte("overlay: a\nextends: x12/004010/850\n"+c.say+"\n"))
			doc := interchange(strings.Replace(order, c.from, c.to, 1))
			if got := lines(agreed(t, set, doc, nil).findings); got != "" {
				t.Errorf("found %s", got)
			}
			l := &listener{}
			if err := (&validate.Validator{Grammars: shipped}).Run(strings.NewReader(doc), l); err != nil {
				t.Fatal(err)
			}
			if got := lines(l.findings); !strings.HasPrefix(got, "reject "+c.standard) {
				t.Errorf("the standard said %q, want %s", got, c.standard)
			}
		})
	}
}

func message(body string) string {
	return "UNB+UNOC:3+A:14+B:14+260102:0915+7'UNH+1+ORDERS:D:96A:UN:EAN008'" + body + fmt.Sprintf("UNT+%d+1'UNZ+1+7'", strings.Count(body, "'")+2)
}

const marketOrder = "BGM+220+4711+9'DTM+137:20260102:102'DTM+2:20260109:102'NAD+BY+4012345000009::9'RFF+VA:DE123'NAD+SU+4012345500004::9'" +
	"LIN+1++4012345000016:EN'QTY+21:48'UNS+S'"

// TestMarketGuide: the same for EDIFACT, whose qualifiers stand in composites.
func TestMarketGuide(t *testing.T) {
	set := guide(t, "nordmarkt-orders.yaml")
	for _, c := range []struct{ name, from, to, want string }{
		{"as agreed", "", "", ""},
		{"code of a component", "BGM+220+", "BGM+105+", "partner.unknown-code BGM01-1 at 2"},
		{"mandatory by agreement", "BGM+220+4711+9", "BGM+220++9", "partner.missing-element BGM02 at 2"},
		{"qualified segment missing", "DTM+2:20260109:102'", "", "partner.missing-segment DTM at 10"},
		{"qualified segment too often", "DTM+2:", "DTM+2:20260108:102'DTM+2:", "partner.too-many-segments DTM at 5"},
		{"segment that is not used", "NAD+BY", "PAI+::42'NAD+BY", "partner.unused-segment PAI at 5"},
		{"qualified loop missing", "NAD+SU+4012345500004::9'", "", "partner.missing-segment NAD at 10"},
		{"loop in a qualified loop missing", "RFF+VA:DE123'", "", "partner.missing-segment RFF at 6"},
		{"that in another loop does not count", "RFF+VA:DE123'NAD+SU+4012345500004::9'", "NAD+SU+4012345500004::9'RFF+VA:DE123'", "partner.missing-segment RFF at 6"},
		{"length of a component", "4012345500004::9", "40123::92", "partner.too-short NAD02-1 at 7"},
		{"element that is not used", "4012345500004::9", "4012345500004::9+++MAIN STREET", "partner.unused-element NAD05 at 7"},
		{"code of a component of the standard's open list", ":EN'", ":SA'", "partner.unknown-code LIN03-2 at 8"},
		{"composite that must be there", "LIN+1++4012345000016:EN'", "LIN+1'", "partner.missing-element LIN03 at 8"},
		{"segment of a loop missing", "QTY+21:48'", "QTY+12:48'", "partner.missing-segment QTY at 10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := agreed(t, set, message(strings.Replace(marketOrder, c.from, c.to, 1)), validate.Policy{finding.Business: validate.Off})
			if got := strings.ReplaceAll(lines(l.findings), "reject ", ""); got != c.want {
				t.Errorf("found %s\nwant  %s", got, c.want)
			}
		})
	}
}

// TestLevelsOfATree: HL loops are told by their level.
func TestLevelsOfATree(t *testing.T) {
	set := overlay(t, "ship.yaml", []byte("overlay: ship\nextends: x12/004010/856\nsegments:\n  HL[O].PRF: required\n  HL[I]: {max: 1}\n  HL[03=P].MAN[GM]: required\n"))
	doc := strings.Replace(interchange("BSN*00*4711*20260102*0915~HL*1**S~HL*2*1*O~HL*3*2*P~MAN*GM*00006141411234567890~HL*4*3*I~LIN**UP*614141000012~HL*5*3*I~"), "ST*850", "ST*856", 1)
	doc = strings.Replace(doc, "GS*PO", "GS*SH", 1)
	l := agreed(t, set, doc, validate.Policy{finding.Business: validate.Off})
	if got, want := lines(l.findings), "reject partner.missing-segment PRF at 5; reject partner.too-many-segments HL at 9"; got != want {
		t.Errorf("found %s\nwant  %s", got, want)
	}
	if l.findings[1].Loop == "" || !strings.Contains(l.findings[0].Message, "HL[O].PRF") {
		t.Errorf("the findings do not say where: %v", l.findings)
	}
}

// TestPolicyWeighsTheAgreement apart from the standard.
func TestPolicyWeighsTheAgreement(t *testing.T) {
	set := guide(t, "acme-850.yaml")
	doc := interchange(strings.Replace(strings.Replace(acmeOrder, "BEG*00*SA*4711", "BEG*00*KN*"+strings.Repeat("4", 23), 1), "PER*OC", "CUR*BY*USD~PER*OC", 1))
	for _, c := range []struct {
		weight validate.Weight
		want   string
	}{
		{validate.Warn, "warning partner.unknown-code BEG02 at 2; reject elements.too-long BEG03 at 2"},
		{validate.Off, "reject elements.too-long BEG03 at 2"},
	} {
		l := agreed(t, set, doc, validate.Policy{finding.Partner: c.weight, finding.Business: validate.Off})
		if got := lines(l.findings); !strings.HasPrefix(got, c.want) {
			t.Errorf("found %s\nwant  %s", got, c.want)
		}
	}
}

// FuzzAgreed: no file makes the checks of an overlay panic or hang.
func FuzzAgreed(f *testing.F) {
	set := guide(f, "acme-850.yaml")
	f.Add([]byte(interchange(acmeOrder)))
	f.Add([]byte(interchange("PO1*1~", "")))
	f.Fuzz(func(t *testing.T, doc []byte) {
		v := &validate.Validator{Overlays: func(syntax.Standard, string, string) *grammar.Set { return set }, Syntax: syntax.Options{MaxSegment: 1 << 12}}
		if err := v.Run(bytes.NewReader(doc), &listener{}); err != nil {
			t.Fatal(err)
		}
	})
}
