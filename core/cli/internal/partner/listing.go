package partner

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// line is a segment of the file as the page shows it, or a gap between two.
type line struct {
	Number int // counted from 1 in the file
	// Pieces are its text, with the places that findings are about.
	Pieces []piece
	// Notes are findings about the segment as a whole.
	Notes []mark
	// Skipped counts segments that are left out here.
	Skipped int
	// Begins tells that an interchange, group or set begins here.
	Begins bool
}

// piece is a stretch of text; Mark is set when it is at fault.
type piece struct {
	Text string
	Mark *mark
}

// mark points to a finding.
type mark struct {
	Finding  int // its number on the page, from 1
	Severity finding.Severity
	Message  string
}

// spot is the place of a finding in a segment.
type spot struct{ element, component int }

// Bounds of the listing: the page is to be mailed.
const (
	maxLines    = 3000
	headLines   = 600
	aroundLines = 3
	maxPiece    = 400 // characters of a value
)

// raw is a segment with its place in the file.
type raw struct {
	offset int64
	tag    string
	marks  map[spot]*mark
}

// list cuts a file into numbered segments and marks what findings are about. It
// returns the lines, and for every finding the number of its segment, 0 when it
// has none.
func list(content []byte, findings []finding.Finding) ([]line, []int) {
	var all []raw
	each(content, func(_ int, seg *syntax.Segment) {
		all = append(all, raw{offset: seg.Offset, tag: string(seg.Tag())})
	})
	at := make([]int, len(findings))
	for i, f := range findings {
		n, found := slices.BinarySearchFunc(all, f.Offset, func(r raw, o int64) int { return cmp.Compare(r.offset, o) })
		if !found {
			n--
		}
		if n < 0 {
			continue
		}
		at[i] = n + 1
		where := spot{f.Element, f.Component}
		if all[n].tag != f.Segment {
			where = spot{} // what is missing stands nowhere
		}
		if all[n].marks == nil {
			all[n].marks = map[spot]*mark{}
		}
		if all[n].marks[where] == nil {
			all[n].marks[where] = &mark{Finding: i + 1, Severity: f.Severity, Message: f.Message}
		}
	}
	return shown(content, all), at
}

// each calls do for the segments of a file as far as they can be cut.
func each(content []byte, do func(n int, seg *syntax.Segment)) {
	r := syntax.NewReader(bytes.NewReader(content), syntax.Options{})
	for n := 0; ; n++ {
		seg, err := r.Next()
		if err != nil {
			return // the findings say why
		}
		do(n, seg)
	}
}

// shown makes lines of the segments: all of a short file, and of a long one its
// beginning and what is near findings.
func shown(content []byte, all []raw) []line {
	keep := make([]bool, len(all))
	for i := range all {
		if i < headLines || len(all) <= maxLines {
			keep[i] = true
		}
		if all[i].marks != nil {
			for j := max(0, i-aroundLines); j <= min(len(all)-1, i+aroundLines); j++ {
				keep[j] = true
			}
		}
	}
	var out []line
	skipped := 0
	each(content, func(n int, seg *syntax.Segment) {
		if n >= len(all) || !keep[n] || len(out) >= maxLines {
			skipped++
			return
		}
		if skipped > 0 {
			out = append(out, line{Skipped: skipped})
			skipped = 0
		}
		out = append(out, segmentLine(n, seg, all[n].marks))
	})
	if skipped > 0 {
		out = append(out, line{Skipped: skipped})
	}
	return out
}

var headers = map[string]bool{"ISA": true, "GS": true, "ST": true, "UNA": true, "UNB": true, "UNG": true, "UNH": true, "STX": true, "MHD": true}

func segmentLine(n int, seg *syntax.Segment, marks map[spot]*mark) line {
	l := line{Number: n + 1, Begins: headers[string(seg.Tag())]}
	d := seg.Delimiters()
	var plain strings.Builder
	add := func(data []byte, m *mark) {
		if m == nil {
			plain.WriteString(visible(data))
			return
		}
		l.Pieces = append(l.Pieces, piece{Text: plain.String()}, piece{Text: visible(data), Mark: m})
		plain.Reset()
	}
	add(seg.Tag(), nil)
	last := seg.Len()
	for s := range marks {
		const most = 100 // elements that a missing one is shown behind
		last = max(last, min(s.element, seg.Len()+most))
	}
	for e := 1; e <= last; e++ {
		add([]byte{d.Element}, nil)
		data := seg.Element(e)
		if whole := marks[spot{e, 0}]; whole != nil || !parted(marks, e) {
			add(data, whole)
			continue
		}
		components := 0
		seg.Components(data, func(c int, v []byte) {
			if components++; c > 1 {
				add([]byte{d.Component}, nil)
			}
			add(v, marks[spot{e, c}])
		})
		for s, m := range marks {
			if s.element == e && s.component > components {
				add([]byte{d.Component}, nil)
				add(nil, m)
			}
		}
	}
	if !seg.Unterminated {
		plain.WriteString(visible([]byte{d.Segment}))
	}
	l.Pieces = append(l.Pieces, piece{Text: plain.String()})
	if m := marks[spot{}]; m != nil {
		l.Notes = append(l.Notes, *m)
	}
	return l
}

func parted(marks map[spot]*mark, element int) bool {
	for s := range marks {
		if s.element == element && s.component > 0 {
			return true
		}
	}
	return false
}

// visible is data as text that shows what is in it: bytes that are no UTF-8 are
// read as Latin-1, control characters and those that turn the direction of the
// text around get a sign, and what is long is cut.
func visible(data []byte) string {
	cut := len(data) > maxPiece
	if cut {
		data = data[:maxPiece]
	}
	var b strings.Builder
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			r = rune(data[0])
		}
		b.WriteRune(sign(r))
		data = data[size:]
	}
	if cut {
		b.WriteRune('…')
	}
	return b.String()
}

func sign(r rune) rune {
	const pictures = 0x2400 // of the characters below the blank
	switch {
	case r == '\n':
		return '⏎'
	case r < ' ':
		return pictures + r
	case r >= 0x7f && r < 0xa0, r == 0x061c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
		return utf8.RuneError
	}
	return r
}
