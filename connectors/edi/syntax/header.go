package syntax

import (
	"bytes"
	"fmt"
)

// headerWindow is how many bytes are looked at to understand a header. ISA has
// 106 when it is padded; partners who pad too much stay far below this.
const headerWindow = 400

// header reads the separators that an interchange declares.
func (r *Reader) header(head []byte) error {
	r.wrapped, r.layout = false, Layout{}
	switch {
	case bytes.HasPrefix(head, []byte("ISA")):
		return r.isa(head)
	case bytes.HasPrefix(head, []byte("UNA")):
		return r.una(head)
	case bytes.HasPrefix(head, []byte("UNB")):
		r.std, r.d = EDIFACT, Delimiters{Segment: '\'', Element: '+', Component: ':', Release: '?', Decimal: '.'}
		return r.unb(head)
	case bytes.HasPrefix(head, []byte("STX=")):
		r.std, r.d = TRADACOMS, Delimiters{Segment: '\'', Element: '+', Component: ':', Release: '?', Decimal: '.'}
		return nil
	}
	return ErrNotEDI
}

// isa finds the separators of X12 (X12.5): the fourth character separates
// elements, ISA16 components, and what follows ends segments. The sixteen
// separators are counted, because many partners do not pad ISA to its 106
// characters.
func (r *Reader) isa(head []byte) error {
	if len(head) < 4 {
		return ErrNotEDI
	}
	d := Delimiters{Element: head[3], Decimal: '.'}
	bad := func(format string, args ...any) error {
		return &HeaderError{
			Standard: X12, Offset: r.offset(), Reason: fmt.Sprintf(format, args...),
			Hint: "ISA has 16 elements, each followed by the separator that stands behind ISA, the last by the component separator and the segment terminator",
		}
	}
	if alphanumeric(d.Element) || d.Element == 0 || d.Element == ' ' || d.Element == '\r' || d.Element == '\n' {
		return bad("the character %q behind ISA cannot separate elements", d.Element)
	}
	ends, lines := 0, false
	at := -1
	for i := 3; i < len(head); i++ {
		switch head[i] {
		case d.Element:
			ends++
		case '\n':
			lines = true
		}
		if ends == 16 {
			at = i
			break
		}
	}
	if at < 0 {
		return bad("the ISA segment has %d elements instead of 16", ends)
	}
	rest := head[at+1:]
	if lines {
		rest = bytes.TrimLeft(rest, "\r\n")
	}
	if len(rest) < 2 {
		return bad("the file ends in ISA")
	}
	d.Component, d.Segment = rest[0], rest[1]
	if d.Segment == '\r' || d.Segment == '\n' {
		// The lines may be cut just between ISA16 and the terminator.
		if next := bytes.TrimLeft(rest[1:], "\r\n"); len(next) > 0 && !alphanumeric(next[0]) && next[0] != d.Element && followsISA(next[1:]) {
			d.Segment, lines = next[0], true
		}
	}
	if d.Segment == '\r' && len(rest) > 2 && rest[2] == '\n' {
		d.Segment = '\n' // CR LF as the terminator: the CR is trimmed
	}
	if alphanumeric(d.Segment) || d.Segment == ' ' || d.Segment == 0 || d.Segment == d.Element || d.Segment == d.Component {
		return bad("the character %q behind ISA16 cannot end segments", d.Segment)
	}
	if alphanumeric(d.Component) || d.Component == ' ' || d.Component == '\r' || d.Component == '\n' || d.Component == d.Element {
		d.Component = 0 // it is in every other value, or ends it: nothing is cut at it
	}
	if version := isaVersion(head, d.Element); version >= "00402" {
		if c := isaElement(head, d.Element, 11); len(c) == 1 && !alphanumeric(c[0]) && c[0] != ' ' && c[0] != d.Element && c[0] != d.Component && c[0] != d.Segment {
			d.Repetition = c[0]
		}
	}
	r.std, r.d = X12, d
	if lines && d.Segment != '\n' {
		r.wrapped = true
		r.note(Wrapped, r.offset(), nil)
	}
	return nil
}

