// Package validate checks EDI files while they are read.
//
// A [Validator] walks through a stream segment by segment and keeps no more of it
// than the loops that are open. Its checks go from the outside in, and each
// belongs to a level that a partner agreement can weigh (see [Policy]): the
// envelopes, the place of every segment in its set, its elements and the
// conditions between them, code lists, and what the numbers say.
//
// One bad set does not stop its neighbours: the walk always finds back at the
// next header, and a finding rejects the part of the file that it stands in and no
// more. What else a bad set takes with it is a matter of the agreement with a
// partner, see [github.com/crossdock/crossdock/connectors/edi/partner.Partner.Checking].
// A set or version without a grammar is accepted as far as its
// envelope goes, and said so.
package validate

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Interchange is what the header of an interchange says.
type Interchange struct {
	Standard   syntax.Standard
	Delimiters syntax.Delimiters
	Control    string // ISA13, UNB 0020, STX transmission reference
	Sender     Party
	Receiver   Party
	Version    string // ISA12, or the syntax identifier and version: UNOC 3
	Usage      string // ISA15: P, T or I; UNB 0035: 1 for a test
	Date, Time string // as they stand
	AckWanted  bool   // ISA14 or UNB 0031
	Offset     int64
	// End is the offset behind its trailer, known when it ends; 0 without one. In
	// wrapped files the line ends inside of the trailer are not counted.
	End    int64
	Layout syntax.Layout
	// Segment is the header itself, for those who need more of it.
	Segment []string
	// Answers counts the TA1 segments that were read: acknowledgements of earlier
	// interchanges.
	Answers int
	// Rejected tells that nothing of it may be used.
	Rejected bool
}

// Party is a sender or receiver with the qualifier of its identifier.
type Party struct{ Qualifier, ID string }

// Group is what the header of a functional group says. EDIFACT interchanges
// mostly have none; then Control is empty.
type Group struct {
	Functional string // GS01, UNG 0038
	Sender     string // GS02
	Receiver   string // GS03
	Date, Time string
	Control    string // GS06, UNG 0048
	Agency     string // GS07, UNG 0051
	Version    string // GS08 as it stands: 004010VICS
	Claimed    string // GE01 or UNE 0060 as it stands; empty until the trailer
	Offset     int64
	// Segment is the header itself.
	Segment []string
	// The qualifiers of sender and receiver, 0007 of UNG; X12 has none.
	SenderQualifier, ReceiverQualifier string
	Rejected                           bool
}

// Set is a transaction set or message.
type Set struct {
	ID      string // ST01, UNH 0065
	Control string // ST02, UNH 0062
	// Release is the release of its grammar: 004010, D96A.
	Release string
	// Association is what follows the release: VICS, EAN008.
	Association string
	Grammar     *grammar.Set // nil when there is none
	Segments    int          // counted so far, ST included
	Offset      int64
	Rejected    bool
}

// Place is where a segment stands in its set.
type Place struct {
	Set *Set
	// Set is nil for the TA1 of X12, which stands outside of sets.
	// Node is nil for segments that have no place: headers, trailers, and what the
	// grammar does not know.
	Node *grammar.Node
	// Depth is the number of loops around, 0 in the body. Opens tells that the
	// segment opens its loop.
	Depth int
	Opens bool
}

// Handler receives what a Validator reads, in the order of the file. Segments
// are valid during the call only. An error ends the walk.
type Handler interface {
	BeginInterchange(ic *Interchange) error
	BeginGroup(g *Group) error
	BeginSet(s *Set) error
	Segment(seg *syntax.Segment, at Place) error
	EndSet(s *Set) error
	EndGroup(g *Group) error
	EndInterchange(ic *Interchange) error
	Finding(f finding.Finding) error
}

// Ignore is a Handler that does nothing, to be embedded.
type Ignore struct{}

// BeginInterchange does nothing.
func (Ignore) BeginInterchange(*Interchange) error { return nil }

// BeginGroup does nothing.
func (Ignore) BeginGroup(*Group) error { return nil }

// BeginSet does nothing.
func (Ignore) BeginSet(*Set) error { return nil }

// Segment does nothing.
func (Ignore) Segment(*syntax.Segment, Place) error { return nil }

// EndSet does nothing.
func (Ignore) EndSet(*Set) error { return nil }

// EndGroup does nothing.
func (Ignore) EndGroup(*Group) error { return nil }

// EndInterchange does nothing.
func (Ignore) EndInterchange(*Interchange) error { return nil }

