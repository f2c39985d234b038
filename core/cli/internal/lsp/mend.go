package lsp

import (
	"regexp"
	"slices"
	"strings"
)

// placeholder stands for the word that is about to be written.
const placeholder = "x"

var keyAhead = regexp.MustCompile(`^\s*(- +)?[A-Za-z_"']?[\w.-]*$`)

// mended returns texts that a file may be meant to have while something is
// written at a place: with a word where there is none, with a key made whole, and
// with the rest of the line cut off and its brackets closed. Line and column
// count from 1.
func mended(text string, number, col int) []string {
	lines := strings.Split(text, "\n")
	if number < 1 || number > len(lines) {
		return nil
	}
	runes := []rune(strings.TrimSuffix(lines[number-1], "\r"))
	col = min(col, len(runes)+1)
	before, behind := string(runes[:col-1]), string(runes[col-1:])
	word := before
	if n := len(before); n == 0 || !isLetter(rune(before[n-1])) && before[n-1] != '_' {
		word += placeholder
	}
	var out []string
	add := func(l string) {
		changed := slices.Clone(lines)
		changed[number-1] = l
		if t := strings.Join(changed, "\n"); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	closing := closers(before)
	whole := []string{word + behind, word + closing}
	key := []string{word + ": " + behind, word + ": " + closing}
	if rest, _, colon := strings.Cut(behind, ":"); colon && strings.Trim(rest, "\"' ") == "" {
		key = nil // it is a key already
	}
	if keyAhead.MatchString(before) && strings.TrimSpace(behind) == "" {
		// The line is a key so far; as the end of the expression above it, it
		// would be read without a mistake, too.
		whole, key = key, whole
	}
	for _, l := range append(whole, key...) {
		add(l)
	}
	return out
}

// closers ends the quotes and brackets that are open at the end of a line.
func closers(line string) string {
	var open []byte
	last := byte(':') // what stood before, blanks left out
	for i := 0; i < len(line); i++ {
		c := line[i]
		top := byte(0)
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch {
		case top == '\'' || top == '"':
			if c == top {
				open = open[:len(open)-1]
			}
		case (c == '\'' || c == '"') && strings.IndexByte(":,{[-", last) >= 0:
			open = append(open, c)
		case c == '{' || c == '[':
			open = append(open, c)
		case (c == '}' || c == ']') && top != 0:
			open = open[:len(open)-1]
		}
		if c != ' ' && c != '\t' {
			last = c
		}
	}
	slices.Reverse(open)
	return strings.NewReplacer("{", "}", "[", "]").Replace(string(open))
}
