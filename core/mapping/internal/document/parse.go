package document

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parse reads one JSON document. The root is called name in paths. Unlike
// encoding/json it keeps order and digits, refuses a key that appears twice
// (two readers would disagree about it), and limits depth.
func Parse(doc []byte, name string) (*Node, error) {
	if len(doc) > MaxDocument {
		return nil, fmt.Errorf("the document has %d bytes; %d are the limit", len(doc), MaxDocument)
	}
	if !utf8.Valid(doc) {
		return nil, fmt.Errorf("the document is not UTF-8 text")
	}
	p := reader{s: string(doc)}
	p.space()
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(p.s) {
		return nil, p.fail("unexpected text after the end of the document")
	}
	n.Key = name
	return n, nil
}

type reader struct {
	s string
	i int
}

func (p *reader) fail(format string, args ...any) error {
	line, col := 1, 1
	for _, c := range p.s[:min(p.i, len(p.s))] {
		col++
		if c == '\n' {
			line, col = line+1, 1
		}
	}
	return fmt.Errorf("the document is not valid JSON at line %d, column %d: %s", line, col, fmt.Sprintf(format, args...))
}

func (p *reader) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return
		}
	}
}

func (p *reader) value(depth int) (*Node, error) {
	if p.i >= len(p.s) {
		return nil, p.fail("it ends where a value is expected")
	}
	switch c := p.s[p.i]; {
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			return nil, p.fail("objects and lists nest deeper than %d", MaxDepth)
		}
		if c == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case c == '"':
		s, err := p.text()
		if err != nil {
			return nil, err
		}
		return NewText(s), nil
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, w := range words {
		if strings.HasPrefix(p.s[p.i:], w.text) {
			p.i += len(w.text)
			return &Node{Kind: w.kind, Truth: w.truth}, nil
		}
	}
	return nil, p.fail("a value cannot begin with %q", p.s[p.i])
}

var words = [...]struct {
	text  string
	kind  Kind
	truth bool
}{{"true", Bool, true}, {"false", Bool, false}, {"null", Null, false}}

func (p *reader) object(depth int) (*Node, error) {
	n := NewObject("")
	p.i++
	for {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '}' && len(n.Keys) == 0 {
			p.i++
			return n, nil
		}
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return nil, p.fail("expected a member name in quotes")
		}
		at := p.i
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if n.Get(key) != nil {
			p.i = at
			return nil, p.fail("the member %q appears twice", key)
		}
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			return nil, p.fail("expected a colon after %q", key)
		}
		p.i++
		p.space()
		kid, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		kid.Parent, kid.Key = n, key
		n.Put(key, kid)
		if done, err := p.next('}'); err != nil || done {
			return n, err
		}
	}
}

func (p *reader) array(depth int) (*Node, error) {
	n := &Node{Kind: List}
	p.i++
	for {
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ']' && len(n.Kids) == 0 {
			p.i++
			return n, nil
		}
		kid, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		kid.Parent, kid.Pos = n, len(n.Kids)
		n.Kids = append(n.Kids, kid)
		if done, err := p.next(']'); err != nil || done {
			return n, err
		}
	}
}

// next reads a comma, or the end of the object or array.
func (p *reader) next(end byte) (done bool, err error) {
	p.space()
	if p.i >= len(p.s) {
		return false, p.fail("it ends where a comma or %q is expected", end)
	}
	switch c := p.s[p.i]; c {
	case ',':
		p.i++
		return false, nil
	case end:
		p.i++
		return true, nil
	}
	return false, p.fail("expected a comma or %q, found %q", end, p.s[p.i])
}

func (p *reader) text() (string, error) {
	start := p.i
	for i := start + 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '"':
			p.i = i + 1
			return p.s[start+1 : i], nil
		case c == '\\':
			return p.escaped(start, i)
		case c < ' ':
			p.i = i
			return "", p.fail("a control character must be written as \\u%04x", c)
		}
	}
	return "", p.fail("a text has no closing quote")
}

// escaped reads a text that has a backslash at i.
func (p *reader) escaped(start, i int) (string, error) {
	for ; i < len(p.s) && p.s[i] != '"'; i++ {
		if p.s[i] == '\\' {
			i++
		}
	}
	if i >= len(p.s) {
		return "", p.fail("a text has no closing quote")
	}
	var s string
	if err := json.Unmarshal([]byte(p.s[start:i+1]), &s); err != nil {
		return "", p.fail("%s", err)
	}
	p.i = i + 1
	return s, nil
}

// number reads by the grammar of RFC 8259, section 6.
func (p *reader) number() (*Node, error) {
	start := p.i
	if p.s[p.i] == '-' {
		p.i++
	}
	switch {
	case p.i < len(p.s) && p.s[p.i] == '0':
		p.i++
	case p.digits() == 0:
		return nil, p.fail("a number needs digits")
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		p.i++
		if p.digits() == 0 {
			return nil, p.fail("a number needs digits after the point")
		}
	}
	if p.i < len(p.s) && (p.s[p.i] == 'e' || p.s[p.i] == 'E') {
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		if p.digits() == 0 {
			return nil, p.fail("a number needs digits after the exponent")
		}
	}
	return NewNumber(p.s[start:p.i]), nil
}

func (p *reader) digits() int {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i - start
}
