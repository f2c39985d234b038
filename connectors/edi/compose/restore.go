package compose

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// joint is a document whose parts were put together.
type joint struct {
	*Document
	document int // the first, counted from 1
	more     []*Document
}

// part tells which part of a set the document is; 0 when it is whole.
func (d *Document) part() string {
	if v := d.root.get("transaction").get("part"); v != nil {
		return v.text
	}
	return ""
}

func (d *Document) last() bool {
	v := d.root.get("transaction").get("last")
	return v != nil && v.text == "true"
}

// transaction is what the document says about its set.
func (d *Document) transaction(name string) string {
	if v := d.root.get("transaction").get(name); v != nil && v.kind != object && v.kind != list {
		return v.text
	}
	return ""
}

// rejected tells that the set was read with defects.
func (d *Document) rejected() bool { return d.transaction("rejected") == "true" }

// joined puts the parts of sets together.
func joined(docs []*Document) ([]joint, error) {
	var out []joint
	open := false
	for i, d := range docs {
		if d == nil || d.root == nil {
			return nil, fmt.Errorf("document %d was not read", i+1)
		}
		switch part := d.part(); {
		case part == "" || part == "1":
			if open {
				return nil, fmt.Errorf("document %d begins a set, but the last part of the one before is missing", i+1)
			}
			out = append(out, joint{Document: d, document: i + 1})
			open = part != "" && !d.last()
		case !open:
			return nil, fmt.Errorf("document %d is part %s of a set, the part before is missing", i+1, part)
		default:
			first := &out[len(out)-1]
			if want := fmt.Sprint(len(first.more) + 2); want != part {
				return nil, fmt.Errorf("document %d is part %s of a set, expected part %s", i+1, part, want)
			}
			first.more = append(first.more, d)
			open = !d.last()
		}
	}
	if open {
		return nil, errors.New("the last part of the set is missing")
	}
	return out, nil
}

// separators are those that the document was read with.
func (d *Document) separators(otherwise syntax.Delimiters) syntax.Delimiters {
	s := d.root.get("interchange").get("separators")
	if s == nil {
		return otherwise
	}
	return delimiters(s)
}

func delimiters(s *value) syntax.Delimiters {
	one := func(name string) byte {
		if v := s.get(name); v != nil && v.kind == text {
			if r, size := utf8.DecodeRuneInString(v.text); size == len(v.text) && r <= 0xff {
				return byte(r)
			}
		}
		return 0
	}
	d := syntax.Delimiters{
		Segment: one("segment"), Element: one("element"), Component: one("component"), Repetition: one("repetition"), Release: one("release"), Decimal: one("decimal"),
	}
	if d.Decimal == 0 {
		d.Decimal = '.'
	}
	return d
}

// Restore writes documents back into the file that they were read from: several
// interchanges, groups and sets, from the documents' own envelopes. What was read
// without findings is the same byte for byte, but for line ends behind the last
// segment; what no document has, such as TA1 segments between the groups, is not
// there. Sets that were read with defects keep them, and are not judged again.
func Restore(lib *grammar.Library, docs []*Document) ([]byte, error) {
	sets, err := joined(docs)
	if err != nil {
		return nil, err
	}
	if len(sets) == 0 {
		return nil, errors.New("there is no document to write")
	}
	w := newWriter(lib)
	var ic, group *value
	for i, d := range sets {
		w.problems.document = d.document
		nextIC, nextGroup := d.root.get("interchange"), d.root.get("group")
		if i == 0 || !same(ic, nextIC, "charset") {
			if i > 0 {
				w.endGroup()
				w.endInterchange()
			}
			h, ok := w.ownHeader(d, nextIC)
			if !ok {
				return nil, w.problems.err()
			}
			w.interchange(h)
			ic, group = nextIC, nil
		}
		if !same(group, nextGroup) {
			w.endGroup()
			if nextGroup != nil {
				w.beginGroup(w.ownGroup(nextGroup))
			}
			group = nextGroup
		}
		s := w.compose(d, w.h.standard, "", "", false)
		t := d.root.get("transaction")
		w.set(s, setHeader{control: d.transaction("control_number"), release: s.release, association: s.association, raw: elements(t, w.e.d)})
	}
	w.endGroup()
	w.endInterchange()
	return w.finish()
}

