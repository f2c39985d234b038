package compose

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// check reads what was written, with the grammars that it was written by, and
// turns what would be rejected into problems of the document.
func (w *writer) check() error {
	v := &validate.Validator{Grammars: w.lib, Overlays: w.overlays, Syntax: syntax.Options{MaxSegment: len(w.e.out) + 1}}
	return v.Run(bytes.NewReader(w.e.out), &checker{w: w, at: -1})
}

// checker is the handler of that walk.
type checker struct {
	validate.Ignore
	w        *writer
	at       int // set at hand
	inside   bool
	position int // of the segment at hand, the set's header is 1
	wrong    bool
}

func (c *checker) set() *composed {
	if c.at < 0 || c.at >= len(c.w.written) {
		return nil
	}
	return c.w.written[c.at]
}

// BeginSet implements validate.Handler.
func (c *checker) BeginSet(*validate.Set) error {
	c.at++
	c.inside, c.position, c.wrong = true, 0, false
	return nil
}

// EndSet implements validate.Handler.
func (c *checker) EndSet(*validate.Set) error {
	c.inside = false
	return nil
}

// Segment holds that a segment is read where it was written: two places of a set
// may begin with the same segment.
func (c *checker) Segment(seg *syntax.Segment, at validate.Place) error {
	s := c.set()
	i := c.position - 1
	c.position++
	if s == nil || s.lenient || c.wrong || i < 0 || i >= len(s.segments) {
		return nil
	}
	one := &s.segments[i]
	if one.node == nil || at.Node == nil || one.node == at.Node {
		return nil
	}
	c.wrong = true // what follows is only its consequence
	c.w.problems.document = s.document
	c.w.problems.at(one.from, one.place(0, 0, i+2), "put it there, or leave it out",
		"the segment would be read as one of %s: the set has %s at both places, and nothing in between tells them apart", at.Node.Name, seg.Tag())
	return nil
}

// Finding implements validate.Handler.
func (c *checker) Finding(f finding.Finding) error {
	if f.Severity != finding.Reject {
		return nil
	}
	s := c.set()
	if s == nil || f.Scope != finding.Set {
		c.w.problems.document = 0
		c.w.problems.add(&Problem{Place: f.Where(), Message: f.Message, Hint: f.Hint})
		return nil
	}
	if s.lenient {
		return nil
	}
	c.w.problems.document = s.document
	p := &Problem{Document: s.document, Pointer: s.from.pointer(), Place: f.Where(), Message: message(f), Hint: f.Hint}
	if f.Position > 0 {
		p.Place += fmt.Sprintf(", segment %d", f.Position)
	}
	i := f.Position - 2
	switch {
	case f.Code == finding.MissingSegment:
		p.Pointer, p.Place = s.missing(i, f), f.Segment
	case i >= 0 && i < len(s.segments):
		one := &s.segments[i]
		if one.node == nil {
			return nil // under _extra: asked for as it is
		}
		p.Pointer = one.pointer(f)
	}
	c.w.problems.add(p)
	return nil
}

// message says what was expected, too.
func message(f finding.Finding) string {
	out := f.Message
	if f.Value != "" && !strings.Contains(out, f.Value) {
		out += fmt.Sprintf(", found %q", f.Value)
	}
	if f.Expected != "" && !strings.Contains(out, f.Expected) {
		out += ", expected " + f.Expected
	}
	return out
}

// pointer is the place in the document that a finding is about.
func (s *segment) pointer(f finding.Finding) string {
	object := s.from.pointer()
	if f.Element == 0 {
		return object
	}
	var found *value
	for i := range s.cells {
		c := &s.cells[i]
		if c.element != f.Element || c.from == nil {
			continue
		}
		if found == nil {
			found = c.from
		}
		if c.repeat == max(f.Repeat, 1) && c.component == max(f.Component, 1) {
			return c.from.pointer()
		}
	}
	if f.Element > len(s.node.Segment.Elements) {
		return object
	}
	p := &s.node.Segment.Elements[f.Element-1]
	switch {
	case p.Composite == nil && found != nil:
		return found.pointer()
	case p.Composite == nil:
		return object + "/" + escaped(p.Name)
	case found != nil:
		object = found.up.pointer()
	default:
		object += "/" + escaped(p.Name)
	}
	if f.Component > 0 && f.Component <= len(p.Composite.Components) {
		object += "/" + escaped(p.Composite.Components[f.Component-1].Name)
	}
	return object
}

// missing is the place where a missing segment would be written from: in the
// innermost loop, open before segment i, that has it.
func (s *composed) missing(i int, f finding.Finding) string {
	if i = min(i, len(s.segments)) - 1; i >= 0 {
		for in := s.segments[i].in; in != nil; in = in.up {
			if n := lacking(in, f.Segment); n != nil {
				return in.from.pointer() + "/" + escaped(n.Name)
			}
		}
	}
	if s.grammar != nil {
		if n := lacking(&frame{body: s.grammar.Body, from: s.from}, f.Segment); n != nil {
			return s.from.pointer() + "/" + escaped(n.Name)
		}
	}
	return s.from.pointer()
}

// lacking is the mandatory node of a tag that a loop's object says nothing of.
func lacking(in *frame, tag string) *grammar.Node {
	for _, n := range in.body {
		if n.Mandatory && n.Segment.Tag == tag && in.from.get(n.Name) == nil {
			return n
		}
	}
	return nil
}
