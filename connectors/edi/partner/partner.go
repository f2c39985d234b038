// Package partner is what was agreed with a trading partner: a file under
// partners/ that a connection of the EDI connector names.
//
// The file says who is who, which sets are exchanged in which version and with
// which peculiarities, what is tolerated, and how each side answers the other.
// The connector acts on it; `crossdock partner check` and `crossdock partner test`
// read the same file.
package partner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Partner is the agreement. Its fields are the keys of the file.
type Partner struct {
	ID          string            `json:"partner" doc:"Name of the partner in this project"`
	Name        string            `json:"name" doc:"Name of the company"`
	Description string            `json:"description" doc:"For people"`
	Contact     map[string]string `json:"contact" doc:"Whom to ask: name, email, phone"`

	Standard string   `json:"standard" doc:"What we write: X12 or EDIFACT; both are read" enum:"x12,edifact" default:"x12"`
	Theirs   Identity `json:"theirs" doc:"The partner's interchange identifier: sender of what comes, receiver of what goes" required:"true"`
	Ours     Identity `json:"ours" doc:"Our interchange identifier towards this partner" required:"true"`
	Usage    string   `json:"usage" doc:"What we send as: P production, T test or I information (ISA15; UNB 0035 is 1 for a test)" enum:"P,T,I" default:"P"`
	Accept   []string `json:"accept" doc:"What may come: P, T, I; default everything. A test document of a partner in production is refused, not ordered" example:"P"`

	Receive map[string]Incoming `json:"receive" doc:"The sets that the partner sends, by identifier such as 850 or ORDERS; empty: every set"`
	Send    map[string]Outgoing `json:"send" doc:"How the sets that we send are written, by identifier; needed only for what differs from the defaults"`

	Tolerances  Tolerances  `json:"tolerances" doc:"What deviations are worth, level by level"`
	Acknowledge Acknowledge `json:"acknowledge" doc:"How we answer what comes"`
	Expect      Expect      `json:"expect" doc:"How the partner answers what we send"`
	Control     Control     `json:"control" doc:"Interchange control numbers of what we send"`
	Batch       Batch       `json:"batch" doc:"How many documents share an interchange"`
	Duplicates  Duplicates  `json:"duplicates" doc:"Interchange control numbers that come again"`
	Separators  Separators  `json:"separators" doc:"The characters of what we send"`
	Newline     bool        `json:"newline" doc:"End every segment with a line feed after its terminator"`
	Mask        bool        `json:"mask" doc:"Keep the partner's data out of acknowledgements, logs and reasons; places and codes remain"`
}

// Identity is an interchange identifier with its qualifier.
type Identity struct {
	Qualifier string `json:"qualifier" doc:"ISA05 or ISA07, UNB 0007: 01 DUNS, 08 UCC, 12 telephone, 14 GLN, ZZ mutually defined; EDIFACT may do without"`
	ID        string `json:"id" doc:"ISA06 or ISA08 (15 characters at most), UNB 0004 or 0010 (35)" required:"true"`
	Group     string `json:"group" doc:"GS02 or GS03 when it is not the interchange identifier"`
	// Also are further identifiers, of tests or of a value-added network.
	Also []Alias `json:"also" doc:"Further identifiers under which the same party is known, such as the one for tests"`
}

// Alias is a further identifier of a party.
type Alias struct {
	Qualifier string `json:"qualifier" doc:"As in the identity"`
	ID        string `json:"id" doc:"As in the identity" required:"true"`
}

// Is tells whether a party of an interchange is meant.
func (i Identity) Is(p validate.Party) bool {
	if p.ID == i.ID && p.Qualifier == i.Qualifier {
		return true
	}
	return slices.ContainsFunc(i.Also, func(a Alias) bool { return p.ID == a.ID && p.Qualifier == a.Qualifier })
}

// Shares tells whether the two are known under the same identifier. Nobody is known
// under an empty one.
func (i Identity) Shares(other Identity) bool {
	all := append([]Alias{{Qualifier: i.Qualifier, ID: i.ID}}, i.Also...)
	return slices.ContainsFunc(all, func(a Alias) bool {
		return a.ID != "" && other.Is(validate.Party{Qualifier: a.Qualifier, ID: a.ID})
	})
}

