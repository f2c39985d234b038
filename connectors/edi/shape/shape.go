// Package shape turns EDI sets into named JSON.
//
// Names and nesting come from the set's grammar: BEG03 of an 850 is
// purchase_order.number, the second PO1 loop is purchase_order.lines[1]. The
// segment that opens a set or a loop gives its elements to the object itself;
// the segments and loops in it are members. What may come more than once is a
// list, also when it comes once.
//
// Values are text and keep their digits: a decimal that X12 implies is written
// out (N2 "725" is "7.25"), dates are 2026-01-05 and times 09:15. Pairs of
// qualifier and identifier, as PO1 and LIN have them, become one object:
// ids: {gtin12: …}, named by the code's name in the grammar or by the code.
// Segments that have no place in the grammar stand under _extra, with their
// position, so that nothing is dropped.
package shape

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// Extra is the member under which segments without a place stand.
const Extra = "_extra"

// Writer writes every set of a stream as one line of JSON. It is a
// validate.Handler; sets that were rejected are written too, with
// "rejected": true, since who looks at a broken file wants to see it.
type Writer struct {
	validate.Ignore
	out   io.Writer
	ic    *validate.Interchange
	group *validate.Group
	b     builder
	line  []byte
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// BeginInterchange implements validate.Handler.
func (w *Writer) BeginInterchange(ic *validate.Interchange) error {
	w.ic, w.group = ic, nil
	return nil
}

// BeginGroup implements validate.Handler.
func (w *Writer) BeginGroup(g *validate.Group) error {
	w.group = g
	return nil
}

// EndGroup implements validate.Handler.
func (w *Writer) EndGroup(*validate.Group) error {
	w.group = nil
	return nil
}

// BeginSet implements validate.Handler.
func (w *Writer) BeginSet(s *validate.Set) error {
	w.b.begin(s)
	return nil
}

// Segment implements validate.Handler.
func (w *Writer) Segment(seg *syntax.Segment, at validate.Place) error {
	w.b.segment(seg, at)
	return nil
}

// EndSet implements validate.Handler.
func (w *Writer) EndSet(s *validate.Set) error {
	doc := &object{}
	if w.ic != nil {
		doc.put("interchange", false, w.interchange())
	}
	if g := w.group; g != nil {
		o := &object{}
		o.text("functional_id", g.Functional)
		o.text("sender", g.Sender)
		o.text("receiver", g.Receiver)
		o.text("control_number", g.Control)
		o.text("version", g.Version)
		doc.put("group", false, o)
	}
	t := &object{}
	t.text("set", s.ID)
	t.text("control_number", s.Control)
	t.text("release", s.Release)
	t.text("association", s.Association)
	if s.Rejected {
		t.add("rejected", false).text = []byte("true")
	}
	doc.put("transaction", false, t)
	name := "segments"
	if s.Grammar != nil {
		name = s.Grammar.Name
	}
	doc.put(name, false, w.b.finish())
	w.line = append(doc.append(w.line[:0]), '\n')
	_, err := w.out.Write(w.line)
	return err
}

func (w *Writer) interchange() *object {
	ic, o := w.ic, &object{}
	o.text("standard", ic.Standard.String())
	for _, p := range []struct {
		name string
		validate.Party
	}{{"sender", ic.Sender}, {"receiver", ic.Receiver}} {
		party := &object{}
		party.text("qualifier", p.Qualifier)
		party.text("id", p.ID)
		o.put(p.name, false, party)
	}
	o.text("control_number", ic.Control)
	o.text("version", ic.Version)
	o.text("usage", ic.Usage)
	return o
}

// object is a JSON object being built, members in order. Objects of a set are few
// and small, so that a scan of the names is faster than a map.
type object struct {
	members []member
}

type member struct {
	name string
	list bool
	text []byte // of the items, with commas
}

// add makes room for a value and returns the member whose text it is appended to.
// A second value of a name makes a list of it.
func (o *object) add(name string, list bool) *member {
	for i := range o.members {
		if m := &o.members[i]; m.name == name {
			m.list = true
			m.text = append(m.text, ',')
			return m
		}
	}
	if n := len(o.members); n < cap(o.members) {
		// The text of an object that was used before is kept for the next.
		o.members = o.members[:n+1]
		m := &o.members[n]
		m.name, m.list, m.text = name, list, m.text[:0]
		return m
	}
	o.members = append(o.members, member{name: name, list: list})
	return &o.members[len(o.members)-1]
}

func (o *object) text(name, value string) {
	if value != "" {
		m := o.add(name, false)
		m.text = appendQuoted(m.text, value)
	}
}

func (o *object) put(name string, list bool, value *object) {
	m := o.add(name, list)
	m.text = value.append(m.text)
}

func (o *object) append(out []byte) []byte {
	out = append(out, '{')
	for i := range o.members {
		m := &o.members[i]
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), m.name...), '"', ':')
		if m.list {
			out = append(out, '[')
		}
		out = append(out, m.text...)
		if m.list {
			out = append(out, ']')
		}
	}
	return append(out, '}')
}

