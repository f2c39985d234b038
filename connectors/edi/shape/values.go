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
	clean := !b.lineage && plain(seg)
	n := min(seg.Len(), len(p.fields))
	out := b.out
	paired := false
	for i := range n {
		data := seg.Element(i + 1)
		if len(data) == 0 || omit>>uint(i)&1 != 0 {
			continue
		}
		f := &p.fields[i]
		if f.kind == text && clean {
			out = append(append(append(out, f.quoted...), data...), '"', ',')
			continue
		}
		if f.kind == pair {
			if !paired {
				b.out, paired = out, true
				omit |= b.ids(seg, p, clean)
				out = b.out
			}
			if omit>>uint(i)&1 != 0 {
				continue
			}
			f = &field{quoted: f.quoted, name: f.name}
		}
		b.out = out
		b.field(seg, f, value{element: i + 1, data: data}, clean)
		out = b.out
	}
	b.out = out
	for i := n; i < seg.Len(); i++ {
		if data := seg.Element(i + 1); len(data) > 0 {
			b.surplus("element_", i+1, seg, value{element: i + 1, data: data})
		}
	}
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
	b.simple(seg, text, nil, v, false)
}

// ids writes pairs of qualifier and identifier and returns the bits of their
// positions. Halves of pairs, and a qualifier that comes twice, are left to their
// elements' names.
func (b *builder) ids(seg *syntax.Segment, p *segment, clean bool) (done uint64) {
	start := len(b.out)
	b.out = append(b.out, `"ids":{`...)
	for k, i := range p.pairs {
		q, id := seg.Element(i+1), seg.Element(i+2)
		if len(q) == 0 || len(id) == 0 || i+1 >= 64 {
			continue
		}
		name := p.fields[i].idName(q)
		if len(name) == 0 || before(seg, p.pairs[:k], q) {
			continue
		}
		b.out = append(b.out, name...)
		b.simple(seg, p.fields[i+1].value, &p.fields[i+1], value{element: i + 2, data: id}, clean)
		done |= 3 << i
	}
	if done == 0 {
		b.out = b.out[:start]
		return 0
	}
	b.closeObject()
	return done
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
func (b *builder) field(seg *syntax.Segment, f *field, v value, clean bool) {
	start := len(b.out)
	b.out = append(b.out, f.name...)
	switch f.kind {
	case repeated:
		b.repetitions(seg, f, v, clean)
	case composite:
		if !b.composite(seg, f, v, clean) {
			b.out = b.out[:start]
		}
	default:
		b.simple(seg, f.kind, f, v, clean)
	}
}

func (b *builder) repetitions(seg *syntax.Segment, f *field, v value, clean bool) {
	b.out = append(b.out, '[')
	rest, more := v.data, true
	for n := 1; more; n++ {
		var one []byte
		one, rest, more = seg.Cut(rest, b.d.Repetition)
		at := value{data: one, element: v.element, repeat: n}
		if f.value == composite {
			b.composite(seg, f, at, clean)
		} else {
			b.simple(seg, f.value, f, at, clean)
		}
	}
	b.closeList()
}

// composite writes an object of components and tells whether it has any.
func (b *builder) composite(seg *syntax.Segment, f *field, v value, clean bool) bool {
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
		case clean && f.parts[n-1].kind == text:
			b.out = append(append(append(b.out, f.parts[n-1].quoted...), one...), '"', ',')
		default:
			c := &f.parts[n-1]
			b.out = append(b.out, c.name...)
			b.simple(seg, c.value, c, at, clean)
		}
	}
	some := len(b.out) > start
	b.closeObject()
	return some
}

// simple writes a value as text, in the form that mappings read. What does not
// have the form of its type stays as it is: the validator has said so.
func (b *builder) simple(seg *syntax.Segment, k kind, f *field, v value, clean bool) {
	out := append(b.out, '"')
	data := v.data
	switch {
	case k == text:
		if clean {
			out = append(out, data...)
		} else {
			out = b.text(seg, out, data)
		}
	case !clean && !plainBytes(data) || b.d.Release != 0 && !clean && bytes.IndexByte(data, b.d.Release) >= 0:
		out = b.text(seg, out, data)
	case k == implied:
		out = appendImplied(out, data, f.places)
	case k == decimal:
		from := len(out)
		out = append(out, data...)
		if i := bytes.IndexByte(out[from:], ','); i >= 0 {
			out[from+i] = '.'
		}
	case k == date:
		out = appendDate(out, data, f.max)
	case k == clock:
		out = appendTime(out, data)
	default:
		out = append(out, data...)
	}
	out = append(out, '"')
	if b.lineage {
		out = b.mark(out, seg, v)
	}
	b.out = append(out, ',')
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

// appendImplied writes out the decimal point of types N1 to N9.
func appendImplied(out, v []byte, places int) []byte {
	number := v
	if len(v) > 0 && v[0] == '-' {
		number = v[1:]
	}
	if !digits(number) {
		return append(out, v...)
	}
	out = append(out, v[:len(v)-len(number)]...)
	if len(number) <= places {
		out = append(out, '0', '.')
		for range places - len(number) {
			out = append(out, '0')
		}
		return append(out, number...)
	}
	whole := len(number) - places
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
