package shape

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Where values come from is written behind them, between two control characters
// that JSON does not have, and goes with them wherever the builder moves them.
// When the document is whole, its marks are taken out and get their paths.

const (
	markBegin = 0x00
	markEnd   = 0x01
)

// mark writes where a value stands.
func (b *builder) mark(out []byte, seg *syntax.Segment, v value) []byte {
	// The value is a part of the element's bytes, so that their capacities tell
	// the distance.
	offset := seg.ElementOffset(v.element) + int64(cap(seg.Element(v.element))-cap(v.data))
	return appendMark(out, string(seg.Tag()), b.set.Segments, v, offset)
}

func appendMark(out []byte, tag string, position int, v value, offset int64) []byte {
	out = append(out, markBegin)
	for _, c := range []byte(tag) {
		if c >= ' ' {
			out = append(out, c)
		}
	}
	for _, n := range [...]int64{int64(position), int64(v.element), int64(v.component), int64(v.repeat), offset} {
		out = strconv.AppendInt(append(out, '\n'), n, 10)
	}
	return append(out, markEnd)
}

func readMark(mark []byte) Origin {
	tag, rest, _ := bytes.Cut(mark, []byte{'\n'})
	var n [5]int64
	at := 0
	for _, c := range rest {
		switch {
		case c == '\n':
			at = min(at+1, len(n)-1)
		case c >= '0' && c <= '9':
			n[at] = n[at]*10 + int64(c-'0')
		}
	}
	return Origin{Segment: string(tag), Position: int(n[0]), Element: int(n[1]), Component: int(n[2]), Repeat: int(n[3]), Offset: n[4]}
}

// path is a JSON pointer that follows a document.
type path struct {
	text  []byte
	stack []step
}

type step struct {
	list  bool
	base  int // of text, which is the path of the object or list itself
	index int
	value bool // of an object: a value comes next, not a name
}

func (p *path) push(list bool) {
	p.stack = append(p.stack, step{list: list, base: len(p.text)})
	if list {
		p.text = append(p.text, "/0"...)
	}
}

func (p *path) pop() {
	last := len(p.stack) - 1
	p.text = p.text[:p.stack[last].base]
	p.stack = p.stack[:last]
}

func (p *path) comma() {
	s := &p.stack[len(p.stack)-1]
	if s.value = false; s.list {
		s.index++
		p.text = strconv.AppendInt(append(p.text[:s.base], '/'), int64(s.index), 10)
	}
}

// name takes a string and tells whether it was the name of a member.
func (p *path) name(quoted []byte) bool {
	s := &p.stack[len(p.stack)-1]
	if s.list || s.value {
		return false
	}
	s.value = true
	name := string(quoted[1 : len(quoted)-1])
	if strings.IndexByte(name, '\\') >= 0 {
		if err := json.Unmarshal(quoted, &name); err != nil {
			return true // the builder writes valid strings
		}
	}
	if strings.ContainsAny(name, "~/") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	p.text = append(append(p.text[:s.base], '/'), name...)
	return true
}

// origins appends a document without its marks to out, and what they say to list.
func origins(out, doc []byte, list []Origin) ([]byte, []Origin) {
	var p path
	for i := 0; i < len(doc); {
		switch c := doc[i]; c {
		case '{', '[':
			p.push(c == '[')
		case '}', ']':
			p.pop()
		case ',':
			p.comma()
		case '"':
			end := i + 1
			for doc[end] != '"' {
				if doc[end] == '\\' {
					end++
				}
				end++
			}
			p.name(doc[i : end+1])
			out = append(out, doc[i:end]...)
			i = end
		case markBegin:
			end := i + bytes.IndexByte(doc[i:], markEnd)
			o := readMark(doc[i+1 : end])
			o.Path = string(p.text)
			list = append(list, o)
			i = end + 1
			continue
		}
		out = append(out, doc[i])
		i++
	}
	return out, list
}
