package validate

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// elements checks what a segment carries against its definition. Nearly all are
// right, which fits finds out fast; only others are looked at for what is wrong.
func (s *setWalk) elements(seg *syntax.Segment, def *grammar.Segment) {
	if s.w.fits(seg, def.Plan()) || s.enough() {
		return
	}
	n := seg.Len()
	if n > 0 && len(seg.Element(n)) == 0 {
		s.w.add(s.w.at(seg, 0, finding.Finding{
			Code: finding.TrailingSeparators, Level: finding.Tokens, Severity: finding.Warning,
			Message: fmt.Sprintf("%s ends with empty elements", seg.Tag()), Hint: "separators behind the last value are left out",
		}))
	}
	present := uint64(0)
	// One look at the whole segment spares one at every element.
	s.composite = s.w.d.Component != 0 && bytes.IndexByte(seg.Raw(), s.w.d.Component) >= 0
	s.repeats = s.w.d.Repetition != 0 && bytes.IndexByte(seg.Raw(), s.w.d.Repetition) >= 0
	for i := range min(len(def.Elements), max(n, def.Needed)) {
		p := &def.Elements[i]
		data := seg.Element(i + 1)
		if s.composite && s.hollow(data) {
			s.w.add(s.w.at(seg, i+1, finding.Finding{
				Code: finding.TrailingSeparators, Level: finding.Tokens, Severity: finding.Warning,
				Message: p.Name + " has separators without a value", Hint: "an element without values is left empty",
			}))
			data = nil
		}
		if len(data) == 0 {
			if p.Mandatory {
				s.missing(seg, i+1, 0, p)
			}
			continue
		}
		present |= 1 << i
		s.position(seg, i+1, data, p)
	}
	for i := len(def.Elements) + 1; i <= n; i++ {
		if len(seg.Element(i)) > 0 {
			s.w.add(s.w.at(seg, i, finding.Finding{
				Code: finding.TooManyElements, Level: finding.Elements, Severity: finding.Reject, AK304: "8", AK403: "3", AK502: "5", EDIFACT: "16",
				Message: fmt.Sprintf("%s has %d elements at most", seg.Tag(), len(def.Elements)), Expected: fmt.Sprintf("%d elements", len(def.Elements)),
			}))
			break
		}
	}
	for i := range def.Rules {
		if r := &def.Rules[i]; r.Broken(present) {
			s.broken(seg, def, r, present)
		}
	}
}

// hollow tells that an element is made of component separators alone, which is
// as good as none.
func (s *setWalk) hollow(data []byte) bool {
	for _, c := range data {
		if c != s.w.d.Component {
			return false
		}
	}
	return len(data) > 0
}

func (s *setWalk) missing(seg *syntax.Segment, element, component int, p *grammar.Position) {
	f := s.w.at(seg, element, finding.Finding{
		Code: finding.MissingElement, Level: finding.Elements, Severity: finding.Reject, AK304: "8", AK403: "1", AK502: "5", EDIFACT: "13",
		Reference: p.Reference(), Message: "the mandatory element " + p.Name + " is missing", Expected: p.Name,
	})
	f.Component = component
	s.w.add(f)
}

// position checks one element with its repetitions.
func (s *setWalk) position(seg *syntax.Segment, element int, data []byte, p *grammar.Position) {
	if !s.repeats || bytes.IndexByte(data, s.w.d.Repetition) < 0 {
		s.value(seg, element, 0, data, p)
		return
	}
	count := 0
	seg.Repeats(data, func(n int, v []byte) {
		count = n
		if len(v) > 0 {
			s.value(seg, element, n, v, p)
		}
	})
	if count > p.Repeat {
		s.w.add(s.w.at(seg, element, finding.Finding{
			Code: finding.TooManyRepeats, Level: finding.Elements, Severity: finding.Reject, AK304: "8", AK403: "12", AK502: "5", EDIFACT: "35",
			Reference: p.Reference(), Message: fmt.Sprintf("%s comes %d times, %d are the maximum", p.Name, count, p.Repeat), Expected: fmt.Sprintf("at most %d", p.Repeat),
		}))
	}
}