// String is qualifier/id.
func (i Identity) String() string { return i.Qualifier + "/" + i.ID }

// Incoming is a set that the partner sends.
type Incoming struct {
	Releases       []string `json:"releases" doc:"Releases that were agreed, such as 004010, 005010, D96A or D01B; default any with a grammar" example:"004010"`
	Overlay        string   `json:"overlay" doc:"The partner's implementation guide: what it tightens or loosens, as YAML text; see connectors/edi/grammars/README.md"`
	Mapping        string   `json:"mapping" doc:"Mapping file that crossdock partner test runs on the set" example:"mappings/x12-850-to-order.yaml"`
	LinesPerRecord *int     `json:"linesPerRecord" doc:"Long sets become several records of so many lines each; 0: one record whatever its length. Default 1000 for reports of independent lines (846, 832, 852, 867, INVRPT, PRICAT, SLSRPT) and 0 for orders and everything else" min:"0"`
}

// Outgoing is how a set is written to the partner.
type Outgoing struct {
	Release     string `json:"release" doc:"Release that is written: 004010, 005010, D96A, D01B" example:"005010"`
	Association string `json:"association" doc:"What follows the release: VICS in GS08, EAN008 in UNH" example:"VICS"`
	Overlay     string `json:"overlay" doc:"The partner's implementation guide, as for receive: what we write is checked against it"`
}

// Tolerances weigh the levels of findings. The default rejects what is broken and
// warns of what is tolerable; business findings only inform.
type Tolerances struct {
	Tokens    string `json:"tokens" doc:"Characters, separators, terminators" enum:"off,warn,reject,strict"`
	Envelope  string `json:"envelope" doc:"Headers, trailers, counts and control numbers" enum:"off,warn,reject,strict"`
	Structure string `json:"structure" doc:"Segments at their place, as often as allowed" enum:"off,warn,reject,strict"`
	Elements  string `json:"elements" doc:"Presence, type and length of elements, conditions between them" enum:"off,warn,reject,strict"`
	Codes     string `json:"codes" doc:"Values outside of their code list" enum:"off,warn,reject,strict"`
	Business  string `json:"business" doc:"Check digits, totals, hierarchy: off, warn, or strict to reject" enum:"off,warn,reject,strict"`
	Partner   string `json:"partner" doc:"What was agreed with this partner: sets, releases, usage, the guide" enum:"off,warn,reject,strict"`
	Scope     string `json:"scope" doc:"What a bad set takes with it: nothing else, its group, or its interchange" enum:"set,group,interchange" default:"set"`
}

// Acknowledge is how we answer.
type Acknowledge struct {
	Kinds   []string `json:"kinds" doc:"Acknowledgements that we write: TA1, 997, 999, CONTRL; those of the other standard do not matter. Default 997 and CONTRL" example:"997"`
	When    string   `json:"when" doc:"always; errors: only when something is not plainly accepted; requested: TA1 and CONTRL only when the header asks for them (ISA14, UNB 0031); never" enum:"always,errors,requested,never" default:"always"`
	Release string   `json:"release" doc:"Release of a 997; default that of the group it answers" enum:"004010,005010"`
}

// Expect is how the partner answers us.
type Expect struct {
	Kinds  []string      `json:"kinds" doc:"Acknowledgements that the partner sends for our documents: TA1, 997, 999, CONTRL; empty: none" example:"997"`
	Within time.Duration `json:"within" doc:"How long the partner has; then the acknowledgement is overdue, and an event says so" default:"24h" format:"duration"`
}

// Control is the range of control numbers.
type Control struct {
	First uint64 `json:"first" doc:"First interchange control number" default:"1" min:"1"`
	Last  uint64 `json:"last" doc:"Last one; the first follows again" default:"999999999"`
}

// Batch says how documents are put together.
type Batch struct {
	Documents int `json:"documents" doc:"Most documents of one kind in an interchange" default:"1" min:"1" max:"256"`
}

