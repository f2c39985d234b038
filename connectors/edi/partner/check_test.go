package partner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// seen notes what a handler behind the agreement is told.
type seen struct {
	*acknowledge.Collector
	codes    []string
	rejected []string
}

func (s *seen) Finding(f finding.Finding) error {
	s.codes = append(s.codes, string(f.Code))
	return s.Collector.Finding(f)
}

func (s *seen) EndGroup(g *validate.Group) error {
	if g.Rejected {
		s.rejected = append(s.rejected, "group "+g.Control)
	}
	return s.Collector.EndGroup(g)
}

func (s *seen) EndInterchange(ic *validate.Interchange) error {
	if ic.Rejected {
		s.rejected = append(s.rejected, "interchange "+ic.Control)
	}
	return s.Collector.EndInterchange(ic)
}

// What a refused set takes with it is a matter of the agreement, and the
// acknowledgement says so.
func TestScopeOfRefusal(t *testing.T) {
	group := func(control string, sets ...string) string {
		return "GS*PO*A*B*20260105*0900*" + control + "*X*004010~" + strings.Join(sets, "") + fmt.Sprintf("GE*%d*%s~", len(sets), control)
	}
	good := func(n string) string {
		return "ST*850*" + n + "~BEG*00*SA*1**20260105~PO1*1*48*EA*7.25~CTT*1~SE*5*" + n + "~"
	}
	file := "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260105*0900*U*00401*000000009*0*P*>~" +
		group("1", good("0001"), "ST*860*0002~BCH*04*SA*1*1**20260105~SE*3*0002~") + group("2", good("0001")) + "IEA*2*000000009~"
	for _, c := range []struct {
		scope, rejected, ak9 string
		told                 bool
	}{
		{"set", "", "AK9*P*2*2*1 AK9*A*1*1*1", false},
		{"group", "group 1", "AK9*R*2*2*0 AK9*A*1*1*1", true},
		{"interchange", "interchange 000000009", "AK9*R*2*2*0 AK9*R*1*1*0", true},
	} {
		p := Defaults()
		p.Receive, p.Tolerances.Scope, p.Tolerances.Envelope = map[string]Incoming{"850": {}}, c.scope, "warn"
		s := &seen{Collector: &acknowledge.Collector{}}
		v := validate.Validator{Grammars: grammar.Open(grammars.FS()), Policy: p.Policy()}
		if err := v.Run(strings.NewReader(file), p.Checking(s)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.rejected, ", "); got != c.rejected {
			t.Errorf("%s: rejected %q, expected %q", c.scope, got, c.rejected)
		}
		if !slices.Contains(s.codes, string(finding.PartnerSet)) || slices.Contains(s.codes, string(finding.PartnerScope)) != c.told {
			t.Errorf("%s: findings %q", c.scope, s.codes)
		}
		out, err := s.Write(acknowledge.X997, acknowledge.Options{Control: 1})
		if err != nil {
			t.Fatal(err)
		}
		var ak9 []string
		for _, b := range out {
			for segment := range strings.SplitSeq(string(b), "~") {
				if strings.HasPrefix(segment, "AK9") {
					ak9 = append(ak9, segment)
				}
			}
		}
		if got := strings.Join(ak9, " "); got != c.ak9 {
			t.Errorf("%s: answered %s, expected %s", c.scope, got, c.ak9)
		}
	}
}

// Messages of EDIFACT mostly stand in no group: where a group would be refused, the
// interchange is.
func TestScopeOfRefusalWithoutGroups(t *testing.T) {
	good := func(n string) string {
		return "UNH+" + n + "+ORDERS:D:96A:UN'BGM+220+1+9'DTM+137:20260105:102'NAD+BY+1::9'NAD+SU+2::9'LIN+1'UNS+S'UNT+8+" + n + "'"
	}
	file := "UNB+UNOC:3+A:14+B:14+260105:0900+7'" + good("1") + "UNH+2+ORDERS:D:96A:UN'BGM+220+1+9'UNT+3+2'" + "UNZ+2+7'"
	for scope, want := range map[string]string{"set": "", "group": "interchange 7", "interchange": "interchange 7"} {
		p := Defaults()
		p.Tolerances.Scope = scope
		s := &seen{Collector: &acknowledge.Collector{}}
		v := validate.Validator{Grammars: grammar.Open(grammars.FS()), Policy: p.Policy()}
		if err := v.Run(strings.NewReader(file), p.Checking(s)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.rejected, ", "); got != want {
			t.Errorf("%s: rejected %q, expected %q", scope, got, want)
		}
		if told := slices.Contains(s.codes, string(finding.PartnerScope)); told != (want != "") {
			t.Errorf("%s: findings %q", scope, s.codes)
		}
	}
}

// An interchange of somebody else is found with what was agreed instead.
func TestForeign(t *testing.T) {
	p := Defaults()
	p.Theirs = Identity{Qualifier: "ZZ", ID: "ACME", Also: []Alias{{Qualifier: "ZZ", ID: "ACMETEST"}}}
	p.Ours = Identity{Qualifier: "08", ID: "9254110060"}
	for _, c := range []struct{ sender, receiver, where, value, expected string }{
		{"ZZ/ACME", "08/9254110060", "", "", ""},
		{"ZZ/ACMETEST", "08/9254110060", "", "", ""},
		{"ZZ/OTHER", "08/9254110060", "UNB02", "OTHER", "ZZ/ACME, ZZ/ACMETEST"},
		{"ZZ/ACME", "09/9254110060", "UNB03", "9254110060", "08/9254110060"},
	} {
		party := func(text string) validate.Party {
			q, id, _ := strings.Cut(text, "/")
			return validate.Party{Qualifier: q, ID: id}
		}
		f, foreign := p.Foreign(&validate.Interchange{Sender: party(c.sender), Receiver: party(c.receiver)})
		if foreign != (c.where != "") {
			t.Errorf("%s to %s: foreign is %t", c.sender, c.receiver, foreign)
		}
		if foreign && (f.Where() != c.where || f.Value != c.value || f.Expected != c.expected) {
			t.Errorf("%s to %s: %s found %q expected %q", c.sender, c.receiver, f.Where(), f.Value, f.Expected)
		}
	}
}

// Everything that is wrong with a file comes at once, and nothing twice.
func TestDecode(t *testing.T) {
	_, problems, _ := Decode(map[string]any{
		"partner": "acme", "standard": "x13", "thiers": map[string]any{}, "ours": map[string]any{"qualifier": "08", "id": "12345678901234567"},
		"accept": []any{"X"},
	})
	var got []string
	for _, err := range problems {
		got = append(got, field(err))
	}
	slices.Sort(got)
	if want := []string{"/accept", "/ours/id", "/standard", "/theirs", "/thiers"}; !slices.Equal(got, want) {
		t.Errorf("problems at %q, expected %q: %v", got, want, problems)
	}
}
