// Package finding is how everything that reads EDI says what is wrong.
//
// A [Finding] is made for two readers at once. The partner's analyst gets the
// place (set, loop, segment, element, byte), what was found, what was expected,
// and what to do. The partner's translator gets the code that an acknowledgement
// reports: AK304, AK403, AK502, AK905 and TA105 of X12, or data element 0085 of
// EDIFACT's CONTRL. Our own code ([Code]) is stable, so that scripts and partner
// agreements can name it.
package finding

import (
	"fmt"
	"strings"
)

// Level is the depth of a check. A partner agreement sets what each is worth.
type Level string

// The levels, from the outside in.
const (
	Tokens    Level = "tokens"    // characters, separators, terminators
	Envelope  Level = "envelope"  // interchange, group and set: headers, trailers, counts, control numbers
	Structure Level = "structure" // segments at their place, as often as allowed
	Elements  Level = "elements"  // presence, type and length of elements, and conditions between them
	Codes     Level = "codes"     // values outside of their code list
	Business  Level = "business"  // check digits, totals, dates, hierarchy
	Partner   Level = "partner"   // what was agreed with this partner
)

// Levels lists them in order.
func Levels() []Level {
	return []Level{Tokens, Envelope, Structure, Elements, Codes, Business, Partner}
}

// Severity is what a finding means for the part of the file in which it stands.
type Severity string

// The severities.
const (
	Info    Severity = "info"    // worth knowing; the document is as good as others
	Warning Severity = "warning" // tolerable: accepted, and said
	Reject  Severity = "reject"  // broken: not used
)

// Scope is what a rejecting finding takes with it.
type Scope uint8

// The scopes.
const (
	Set         Scope = iota // ST to SE, UNH to UNT
	Group                    // GS to GE, UNG to UNE
	Interchange              // ISA to IEA, UNB to UNZ
)

// Finding is one deviation.
type Finding struct {
	Code     Code     `json:"code"`
	Level    Level    `json:"level"`
	Severity Severity `json:"severity"`
	Scope    Scope    `json:"-"`

	// The codes of the acknowledgement that reports it; empty where it has none.
	AK304   string `json:"ak304,omitempty"`        // X12 data element 720, segment syntax
	AK403   string `json:"ak403,omitempty"`        // 723, element syntax
	AK502   string `json:"ak502,omitempty"`        // 718, set syntax
	AK905   string `json:"ak905,omitempty"`        // 716, group syntax
	TA105   string `json:"ta105,omitempty"`        // I18, interchange note
	EDIFACT string `json:"edifact_0085,omitempty"` // 0085, syntax error

	Control string `json:"interchange,omitempty"` // ISA13 or UNB 0020
	Group   string `json:"group,omitempty"`       // GS06 or UNG 0048
	Set     string `json:"set,omitempty"`         // ST02 or UNH 0062
	Loop    string `json:"loop,omitempty"`        // lines[3].parties[1]: where in the set
	// Segment is the tag; Position counts from 1 at ST or UNH, and from the
	// beginning of the file outside of a set.
	Segment   string `json:"segment,omitempty"`
	Position  int    `json:"segment_pos,omitempty"`
	Element   int    `json:"element,omitempty"`   // from 1
	Component int    `json:"component,omitempty"` // from 1; 0 for the element as a whole
	Repeat    int    `json:"repeat,omitempty"`    // from 2; the first is not counted
	Reference string `json:"reference,omitempty"` // data element number: 353, 2005
	Offset    int64  `json:"byte_offset"`

	// Value is the data at fault, at most 40 characters; it may be masked.
	Value    string `json:"value,omitempty"`
	Expected string `json:"expected,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

// Where names the place in the standard's way: BEG03, DTM C507.2, IEA.
func (f Finding) Where() string {
	if f.Segment == "" {
		return fmt.Sprintf("byte %d", f.Offset)
	}
	var b strings.Builder
	b.WriteString(f.Segment)
	if f.Element > 0 {
		fmt.Fprintf(&b, "%02d", f.Element)
	}
	if f.Component > 0 {
		fmt.Fprintf(&b, "-%d", f.Component)
	}
	return b.String()
}

// String is one line for people.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.Where())
	var place []string
	if f.Position > 0 {
		place = append(place, fmt.Sprintf("segment %d", f.Position))
	}
	if f.Set != "" {
		place = append(place, "set "+f.Set)
	}
	if f.Loop != "" {
		place = append(place, f.Loop)
	}
	if f.Segment != "" {
		place = append(place, fmt.Sprintf("byte %d", f.Offset))
	}
	if len(place) > 0 {
		b.WriteString(" (" + strings.Join(place, ", ") + ")")
	}
	b.WriteString(": " + f.Message)
	if f.Value != "" && !strings.Contains(f.Message, f.Value) {
		fmt.Fprintf(&b, ", found %q", f.Value)
	}
	if f.Expected != "" && !strings.Contains(f.Message, f.Expected) {
		b.WriteString(", expected " + f.Expected)
	}
	if f.Hint != "" {
		b.WriteString("; " + f.Hint)
	}
	return b.String()
}

// Reported lists the codes with which an acknowledgement of X12, or of EDIFACT,
// reports the finding, by the names of their places: AK403 7, 0085 21. It is empty
// for what is not reported.
func (f Finding) Reported(edifact bool) []string {
	places := []struct{ name, value string }{{"AK304", f.AK304}, {"AK403", f.AK403}, {"AK502", f.AK502}, {"AK905", f.AK905}, {"TA105", f.TA105}}
	if edifact {
		places = []struct{ name, value string }{{"0085", f.EDIFACT}}
	}
	var out []string
	for _, p := range places {
		if p.value != "" && f.Severity != Info {
			out = append(out, p.name+" "+p.value)
		}
	}
	return out
}

// Masked returns the finding without data of the document.
func (f Finding) Masked() Finding {
	if f.Value != "" {
		f.Message = strings.ReplaceAll(f.Message, f.Value, "…")
		f.Value = ""
	}
	return f
}

// Rejects tells whether any finding rejects at the scope or outside of it.
func Rejects(all []Finding) bool {
	for _, f := range all {
		if f.Severity == Reject {
			return true
		}
	}
	return false
}

// Clip shortens data for a finding.
func Clip(data []byte) string {
	const most = 40
	if len(data) > most {
		return strings.ToValidUTF8(string(data[:most]), "?") + "…"
	}
	return strings.ToValidUTF8(string(data), "?")
}
