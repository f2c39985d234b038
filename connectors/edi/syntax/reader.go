package syntax

import (
	"bytes"
	"errors"
	"io"
)

// Options limit what a Reader takes, whoever sends it. Depth needs no limit here:
// loops are as deep as the grammar says, and components are not kept.
type Options struct {
	// MaxSegment is the longest segment in bytes; 0 means 1 MiB. It bounds the
	// reader's memory. A longer one ends reading with a *SegmentError.
	MaxSegment int
	// MaxElements is how many elements of a segment are told apart; 0 means 1,000.
	// A segment that has more is Overfull, and reading goes on.
	MaxElements int
	// MaxInterchange is the largest interchange in bytes; 0 means no limit. What is
	// behind ends reading with a *LimitError.
	MaxInterchange int64
	// MaxSets is how many sets an interchange may have; 0 means no limit. One more
	// ends reading with a *LimitError.
	MaxSets int
}

// ErrNotEDI says that the stream does not begin with an interchange.
var ErrNotEDI = errors.New("no interchange begins here: expected ISA (X12), UNA or UNB (EDIFACT) or STX (TRADACOMS)")

// Reader cuts a stream into segments.
type Reader struct {
	r        io.Reader
	o        Options
	buf      []byte
	from, to int   // the unread part of buf
	base     int64 // offset of buf[0] in the stream
	eof      bool
	began    bool // the first interchange was found
	inside   bool // of an interchange
	std      Standard
	d        Delimiters
	wrapped  bool
	seg      Segment
	index    index
	overfull bool // the segment that is looked for, see index.trim
	vague    bool
	scratch  []byte
	again    index // of scratch
	notes    []Note
	fresh    bool  // the next segment is the header
	start    int64 // of the interchange
	sets     int   // of the interchange
	layout   Layout

	first, last Key // the segments that begin a set and end an interchange
}

// NewReader returns a Reader of r, which needs no buffer of its own.
func NewReader(r io.Reader, o Options) *Reader {
	if o.MaxSegment <= 0 {
		o.MaxSegment = 1 << 20
	}
	if o.MaxElements <= 0 {
		o.MaxElements = 1000
	}
	const window = 64 << 10
	return &Reader{r: r, o: o, buf: make([]byte, window)}
}

// Standard is that of the interchange that is being read.
func (r *Reader) Standard() Standard { return r.std }

// Delimiters are those of the interchange that is being read.
func (r *Reader) Delimiters() Delimiters { return r.d }

// Layout is how an interchange is written, beyond its separators.
type Layout struct {
	// UNA tells that a service string advice stands before UNB.
	UNA bool
	// Terminator ends segments: the separator, or the carriage return of CR LF
	// where the line end is the terminator.
	Terminator byte
	// Suffix is the line end behind the terminator of the header.
	Suffix string
}

// Layout is that of the interchange that is being read.
func (r *Reader) Layout() Layout { return r.layout }

// Notes returns what was noticed since the last call.
func (r *Reader) Notes() []Note {
	if len(r.notes) == 0 {
		return nil
	}
	out := r.notes
	r.notes = nil
	return out
}

func (r *Reader) note(k NoteKind, at int64, data []byte) {
	const most = 40
	if len(data) > most {
		data = data[:most]
	}
	r.notes = append(r.notes, Note{Kind: k, Offset: at, Data: string(data)})
}

// fill reads more, behind what is unread. It reports false at the end.
func (r *Reader) fill() (bool, error) {
	if r.eof {
		return false, nil
	}
	if r.from > 0 {
		copy(r.buf, r.buf[r.from:r.to])
		r.base += int64(r.from)
		r.to -= r.from
		r.index.moved(r.from)
		r.from = 0
	}
	if r.to == len(r.buf) {
		bigger := make([]byte, 2*len(r.buf))
		copy(bigger, r.buf[:r.to])
		r.buf = bigger
	}
	// A reader that gives nothing and no error is asked again a few times, as
	// bufio does.
	for range 100 {
		n, err := r.r.Read(r.buf[r.to:])
		r.to += n
		if errors.Is(err, io.EOF) {
			r.eof = true
			return n > 0, nil
		}
		if err != nil {
			return false, err
		}
		if n > 0 {
			return true, nil
		}
	}
	return false, io.ErrNoProgress
}

