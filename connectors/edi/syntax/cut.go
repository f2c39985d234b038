package syntax

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// cutter finds the end of a segment and of its elements in one pass, eight bytes
// at a time: segments and elements are so short that a call of bytes.IndexByte for
// each costs more than looking at every byte once.
type cutter struct {
	d    Delimiters
	most int // elements of a segment

	// A delimiter eight times; those that there are not repeat the element's.
	element, segment, component, release, repetition uint64
	few                                              bool // neither release nor repetition

	// The segment so far.
	pos                           int // in the window
	skip                          bool
	ends                          []uint32 // one more than is used
	n                             int
	full                          bool
	odd                           uint64
	composite, repeated, released uint64
}

const (
	low  = 0x0101010101010101
	high = 0x8080808080808080
)

// use takes the delimiters of an interchange.
func (c *cutter) use(d *Delimiters) {
	c.d = *d
	times := func(b byte) uint64 {
		if b == 0 {
			b = d.Element
		}
		return uint64(b) * low
	}
	c.element, c.segment, c.component = times(d.Element), times(d.Segment), times(d.Component)
	c.release, c.repetition = times(d.Release), times(d.Repetition)
	c.few = d.Release == 0 && d.Repetition == 0
	if c.ends == nil {
		const usual = 64
		c.ends = make([]uint32, min(usual, c.most+1))
	}
}

// begin forgets the last segment.
func (c *cutter) begin() {
	c.pos, c.n, c.odd, c.skip, c.full = 0, 0, 0, false, false
	c.composite, c.repeated, c.released = 0, 0, 0
}

// scan looks at what is new in a window that begins with the segment. It returns
// where the terminator is, -1 when it is not in the window.
func (c *cutter) scan(window []byte) int {
	if c.few {
		if end := c.scanFew(window); end >= 0 {
			return end
		}
	} else if end := c.scanAll(window); end >= 0 {
		return end
	}
	return c.scanBytes(window)
}

// matches has the high bit of every byte that is 0 in one of the three. Bytes
// that are 1 behind a 0 may be marked too, so that the byte itself is asked.
func matches(a, b, c uint64) uint64 {
	return ((a-low)&^a | (b-low)&^b | (c-low)&^c) & high
}

// unusual has high bits where a byte is not of printable ASCII. Those of bytes
// behind one may be set as well.
func unusual(x uint64) uint64 { return (x - ' '*low) | x | (x + low) }

// scanFew is the loop of X12 before version 00402: three delimiters, none of
// which can be data.
func (c *cutter) scanFew(window []byte) int {
	element, segment, component := c.element, c.segment, c.component
	ends, n, k, odd := c.ends, c.n, c.pos, c.odd
	for ; k+8 <= len(window); k += 8 {
		x := binary.LittleEndian.Uint64(window[k:])
		m := matches(x^element, x^segment, x^component)
		strange := unusual(x)
		for ; m != 0; m &= m - 1 {
			bit := bits.TrailingZeros64(m)
			i := k + bit>>3
			switch b := window[i]; b {
			case byte(element):
				if n+1 < len(ends) {
					ends[n] = uint32(i)
					n++
				} else {
					c.n = n
					c.more(i)
					ends, n = c.ends, c.n
				}
			case byte(segment):
				c.n, c.odd = n, odd|strange&(1<<(bit&^7)-1)
				return i
			case byte(component):
				c.composite |= 1 << min(n, 63)
			}
		}
		odd |= strange
	}
	c.n, c.pos, c.odd = n, k, odd
	return -1
}

// scanAll is the loop for five delimiters.
func (c *cutter) scanAll(window []byte) int {
	element, segment, component, release, repetition := c.element, c.segment, c.component, c.release, c.repetition
	ends, n, k, odd, skip := c.ends, c.n, c.pos, c.odd, c.skip
	for ; k+8 <= len(window); k += 8 {
		x := binary.LittleEndian.Uint64(window[k:])
		m := matches(x^element, x^segment, x^component) | matches(x^release, x^repetition, x^element)
		strange := unusual(x)
		if skip {
			m &^= 0x80
			skip = false
		}
		for ; m != 0; m &= m - 1 {
			bit := bits.TrailingZeros64(m)
			i := k + bit>>3
			switch b := window[i]; b {
			case byte(element):
				if n+1 < len(ends) {
					ends[n] = uint32(i)
					n++
				} else {
					c.n = n
					c.more(i)
					ends, n = c.ends, c.n
				}
			case byte(component):
				c.composite |= 1 << min(n, 63)
			case byte(segment):
				c.n, c.odd = n, odd|strange&(1<<(bit&^7)-1)
				return i
			case byte(release):
				// The byte behind it is data; its mark is cleared.
				c.released |= 1 << min(n, 63)
				m &^= 1 << (bit + 8)
				skip = i == k+7
			case byte(repetition):
				c.repeated |= 1 << min(n, 63)
			}
		}
		odd |= strange
	}
	c.n, c.pos, c.odd, c.skip = n, k, odd, skip
	return -1
}

