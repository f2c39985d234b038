package shape

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Members are written with a comma behind each; what closes the object or list
// takes the place of the last one.

// fields writes the elements of a segment as members. omit has a bit for every
// position that is told otherwise.
func (b *builder) fields(seg *syntax.Segment, p *segment, omit uint64) {
	n := min(seg.Len(), len(p.fields))
	clean := !b.lineage && plain(seg)
	if clean {
		b.out = b.cleanFields(b.out, seg, p, n, omit)
	} else {
		paired := false
		for i := range n {
			if p.fields[i].kind == pair && !paired {
				paired = true
				b.ids(seg, p, clean, &omit)
			}
			if data := seg.Element(i + 1); len(data) > 0 && omit>>uint(i)&1 == 0 {
				b.field(seg, &p.fields[i], value{element: i + 1, data: data})
			}
		}
	}
	for i := n; i < seg.Len(); i++ {
		if data := seg.Element(i + 1); len(data) > 0 {
			b.surplus("element_", i+1, seg, value{element: i + 1, data: data})
		}
	}
}

// cleanFields is fields for a segment of which nothing needs more than to be
// copied: nearly all are.
func (b *builder) cleanFields(out []byte, seg *syntax.Segment, p *segment, n int, omit uint64) []byte {
	paired := false
	for i := range n {
		f := &p.fields[i]
		if f.kind == pair && !paired {
			b.out, paired = out, true
			b.ids(seg, p, true, &omit)
			out = b.out
		}
		data := seg.Element(i + 1)
		if len(data) == 0 || omit>>uint(i)&1 != 0 {
			continue
		}
		switch f.kind {
		case text, pair:
			out = append(append(append(out, f.quoted...), data...), '"', ',')
		case composite:
			out = b.cleanComposite(out, seg, f, data, i+1)
		case repeated:
			b.out = out
			b.field(seg, f, value{element: i + 1, data: data})
			out = b.out
		default:
			out = append(appendTyped(append(out, f.quoted...), f, f.kind, data), '"', ',')
		}
	}
	return out
}

func (b *builder) cleanComposite(out []byte, seg *syntax.Segment, f *field, data []byte, element int) []byte {
	start := len(out)
	out = append(append(out, f.name...), '{')
	inner := len(out)
	for n := 0; ; n++ {
		end := 0
		for end < len(data) && data[end] != b.d.Component {
			end++
		}
		switch {
		case end == 0:
		case n >= len(f.parts):
			b.out = out
			b.surplus("component_", n+1, seg, value{element: element, component: n + 1, data: data[:end]})
			out = b.out
		case f.parts[n].kind == text:
			out = append(append(append(out, f.parts[n].quoted...), data[:end]...), '"', ',')
		default:
			c := &f.parts[n]
			out = append(appendTyped(append(out, c.quoted...), c, c.value, data[:end]), '"', ',')
		}
		if end >= len(data) {
			break
		}
		data = data[end+1:]
	}
	if len(out) == inner {
		return out[:start]
	}
	return closed(out, '}')
}

// value is a piece of a segment and where it stands.
type value struct {
	data                       []byte
	element, component, repeat int
}

// surplus writes what the grammar has no name for.
func (b *builder) surplus(prefix string, n int, seg *syntax.Segment, v value) {
	b.out = append(append(b.out, '"'), prefix...)
	b.out = append(strconv.AppendInt(b.out, int64(n), 10), '"', ':')
	b.simple(seg, text, nil, v)
}