// followsISA recognises the segments that may come next.
func followsISA(b []byte) bool {
	b = bytes.TrimLeft(b, "\r\n")
	for _, tag := range []string{"GS", "TA1", "ISB", "ISE", "IEA"} {
		if bytes.HasPrefix(b, []byte(tag)) {
			return true
		}
	}
	return false
}

func isaVersion(head []byte, by byte) string { return string(isaElement(head, by, 12)) }

func isaElement(head []byte, by byte, n int) []byte {
	parts := bytes.SplitN(head, []byte{by}, n+2)
	if len(parts) <= n {
		return nil
	}
	return bytes.Trim(parts[n], "\r\n")
}

// una reads the service string advice (ISO 9735-1, 8.1): component separator,
// element separator, decimal mark, release character, repetition separator
// (reserved before syntax 4), segment terminator.
func (r *Reader) una(head []byte) error {
	const size = 9
	if len(head) < size {
		return ErrNotEDI
	}
	d := Delimiters{Component: head[3], Element: head[4], Decimal: head[5], Release: head[6], Repetition: head[7], Segment: head[8]}
	if d.Release == ' ' || d.Release == d.Element || d.Release == d.Component || d.Release == d.Segment {
		d.Release = 0 // what separates cannot release
	}
	if c := d.Repetition; c == ' ' || c == d.Element || c == d.Component || c == d.Segment || c == d.Release {
		d.Repetition = 0
	}
	if alphanumeric(d.Element) || alphanumeric(d.Component) || alphanumeric(d.Segment) || alphanumeric(d.Release) || alphanumeric(d.Repetition) || d.Element == 0 || d.Segment == 0 || d.Component == 0 ||
		d.Element == ' ' || d.Segment == ' ' || d.Component == ' ' || d.Element == d.Component || d.Element == d.Segment || d.Component == d.Segment {
		return &HeaderError{
			Standard: EDIFACT, Offset: r.offset(), Reason: fmt.Sprintf("the service string advice %q does not give three different separators", head[:size]),
			Hint: "UNA is followed by six characters, as in UNA:+.? '",
		}
	}
	r.std, r.d, r.layout.UNA = EDIFACT, d, true
	start := r.offset()
	r.from += size
	for r.from < r.to && (r.buf[r.from] == '\r' || r.buf[r.from] == '\n' || r.buf[r.from] == ' ') {
		r.from++
	}
	head, err := r.want(headerWindow)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(head, []byte("UNB")) && !bytes.HasPrefix(head, []byte("UNG")) && !bytes.HasPrefix(head, []byte("UNH")) {
		return &HeaderError{Standard: EDIFACT, Offset: start, Reason: "UNA is not followed by UNB", Hint: "the interchange header UNB comes behind the service string advice"}
	}
	return r.unb(head)
}

// unb looks whether the header is cut into lines, and gives syntax version 4 its
// repetition separator.
func (r *Reader) unb(head []byte) error {
	end := bytes.IndexByte(head, r.d.Segment)
	if end < 0 {
		end = len(head)
	}
	if r.d.Segment != '\n' && r.d.Segment != '\r' && bytes.IndexByte(head[:end], '\n') >= 0 {
		r.wrapped = true
		r.note(Wrapped, r.offset(), nil)
	}
	// S001: syntax identifier and version, as in UNOC:4. Before version 4 the
	// fifth character of UNA was reserved and does not separate.
	first, _, _ := bytes.Cut(head[min(end, 4):end], []byte{r.d.Element})
	_, version, _ := bytes.Cut(first, []byte{r.d.Component})
	four := len(version) > 0 && version[0] == '4'
	switch {
	case four && r.d.Repetition == 0:
		if d := &r.d; d.Element != '*' && d.Component != '*' && d.Segment != '*' && d.Release != '*' {
			d.Repetition = '*'
		}
	case !four:
		r.d.Repetition = 0
	}
	return nil
}
