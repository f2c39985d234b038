package syntax

import "math/bits"

// index is where the delimiters of a buffer are.
//
// Segments and elements are so short that whoever searches for the end of each
// spends most of the time on guessing wrong where it is. The index is made of 64
// bytes at a time, without a decision for any of them: a bit for every delimiter,
// and the bits become numbers. A segment is then a part of the list of elements'
// ends.
type index struct {
	d    Delimiters
	look delimiters
	few  bool // neither release nor repetition

	to   int  // what is before it in the buffer was looked at
	step int  // how much comes next, up to span
	skip bool // the byte there is data: a release character is before it

	// Places in the buffer, and the next of each that was not used.
	cuts                           []uint32 // ends of elements, those at the end of a segment too
	terms                          []uint32 // the ends of segments, as places in cuts
	comps                          []uint32 // component separators
	marks                          []uint32 // release characters and repetition separators
	odd                            []uint32 // other bytes than printable ASCII
	cut, term, comp, mark, strange int
}

// span is how much is looked at in one go, so that the list stays in the fastest
// cache. An interchange begins with less: a file of tiny ones would be looked at
// again and again.
const (
	span      = 4096
	firstSpan = 256
)

// use takes the delimiters of an interchange that begins at a place.
func (x *index) use(d *Delimiters, from int) {
	x.d = *d
	times := func(b byte) uint64 {
		if b == 0 {
			b = d.Element
		}
		return uint64(b) * low
	}
	x.look = delimiters{times(d.Element), times(d.Segment), times(d.Component), times(d.Release), times(d.Repetition)}
	x.few = d.Release == 0 && d.Repetition == 0
	x.step = firstSpan
	x.restart(from)
}

// restart forgets everything and goes on at a place.
func (x *index) restart(from int) {
	x.to, x.skip = from, false
	x.cuts, x.terms, x.comps, x.marks, x.odd = x.cuts[:0], x.terms[:0], x.comps[:0], x.marks[:0], x.odd[:0]
	x.cut, x.term, x.comp, x.mark, x.strange = 0, 0, 0, 0, 0
}

// pass drops what is before a place, where only blanks were.
func (x *index) pass(from int) {
	if x.to <= from {
		x.restart(from)
		return
	}
	for x.term < len(x.terms) && x.cuts[x.terms[x.term]] < uint32(from) {
		x.cut = int(x.terms[x.term]) + 1
		x.term++
	}
	for x.cut < len(x.cuts) && x.cuts[x.cut] < uint32(from) {
		x.cut++
	}
}

// until takes the places of a list up to one; those before start, among blanks,
// are dropped.
func until(list []uint32, next *int, start, end uint32) []uint32 {
	i := *next
	for i < len(list) && list[i] < start {
		i++
	}
	from := i
	for i < len(list) && list[i] < end {
		i++
	}
	*next = i
	return list[from:i]
}

// moved follows the buffer, whose first bytes were dropped.
func (x *index) moved(by int) {
	x.to -= by
	// What was between segments, such as a line end that ends them, was nobody's.
	gone := uint32(by)
	until(x.comps, &x.comp, gone, gone)
	until(x.marks, &x.mark, gone, gone)
	until(x.odd, &x.strange, gone, gone)
	x.compact()
	for _, list := range [...][]uint32{x.cuts, x.comps, x.marks, x.odd} {
		for i := range list {
			list[i] -= uint32(by)
		}
	}
}

// compact drops what was used.
func (x *index) compact() {
	for i, t := range x.terms[x.term:] {
		x.terms[i] = t - uint32(x.cut)
	}
	x.terms, x.term = x.terms[:len(x.terms)-x.term], 0
	drop := func(list []uint32, n *int) []uint32 {
		list = list[:copy(list, list[*n:])]
		*n = 0
		return list
	}
	x.cuts, x.comps = drop(x.cuts, &x.cut), drop(x.comps, &x.comp)
	x.marks, x.odd = drop(x.marks, &x.mark), drop(x.odd, &x.strange)
}