// value checks one occurrence of an element or composite.
func (s *setWalk) value(seg *syntax.Segment, element, repeat int, data []byte, p *grammar.Position) {
	if p.Composite == nil && (!s.composite || bytes.IndexByte(data, s.w.d.Component) < 0) {
		s.simple(seg, where{element: element, repeat: repeat}, data, p)
		return
	}
	room := 1
	if p.Composite != nil {
		room = len(p.Composite.Components)
	}
	count, last := 0, 0
	seg.Components(data, func(n int, v []byte) {
		count = n
		if len(v) > 0 {
			last = n
		}
		if n > room {
			return
		}
		c := p
		if p.Composite != nil {
			c = &p.Composite.Components[n-1]
		}
		switch {
		case len(v) > 0:
			s.simple(seg, where{element: element, repeat: repeat, component: n}, v, c)
		case c.Mandatory:
			s.missing(seg, element, n, c)
		}
	})
	if p.Composite != nil {
		for n := count + 1; n <= room; n++ {
			if c := &p.Composite.Components[n-1]; c.Mandatory {
				s.missing(seg, element, n, c)
			}
		}
	}
	if p.Composite == nil && last <= room && count > room {
		// A separator that separates nothing: what it means depends on the reader.
		f := s.w.at(seg, element, finding.Finding{
			Code: finding.TrailingSeparators, Level: finding.Tokens, Severity: finding.Warning,
			Message: fmt.Sprintf("%s ends with a component separator", p.Name), Hint: "separators behind the last value are left out",
		})
		s.w.add(f)
	}
	if last > room {
		f := s.w.at(seg, element, finding.Finding{
			Code: finding.TooManyComponents, Level: finding.Elements, Severity: finding.Reject, AK304: "8", AK403: "3", AK502: "5", EDIFACT: "16",
			Reference: p.Reference(), Message: fmt.Sprintf("%s has %d components, %d are the maximum", p.Name, last, room), Expected: fmt.Sprintf("at most %d", room),
		})
		f.Component = room + 1
		s.w.add(f)
	}
}

// where is a place inside of a segment.
type where struct{ element, repeat, component int }

// simple checks a value against its element.
func (s *setWalk) simple(seg *syntax.Segment, at where, data []byte, p *grammar.Position) {
	e := p.Element
	if e == nil {
		return
	}
	data = seg.Plain(data)
	fault, length := faultOf(e, data, s.w.d.Decimal, s.w.std)
	if fault == noFault && e.Closed() {
		if _, known := e.Codes[string(data)]; !known {
			fault = badCode
		}
	}
	if fault == noFault {
		return
	}
	f := faults[fault]
	switch fault {
	case tooShort:
		f.Expected = fmt.Sprintf("at least %d characters", e.Min)
	case tooLong:
		f.Expected = fmt.Sprintf("at most %d characters", e.Max)
	case badCode:
		list := e.CodeList()
		const most = 30
		if len(list) > most {
			list = append(list[:most], "…")
		}
		f.Expected = strings.Join(list, ", ")
	}
	if fault == badCharacters {
		f.EDIFACT = characterError(e, data)
	}
	f.Message = fmt.Sprintf(f.Message, p.Name, length)
	f.Severity, f.AK304, f.AK502, f.Reference, f.Value = finding.Reject, "8", "5", e.ID, finding.Clip(data)
	f = s.w.at(seg, at.element, f)
	f.Component, f.Repeat = at.component, at.repeat
	s.w.add(f)
}

// characterError is 0085 for characters that are not allowed: 37 of the wrong
// kind, as letters in a number, 19 where the decimal mark is wrong, and 21 for
// those that no text has.
func characterError(e *grammar.Element, data []byte) string {
	if e.Type != grammar.Number && e.Type != grammar.Decimal {
		return "21"
	}
	if bytes.ContainsAny(data, ".,") && len(bytes.Trim(data, "-0123456789.,")) == 0 && bytes.LastIndexByte(data, '-') <= 0 {
		return "19"
	}
	return "37"
}

type fault uint8

const (
	noFault fault = iota
	tooShort
	tooLong
	badCharacters
	badDate
	badTime
	badCode
)

var faults = [...]finding.Finding{
	tooShort:      {Code: finding.TooShort, Level: finding.Elements, AK403: "4", EDIFACT: "40", Message: "%s has %d characters, too few"},
	tooLong:       {Code: finding.TooLong, Level: finding.Elements, AK403: "5", EDIFACT: "39", Message: "%s has %d characters, too many"},
	badCharacters: {Code: finding.WrongCharacters, Level: finding.Elements, AK403: "6", EDIFACT: "37", Message: "%s has characters that its type does not allow (length %d)"},
	badDate:       {Code: finding.WrongDate, Level: finding.Elements, AK403: "8", EDIFACT: "12", Message: "%s is no date (length %d)", Expected: "CCYYMMDD or YYMMDD"},
	badTime:       {Code: finding.WrongTime, Level: finding.Elements, AK403: "9", EDIFACT: "12", Message: "%s is no time (length %d)", Expected: "HHMM, HHMMSS or with decimal seconds"},
	badCode:       {Code: finding.UnknownCode, Level: finding.Codes, AK403: "7", EDIFACT: "12", Message: "%s has a code that is not in its list (length %d)"},
}

