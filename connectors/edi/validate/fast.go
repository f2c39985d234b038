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
	cuts, whole := seg.Cuts()
	n := len(cuts.Ends) - 1
	if !whole || plan == nil || n > len(plan.Checks) {
		return false
	}
	if n > 0 && cuts.Ends[n-1]+1 == cuts.Ends[n] {
		return false // a separator behind the last value
	}
	in := &w.values
	in.data, in.parts, in.ascii = cuts.Data, cuts.Parts, cuts.ASCII
	present, bit := uint64(0), uint64(1)
	from := int(cuts.Ends[0]) + 1
	checks, ends := plan.Checks[:n], cuts.Ends[1:n+1]
	for i, end := range ends {
		c, to := &checks[i], int(end)
		if from < to {
			present |= bit
			switch {
			case c.Parts != nil:
				if !in.composite(c, from, to) {
					return false
				}
			case len(in.parts) > 0 && int(in.parts[0]) < to, !in.fit(c, from, to):
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
	data    []byte
	parts   []uint32 // component separators that are still to come
	ascii   bool     // printable, all of it
	comma   bool     // may stand for a decimal point
	decimal byte
}

// composite checks one from its first to its last component.
func (v *values) composite(c *grammar.Check, from, to int) bool {
	present, bit := uint64(0), uint64(1)
	for i := range c.Parts {
		end := to
		if len(v.parts) > 0 && int(v.parts[0]) < to {
			end = int(v.parts[0])
			v.parts = v.parts[1:]
		}
		if from < end {
			present |= bit
			if !v.fit(&c.Parts[i], from, end) {
				return false
			}
		}
		if end == to {
			return c.Needed&^present == 0
		}
		from = end + 1
		bit <<= 1
	}
	return false
}

// fit checks one value.
func (v *values) fit(c *grammar.Check, from, to int) bool {
	n := uint32(to - from)
	switch c.Type {
	case grammar.Text:
		if !v.ascii {
			if !printable(v.data[from:to]) {
				return false
			}
			n = uint32(characters(v.data[from:to]))
		}
		if c.Codes == nil {
			return n-c.Min <= c.Max-c.Min
		}
	case grammar.Number, grammar.Decimal:
		digits := v.digits(c, from, to)
		if digits < 0 {
			return false
		}
		n = uint32(digits)
	case grammar.Date:
		if !validDate(v.data[from:to]) {
			return false
		}
	case grammar.Time:
		if !validTime(v.data[from:to]) {
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
	if from+8 <= len(v.data) {
		// What is behind the value in the reader's buffer is cut off again.
		return binary.LittleEndian.Uint64(v.data[from:from+8]) & (1<<(8*uint(to-from)) - 1)
	}
	w := uint64(0)
	for i := to - 1; i >= from; i-- {
		w = w<<8 | uint64(v.data[i])
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
	if digits, ok := countDigits(v.data[from:to], c.Type == grammar.Decimal, v.decimal, std); ok {
		return digits
	}
	return -1
}