// Finding does nothing.
func (Ignore) Finding(finding.Finding) error { return nil }

// Weight is what a level is worth to a partner agreement.
type Weight uint8

// The weights.
const (
	// Default rejects what is broken and warns of what is tolerable.
	Default Weight = iota
	// Off is silent.
	Off
	// Warn warns of everything and rejects nothing.
	Warn
	// Strict rejects what is merely tolerable, too.
	Strict
)

// Policy weighs the levels.
type Policy map[finding.Level]Weight

func (p Policy) weigh(f *finding.Finding) (report bool) {
	switch p[f.Level] {
	case Off:
		return false
	case Warn:
		if f.Severity == finding.Reject || f.Level == finding.Business && f.Severity == finding.Info {
			f.Severity = finding.Warning
		}
	case Strict:
		if f.Severity == finding.Warning || f.Level == finding.Business {
			f.Severity = finding.Reject
		}
	}
	return true
}

// Validator checks streams. It may be used for several, one after another.
type Validator struct {
	// Grammars are asked for sets; nil checks envelopes only.
	Grammars *grammar.Library
	// Overlays returns what was agreed for a set with the partner whose files are
	// checked, see [grammar.Library.Overlay]; nil is the set as the library has it.
	// It is asked once a file for each kind of set, from the goroutine of Run.
	Overlays func(std syntax.Standard, release, set string) *grammar.Set
	Policy   Policy
	Syntax   syntax.Options
}

// MaxFindings is how many findings of one set are told, and of one interchange
// outside of its sets; more only count for whether it is rejected. The first one
// that rejects is always told.
const MaxFindings = 200

// maxText is how much of a value that others keep is kept: control numbers, names
// of parties. The standards allow 35 characters.
const maxText = 128

// text is an element of an envelope: without blanks around it, and no longer than
// anything it could be.
func text(seg *syntax.Segment, data []byte) string {
	data = bytes.TrimSpace(seg.Plain(data))
	return string(data[:min(len(data), maxText)])
}

// Run walks through a stream. The error is the stream's or the handler's: what
// is wrong with the document goes to the handler.
func (v *Validator) Run(r io.Reader, h Handler) error {
	w := &walk{v: v, h: h, business: v.Policy[finding.Business] != Off, r: syntax.NewReader(r, v.Syntax), grammars: map[grammarID]*grammar.Set{}}
	for {
		seg, err := w.r.Next()
		w.notes()
		if err != nil {
			return w.end(err)
		}
		if w.first == "" {
			w.first = finding.Clip(seg.Tag())
		}
		w.position++
		w.here = seg.Offset
		if err := w.segment(seg); err != nil {
			return err
		}
	}
}

// walk is one pass over a stream.
type walk struct {
	v        *Validator
	h        Handler
	r        *syntax.Reader
	business bool  // level is looked at
	err      error // of the handler
	first    string
	position int    // segments of the file
	here     int64  // where the segment begins, or the stream ended: what is open is missed there
	torn     []byte // tag of a segment that the stream broke off in, while it is looked at

	std      syntax.Standard
	d        syntax.Delimiters
	ic       *Interchange // nil outside of one; UNA may be followed by a message without UNB
	controls numbers      // of interchanges in this file
	groups   int          // of the interchange
	messages int          // of the interchange
	ta1s     int

	g       *Group
	groupAt int     // position of its header in the file
	sets    int     // of the group
	known   numbers // control numbers of sets in the group

	s    *setWalk // the open set, nil between sets
	room setWalk

	values values  // of the segment, see fits
	tree   numbers // HL01 of the set

	outer told // findings outside of sets

	grammars map[grammarID]*grammar.Set // those of this file
}

type grammarID struct {
	std         syntax.Standard
	release, id string
}

