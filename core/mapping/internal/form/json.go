package form

import (
	"encoding/json"
	"unicode/utf8"
)

// Scanner reads JSON piece by piece. It refuses what the grammar does not allow,
// and leaves it to others to say why.
type Scanner struct {
	Src string
	At  int // of the next byte
}

// Space passes over white space.
func (r *Scanner) Space() {
	for r.At < len(r.Src) {
		switch r.Src[r.At] {
		case ' ', '\t', '\r', '\n':
			r.At++
		default:
			return
		}
	}
}

// Word reads a word such as true, and reports whether it stands there.
func (r *Scanner) Word(w string) bool {
	if len(r.Src)-r.At < len(w) || r.Src[r.At:r.At+len(w)] != w {
		return false
	}
	r.At += len(w)
	return true
}

// Colon reads the colon behind a name.
func (r *Scanner) Colon() bool {
	r.Space()
	if r.At >= len(r.Src) || r.Src[r.At] != ':' {
		return false
	}
	r.At++
	r.Space()
	return true
}

// Next reads a comma, or the end of the object or list.
func (r *Scanner) Next(end byte) (done, ok bool) {
	r.Space()
	if r.At >= len(r.Src) {
		return false, false
	}
	c := r.Src[r.At]
	r.At++
	return c == end, c == end || c == ','
}

// Text reads a text with its quotes.
func (r *Scanner) Text() (string, bool) {
	start := r.At + 1
	for i := start; i < len(r.Src); i++ {
		switch c := r.Src[i]; {
		case c == '"':
			r.At = i + 1
			return r.Src[start:i], true
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

func (r *Scanner) escaped(start, i int) (string, bool) {
	for ; i < len(r.Src) && r.Src[i] != '"'; i++ {
		if r.Src[i] == '\\' {
			i++
		}
	}
	if i >= len(r.Src) {
		return "", false
	}
	var s string
	err := json.Unmarshal([]byte(r.Src[start-1:i+1]), &s)
	r.At = i + 1
	return s, err == nil
}

// Number reads the digits of a number, by the grammar of RFC 8259, section 6.
func (r *Scanner) Number() (string, bool) {
	start := r.At
	if r.Src[r.At] == '-' {
		r.At++
	}
	switch {
	case r.At < len(r.Src) && r.Src[r.At] == '0':
		r.At++
	case !r.digits():
		return "", false
	}
	if r.At < len(r.Src) && r.Src[r.At] == '.' {
		if r.At++; !r.digits() {
			return "", false
		}
	}
	if r.At < len(r.Src) && (r.Src[r.At] == 'e' || r.Src[r.At] == 'E') {
		if r.At++; r.At < len(r.Src) && (r.Src[r.At] == '+' || r.Src[r.At] == '-') {
			r.At++
		}
		if !r.digits() {
			return "", false
		}
	}
	return r.Src[start:r.At], true
}

func (r *Scanner) digits() bool {
	start := r.At
	for r.At < len(r.Src) && r.Src[r.At] >= '0' && r.Src[r.At] <= '9' {
		r.At++
	}
	return r.At > start
}

// AppendCompact writes JSON that was read before, without its spaces and with the
// escapes that AppendText uses.
func AppendCompact(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := i + 1
			for s[end] != '"' && s[end] != '\\' {
				end++
			}
			if s[end] == '"' {
				b = append(b, s[i:end+1]...)
				i = end
				continue
			}
			for ; s[end] != '"'; end++ {
				if s[end] == '\\' {
					end++
				}
			}
			var text string
			_ = json.Unmarshal([]byte(s[i:end+1]), &text) // the reader unescaped it too
			b = AppendText(b, text)
			i = end
		default:
			b = append(b, c)
		}
	}
	return b
}

// AppendText writes text. Texts of documents are valid UTF-8; those that
// functions cut may not be, and are for the interpreter's writer.
func AppendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += size - 1
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	return append(append(b, s[start:]...), '"')
}
