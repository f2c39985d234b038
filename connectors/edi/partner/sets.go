package partner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// StandardOf is the syntax that we write.
func (p *Partner) StandardOf() syntax.Standard {
	if p.Standard == "edifact" {
		return syntax.EDIFACT
	}
	return syntax.X12
}

// sets checks the overlays and releases of the agreement.
func (p *Partner) sets(bad func(field, hint, format string, args ...any)) {
	for id, in := range p.Receive {
		field := "/receive/" + id
		if id == "" || strings.ContainsAny(id, "/\\ ") {
			bad("/receive", "850, ORDERS", "%q is no set", id)
		}
		if in.LinesPerRecord != nil && *in.LinesPerRecord < 0 {
			bad(field+"/linesPerRecord", "a number of lines, or 0 for all", "%d lines", *in.LinesPerRecord)
		}
	}
	for id := range p.Send {
		if id == "" || strings.ContainsAny(id, "/\\ ") {
			bad("/send", "855, DESADV", "%q is no set", id)
		}
	}
}

// severity is what a deviation from the agreement is worth; false when it is not
// to be told.
func (p *Partner) severity() (finding.Severity, bool) {
	switch p.Tolerances.Partner {
	case "off":
		return "", false
	case "warn":
		return finding.Warning, true
	}
	return finding.Reject, true
}

// CheckInterchange tells what of an interchange's header was not agreed.
func (p *Partner) CheckInterchange(ic *validate.Interchange) []finding.Finding {
	severity, tell := p.severity()
	usage := ic.Usage
	if ic.Standard == syntax.EDIFACT {
		usage = map[string]string{"1": "T", "": "P", "0": "P"}[usage]
	}
	if !tell || len(p.Accept) == 0 || slices.Contains(p.Accept, usage) || ic.Standard == syntax.TRADACOMS {
		return nil
	}
	f := finding.Finding{
		Code: finding.PartnerUsage, Level: finding.Partner, Severity: severity, Scope: finding.Interchange, TA105: "020", EDIFACT: "12",
		Control: ic.Control, Segment: "ISA", Position: 1, Element: 15, Offset: ic.Offset, Value: ic.Usage, Expected: strings.Join(p.Accept, ", "),
		Message: fmt.Sprintf("the interchange is sent as %q, which was not agreed", usage), Hint: "test documents belong into the test system; correct the usage indicator, or the agreement",
	}
	if ic.Standard == syntax.EDIFACT {
		f.Segment, f.Element = "UNB", 11
	}
	return []finding.Finding{f}
}

// CheckSet tells what of a set was not agreed. It is called at its header.
func (p *Partner) CheckSet(s *validate.Set) []finding.Finding {
	severity, tell := p.severity()
	if !tell || len(p.Receive) == 0 || s.ID == "997" || s.ID == "999" || s.ID == "CONTRL" {
		return nil
	}
	tag, element := "ST", 1
	if s.Grammar != nil && s.Grammar.Standard == syntax.EDIFACT {
		tag, element = "UNH", 2
	}
	f := finding.Finding{
		Code: finding.PartnerSet, Level: finding.Partner, Severity: severity, AK502: "1", EDIFACT: "18", Set: s.Control, Segment: tag, Position: 1, Element: element,
		Offset: s.Offset, Value: s.ID, Hint: "agree on the set first, or correct the agreement in partners/",
	}
	in, agreed := p.Receive[s.ID]
	switch {
	case !agreed:
		f.Message = fmt.Sprintf("the set %s was not agreed with this partner", s.ID)
		f.Expected = strings.Join(sorted(p.Receive), ", ")
	case len(in.Releases) > 0 && !slices.Contains(in.Releases, s.Release):
		f.Code, f.AK905, f.Value = finding.PartnerRelease, "2", s.Release
		f.Message = fmt.Sprintf("the set %s comes in release %s, which was not agreed", s.ID, s.Release)
		f.Expected = strings.Join(in.Releases, ", ")
	default:
		return nil
	}
	return []finding.Finding{f}
}

func sorted[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Release is the release in which a set is written.
func (p *Partner) Release(set string) string {
	if r := p.Send[set].Release; r != "" {
		return r
	}
	if p.Standard == "edifact" {
		return "D96A"
	}
	return "004010"
}

// FindSet finds the set of a document to be written: the one that it names, or
// the one whose name its only member is.
func (p *Partner) FindSet(lib *grammar.Library, named, member string) (*grammar.Set, error) {
	std := p.StandardOf()
	if named != "" {
		return lib.Set(std, p.Release(named), named)
	}
	for _, id := range sorted(p.Send) { // those may have a release of their own
		ids, err := lib.Named(std, p.Release(id), member)
		if err != nil {
			return nil, err
		}
		if slices.Contains(ids, id) {
			return lib.Set(std, p.Release(id), id)
		}
	}
	ids, err := lib.Named(std, p.Release(""), member)
	switch {
	case err != nil:
		return nil, err
	case member == "" || len(ids) == 0:
		return nil, fmt.Errorf("no %s set has a document with the member %q; write its identifier as transaction.set, or use the name that `crossdock edi schema SET` shows", std, member)
	case len(ids) > 1:
		return nil, fmt.Errorf("%q may be %s; say which with transaction.set", member, strings.Join(ids, " or "))
	}
	return lib.Set(std, p.Release(ids[0]), ids[0])
}