// end closes what is open at the end of the stream.
func (w *walk) end(cause error) error {
	var header *syntax.HeaderError
	var long *syntax.SegmentError
	var large *syntax.LimitError
	w.here = w.r.Offset()
	switch {
	case errors.Is(cause, io.EOF):
	case errors.Is(cause, syntax.ErrNotEDI):
		w.add(finding.Finding{
			Code: finding.NotEDI, Level: finding.Tokens, Severity: finding.Reject, Scope: finding.Interchange, TA105: "022", EDIFACT: "13",
			Message: "no interchange begins here", Expected: "ISA, UNA, UNB or STX",
			Hint: "send the whole interchange with its header; a file of another kind does not belong into this folder",
		})
	case errors.As(cause, &header):
		w.add(finding.Finding{
			Code: finding.BadSeparator, Level: finding.Tokens, Severity: finding.Reject, Scope: finding.Interchange, TA105: "022", EDIFACT: "13",
			Offset: header.Offset, Segment: w.headerTag(header.Standard), Message: header.Reason, Hint: header.Hint,
		})
	case errors.As(cause, &long):
		w.add(finding.Finding{
			Code: finding.SegmentTooLong, Level: finding.Tokens, Severity: finding.Reject, Scope: finding.Interchange, AK502: "5", TA105: "022", EDIFACT: "39",
			Offset: long.Offset, Value: long.Start, Message: "the segment has no end within the limit",
			Hint: "the segment terminator is missing, or not the one that the header declares",
		})
	case errors.As(cause, &large):
		w.add(finding.Finding{
			Code: finding.TooLarge, Level: finding.Tokens, Severity: finding.Reject, Scope: finding.Interchange, TA105: "022", EDIFACT: "39",
			Offset: large.Offset, Message: fmt.Sprintf("the interchange has more than %d %s", large.Limit, large.What), Expected: fmt.Sprintf("at most %d %s", large.Limit, large.What),
			Hint: "send it in several interchanges, or raise the limit that was agreed with this partner",
		})
	default:
		return cause
	}
	w.closeInterchange(nil)
	return w.err
}

func (w *walk) headerTag(std syntax.Standard) string {
	if std == syntax.X12 {
		return "ISA"
	}
	return "UNA"
}

// add completes a finding with where it stands and hands it over.
func (w *walk) add(f finding.Finding) {
	if w.err != nil || w.consequence(&f) || w.s != nil && !w.s.agree(&f) || !w.v.Policy.weigh(&f) {
		return
	}
	if w.ic != nil {
		f.Control = w.ic.Control
	}
	if w.g != nil && f.Scope <= finding.Group {
		f.Group = w.g.Control
	}
	rejects := f.Severity == finding.Reject
	told := &w.outer
	if w.s != nil && f.Scope == finding.Set {
		f.Set = w.s.set.Control
		if f.Loop == "" {
			f.Loop = w.s.path()
		}
		w.s.set.Rejected = w.s.set.Rejected || rejects
		told = &w.s.told
	}
	if rejects {
		w.reject(f.Scope)
	}
	if told.more(rejects) {
		w.err = w.h.Finding(f)
	}
}

// consequence tells that a finding is about a segment that the stream broke off in:
// that it has no terminator, and what trailers are missing behind it, is told, and
// what its torn elements look like says nothing more.
func (w *walk) consequence(f *finding.Finding) bool {
	return w.torn != nil && f.Offset >= w.here && f.Segment == finding.Clip(w.torn)
}

// tears tells that a segment between header and trailer is the last of a stream that
// broke off, so that whatever it stands in is rejected for its missing trailer.
func (w *walk) tears(seg *syntax.Segment) bool {
	weight := w.v.Policy[finding.Envelope]
	return seg.Unterminated && w.ic != nil && (weight == Default || weight == Strict)
}

// reject marks the part of the file that a finding stands in.
func (w *walk) reject(scope finding.Scope) {
	if w.g != nil && scope == finding.Group {
		w.g.Rejected = true
	}
	if w.ic != nil && scope == finding.Interchange {
		w.ic.Rejected = true
	}
}

// told counts findings.
type told struct {
	n       int
	rejects bool
}

// more tells whether one more is told.
func (t *told) more(rejects bool) bool {
	first := rejects && !t.rejects
	t.rejects = t.rejects || rejects
	t.n++
	return t.n <= MaxFindings || first
}

// do runs a step of the handler unless one has failed.
func (w *walk) do(f func() error) {
	if w.err == nil {
		w.err = f()
	}
}

var noteFindings = map[syntax.NoteKind]finding.Finding{
	syntax.ByteOrderMark:   {Code: finding.ByteOrderMark, Message: "a byte order mark stands before the interchange", Hint: "save the file without one"},
	syntax.LeadingBlank:    {Code: finding.LeadingBlank, Message: "blanks or empty lines stand before the interchange"},
	syntax.Wrapped:         {Code: finding.Wrapped, Message: "lines are cut inside of segments", Hint: "send the file as a stream, without fixed line lengths"},
	syntax.NoTerminator:    {Code: finding.NoTerminator, Message: "the last segment has no terminator"},
	syntax.TrailingData:    {Code: finding.TrailingData, Message: "something stands behind the end of the interchange and was not read", Hint: "send nothing but interchanges, each with its header"},
	syntax.TrailingControl: {Code: finding.TrailingControl, Message: "an end-of-file character stands behind the interchange"},
}

