package lsp

import (
	"strings"
	"unicode/utf8"
)

// The protocol counts lines from 0 and columns in UTF-16 units; the language
// counts both from 1, columns in characters.

type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type textRange struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

func line(text string, n int) string {
	for ; n > 0; n-- {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			return ""
		}
		text = text[i+1:]
	}
	text, _, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(text, "\r")
}

// units is how many UTF-16 units a character takes.
func units(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// toUnits turns a column in characters, from 1, into UTF-16 units, from 0.
func toUnits(line string, col int) int {
	n := 0
	for _, r := range line {
		if col--; col < 1 {
			break
		}
		n += units(r)
	}
	return n
}

// toColumn is the inverse of toUnits.
func toColumn(line string, at int) int {
	col := 1
	for _, r := range line {
		if at -= units(r); at < 0 {
			break
		}
		col++
	}
	return col
}

// offset is the byte of a position; one beyond a line or the text is its end.
func offset(text string, p position) int {
	start := 0
	for n := p.Line; n > 0; n-- {
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			return len(text)
		}
		start += i + 1
	}
	at := p.Character
	for i, r := range line(text[start:], 0) {
		if at < units(r) {
			return start + i
		}
		at -= units(r)
	}
	return start + len(line(text[start:], 0))
}

// change is one edit of a document; without a range it is the whole text.
type change struct {
	Range *textRange `json:"range"`
	Text  string     `json:"text"`
}

// apply edits a text.
func (c change) apply(text string) string {
	if c.Range == nil {
		return c.Text
	}
	from, to := offset(text, c.Range.Start), offset(text, c.Range.End)
	if to < from {
		to = from
	}
	return text[:from] + c.Text + text[to:]
}

// wordAt is the stretch of a line that a finding at a column (in characters,
// from 1) is about: a name, or one character.
func wordAt(line string, col int) (from, to int) {
	runes := []rune(line)
	from = min(max(col, 1), len(runes)+1)
	if from <= len(runes) && runes[from-1] == '.' {
		from++ // an unknown member is found at its dot
	}
	to = from
	for to <= len(runes) && (runes[to-1] == '_' || runes[to-1] == '-' || runes[to-1] == '.' || isLetter(runes[to-1])) {
		to++
	}
	if to == from && to <= len(runes) {
		to++
	}
	return from, to
}

func isLetter(r rune) bool {
	return r >= utf8.RuneSelf || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
