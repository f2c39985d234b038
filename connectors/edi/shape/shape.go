// Package shape turns EDI sets into named JSON.
//
// Names and nesting come from the set's grammar: BEG03 of an 850 is
// purchase_order.number, the second PO1 loop is purchase_order.lines[1]. The
// segment that opens a set or a loop gives its elements to the object itself;
// the segments and loops in it are members. What may come more than once is a
// list, also when it comes once. Qualifiers that have a name in the grammar make
// members of it (purchase_order.ship_to), and HL loops nest by their parents
// (shipment.orders[0].packs[0].items).
//
// Values are text and keep their digits: a decimal that X12 implies is written
// out (N2 "725" is "7.25"), dates are 2026-01-05 and times 09:15. Pairs of
// qualifier and identifier, as PO1 and LIN have them, become one object:
// ids: {gtin12: …}, named by the code's name in the grammar or by the code.
// Nothing is dropped: segments that have no place in the grammar, or come too
// often, stand under _extra with their position; elements that a segment should
// not have are called element_9, components component_3.
//
// A [Shaper] is a validate.Handler that hands over a [Document] for every set, or
// several for a set of many lines. It writes JSON into one buffer that it uses
// again, so that a set costs no memory beyond the largest document.
package shape

import (
	"io"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// Extra is the member under which segments without a place stand.
const Extra = "_extra"

// Order is the member that tells in which order the members of an object came,
// where that cannot be seen from them.
const Order = "_order"

// Slots is the member that numbers the pairs that ids stands for, where they are
// not the first ones of their segment.
const Slots = "_slots"

// Options say how sets are handed over.
type Options struct {
	// PartItems tells of how many items of its fragment loop a set is handed over
	// in parts, 0 in one piece; nil is in one piece. Each part repeats what stands
	// before the loop. Every other list of such a set that grows to megabytes is
	// parted, too, so that memory stays bounded.
	PartItems func(*validate.Set) int
	// Lineage tells for every value where it stands in the file. It costs time.
	Lineage bool
	// Skip leaves out sets; it is asked when they begin.
	Skip func(*validate.Set) bool
	// Each receives the documents. Its error ends the walk.
	Each func(*Document) error
}

// Document is a set, or a part of it, as JSON. It is valid during the call.
type Document struct {
	Interchange *validate.Interchange // nil when there is none around the set
	Group       *validate.Group
	Set         *validate.Set
	// Part counts the parts of a set from 1; 0 is a whole set.
	Part int
	// Last tells that the set ends here: its last part, or a whole set.
	Last bool
	// Key is what people know the document by, "" where the grammar names nothing
	// or the document has none.
	Key     string
	JSON    []byte
	Lineage []Origin
}

// Origin is where a value of a document comes from.
type Origin struct {
	Path    string // JSON pointer (RFC 6901): /purchase_order/lines/0/quantity
	Segment string // its tag
	// Position is that of the segment in its set, the header is 1. Element counts
	// from 1; Component and Repeat do where the value has them, otherwise they are 0.
	Position, Element, Component, Repeat int
	Offset                               int64 // of the value in the stream
}

// Shaper is a validate.Handler that makes documents of sets. Sets that were
// rejected are handed over, too, since who looks at a broken file wants to see
// it; their JSON says "rejected": true. In a set that is handed over in parts
// the first ones may have left before its error was found.
type Shaper struct {
	validate.Ignore
	o     Options
	plans map[*grammar.Set]*plan
	env   envelope
	b     builder
	skip  bool
	doc   Document
}

// New returns a Shaper.
func New(o Options) *Shaper {
	s := &Shaper{o: o, plans: map[*grammar.Set]*plan{}}
	s.b.shaper = s
	return s
}

// BeginInterchange implements validate.Handler.
func (s *Shaper) BeginInterchange(ic *validate.Interchange) error {
	s.env.begin(ic)
	return nil
}

// BeginGroup implements validate.Handler.
func (s *Shaper) BeginGroup(g *validate.Group) error {
	s.env.beginGroup(g)
	return nil
}

// EndGroup implements validate.Handler.
func (s *Shaper) EndGroup(*validate.Group) error {
	s.env.beginGroup(nil)
	return nil
}

// BeginSet implements validate.Handler.
func (s *Shaper) BeginSet(set *validate.Set) error {
	if s.skip = s.o.Each == nil || s.o.Skip != nil && s.o.Skip(set); s.skip {
		return nil
	}
	s.env.beginSet()
	s.b.begin(set, s.plan(set.Grammar))
	s.b.most = 0
	if s.o.PartItems != nil {
		s.b.most = s.o.PartItems(set)
	}
	return nil
}

// Segment implements validate.Handler.
func (s *Shaper) Segment(seg *syntax.Segment, at validate.Place) error {
	if s.skip || at.Set == nil {
		return nil
	}
	s.b.segment(seg, at)
	return s.b.err
}

// EndSet implements validate.Handler.
func (s *Shaper) EndSet(*validate.Set) error {
	if s.skip {
		return nil
	}
	s.b.finish()
	return s.b.err
}

// plan returns what is known about the sets of a grammar.
func (s *Shaper) plan(g *grammar.Set) *plan {
	p := s.plans[g]
	if p == nil {
		const most = 1000 // a hostile file may use any number of grammars
		if len(s.plans) >= most {
			clear(s.plans)
		}
		p = newPlan(g)
		s.plans[g] = p
	}
	return p
}

// handOver gives the document in the builder's buffer to its receiver.
func (s *Shaper) handOver(last bool) error {
	b := &s.b
	d := &s.doc
	*d = Document{Interchange: s.env.ic, Group: s.env.group, Set: b.set, Part: b.part, Last: last, Key: string(b.key), Lineage: d.Lineage[:0]}
	d.JSON = s.env.wrap(b, last)
	if s.o.Lineage {
		b.spare, d.Lineage = origins(b.spare[:0], d.JSON, d.Lineage)
		d.JSON = b.spare
	}
	return s.o.Each(d)
}

// Writer writes every set of a stream as one line of JSON.
type Writer struct {
	*Shaper
	out io.Writer
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{out: out}
	w.Shaper = New(Options{Each: func(d *Document) error {
		_, err := w.out.Write(append(d.JSON, '\n'))
		return err
	}})
	return w
}
