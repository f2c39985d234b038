package partner

import (
	"cmp"
	"errors"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Decode reads the content of a file under partners/ as strictly as the connector
// does, and returns everything that is wrong with it. The errors are *sdk.Error
// with a JSON pointer into the file.
func Decode(content map[string]any) (p Partner, problems, warnings []error) {
	p, problems, warnings = sdk.Decode(content, Defaults())
	told := map[string]bool{}
	for _, err := range problems {
		told[field(err)] = true
	}
	for _, err := range p.Validate("") {
		// What was missing or misread would be reported once more as an empty value.
		if at := field(err); !told[at] && !told[at[:max(0, strings.LastIndex(at, "/"))]] {
			problems = append(problems, err)
		}
	}
	return p, problems, warnings
}

func field(err error) string {
	var e *sdk.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// Checking returns a handler that passes everything on to next, and adds what of
// it was not agreed to what the validator finds.
//
// What a refused set takes with it by the agreement (tolerances.scope), its group
// or its interchange, is refused when it ends; sets outside of groups, as most of
// EDIFACT's are, take their interchange in place of a group. Who works on sets
// while a file is read learns of it no sooner.
func (p *Partner) Checking(next validate.Handler) validate.Handler {
	return &checking{Handler: next, p: p}
}

type checking struct {
	validate.Handler
	p       *Partner
	grouped bool // inside of a group
	// control numbers of the last sets that were refused, and that take the group and
	// the interchange around them with them.
	inGroup, inInterchange string
}

// BeginInterchange implements validate.Handler.
func (c *checking) BeginInterchange(ic *validate.Interchange) error {
	c.grouped, c.inGroup, c.inInterchange = false, "", ""
	if err := c.Handler.BeginInterchange(ic); err != nil {
		return err
	}
	for _, f := range c.p.CheckInterchange(ic) {
		ic.Rejected = ic.Rejected || f.Severity == finding.Reject
		if err := c.Handler.Finding(f); err != nil {
			return err
		}
	}
	return nil
}

// BeginGroup implements validate.Handler.
func (c *checking) BeginGroup(g *validate.Group) error {
	c.grouped, c.inGroup = true, ""
	return c.Handler.BeginGroup(g)
}

// BeginSet implements validate.Handler.
func (c *checking) BeginSet(s *validate.Set) error {
	if err := c.Handler.BeginSet(s); err != nil {
		return err
	}
	for _, f := range c.p.CheckSet(s) {
		s.Rejected = s.Rejected || f.Severity == finding.Reject
		if err := c.Handler.Finding(f); err != nil {
			return err
		}
	}
	return nil
}

// EndSet implements validate.Handler.
func (c *checking) EndSet(s *validate.Set) error {
	scope, control := c.p.Tolerances.Scope, cmp.Or(s.Control, "?")
	switch {
	case !s.Rejected:
	case scope == "group" && c.grouped:
		c.inGroup = control
	case scope == "group" || scope == "interchange":
		c.inInterchange = control
	}
	return c.Handler.EndSet(s)
}

// EndGroup implements validate.Handler.
func (c *checking) EndGroup(g *validate.Group) error {
	c.grouped = false
	if c.inGroup != "" && !g.Rejected {
		g.Rejected = true
		f := taken(finding.Group, "group", c.inGroup)
		f.Group, f.Offset = g.Control, g.Offset
		if err := c.Handler.Finding(f); err != nil {
			return err
		}
	}
	return c.Handler.EndGroup(g)
}

// EndInterchange implements validate.Handler.
func (c *checking) EndInterchange(ic *validate.Interchange) error {
	if c.inInterchange != "" && !ic.Rejected {
		ic.Rejected = true
		f := taken(finding.Interchange, "interchange", c.inInterchange)
		f.Control, f.Offset = ic.Control, ic.Offset
		if err := c.Handler.Finding(f); err != nil {
			return err
		}
	}
	return c.Handler.EndInterchange(ic)
}

// taken says that a refused set takes what is around it with it.
func taken(scope finding.Scope, what, set string) finding.Finding {
	return finding.Finding{
		Code: finding.PartnerScope, Level: finding.Partner, Severity: finding.Reject, Scope: scope, TA105: "024", EDIFACT: "18",
		Message: "the " + what + " is refused whole, because the set " + set + " in it is: so it was agreed",
		Hint:    "correct the set and send the " + what + " again under a new number",
	}
}

// Foreign is the finding that an interchange is somebody else's; false when it is
// the partner's and to us. The connector neither uses nor answers such a one, so
// that no acknowledgement has a code for it.
func (p *Partner) Foreign(ic *validate.Interchange) (finding.Finding, bool) {
	why := p.Mismatch(ic)
	if why == "" {
		return finding.Finding{}, false
	}
	f := finding.Finding{
		Code: finding.PartnerIdentity, Level: finding.Partner, Severity: finding.Reject, Scope: finding.Interchange,
		Control: ic.Control, Segment: "ISA", Position: 1, Element: 6, Offset: ic.Offset, Value: ic.Sender.ID,
		Message: "the interchange is not used: " + why,
		Hint:    "correct the identifier in the header; or, when it is right, write it as theirs, as ours or under also in the agreement",
	}
	party, senderAt, receiverAt := p.Theirs, 6, 8
	if ic.Standard != syntax.X12 {
		f.Segment, senderAt, receiverAt = "UNB", 2, 3
	}
	f.Element = senderAt
	if p.Theirs.Is(ic.Sender) {
		party, f.Element, f.Value = p.Ours, receiverAt, ic.Receiver.ID
	}
	for _, a := range party.Also {
		f.Expected += ", " + cmp.Or(a.Qualifier, "(none)") + "/" + a.ID
	}
	f.Expected = party.String() + f.Expected
	return f, true
}
