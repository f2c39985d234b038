package sef

import (
	"strconv"
	"strings"
)

// cursor reads one line.
type cursor struct {
	f    *file
	line int
	text string
	at   int
	bad  bool
}

func (c *cursor) problem(format string, args ...any) {
	c.bad = true
	c.f.problem(c.line, c.at+1, format, args...)
}

func (c *cursor) peek() byte {
	if c.at < len(c.text) {
		return c.text[c.at]
	}
	return 0
}

func (c *cursor) take(b byte) bool {
	if c.peek() == b {
		c.at++
		return true
	}
	return false
}

// word takes capital letters and digits.
func (c *cursor) word() string {
	from := c.at
	for c.at < len(c.text) && (c.text[c.at] >= '0' && c.text[c.at] <= '9' || c.text[c.at] >= 'A' && c.text[c.at] <= 'Z') {
		c.at++
	}
	return c.text[from:c.at]
}

// unlimited is a maximum that is none.
const unlimited = 0

// times takes a number or >1; without one it is 1.
func (c *cursor) times() int {
	if strings.HasPrefix(c.text[c.at:], ">1") {
		c.at += 2
		return unlimited
	}
	from := c.at
	for c.peek() >= '0' && c.peek() <= '9' {
		c.at++
	}
	if c.at == from {
		return 1
	}
	n, err := strconv.Atoi(c.text[from:c.at])
	if err != nil || n < 1 || n > 1<<30 {
		c.problem("%q is no maximum", c.text[from:c.at])
		return 1
	}
	return n
}

// increment takes the +10 by which positions are numbered.
func (c *cursor) increment() bool {
	if !c.take('+') {
		return false
	}
	if c.word() == "" {
		c.problem("+ needs a number here")
	}
	return true
}

// marks takes the signs of a partner's usage in front of a name.
func (c *cursor) marks() {
	for strings.IndexByte(".!$&-", c.peek()) >= 0 && c.peek() != 0 {
		c.f.partnerMarks++
		c.at++
	}
}

// reference is [REF*1,M,>1] or [353,M].
type reference struct {
	id        string
	line, col int
	mandatory bool
	max       int
}

// reference takes what stands between [ and ].
func (c *cursor) reference() (reference, bool) {
	c.marks()
	r := reference{line: c.line, col: c.at + 1, id: c.word(), max: 1}
	if r.id == "" {
		c.problem("a name is expected here")
		return r, false
	}
	if c.take('*') { // the mask that the partner's usage is in
		c.f.partnerMarks++
		if c.word() == "" {
			c.problem("* needs the number of a mask")
			return r, false
		}
	}
	if c.take(',') {
		switch use := c.word(); use {
		case "M":
			r.mandatory = true
		case "", "O", "C", "F", "X", "D", "S", "N":
		default:
			c.problem("%s: %q is no requirement; M is mandatory, O, C, F and X are not", r.id, use)
			return r, false
		}
	}
	if c.take(',') {
		r.max = c.times()
	}
	if !c.take(']') {
		c.problem("%s: ] is expected here", r.id)
		return r, false
	}
	return r, !c.bad
}

// set is a table.
type set struct {
	id   string
	line int
	body []*item
}

// item is a segment or, with a body, a loop.
type item struct {
	reference
	body []*item
}

const (
	maxDepth = 12
	maxItems = 5000 // of a set
)

func (f *file) set(c *cursor, id string) {
	s := &set{id: id, line: c.line}
	count := 0
	s.body = c.items(0, &count)
	if !c.bad && c.at < len(c.text) {
		c.problem("} without {")
	}
	if len(f.sets) >= 1000 {
		c.problem("more than 1000 sets")
	}
	if c.bad {
		return
	}
	s.body = inner(s.body)
	if len(s.body) == 0 {
		c.problem("the set %s has no segments", id)
		return
	}
	f.sets = append(f.sets, s)
}

// inner leaves out the set's header and trailer, which grammars do not repeat.
func inner(body []*item) []*item {
	envelope := func(i *item) bool {
		return i.body == nil && strings.Contains(" ST SE UNH UNT ", " "+i.id+" ")
	}
	if len(body) > 0 && envelope(body[0]) {
		body = body[1:]
	}
	if n := len(body); n > 0 && envelope(body[n-1]) {
		body = body[:n-1]
	}
	return body
}

