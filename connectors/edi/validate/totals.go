package validate

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// What a set says about the sum of its lines: CTT of X12, CNT of EDIFACT.

// quantities tell which element of which segment CTT02 of a set adds up. Sets whose
// guides differ are left out.
var quantities = map[string]quantity{
	"850": {syntax.KeyOf("PO1"), 2}, "855": {syntax.KeyOf("PO1"), 2}, "860": {syntax.KeyOf("POC"), 3}, "865": {syntax.KeyOf("POC"), 3},
	"810": {syntax.KeyOf("IT1"), 2}, "856": {syntax.KeyOf("SN1"), 2}, "846": {syntax.KeyOf("QTY"), 2},
}

// quantity is the place of the quantity of a line.
type quantity struct {
	key     syntax.Key
	element int
}

// amounts are sums of quantities. Which of the quantities of an EDIFACT line are
// meant is left to the partners, so that they are added up by their qualifier, too.
type amounts struct {
	all       sum
	qualified [8]struct {
		qualifier [3]byte
		sum       sum
	}
	used int
	many bool // more qualifiers than are kept
}

// quantity adds the quantity of a segment.
func (t *totals) quantity(s *setWalk, seg *syntax.Segment) {
	if s.w.std == syntax.X12 {
		t.amount.all.add(seg.Element(t.adds.element), s.w.d.Decimal)
		return
	}
	// Only those of the line itself: those of its places and dates are parts of them.
	d := len(s.frames) - 1
	if node := s.frames[d].node; node != nil && node.Key == seg.Key && d > 0 {
		d--
	}
	if node := s.frames[d].node; node == nil || node.Key != keyLIN {
		return
	}
	value := seg.Component(1, 2)
	t.amount.all.add(value, s.w.d.Decimal)
	var qualifier [3]byte
	copy(qualifier[:], seg.Component(1, 1))
	for i := range t.amount.qualified {
		q := &t.amount.qualified[i]
		if i == t.amount.used {
			t.amount.used++
			q.qualifier = qualifier
		}
		if q.qualifier == qualifier {
			q.sum.add(value, s.w.d.Decimal)
			return
		}
	}
	t.amount.many = true
}

// claim keeps what the set says until its end.
func (t *totals) claim(s *setWalk, seg *syntax.Segment, hash bool, element, component int, said []byte) {
	const most = 20
	if len(said) == 0 || len(t.claims) == most {
		return
	}
	c := claim{hash: hash, said: finding.Clip(said), at: s.w.at(seg, element, finding.Finding{
		Code: finding.TotalCount, Value: finding.Clip(said), AK304: "8", AK403: "7", AK502: "5", EDIFACT: "12",
	})}
	c.at.Component = component
	t.claims = append(t.claims, c)
}

// finish compares what the set says with what was there.
func (t *totals) finish(s *setWalk) {
	for i := range t.claims {
		c := &t.claims[i]
		if c.hash {
			t.compare(s, c)
			continue
		}
		if n, ok := number(c.said); !ok || n == t.lines || t.lines == 0 {
			continue
		}
		c.at.Message = fmt.Sprintf("%s counts %s lines, the set has %d", c.at.Where(), c.said, t.lines)
		c.at.Expected = strconv.Itoa(t.lines)
		t.add(s, c.at)
	}
}

// compare looks whether the sum that a set gives is one of those that may be meant.
func (t *totals) compare(s *setWalk, c *claim) {
	var said sum
	said.add([]byte(c.said), s.w.d.Decimal)
	a := &t.amount
	if a.all.n == 0 || a.all.vague || said.vague || a.many || said.same(&a.all) {
		return
	}
	for i := range a.used {
		if q := &a.qualified[i].sum; q.vague || said.same(q) {
			return
		}
	}
	c.at.Code = finding.HashTotal
	c.at.Expected = a.all.String()
	c.at.Message = fmt.Sprintf("%s gives %s as the sum of the quantities, which is %s", c.at.Where(), c.said, a.all.String())
	t.add(s, c.at)
}

// sum adds decimals exactly: millionths in 64 bits. What does not fit makes it
// vague, and nothing is said about it.
type sum struct {
	n         int
	millionth int64
	hash      int64 // without regard to points and signs, as X12 defines a hash total
	vague     bool
}

const decimals = 6

func (s *sum) add(value []byte, mark byte) {
	s.n++
	var digits uint64
	scale, places, negative := -1, 0, false
	for i, c := range value {
		switch {
		case c >= '0' && c <= '9' && places < 15:
			digits = digits*10 + uint64(c-'0')
			places++
			if scale >= 0 {
				scale++
			}
		case scale < 0 && (c == '.' || c == ',' || c == mark):
			scale = 0
		case i == 0 && c == '-':
			negative = true
		default:
			s.vague = true
			return
		}
	}
	scale = max(scale, 0)
	if places == 0 || scale > decimals {
		s.vague = true
		return
	}
	s.hash += int64(digits) // fewer than 2^50 each; only compared when not vague
	for ; scale < decimals; scale++ {
		high, low := bits.Mul64(digits, 10)
		if high != 0 || low > 1<<62 {
			s.vague = true
			return
		}
		digits = low
	}
	v := int64(digits)
	if negative {
		v = -v
	}
	if total := s.millionth + v; (total > s.millionth) == (v > 0) {
		s.millionth = total
	} else {
		s.vague = true
	}
}

// same tells whether two sums are equal, as decimals or as X12 adds up a hash.
func (s *sum) same(o *sum) bool {
	const places = 10_000_000_000 // CTT02 has ten digits at most
	return s.millionth == o.millionth || s.hash%places == o.hash%places
}

func (s *sum) String() string {
	v, sign := s.millionth, ""
	if v < 0 {
		v, sign = -v, "-"
	}
	whole := strconv.FormatInt(v/1_000_000, 10)
	fraction := strings.TrimRight(fmt.Sprintf("%06d", v%1_000_000), "0")
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}
