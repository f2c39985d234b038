package shape

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// forest is the items of a tree: HL loops. They are written one behind the other
// as they come, and put into their parents when the last is there.
type forest struct {
	tree  *tree
	items []treeItem
	texts []byte           // of identifiers and levels
	ids   map[string]int32 // the last item of an identifier; made when it is needed
	arena []byte           // the items' members while they are put together
	kids  []int32
	n     int // items that have a number
}

// treeItem is one of them. The item 0 is the surrounding object.
type treeItem struct {
	from, to          int // of its members in out
	id, parent, level span
	list              *level
	up, first, last   int32 // 0 is none
	next              int32
	depth             int
	number            int // among all as they will be written, from 1
	merged            bool
	orphan            bool // it says to have no parent, or one that is not there
	order, extra      []byte
	position          int      // of its segment in the set
	offsets           [3]int64 // of identifier, parent and level in the stream
}

type span struct{ from, to int }

// mostDepth is how deep items nest: X12 has some six levels. What is deeper is
// taken for an item without a parent, and keeps its identifiers.
const mostDepth = 32

func (f *forest) begin(t *tree) {
	f.tree = t
	f.items = append(f.items[:0], treeItem{})
	f.texts, f.ids, f.n = f.texts[:0], nil, 0
}

func (f *forest) text(s span) []byte { return f.texts[s.from:s.to] }

// put keeps the value of an element.
func (f *forest) put(b *builder, seg *syntax.Segment, at int) span {
	from := len(f.texts)
	release := byte(0)
	if seg.Released() {
		release = b.d.Release
	}
	f.texts = unescaped(f.texts, seg.Element(at), release)
	return span{from, len(f.texts)}
}

// add begins an item.
func (f *forest) add(b *builder, seg *syntax.Segment) {
	t := f.tree
	it := treeItem{from: len(b.out), id: f.put(b, seg, t.id), parent: f.put(b, seg, t.parent), level: f.put(b, seg, t.level)}
	it.list = t.of(f.text(it.level))
	it.position = b.set.Segments
	if b.lineage {
		it.offsets = [3]int64{seg.ElementOffset(t.id), seg.ElementOffset(t.parent), seg.ElementOffset(t.level)}
	}
	if up := f.find(f.text(it.parent)); up > 0 && f.items[up].depth < mostDepth {
		it.up, it.depth = up, f.items[up].depth+1
	} else {
		it.orphan = true
		if root := &f.items[0]; t.root != "" && root.list == nil && it.parent.from == it.parent.to && string(f.text(it.level)) == t.root {
			// The surrounding object remembers which item it is.
			root.list, root.up, it.merged = it.list, int32(len(f.items)), true
		}
	}
	f.items = append(f.items, it)
	if f.ids != nil {
		f.ids[string(f.text(it.id))] = int32(len(f.items) - 1)
	}
}

// find looks for an item by its identifier: mostly it is the one before, or one
// of those around that.
func (f *forest) find(id []byte) int32 {
	if len(id) == 0 {
		return 0
	}
	for i := int32(len(f.items) - 1); i > 0; i = f.items[i].up {
		if bytes.Equal(f.text(f.items[i].id), id) {
			return i
		}
	}
	if f.ids == nil {
		f.ids = map[string]int32{}
		for i := 1; i < len(f.items); i++ {
			f.ids[string(f.text(f.items[i].id))] = int32(i)
		}
	}
	return f.ids[string(id)]
}

func (f *forest) end(b *builder) { f.items[len(f.items)-1].to = len(b.out) }

// keep remembers what stands at the end of the item that ends; mostly nothing.
func (f *forest) keep(order, extra []byte) {
	if len(order)+len(extra) > 0 {
		it := &f.items[len(f.items)-1]
		it.order, it.extra = bytes.Clone(order), bytes.Clone(extra)
	}
}

// write puts the items together and into the surrounding object.
func (f *forest) write(b *builder, l *open) {
	base := f.items[1].from
	f.arena = append(f.arena[:0], b.out[base:]...)
	b.out = b.out[:base]
	for i := range f.items {
		f.items[i].from, f.items[i].to = f.items[i].from-base, f.items[i].to-base
	}
	top := f.items[0].up
	if top > 0 {
		f.items[0].up = 0
	}
	for i := int32(1); i < int32(len(f.items)); i++ {
		it := &f.items[i]
		if it.orphan && i != top {
			it.up = top
		}
		if i == top && top > 0 {
			continue
		}
		f.adopt(it.up, i)
	}
	f.count(top)
	l.order = append(l.order, f.members(b, top)...)
	l.extra = append(l.extra, f.items[top].extra...)
}

