package syntax

import (
	"bytes"
	"fmt"
)

// Writer writes segments. Elements that are empty at the end of a segment, and
// components at the end of an element, are left out, as both standards ask.
//
//	w.Begin("BEG").Element("00").Composite("a", "b").End()
type Writer struct {
	d      Delimiters
	suffix string
	buf    bytes.Buffer
	tag    string
	n      int // elements of the open segment
	gaps   int // separators that are due when something follows
	err    error
}

// NewWriter returns a Writer with the separators of a partner. suffix follows
// every segment terminator, "\r\n" for people who read files.
func NewWriter(d Delimiters, suffix string) *Writer { return &Writer{d: d, suffix: suffix} }

// Begin opens a segment.
func (w *Writer) Begin(tag string) *Writer {
	w.tag, w.n, w.gaps = tag, 0, 0
	w.buf.WriteString(tag)
	return w
}

// Element adds an element.
func (w *Writer) Element(value string) *Writer { return w.Composite(value) }

// Composite adds an element of several components.
func (w *Writer) Composite(components ...string) *Writer {
	w.n++
	w.gaps++
	gaps := 0
	for i, c := range components {
		if i > 0 {
			gaps++
		}
		if c == "" {
			continue
		}
		for ; w.gaps > 0; w.gaps-- {
			w.buf.WriteByte(w.d.Element)
		}
		for ; gaps > 0; gaps-- {
			w.buf.WriteByte(w.d.Component)
		}
		w.value(c)
	}
	return w
}

// Fixed adds an element as it is, blanks and separators included: ISA's.
func (w *Writer) Fixed(value string) *Writer {
	w.n++
	w.buf.WriteByte(w.d.Element)
	w.buf.WriteString(value)
	return w
}

func (w *Writer) value(v string) {
	for i := range len(v) {
		c := v[i]
		special := c == w.d.Element || c == w.d.Segment || c == w.d.Component && w.d.Component != 0 ||
			c == w.d.Repetition && w.d.Repetition != 0 || c == w.d.Release && w.d.Release != 0
		if special {
			if w.d.Release == 0 && w.err == nil {
				w.err = fmt.Errorf("%s%02d: the value %q contains the separator %q, and X12 has no way to write that: change the value or the partner's separators", w.tag, w.n, v, c)
			}
			if w.d.Release != 0 {
				w.buf.WriteByte(w.d.Release)
			}
		}
		w.buf.WriteByte(c)
	}
}

// End closes the segment.
func (w *Writer) End() {
	w.buf.WriteByte(w.d.Segment)
	w.buf.WriteString(w.suffix)
}

// Bytes returns what was written; the error is the first value that cannot be.
func (w *Writer) Bytes() ([]byte, error) { return w.buf.Bytes(), w.err }

// Raw writes characters as they are: the service string advice UNA.
func (w *Writer) Raw(s string) { w.buf.WriteString(s + w.suffix) }