func (w *walk) notes() {
	for _, n := range w.r.Notes() {
		f := noteFindings[n.Kind]
		f.Level, f.Severity, f.Scope = finding.Tokens, finding.Warning, finding.Interchange
		if f.Code == finding.TrailingData {
			// It may be an interchange that lost its header: nobody would miss it.
			f.Severity = finding.Reject
		}
		f.Offset, f.Value = n.Offset, finding.Clip([]byte(n.Data))
		w.add(f)
	}
}

func (w *walk) segment(seg *syntax.Segment) error {
	if std, d := w.r.Standard(), w.r.Delimiters(); std != w.std || d != w.d {
		w.std, w.d = std, d
		w.values.decimal, w.values.comma = w.d.Decimal, w.std == syntax.EDIFACT
	}
	switch w.std {
	case syntax.X12:
		w.x12(seg)
	case syntax.EDIFACT:
		w.edifact(seg)
	case syntax.TRADACOMS:
		w.tradacoms(seg)
	}
	return w.err
}

// body takes a segment that is no header or trailer.
func (w *walk) body(seg *syntax.Segment) {
	if w.tears(seg) {
		w.torn = seg.Tag()
		defer func() { w.torn = nil }()
	}
	if w.s != nil {
		w.s.set.Segments++
	}
	switch {
	case seg.Key == 0 || !callable(w.std, seg.Tag()):
		w.badTag(seg)
		if w.s != nil {
			s := w.s.set
			w.do(func() error { return w.h.Segment(seg, Place{Set: s}) })
		}
		return
	case w.s == nil:
		w.outside(seg)
		return
	case seg.Overfull:
		w.wide(seg)
	}
	place := w.s.place(seg)
	if w.err == nil {
		w.err = w.h.Segment(seg, place)
	}
}

// callable tells that a segment may be called so: three characters, of which X12
// may leave out the last, and the first is a letter.
func callable(std syntax.Standard, tag []byte) bool {
	const most = 3
	n := len(tag)
	return (n == most || n == most-1 && std == syntax.X12) && tag[0] >= 'A'
}

func (w *walk) badTag(seg *syntax.Segment) {
	f := w.at(seg, 0, finding.Finding{
		Code: finding.BadTag, Level: finding.Tokens, Severity: finding.Reject, AK304: "1", AK502: "5", EDIFACT: "15",
		Value: finding.Clip(seg.Tag()), Message: "no segment can be called " + quote(seg.Tag()),
		Hint: "the segment before it may have lost its terminator, or its data contain one",
	})
	w.add(f)
}

func (w *walk) wide(seg *syntax.Segment) {
	n := seg.Len()
	w.add(w.at(seg, 0, finding.Finding{
		Code: finding.SegmentTooWide, Level: finding.Tokens, Severity: finding.Reject, AK304: "8", AK502: "5", EDIFACT: "16",
		Message: fmt.Sprintf("%s has more than %d elements; those beyond are not read", seg.Tag(), n), Expected: fmt.Sprintf("at most %d elements", n),
		Hint: "the segment terminator may be missing, or not the one that the header declares",
	}))
}

func (w *walk) outside(seg *syntax.Segment) {
	w.add(w.at(seg, 0, finding.Finding{
		Code: finding.Outside, Level: finding.Envelope, Severity: finding.Reject, Scope: finding.Interchange, TA105: "022", EDIFACT: "33",
		Message: finding.Clip(seg.Tag()) + " stands outside of a set", Hint: "a header before it is missing, or a trailer came too early",
	}))
}

// at gives a finding the place of a segment.
func (w *walk) at(seg *syntax.Segment, element int, f finding.Finding) finding.Finding {
	f.Segment, f.Element, f.Offset = finding.Clip(seg.Tag()), element, seg.Offset
	f.Position = w.position
	if w.s != nil && f.Scope == finding.Set {
		f.Position = w.s.set.Segments
	}
	if element > 0 {
		f.Offset = seg.ElementOffset(element)
		if f.Value == "" {
			f.Value = finding.Clip(seg.Element(element))
		}
	}
	return f
}

func quote(b []byte) string { return "“" + finding.Clip(b) + "”" }
