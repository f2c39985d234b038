package shape

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// envelope is what stands around a set: the interchange and the group as JSON,
// made once for all of their sets, and what the set's own header says.
type envelope struct {
	ic          *validate.Interchange
	group       *validate.Group
	interchange []byte // without its closing brace
	groupText   []byte
	set         []string // the set's header, where more stands in it than is told by name
	out         []byte
}

func (e *envelope) begin(ic *validate.Interchange) {
	e.ic, e.group, e.groupText = ic, nil, e.groupText[:0]
	o := append(e.interchange[:0], '{')
	o = member(o, "standard", ic.Standard.String())
	o = party(o, "sender", ic.Sender)
	o = party(o, "receiver", ic.Receiver)
	o = member(o, "control_number", ic.Control)
	o = member(o, "version", ic.Version)
	o = member(o, "usage", ic.Usage)
	o = member(o, "date", ic.Date)
	o = member(o, "time", ic.Time)
	if ic.AckWanted {
		o = append(o, `"ack_requested":true,`...)
	}
	o = append(o, `"separators":{`...)
	d := ic.Delimiters
	if ic.Layout.Terminator != 0 {
		d.Segment = ic.Layout.Terminator
	}
	o = separator(o, "segment", d.Segment)
	o = separator(o, "element", d.Element)
	o = separator(o, "component", d.Component)
	o = separator(o, "repetition", d.Repetition)
	o = separator(o, "release", d.Release)
	if d.Decimal != '.' {
		o = separator(o, "decimal", d.Decimal)
	}
	o = closed(member(o, "suffix", ic.Layout.Suffix), '}')
	if len(ic.Segment) > 0 && !slices.Equal(ic.Segment[1:], expected(ic)) {
		o = list(o, "header", ic.Segment[1:])
	}
	if ic.Layout.UNA {
		o = append(o, `"una":true,`...)
	}
	e.interchange = o
}

func (e *envelope) beginGroup(g *validate.Group) {
	e.group, e.groupText = g, e.groupText[:0]
	if g == nil {
		return
	}
	o := append(e.groupText, '{')
	o = member(o, "functional_id", g.Functional)
	o = member(o, "sender", g.Sender)
	o = member(o, "receiver", g.Receiver)
	o = member(o, "control_number", g.Control)
	o = member(o, "version", g.Version)
	o = member(o, "date", g.Date)
	o = member(o, "time", g.Time)
	o = member(o, "agency", g.Agency)
	if e.ic != nil && len(g.Segment) > 0 && !slices.Equal(g.Segment[1:], expectedGroup(e.ic, g)) {
		o = list(o, "header", g.Segment[1:])
	}
	e.groupText = closed(o, '}')
}

func (e *envelope) beginSet() { e.set = e.set[:0] }

// header takes the header of a set.
func (e *envelope) header(seg *syntax.Segment) {
	for i := range seg.Len() {
		e.set = append(e.set, string(seg.Element(i+1)))
	}
}

// wrap writes what stands around the set's object before and behind it, in the
// gap that the builder left.
func (e *envelope) wrap(b *builder, last bool) []byte {
	o := append(e.out[:0], '{')
	if e.ic != nil {
		o = append(append(o, `"interchange":`...), e.interchange...)
		if b.latin {
			o = member(o, "charset", "ISO-8859-1")
		}
		o = closed(o, '}')
	}
	if e.group != nil {
		o = append(append(o, `"group":`...), e.groupText...)
	}
	o = append(o, `"transaction":{`...)
	o = member(o, "set", b.set.ID)
	o = member(o, "control_number", b.set.Control)
	o = member(o, "release", b.set.Release)
	o = member(o, "association", b.set.Association)
	if e.unusual(b.set) {
		o = list(o, "header", e.set)
	}
	if b.set.Rejected {
		o = append(o, `"rejected":true,`...)
	}
	if b.part > 0 {
		o = append(strconv.AppendInt(append(o, `"part":`...), int64(b.part), 10), ',')
		if last {
			o = append(o, `"last":true,`...)
		}
	}
	o = closed(o, '}')
	o = append(append(o, quote(b.plan.name)...), ':')
	e.out = o
	b.out = append(b.out, '}')
	if len(o) <= gap {
		copy(b.out[gap-len(o):], o)
		return b.out[gap-len(o):]
	}
	return append(slices.Clone(o), b.out[gap:]...)
}

