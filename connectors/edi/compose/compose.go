// Package compose writes EDI sets from named JSON, the reverse of package shape.
//
// The grammar that names what is read also says what is written: the members of
// an object become the elements of a segment and the segments of a loop, in the
// order of the grammar. A member that nothing carries is an error that names its
// place (a JSON pointer) and the name that was probably meant, since its value
// would be lost silently; all such errors come at once.
//
//	doc, err := compose.Read(json)
//	file, err := agreement.Interchange(grammars, []*compose.Document{doc}, numbers)
//
// What a value may be is not judged here a second time: what was written is read
// back by package validate, with the same grammar, and what it would reject is an
// error at the value's place. So nothing leaves that our own reader refuses.
//
// An [Agreement] says how a partner wants to be written to. [Restore] takes
// everything from the documents themselves, and gives back the file that they
// were read from. Both are deterministic: the same input is the same bytes.
package compose

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Party is a sender or receiver with the qualifier of its identifier.
type Party struct{ Qualifier, ID string }

// Agreement is how a partner wants to be written to.
type Agreement struct {
	// Standard is X12 or EDIFACT.
	Standard syntax.Standard
	// Delimiters are the partner's separators; those that are 0 are the standard's
	// usual ones: * > ~ and ^ of X12, + : ' ? and a decimal point of EDIFACT.
	Delimiters syntax.Delimiters
	// Suffix follows every segment terminator: "\r\n" for people who read files.
	Suffix string

	Sender, Receiver Party
	// GroupSender and GroupReceiver are GS02 and GS03; empty: the ids.
	GroupSender, GroupReceiver string

	// Set is the set of documents that name none; empty: the one whose name is that
	// of the document's member.
	Set string
	// Release is the release of the grammars, 004010 or D96A, and Association what
	// follows it: VICS, EAN008. A document's own come first.
	Release, Association string
	// Version is ISA12; empty: the one that belongs to the release.
	Version string
	// Syntax is the syntax identifier and version of EDIFACT; empty: UNOC:3.
	Syntax string
	// Charset is UTF-8 or ISO-8859-1; empty: what the syntax identifier says, UTF-8
	// where it says nothing.
	Charset string
	// Usage is ISA15 (P, T or I; empty: P) or UNB 0035 (1 for a test).
	Usage string
	// AckWanted asks for a TA1 or CONTRL.
	AckWanted bool
	// UNA writes the service string advice though the separators are the usual ones.
	UNA bool
	// UNG writes groups around EDIFACT messages.
	UNG bool
	// Overlays returns what was agreed with the partner for a set, as a validator
	// asks for it; nil is the set as the library has it.
	Overlays func(std syntax.Standard, release, set string) *grammar.Set
}

// Numbers are what is drawn for one interchange, from durable sequences.
type Numbers struct {
	// Interchange is ISA13 or UNB 0020.
	Interchange uint64
	// Group is GS06 of the first group, others count on; 0: Interchange.
	Group uint64
	// At is the date and time of the envelope.
	At time.Time
}

// Interchange writes documents as one interchange, a group for each kind of them.
// Their own envelopes (interchange and group) are not looked at. The error is a
// Problems when documents are at fault.
func (a Agreement) Interchange(lib *grammar.Library, docs []*Document, n Numbers) ([]byte, error) {
	if len(docs) == 0 {
		return nil, errors.New("there is no document to write")
	}
	h, err := a.header(n)
	if err != nil {
		return nil, err
	}
	w := newWriter(lib)
	w.overlays, w.usual = a.Overlays, a.Set
	w.interchange(h)
	parts, err := joined(docs)
	if err != nil {
		return nil, err
	}
	sets := make([]*composed, len(parts))
	for i, p := range parts {
		sets[i] = w.compose(p, a.Standard, a.Release, a.Association, true)
	}
	for i, g := range a.groups(sets) {
		if a.Standard == syntax.X12 || a.UNG {
			w.beginGroup(a.group(g, n, i))
		}
		for k, s := range g.sets {
			w.set(s, setHeader{control: fmt.Sprintf("%04d", k+1), release: s.release, association: s.association})
		}
		w.endGroup()
	}
	w.endInterchange()
	return w.finish()
}

// groupOf is the sets of one group.
type groupOf struct {
	functional, release, association string
	sets                             []*composed
}

