package acknowledge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// dialect is what 997 and 999 and their releases call differently.
type dialect struct {
	set                     string
	interchange, release    string // ISA12, GS08
	segment, element, trail string // AK3, AK4, AK5
	longest                 int    // digits of a segment's position
}

func (o Options) dialect(kind Kind, g *group) dialect {
	version := o.Version
	if version == "" {
		version = g.head.Version
	}
	d := dialect{set: string(kind), interchange: "00401", release: "004010", segment: "AK3", element: "AK4", trail: "AK5", longest: 6}
	if kind == X999 || strings.HasPrefix(version, "005") {
		d.interchange, d.release, d.longest = "00501", "005010", 10
	}
	if kind == X999 {
		d.segment, d.element, d.trail = "IK3", "IK4", "IK5"
	}
	return d
}

// largest is the largest number of sets that AK9 can tell.
const largest = 999_999

// functional answers a group with a 997 (X12 004010 or 005010) or a 999 (005010).
func functional(kind Kind, i *interchange, g *group, o Options) ([]byte, error) {
	d := o.dialect(kind, g)
	w, e, err := envelope(i, o, d.interchange)
	if err != nil {
		return nil, err
	}
	control := strconv.FormatUint(o.Control, 10)
	w.Begin("GS").Element("FA").Element(e.needed(g.head.Receiver, 2, 15)).Element(e.needed(g.head.Sender, 2, 15)).
		Element(o.At.Format("20060102")).Element(o.At.Format("1504")).Element(control).Element("X").Element(d.release).End()
	a := answer{w: w, e: e, d: d, masked: o.Masked}
	a.begin("ST").Element(d.set).Element("0001").End()
	head := a.begin("AK1").Element(e.needed(g.head.Functional, 2, 2)).Element(digits(g.head.Control, 9))
	if d.release == "005010" {
		head.Element(e.text(g.head.Version, 1, 12))
	}
	head.End()
	refused := i.head.Rejected || g.head.Rejected
	for _, s := range g.sets {
		a.answer(s, refused)
	}
	a.result(i, g, refused)
	w.Begin("SE").Element(strconv.Itoa(a.segments + 1)).Element("0001").End()
	w.Begin("GE").Element("1").Element(control).End()
	return finish(w, o, 1)
}

// answer is a 997 or 999 being written.
type answer struct {
	w        *syntax.Writer
	e        echo
	d        dialect
	masked   bool
	segments int
}

func (a *answer) begin(tag string) *syntax.Writer {
	a.segments++
	return a.w.Begin(tag)
}

// answer tells of one set: accepted, accepted with remarks, or refused.
func (a *answer) answer(s *set, refused bool) {
	head := a.begin("AK2").Element(a.e.needed(s.id, 3, 3)).Element(zeros(a.e.text(s.control, 0, 9), 4))
	if a.d.release == "005010" {
		head.Element(a.e.text(s.convention, 1, 35))
	}
	head.End()
	a.report(s)
	status := "A"
	switch {
	case refused || s.rejected:
		status = "R"
	case len(s.findings) > 0:
		status = "E"
	}
	end := a.begin(a.d.trail).Element(status)
	for _, c := range codes(s.findings, 5, func(f finding.Finding) string { return f.AK502 }) {
		end.Element(c)
	}
	end.End()
}

// result tells of the group as a whole. AK902 is what the group says of itself,
// AK903 what came.
func (a *answer) result(i *interchange, g *group, refused bool) {
	status, accepted := "A", g.accepted
	switch {
	case refused || accepted == 0 && g.count > 0:
		status, accepted = "R", 0
	case accepted < g.count:
		status = "P"
	case g.errors || len(g.findings)+len(i.findings) > 0:
		status = "E"
	}
	included := strconv.Itoa(min(g.count, largest))
	if n, err := strconv.Atoi(g.head.Claimed); err == nil && n >= 0 && n <= largest {
		included = strconv.Itoa(n)
	}
	end := a.begin("AK9").Element(status).Element(included).Element(strconv.Itoa(min(g.count, largest))).Element(strconv.Itoa(min(accepted, largest)))
	for _, c := range codes(g.findings, 5, func(f finding.Finding) string { return f.AK905 }) {
		end.Element(c)
	}
	end.End()
}

// report writes a segment for every segment at fault, and one for every element.
func (a *answer) report(s *set) {
	last := ""
	for _, f := range s.findings {
		if f.AK304 == "" || f.Segment == "" {
			continue
		}
		if at := fmt.Sprintf("%s/%d/%s", f.Segment, f.Position, f.AK304); at != last {
			tag := a.e.needed(f.Segment, 2, 3)
			position := strconv.Itoa(f.Position)
			// AK303 is the loop's identifier in the standard's own tables, which the
			// names of ours do not replace.
			a.begin(a.d.segment).Element(tag).Element(position[:min(len(position), a.d.longest)]).Element("").Element(f.AK304).End()
			last = at
		}
		if f.AK403 != "" {
			a.fault(f)
		}
	}
}

// fault tells of one element.
func (a *answer) fault(f finding.Finding) {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	// Positions have two digits: no segment of the standard has more elements.
	const most = 99
	place := []string{strconv.Itoa(min(f.Element, most)), number(min(f.Component, most))}
	if a.d.release == "005010" && f.Repeat > 1 {
		place = append(place, strconv.Itoa(min(f.Repeat, 9999)))
	}
	code := f.AK403
	if f.Code == finding.TooManyComponents && a.d.release == "005010" {
		code = "13"
	}
	w := a.begin(a.d.element).Composite(place...).Element(reference(f.Reference)).Element(code)
	if !a.masked {
		w.Element(a.e.text(f.Value, 1, 99))
	}
	w.End()
}

// reference is AK402, a number: composites such as C001 have none.
func reference(ref string) string {
	if strings.Trim(ref, "0123456789") != "" {
		return ""
	}
	return ref
}
