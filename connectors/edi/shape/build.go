package shape

import (
	"strconv"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// builder writes the object of one set. Its memory is used again for the next.
type builder struct {
	shaper  *Shaper
	most    int // items of a part, 0 for all
	set     *validate.Set
	plan    *plan
	d       syntax.Delimiters
	out     []byte // the object, behind a gap for what stands around it
	stack   []open
	key     []byte
	part    int // that is being written; 0 until the set is found to have several
	count   int // items in it
	trailer syntax.Key
	lineage bool
	latin   bool   // values were ISO 8859-1
	spare   []byte // of documents whose origins are told
	forest  forest
	swap    []byte
	err     error
}

// open is an object that is being written: a loop, or the set.
type open struct {
	node  *node // nil for the set
	start int   // of its members in out
	mute  bool  // a loop too many: its segments go to _extra
	run   *node // whose items were written last
	runAt int   // where that member begins
	names run
	order []byte // of Order's list
	extra []byte // of Extra's list
	head  head
}

// run is where the items of a node with names stand.
type run struct {
	used   uint64 // names that the object has
	item   int    // where the item that is being written begins
	as     int8   // what it becomes
	listed bool   // there is a list
	tail   bool   // it is still open, at the end of out
	end    int    // of a list that is not: where its bracket stands
	mixed  bool   // the list and the names alternate
	seen   []byte // the items in order: a name's number, or unnamed
}

const (
	named int8 = iota
	appended
	inserted
)

const unnamed = 0xff

// gap is the room before a set's object.
const gap = 2048

func (b *builder) begin(s *validate.Set, p *plan) {
	b.set, b.plan = s, p
	b.part, b.count, b.err, b.latin = 0, 0, nil, false
	b.lineage = b.shaper.o.Lineage
	b.key = b.key[:0]
	if cap(b.out) < gap {
		b.out = make([]byte, gap, 32*gap)
	}
	b.out = append(b.out[:gap], '{')
	b.stack = b.stack[:0]
	b.push(nil, len(b.out), false)
}

// push opens an object; the memory of the one that stood there before is kept.
func (b *builder) push(n *node, start int, mute bool) {
	if len(b.stack) < cap(b.stack) {
		b.stack = b.stack[:len(b.stack)+1]
	} else {
		b.stack = append(b.stack, open{})
	}
	l := b.top()
	l.node, l.start, l.mute, l.run, l.runAt = n, start, mute, nil, 0
	l.order, l.extra, l.head.at = l.order[:0], l.extra[:0], -1
}

func (b *builder) top() *open { return &b.stack[len(b.stack)-1] }

// segment takes a segment to its place.
func (b *builder) segment(seg *syntax.Segment, at validate.Place) {
	b.d = seg.Delimiters()
	if at.Node == nil {
		b.extra(seg)
		return
	}
	depth := at.Depth
	if at.Opens {
		depth--
	}
	b.close(depth + 1)
	l, n := b.top(), &b.plan.nodes[at.Node.Number]
	if l.mute || n.single && l.run == n {
		if at.Opens {
			b.push(n, len(b.out), true)
		}
		b.extra(seg)
		return
	}
	if b.most > 0 && !n.single {
		if b.parts(n); b.err != nil {
			return
		}
	}
	omit := b.item(l, n, seg)
	if at.Node == b.plan.key.Node && len(b.key) == 0 {
		b.readKey(seg)
	}
	start := len(b.out)
	b.fields(seg, n.segment, omit)
	if at.Opens {
		b.push(n, start, false)
		return
	}
	if !n.opening {
		b.end(l, n)
	}
}

func (b *builder) readKey(seg *syntax.Segment) {
	at := b.plan.key
	data := seg.Element(at.Element)
	if at.Node.Segment.Elements[at.Element-1].Composite != nil {
		data = seg.Component(at.Element, at.Component)
	}
	release := byte(0)
	if seg.Released() {
		release = b.d.Release
	}
	b.key = unescaped(b.key, data, release)
}

// item begins what a segment becomes, and returns the elements that are told
// otherwise.
func (b *builder) item(l *open, n *node, seg *syntax.Segment) (omit uint64) {
	if l.run != n {
		b.endRun(l)
		l.run, l.runAt = n, len(b.out)
		if n.part && l.head.at < 0 {
			l.head = head{at: l.runAt, extra: len(l.extra), order: len(l.order)}
		}
		switch {
		case n.as != nil:
			l.names = run{seen: l.names.seen[:0]}
		case n.tree != nil:
			b.forest.begin(n.tree)
		case !n.opening:
			b.out = append(b.out, n.open...)
		}
	}
	switch {
	case n.single:
	case n.as != nil:
		return b.namedItem(l, n, seg)
	case n.tree != nil:
		b.forest.add(b, seg)
		return n.omit
	default:
		b.out = append(b.out, '{')
	}
	return 0
}

// namedItem begins an item whose qualifier may have a name.
func (b *builder) namedItem(l *open, n *node, seg *syntax.Segment) (omit uint64) {
	r := &l.names
	r.item = len(b.out)
	if i, ok := n.as.code[string(seg.Element(n.as.at))]; ok && r.used>>i&1 == 0 {
		if r.tail {
			r.end = len(b.out) - 1
			b.out[r.end] = ']'
			b.out = append(b.out, ',')
			r.tail, r.item = false, len(b.out)
		}
		r.used |= 1 << i
		r.as, r.seen = named, append(r.seen, byte(i))
		b.out = append(b.out, n.as.open[i]...)
		return bit(n.as.at)
	}
	r.seen = append(r.seen, unnamed)
	switch {
	case !r.listed:
		r.as, r.listed, r.tail = appended, true, true
		b.out = append(b.out, n.open...)
	case r.tail:
		r.as = appended
	default:
		r.as, r.mixed = inserted, true
	}
	b.out = append(b.out, '{')
	return 0
}

// end completes an item.
func (b *builder) end(l *open, n *node) {
	if n.tree != nil {
		b.forest.end(b)
		return
	}
	b.closeObject()
	if n.as != nil && l.names.as == inserted {
		b.insert(&l.names)
	}
}

// insert moves the item at the end of out into its list, which stands before
// members with names. That happens at most once for every name of an object.
func (b *builder) insert(r *run) {
	b.swap = append(b.swap[:0], b.out[r.item:len(b.out)-1]...)
	n := len(b.swap) + 1
	copy(b.out[r.end+n:], b.out[r.end:r.item])
	b.out[r.end] = ','
	copy(b.out[r.end+1:], b.swap)
	r.end += n
}

// endRun completes the member that was written last.
func (b *builder) endRun(l *open) {
	n := l.run
	switch {
	case n == nil || n.single:
	case n.tree != nil:
		b.forest.write(b, l)
	case n.as == nil:
		b.closeList()
	default:
		if l.names.tail {
			b.closeList()
		}
		if l.names.mixed {
			for _, i := range l.names.seen {
				name := n.list
				if i != unnamed {
					name = n.as.name[i]
				}
				l.order = append(append(l.order, quote(name)...), ',')
			}
		}
	}
	l.run = nil
}

// close ends loops, the innermost first, until so many objects are open.
func (b *builder) close(objects int) {
	for len(b.stack) > max(objects, 1) {
		l := b.top()
		b.stack = b.stack[:len(b.stack)-1]
		if l.mute {
			continue
		}
		b.endMembers(l)
		b.end(b.top(), l.node)
	}
}

// endMembers writes what stands at the end of an object. An item of a tree keeps
// it: its children come before, and the set's object may take its place.
func (b *builder) endMembers(l *open) {
	b.endRun(l)
	if l.node != nil && l.node.tree != nil {
		b.forest.keep(l.order, l.extra)
		return
	}
	b.tail(l.order, l.extra)
}

// tail writes the order and the segments without a place of an object.
func (b *builder) tail(order, extra []byte) {
	if len(order) > 0 {
		b.out = append(append(b.out, quote(Order)...), ':', '[')
		b.out = append(b.out, order...)
		b.closeList()
	}
	if len(extra) > 0 {
		b.out = append(append(b.out, quote(Extra)...), ':', '[')
		b.out = append(b.out, extra...)
		b.closeList()
	}
}

// finish completes the set and hands it over.
func (b *builder) finish() {
	if b.err != nil {
		return
	}
	b.close(1)
	b.endMembers(b.top())
	b.closeSet()
	b.err = b.shaper.handOver(true)
}

// closeSet ends the set's object, behind which nothing comes.
func (b *builder) closeSet() {
	b.closeObject()
	b.out = b.out[:len(b.out)-1]
}

// closeObject ends an object in the place of the last comma.
func (b *builder) closeObject() { b.out = closed(b.out, '}') }

func (b *builder) closeList() { b.out = closed(b.out, ']') }

func closed(out []byte, bracket byte) []byte {
	if last := len(out) - 1; out[last] == ',' {
		out[last] = bracket
		return append(out, ',')
	}
	return append(out, bracket, ',')
}

// trailers by the headers of their sets. What they say is in the document's
// transaction, or counts and repeats.
var trailers = map[syntax.Key]syntax.Key{
	syntax.KeyOf("ST"): syntax.KeyOf("SE"), syntax.KeyOf("UNH"): syntax.KeyOf("UNT"), syntax.KeyOf("MHD"): syntax.KeyOf("MTR"),
}

// extra keeps a segment as it stands, in the innermost object that is open.
func (b *builder) extra(seg *syntax.Segment) {
	if b.set.Segments == 1 {
		b.trailer = trailers[seg.Key]
		b.shaper.env.header(seg)
		return
	}
	if seg.Key == b.trailer && seg.Key != 0 {
		return
	}
	l := b.top()
	for i := len(b.stack) - 1; l.mute; i-- {
		l = &b.stack[i-1]
	}
	if b.most > 0 && len(b.stack) == 1 {
		if b.strays(); b.err != nil {
			return
		}
		l = b.top()
	}
	out := append(l.extra, `{"segment":"`...)
	out = appendText(out, seg.Tag(), 0, &b.latin)
	out = append(out, `","position":`...)
	out = strconv.AppendInt(out, int64(b.set.Segments), 10)
	out = append(out, `,"elements":[`...)
	for i := range seg.Len() {
		data := seg.Element(i + 1)
		out = append(appendText(append(out, '"'), data, 0, &b.latin), '"')
		if b.lineage && len(data) > 0 {
			out = b.mark(out, seg, value{element: i + 1, data: data})
		}
		out = append(out, ',')
	}
	l.extra = closed(closed(out, ']'), '}')
}

// unescaped appends a value without release characters.
func unescaped(out, data []byte, release byte) []byte {
	for i := 0; i < len(data); i++ {
		if data[i] == release && release != 0 && i+1 < len(data) {
			i++
		}
		out = append(out, data[i])
	}
	return out
}
