package compose

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// writer writes interchanges of composed sets and remembers where everything in
// them came from.
type writer struct {
	lib      *grammar.Library
	overlays func(std syntax.Standard, release, set string) *grammar.Set
	usual    string // the set of documents that name none
	problems *problems
	e        encoder
	written  []*composed // sets, in the order of the file

	h        header
	g        *groupHeader
	groups   int // of the interchange
	sets     int // of the group
	messages int // of the interchange
}

// composed is a set of segments, headers and trailers not included.
type composed struct {
	document             int
	grammar              *grammar.Set
	std                  syntax.Standard
	id                   string
	release, association string
	from                 *value
	segments             []segment
	lenient              bool // it was read with defects, and keeps them
	latin                bool // to be written in ISO 8859-1
	own                  bool // each part in the character set that it was read with
}

// functional is the group that the set belongs into.
func (s *composed) functional() string {
	if s.grammar != nil && s.grammar.Group != "" {
		return s.grammar.Group
	}
	return s.id
}

func newWriter(lib *grammar.Library) *writer {
	p := &problems{}
	return &writer{lib: lib, problems: p, e: encoder{problems: p}}
}

// grammar is a set as it was agreed.
func (w *writer) grammar(std syntax.Standard, release, id string) (*grammar.Set, error) {
	if w.overlays != nil {
		if g := w.overlays(std, release, id); g != nil {
			return g, nil
		}
	}
	return w.lib.Set(std, release, id)
}

func (w *writer) interchange(h header) {
	w.h, w.e.d, w.e.suffix = h, h.d, h.suffix
	w.groups, w.messages, w.g = 0, 0, nil
	if h.standard == syntax.EDIFACT {
		if h.una || h.unusual() {
			w.e.out = append(append(w.e.out, h.advice()...), h.suffix...)
		}
		w.raw("UNB", h.elements())
		return
	}
	w.raw("ISA", h.elements())
}

// raw writes a header or trailer, whose elements stand as they are: with release
// characters where they need them.
func (w *writer) raw(tag string, elements []string) {
	w.e.out = append(w.e.out, tag...)
	for i, v := range elements {
		if c, ok := w.e.splits(v); ok {
			w.problems.add(&DelimiterError{
				Problem: Problem{
					Document: w.problems.document, Place: fmt.Sprintf("%s%02d", tag, i+1),
					Message: fmt.Sprintf("the value %q contains the separator %q", clip(v), c), Hint: "change the value, or the partner's separators",
				},
				Value: v, Delimiter: c,
			})
		}
		w.e.out = append(append(w.e.out, w.e.d.Element), v...)
	}
	w.e.end()
}

func (w *writer) beginGroup(g groupHeader) {
	w.g, w.sets = &g, 0
	w.groups++
	d := w.e.d
	switch w.h.standard {
	case syntax.X12:
		elements := g.raw
		if elements == nil {
			elements = trimmed(g.functional, g.sender, g.receiver, g.date, g.time, g.control, g.agency, g.version)
		}
		w.raw("GS", elements)
	default:
		elements := g.raw
		if elements == nil {
			version, release := g.version, ""
			if len(version) > 1 {
				version, release = version[:1], version[1:]
			}
			elements = trimmed(composite(d, g.functional), composite(d, g.sender), composite(d, g.receiver), composite(d, g.date, g.time),
				composite(d, g.control), composite(d, g.agency), composite(d, version, release, g.association))
		}
		w.raw("UNG", elements)
	}
}

func (w *writer) endGroup() {
	if w.g == nil {
		return
	}
	tag := "GE"
	if w.h.standard == syntax.EDIFACT {
		tag = "UNE"
	}
	w.raw(tag, []string{strconv.Itoa(w.sets), composite(w.e.d, w.g.control)})
	w.g = nil
}

func (w *writer) endInterchange() {
	tag, count := "IEA", w.groups
	if w.h.standard == syntax.EDIFACT {
		tag = "UNZ"
		if count == 0 {
			count = w.messages
		}
	}
	w.raw(tag, []string{strconv.Itoa(count), composite(w.e.d, w.h.control)})
}

// set writes a set between its header and trailer.
func (w *writer) set(s *composed, h setHeader) {
	w.sets++
	w.messages++
	w.written = append(w.written, s)
	w.problems.document = s.document
	d := w.e.d
	elements, header, trailer := h.raw, "ST", "SE"
	if w.h.standard == syntax.EDIFACT {
		header, trailer = "UNH", "UNT"
		if elements == nil {
			version, release := "", h.release
			if len(release) > 1 {
				version, release = release[:1], release[1:]
			}
			elements = []string{composite(d, h.control), composite(d, s.id, version, release, "UN", h.association)}
		}
	} else if elements == nil {
		elements = []string{s.id, h.control}
	}
	w.raw(header, elements)
	w.e.latin, w.e.own, w.e.lenient = s.latin, s.own, s.lenient
	for i := range s.segments {
		w.e.segment(&s.segments[i], i+2)
	}
	w.raw(trailer, []string{strconv.Itoa(len(s.segments) + 2), composite(d, h.control)})
}

