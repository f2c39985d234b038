package compose

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// header is what ISA or UNB say.
type header struct {
	standard         syntax.Standard
	d                syntax.Delimiters
	suffix           string
	sender, receiver Party
	control          string
	version          string // ISA12, or the syntax identifier and version: UNOC:3
	usage            string
	date, time       string
	ack, una         bool
	latin            bool // values are written in ISO 8859-1
	// raw are the elements as they stand, when they are not what is made of the
	// rest.
	raw []string
}

type groupHeader struct {
	functional, sender, receiver, date, time, control, agency, version string
	association                                                        string // of EDIFACT
	raw                                                                []string
}

type setHeader struct {
	control, release, association string
	raw                           []string
}

// fourth tells whether a syntax identifier is of version 4.
func fourth(version string) bool {
	_, n, _ := strings.Cut(version, ":")
	return strings.HasPrefix(n, "4")
}

// check holds what no reader would find: separators that are data, identifiers
// that do not fit.
func (h *header) check() error {
	d := h.d
	seen := map[byte]string{}
	for _, s := range []struct {
		by   byte
		what string
	}{{d.Element, "element"}, {d.Segment, "segment"}, {d.Component, "component"}, {d.Repetition, "repetition"}, {d.Release, "release"}} {
		if s.by == 0 {
			continue
		}
		if s.by >= '0' && s.by <= '9' || s.by >= 'A' && s.by <= 'Z' || s.by >= 'a' && s.by <= 'z' || s.by == ' ' {
			return fmt.Errorf("the character %q cannot be the %s separator", s.by, s.what)
		}
		if other := seen[s.by]; other != "" {
			return fmt.Errorf("the character %q cannot separate both %ss and %ss", s.by, other, s.what)
		}
		seen[s.by] = s.what
	}
	if strings.Trim(h.suffix, "\r\n") != "" {
		return fmt.Errorf("%q cannot follow segments: only line ends can", h.suffix)
	}
	if h.raw != nil || h.standard != syntax.X12 {
		return nil
	}
	for _, v := range []struct {
		what, value string
		width       int
		exact       bool
	}{
		{"the sender's qualifier", h.sender.Qualifier, 2, false},
		{"the sender", h.sender.ID, 15, false},
		{"the receiver's qualifier", h.receiver.Qualifier, 2, false},
		{"the receiver", h.receiver.ID, 15, false},
		{"the date", h.date, 6, true},
		{"the time", h.time, 4, true},
		{"the version", h.version, 5, true},
		{"the control number", h.control, 9, true},
		{"the usage", h.usage, 1, true},
	} {
		switch {
		case len(v.value) > v.width:
			return fmt.Errorf("%s %q does not fit the header ISA: it has room for %d characters", v.what, v.value, v.width)
		case v.exact && len(v.value) < v.width:
			return fmt.Errorf("%s %q does not fill its place in the header ISA, which has %d characters", v.what, v.value, v.width)
		case strings.IndexByte(v.value, d.Element) >= 0 || strings.IndexByte(v.value, d.Segment) >= 0:
			return fmt.Errorf("%s %q contains a separator", v.what, v.value)
		}
	}
	return nil
}

// elements are those of the header as they are written.
func (h *header) elements() []string {
	if h.raw != nil {
		return h.raw
	}
	ack := "0"
	if h.ack {
		ack = "1"
	}
	if h.standard == syntax.X12 {
		repetition := "U"
		if h.d.Repetition != 0 {
			repetition = string(h.d.Repetition)
		}
		return []string{
			"00", pad("", 10), "00", pad("", 10), pad(h.sender.Qualifier, 2), pad(h.sender.ID, 15), pad(h.receiver.Qualifier, 2), pad(h.receiver.ID, 15),
			h.date, h.time, repetition, h.version, h.control, ack, h.usage, string(h.d.Component),
		}
	}
	if !h.ack {
		ack = ""
	}
	identifier, version, _ := strings.Cut(h.version, ":")
	return trimmed(
		composite(h.d, identifier, version), composite(h.d, h.sender.ID, h.sender.Qualifier), composite(h.d, h.receiver.ID, h.receiver.Qualifier),
		composite(h.d, h.date, h.time), composite(h.d, h.control), "", "", "", ack, "", composite(h.d, h.usage),
	)
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-len(s))) }

// composite joins components of a header, without those that are empty at the end.
func composite(d syntax.Delimiters, components ...string) string {
	var b []byte
	gaps := 0
	for i, c := range components {
		if i > 0 {
			gaps++
		}
		if c == "" {
			continue
		}
		b = append(b, bytes.Repeat([]byte{d.Component}, gaps)...)
		gaps = 0
		for k := range len(c) {
			if s := c[k]; d.Release != 0 && (s == d.Element || s == d.Segment || s == d.Component || s == d.Release || s == d.Repetition && s != 0) {
				b = append(b, d.Release)
			}
			b = append(b, c[k])
		}
	}
	return string(b)
}

// trimmed drops the elements that are empty at the end.
func trimmed(elements ...string) []string {
	for len(elements) > 0 && elements[len(elements)-1] == "" {
		elements = elements[:len(elements)-1]
	}
	return elements
}

// advice is the service string advice.
func (h *header) advice() string {
	blank := func(c byte) byte {
		if c == 0 {
			return ' '
		}
		return c
	}
	return "UNA" + string([]byte{h.d.Component, h.d.Element, blank(h.d.Decimal), blank(h.d.Release), blank(h.d.Repetition), h.d.Segment})
}

// unusual tells whether readers need the service string advice.
func (h *header) unusual() bool {
	d := usualEDIFACT
	if !fourth(h.version) {
		d.Repetition = 0
	}
	return h.d != d
}