// ids writes pairs of qualifier and identifier and adds the bits of their
// positions to omit. Halves of pairs, and a qualifier that comes twice, are left
// to their elements' names. Where pairs are empty in between, _slots numbers those
// that are not.
func (b *builder) ids(seg *syntax.Segment, p *segment, clean bool, omit *uint64) {
	start := len(b.out)
	b.out = append(b.out, `"ids":{`...)
	inner := len(b.out)
	empty, gap := false, false
	for k, i := range p.pairs {
		if i+1 >= seg.Len() {
			break
		}
		q, id := seg.Element(i+1), seg.Element(i+2)
		if len(q) == 0 || len(id) == 0 || i+1 >= 64 {
			empty = empty || len(q)+len(id) == 0
			continue
		}
		name := p.fields[i].idName(q)
		if len(name) == 0 || before(seg, p.pairs[:k], q) {
			continue
		}
		b.out = append(b.out, name...)
		if f := &p.fields[i+1]; clean && f.value == text {
			b.out = append(append(append(b.out, '"'), id...), '"', ',')
		} else {
			b.simple(seg, f.value, f, value{element: i + 2, data: id})
		}
		*omit |= 3 << i
		gap = empty
	}
	if len(b.out) == inner {
		b.out = b.out[:start]
		return
	}
	b.closeObject()
	if gap {
		b.slots(p, *omit)
	}
}

// slots numbers the pairs that ids has.
func (b *builder) slots(p *segment, done uint64) {
	b.out = append(append(b.out, quote(Slots)...), ':', '[')
	for k, i := range p.pairs {
		if i < 63 && done>>i&3 == 3 {
			b.out = append(strconv.AppendInt(b.out, int64(k+1), 10), ',')
		}
	}
	b.closeList()
}

// before tells that a qualifier stands at one of the earlier positions, with an
// identifier.
func before(seg *syntax.Segment, at []int, q []byte) bool {
	for _, i := range at {
		if bytes.Equal(seg.Element(i+1), q) && len(seg.Element(i+2)) > 0 {
			return true
		}
	}
	return false
}

// field writes a member of any kind.
func (b *builder) field(seg *syntax.Segment, f *field, v value) {
	start := len(b.out)
	b.out = append(b.out, f.name...)
	switch f.kind {
	case repeated:
		b.repetitions(seg, f, v)
	case composite:
		if !b.composite(seg, f, v) {
			b.out = b.out[:start]
		}
	default:
		b.simple(seg, f.value, f, v)
	}
}

func (b *builder) repetitions(seg *syntax.Segment, f *field, v value) {
	b.out = append(b.out, '[')
	rest, more := v.data, true
	for n := 1; more; n++ {
		var one []byte
		one, rest, more = seg.Cut(rest, b.d.Repetition)
		at := value{data: one, element: v.element, repeat: n}
		if f.value == composite {
			b.composite(seg, f, at)
		} else {
			b.simple(seg, f.value, f, at)
		}
	}
	b.closeList()
}

// composite writes an object of components and tells whether it has any.
func (b *builder) composite(seg *syntax.Segment, f *field, v value) bool {
	b.out = append(b.out, '{')
	start := len(b.out)
	rest, more := v.data, true
	for n := 1; more; n++ {
		var one []byte
		one, rest, more = seg.Cut(rest, b.d.Component)
		if len(one) == 0 {
			continue
		}
		at := value{data: one, element: v.element, component: n, repeat: v.repeat}
		switch {
		case n > len(f.parts):
			b.surplus("component_", n, seg, at)
		default:
			c := &f.parts[n-1]
			b.out = append(b.out, c.name...)
			b.simple(seg, c.value, c, at)
		}
	}
	some := len(b.out) > start
	b.closeObject()
	return some
}

// simple writes a value as text.
func (b *builder) simple(seg *syntax.Segment, k kind, f *field, v value) {
	out := append(b.out, '"')
	if k == text || !plainBytes(v.data) || seg.Released() && bytes.IndexByte(v.data, b.d.Release) >= 0 {
		out = b.text(seg, out, v.data)
	} else {
		out = appendTyped(out, f, k, v.data)
	}
	out = append(out, '"')
	if b.lineage {
		out = b.mark(out, seg, v)
	}
	b.out = append(out, ',')
}

// appendTyped writes a value in the form that mappings read. What does not have
// the form of its type stays as it is: the validator has said so.
func appendTyped(out []byte, f *field, k kind, data []byte) []byte {
	switch k {
	case implied:
		return appendImplied(out, data, f.places)
	case decimal:
		from := len(out)
		out = append(out, data...)
		for i := from; i < len(out); i++ {
			if out[i] == ',' {
				out[i] = '.'
				break
			}
		}
		return out
	case date:
		return appendDate(out, data, f.max)
	case clock:
		return appendTime(out, data)
	}
	return append(out, data...)
}