// items takes segments and loops up to the end of the line or a }.
func (c *cursor) items(depth int, count *int) []*item {
	var out []*item
	for !c.bad {
		switch {
		case c.at == len(c.text) || c.peek() == '}':
			return out
		case c.take('^'): // a table of the set: header, detail, summary
		case c.increment():
		case c.take('['):
			if r, ok := c.reference(); ok {
				out = append(out, &item{reference: r})
			}
		case c.take('{'):
			if loop := c.loop(depth, count); loop != nil {
				out = append(out, loop)
			}
		default:
			c.problem("%q is not understood in a set: segments are written [REF,,>1], loops {:200[N1][N2]}", c.text[c.at])
		}
		if *count++; *count > maxItems {
			c.problem("the set has more than %d segments", maxItems)
		}
	}
	return out
}

// loop takes what follows {: an identifier, the maximum behind a colon.
func (c *cursor) loop(depth int, count *int) *item {
	if depth == maxDepth {
		c.problem("loops are nested more than %d times", maxDepth)
		return nil
	}
	c.marks()
	c.word()
	most := 1
	if c.take(':') {
		most = c.times()
	}
	body := c.items(depth+1, count)
	if c.bad {
		return nil
	}
	if !c.take('}') {
		c.problem("a loop is not closed: } is missing")
		return nil
	}
	if len(body) == 0 || body[0].body != nil {
		c.problem("a loop begins with a segment")
		return nil
	}
	// What opens a loop comes once in each of its items.
	loop := &item{reference: body[0].reference, body: body}
	loop.max, body[0].max, body[0].mandatory = most, 1, true
	return loop
}

// segment is a segment or a composite.
type segment struct {
	id       string
	line     int
	elements []reference
	rules    []string
	name     string
	names    []string // of the elements
}

const maxElements = 99

func (f *file) segment(c *cursor, id string, to *[]*segment) {
	s := &segment{id: id, line: c.line}
	s.elements = c.references(0)
	if !c.bad && c.take('+') {
		s.rules = c.rules(len(s.elements))
	}
	switch {
	case c.bad:
		return
	case c.take(','): // masks: the partner's usage
		f.partnerMarks++
	case c.at < len(c.text):
		c.problem("%q is not understood: elements are written [353,M], repeated {2[235][234]}, conditions +P0304", c.text[c.at])
		return
	}
	if len(s.elements) == 0 {
		c.problem("%s has no elements", id)
		return
	}
	*to = append(*to, s)
}

// references takes elements, and groups of them that are written out.
func (c *cursor) references(depth int) []reference {
	var out []reference
	for !c.bad {
		switch {
		case c.take('['):
			if r, ok := c.reference(); ok {
				out = append(out, r)
			}
		case c.take('{'):
			if depth == maxDepth {
				c.problem("groups are nested more than %d times", maxDepth)
				return out
			}
			n := c.times()
			group := c.references(depth + 1)
			if c.bad {
				return out
			}
			if !c.take('}') || n == unlimited || len(out)+n*len(group) > maxElements {
				c.problem("a group of elements is written as in {2[235][234]}, %d elements at most", maxElements)
				return out
			}
			for range n {
				out = append(out, group...)
			}
		default:
			return out
		}
		if len(out) > maxElements {
			c.problem("more than %d elements", maxElements)
		}
	}
	return out
}

// rules takes conditions that follow each other: P0203C0405.
func (c *cursor) rules(elements int) []string {
	var out []string
	for c.at < len(c.text) && c.peek() != ',' {
		from := c.at
		kind := c.peek()
		if strings.IndexByte("PRECL", kind) < 0 {
			c.problem("%q is no condition; P, R, E, C and L with the positions of elements are known, as in P0304", c.text[c.at])
			return out
		}
		c.at++
		positions := 0
		for c.at+1 < len(c.text) && digit(c.text[c.at]) && digit(c.text[c.at+1]) {
			n := int(c.text[c.at]-'0')*10 + int(c.text[c.at+1]-'0')
			if n < 1 || n > min(elements, 64) {
				c.problem("the condition names the element %02d, there are %d", n, elements)
				return out
			}
			positions++
			c.at += 2
		}
		if positions < 2 {
			c.problem("the condition %c needs two elements at least", kind)
			return out
		}
		out = append(out, c.text[from:c.at])
	}
	return out
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
