package specimen

import (
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// bad is a value with one defect.
type bad struct{ class, x12, edifact, value string }

// wrong are values that an element does not take.
func wrong(e *grammar.Element, std syntax.Standard) []bad {
	var out []bad
	filler := "A"
	switch e.Type {
	case grammar.Number, grammar.Decimal, grammar.Date, grammar.Time:
		filler = "1"
	}
	if e.Max < 1000 {
		out = append(out, bad{"too long", "5", "39", strings.Repeat(filler, e.Max+1)})
	}
	if e.Min > 1 {
		out = append(out, bad{"too short", "4", "40", strings.Repeat(filler, e.Min-1)})
	}
	switch e.Type {
	case grammar.Number:
		out = append(out, bad{"point in an implied decimal", "6", "37", "1.1"}, bad{"letter in a number", "6", "37", "1X"})
	case grammar.Decimal:
		out = append(out,
			bad{"letter in a number", "6", "37", strings.Repeat("1", max(1, e.Min-1)) + "X"}, bad{"two decimal marks", "6", "19", "1.1.1"},
			bad{"sign inside of a number", "6", "37", "1-1"}, bad{"blank in a number", "6", "37", "1 1"})
	case grammar.Date:
		if e.Max == len("CCYYMMDD") && std == syntax.X12 {
			out = append(out, bad{"no date", "8", "12", "20261301"}, bad{"no date", "8", "12", "20260230"}, bad{"no date", "8", "12", "2026010X"})
		}
	case grammar.Time:
		out = append(out, bad{"no time", "9", "12", "2460"}, bad{"no time", "9", "12", "09X5"})
	default:
		unknown := strings.Repeat("J", e.Max)
		if _, known := e.Codes[unknown]; e.Closed() && !known {
			out = append(out, bad{"code outside of its list", "7", "12", unknown})
		}
		if !e.Closed() {
			out = append(out, bad{"control character", "6", "21", strings.Repeat("A", max(0, e.Min-1)) + "\x01"})
		}
	}
	return out
}

// conditions break relational rules, one at a time.
func (d *defects) conditions() {
	for i, x := range d.s.Body {
		for _, r := range x.Def.Rules {
			have := lawful(x.Def, mandatory(x.Def))
			all := uint64(0)
			for _, p := range r.Positions {
				all |= 1 << (p - 1)
			}
			code, edifact, at := "2", "13", r.Positions[0]
			switch r.Kind {
			case 'P', 'C', 'L':
				have, at = have&^all|1<<(r.Positions[0]-1), r.Positions[1]
			case 'R':
				have &^= all
			case 'E':
				have, code, edifact, at = have|all, "10", "12", r.Positions[len(r.Positions)-1]
			}
			if broken(x.Def, have) != 1 || have&mandatory(x.Def) != mandatory(x.Def) {
				continue
			}
			elements := make([]string, len(x.Def.Elements))
			for j := range x.Def.Elements {
				if have&(1<<j) != 0 {
					elements[j] = (&generator{}).value(&x.Def.Elements[j])
				}
			}
			d.change("condition "+string(r.Kind), code, edifact, i, Case{Element: at}, trimmed(elements))
		}
	}
}

// mandatory are the elements that a segment must have, as bits.
func mandatory(def *grammar.Segment) uint64 {
	have := uint64(0)
	for j := range def.Elements {
		if def.Elements[j].Mandatory {
			have |= 1 << j
		}
	}
	return have
}

func broken(def *grammar.Segment, have uint64) int {
	n := 0
	for i := range def.Rules {
		if def.Rules[i].Broken(have) {
			n++
		}
	}
	return n
}
