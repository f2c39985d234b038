// Package finding has the form of what the check of a mapping finds, and the words
// that such messages share.
package finding

import (
	"fmt"
	"strings"
)

// Severities of a finding.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// Codes of findings, stable for scripts.
const (
	CodeSyntax     = "syntax"     // the file, or an expression, cannot be read
	CodeUnknown    = "unknown"    // a name that does not exist: key, member, code list, lookup, fragment, file
	CodeType       = "type"       // a value of one type where another is expected
	CodeRequired   = "required"   // something that must be there is not
	CodeValue      = "value"      // a value that the target's schema does not allow
	CodeUnread     = "unread"     // source members that nothing reads
	CodeOrder      = "order"      // a result is read before the rule that makes it
	CodeRuntime    = "runtime"    // a rule with onError: warn failed on a document
	CodeIncomplete = "incomplete" // a source member that may be missing fills a required field

	CodeUnreachable = "unreachable" // a rule, default, choice or code that never counts
	CodeInverse     = "inverse"     // a mapping and its inverse do not fit
	CodeLossy       = "lossy"       // digits or zeros of a value get lost on the way
)

// Finding is one problem in a mapping, at a place in its YAML.
type Finding struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Col      int    `json:"col"` // in characters, from 1; inside an expression too
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	// Hint says what to do about it; may be empty.
	Hint string `json:"hint,omitempty"`
}

// String is file:line:col: message (hint).
func (f Finding) String() string {
	s := fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Col)
	if f.Severity == SeverityWarning {
		s += "warning: "
	}
	s += f.Message
	if f.Hint != "" {
		s += " (" + f.Hint + ")"
	}
	return s
}

// Listed joins a few words and says how many are left out.
func Listed(words []string) string {
	const most = 12
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
	}
	return strings.Join(words, ", ")
}

// Counted is a number with what it counts: 1 rule, 2 rules.
func Counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
