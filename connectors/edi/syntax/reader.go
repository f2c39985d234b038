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
	cut      cutter
	scratch  []byte
	notes    []Note
	fresh    bool  // the next segment is the header
	start    int64 // of the interchange
	sets     int   // of the interchange
	layout   Layout
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
	return &Reader{r: r, o: o, buf: make([]byte, window), cut: cutter{most: o.MaxElements}}
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
	if !r.fresh {
		if again, err := r.another(); err != nil {
			return nil, err
		} else if again {
			r.inside = false
			return r.Next()
		}
	}
	end, err := r.terminator()
	if err != nil {
		return nil, err
	}
	if r.fresh {
		if err := r.lineEnd(end); err != nil {
			return nil, err
		}
	}
	r.fresh = false
	return r.take(end)
}

// another tells whether the last interchange has no trailer and another one
// begins here.
func (r *Reader) another() (bool, error) {
	if c := r.buf[r.from]; c != 'I' && c != 'U' {
		return false, nil
	}
	head, err := r.want(4)
	return err == nil && newHeader(head, r.d), err
}

// lineEnd looks at what stands around the header's terminator.
func (r *Reader) lineEnd(end int) error {
	r.layout.Terminator, r.layout.Suffix = r.d.Segment, ""
	if end < 0 {
		return nil
	}
	const most = len("\r\n")
	window, err := r.want(end + 1 + most)
	if err != nil {
		return err
	}
	switch after := window[end+1:]; {
	case r.d.Segment == '\n' && end > 0 && window[end-1] == '\r':
		r.layout.Terminator, r.layout.Suffix = '\r', "\n"
	case bytes.HasPrefix(after, []byte("\r\n")):
		r.layout.Suffix = "\r\n"
	case len(after) > 0 && (after[0] == '\n' || after[0] == '\r'):
		r.layout.Suffix = string(after[:1])
	}
	return nil
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

// terminator finds the end of the segment that begins at r.from, -1 where the
// stream ends first, and its elements. The limit holds for what was read at once,
// too, so that the same stream gives the same in pieces of any size.
func (r *Reader) terminator() (end int, err error) {
	r.cut.begin()
	for {
		window := r.buf[r.from:r.to]
		end = r.cut.scan(window)
		if end > r.o.MaxSegment || end < 0 && len(window) > r.o.MaxSegment+1 {
			return 0, &SegmentError{Offset: r.offset(), Limit: r.o.MaxSegment, Start: string(window[:min(20, len(window))])}
		}
		if end >= 0 {
			return end, nil
		}
		more, err := r.fill()
		if err != nil {
			return 0, err
		}
		if !more {
			return -1, nil
		}
	}
}

// take makes the segment that ends at end, or with the stream when end is -1.
func (r *Reader) take(end int) (*Segment, error) {
	s := &r.seg
	s.Offset, s.Unterminated = r.offset(), end < 0
	raw := r.buf[r.from:r.to]
	if end >= 0 {
		raw = raw[:end]
		r.from += end + 1
	} else {
		if raw = r.unterminated(raw); len(raw) == 0 {
			return nil, io.EOF
		}
	}
	if r.d.Segment == '\n' {
		raw = bytes.TrimSuffix(raw, []byte("\r"))
	}
	if r.wrapped && bytes.ContainsAny(raw, "\r\n") {
		r.scratch = r.scratch[:0]
		for _, c := range raw {
			if c != '\r' && c != '\n' {
				r.scratch = append(r.scratch, c)
			}
		}
		raw = r.scratch
		r.cut.begin()
		r.cut.scan(raw)
	}
	r.cut.finish(s, raw)
	s.name(r.std)
	if err := r.count(s); err != nil {
		return nil, err
	}
	return s, nil
}

// unterminated takes what the stream ends with, which may be no segment.
func (r *Reader) unterminated(raw []byte) []byte {
	at := r.offset()
	r.from = r.to
	trimmed := bytes.TrimRight(raw, "\x1a\x00 \t\r\n")
	if len(trimmed) < len(raw) {
		if bytes.IndexByte(raw[len(trimmed):], 0x1a) >= 0 {
			r.note(TrailingControl, at+int64(len(trimmed)), raw[len(trimmed):])
		}
		r.cut.begin()
		r.cut.scan(trimmed)
	}
	if len(trimmed) > 0 {
		r.note(NoTerminator, at+int64(len(trimmed)), nil)
	}
	return trimmed
}

// count follows the interchange: its end, and what is allowed in it.
func (r *Reader) count(s *Segment) error {
	switch s.Key {
	case lastKeys[r.std]:
		r.inside = false
	case setKeys[r.std]:
		if r.sets++; r.o.MaxSets > 0 && r.sets > r.o.MaxSets {
			return &LimitError{Offset: s.Offset, What: "sets", Limit: int64(r.o.MaxSets)}
		}
	}
	if r.o.MaxInterchange > 0 && s.Offset+int64(len(s.raw)) > r.start+r.o.MaxInterchange {
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
				return nil
			}
		}
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
	r.began, r.inside, r.fresh = true, true, true
	r.start, r.sets = r.offset(), 0
	r.cut.use(&r.d)
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
