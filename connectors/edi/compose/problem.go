package compose

import (
	"fmt"
	"strings"
)

// Problem is one reason why a document cannot be written.
type Problem struct {
	// Document counts the documents from 1, as they were handed over.
	Document int
	// Pointer is the JSON pointer of the value at fault, "" for the document.
	Pointer string
	// Place is where it would stand: BEG03, segment 7 for one without elements.
	Place   string
	Message string
	Hint    string
}

// Error says what is wrong where, and what to do.
func (p *Problem) Error() string {
	var b strings.Builder
	if p.Document > 1 {
		fmt.Fprintf(&b, "document %d: ", p.Document)
	}
	b.WriteString(orRoot(p.Pointer))
	if p.Place != "" {
		b.WriteString(" (" + p.Place + ")")
	}
	b.WriteString(": " + p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// DelimiterError says that a value contains a separator of the partner's, which
// X12 has no way to write.
type DelimiterError struct {
	Problem
	Value     string
	Delimiter byte
}

func (e *DelimiterError) Error() string { return e.Problem.Error() }

// Problems are all reasons why documents cannot be written. Each is a *Problem
// or a *DelimiterError.
type Problems []error

// Error lists them, a line each.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As what is inside.
func (p Problems) Unwrap() []error { return p }

// maxProblems bounds what is told of one call.
const maxProblems = 200

// problems collects.
type problems struct {
	document int
	all      Problems
	more     int // that are not told
}

func (p *problems) add(err error) {
	if len(p.all) == maxProblems {
		p.more++
		return
	}
	p.all = append(p.all, err)
}

func (p *problems) at(v *value, place, hint, format string, args ...any) {
	p.add(&Problem{Document: p.document, Pointer: v.pointer(), Place: place, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// err is nil when nothing was collected.
func (p *problems) err() error {
	if len(p.all) == 0 {
		return nil
	}
	if p.more > 0 {
		return append(p.all, &Problem{Message: fmt.Sprintf("and %d more", p.more)})
	}
	return p.all
}

// nearest finds the name that was probably meant, "" when none is near.
func nearest(name string, known []string) string {
	best, distance := "", 1+len(name)/3
	for _, k := range known {
		if d := edits(name, k, distance); d <= distance && (d < distance || best == "") {
			best, distance = k, d
		}
	}
	return best
}

// edits counts the letters to change, add, drop or swap; beyond most it need not
// be right.
func edits(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	var two []int
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		two, before, row = before, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