// adopt makes an item the last child of another.
func (f *forest) adopt(up, i int32) {
	p := &f.items[up]
	if p.last == 0 {
		p.first = i
	} else {
		f.items[p.last].next = i
	}
	p.last = i
}

// count numbers the items as whoever writes them will.
func (f *forest) count(i int32) {
	if i > 0 {
		f.n++
		f.items[i].number = f.n
	}
	for c := f.items[i].first; c > 0; c = f.items[c].next {
		f.count(c)
	}
}

// members writes an item without its braces, and returns the names of its order,
// when they are needed.
func (f *forest) members(b *builder, i int32) (order []byte) {
	it := &f.items[i]
	if i > 0 {
		b.out = append(b.out, f.arena[it.from:it.to]...)
		f.hierarchy(b, i)
	}
	order = it.order
	// Children by their lists, in the order in which the lists come first.
	from := len(f.kids)
	mixed, lists := false, 0
	for c := it.first; c > 0; c = f.items[c].next {
		f.kids = append(f.kids, c)
		if n := len(f.kids) - 1; n == from || f.items[f.kids[n-1]].list.name != f.items[c].list.name {
			lists++
		}
	}
	to := len(f.kids)
	if lists > 1 {
		mixed = f.group(f.kids[from:to], lists)
	}
	if mixed || len(order) > 0 && lists > 1 {
		for c := it.first; c > 0; c = f.items[c].next {
			order = append(append(order, quote(f.items[c].list.name)...), ',')
		}
	}
	name := ""
	for k := from; k < to; k++ {
		c := f.kids[k]
		list := f.items[c].list
		if k == from || list.name != name {
			if k > from {
				b.closeList()
			}
			name = list.name
			b.out = append(b.out, list.open...)
		}
		b.out = append(b.out, '{')
		b.tail(f.members(b, c), f.items[c].extra)
		b.closeObject()
	}
	if to > from {
		b.closeList()
	}
	f.kids = f.kids[:from]
	return order
}

// group brings children of the same list together and tells whether they were
// not.
func (f *forest) group(kids []int32, runs int) (mixed bool) {
	first := map[string]int{}
	for _, c := range kids {
		if name := f.items[c].list.name; first[name] == 0 {
			first[name] = len(first) + 1
		}
	}
	if len(first) == runs {
		return false
	}
	slices.SortStableFunc(kids, func(a, b int32) int { return first[f.items[a].list.name] - first[f.items[b].list.name] })
	return true
}

// regular tells that whoever writes an item back says the same of its place. The
// top item of a tree that has a root, but none here, never is: whoever reads it
// could take it for the root's child. The root is regular when it has members,
// or one of its children is, so that it can be told from none.
func (f *forest) regular(i int32) bool {
	it := &f.items[i]
	id, parent, level := f.text(it.id), f.text(it.parent), f.text(it.level)
	up := []byte(nil)
	switch {
	case it.up > 0:
		up = f.text(f.items[it.up].id)
	case f.tree.root != "" && !it.merged:
		return false
	}
	var room [20]byte
	if int(i) != it.number || string(strconv.AppendInt(room[:0], int64(it.number), 10)) != string(id) || string(level) != it.list.code || !bytes.Equal(up, parent) {
		return false
	}
	if !it.merged || it.to > it.from {
		return true
	}
	for c := it.first; c > 0; c = f.items[c].next {
		if f.regular(c) {
			return true
		}
	}
	return false
}

// hierarchy writes what an item says of its place, where whoever writes it back
// would not say the same.
func (f *forest) hierarchy(b *builder, i int32) {
	if f.regular(i) {
		return
	}
	it := &f.items[i]
	id, parent, level := f.text(it.id), f.text(it.parent), f.text(it.level)
	out := append(b.out, `"hierarchy":{`...)
	for k, v := range [][]byte{id, parent, level} {
		if len(v) == 0 {
			continue
		}
		out = append(append(out, hierarchyNames[k]...), '"')
		out = append(appendText(out, v, 0, &b.latin), '"')
		if b.lineage {
			at := [3]int{f.tree.id, f.tree.parent, f.tree.level}
			out = appendMark(out, f.tree.tag, it.position, value{element: at[k]}, it.offsets[k])
		}
		out = append(out, ',')
	}
	if int(i) != it.number {
		out = append(strconv.AppendInt(append(out, `"sequence":`...), int64(i), 10), ',')
	}
	b.out = closed(out, '}')
}

var hierarchyNames = []string{`"id":`, `"parent":`, `"level":`}
