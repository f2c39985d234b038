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
	"regexp"
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
	b     *builder
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
	w.b = newBuilder(s)
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
		doc.put("interchange", false, w.interchange().json())
	}
	if g := w.group; g != nil {
		o := &object{}
		o.text("functional_id", g.Functional)
		o.text("sender", g.Sender)
		o.text("receiver", g.Receiver)
		o.text("control_number", g.Control)
		o.text("version", g.Version)
		doc.put("group", false, o.json())
	}
	t := &object{}
	t.text("set", s.ID)
	t.text("control_number", s.Control)
	t.text("release", s.Release)
	t.text("association", s.Association)
	if s.Rejected {
		t.put("rejected", false, []byte("true"))
	}
	doc.put("transaction", false, t.json())
	name := "segments"
	if s.Grammar != nil {
		name = s.Grammar.Name
	}
	doc.put(name, false, w.b.finish())
	_, err := w.out.Write(append(doc.json(), '\n'))
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
		o.put(p.name, false, party.json())
	}
	o.text("control_number", ic.Control)
	o.text("version", ic.Version)
	o.text("usage", ic.Usage)
	return o
}

// object is a JSON object being built, members in order.
type object struct {
	names   []string
	members map[string]*member
}

type member struct {
	list bool
	text []byte // of the items, with commas
}

// put adds a value. A second value of a name makes a list of it.
func (o *object) put(name string, list bool, value []byte) {
	if o.members == nil {
		o.members = map[string]*member{}
	}
	m := o.members[name]
	if m == nil {
		m = &member{list: list}
		o.members[name] = m
		o.names = append(o.names, name)
	} else {
		m.list = true
		m.text = append(m.text, ',')
	}
	m.text = append(m.text, value...)
}

func (o *object) text(name, value string) {
	if value != "" {
		o.put(name, false, quoted(value))
	}
}

func (o *object) json() []byte {
	out := []byte{'{'}
	for i, name := range o.names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, quoted(name)...), ':')
		m := o.members[name]
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

func quoted(s string) []byte {
	b, err := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
	if err != nil {
		return []byte(`""`) // text can always be marshalled
	}
	return b
}

// builder builds the object of one set.
type builder struct {
	set   *validate.Set
	stack []*level
}

// level is an open loop, or the set itself.
type level struct {
	node *grammar.Node
	object
}

func newBuilder(s *validate.Set) *builder {
	return &builder{set: s, stack: []*level{{}}}
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
		l := &level{node: at.Node}
		b.stack = append(b.stack, l)
		fields(&l.object, seg, at.Node.Segment)
		return
	}
	l := b.top()
	if l.node == nil && b.set.Grammar != nil && len(b.set.Grammar.Body) > 0 && b.set.Grammar.Body[0] == at.Node && at.Node.Max == 1 {
		fields(&l.object, seg, at.Node.Segment)
		return
	}
	o := &object{}
	fields(o, seg, at.Node.Segment)
	l.put(at.Node.Name, at.Node.Max > 1, o.json())
}

// close ends loops, the innermost first, until depth are left around the set.
func (b *builder) close(depth int) {
	for len(b.stack) > max(depth, 1) {
		l := b.top()
		b.stack = b.stack[:len(b.stack)-1]
		b.top().put(l.node.Name, l.node.Max > 1, l.json())
	}
}

func (b *builder) finish() []byte {
	b.close(1)
	return b.stack[0].json()
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
	o.put("position", false, strconv.AppendInt(nil, int64(b.set.Segments), 10))
	elements := []byte{'['}
	for i := range seg.Len() {
		if i > 0 {
			elements = append(elements, ',')
		}
		elements = append(elements, quoted(seg.Value(i+1))...)
	}
	o.put("elements", false, append(elements, ']'))
	b.top().put(Extra, true, o.json())
}

// pairOf recognises elements that come as qualifier and identifier, several times.
var pairOf = regexp.MustCompile(`^(.*?)_?qualifier_[0-9]+$`)

// fields writes the elements of a segment into an object.
func fields(o *object, seg *syntax.Segment, def *grammar.Segment) {
	ids := &object{}
	for i := 0; i < len(def.Elements) && i < seg.Len(); i++ {
		p := &def.Elements[i]
		data := seg.Element(i + 1)
		if len(data) == 0 {
			continue
		}
		if i+1 < len(def.Elements) && isPair(p, &def.Elements[i+1]) {
			ids.text(codeName(p.Element, string(seg.Plain(data))), seg.Value(i+2))
			i++
			continue
		}
		if p.Repeat > 1 {
			seg.Repeats(data, func(_ int, v []byte) {
				if len(v) > 0 {
					o.put(p.Name, true, valueOf(seg, v, p))
				}
			})
			continue
		}
		o.put(p.Name, false, valueOf(seg, data, p))
	}
	if len(ids.names) > 0 {
		o.put("ids", false, ids.json())
	}
}

func isPair(qualifier, id *grammar.Position) bool {
	m := pairOf.FindStringSubmatch(qualifier.Name)
	return m != nil && qualifier.Element != nil && strings.HasPrefix(id.Name, strings.TrimSuffix(m[1]+"_", "_")) && strings.Contains(id.Name, "id")
}

// codeName is the name that the grammar gives a code, or the code in small
// letters.
func codeName(e *grammar.Element, code string) string {
	if name := e.Codes[code]; name != "" {
		return name
	}
	return strings.ToLower(code)
}

func valueOf(seg *syntax.Segment, data []byte, p *grammar.Position) []byte {
	if p.Composite == nil {
		return quoted(plain(seg, data, p.Element))
	}
	o := &object{}
	seg.Components(data, func(n int, v []byte) {
		switch {
		case len(v) == 0:
		case n <= len(p.Composite.Components):
			c := p.Composite.Components[n-1]
			o.text(c.Name, plain(seg, v, c.Element))
		default:
			o.text(fmt.Sprintf("component_%d", n), string(seg.Plain(v)))
		}
	})
	return o.json()
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
