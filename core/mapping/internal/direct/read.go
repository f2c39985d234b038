package direct

import (
	"encoding/json"
	"sync/atomic"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// reader reads one document into the frame's arena. It takes what
// [document.Parse] takes, and leaves to it to say what is wrong with the rest.
type reader struct {
	src string
	i   int
}

// guesses say which member follows which: documents of one system have theirs in
// the same order, so that a name is mostly compared once and not looked up.
type guesses struct{ after []atomic.Int32 }

func newGuesses(names int) *guesses {
	g := &guesses{after: make([]atomic.Int32, names+1)}
	for i := range g.after {
		g.after[i].Store(int32(i)) // in the order of the schema, to begin with
	}
	return g
}

// source makes the shape of documents, and those of all objects in it.
func (m *Machine) sourceShape(s *schema.Schema, known map[*schema.Schema]*shape) (*shape, error) {
	s = s.Resolved()
	if s == nil {
		return nil, nil
	}
	if have, ok := known[s]; ok {
		return have, nil
	}
	switch s.Kind {
	case schema.List:
		out := &shape{}
		known[s] = out
		var err error
		out.item, err = m.sourceShape(s.Items, known)
		return out, err
	case schema.Object:
		if s.Open() {
			return nil, nil
		}
		out, err := m.newShape(s.Names())
		if err != nil {
			return nil, err
		}
		known[s] = out
		out.guess, out.kids = newGuesses(len(out.names)), make([]*shape, len(out.names))
		for i, name := range out.names {
			if out.kids[i], err = m.sourceShape(s.Member(name), known); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, nil
}

func (m *Machine) newShape(names []string) (*shape, error) {
	if len(m.shapes) > maxShapes {
		return nil, unsupported("there are more than %d objects in the schema and the rules", maxShapes)
	}
	s := &shape{id: len(m.shapes), names: names, at: make(map[string]int, len(names))}
	m.shapes = append(m.shapes, s)
	for i, name := range names {
		s.at[name] = i
		s.quote = append(s.quote, string(appendText(nil, name))+":")
	}
	return s, nil
}

// parse reads the document. A document that is no object of the schema is left to
// the interpreter, as is one that cannot be read.
func (f *frame) parse(src string) bool {
	f.read.src, f.read.i = src, 0
	f.space()
	if f.read.i >= len(src) || src[f.read.i] != '{' || f.m.source == nil || f.m.source.names == nil {
		return false
	}
	var ok bool
	if f.vars[0], ok = f.readValue(f.m.source, 0); !ok {
		return false
	}
	f.space()
	return f.read.i == len(src)
}

func (f *frame) space() {
	r := &f.read
	for r.i < len(r.src) {
		switch r.src[r.i] {
		case ' ', '\t', '\r', '\n':
			r.i++
		default:
			return
		}
	}
}

// readValue reads a value of a shape; of nil what is no plain value is passed over.
func (f *frame) readValue(s *shape, depth int) (value, bool) {
	r := &f.read
	if r.i >= len(r.src) {
		return value{}, false
	}
	switch c := r.src[r.i]; {
	case c == '"':
		t, ok := f.readText()
		return value{kind: text, s: t}, ok
	case c == '{':
		if depth >= document.MaxDepth {
			return value{}, false
		}
		if s == nil || s.names == nil {
			start := r.i
			ok := f.passObject(depth)
			return value{kind: opaque, s: r.src[start:r.i]}, ok
		}
		return f.readObject(s, depth)
	case c == '[':
		if depth >= document.MaxDepth {
			return value{}, false
		}
		return f.readList(s, depth)
	case c == '-' || c >= '0' && c <= '9':
		return f.readNumber()
	case c == 't' && f.word("true"):
		return value{kind: boolean, n: 1}, true
	case c == 'f' && f.word("false"):
		return value{kind: boolean}, true
	case c == 'n' && f.word("null"):
		return value{kind: null}, true
	}
	return value{}, false
}

func (f *frame) word(w string) bool {
	r := &f.read
	if len(r.src)-r.i < len(w) || r.src[r.i:r.i+len(w)] != w {
		return false
	}
	r.i += len(w)
	return true
}

func (f *frame) readObject(s *shape, depth int) (value, bool) {
	v := f.record(s)
	r := &f.read
	start := r.i
	r.i++
	others := others{base: len(f.stack)}
	defer others.end(f)
	last := -1
	for first := true; ; first = false {
		f.space()
		if r.i >= len(r.src) {
			return v, false
		}
		if first && r.src[r.i] == '}' {
			r.i++
			v.s = r.src[start:r.i]
			return v, true
		}
		if r.src[r.i] != '"' {
			return v, false
		}
		at, name, ok := f.name(s, last)
		if !ok {
			return v, false
		}
		if !f.colon() {
			return v, false
		}
		var kid *shape
		if at >= 0 {
			kid, last = s.kids[at], at
			if f.arena[int(v.n)+at].kind != absent {
				return v, false // it appears twice
			}
		} else if !others.add(f, name) {
			return v, false
		}
		got, ok := f.readValue(kid, depth+1)
		if !ok {
			return v, false
		}
		if at >= 0 {
			f.arena[int(v.n)+at] = got
		}
		if done, ok := f.next('}'); !ok || done {
			v.open, v.s = others.n > 0, r.src[start:r.i]
			return v, ok
		}
	}
}

// name reads a member's name and finds its place, -1 for none.
func (f *frame) name(s *shape, last int) (at int, name string, ok bool) {
	r := &f.read
	if g := int(s.guess.after[last+1].Load()); g < len(s.names) {
		name := s.names[g]
		if end := r.i + 1 + len(name); end < len(r.src) && r.src[end] == '"' && r.src[r.i+1:end] == name {
			r.i = end + 1
			return g, name, true
		}
	}
	if name, ok = f.readText(); !ok {
		return -1, "", false
	}
	if at, ok = s.at[name]; !ok {
		return -1, name, true
	}
	s.guess.after[last+1].Store(int32(at))
	return at, name, true
}

func (f *frame) colon() bool {
	f.space()
	r := &f.read
	if r.i >= len(r.src) || r.src[r.i] != ':' {
		return false
	}
	r.i++
	f.space()
	return true
}

// next reads a comma, or the end of the object or list.
func (f *frame) next(end byte) (done, ok bool) {
	f.space()
	r := &f.read
	if r.i >= len(r.src) {
		return false, false
	}
	c := r.src[r.i]
	r.i++
	return c == end, c == end || c == ','
}

// readList reads one; without a shape its items are kept when they are plain.
func (f *frame) readList(s *shape, depth int) (value, bool) {
	var item *shape
	if s != nil {
		item = s.item
	}
	r := &f.read
	r.i++
	base := len(f.stack)
	for first := true; ; first = false {
		f.space()
		if first && r.i < len(r.src) && r.src[r.i] == ']' {
			r.i++
			return f.keep(base), true
		}
		v, ok := f.readValue(item, depth+1)
		if !ok {
			return v, false
		}
		f.stack = append(f.stack, v)
		if done, ok := f.next(']'); !ok {
			return v, false
		} else if done {
			return f.keep(base), true
		}
	}
}

// others are the names of an object's members that have no place. They are
// remembered, on the frame's stack, because a name that appears twice makes two
// readers disagree.
type others struct {
	base, n int
	many    map[string]bool
}

// manyNames is from where a table is faster than comparing with each.
const manyNames = 16

func (o *others) add(f *frame, name string) bool {
	if o.many != nil {
		if o.many[name] {
			return false
		}
		o.many[name] = true
		return true
	}
	for _, v := range f.stack[o.base : o.base+o.n] {
		if v.s == name {
			return false
		}
	}
	f.stack = append(f.stack, value{kind: text, s: name})
	if o.n++; o.n == manyNames {
		o.many = make(map[string]bool, 4*manyNames)
		for _, v := range f.stack[o.base:] {
			o.many[v.s] = true
		}
	}
	return true
}

func (o *others) end(f *frame) { f.stack = f.stack[:o.base] }

// passObject reads an object that nothing asks for.
func (f *frame) passObject(depth int) bool {
	r := &f.read
	r.i++
	others := others{base: len(f.stack)}
	defer others.end(f)
	for first := true; ; first = false {
		f.space()
		if r.i >= len(r.src) {
			return false
		}
		if first && r.src[r.i] == '}' {
			r.i++
			return true
		}
		if r.src[r.i] != '"' {
			return false
		}
		name, ok := f.readText()
		if !ok || !f.colon() || !others.add(f, name) {
			return false
		}
		if _, ok := f.readValue(nil, depth+1); !ok {
			return false
		}
		if done, ok := f.next('}'); !ok || done {
			return ok
		}
	}
}

func (f *frame) readText() (string, bool) {
	r := &f.read
	start := r.i + 1
	for i := start; i < len(r.src); i++ {
		switch c := r.src[i]; {
		case c == '"':
			r.i = i + 1
			return r.src[start:i], true
		case c == '\\':
			return f.escaped(start, i)
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

func (f *frame) escaped(start, i int) (string, bool) {
	r := &f.read
	for ; i < len(r.src) && r.src[i] != '"'; i++ {
		if r.src[i] == '\\' {
			i++
		}
	}
	if i >= len(r.src) {
		return "", false
	}
	var s string
	err := json.Unmarshal([]byte(r.src[start-1:i+1]), &s)
	r.i = i + 1
	return s, err == nil
}

// readNumber reads by the grammar of RFC 8259, section 6.
func (f *frame) readNumber() (value, bool) {
	r := &f.read
	start := r.i
	if r.src[r.i] == '-' {
		r.i++
	}
	switch {
	case r.i < len(r.src) && r.src[r.i] == '0':
		r.i++
	case !r.digits():
		return value{}, false
	}
	if r.i < len(r.src) && r.src[r.i] == '.' {
		if r.i++; !r.digits() {
			return value{}, false
		}
	}
	if r.i < len(r.src) && (r.src[r.i] == 'e' || r.src[r.i] == 'E') {
		if r.i++; r.i < len(r.src) && (r.src[r.i] == '+' || r.src[r.i] == '-') {
			r.i++
		}
		if !r.digits() {
			return value{}, false
		}
	}
	return value{kind: number, s: r.src[start:r.i]}, true
}

func (r *reader) digits() bool {
	start := r.i
	for r.i < len(r.src) && r.src[r.i] >= '0' && r.src[r.i] <= '9' {
		r.i++
	}
	return r.i > start
}