// want returns the next n unread bytes, fewer where the stream ends.
func (r *Reader) want(n int) ([]byte, error) {
	for r.to-r.from < n {
		if more, err := r.fill(); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	return r.buf[r.from:min(r.to, r.from+n)], nil
}

// Offset is where reading is: behind the last segment, and where the stream ended
// after its last.
func (r *Reader) Offset() int64 { return r.offset() }

func (r *Reader) offset() int64 { return r.base + int64(r.from) }

// Next returns the next segment; io.EOF after the last. Other errors are a
// *HeaderError, a *SegmentError, a *LimitError, ErrNotEDI, or those of the stream;
// after them nothing more can be read.
func (r *Reader) Next() (*Segment, error) {
	if !r.inside {
		if err := r.begin(); err != nil {
			return nil, err
		}
	} else if r.from == r.to || r.buf[r.from] <= ' ' {
		if err := r.skipBlank(); err != nil {
			return nil, err
		}
	}
	if c := r.buf[r.from]; (c == 'I' || c == 'U') && !r.fresh {
		if again, err := r.another(); err != nil {
			return nil, err
		} else if again {
			r.inside = false
			return r.Next()
		}
	}
	x := &r.index
	if x.term == len(x.terms) {
		if found, err := r.terminator(); err != nil {
			return nil, err
		} else if !found {
			return r.unterminated()
		}
	}
	// The segment ends where the list says.
	last := int(x.terms[x.term])
	x.term++
	s := &r.seg
	end := int(x.cuts[last])
	if r.fresh {
		r.lineEnd(end)
		r.fresh = false
	}
	if end-r.from > r.o.MaxSegment {
		return nil, r.tooLong()
	}
	s.Offset, s.Unterminated, s.start, s.data, s.d = r.base+int64(r.from), false, uint32(r.from), r.buf, &r.d
	s.ends, s.stop = x.cuts[x.cut:last+1], uint32(end)
	x.cut = last + 1
	r.from = end + 1
	return r.take(end)
}

// another tells whether the last interchange has no trailer and another one
// begins here.
func (r *Reader) another() (bool, error) {
	head, err := r.want(4)
	return err == nil && newHeader(head, r.d), err
}

// lineEnd looks at what stands around the header's terminator at a place of buf.
func (r *Reader) lineEnd(end int) {
	r.layout.Terminator, r.layout.Suffix = r.d.Segment, ""
	switch after := r.buf[end+1 : r.to]; {
	case r.d.Segment == '\n' && end > r.from && r.buf[end-1] == '\r':
		r.layout.Terminator, r.layout.Suffix = '\r', "\n"
	case bytes.HasPrefix(after, []byte("\r\n")):
		r.layout.Suffix = "\r\n"
	case len(after) > 0 && (after[0] == '\n' || after[0] == '\r'):
		r.layout.Suffix = string(after[:1])
	}
}

// newHeader recognises a header inside of an interchange.
func newHeader(head []byte, d Delimiters) bool {
	if len(head) < 4 || d.Release == 0 && !bytes.HasPrefix(head, []byte("ISA")) {
		return false
	}
	if bytes.HasPrefix(head, []byte("ISA")) {
		return d.Release == 0 && !alphanumeric(head[3])
	}
	return bytes.HasPrefix(head, []byte("UNA")) || bytes.HasPrefix(head, []byte("UNB")) && !alphanumeric(head[3])
}

// terminator looks for the end of the segment that begins at r.from, and reports
// false where the stream ends first. The limit holds for what was read at once,
// too, so that the same stream gives the same in pieces of any size.
func (r *Reader) terminator() (found bool, err error) {
	x := &r.index
	r.overfull, r.vague = false, false
	for x.term == len(x.terms) {
		overfull, vague := x.trim(r.o.MaxElements)
		r.overfull, r.vague = r.overfull || overfull, r.vague || vague
		if x.more(r.buf[:r.to]) {
			continue
		}
		if r.to-r.from > r.o.MaxSegment+1 {
			return false, r.tooLong()
		}
		if more, err := r.fill(); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

func (r *Reader) tooLong() error {
	return &SegmentError{Offset: r.offset(), Limit: r.o.MaxSegment, Start: string(r.buf[r.from:min(r.from+20, r.to)])}
}

// take completes the segment that ends at a place in the buffer.
func (r *Reader) take(end int) (*Segment, error) {
	s, x := &r.seg, &r.index
	if r.d.Segment == '\n' && end > int(s.start) && r.buf[end-1] == '\r' {
		r.trimEnd(end - 1)
	}
	s.marked, s.released, s.odd, s.vague, s.Overfull = false, false, false, false, false
	s.parts = nil
	if x.comp < len(x.comps) && x.comps[x.comp] < s.stop {
		s.parts = until(x.comps, &x.comp, s.start, s.stop)
	}
	if x.mark < len(x.marks) && len(until(x.marks, &x.mark, s.start, s.stop)) > 0 {
		s.marked, s.released = true, r.d.Release != 0
	}
	if x.strange < len(x.odd) {
		s.odd = len(until(x.odd, &x.strange, s.start, s.stop)) > 0
	}
	if len(s.ends) > r.o.MaxElements+1 || r.overfull || r.vague {
		r.limit()
	}
	if r.wrapped {
		r.unwrap()
	}
	s.name(r.std)
	if s.Key == r.first || s.Key == r.last || r.o.MaxInterchange > 0 {
		if err := r.count(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// trimEnd cuts bytes off the end of the segment: elements that would begin there
// are none.
func (r *Reader) trimEnd(end int) {
	s := &r.seg
	for len(s.ends) > 1 && int(s.ends[len(s.ends)-2]) >= end {
		s.ends = s.ends[:len(s.ends)-1]
	}
	s.ends[len(s.ends)-1], s.stop = uint32(end), uint32(end)
}

// limit takes elements away that are too many.
func (r *Reader) limit() {
	s := &r.seg
	s.vague = r.vague
	if r.vague {
		s.marked, s.released, s.odd = true, r.d.Release != 0, true
	}
	if r.overfull || len(s.ends) > r.o.MaxElements+1 {
		s.Overfull = true
		s.ends = s.ends[:min(len(s.ends), r.o.MaxElements+1)]
	}
	r.overfull, r.vague = false, false
}

// unwrap removes line ends from inside of a segment.
func (r *Reader) unwrap() {
	s := &r.seg
	raw := s.Raw()
	if !bytes.ContainsAny(raw, "\r\n") {
		return
	}
	r.scratch = r.scratch[:0]
	for _, c := range raw {
		if c != '\r' && c != '\n' {
			r.scratch = append(r.scratch, c)
		}
	}
	x := &r.again
	x.use(&r.d, 0)
	for x.more(r.scratch) {
		x.trim(r.o.MaxElements)
	}
	x.cuts = append(x.cuts, uint32(len(r.scratch)))
	s.data, s.start, s.stop, s.ends, s.parts, s.vague = r.scratch, 0, uint32(len(r.scratch)), x.cuts, nil, true
	if len(s.ends) > r.o.MaxElements+1 {
		s.ends, s.Overfull = s.ends[:r.o.MaxElements+1], true
	}
}

// unterminated takes what the stream ends with, which may be no segment.
func (r *Reader) unterminated() (*Segment, error) {
	if r.fresh {
		r.layout.Terminator, r.layout.Suffix, r.fresh = r.d.Segment, "", false
	}
	s, x := &r.seg, &r.index
	raw := r.buf[r.from:r.to]
	s.Offset, s.Unterminated, s.start, s.data, s.d = r.offset(), true, uint32(r.from), r.buf, &r.d
	trimmed := bytes.TrimRight(raw, "\x1a\x00 \t\r\n")
	if len(trimmed) < len(raw) && bytes.IndexByte(raw[len(trimmed):], 0x1a) >= 0 {
		r.note(TrailingControl, s.Offset+int64(len(trimmed)), raw[len(trimmed):])
	}
	end := r.from + len(trimmed)
	r.from = r.to
	if len(trimmed) == 0 {
		return nil, io.EOF
	}
	r.note(NoTerminator, s.Offset+int64(len(trimmed)), nil)
	if !r.overfull {
		x.cuts = append(x.cuts, uint32(r.to))
	}
	s.ends, s.stop = x.cuts[x.cut:], uint32(end)
	x.cut = len(x.cuts)
	if !r.overfull {
		r.trimEnd(end)
	}
	return r.take(end)
}

// count follows the interchange: its end, and what is allowed in it.
func (r *Reader) count(s *Segment) error {
	switch s.Key {
	case r.last:
		r.inside = false
	case r.first:
		if r.sets++; r.o.MaxSets > 0 && r.sets > r.o.MaxSets {
			return &LimitError{Offset: s.Offset, What: "sets", Limit: int64(r.o.MaxSets)}
		}
	}
	if r.o.MaxInterchange > 0 && s.Offset+int64(len(s.Raw())) > r.start+r.o.MaxInterchange {
		return &LimitError{Offset: s.Offset, What: "bytes", Limit: r.o.MaxInterchange}
	}
	return nil
}

// setKeys are the segments that begin a set.
var setKeys = [...]Key{X12: KeyOf("ST"), EDIFACT: KeyOf("UNH"), TRADACOMS: KeyOf("MHD")}

// lastKeys are the segments that end an interchange.
var lastKeys = [...]Key{X12: KeyOf("IEA"), EDIFACT: KeyOf("UNZ"), TRADACOMS: KeyOf("END")}

// skipBlank passes over line ends and blanks between segments.
func (r *Reader) skipBlank() error {
	for {
		for r.from < r.to {
			switch r.buf[r.from] {
			case '\r', '\n', ' ', '\t':
				r.from++
			default:
				r.index.pass(r.from)
				return nil
			}
		}
		r.index.pass(r.from)
		if more, err := r.fill(); err != nil {
			return err
		} else if !more {
			return io.EOF
		}
	}
}

// begin finds the next interchange.
func (r *Reader) begin() error {
	start := r.offset()
	if head, err := r.want(3); err != nil {
		return err
	} else if !r.began && bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		r.note(ByteOrderMark, start, nil)
		r.from += 3
		start += 3
	}
	if err := r.skipFiller(start); err != nil {
		return err
	}
	head, err := r.want(headerWindow)
	if err != nil {
		return err
	}
	if err := r.header(head); err != nil {
		if !r.began || !errors.Is(err, ErrNotEDI) {
			return err
		}
		r.note(TrailingData, r.offset(), head)
		return io.EOF
	}
	// lineEnd looks behind the header, in whatever pieces the stream comes.
	const behind = 4096
	if _, err := r.want(behind); err != nil {
		return err
	}
	r.began, r.inside, r.fresh = true, true, true
	r.start, r.sets, r.first, r.last = r.offset(), 0, setKeys[r.std], lastKeys[r.std]
	r.index.use(&r.d, r.from)
	return nil
}

// skipFiller passes over what may stand between interchanges.
func (r *Reader) skipFiller(start int64) error {
	control := false
	for {
		for r.from < r.to {
			switch r.buf[r.from] {
			case 0x1a, 0:
				control = true
				r.from++
			case '\r', '\n', ' ', '\t':
				r.from++
			default:
				if !r.began && r.offset() > start {
					r.note(LeadingBlank, start, nil)
				}
				return nil
			}
		}
		more, err := r.fill()
		if err != nil {
			return err
		}
		if !more {
			if !r.began {
				return ErrNotEDI
			}
			if control {
				r.note(TrailingControl, start, nil)
			}
			return io.EOF
		}
	}
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
