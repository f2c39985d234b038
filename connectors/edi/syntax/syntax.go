// Package syntax cuts EDI interchanges into segments: ANSI X12, UN/EDIFACT
// (syntax versions 1 to 4) and the older TRADACOMS.
//
// A [Reader] works on a stream and copies nothing: the bytes of a [Segment] are
// those of its buffer and stay valid until the next call. Memory is bounded by
// the largest segment that [Options] allow.
//
// Separators are found anew at every ISA, UNA or UNB, since several interchanges
// may stand in one file. What partners do to files on their way (a byte order
// mark, line feeds, lines cut at 80 columns through the header, headers that are
// not padded, a missing last terminator) is read, and told as a [Note].
package syntax

import (
	"bytes"
	"fmt"
)

// Standard is the syntax of an interchange.
type Standard uint8

// The standards.
const (
	X12 Standard = iota + 1
	EDIFACT
	TRADACOMS
)

// String is X12, EDIFACT or TRADACOMS.
func (s Standard) String() string {
	switch s {
	case X12:
		return "X12"
	case EDIFACT:
		return "EDIFACT"
	case TRADACOMS:
		return "TRADACOMS"
	}
	return "unknown"
}

// Delimiters separate the parts of an interchange. 0 means that there is none.
type Delimiters struct {
	Segment, Element, Component byte
	// Repetition is ISA11 from version 00402 on, and UNA5 in EDIFACT syntax 4.
	Repetition byte
	// Release makes the character behind it data (EDIFACT, TRADACOMS).
	Release byte
	// Decimal is the decimal mark: a point, or a comma (UNA3, or either).
	Decimal byte
}

// NoteKind is something unusual about the characters of a file.
type NoteKind uint8

// The kinds of notes.
const (
	ByteOrderMark NoteKind = iota + 1
	LeadingBlank
	Wrapped
	NoTerminator
	TrailingData
	TrailingControl
)

// Note is one of them, at its place.
type Note struct {
	Kind   NoteKind
	Offset int64
	Data   string // the characters, shortened
}

// Key is a segment tag of up to four characters as a number, for fast
// comparison; 0 for what cannot be a tag.
type Key uint32

// KeyOf returns the key of a tag.
func KeyOf[T string | []byte](tag T) Key {
	if len(tag) == 0 || len(tag) > 4 {
		return 0
	}
	var k Key
	for i := range len(tag) {
		k = k<<8 | Key(tag[i])
	}
	return k
}

// Segment is one segment of an interchange. Its bytes are valid until the
// Reader's next call.
type Segment struct {
	// Key is the tag's.
	Key Key
	// Offset is that of the tag in the stream. In wrapped files offsets inside of
	// a segment do not count the line ends.
	Offset int64
	// Unterminated tells that the stream ended instead of the segment.
	Unterminated bool

	// Overfull tells that it has more elements than Options.MaxElements; those
	// beyond are not there.
	Overfull bool

	data  []byte   // of which the segment is a part
	start uint32   // in data
	stop  uint32   // where it ends
	tag   uint32   // where the tag ends
	ends  []uint32 // of the tag and of every element
	d     *Delimiters

	parts    []uint32 // component separators
	marked   bool     // there may be release characters or repetitions
	released bool     // a release character may be in it
	odd      bool     // it may have other characters than printable ASCII
	vague    bool     // parts is not everything

	room []uint32 // for ends that are not those of the index
}

// Tag is the segment's name.
func (s *Segment) Tag() []byte { return s.data[s.start:s.tag] }

// Len is the number of elements, empty ones included.
func (s *Segment) Len() int { return len(s.ends) - 1 }

// Raw is the segment as it stands, without its terminator.
func (s *Segment) Raw() []byte { return s.data[s.start:s.stop] }

// Delimiters are those of the interchange.
func (s *Segment) Delimiters() Delimiters { return *s.d }

// Element returns element n, counted from 1, as it stands; nil when it is absent.
func (s *Segment) Element(n int) []byte {
	if n < 1 || n >= len(s.ends) {
		return nil
	}
	return s.data[s.ends[n-1]+1 : s.ends[n]]
}

// Cuts is a segment for those who must be fast: element n is
// Data[Ends[n-1]+1:Ends[n]], and Ends[0] is where the tag ends. All of it is valid
// as long as the segment and must not be changed.
type Cuts struct {
	Data  []byte
	Ends  []uint32
	Parts []uint32 // the component separators
	// ASCII tells that all characters are printable ASCII.
	ASCII bool
}