// text writes any value between quotes.
func (b *builder) text(seg *syntax.Segment, out, data []byte) []byte {
	release := byte(0)
	if seg.Released() {
		release = b.d.Release
	}
	return appendText(out, data, release, &b.latin)
}

// plain tells that nothing in a segment needs more than to be copied.
func plain(seg *syntax.Segment) bool { return !seg.Released() && plainBytes(seg.Raw()) }

// plainBytes looks for quotes, backslashes, control characters and what is not
// ASCII, eight bytes at a time.
func plainBytes(b []byte) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	found := uint64(0)
	i := 0
	for ; i+8 <= len(b); i += 8 {
		found |= special(binary.LittleEndian.Uint64(b[i:]))
	}
	if i < len(b) {
		if len(b) >= 8 {
			found |= special(binary.LittleEndian.Uint64(b[len(b)-8:]))
		} else {
			for ; i < len(b); i++ {
				found |= special(uint64(b[i]) | 0x2020202020202000)
			}
		}
	}
	return found&high == 0
}

// special has the high bit of a byte set where it needs care. A byte behind such
// a one may have it, too, which does no harm: the answer is the same.
func special(x uint64) uint64 {
	const low = 0x0101010101010101
	quote, back := x^0x22*low, x^0x5c*low
	return x | (x - 0x20*low) | (quote - low) | (back - low)
}

// appendText writes what may stand between quotes in JSON: without release
// characters, with escapes. Bytes that are not UTF-8 are taken for ISO 8859-1,
// and latin says so.
func appendText(out, data []byte, release byte, latin *bool) []byte {
	const hex = "0123456789abcdef"
	valid := utf8.Valid(data)
	for i := 0; i < len(data); i++ {
		c := data[i]
		if c == release && release != 0 && i+1 < len(data) {
			i++
			c = data[i]
		}
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf || valid:
			out = append(out, c)
		default:
			out = utf8.AppendRune(out, rune(c))
			if latin != nil {
				*latin = true
			}
		}
	}
	return out
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// appendImplied writes out the decimal point of types N1 to N9. Zeros in front
// that a number does not need are kept: 05 of N2 is .05, and 005 is 00.05.
func appendImplied(out, v []byte, places int) []byte {
	number := v
	if len(v) > 0 && v[0] == '-' {
		number = v[1:]
	}
	if !digits(number) {
		return append(out, v...)
	}
	out = append(out, v[:len(v)-len(number)]...)
	zeros := len(number) > 1 && number[0] == '0'
	if len(number) <= places {
		if !zeros || len(number) < places {
			out = append(out, '0')
		}
		out = append(out, '.')
		for range places - len(number) {
			out = append(out, '0')
		}
		return append(out, number...)
	}
	whole := len(number) - places
	if zeros && len(bytes.Trim(number[:whole], "0")) == 0 {
		out = append(out, '0')
	}
	return append(append(append(out, number[:whole]...), '.'), number[whole:]...)
}

// appendDate reads CCYYMMDD, and YYMMDD where the element is no longer, with the
// years 50 to 99 before 2000.
func appendDate(out, v []byte, most int) []byte {
	if len(v) != 8 && (len(v) != 6 || most > 6) || !digits(v) {
		return append(out, v...)
	}
	const pivot = '5'
	if len(v) == 6 {
		century := "20"
		if v[0] >= pivot {
			century = "19"
		}
		out = append(out, century...)
	} else {
		out, v = append(out, v[:2]...), v[2:]
	}
	return append(out, v[0], v[1], '-', v[2], v[3], '-', v[4], v[5])
}

// appendTime reads HHMM, HHMMSS and HHMMSS with decimal seconds.
func appendTime(out, v []byte) []byte {
	if len(v) != 4 && (len(v) < 6 || len(v) > 8) || !digits(v) {
		return append(out, v...)
	}
	out = append(out, v[0], v[1], ':', v[2], v[3])
	if len(v) > 4 {
		out = append(out, ':', v[4], v[5])
	}
	if len(v) > 6 {
		out = append(append(out, '.'), v[6:]...)
	}
	return out
}
