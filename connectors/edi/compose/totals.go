package compose

import (
	"strconv"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// total writes what a set says about itself, when the document does not: the
// count of its lines, and the mark between the detail and the summary. It is
// called in the place of the segment.
func (c *set) total(f *frame, n *grammar.Node) {
	if f.up != nil {
		return
	}
	s := segment{tag: n.Segment.Tag, node: n, in: f, from: f.from}
	switch s.tag {
	case "CTT":
		// CTT02 is a sum that means something else in every agreement.
		lines := c.lines
		if lines == 0 {
			lines = c.levels
		}
		if lines == 0 {
			return
		}
		s.add(1, strconv.Itoa(lines), nil)
	case "UNS":
		if !n.Mandatory {
			return
		}
		s.add(1, c.section(n), nil)
	case "CNT":
		if c.products == 0 {
			return
		}
		const lines = "2" // 6069: line items of the message
		s.cells = append(s.cells, cell{1, 1, 1, lines, nil}, cell{1, 1, 2, strconv.Itoa(c.products), nil})
	default:
		return
	}
	c.put(s)
}

// section is UNS01: D before the lines, S behind them.
func (c *set) section(n *grammar.Node) string {
	for _, one := range c.grammar.Body {
		if one == n {
			return "D"
		}
		if one.Fragment {
			return "S"
		}
	}
	return "S"
}
