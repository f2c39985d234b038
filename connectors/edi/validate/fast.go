package validate

import (
	"encoding/binary"
	"math/bits"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// fits tells that there is nothing wrong with the elements of a segment. It is
// fast and does not say why: false only means that somebody has to look closer.
func (w *walk) fits(seg *syntax.Segment, plan *grammar.Plan) bool {
	composite, repeated, released := seg.Marks()
	raw, ends := seg.Cuts()
	n := len(ends) - 1
	// Element n has the bit n-1 from here on; repetitions and release characters
	// are rare.
	composite >>= 1
	if plan == nil || n > len(plan.Checks) || repeated|released != 0 || composite&^plan.Composites != 0 || seg.Overfull {
		return false
	}
	if n > 0 && ends[n-1]+1 == ends[n] {
		return false // a separator behind the last value
	}
	present, bit := uint64(0), uint64(1)
	in := values{raw: raw, ascii: seg.ASCII(), decimal: w.d.Decimal, comma: w.std == syntax.EDIFACT}
	from := int(ends[0]) + 1
	checks := plan.Checks[:n]
	for i, end := range ends[1:] {
		if i >= len(checks) {
			break
		}
		c, to := &checks[i], int(end)
		if from < to {
			present |= bit
			switch {
			case composite&bit != 0:
				if !in.parts(c, from, to, w.d.Component) {
					return false
				}
			case c.Parts != nil:
				if c.Needed&^1 != 0 || !in.fit(&c.Parts[0], from, to) {
					return false
				}
			case !in.fit(c, from, to):
				return false
			}
		}
		from = to + 1
		bit <<= 1
	}
	if plan.Mandatory&^present != 0 || (present^present>>1)&plan.Pairs != 0 {
		return false
	}
	for _, r := range plan.Rules {
		if r.Broken(present) {
			return false
		}
	}
	return true
}

// values are those of a segment.
type values struct {
	raw     []byte
	ascii   bool // printable, all of it
	comma   bool // may stand for a decimal point
	decimal byte
}

// parts checks a composite from its first to its last component.
func (v *values) parts(c *grammar.Check, from, to int, by byte) bool {
	present := uint64(0)
	for i := 0; ; i++ {
		end := from
		for end < to && v.raw[end] != by {
			end++
		}
		if i == len(c.Parts) {
			return false
		}
		if end > from {
			present |= 1 << i
			if !v.fit(&c.Parts[i], from, end) {
				return false
			}
		}
		if end == to {
			return c.Needed&^present == 0
		}
		from = end + 1
	}
}

// fit checks one value.
func (v *values) fit(c *grammar.Check, from, to int) bool {
	n := uint32(to - from)
	switch c.Type {
	case grammar.Text:
		if !v.ascii && !printable(v.raw[from:to]) {
			return false
		}
	case grammar.Number, grammar.Decimal:
		digits := v.digits(c, from, to)
		if digits < 0 {
			return false
		}
		n = uint32(digits)
	case grammar.Date:
		if !validDate(v.raw[from:to]) {
			return false
		}
	case grammar.Time:
		if !validTime(v.raw[from:to]) {
			return false
		}
	case grammar.Binary:
		return true
	}
	if n-c.Min > c.Max-c.Min {
		return false
	}
	return c.Codes == nil || v.ascii && to-from <= 8 && c.Codes.Has(v.word(from, to))
}

// word reads up to eight bytes as a number, the first into its lowest byte.
func (v *values) word(from, to int) uint64 {
	if from+8 <= cap(v.raw) {
		// What is behind the value in the reader's buffer is cut off again.
		return binary.LittleEndian.Uint64(v.raw[from:from+8]) & (1<<(8*uint(to-from)) - 1)
	}
	w := uint64(0)
	for i := to - 1; i >= from; i-- {
		w = w<<8 | uint64(v.raw[i])
	}
	return w
}

const (
	each = 0x0101010101010101
	high = 0x8080808080808080
)

// digits counts those of a number, -1 when it is none.
func (v *values) digits(c *grammar.Check, from, to int) int {
	if n := to - from; v.ascii && n <= 8 {
		x := v.word(from, to)
		// The high bit of every byte below 0 or above 9; all are below 0x80.
		other := (^((x | high) - '0'*each) | (x + (0x7f-'9')*each)) & high & (1<<(8*uint(n)) - 1)
		if other == 0 {
			return n
		}
		if c.Type == grammar.Decimal && other&(other-1) == 0 && n > 1 {
			if b := byte(x >> (bits.TrailingZeros64(other) &^ 7)); b == '.' || b == v.decimal || b == ',' && v.comma {
				return n - 1
			}
		}
	}
	std := syntax.X12
	if v.comma {
		std = syntax.EDIFACT
	}
	if digits, ok := countDigits(v.raw[from:to], c.Type == grammar.Decimal, v.decimal, std); ok {
		return digits
	}
	return -1
}
