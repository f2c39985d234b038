package acknowledge

import (
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// What an acknowledgement repeats was written by the partner and may be what is
// wrong. It is repeated as far as the element takes it: an answer that cannot be
// read helps nobody.

// echo repeats values in an interchange with certain separators.
type echo struct {
	d    syntax.Delimiters
	fill byte // stands for what cannot be repeated
	// escapes tells that separators can be written.
	escapes bool
}

// x12Echo uses the separators of the partner where they separate.
func x12Echo(d syntax.Delimiters, version string) echo {
	e := echo{d: d, fill: '?'}
	e.d.Release = 0
	taken := func(c byte) bool { return c == e.d.Element || c == e.d.Segment }
	if unfit(d.Component) || taken(d.Component) {
		e.d.Component = first(":>\\|<", taken)
	}
	taken = func(c byte) bool { return c == e.d.Element || c == e.d.Segment || c == e.d.Component }
	switch {
	case version != "00501":
		e.d.Repetition = 0
	case unfit(d.Repetition) || taken(d.Repetition):
		e.d.Repetition = first("^!%|&", taken)
	}
	if taken(e.fill) || e.fill == e.d.Repetition {
		e.fill = 'X'
	}
	return e
}

// edifactDefaults are the separators without UNA.
var edifactDefaults = syntax.Delimiters{Segment: '\'', Element: '+', Component: ':', Release: '?', Decimal: '.'}

// edifactEcho uses the separators of the partner where they separate. A release
// character is added where the partner has none.
func edifactEcho(d syntax.Delimiters) echo {
	if d.Release == 0 {
		d.Release = '?'
	}
	used := []byte{d.Segment, d.Element, d.Component, d.Release}
	if d.Repetition != 0 {
		used = append(used, d.Repetition)
	}
	for i, c := range used {
		lineEnd := i == 0 && (c == '\n' || c == '\r')
		if unfit(c) && !lineEnd || strings.IndexByte(string(used[:i]), c) >= 0 {
			repetition := d.Repetition
			d = edifactDefaults
			if repetition != 0 {
				d.Repetition = '*'
			}
			break
		}
	}
	return echo{d: d, fill: '_', escapes: true}
}

// unfit tells that a character cannot be a separator that others understand.
func unfit(c byte) bool {
	return c <= ' ' && (c < 0x1c || c == ' ') || c >= 0x7f || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func first(of string, taken func(byte) bool) byte {
	for i := range len(of) {
		if !taken(of[i]) {
			return of[i]
		}
	}
	return of[0]
}

// text is a value without characters that cannot stand in it, as long as its
// element wants it.
func (e echo) text(v string, least, most int) string {
	b := []byte(strings.TrimSpace(v))
	for i, c := range b {
		separates := c == e.d.Element || c == e.d.Segment || c == e.d.Component || c == e.d.Repetition && c != 0
		if c < ' ' || c >= 0x7f || separates && !e.escapes {
			b[i] = e.fill
		}
	}
	b = b[:min(len(b), most)]
	for len(b) > 0 && len(b) < least {
		b = append(b, e.fill)
	}
	return string(b)
}

// needed is a text that may not be missing.
func (e echo) needed(v string, least, most int) string {
	if v = e.text(v, least, most); v == "" {
		v = strings.Repeat(string(rune(e.fill)), max(1, least))
	}
	return v
}

// fixed is a value of ISA: as wide as its element.
func (e echo) fixed(v string, width int) string {
	v = e.text(v, 0, width)
	return v + strings.Repeat(" ", width-len(v))
}

// digits is a number that the partner wrote: its last digits, or 0.
func digits(v string, most int) string {
	v = strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, v)
	if v = v[max(0, len(v)-most):]; v == "" {
		return "0"
	}
	return v
}

// zeros makes a control number as long as its element wants it.
func zeros(v string, n int) string { return strings.Repeat("0", max(0, n-len(v))) + v }