// ownHeader is the header that a document was read with.
func (w *writer) ownHeader(d joint, ic *value) (header, bool) {
	h := header{
		sender: w.party(ic, "sender"), receiver: w.party(ic, "receiver"), control: w.said(ic, "control_number"), version: w.said(ic, "version"),
		usage: w.said(ic, "usage"), date: w.said(ic, "date"), time: w.said(ic, "time"), ack: w.said(ic, "ack_requested") == "true", una: w.said(ic, "una") == "true",
	}
	s := ic.get("separators")
	if s == nil {
		w.problems.at(ic, "", "name a sender and a receiver to write it in an envelope of its own", "the document does not say how its interchange was written: interchange.separators is missing")
		return h, false
	}
	h.d, h.suffix = delimiters(s), w.said(s, "suffix")
	h.raw = elements(ic, h.d)
	switch standard := w.said(ic, "standard"); standard {
	case "X12":
		h.standard = syntax.X12
	case "EDIFACT":
		h.standard = syntax.EDIFACT
		h.version = spaced(h.version)
	default:
		w.problems.at(ic, "", "X12 and EDIFACT can be written", "%q cannot be written", standard)
		return h, false
	}
	if h.d.Segment == 0 || h.d.Element == 0 || h.d.Component == 0 {
		w.problems.at(s, "", "", "a segment, an element and a component separator are needed, each one character")
		return h, false
	}
	if err := h.check(); err != nil {
		w.problems.at(ic, "", "", "%v", err)
		return h, false
	}
	return h, true
}

// spaced turns UNOC 3 into UNOC:3.
func spaced(version string) string {
	for i := range len(version) {
		if version[i] == ' ' {
			return version[:i] + ":" + version[i+1:]
		}
	}
	return version
}

func (w *writer) ownGroup(g *value) groupHeader {
	return groupHeader{
		functional: w.said(g, "functional_id"), sender: w.said(g, "sender"), receiver: w.said(g, "receiver"), date: w.said(g, "date"), time: w.said(g, "time"),
		control: w.said(g, "control_number"), agency: w.said(g, "agency"), version: w.said(g, "version"), raw: elements(g, w.e.d),
	}
}

// said is the text of a member of an envelope.
func (w *writer) said(o *value, name string) string {
	v := o.get(name)
	if v == nil {
		return ""
	}
	if v.kind == object || v.kind == list {
		w.problems.at(v, "", "", "%s is text, this is %s", name, v.kind)
		return ""
	}
	return v.text
}

func (w *writer) party(o *value, name string) Party {
	p := o.get(name)
	return Party{w.said(p, "qualifier"), w.said(p, "id")}
}

// elements are a header as it stood, nil when the document has none.
func elements(o *value, d syntax.Delimiters) []string {
	v := o.get("header")
	if v == nil {
		return nil
	}
	out := make([]string, 0, len(v.items))
	for _, one := range v.items {
		out = append(out, asRead(one.text, d))
	}
	return out
}

// asRead turns text back into the bytes of a header that has separators beyond
// ASCII, which are no UTF-8.
func asRead(s string, d syntax.Delimiters) string {
	for _, r := range s {
		if r < utf8.RuneSelf || r > 0xff || !slices.Contains([]byte{d.Segment, d.Element, d.Component, d.Repetition, d.Release}, byte(r)) {
			continue
		}
		if b, ok := narrow(s); ok {
			return b
		}
	}
	return s
}

// Set is the identifier of the document's set, "" when it does not name it.
func (d *Document) Set() string { return d.transaction("set") }

// Release is the release of the document's grammar, "" when it does not name it.
func (d *Document) Release() string { return d.transaction("release") }