// Duplicates says what becomes of control numbers that come again.
type Duplicates struct {
	Remember time.Duration `json:"remember" doc:"How long control numbers and contents are remembered" default:"720h" format:"duration"`
	Clash    string        `json:"clash" doc:"A control number that comes again with other content: reject, or warn and take it" enum:"reject,warn" default:"reject"`
}

// Separators are the characters of what we write, one each.
type Separators struct {
	Segment    string `json:"segment" doc:"Segment terminator; default ~ for X12 and ' for EDIFACT"`
	Element    string `json:"element" doc:"Data element separator; default * and +"`
	Component  string `json:"component" doc:"Component separator; default > and :"`
	Repetition string `json:"repetition" doc:"Repetition separator of X12 005010 and EDIFACT syntax 4; default ^ and *"`
	Syntax     string `json:"syntax" doc:"EDIFACT syntax identifier and version" default:"UNOC:3"`
}

// WithDefaults completes an agreement with what it does not say.
func (p Partner) WithDefaults() Partner {
	p.Standard = cmp.Or(p.Standard, "x12")
	p.Usage = cmp.Or(p.Usage, "P")
	p.Tolerances.Scope = cmp.Or(p.Tolerances.Scope, "set")
	p.Acknowledge.When = cmp.Or(p.Acknowledge.When, "always")
	p.Expect.Within = cmp.Or(p.Expect.Within, 24*time.Hour)
	p.Control.First, p.Control.Last = cmp.Or(p.Control.First, 1), cmp.Or(p.Control.Last, 999_999_999)
	p.Batch.Documents = cmp.Or(p.Batch.Documents, 1)
	p.Duplicates.Remember, p.Duplicates.Clash = cmp.Or(p.Duplicates.Remember, 30*24*time.Hour), cmp.Or(p.Duplicates.Clash, "reject")
	p.Separators.Syntax = cmp.Or(p.Separators.Syntax, "UNOC:3")
	return p
}

// reports are sets whose lines stand for themselves.
var reports = map[string]bool{"846": true, "832": true, "852": true, "867": true, "INVRPT": true, "PRICAT": true, "SLSRPT": true}

// LinesPerRecord is how many lines of a set make a record; 0 for all.
func (p *Partner) LinesPerRecord(set string) int {
	if n := p.Receive[set].LinesPerRecord; n != nil {
		return *n
	}
	const lines = 1000
	if reports[set] {
		return lines
	}
	return 0
}

// ControlNumber is the control number of the nth interchange that we send.
func (p *Partner) ControlNumber(n uint64) uint64 {
	return p.Control.First + (n-1)%(p.Control.Last-p.Control.First+1)
}

// Sequence names the partner's interchange control numbers.
func (p *Partner) Sequence() string { return "interchange/" + p.Theirs.Qualifier + "/" + p.Theirs.ID }

// Mismatch says in words why an interchange is not of this partner to us; empty
// when it is.
func (p *Partner) Mismatch(ic *validate.Interchange) string {
	if !p.Theirs.Is(ic.Sender) {
		return fmt.Sprintf("it is from %s/%s (ISA05, ISA06; UNB S002), the partner is %s", ic.Sender.Qualifier, ic.Sender.ID, p.Theirs)
	}
	if !p.Ours.Is(ic.Receiver) {
		return fmt.Sprintf("it is to %s/%s (ISA07, ISA08; UNB S003), we are %s", ic.Receiver.Qualifier, ic.Receiver.ID, p.Ours)
	}
	return ""
}

// Kinds are the acknowledgements that we write for what is read.
func (p *Partner) Kinds() []acknowledge.Kind {
	if p.Acknowledge.When == "never" {
		return nil
	}
	if len(p.Acknowledge.Kinds) == 0 {
		return []acknowledge.Kind{acknowledge.X997, acknowledge.CONTRL}
	}
	var out []acknowledge.Kind
	for _, k := range p.Acknowledge.Kinds {
		out = append(out, acknowledge.Kind(k))
	}
	return out
}

// Due tells whether an acknowledgement is to be written.
func (p *Partner) Due(a acknowledge.Answer, requested bool) bool {
	switch p.Acknowledge.When {
	case "never":
		return false
	case "errors":
		return a.Rejected
	case "requested":
		return requested || a.Kind != acknowledge.TA1 && a.Kind != acknowledge.CONTRL
	}
	return true
}