// unusual tells that a set's header says more than its members repeat.
func (e *envelope) unusual(s *validate.Set) bool {
	if e.ic == nil {
		return len(e.set) > 0
	}
	switch e.ic.Standard {
	case syntax.X12:
		return len(e.set) != 2 || e.set[0] != s.ID || e.set[1] != s.Control
	case syntax.EDIFACT:
		c := string(rune(e.ic.Delimiters.Component))
		if len(e.set) != 2 || e.set[0] != s.Control {
			return true
		}
		f := strings.Split(e.set[1], c)
		f = append(f, make([]string, 5)...)
		id := strings.Join([]string{s.ID, f[1], f[2], "UN"}, c)
		if s.Association != "" {
			id += c + s.Association
		}
		return e.set[1] != id || len(f[1]) != 1 || grammar.Release(syntax.EDIFACT, f[1], f[2]) != s.Release || f[1]+f[2] != s.Release
	}
	return true
}

// expected is the header as it is written when nothing but what has a name in the
// document is known.
func expected(ic *validate.Interchange) []string {
	d := ic.Delimiters
	switch ic.Standard {
	case syntax.X12:
		eleventh, ack := "U", "0"
		if d.Repetition != 0 {
			eleventh = string(rune(d.Repetition))
		}
		if ic.AckWanted {
			ack = "1"
		}
		pad := func(s string, n int) string { return fmt.Sprintf("%-*s", n, s) }
		return []string{
			"00", pad("", 10), "00", pad("", 10), pad(ic.Sender.Qualifier, 2), pad(ic.Sender.ID, 15), pad(ic.Receiver.Qualifier, 2), pad(ic.Receiver.ID, 15),
			ic.Date, ic.Time, eleventh, ic.Version, ic.Control, ack, ic.Usage, string(rune(d.Component)),
		}
	case syntax.EDIFACT:
		c := string(rune(d.Component))
		id := func(p validate.Party) string { return trimmed(c, p.ID, p.Qualifier) }
		out := []string{strings.ReplaceAll(ic.Version, " ", c), id(ic.Sender), id(ic.Receiver), trimmed(c, ic.Date, ic.Time), ic.Control}
		if ic.AckWanted || ic.Usage != "" {
			ack := ""
			if ic.AckWanted {
				ack = "1"
			}
			out = append(out, "", "", "", ack)
		}
		if ic.Usage != "" {
			out = append(out, "", ic.Usage)
		}
		return out
	}
	return nil
}

func expectedGroup(ic *validate.Interchange, g *validate.Group) []string {
	if ic.Standard == syntax.X12 {
		return []string{g.Functional, g.Sender, g.Receiver, g.Date, g.Time, g.Control, g.Agency, g.Version}
	}
	c := string(rune(ic.Delimiters.Component))
	version := g.Version
	if len(version) > 1 {
		version = version[:1] + c + version[1:]
	}
	return []string{g.Functional, g.Sender, g.Receiver, trimmed(c, g.Date, g.Time), g.Control, g.Agency, version}
}

// trimmed joins components without those that are empty at the end.
func trimmed(by string, parts ...string) string {
	return strings.TrimRight(strings.Join(parts, by), by)
}

func member(o []byte, name, value string) []byte {
	if value == "" {
		return o
	}
	o = append(append(append(o, '"'), name...), '"', ':', '"')
	return append(appendText(o, []byte(value), 0, nil), '"', ',')
}

func separator(o []byte, name string, c byte) []byte {
	if c == 0 {
		return o
	}
	return member(o, name, string(rune(c)))
}

func party(o []byte, name string, p validate.Party) []byte {
	o = append(append(append(o, '"'), name...), '"', ':', '{')
	return closed(member(member(o, "qualifier", p.Qualifier), "id", p.ID), '}')
}

func list(o []byte, name string, values []string) []byte {
	o = append(append(append(o, '"'), name...), '"', ':', '[')
	for _, v := range values {
		o = append(appendText(append(o, '"'), []byte(v), 0, nil), '"', ',')
	}
	return closed(o, ']')
}
