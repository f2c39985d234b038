package direct

import (
	"sync/atomic"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/form"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

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
		s.quote = append(s.quote, string(form.AppendText(nil, name))+":")
	}
	return s, nil
}

// parse reads the document. A document that is no object of the schema is left to
// the interpreter, as is one that cannot be read.
func (f *frame) parse(src string) bool {
	f.read.Src, f.read.At = src, 0
	f.read.Space()
	if f.read.At >= len(src) || src[f.read.At] != '{' || f.m.source == nil || f.m.source.names == nil {
		return false
	}
	var ok bool
	if f.vars[0], ok = f.readValue(f.m.source, 0); !ok {
		return false
	}
	f.read.Space()
	return f.read.At == len(src)
}

// readValue reads a value of a shape; of nil what is no plain value is passed over.
func (f *frame) readValue(s *shape, depth int) (value, bool) {
	r := &f.read
	if r.At >= len(r.Src) {
		return value{}, false
	}
	switch c := r.Src[r.At]; {
	case c == '"':
		t, ok := f.read.Text()
		return value{kind: text, s: t}, ok
	case c == '{':
		if depth >= document.MaxDepth {
			return value{}, false
		}
		if s == nil || s.names == nil {
			start := r.At
			ok := f.passObject(depth)
			return value{kind: opaque, s: r.Src[start:r.At]}, ok
		}
		return f.readObject(s, depth)
	case c == '[':
		if depth >= document.MaxDepth {
			return value{}, false
		}
		return f.readList(s, depth)
	case c == '-' || c >= '0' && c <= '9':
		s, ok := r.Number()
		return value{kind: number, s: s}, ok
	case c == 't' && f.read.Word("true"):
		return value{kind: boolean, n: 1}, true
	case c == 'f' && f.read.Word("false"):
		return value{kind: boolean}, true
	case c == 'n' && f.read.Word("null"):
		return value{kind: null}, true
	}
	return value{}, false
}

func (f *frame) readObject(s *shape, depth int) (value, bool) {
	v := f.record(s)
	r := &f.read
	start := r.At
	r.At++
	others := others{base: len(f.stack)}
	defer others.end(f)
	last := -1
	for first := true; ; first = false {
		f.read.Space()
		if r.At >= len(r.Src) {
			return v, false
		}
		if first && r.Src[r.At] == '}' {
			r.At++
			v.s = r.Src[start:r.At]
			return v, true
		}
		if r.Src[r.At] != '"' {
			return v, false
		}
		at, name, ok := f.name(s, last)
		if !ok {
			return v, false
		}
		if !f.read.Colon() {
			return v, false
		}
		var kid *shape
		if at >= 0 {
			kid, last = s.kids[at], at
			if f.arena[v.at()+at].kind != absent {
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
			f.arena[v.at()+at] = got
		}
		if done, ok := f.read.Next('}'); !ok || done {
			if others.n > 0 {
				v.n |= openBit
			}
			v.s = r.Src[start:r.At]
			return v, ok
		}
	}
}

// name reads a member's name and finds its place, -1 for none.
func (f *frame) name(s *shape, last int) (at int, name string, ok bool) {
	r := &f.read
	if g := int(s.guess.after[last+1].Load()); g < len(s.names) {
		name := s.names[g]
		if end := r.At + 1 + len(name); end < len(r.Src) && r.Src[end] == '"' && r.Src[r.At+1:end] == name {
			r.At = end + 1
			return g, name, true
		}
	}
	if name, ok = f.read.Text(); !ok {
		return -1, "", false
	}
	if at, ok = s.at[name]; !ok {
		return -1, name, true
	}
	s.guess.after[last+1].Store(int32(at))
	return at, name, true
}

// readList reads one; without a shape its items are kept when they are plain.
func (f *frame) readList(s *shape, depth int) (value, bool) {
	var item *shape
	if s != nil {
		item = s.item
	}
	r := &f.read
	r.At++
	base := len(f.stack)
	for first := true; ; first = false {
		f.read.Space()
		if first && r.At < len(r.Src) && r.Src[r.At] == ']' {
			r.At++
			return f.keep(base), true
		}
		v, ok := f.readValue(item, depth+1)
		if !ok {
			return v, false
		}
		f.stack = append(f.stack, v)
		if done, ok := f.read.Next(']'); !ok {
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
	r.At++
	others := others{base: len(f.stack)}
	defer others.end(f)
	for first := true; ; first = false {
		f.read.Space()
		if r.At >= len(r.Src) {
			return false
		}
		if first && r.Src[r.At] == '}' {
			r.At++
			return true
		}
		if r.Src[r.At] != '"' {
			return false
		}
		name, ok := f.read.Text()
		if !ok || !f.read.Colon() || !others.add(f, name) {
			return false
		}
		if _, ok := f.readValue(nil, depth+1); !ok {
			return false
		}
		if done, ok := f.read.Next('}'); !ok || done {
			return ok
		}
	}
}
