package sef

import (
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// element is a data element.
type element struct {
	id       string
	line     int
	kind     string
	min, max int
	codes    []string
	open     bool // codes are made of parts: the list has the first
	name     string
}

func (f *file) element(c *cursor, id string) {
	fields := strings.Split(c.text[c.at:], ",")
	if len(fields) != 3 {
		c.problem("an element is written as in 353=ID,2,2")
		return
	}
	e := &element{id: id, line: c.line}
	var errMin, errMax error
	e.min, errMin = strconv.Atoi(fields[1])
	e.max, errMax = strconv.Atoi(fields[2])
	if errMin != nil || errMax != nil || e.min < 0 || e.max < 0 || e.max > 1<<30 || e.max > 0 && e.min > e.max {
		c.problem("the element %s: %s to %s is no length", id, fields[1], fields[2])
		return
	}
	if e.max == 0 { // as files write that there is none
		e.max = 1 << 30
	}
	if e.kind = f.kind(fields[0]); e.kind == "" {
		c.problem("the element %s: %q is no type", id, fields[0])
		return
	}
	f.elements = append(f.elements, e)
}

// kind translates a type; empty when it is none.
func (f *file) kind(sef string) string {
	if f.std == syntax.EDIFACT {
		return map[string]string{"AN": "an", "A": "a", "N": "n", "R": "n", "ID": "an", "an": "an", "a": "a", "n": "n"}[sef]
	}
	switch {
	case sef == "N":
		return "N0"
	case len(sef) == 2 && sef[0] == 'N' && digit(sef[1]), strings.Contains(" AN ID R DT TM B ", " "+sef+" "):
		return sef
	}
	return ""
}

const (
	maxCodes    = 20_000  // of an element
	maxAllCodes = 500_000 // of the file
)

// codeList takes 353=00,01,05:07. Behind % stand a partner's subsets, behind | the
// second part of codes that are made of several.
func (f *file) codeList(c *cursor, id string) {
	list, subsets, found := strings.Cut(c.text[c.at:], "%")
	if found && subsets != "" {
		f.codeSubsets++
	}
	list, _, parts := strings.Cut(list, "|")
	if list == "" && found { // the standard has no list, the partner has
		return
	}
	e := &element{id: id, line: c.line, open: parts}
	for _, word := range strings.Split(list, ",") {
		from, to, ranged := strings.Cut(word, ":")
		switch {
		case !codeForm(from) || ranged && !codeForm(to):
			c.problem("%q is no code; they are written as in 00,01,A:H", word)
			return
		case !ranged:
			e.codes = append(e.codes, from)
		default:
			codes, ok := span(from, to)
			if !ok {
				c.problem("%s to %s is no range of codes: both have the same form, the first is lower", from, to)
				return
			}
			e.codes = append(e.codes, codes...)
		}
		c.at += len(word) + 1
		if len(e.codes) > maxCodes {
			c.problem("more than %d codes", maxCodes)
			return
		}
	}
	if f.codes += len(e.codes); f.codes > maxAllCodes {
		c.problem("the file has more than %d codes", maxAllCodes)
		return
	}
	if parts {
		f.partLists++
	}
	f.lists = append(f.lists, e)
}

func codeForm(s string) bool {
	if s == "" || len(s) > 80 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// span lists the codes of a range: digits and letters count up from the right.
func span(from, to string) ([]string, bool) {
	if len(from) != len(to) || len(from) > 8 {
		return nil, false
	}
	out := []string{from}
	for b := []byte(from); string(b) != to; {
		i := len(b) - 1
		for ; i >= 0; i-- {
			if b[i] == '9' || b[i] == 'Z' || b[i] == 'z' {
				b[i] = map[byte]byte{'9': '0', 'Z': 'A', 'z': 'a'}[b[i]]
				continue
			}
			if !digit(b[i]) && (b[i] < 'A' || b[i] > 'Y') && (b[i] < 'a' || b[i] > 'y') {
				return nil, false
			}
			b[i]++
			break
		}
		if out = append(out, string(b)); i < 0 || len(out) > maxCodes {
			return nil, false
		}
	}
	return out, true
}