// Cuts returns where the parts of the segment are. It reports false for segments
// with repetitions or release characters, and for those that are too large: they
// are looked at element by element.
func (s *Segment) Cuts() (Cuts, bool) {
	return Cuts{Data: s.data, Ends: s.ends, Parts: s.parts, ASCII: !s.odd}, !s.marked && !s.vague && !s.Overfull
}

// Value is Element without release characters, as text.
func (s *Segment) Value(n int) string { return string(s.Plain(s.Element(n))) }

// ComponentValue is a component of an element as text; both count from 1.
func (s *Segment) ComponentValue(n, component int) string {
	return string(s.Plain(s.Component(n, component)))
}

// Component returns a component of an element as it stands; both count from 1.
func (s *Segment) Component(n, component int) []byte {
	rest := s.Element(n)
	for ; component > 1; component-- {
		var ok bool
		if _, rest, ok = s.cut(rest, s.d.Component); !ok {
			return nil
		}
	}
	first, _, _ := s.cut(rest, s.d.Component)
	return first
}

// ElementOffset is the place of an element in the stream.
func (s *Segment) ElementOffset(n int) int64 {
	if n < 1 || n >= len(s.ends) {
		return s.Offset + int64(s.stop-s.start)
	}
	return s.Offset + int64(s.ends[n-1]+1-s.start)
}

// Plain removes release characters.
func (s *Segment) Plain(data []byte) []byte {
	if !s.released || bytes.IndexByte(data, s.d.Release) < 0 {
		return data
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] == s.d.Release && i+1 < len(data) {
			i++
		}
		out = append(out, data[i])
	}
	return out
}

// Released tells whether a release character may be in the segment.
func (s *Segment) Released() bool { return s.released }

// Cut is bytes.Cut that knows release characters; by 0 separates nothing.
func (s *Segment) Cut(data []byte, by byte) (before, after []byte, found bool) {
	return s.cut(data, by)
}

// Repeats calls f for each repetition of an element, from 1.
func (s *Segment) Repeats(data []byte, f func(n int, value []byte)) { s.each(data, s.d.Repetition, f) }

// Components calls f for each component of a value, from 1.
func (s *Segment) Components(data []byte, f func(n int, value []byte)) {
	s.each(data, s.d.Component, f)
}

func (s *Segment) each(data []byte, by byte, f func(int, []byte)) {
	for n := 1; ; n++ {
		first, rest, more := s.cut(data, by)
		f(n, first)
		if !more {
			return
		}
		data = rest
	}
}

// cut is bytes.Cut that knows release characters; by 0 separates nothing.
func (s *Segment) cut(data []byte, by byte) (before, after []byte, found bool) {
	if by == 0 {
		return data, nil, false
	}
	for from := 0; ; {
		i := bytes.IndexByte(data[from:], by)
		if i < 0 {
			return data, nil, false
		}
		i += from
		if !s.released || !escaped(data, i, s.d.Release) {
			return data[:i], data[i+1:], true
		}
		from = i + 1
	}
}

// escaped tells whether the character at i is behind an odd number of release
// characters.
func escaped(data []byte, i int, release byte) bool {
	n := 0
	for i > 0 && data[i-1] == release {
		i, n = i-1, n+1
	}
	return n%2 == 1
}

// HeaderError says that an interchange's header cannot be understood, so that
// nothing behind it can.
type HeaderError struct {
	Standard Standard
	Offset   int64
	Reason   string
	Hint     string
}

func (e *HeaderError) Error() string {
	return fmt.Sprintf("byte %d: %s; %s", e.Offset, e.Reason, e.Hint)
}

// SegmentError says that a segment is longer than allowed.
type SegmentError struct {
	Offset int64
	Limit  int
	Start  string
}

func (e *SegmentError) Error() string {
	return fmt.Sprintf("byte %d: the segment %q… is longer than %d bytes", e.Offset, e.Start, e.Limit)
}

// LimitError says that an interchange is larger than allowed.
type LimitError struct {
	Offset int64 // of the segment that is too much
	What   string
	Limit  int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("byte %d: the interchange has more than %d %s", e.Offset, e.Limit, e.What)
}