// finish checks what was written.
func (w *writer) finish() ([]byte, error) {
	if err := w.problems.err(); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	if err := w.problems.err(); err != nil {
		return nil, err
	}
	return w.e.out, nil
}

// compose turns a document into segments.
func (w *writer) compose(p joint, std syntax.Standard, release, association string, totals bool) *composed {
	w.problems.document = p.document
	out := &composed{document: p.document, std: std, release: or(p.transaction("release"), release), association: or(p.transaction("association"), association)}
	if p.transaction("release") != "" {
		out.association = p.transaction("association")
	}
	out.lenient, out.latin, out.own = p.rejected() && !totals, totals && w.h.latin, !totals
	o := w.find(p, out)
	if o == nil {
		return out
	}
	o = w.joined(p, o, out.grammar)
	out.from = o
	o.untaken()
	c := set{
		grammar: out.grammar, std: std, decimal: decimalMark(std, w.h.d), from: p.separators(w.h.d), totals: totals && out.grammar != nil, lenient: out.lenient,
		problems: w.problems,
	}
	c.write(o)
	out.segments = c.segments
	return out
}

// joined adds the further parts of a set.
func (w *writer) joined(p joint, o *value, g *grammar.Set) *value {
	var more []*value
	for _, d := range p.more {
		next := d.root.member(o.name)
		if next == nil || next.value.kind != object {
			w.problems.at(d.root, "", "", "the part has no object %q", o.name)
			continue
		}
		more = append(more, next.value)
	}
	if g == nil {
		return join(o, nil, more)
	}
	return join(o, g.Body, more)
}

// find finds the set of a document: the one that transaction.set names, or the
// one whose name the document uses. It returns the object of the set.
func (w *writer) find(p joint, out *composed) *value {
	out.id = or(p.transaction("set"), w.usual)
	if out.id == "" {
		if !w.byName(p, out) {
			return nil
		}
	} else {
		g, err := w.grammar(out.std, out.release, out.id)
		if err != nil && !errors.Is(err, grammar.ErrUnknown) {
			w.problems.at(p.root, "", "", "%v", err)
			return nil
		}
		if err == nil {
			out.grammar = g
		}
	}
	name := "segments"
	if out.grammar != nil {
		name = out.grammar.Name
	}
	var found *value
	for i := range p.root.members {
		v := p.root.members[i].value
		switch v.name {
		case "interchange", "group", "transaction":
		case name:
			found = v
		default:
			hint := didYouMean(v.name, []string{name, "interchange", "group", "transaction"})
			w.problems.at(v, "", hint, "%q is no member of a document %s %s", v.name, out.id, out.release)
		}
	}
	switch {
	case found == nil && out.grammar == nil:
		w.problems.at(p.root, "", "`crossdock edi lint` lists the sets", "there is no grammar for %s %s of %s", out.std, out.id, out.release)
	case found == nil:
		w.problems.at(p.root, "", "", "the document has no member %q, which a %s is written from", name, out.id)
	case found.kind != object:
		w.problems.at(found, "", "", "a set is an object, this is %s", found.kind)
		return nil
	}
	return found
}

// byName finds the set by the name that the document uses.
func (w *writer) byName(p joint, out *composed) bool {
	ids, err := w.lib.Sets(out.std, out.release)
	if err != nil {
		w.problems.at(p.root, "", "", "%v", err)
		return false
	}
	var names []string
	for _, id := range ids {
		g, err := w.grammar(out.std, out.release, id)
		if err != nil {
			continue // lint reports it
		}
		names = append(names, g.Name)
		if p.root.member(g.Name) == nil {
			continue
		}
		if out.grammar != nil {
			w.problems.at(p.root, "", `say which with "transaction": {"set": …}`, "the document may be a %s or a %s", out.id, id)
			return false
		}
		out.grammar, out.id = g, id
	}
	if out.grammar != nil {
		return true
	}
	hint := `name it with "transaction": {"set": …}`
	for _, m := range p.root.members {
		if near := nearest(m.value.name, names); near != "" {
			hint = "did you mean " + strconv.Quote(near) + "?"
		}
	}
	w.problems.at(p.root, "", hint, "no set of %s %s is called like a member of the document", out.std, out.release)
	return false
}
