package x12

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits against hostile input.
const (
	// MaxSize is the largest file read, in bytes.
	MaxSize = 64 << 20
	// MaxElements is the most elements of one segment.
	MaxElements = 256
)

// ErrNotX12 is returned when a file does not begin with an ISA segment.
var ErrNotX12 = errors.New("not an X12 interchange: the file does not begin with ISA")

// Parse reads every interchange of a file and checks it. The error is only for
// a file in which no interchange can be found; everything else is a finding.
func Parse(data []byte) ([]*Interchange, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("the file has %d bytes, %d are the limit; ask the partner to send smaller interchanges", len(data), MaxSize)
	}
	p := &parser{data: data}
	var out []*Interchange
	for {
		p.skipBlank()
		if p.at >= len(data) {
			break
		}
		if !bytes.HasPrefix(data[p.at:], []byte("ISA")) {
			if len(out) == 0 {
				return nil, fmt.Errorf("%w: it begins with %q", ErrNotX12, clip(data[p.at:], 20))
			}
			last := out[len(out)-1]
			last.Findings = append(last.Findings, Finding{
				Code: "IEA.trailing", Severity: Warning, Offset: p.at,
				Message: fmt.Sprintf("data after the end of the interchange: %q", clip(data[p.at:], 20)),
			})
			break
		}
		ic, err := p.interchange()
		if err != nil {
			return nil, err
		}
		out = append(out, ic)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrNotX12)
	}
	for _, ic := range out {
		check(ic)
	}
	return out, nil
}

func clip(b []byte, n int) string {
	if len(b) > n {
		b = b[:n]
	}
	return string(b)
}

type parser struct {
	data []byte
	at   int
	seg  byte
	el   byte
	n    int // segments of the interchange so far
}

func (p *parser) skipBlank() {
	if p.at == 0 {
		p.at = len(p.data) - len(bytes.TrimPrefix(p.data, []byte("\xef\xbb\xbf")))
	}
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\r', '\n', 0, 0x1a:
			p.at++
		default:
			return
		}
	}
}

// delimiters finds them by counting ISA's sixteen element separators rather
// than by its fixed width of 106 bytes, since partners pad ISA wrongly.
func (p *parser) delimiters() (Delimiters, error) {
	head := p.data[p.at:]
	if len(head) < 20 {
		return Delimiters{}, fmt.Errorf("%w: the ISA segment ends after %d bytes", ErrNotX12, len(head))
	}
	d := Delimiters{Element: head[3]}
	if d.Element == '\n' || d.Element == '\r' || isAlnum(d.Element) {
		return d, fmt.Errorf("%w: byte %d cannot be an element separator: %q", ErrNotX12, p.at+3, d.Element)
	}
	seps := 0
	for i := 3; i < len(head) && i < 250; i++ {
		if head[i] != d.Element {
			continue
		}
		if seps++; seps == 16 {
			if i+2 >= len(head) {
				break
			}
			d.Component, d.Segment = head[i+1], head[i+2]
			if isAlnum(d.Segment) || d.Segment == d.Element {
				return d, fmt.Errorf("%w: byte %d cannot be a segment terminator: %q; ISA must have 16 elements", ErrNotX12, p.at+i+2, d.Segment)
			}
			return d, nil
		}
	}
	return d, fmt.Errorf("%w: the ISA segment must have 16 elements separated by %q, found %d", ErrNotX12, d.Element, seps)
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// next returns the following segment; terminated is false for a last segment
// without its terminator.
func (p *parser) next() (s Segment, terminated, ok bool) {
	p.skipBlankSegments()
	if p.at >= len(p.data) {
		return s, false, false
	}
	end := bytes.IndexByte(p.data[p.at:], p.seg)
	terminated = end >= 0
	if !terminated {
		end = len(p.data) - p.at
	}
	raw := string(bytes.TrimRight(p.data[p.at:p.at+end], "\r\n"))
	s.Offset = p.at
	p.at += end
	if terminated {
		p.at++
	}
	parts := strings.Split(raw, string(p.el))
	if len(parts) > MaxElements {
		parts = parts[:MaxElements]
	}
	s.Tag, s.Elements = strings.TrimSpace(parts[0]), parts[1:]
	p.n++
	s.Position = p.n
	return s, terminated, true
}

func (p *parser) skipBlankSegments() {
	for p.at < len(p.data) {
		c := p.data[p.at]
		if c != '\r' && c != '\n' && c != ' ' && c != '\t' && c != 0 && c != 0x1a || c == p.seg {
			return
		}
		p.at++
	}
}

// interchange reads from ISA to IEA, or to the next ISA or the end of the file.
func (p *parser) interchange() (*Interchange, error) {
	d, err := p.delimiters()
	if err != nil {
		return nil, err
	}
	p.seg, p.el, p.n = d.Segment, d.Element, 0
	ic := &Interchange{Delimiters: d}
	var group *Group
	var set *Set
	for {
		if ic.Header.Tag != "" && p.peekISA() {
			return ic, nil
		}
		s, terminated, ok := p.next()
		if !ok {
			return ic, nil
		}
		if !terminated {
			ic.Findings = append(ic.Findings, Finding{
				Code: "segment.terminator", Severity: Warning, Segment: s.Tag, Offset: s.Offset,
				Message: fmt.Sprintf("the last segment has no terminator %q", d.Segment),
			})
		}
		switch s.Tag {
		case "ISA":
			ic.Header = s
		case "IEA":
			ic.Trailer = s
			return ic, nil
		case "TA1":
		case "GS":
			group, set = &Group{Header: s}, nil
			ic.Groups = append(ic.Groups, group)
		case "GE":
			if group == nil {
				ic.stray(s)
				continue
			}
			group.Trailer = s
			group, set = nil, nil
		case "ST":
			s.Position = 1
			set = &Set{ID: s.E(1), Control: s.E(2), Segments: []Segment{s}}
			if group == nil {
				ic.stray(s)
				continue
			}
			group.Sets = append(group.Sets, set)
		default:
			if set == nil {
				ic.stray(s)
				continue
			}
			s.Position = len(set.Segments) + 1
			set.Segments = append(set.Segments, s)
			if s.Tag == "SE" {
				set = nil
			}
		}
	}
}

func (p *parser) peekISA() bool {
	p.skipBlankSegments()
	rest := p.data[min(p.at, len(p.data)):]
	return len(rest) > 4 && string(rest[:3]) == "ISA" && !isAlnum(rest[3])
}

func (i *Interchange) stray(s Segment) {
	i.Findings = append(i.Findings, Finding{
		Code: "envelope.order", Severity: Reject, Segment: s.Tag, Offset: s.Offset, TA105: "022",
		Message: fmt.Sprintf("the segment %q stands outside of its envelope", s.Tag),
		Hint:    "expected ISA, GS, ST, the set's segments, SE, GE, IEA in this order",
	})
}

// number reads a count or control number; ok is false when it is not digits.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil && n >= 0
}
