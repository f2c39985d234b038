package formats

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// codec finds a character encoding; nil is UTF-8, which needs none.
func codec(name string) (encoding.Encoding, error) {
	switch name {
	case "", "utf-8":
		return nil, nil
	case "latin1", "iso-8859-1":
		return charmap.ISO8859_1, nil
	case "windows-1252":
		return charmap.Windows1252, nil
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	default:
		return nil, fmt.Errorf("%q is no encoding: utf-8, latin1, windows-1252 or utf-16", name)
	}
}

// decodeText gives UTF-8 without a byte order mark.
func decodeText(r io.Reader, name string) (*bufio.Reader, error) {
	charset, err := codec(name)
	if err != nil {
		return nil, err
	}
	if charset != nil {
		r = charset.NewDecoder().Reader(r)
	}
	text := bufio.NewReaderSize(r, 64<<10)
	if mark, err := text.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = text.Discard(3) // they were just seen
	}
	return text, nil
}

// encodeText takes UTF-8 and writes name; a character that does not exist
// there is an error.
func encodeText(w io.Writer, name string) io.Writer {
	charset, err := codec(name)
	if err != nil || charset == nil {
		return w
	}
	return &charsetWriter{to: w, encoder: charset.NewEncoder(), name: name}
}

type charsetWriter struct {
	to      io.Writer
	encoder *encoding.Encoder
	name    string
}

func (c *charsetWriter) Write(p []byte) (int, error) {
	encoded, err := c.encoder.Bytes(p)
	if err != nil {
		return 0, &Error{Reason: fmt.Sprintf("%.60q contains a character that %s does not have: set encoding: utf-8, or replace it in the mapping", p, c.name)}
	}
	if _, err := c.to.Write(encoded); err != nil {
		return 0, err
	}
	return len(p), nil
}

// errTooLong is returned by readLine for a line over the limit.
var errTooLong = errors.New("line too long")

// lines reads lines and knows where it is.
type lines struct {
	r      *bufio.Reader
	file   string
	max    int64
	number int   // of the line last read
	start  int64 // its offset
	next   int64 // offset behind it
}

// read returns the next line without its end, io.EOF when there is none.
// Over-long lines are skipped to their end and give errTooLong with their
// beginning.
func (l *lines) read() ([]byte, error) {
	var line []byte
	l.start = l.next
	tooLong := false
	for {
		piece, err := l.r.ReadSlice('\n')
		l.next += int64(len(piece))
		if !tooLong {
			line = append(line, piece...)
			tooLong = int64(len(line)) > l.max+2
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if l.next == l.start {
			return nil, io.EOF
		}
		break
	}
	l.number++
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if tooLong || int64(len(line)) > l.max {
		return line[:min(int64(len(line)), l.max)], errTooLong
	}
	return line, nil
}

// fail makes an error at a character of the current line, counted from 0.
func (l *lines) fail(line []byte, char int, format string, args ...any) *Error {
	offset := 0
	for i := 0; i < char && offset < len(line); i++ {
		_, size := utf8.DecodeRune(line[offset:])
		offset += size
	}
	return &Error{
		File: l.file, Line: l.number, Col: char + 1, Offset: l.start + int64(offset),
		Reason: fmt.Sprintf(format, args...), Row: true, Content: bytes.Clone(line),
	}
}

// invalidUTF8 finds the first byte that is not text; -1 when all is.
func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// checkText reports bytes that are not UTF-8.
func (l *lines) checkText(line []byte) *Error {
	at := invalidUTF8(line)
	if at < 0 {
		return nil
	}
	return l.fail(line, utf8.RuneCount(line[:at]), "the byte 0x%02x is not UTF-8 text; if the partner sends Windows or Latin-1 text, set encoding", line[at])
}
