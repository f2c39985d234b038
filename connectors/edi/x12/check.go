package x12

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// check fills the findings of an interchange from the outside in.
func check(ic *Interchange) {
	checkInterchange(ic)
	for _, g := range ic.Groups {
		checkGroup(g)
		seen := map[string]bool{}
		for _, s := range g.Sets {
			if seen[s.Control] {
				s.add(s.Segments[0], 2, "ST02.duplicate", Finding{
					AK502:   "23",
					Message: fmt.Sprintf("the control number %s is used twice in the group", s.Control),
				})
			}
			seen[s.Control] = true
			checkSet(g, s)
		}
	}
}

var isaWidths = [16]int{2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1}

func checkInterchange(ic *Interchange) {
	add := func(s Segment, el int, code, ta string, sev Severity, format string, args ...any) {
		ic.Findings = append(ic.Findings, Finding{
			Code: code, Severity: sev, Segment: s.Tag, Element: el,
			Offset: s.Offset, TA105: ta, Value: s.E(el), Message: fmt.Sprintf(format, args...),
		})
	}
	h := ic.Header
	for i, w := range isaWidths {
		if len(h.E(i+1)) != w {
			add(h, i+1, "ISA.width", "", Warning, "expected %d characters, found %d", w, len(h.E(i+1)))
		}
	}
	if v := h.E(12); v != "00401" {
		add(h, 12, "ISA12.version", "017", Warning, "expected interchange version 00401, found %q", v)
	}
	if _, ok := number(h.E(13)); !ok {
		add(h, 13, "ISA13.number", "018", Reject, "the control number must be digits, found %q", h.E(13))
	}
	if !slices.Contains([]string{"P", "T", "I"}, h.E(15)) {
		add(h, 15, "ISA15.usage", "020", Warning, "expected P (production), T (test) or I (information), found %q", h.E(15))
	}
	t := ic.Trailer
	if t.Tag == "" {
		add(h, 0, "IEA.missing", "023", Reject, "the interchange has no IEA: the file is cut off")
		return
	}
	if n, ok := number(t.E(1)); !ok || n != len(ic.Groups) {
		add(t, 1, "IEA01.count", "021", Reject, "it counts %q groups, the interchange has %d", t.E(1), len(ic.Groups))
	}
	if sev, differ := compareControl(t.E(2), h.E(13)); differ {
		add(t, 2, "IEA02.control", "001", sev, "the control number %q is not that of ISA13, %q", t.E(2), h.E(13))
	}
}

// compareControl compares the control numbers of a header and its trailer;
// numbers that differ in leading zeros only are tolerated.
func compareControl(trailer, header string) (Severity, bool) {
	if trailer == header {
		return "", false
	}
	a, okA := number(trailer)
	b, okB := number(header)
	if okA && okB && a == b {
		return Warning, true
	}
	return Reject, true
}

// functional maps a set to its functional identifier (GS01, data element 479).
var functional = map[string]string{"850": "PO", "855": "PR", "846": "IB", "997": "FA", "856": "SH", "810": "IN"}

func checkGroup(g *Group) {
	add := func(s Segment, el int, code, ak string, sev Severity, format string, args ...any) {
		g.Findings = append(g.Findings, Finding{
			Code: code, Severity: sev, Segment: s.Tag, Element: el,
			Offset: s.Offset, AK905: ak, Value: s.E(el), Message: fmt.Sprintf(format, args...),
		})
	}
	h, t := g.Header, g.Trailer
	if !strings.HasPrefix(h.E(8), "004010") {
		add(h, 8, "GS08.version", "2", Reject, "expected version 004010, found %q", h.E(8))
	}
	if t.Tag == "" {
		add(h, 0, "GE.missing", "3", Reject, "the group has no GE: the file is cut off")
		return
	}
	if n, ok := number(t.E(1)); !ok || n != len(g.Sets) {
		add(t, 1, "GE01.count", "5", Reject, "it counts %q sets, the group has %d", t.E(1), len(g.Sets))
	}
	if sev, differ := compareControl(t.E(2), h.E(6)); differ {
		add(t, 2, "GE02.control", "4", sev, "the control number %q is not that of GS06, %q", t.E(2), h.E(6))
	}
}

