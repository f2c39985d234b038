// Package x12 reads, checks and writes ASC X12 interchanges of version 004010.
//
// An interchange is three envelopes inside each other: ISA…IEA between two
// partners, GS…GE for one kind of document, ST…SE for one document, here
// called a set. [Parse] never gives up on the first mistake: what is wrong
// becomes a [Finding] at the segment and element where it stands, with the
// code that an acknowledgement reports, and one bad set does not take its
// neighbours with it. [Acknowledge] turns the findings into a 997.
//
// Sets read into named JSON: 850 purchase order, 846 inventory advice, 855
// order acknowledgement, 997 functional acknowledgement. Sets written: 846,
// 855 and 997.
package x12

import (
	"fmt"
	"strings"
)

// Delimiters are what an interchange's ISA segment declares (X12.5, 004010):
// the fourth byte, ISA16 and the byte after it. Repetition is ISA11 from 00402
// on and unused here.
type Delimiters struct {
	Element, Component, Segment byte
}

// Segment is one segment as it stood in the file.
type Segment struct {
	Tag string
	// Elements are the values after the tag; use E to read them.
	Elements []string
	// Position counts from 1 within the set (ST is 1), within the file for
	// envelope segments.
	Position int
	// Offset is the byte offset of the tag in the file.
	Offset int
}

// E returns element n, counted from 1 as in the standard (BEG03 is E(3)), or
// "" when it is absent.
func (s Segment) E(n int) string {
	if n < 1 || n > len(s.Elements) {
		return ""
	}
	return s.Elements[n-1]
}

// Severity says whether a finding rejects what it stands in.
type Severity string

// The severities.
const (
	Reject  Severity = "reject"
	Warning Severity = "warning"
)

// Finding is one deviation from the standard.
type Finding struct {
	// Code is stable: the segment and what is wrong with it, "SE01.count".
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Set      string   `json:"set,omitempty"`
	Segment  string   `json:"segment,omitempty"`
	// Position is the segment's within its set, from 1.
	Position int    `json:"segment_pos,omitempty"`
	Element  int    `json:"element,omitempty"`
	Offset   int    `json:"byte_offset"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	// Value is the data at fault, as AK404 repeats it.
	Value string `json:"value,omitempty"`
	// The codes of the acknowledgement that reports it (X12 004010 data
	// elements 720, 723, 718, 716 and I18).
	AK304 string `json:"ak304,omitempty"`
	AK403 string `json:"ak403,omitempty"`
	AK502 string `json:"ak502,omitempty"`
	AK905 string `json:"ak905,omitempty"`
	TA105 string `json:"ta105,omitempty"`
}

func (f Finding) String() string {
	at := fmt.Sprintf("byte %d", f.Offset)
	if f.Segment != "" {
		at = f.Segment
		if f.Element > 0 {
			at += fmt.Sprintf("%02d", f.Element)
		}
		if f.Position > 0 {
			at += fmt.Sprintf(" (segment %d", f.Position)
			if f.Set != "" {
				at += " of set " + f.Set
			}
			at += ")"
		}
		at += fmt.Sprintf(", byte %d", f.Offset)
	}
	s := at + ": " + f.Message
	if f.Hint != "" {
		s += "; " + f.Hint
	}
	return s
}

// Set is one document, ST to SE.
type Set struct {
	// ID is ST01, Control ST02.
	ID, Control string
	// Segments begin with ST and end with SE, if it is there.
	Segments []Segment
	Findings []Finding
}

// Rejected reports whether the set must not be used.
func (s *Set) Rejected() bool { return rejected(s.Findings) }

// Group is one functional group, GS to GE.
type Group struct {
	Header, Trailer Segment
	Sets            []*Set
	Findings        []Finding
}

// Rejected reports whether no set of the group may be used.
func (g *Group) Rejected() bool { return rejected(g.Findings) }

// Interchange is ISA to IEA.
type Interchange struct {
	Delimiters      Delimiters
	Header, Trailer Segment
	Groups          []*Group
	Findings        []Finding
}

// Rejected reports whether nothing of the interchange may be used.
func (i *Interchange) Rejected() bool { return rejected(i.Findings) }

// Control is the interchange control number, ISA13.
func (i *Interchange) Control() string { return i.Header.E(13) }

// Party is who sent or receives, with the qualifier that says which kind of
// identifier it is (ISA05 to ISA08).
type Party struct {
	Qualifier string `json:"qualifier"`
	ID        string `json:"id"`
}

// Sender is ISA05 and ISA06.
func (i *Interchange) Sender() Party {
	return Party{strings.TrimSpace(i.Header.E(5)), strings.TrimSpace(i.Header.E(6))}
}

// Receiver is ISA07 and ISA08.
func (i *Interchange) Receiver() Party {
	return Party{strings.TrimSpace(i.Header.E(7)), strings.TrimSpace(i.Header.E(8))}
}

// All lists the interchange's findings with those of its groups and sets.
func (i *Interchange) All() []Finding {
	out := append([]Finding(nil), i.Findings...)
	for _, g := range i.Groups {
		out = append(out, g.Findings...)
		for _, s := range g.Sets {
			out = append(out, s.Findings...)
		}
	}
	return out
}

func rejected(fs []Finding) bool {
	for _, f := range fs {
		if f.Severity == Reject {
			return true
		}
	}
	return false
}