// Policy is the weight of each level.
func (p *Partner) Policy() validate.Policy {
	words := map[string]validate.Weight{"off": validate.Off, "warn": validate.Warn, "strict": validate.Strict}
	t := p.Tolerances
	out := validate.Policy{}
	for level, word := range map[finding.Level]string{
		finding.Tokens: t.Tokens, finding.Envelope: t.Envelope, finding.Structure: t.Structure, finding.Elements: t.Elements,
		finding.Codes: t.Codes, finding.Business: t.Business, finding.Partner: t.Partner,
	} {
		if w, ok := words[word]; ok {
			out[level] = w
		}
	}
	if t.Business == "reject" {
		// The level only informs by itself; who writes reject means it.
		out[finding.Business] = validate.Strict
	}
	return out
}

// Validate reports everything that is wrong with the agreement, each with the
// JSON pointer below prefix.
func (p *Partner) Validate(prefix string) []error {
	var out []error
	bad := func(field, hint, format string, args ...any) {
		out = append(out, &sdk.Error{Class: sdk.BadConfig, Code: "config", Field: prefix + field, Hint: hint, Message: fmt.Sprintf(format, args...)})
	}
	for _, party := range []struct {
		field string
		Identity
	}{{"/theirs", p.Theirs}, {"/ours", p.Ours}} {
		p.identity(party.field, party.Identity, bad)
	}
	for _, u := range p.Accept {
		if u != "P" && u != "T" && u != "I" {
			bad("/accept", "P production, T test, I information", "%q is no usage", u)
		}
	}
	known := []string{"TA1", "997", "999", "CONTRL"}
	for field, kinds := range map[string][]string{"/acknowledge/kinds": p.Acknowledge.Kinds, "/expect/kinds": p.Expect.Kinds} {
		for _, k := range kinds {
			if !slices.Contains(known, k) {
				bad(field, strings.Join(known, ", "), "%q is no acknowledgement", k)
			}
		}
	}
	if slices.Contains(p.Acknowledge.Kinds, "997") && slices.Contains(p.Acknowledge.Kinds, "999") {
		bad("/acknowledge/kinds", "agree on one of them", "997 and 999 both answer a group")
	}
	if p.Control.First < 1 || p.Control.Last < p.Control.First || p.Control.Last > 999_999_999 {
		bad("/control", "control numbers have nine digits: 1 to 999999999", "%d to %d is no range", p.Control.First, p.Control.Last)
	}
	p.separators(bad)
	p.sets(bad)
	return out
}

func (p *Partner) identity(field string, i Identity, bad func(field, hint, format string, args ...any)) {
	if p.Standard == "edifact" {
		if len(i.ID) > 35 {
			bad(field+"/id", "UNB 0004 and 0010 have 35 characters", "the identifier %q is too long", i.ID)
		}
		return
	}
	if len(i.ID) > 15 {
		bad(field+"/id", "ISA06 and ISA08 have 15 characters", "the identifier %q is too long", i.ID)
	}
	if len(i.Qualifier) != 2 {
		bad(field+"/qualifier", "two characters, such as 01, 08, 12 or ZZ", "%q is no qualifier of X12", i.Qualifier)
	}
}

func (p *Partner) separators(bad func(field, hint, format string, args ...any)) {
	seen := map[string]string{}
	for _, s := range []struct{ field, value string }{
		{"segment", p.Separators.Segment}, {"element", p.Separators.Element}, {"component", p.Separators.Component}, {"repetition", p.Separators.Repetition},
	} {
		switch {
		case s.value == "":
			continue
		case len(s.value) != 1 || alphanumeric(s.value[0]) || s.value == " ":
			bad("/separators/"+s.field, "one character that no data has", "%q cannot separate", s.value)
		case seen[s.value] != "":
			bad("/separators/"+s.field, "each needs a character of its own", "%q separates two things: %s and %s", s.value, seen[s.value], s.field)
		}
		seen[s.value] = s.field
	}
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// Defaults is an agreement that says nothing.
func Defaults() Partner { return Partner{}.WithDefaults() }
