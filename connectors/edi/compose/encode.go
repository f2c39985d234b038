package compose

import (
	"fmt"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// cell is one value of a segment, at its place. All three count from 1.
type cell struct {
	element, repeat, component int
	text                       string
	from                       *value // nil for what the writer makes itself
}

// segment is a segment of a set, before it has separators. Its cells are in
// order; what is empty has none.
type segment struct {
	tag   string
	node  *grammar.Node // nil for headers, trailers and what has no place
	in    *frame
	from  *value // whose members its elements are
	cells []cell
}

func (s *segment) add(element int, text string, from *value) {
	if text != "" {
		s.cells = append(s.cells, cell{element, 1, 1, text, from})
	}
}

// frame is a loop that is open, or the set's body.
type frame struct {
	up   *frame
	body []*grammar.Node
	from *value
}

// encoder writes segments with a partner's separators.
type encoder struct {
	d        syntax.Delimiters
	suffix   string
	latin    bool // ISO 8859-1
	own      bool // a value is written in the character set that its document was read with
	lenient  bool // components may stand where none belong
	out      []byte
	problems *problems
}

func (e *encoder) segment(s *segment, position int) {
	e.out = append(e.out, s.tag...)
	element, repeat, component := 0, 1, 1
	for i := range s.cells {
		c := &s.cells[i]
		for ; element < c.element; element++ {
			e.out = append(e.out, e.d.Element)
			repeat, component = 1, 1
		}
		for ; repeat < c.repeat; repeat++ {
			e.separator(e.d.Repetition, "repetition", s, c, position)
			component = 1
		}
		for ; component < c.component; component++ {
			e.separator(e.d.Component, "component", s, c, position)
		}
		e.value(s, c, position)
	}
	e.end()
}

func (e *encoder) end() {
	e.out = append(append(e.out, e.d.Segment), e.suffix...)
}

func (e *encoder) separator(by byte, what string, s *segment, c *cell, position int) {
	if by == 0 {
		e.problems.at(c.from, s.place(c.element, 0, position), "give one value, or agree on a "+what+" separator",
			"the interchange has no %s separator", what)
		return
	}
	e.out = append(e.out, by)
}

func (e *encoder) value(s *segment, c *cell, position int) {
	data := c.text
	if e.latin || e.own && c.from.latin() {
		var ok bool
		if data, ok = narrow(data); !ok {
			e.problems.at(c.from, s.place(c.element, c.component, position), "write it otherwise, or agree on another character set",
				"the value %q has characters that are not in ISO 8859-1, the character set of the interchange", clip(c.text))
			return
		}
	}
	for i := range len(data) {
		b := data[i]
		if e.special(b) && !(e.lenient && e.d.Release == 0 && (b == e.d.Component || b == e.d.Repetition)) {
			if e.d.Release == 0 {
				e.problems.add(&DelimiterError{
					Problem: Problem{
						Document: e.problems.document, Pointer: c.from.pointer(), Place: s.place(c.element, c.component, position),
						Message: fmt.Sprintf("the value %q contains the separator %q, which X12 cannot write", clip(c.text), b),
						Hint:    "change the value, or the partner's separators",
					},
					Value: c.text, Delimiter: b,
				})
				return
			}
			e.out = append(e.out, e.d.Release)
		}
		e.out = append(e.out, b)
	}
}

// narrow turns text into ISO 8859-1.
func narrow(s string) (string, bool) {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf {
		i++
	}
	if i == len(s) {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return "", false
		}
		out = append(out, byte(r))
	}
	return string(out), true
}

func (e *encoder) special(b byte) bool {
	if b == '\r' && e.d.Segment == '\n' {
		return true // readers take it for a part of the terminator
	}
	return b == e.d.Element || b == e.d.Segment || b != 0 && (b == e.d.Component || b == e.d.Repetition || b == e.d.Release)
}

// place names an element for people: BEG03 (segment 2).
func (s *segment) place(element, component, position int) string {
	out := s.tag
	if element > 0 {
		out += fmt.Sprintf("%02d", element)
		if component > 0 && s.composite(element) {
			out += fmt.Sprintf("-%d", component)
		}
	}
	if position > 0 {
		out += fmt.Sprintf(", segment %d", position)
	}
	return out
}

func (s *segment) composite(element int) bool {
	return s.node != nil && element <= len(s.node.Segment.Elements) && s.node.Segment.Elements[element-1].Composite != nil
}

// clip shortens a value for a message.
func clip(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// splits tells whether an element that stands as it is would be read as several.
func (e *encoder) splits(v string) (byte, bool) {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == e.d.Release && c != 0:
			i++
		case c == e.d.Element || c == e.d.Segment:
			return c, true
		}
	}
	return 0, false
}