// appendQuoted writes a JSON string. What is not plain is left to encoding/json.
func appendQuoted(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			b, err := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
			if err != nil {
				return append(out, '"', '"') // text can always be marshalled
			}
			return append(out, b...)
		}
	}
	return append(append(append(out, '"'), s...), '"')
}

// builder builds the object of one set. Its levels and objects are used again
// for the next.
type builder struct {
	set   *validate.Set
	stack []*level
	spare []*level
	small object // a segment that is no loop
	part  object // a composite
	ids   object
}

// level is an open loop, or the set itself.
type level struct {
	node *grammar.Node
	object
}

func (b *builder) begin(s *validate.Set) {
	b.close(1)
	if len(b.stack) == 1 {
		b.spare, b.stack = append(b.spare, b.stack[0]), b.stack[:0]
	}
	b.set = s
	b.open(nil)
}

func (b *builder) open(n *grammar.Node) *level {
	l := &level{}
	if k := len(b.spare); k > 0 {
		l, b.spare = b.spare[k-1], b.spare[:k-1]
	}
	l.node, l.members = n, l.members[:0]
	b.stack = append(b.stack, l)
	return l
}

func (b *builder) top() *level { return b.stack[len(b.stack)-1] }

func (b *builder) segment(seg *syntax.Segment, at validate.Place) {
	if at.Node == nil {
		b.extra(seg)
		return
	}
	depth := at.Depth
	if at.Opens {
		depth--
	}
	b.close(depth + 1)
	if at.Opens {
		b.fields(&b.open(at.Node).object, seg, at.Node.Segment)
		return
	}
	l := b.top()
	if l.node == nil && b.set.Grammar != nil && len(b.set.Grammar.Body) > 0 && b.set.Grammar.Body[0] == at.Node && at.Node.Max == 1 {
		b.fields(&l.object, seg, at.Node.Segment)
		return
	}
	b.small.members = b.small.members[:0]
	b.fields(&b.small, seg, at.Node.Segment)
	l.put(at.Node.Name, at.Node.Max > 1, &b.small)
}

// close ends loops, the innermost first, until depth are left around the set.
func (b *builder) close(depth int) {
	for len(b.stack) > max(depth, 1) {
		l := b.top()
		b.stack = b.stack[:len(b.stack)-1]
		b.top().put(l.node.Name, l.node.Max > 1, &l.object)
		b.spare = append(b.spare, l)
	}
}

func (b *builder) finish() *object {
	b.close(1)
	return &b.stack[0].object
}

// headers and trailers are in the document's transaction and interchange.
var service = map[syntax.Key]bool{
	syntax.KeyOf("ST"): true, syntax.KeyOf("SE"): true, syntax.KeyOf("UNH"): true, syntax.KeyOf("UNT"): true,
	syntax.KeyOf("MHD"): true, syntax.KeyOf("MTR"): true,
}

