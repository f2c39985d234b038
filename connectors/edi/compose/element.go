package compose

import (
	"slices"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Values are turned back into what package shape read. What does not have the
// form of its type is written as it stands: the check of what was written then
// says what is wrong with it.

// plain is the text of an element. hint is not empty when the value cannot be
// written without losing something.
func (c *set) plain(v *value, e *grammar.Element) (out, problem string) {
	if v.kind == number && strings.ContainsAny(v.text, "eE") {
		return v.text, "is a number with an exponent; write out its digits"
	}
	switch e.Type {
	case grammar.Number:
		return implied(v.text, e)
	case grammar.Decimal:
		if c.decimal == ',' {
			return strings.Replace(v.text, ".", ",", 1), ""
		}
		return v.text, ""
	}
	if v.kind == number {
		return v.text, "is a number, and " + e.Name + " is text, in which leading zeros count; write it in quotation marks"
	}
	switch e.Type {
	case grammar.Date:
		return date(v.text, e)
	case grammar.Time:
		return clock(v.text), ""
	}
	return v.text, ""
}

// implied takes the decimal point out of types N0 to N9, exactly.
func implied(v string, e *grammar.Element) (out, problem string) {
	sign, digits := "", v
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	whole, fraction, point := strings.Cut(digits, ".")
	if digits == "" || strings.Trim(whole+fraction, "0123456789") != "" || point && whole+fraction == "" {
		return v, ""
	}
	if kept := strings.TrimRight(fraction, "0"); len(fraction) > e.Implied {
		if len(kept) > e.Implied {
			return v, "has " + counted(len(kept)) + " behind the point, " + e.Name + " has room for " + counted(e.Implied) + "; round it in the mapping"
		}
		fraction = fraction[:e.Implied]
	}
	fraction += strings.Repeat("0", e.Implied-len(fraction))
	switch {
	case e.Implied == 0:
	case whole == "":
		// .05 is 05, as shape reads it.
	case whole == "0":
		// The shortest form: 0.05 is 5.
		fraction = strings.TrimLeft(fraction, "0")
		whole = strings.Repeat("0", max(0, max(e.Min, 1)-len(fraction)))
	case strings.Trim(whole, "0") == "":
		whole = whole[1:] // 00.05 is 005, as shape reads it
	}
	return sign + whole + fraction, ""
}

func counted(n int) string {
	words := [...]string{"no digits", "one digit", "two digits", "three digits", "four digits", "five digits", "six digits", "seven digits", "eight digits", "nine digits"}
	if n < len(words) {
		return words[n]
	}
	return "more than nine digits"
}

// date turns 2026-01-05 into as many digits as the element has.
func date(v string, e *grammar.Element) (out, problem string) {
	if !pattern(v, "dddd-dd-dd") {
		return v, ""
	}
	digits := v[:4] + v[5:7] + v[8:]
	if e.Max >= len(digits) {
		return digits, ""
	}
	// Two digits of the year stand for 1950 to 2049.
	if v < "1950" || v >= "2050" {
		return v, "is no date that " + e.Name + " can carry: its years are 1950 to 2049"
	}
	return digits[2:], ""
}

// clock turns 09:15, 09:15:30 and 09:15:30.5 into digits.
func clock(v string) string {
	for _, form := range [...]string{"dd:dd", "dd:dd:dd", "dd:dd:dd.d", "dd:dd:dd.dd"} {
		if pattern(v, form) {
			return strings.NewReplacer(":", "", ".", "").Replace(v)
		}
	}
	return v
}

// pattern tells whether v is like form, in which d is a digit.
func pattern(v, form string) bool {
	if len(v) != len(form) {
		return false
	}
	for i := range len(form) {
		if form[i] == 'd' {
			if v[i] < '0' || v[i] > '9' {
				return false
			}
		} else if v[i] != form[i] {
			return false
		}
	}
	return true
}

// elements writes the members of an object as the elements of a segment. given is
// what the member's own name says: elements by position.
func (c *set) elements(s *segment, o *value, given map[int]string) {
	def := s.node.Segment
	c.ids = c.ids[:0]
	if m := o.member("ids"); m != nil && paired(def) {
		m.taken = 1
		c.openIDs(m.value, s)
	}
	slots := c.slots(o, def)
	pair := 0
	for i := 0; i < len(def.Elements); i++ {
		p := &def.Elements[i]
		m := o.member(p.Name)
		if code, ok := given[i+1]; ok {
			c.given(s, m, i+1, code)
			continue
		}
		if p.Pair && i+1 < len(def.Elements) {
			pair++
			if id := o.member(def.Elements[i+1].Name); (m == nil || m.value.absent()) && (id == nil || id.value.absent()) {
				if slots == nil || slots[pair] {
					c.nextID(s, i+1, p)
				}
				i++
				continue
			}
		}
		if m == nil {
			continue
		}
		m.taken = 1
		c.position(s, i+1, m.value, p)
	}
	c.surplus(o, "element_", len(def.Elements), func(n int, v *value) {
		c.simple(s, cell{element: n, repeat: 1, component: 1}, v, &grammar.Position{Name: v.name, Element: anything})
	})
	for _, left := range c.ids {
		c.problems.at(left.value, s.tag, "split the document, or leave out what the partner does not need", "%s has room for %d identifiers", s.tag, pairsOf(def))
	}
}

// slots reads which pairs the members of ids are, nil when they are the first.
func (c *set) slots(o *value, def *grammar.Segment) map[int]bool {
	m := o.member(slotsMember)
	if m == nil || !paired(def) {
		return nil
	}
	m.taken = 1
	if m.value.kind != list {
		return nil
	}
	out := map[int]bool{}
	for _, one := range m.value.items {
		if n, err := strconv.Atoi(one.text); err == nil {
			out[n] = true
		}
	}
	return out
}

// given writes an element that the name of the object says already.
func (c *set) given(s *segment, m *member, element int, code string) {
	var from *value
	if m != nil {
		m.taken = 1
		if from = m.value; !from.absent() && from.text != code {
			c.problems.at(from, s.place(element, 0, 0), "leave it out, or put the object into the list", "the name of the object says %q, this says %q", code, clip(from.text))
		}
	}
	s.add(element, code, from)
}

func paired(def *grammar.Segment) bool { return pairsOf(def) > 0 }

func pairsOf(def *grammar.Segment) int {
	n := 0
	for i := range def.Elements {
		if def.Elements[i].Pair {
			n++
		}
	}
	return n
}

// identifier is a member of ids that was not written yet.
type identifier struct {
	name  string
	value *value
}

func (c *set) openIDs(v *value, s *segment) {
	if v.absent() {
		return
	}
	if v.kind != object {
		c.problems.at(v, s.tag, `write them as in "ids": {"gtin12": "614141000012"}`, "identifiers are an object, this is %s", v.kind)
		return
	}
	for _, m := range v.members {
		switch {
		case m.value.absent():
		case m.value.kind == list:
			for _, one := range m.value.items {
				if !one.absent() {
					c.ids = append(c.ids, identifier{m.value.name, one})
				}
			}
		default:
			c.ids = append(c.ids, identifier{m.value.name, m.value})
		}
	}
}

// nextID writes a qualifier and its identifier, in the order of the document.
func (c *set) nextID(s *segment, element int, p *grammar.Position) {
	if len(c.ids) == 0 {
		return
	}
	id := c.ids[0]
	c.ids = c.ids[1:]
	code := c.codeOf(p.Element, id.name)
	if _, known := p.Element.Codes[code]; !known && p.Element.Closed() {
		var names []string
		for one := range p.Element.Codes {
			names = append(names, nameOf(p.Element, one))
		}
		c.problems.at(id.value, s.place(element, 0, 0), didYouMean(id.name, names), "no code of %s is called %q", p.Element.Name, id.name)
	}
	s.add(element, code, id.value)
	c.simple(s, cell{element: element + 1, repeat: 1, component: 1}, id.value, &s.node.Segment.Elements[element])
}

// nameOf is the name of a code in documents.
func nameOf(e *grammar.Element, code string) string {
	if name := e.Codes[code]; name != "" {
		return name
	}
	return strings.ToLower(code)
}

// codeOf turns the name of a code back: the name that the grammar gives, or the
// code in small letters.
func (c *set) codeOf(e *grammar.Element, name string) string {
	known := c.codes[e]
	if known == nil {
		known = make(map[string]string, len(e.Codes))
		for code := range e.Codes {
			known[nameOf(e, code)] = code
		}
		for code, name := range e.Codes {
			if name != "" { // before a code that is called the same
				known[name] = code
			}
		}
		if c.codes == nil {
			c.codes = map[*grammar.Element]map[string]string{}
		}
		c.codes[e] = known
	}
	if code, ok := known[name]; ok {
		return code
	}
	return strings.ToUpper(name)
}

// position writes one element with its repetitions.
func (c *set) position(s *segment, element int, v *value, p *grammar.Position) {
	if v.kind != list {
		c.occurrence(s, element, 1, v, p)
		return
	}
	if p.Repeat <= 1 {
		c.problems.at(v, s.place(element, 0, 0), "", "%s comes once, this is a list", p.Name)
		return
	}
	for i, one := range v.items {
		c.occurrence(s, element, i+1, one, p)
	}
}

func (c *set) occurrence(s *segment, element, repeat int, v *value, p *grammar.Position) {
	at := cell{element: element, repeat: repeat, component: 1}
	if p.Composite == nil {
		c.simple(s, at, v, p)
		return
	}
	if v.absent() {
		return
	}
	if v.kind != object {
		c.problems.at(v, s.place(element, 0, 0), "", "%s is an object of %s, this is %s", p.Name, listed(componentNames(p.Composite)), v.kind)
		return
	}
	for i := range p.Composite.Components {
		one := &p.Composite.Components[i]
		if m := v.member(one.Name); m != nil {
			m.taken = 1
			at.component = i + 1
			c.simple(s, at, m.value, one)
		}
	}
	c.surplus(v, "component_", len(p.Composite.Components), func(n int, v *value) {
		at.component = n
		c.simple(s, at, v, &grammar.Position{Name: v.name, Element: anything})
	})
	c.leftover(v, func() []string { return componentNames(p.Composite) }, s.place(element, 0, 0))
}

// anything is an element that the grammar does not know.
var anything = &grammar.Element{Name: "it", Max: grammar.Unlimited}

// surplus calls write for what a segment or composite should not have: element_9,
// component_3. Read sets may have it.
func (c *set) surplus(o *value, prefix string, behind int, write func(n int, v *value)) {
	var found []int
	for i := range o.members {
		if digits, ok := strings.CutPrefix(o.members[i].value.name, prefix); ok && o.members[i].taken == 0 {
			const most = 1000
			if n, err := strconv.Atoi(digits); err == nil && n > behind && n < most && strconv.Itoa(n) == digits {
				found = append(found, n)
			}
		}
	}
	slices.Sort(found)
	for _, n := range found {
		m := o.member(prefix + strconv.Itoa(n))
		m.taken = 1
		write(n, m.value)
	}
}

func componentNames(of *grammar.Composite) []string {
	var out []string
	for i := range of.Components {
		out = append(out, of.Components[i].Name)
	}
	return out
}

// simple writes one value.
func (c *set) simple(s *segment, at cell, v *value, p *grammar.Position) {
	if v.absent() {
		return
	}
	place := func() string { return s.place(at.element, at.component, 0) }
	if v.kind != text && v.kind != number {
		c.problems.at(v, place(), "", "%s is text, this is %s", p.Name, v.kind)
		return
	}
	if p.Element == nil { // a composite in a composite, which no standard has
		return
	}
	out, problem := c.plain(v, p.Element)
	if problem != "" {
		c.problems.at(v, place(), "", "%q %s", clip(v.text), problem)
		return
	}
	at.text, at.from = out, v
	s.cells = append(s.cells, at)
}

// decimalMark is the mark that numbers are written with.
func decimalMark(std syntax.Standard, d syntax.Delimiters) byte {
	if std == syntax.X12 || d.Decimal == 0 {
		return '.'
	}
	return d.Decimal
}