// groups puts sets of the same kind and version together, in the order in which
// each kind comes first. Messages without groups stay in their order.
func (a Agreement) groups(sets []*composed) []*groupOf {
	if a.Standard != syntax.X12 && !a.UNG {
		return []*groupOf{{sets: sets}}
	}
	var out []*groupOf
next:
	for _, s := range sets {
		functional := s.functional()
		for _, g := range out {
			if g.functional == functional && g.release == s.release && g.association == s.association {
				g.sets = append(g.sets, s)
				continue next
			}
		}
		out = append(out, &groupOf{functional, s.release, s.association, []*composed{s}})
	}
	return out
}

func (a Agreement) group(g *groupOf, n Numbers, i int) groupHeader {
	first := n.Group
	if first == 0 {
		first = n.Interchange
	}
	h := groupHeader{
		functional: g.functional, sender: or(a.GroupSender, a.Sender.ID), receiver: or(a.GroupReceiver, a.Receiver.ID),
		date: n.At.Format("20060102"), time: n.At.Format("1504"), control: strconv.FormatUint(first+uint64(i), 10), version: g.release + g.association, agency: "X",
	}
	if a.Standard == syntax.EDIFACT {
		h.date, h.agency, h.version, h.association = n.At.Format("060102"), "UN", g.release, g.association
	}
	return h
}

// header checks what an agreement says and completes it.
func (a Agreement) header(n Numbers) (header, error) {
	h := header{
		standard: a.Standard, d: a.Delimiters, suffix: a.Suffix, sender: a.Sender, receiver: a.Receiver, usage: a.Usage, ack: a.AckWanted, una: a.UNA,
		date: n.At.Format("060102"), time: n.At.Format("1504"),
	}
	if a.Sender.ID == "" || a.Receiver.ID == "" {
		return h, errors.New("the agreement names no sender or no receiver")
	}
	const most = 999_999_999
	if n.Interchange < 1 || n.Interchange > most || n.Group > most {
		return h, fmt.Errorf("the control numbers %d and %d do not fit: they are 1 to %d", n.Interchange, n.Group, most)
	}
	switch a.Standard {
	case syntax.X12:
		h.control = fmt.Sprintf("%09d", n.Interchange)
		h.usage = or(a.Usage, "P")
		h.version = a.Version
		if h.version == "" && len(a.Release) >= 6 {
			h.version = a.Release[:5] // 004010 is 00401
		}
		h.d = usual(h.d, usualX12)
		if h.version < "00402" {
			h.d.Repetition = 0
		}
	case syntax.EDIFACT:
		h.control = strconv.FormatUint(n.Interchange, 10)
		h.version = or(a.Syntax, "UNOC:3")
		d := usualEDIFACT
		if !fourth(h.version) {
			h.d.Repetition, d.Repetition = 0, 0
		}
		h.d = usual(h.d, d)
	default:
		return h, errors.New("the agreement names no standard; X12 and EDIFACT can be written")
	}
	switch strings.ToUpper(a.Charset) {
	case "":
		h.latin = a.Standard == syntax.EDIFACT && strings.HasPrefix(h.version, "UNOC")
	case latin1:
		h.latin = true
	case "UTF-8":
	default:
		return h, fmt.Errorf("the character set %q is none that can be written: UTF-8 or %s", a.Charset, latin1)
	}
	return h, h.check()
}

// latin1 is the character set of the syntax identifier UNOC.
const latin1 = "ISO-8859-1"

var (
	usualX12     = syntax.Delimiters{Segment: '~', Element: '*', Component: '>', Repetition: '^', Decimal: '.'}
	usualEDIFACT = syntax.Delimiters{Segment: '\'', Element: '+', Component: ':', Repetition: '*', Release: '?', Decimal: '.'}
)

// usual completes a partner's separators.
func usual(d, by syntax.Delimiters) syntax.Delimiters {
	for _, p := range []struct {
		to *byte
		by byte
	}{
		{&d.Segment, by.Segment},
		{&d.Element, by.Element},
		{&d.Component, by.Component},
		{&d.Repetition, by.Repetition},
		{&d.Release, by.Release},
		{&d.Decimal, by.Decimal},
	} {
		if *p.to == 0 {
			*p.to = p.by
		}
	}
	return d
}

func or(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}