// more looks at what comes next in a buffer. It reports false when everything was
// seen.
func (x *index) more(buf []byte) bool {
	if x.to == len(buf) {
		return false
	}
	if x.term == len(x.terms) {
		x.compact()
	}
	x.cuts = grown(x.cuts)
	end := min(len(buf), x.to+x.step)
	x.step = min(span, 2*x.step)
	for x.to+64 <= end {
		x.block((*[64]byte)(buf[x.to:]), ^uint64(0))
		x.to += 64
	}
	if end == len(buf) && x.to < end {
		var last [64]byte
		n := copy(last[:], buf[x.to:end])
		x.block(&last, 1<<n-1)
		x.to = end
	}
	return true
}

// grown has room for a span.
func grown(list []uint32) []uint32 {
	if cap(list)-len(list) >= span+64 {
		return list
	}
	bigger := make([]uint32, len(list), 2*len(list)+2*span)
	copy(bigger, list)
	return bigger
}

// block looks at 64 bytes, of which those count that have a bit in valid.
func (x *index) block(b *[64]byte, valid uint64) {
	var m masks
	look(b, &x.look, &m)
	ends, terms, comps := (m.element|m.segment)&valid, m.segment&valid, m.component&valid
	if !x.few {
		data := x.releases(&m, valid)
		ends, terms, comps = ends&^data, terms&^data, comps&^data
	}
	for odd := m.odd & valid; odd != 0; odd &= odd - 1 {
		x.odd = append(x.odd, uint32(x.to+bits.TrailingZeros64(odd)))
	}
	at := uint32(x.to)
	for t := terms; t != 0; t &= t - 1 {
		x.terms = append(x.terms, uint32(len(x.cuts)+bits.OnesCount64(ends&(t^(t-1)))-1))
	}
	for c := comps; c != 0; c &= c - 1 {
		x.comps = append(x.comps, at+uint32(bits.TrailingZeros64(c)))
	}
	// Eight at a time, also where fewer are left: what is too much is overwritten.
	n := bits.OnesCount64(ends)
	room := x.cuts[len(x.cuts) : len(x.cuts)+64]
	for i := 0; i < n; i += 8 {
		to := (*[8]uint32)(room[i:])
		to[0], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
		to[1], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
		to[2], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
		to[3], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
		to[4], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
		to[5], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
		to[6], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
		to[7], ends = at+uint32(bits.TrailingZeros64(ends)), ends&(ends-1)
	}
	x.cuts = x.cuts[:len(x.cuts)+n]
}

// releases notes release characters and repetition separators, and returns the
// bytes that are data because of the former.
func (x *index) releases(m *masks, valid uint64) (data uint64) {
	releases, repeats := m.release, m.repetition
	if x.d.Release == 0 {
		releases = 0
	}
	if x.d.Repetition == 0 {
		repeats = 0
	}
	releases &= valid
	if x.skip {
		data, x.skip = 1, false
	}
	for r := releases; r != 0; r &= r - 1 {
		bit := r & -r
		switch {
		case data&bit != 0: // it is data itself
		case bit == 1<<63 || valid&(bit<<1) == 0:
			x.skip = true
		default:
			data |= bit << 1
		}
	}
	for m := releases | repeats&valid&^data; m != 0; m &= m - 1 {
		x.marks = append(x.marks, uint32(x.to+bits.TrailingZeros64(m)))
	}
	return data
}

// trim forgets most about a segment that has too many elements, or far too many
// components: nobody needs to know them all, and a hostile one has a million. Its
// end is not known yet.
func (x *index) trim(most int) (overfull, complicated bool) {
	const enough = 1 << 14
	if len(x.cuts)-x.cut > most+1 {
		x.cuts, overfull = x.cuts[:x.cut+most+1], true
	}
	if max(len(x.comps)-x.comp, len(x.marks)-x.mark, len(x.odd)-x.strange) > enough {
		x.comps, x.marks, x.odd, complicated = x.comps[:0], x.marks[:0], x.odd[:0], true
		x.comp, x.mark, x.strange = 0, 0, 0
	}
	return overfull, complicated
}