// add records a finding against the set; Severity defaults to Reject.
func (s *Set) add(seg Segment, el int, code string, f Finding) {
	f.Code, f.Set, f.Segment, f.Position, f.Element, f.Offset = code, s.Control, seg.Tag, seg.Position, el, seg.Offset
	if f.Severity == "" {
		f.Severity = Reject
	}
	if el > 0 && f.Value == "" {
		f.Value = seg.E(el)
	}
	s.Findings = append(s.Findings, f)
}

func checkSet(g *Group, s *Set) {
	st, last := s.Segments[0], s.Segments[len(s.Segments)-1]
	if want := functional[s.ID]; want != "" && g.Header.E(1) != want {
		s.add(st, 1, "ST01.group", Finding{AK502: "6", Message: fmt.Sprintf("a set %s belongs into a group %s, this one is %q", s.ID, want, g.Header.E(1))})
	}
	grammar, ok := grammars[s.ID]
	if !ok {
		s.add(st, 1, "ST01.set", Finding{AK502: "1", Message: fmt.Sprintf("the set %s is not supported", s.ID), Hint: "agreed are 846, 850, 855 and 997"})
		return
	}
	if last.Tag != "SE" {
		s.add(st, 0, "SE.missing", Finding{AK502: "2", Message: "the set has no SE: it is cut off or the next ST came first"})
	} else {
		if n, ok := number(last.E(1)); !ok || n != len(s.Segments) {
			s.add(last, 1, "SE01.count", Finding{AK502: "4", Message: fmt.Sprintf("it counts %q segments, the set has %d", last.E(1), len(s.Segments))})
		}
		if last.E(2) != s.Control {
			s.add(last, 2, "SE02.control", Finding{AK502: "3", Message: fmt.Sprintf("the control number %q is not that of ST02, %q", last.E(2), s.Control)})
		}
	}
	body := s.Segments[1:]
	if last.Tag == "SE" {
		body = body[:max(len(body)-1, 0)]
	}
	w := &walker{set: s, segs: body}
	w.loop(grammar)
	for w.at < len(w.segs) {
		w.unexpected()
	}
	checkTotals(s)
}

// walker matches segments against loops, in order. A segment that fits neither
// the loop nor what may follow it is reported and skipped, so that one mistake
// is one finding.
type walker struct {
	set  *Set
	segs []Segment
	at   int
	// open holds, for every loop being read, what it may still take.
	open [][]node
}

func (w *walker) loop(nodes []node) {
	level := len(w.open)
	w.open = append(w.open, nodes)
	defer func() { w.open = w.open[:level] }()
	for i, n := range nodes {
		w.open[level] = nodes[i:]
		count := 0
		for w.fits(n.tag) {
			seg := w.segs[w.at]
			if count++; count > n.max {
				w.set.add(seg, 0, seg.Tag+".max", Finding{AK304: "5", AK502: "5", Message: fmt.Sprintf("it may stand here %d times at most", n.max)})
			}
			w.at++
			checkElements(w.set, seg)
			w.loop(n.loop)
		}
		if count == 0 && n.required {
			at := Segment{Tag: n.tag, Position: len(w.set.Segments), Offset: w.set.Segments[len(w.set.Segments)-1].Offset}
			if w.at < len(w.segs) {
				at.Position, at.Offset = w.segs[w.at].Position, w.segs[w.at].Offset
			}
			w.set.add(at, 0, n.tag+".missing", Finding{AK304: "3", AK502: "5", Message: "the mandatory segment " + n.tag + " is missing here"})
		}
	}
}

// fits reports whether the next segment is the one wanted, after setting aside
// those that no open loop can take.
func (w *walker) fits(tag string) bool {
	for w.at < len(w.segs) {
		next := w.segs[w.at].Tag
		if next == tag {
			return true
		}
		if w.expected(next) {
			return false
		}
		w.unexpected()
	}
	return false
}

func (w *walker) expected(tag string) bool {
	for _, nodes := range w.open {
		for _, n := range nodes {
			if n.tag == tag {
				return true
			}
		}
	}
	return false
}

