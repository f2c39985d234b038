package acknowledge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// names are the segments that 997 and 999 call differently.
type names struct{ segment, element, set string }

// functional answers a group with a 997 (X12 004010 or 005010) or a 999 (005010).
func functional(kind Kind, i *interchange, g *group, o Options) ([]byte, error) {
	version, release, n := "00401", "004010", names{"AK3", "AK4", "AK5"}
	if kind == X999 || o.Version == "005010" {
		version, release = "00501", "005010"
	}
	if kind == X999 {
		n = names{"IK3", "IK4", "IK5"}
	}
	w, err := envelope(i, o, version)
	if err != nil {
		return nil, err
	}
	control := strconv.FormatUint(o.Control, 10)
	w.Begin("GS").Element("FA").Element(g.head.Receiver).Element(g.head.Sender).Element(o.At.Format("20060102")).Element(o.At.Format("1504")).
		Element(control).Element("X").Element(release).End()
	w.Begin("ST").Element(string(kind)).Element("0001").End()
	segments := 1
	write := func(tag string) *syntax.Writer {
		segments++
		return w.Begin(tag)
	}
	head := write("AK1").Element(g.head.Functional).Element(g.head.Control)
	if version == "00501" {
		head.Element(g.head.Version)
	}
	head.End()
	refused := i.head.Rejected || g.head.Rejected
	for _, s := range g.sets {
		write("AK2").Element(s.id).Element(atLeast(s.control, 4)).End()
		report(write, n, s, i.head.Delimiters, o)
		status := "A"
		switch {
		case refused || s.rejected:
			status = "R"
		case len(s.findings) > 0:
			status = "E"
		}
		end := write(n.set).Element(status)
		for _, c := range codes(s.findings, 5, func(f finding.Finding) string { return f.AK502 }) {
			end.Element(c)
		}
		end.End()
	}
	status, accepted := "A", g.accepted
	switch {
	case refused || accepted == 0 && g.count > 0:
		status, accepted = "R", 0
	case accepted < g.count:
		status = "P"
	case len(g.findings)+len(i.findings) > 0:
		status = "E"
	}
	end := write("AK9").Element(status).Element(strconv.Itoa(g.count)).Element(strconv.Itoa(g.count)).Element(strconv.Itoa(accepted))
	for _, c := range codes(g.findings, 5, func(f finding.Finding) string { return f.AK905 }) {
		end.Element(c)
	}
	end.End()
	w.Begin("SE").Element(strconv.Itoa(segments + 1)).Element("0001").End()
	w.Begin("GE").Element("1").Element(control).End()
	return finish(w, o, 1)
}

// atLeast makes a control number as long as its element wants it.
func atLeast(v string, n int) string { return strings.Repeat("0", max(0, n-len(v))) + v }

// report writes a segment for every segment at fault, and one for every element.
func report(write func(string) *syntax.Writer, n names, s *set, d syntax.Delimiters, o Options) {
	last := ""
	for _, f := range s.findings {
		if f.AK304 == "" || f.Segment == "" {
			continue
		}
		if at := fmt.Sprintf("%s/%d/%s", f.Segment, f.Position, f.AK304); at != last {
			tag := f.Segment
			if syntax.KeyOf(tag) == 0 || len(tag) > 3 {
				tag = "???"[:min(3, max(2, len(tag)))]
			}
			// AK303 is the loop's identifier in the standard's own tables, which the
			// names of ours do not replace.
			write(n.segment).Element(tag).Element(strconv.Itoa(f.Position)).Element("").Element(f.AK304).End()
			last = at
		}
		if f.AK403 == "" {
			continue
		}
		place := []string{strconv.Itoa(f.Element)}
		if f.Component > 0 || f.Repeat > 1 {
			component, repeat := "", ""
			if f.Component > 0 {
				component = strconv.Itoa(f.Component)
			}
			if f.Repeat > 1 {
				repeat = strconv.Itoa(f.Repeat)
			}
			place = append(place, component, repeat)
		}
		w := write(n.element).Composite(place...).Element(reference(f.Reference)).Element(f.AK403)
		if !o.Masked {
			w.Element(repeatable(f.Value, d))
		}
		w.End()
	}
}

// reference is AK402, a number: composites such as C001 have none.
func reference(ref string) string {
	if strings.Trim(ref, "0123456789") != "" {
		return ""
	}
	return ref
}

// repeatable makes bad data fit for AK404: without separators and control
// characters, 99 characters at most.
func repeatable(v string, d syntax.Delimiters) string {
	v = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r > '~':
			return '?'
		case r == rune(d.Element) || r == rune(d.Segment) || r == rune(d.Component) || r == rune(d.Repetition):
			return '?'
		}
		return r
	}, v)
	const most = 99
	return strings.TrimSpace(v[:min(len(v), most)])
}