// scanBytes looks at the last bytes of a window.
func (c *cutter) scanBytes(window []byte) int {
	for ; c.pos < len(window); c.pos++ {
		b := window[c.pos]
		if b < ' ' || b >= 0x7f {
			c.odd = high
		}
		switch {
		case c.skip:
			c.skip = false
		case b == c.d.Element:
			if c.n+1 < len(c.ends) {
				c.ends[c.n] = uint32(c.pos)
				c.n++
			} else {
				c.more(c.pos)
			}
		case b == c.d.Segment:
			return c.pos
		case b == c.d.Component && b != 0:
			c.composite |= 1 << min(c.n, 63)
		case b == c.d.Release && b != 0:
			c.released |= 1 << min(c.n, 63)
			c.skip = true
		case b == c.d.Repetition && b != 0:
			c.repeated |= 1 << min(c.n, 63)
		}
	}
	return -1
}

// more makes room for another element that ends at i, or tells that there are too
// many.
func (c *cutter) more(i int) {
	if c.full {
		return
	}
	if len(c.ends) <= c.most {
		bigger := make([]uint32, min(2*len(c.ends), c.most+1))
		copy(bigger, c.ends)
		c.ends = bigger
	} else {
		c.full = true
	}
	c.ends[c.n] = uint32(i)
	c.n++
}

// finish makes the segment of what was found.
func (c *cutter) finish(s *Segment, raw []byte) {
	if !c.full {
		c.ends[c.n] = uint32(len(raw))
		c.n++
	}
	s.raw, s.ends, s.d, s.Overfull, s.odd = raw, c.ends[:c.n], &c.d, c.full, c.odd&high != 0
	s.composite, s.repeated, s.released = c.composite, c.repeated, c.released
}

// inTag are the characters of tags.
var inTag = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= '0' && i <= '9' || i >= 'A' && i <= 'Z'
	}
	return t
}()

// name finds the tag.
func (s *Segment) name(std Standard) {
	s.tag = s.ends[0]
	if std != X12 {
		s.cutTag(std)
	}
	tag := s.raw[:s.tag]
	s.Key = 0
	if len(tag) > 4 {
		return
	}
	k := Key(0)
	for _, c := range tag {
		if !inTag[c] {
			return
		}
		k = k<<8 | Key(c)
	}
	s.Key = k
}

// cutTag ends tags where X12 does not: in TRADACOMS at an equals sign, which is
// like the separator of the first element, and in EDIFACT before the explicit
// indication of repetition (ISO 9735, 8.1): DTM:1:2 is tag and place.
func (s *Segment) cutTag(std Standard) {
	if std == EDIFACT {
		if s.composite&1 != 0 {
			if i := bytes.IndexByte(s.raw[:s.tag], s.d.Component); i > 0 {
				s.tag = uint32(i)
			}
		}
		return
	}
	i := bytes.IndexByte(s.raw, '=')
	if i < 0 {
		return
	}
	s.tag = uint32(i)
	// Separators before it belong to the tag; element by element it is not known
	// any more who has components.
	behind := 0
	for behind < len(s.ends) && s.ends[behind] < s.tag {
		behind++
	}
	switch {
	case behind > 0:
		s.ends = s.ends[behind-1:]
		s.ends[0] = s.tag
	case cap(s.ends) > len(s.ends):
		s.ends = s.ends[:len(s.ends)+1]
		copy(s.ends[1:], s.ends)
		s.ends[0] = s.tag
	default:
		s.ends = append([]uint32{s.tag}, s.ends...)
	}
	const all = ^uint64(0)
	s.composite, s.repeated = all, all
	if s.released != 0 {
		s.released = all
	}
}