func usedAnywhere(nodes []node, tag string) bool {
	for _, n := range nodes {
		if n.tag == tag || usedAnywhere(n.loop, tag) {
			return true
		}
	}
	return false
}

func (w *walker) unexpected() {
	seg := w.segs[w.at]
	code, msg := "2", "the segment is not expected here"
	if _, ok := segments[seg.Tag]; !ok {
		code, msg = "1", "the segment is not known"
	} else if usedAnywhere(grammars[w.set.ID], seg.Tag) {
		code, msg = "7", "the segment stands in the wrong place"
	}
	w.set.add(seg, 0, "segment.unexpected", Finding{AK304: code, AK502: "5", Message: msg})
	w.at++
}

func checkElements(s *Set, seg Segment) {
	defs := segments[seg.Tag]
	for i, v := range seg.Elements {
		if i >= len(defs) {
			if v != "" {
				s.add(seg, i+1, "element.extra", Finding{AK304: "8", AK403: "3", AK502: "5", Message: fmt.Sprintf("%s has %d elements", seg.Tag, len(defs))})
				break
			}
			continue
		}
	}
	for i, d := range defs {
		el, v := i+1, seg.E(i+1)
		if v == "" {
			if d.required {
				s.add(seg, el, "element.missing", Finding{AK304: "8", AK403: "1", AK502: "5", Message: "the mandatory element is missing: " + d.name})
			}
			continue
		}
		if code, msg := d.check(v); code != "" {
			s.add(seg, el, "element.value", Finding{AK304: "8", AK403: code, AK502: "5", Message: d.name + ": " + msg})
		}
	}
	for _, p := range pairs[seg.Tag] {
		a, b := seg.E(p[0]), seg.E(p[1])
		if (a == "") != (b == "") {
			missing := p[1]
			if a == "" {
				missing = p[0]
			}
			s.add(seg, missing, "element.pair", Finding{
				AK304: "8", AK403: "2", AK502: "5",
				Message: fmt.Sprintf("%s%02d and %s%02d go together; one is missing", seg.Tag, p[0], seg.Tag, p[1]),
			})
		}
	}
}

// check returns the AK403 code (data element 723) of what is wrong.
func (d element) check(v string) (code, msg string) {
	n := len(v)
	switch d.kind {
	case integer, decimal:
		digits := strings.TrimPrefix(v, "-")
		if d.kind == decimal {
			digits = strings.Replace(digits, ".", "", 1)
		}
		n = len(digits)
		if strings.Trim(digits, "0123456789") != "" || n == 0 {
			return "6", fmt.Sprintf("expected a number, found %q", v)
		}
	case date:
		if _, err := time.Parse("20060102", v); err != nil {
			return "8", fmt.Sprintf("expected a date CCYYMMDD, found %q", v)
		}
	case clock:
		if len(v) != 4 && len(v) != 6 && len(v) != 8 || strings.Trim(v, "0123456789") != "" || v[:2] > "23" || v[2:4] > "59" {
			return "9", fmt.Sprintf("expected a time HHMM or HHMMSS, found %q", v)
		}
	}
	if n < d.min {
		return "4", fmt.Sprintf("%q is shorter than %d", v, d.min)
	}
	if n > d.max {
		return "5", fmt.Sprintf("%q is longer than %d", v, d.max)
	}
	if d.codes != "" && !slices.Contains(strings.Fields(d.codes), v) {
		return "7", fmt.Sprintf("the code %q is not one of %s", v, d.codes)
	}
	return "", ""
}

// checkTotals compares CTT01 with the number of lines (X12 004010, CTT note).
func checkTotals(s *Set) {
	lineTag := map[string]string{"850": "PO1", "855": "PO1", "846": "LIN"}[s.ID]
	if lineTag == "" {
		return
	}
	lines := 0
	for _, seg := range s.Segments {
		if seg.Tag == lineTag {
			lines++
		}
	}
	for _, seg := range s.Segments {
		if seg.Tag != "CTT" {
			continue
		}
		if n, ok := number(seg.E(1)); ok && n != lines {
			s.add(seg, 1, "CTT01.count", Finding{
				AK304: "8", AK403: "7", AK502: "5",
				Message: fmt.Sprintf("it counts %d lines, the set has %d", n, lines),
			})
		}
	}
}
