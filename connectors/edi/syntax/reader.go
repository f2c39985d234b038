package syntax

import (
	"bytes"
	"errors"
	"io"
)

// Options limit what a Reader takes.
type Options struct {
	// MaxSegment is the longest segment in bytes; 0 means 1 MiB. It bounds the
	// reader's memory.
	MaxSegment int
}

// ErrNotEDI says that the stream does not begin with an interchange.
var ErrNotEDI = errors.New("no interchange begins here: expected ISA (X12), UNA or UNB (EDIFACT) or STX (TRADACOMS)")

// Reader cuts a stream into segments.
type Reader struct {
	r        io.Reader
	max      int
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
	scratch  []byte
	notes    []Note
	fresh    bool // the next segment is the header
	layout   Layout
}

// NewReader returns a Reader of r, which needs no buffer of its own.
func NewReader(r io.Reader, o Options) *Reader {
	if o.MaxSegment <= 0 {
		o.MaxSegment = 1 << 20
	}
	const window = 64 << 10
	return &Reader{r: r, max: o.MaxSegment, buf: make([]byte, window)}
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
// *HeaderError, a *SegmentError, ErrNotEDI, or those of the stream; after them
// nothing more can be read.
func (r *Reader) Next() (*Segment, error) {
	if !r.inside {
		if err := r.begin(); err != nil {
			return nil, err
		}
	} else if err := r.skipBlank(); err != nil {
		return nil, err
	}
	head, err := r.want(4)
	if err != nil {
		return nil, err
	}
	if r.inside && !r.fresh && newHeader(head, r.d) {
		// The last interchange has no trailer; another one begins.
		r.inside = false
		return r.Next()
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
// stream ends first. The limit holds for what was read at once, too, so that the
// same stream gives the same in pieces of any size.
func (r *Reader) terminator() (end int, err error) {
	from := 0
	for {
		window := r.buf[r.from:r.to]
		end, from = r.find(window, from)
		if max(end, from-1) > r.max {
			return 0, &SegmentError{Offset: r.offset(), Limit: r.max, Start: string(window[:min(20, len(window))])}
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

// find looks for a terminator from a place on; without one it returns -1 and
// where to go on.
func (r *Reader) find(window []byte, from int) (end, next int) {
	for {
		i := bytes.IndexByte(window[from:], r.d.Segment)
		if i < 0 {
			return -1, len(window)
		}
		i += from
		if r.d.Release == 0 || !escaped(window, i, r.d.Release) {
			return i, 0
		}
		from = i + 1
	}
}

// take makes the segment that ends at end, or with the stream when end is -1.
func (r *Reader) take(end int) (*Segment, error) {
	s := &r.seg
	s.Offset, s.Unterminated, s.d = r.offset(), end < 0, &r.d
	raw := r.buf[r.from:r.to]
	if end >= 0 {
		raw = raw[:end]
		r.from += end + 1
	} else {
		r.from = r.to
		if trimmed := bytes.TrimRight(raw, "\x1a\x00 \t\r\n"); len(trimmed) < len(raw) {
			if bytes.IndexByte(raw[len(trimmed):], 0x1a) >= 0 {
				r.note(TrailingControl, s.Offset+int64(len(trimmed)), raw[len(trimmed):])
			}
			raw = trimmed
		}
		if len(raw) == 0 {
			return nil, io.EOF
		}
		r.note(NoTerminator, s.Offset+int64(len(raw)), nil)
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
	}
	s.raw = raw
	s.split(r.std)
	if s.Key == lastKeys[r.std] {
		r.inside = false
	}
	return s, nil
}

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