// faultOf checks type and length (X12.6, section 3.3; ISO 9735, section 10). It
// returns the length as the standards count it: without sign and decimal mark.
func faultOf(e *grammar.Element, data []byte, decimal byte, std syntax.Standard) (fault, int) {
	n := len(data)
	switch e.Type {
	case grammar.Number, grammar.Decimal:
		digits, ok := countDigits(data, e.Type == grammar.Decimal, decimal, std)
		if !ok {
			return badCharacters, n
		}
		n = digits
	case grammar.Date:
		// The length is reported for what it is; only a date of the right length is judged.
		if n >= e.Min && n <= e.Max && !validDate(data) {
			return badDate, n
		}
	case grammar.Time:
		if n >= e.Min && n <= e.Max && !validTime(data) {
			return badTime, n
		}
	case grammar.Binary:
		return noFault, n
	default:
		if !printable(data) {
			return badCharacters, n
		}
		n = characters(data)
	}
	switch {
	case n < e.Min:
		return tooShort, n
	case n > e.Max:
		return tooLong, n
	}
	return noFault, n
}

// countDigits reads a number. EDIFACT takes a comma for a point, whatever the
// header says (ISO 9735-1, 10.1).
func countDigits(data []byte, point bool, decimal byte, std syntax.Standard) (digits int, ok bool) {
	if len(data) > 0 && data[0] == '-' {
		data = data[1:]
	}
	marks := 0
	for _, c := range data {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case point && marks == 0 && (c == '.' || c == decimal || c == ',' && std == syntax.EDIFACT):
			marks++
		default:
			return 0, false
		}
	}
	return digits, digits > 0
}

// characters counts those of a text, which is UTF-8 or ISO 8859-1.
func characters(data []byte) int {
	if !utf8.Valid(data) {
		return len(data)
	}
	return utf8.RuneCount(data)
}

// printable tells that no control characters are in data.
func printable(data []byte) bool {
	for _, c := range data {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func two(b []byte) int {
	if b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' {
		return -1
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

var daysOf = [13]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// validDate checks YYMMDD or CCYYMMDD (X12 type DT).
func validDate(b []byte) bool {
	var year int
	switch len(b) {
	case 8:
		century, y := two(b), two(b[2:])
		if century < 0 || y < 0 {
			return false
		}
		year, b = century*100+y, b[2:]
	case 6:
		if year = two(b); year < 0 {
			return false
		}
		year += 2000
	default:
		return false
	}
	month, day := two(b[2:]), two(b[4:])
	if month < 1 || month > 12 || day < 1 || day > daysOf[month] {
		return false
	}
	return month != 2 || day != 29 || year%4 == 0 && (year%100 != 0 || year%400 == 0)
}

// validTime checks HHMM, HHMMSS and HHMMSSd to HHMMSSdd (X12 type TM).
func validTime(b []byte) bool {
	if len(b) != 4 && (len(b) < 6 || len(b) > 8) {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return two(b) < 24 && two(b[2:]) < 60 && (len(b) == 4 || two(b[4:]) < 60)
}

// broken reports a relational condition.
func (s *setWalk) broken(seg *syntax.Segment, def *grammar.Segment, r *grammar.Rule, present uint64) {
	f := finding.Finding{Code: finding.ConditionMissing, Level: finding.Elements, Severity: finding.Reject, AK304: "8", AK403: "2", AK502: "5", EDIFACT: "13"}
	// The element at fault is the first that is lacking.
	element := r.Positions[0]
	for _, p := range r.Positions {
		if present&(1<<(p-1)) == 0 {
			element = p
			break
		}
	}
	switch r.Kind {
	case 'P':
		f.Message = "%s are used together or not at all"
	case 'R':
		f.Message = "at least one of %s is needed"
	case 'C':
		f.Message = "of %s, the first needs the others"
	case 'L':
		f.Message = "of %s, the first needs at least one of the others"
	case 'E':
		f.Code, f.AK403, f.EDIFACT = finding.ConditionExcluded, "10", "12"
		f.Message, element = "only one of %s may be used", r.Positions[len(r.Positions)-1]
	}
	names := make([]string, 0, len(r.Positions))
	for _, p := range r.Positions {
		names = append(names, fmt.Sprintf("%s%02d (%s)", def.Tag, p, def.Elements[p-1].Name))
	}
	f.Message = fmt.Sprintf(f.Message, strings.Join(names, ", "))
	f.Reference, f.Expected = def.Elements[element-1].Reference(), r.String()
	s.w.add(s.w.at(seg, element, f))
}