func (b *builder) extra(seg *syntax.Segment) {
	if service[seg.Key] {
		return
	}
	o := &object{}
	o.text("segment", string(seg.Tag()))
	position := o.add("position", false)
	position.text = strconv.AppendInt(position.text, int64(b.set.Segments), 10)
	elements := o.add("elements", true)
	for i := range seg.Len() {
		if i > 0 {
			elements.text = append(elements.text, ',')
		}
		elements.text = appendQuoted(elements.text, seg.Value(i+1))
	}
	b.top().put(Extra, true, o)
}

// fields writes the elements of a segment into an object.
func (b *builder) fields(o *object, seg *syntax.Segment, def *grammar.Segment) {
	b.ids.members = b.ids.members[:0]
	for i := 0; i < len(def.Elements) && i < seg.Len(); i++ {
		p := &def.Elements[i]
		data := seg.Element(i + 1)
		if len(data) == 0 {
			continue
		}
		if p.Pair {
			b.ids.text(codeName(p.Element, string(seg.Plain(data))), seg.Value(i+2))
			i++
			continue
		}
		if p.Repeat > 1 {
			seg.Repeats(data, func(_ int, v []byte) {
				if len(v) > 0 {
					b.value(o.add(p.Name, true), seg, v, p)
				}
			})
			continue
		}
		b.value(o.add(p.Name, false), seg, data, p)
	}
	if len(b.ids.members) > 0 {
		o.put("ids", false, &b.ids)
	}
}

// codeName is the name that the grammar gives a code, or the code in small
// letters.
func codeName(e *grammar.Element, code string) string {
	if name := e.Codes[code]; name != "" {
		return name
	}
	return strings.ToLower(code)
}

func (b *builder) value(to *member, seg *syntax.Segment, data []byte, p *grammar.Position) {
	if p.Composite == nil {
		to.text = appendQuoted(to.text, plain(seg, data, p.Element))
		return
	}
	o := &b.part
	o.members = o.members[:0]
	seg.Components(data, func(n int, v []byte) {
		switch {
		case len(v) == 0:
		case n <= len(p.Composite.Components):
			c := &p.Composite.Components[n-1]
			o.text(c.Name, plain(seg, v, c.Element))
		default:
			o.text(fmt.Sprintf("component_%d", n), string(seg.Plain(v)))
		}
	})
	to.text = o.append(to.text)
}

// plain is a value in the form that mappings read. What does not have the form of
// its type stays as it is: the validator has said so.
func plain(seg *syntax.Segment, data []byte, e *grammar.Element) string {
	v := string(seg.Plain(data))
	if e == nil {
		return v
	}
	switch e.Type {
	case grammar.Number:
		return implied(v, e.Implied)
	case grammar.Decimal:
		return strings.Replace(v, ",", ".", 1)
	case grammar.Date:
		return isoDate(v)
	case grammar.Time:
		return isoTime(v)
	}
	return v
}

// implied writes out the decimal point of types N1 to N9.
func implied(v string, places int) string {
	digits := strings.TrimPrefix(v, "-")
	if places == 0 || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return v
	}
	if len(digits) <= places {
		digits = strings.Repeat("0", places-len(digits)+1) + digits
	}
	digits = digits[:len(digits)-places] + "." + digits[len(digits)-places:]
	if v[0] == '-' {
		return "-" + digits
	}
	return digits
}

// isoDate reads CCYYMMDD, and YYMMDD with the years 50 to 99 before 2000.
func isoDate(v string) string {
	if strings.Trim(v, "0123456789") != "" {
		return v
	}
	const pivot = "50"
	if len(v) == 6 {
		century := "20"
		if v[:2] >= pivot {
			century = "19"
		}
		v = century + v
	}
	if len(v) != 8 {
		return v
	}
	return v[:4] + "-" + v[4:6] + "-" + v[6:]
}

// isoTime reads HHMM, HHMMSS and HHMMSS with decimal seconds.
func isoTime(v string) string {
	if strings.Trim(v, "0123456789") != "" || len(v) != 4 && (len(v) < 6 || len(v) > 8) {
		return v
	}
	out := v[:2] + ":" + v[2:4]
	if len(v) > 4 {
		out += ":" + v[4:6]
	}
	if len(v) > 6 {
		out += "." + v[6:]
	}
	return out
}
