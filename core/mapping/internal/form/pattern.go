// Package form reads and tests texts of the forms that business documents have:
// decimals, dates, and what patterns and formats of schemas ask for. It is fast for
// the usual ones and leaves the others to those who know all of them.
package form

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// pattern is a regular expression as a table. The patterns of business documents
// are short and about ASCII, and every text of every line is compared with one: a
// table takes a fraction of what package regexp takes for its generality.
type pattern struct {
	next [][utf8.RuneSelf]uint8 // by state and character
	ends []bool                 // a text that ends in the state matches
	all  []bool                 // so does every longer one
}

// maxStates bounds a table; 0 is the state that nothing leaves.
const maxStates = 255

// newPattern compiles an expression, false when it needs more than a table.
func newPattern(text string) (*pattern, bool) {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, false
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, false
	}
	b := &patternBuilder{prog: prog, states: map[string]uint8{}, pattern: &pattern{}}
	start := b.closure([]uint32{uint32(prog.Start)}, true, false)
	b.state(nil)
	b.state(start)
	for at := 1; at < len(b.sets) && !b.failed; at++ {
		b.fill(at)
	}
	return b.pattern, !b.failed
}

// matches reports whether the text contains a match; ok is false for texts that
// the table does not know.
func (p *pattern) matches(s string) (is, ok bool) {
	at := uint8(1)
	for i := range len(s) {
		if p.all[at] {
			return true, true
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			return false, false
		}
		at = p.next[at][c]
	}
	return p.ends[at], true
}

type patternBuilder struct {
	*pattern
	prog   *syntax.Prog
	states map[string]uint8
	sets   [][]uint32
	failed bool
}

// state returns the state of a set of instructions.
func (b *patternBuilder) state(set []uint32) uint8 {
	key := make([]byte, 0, 4*len(set))
	for _, pc := range set {
		key = binary.BigEndian.AppendUint32(key, pc)
	}
	if s, ok := b.states[string(key)]; ok {
		return s
	}
	if len(b.sets) >= maxStates {
		b.failed = true
		return 0
	}
	s := uint8(len(b.sets))
	b.states[string(key)] = s
	b.sets = append(b.sets, set)
	b.next = append(b.next, [utf8.RuneSelf]uint8{})
	matched := func(set []uint32) bool {
		return slices.ContainsFunc(set, func(pc uint32) bool { return b.prog.Inst[pc].Op == syntax.InstMatch })
	}
	b.all = append(b.all, matched(set))
	b.ends = append(b.ends, matched(b.closure(set, s == 1, true)))
	return s
}

// fill finds where each character leads. A match may begin anywhere.
func (b *patternBuilder) fill(at int) {
	for c := range rune(utf8.RuneSelf) {
		var out []uint32
		for _, pc := range b.sets[at] {
			if i := &b.prog.Inst[pc]; isRune(i) && i.MatchRune(c) {
				out = append(out, i.Out)
			}
		}
		out = append(out, uint32(b.prog.Start))
		b.next[at][c] = b.state(b.closure(out, false, false))
		if b.failed {
			return
		}
	}
}

func isRune(i *syntax.Inst) bool {
	switch i.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}

// closure follows the instructions that read nothing, at the begin and the end of
// the text or between. What waits for the end stays in the set.
func (b *patternBuilder) closure(from []uint32, begin, end bool) []uint32 {
	seen := map[uint32]bool{}
	var out []uint32
	var visit func(pc uint32)
	visit = func(pc uint32) {
		if seen[pc] {
			return
		}
		seen[pc] = true
		switch i := &b.prog.Inst[pc]; i.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			visit(i.Out)
			visit(i.Arg)
		case syntax.InstCapture, syntax.InstNop:
			visit(i.Out)
		case syntax.InstEmptyWidth:
			switch need := syntax.EmptyOp(i.Arg); {
			case need&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0:
				b.failed = true
			case need&syntax.EmptyBeginText != 0 && !begin:
			case need&syntax.EmptyEndText != 0 && !end:
				out = append(out, pc)
			default:
				visit(i.Out)
			}
		case syntax.InstFail:
		default:
			out = append(out, pc)
		}
	}
	for _, pc := range from {
		visit(pc)
	}
	slices.Sort(out)
	return out
}
