package mapping

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/finding"
)

// Finding is one problem in a mapping, at a place in its YAML.
type Finding = finding.Finding

// Severities of a finding.
const (
	SeverityError   = finding.SeverityError
	SeverityWarning = finding.SeverityWarning
)

// Codes of findings, stable for scripts.
const (
	CodeSyntax      = finding.CodeSyntax      // the file, or an expression, cannot be read
	CodeUnknown     = finding.CodeUnknown     // a name that does not exist: key, member, code list, lookup, fragment, file
	CodeType        = finding.CodeType        // a value of one type where another is expected
	CodeRequired    = finding.CodeRequired    // something that must be there is not
	CodeValue       = finding.CodeValue       // a value that the target's schema does not allow
	CodeUnread      = finding.CodeUnread      // source members that nothing reads
	CodeOrder       = finding.CodeOrder       // a result is read before the rule that makes it
	CodeRuntime     = finding.CodeRuntime     // a rule with onError: warn failed on a document
	CodeIncomplete  = finding.CodeIncomplete  // a source member that may be missing fills a required field
	CodeUnreachable = finding.CodeUnreachable // a rule, default, choice or code that never counts
	CodeInverse     = finding.CodeInverse     // a mapping and its inverse do not fit
	CodeLossy       = finding.CodeLossy       // digits or zeros of a value get lost on the way
)

// Error says why a document could not be mapped, for the person who must mend
// the document or the mapping.
type Error struct {
	Mapping, Version string
	// File, Line and Col are the place of the rule.
	File      string
	Line, Col int
	// Target is the place in the result, such as lines[3].sku.
	Target string
	// Source is what the rule read, such as src.po1[3].ids.UP.
	Source string
	// Value is what stood there, shortened; hidden when a schema marks it as
	// personal data (x-personal).
	Value     string
	MessageID string
	Reason    string
	// Err is the cause, when it came from outside: a lookup, a cancelled context.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mapping %s %s", e.Mapping, e.Version)
	if e.File != "" {
		fmt.Fprintf(&b, ", %s:%d:%d", e.File, e.Line, e.Col)
	}
	if e.Target != "" {
		fmt.Fprintf(&b, ", field %s", e.Target)
	}
	fmt.Fprintf(&b, ": %s", e.Reason)
	var facts []string
	if e.Source != "" {
		facts = append(facts, "source "+e.Source)
	}
	if e.Value != "" {
		facts = append(facts, fmt.Sprintf("value %q", e.Value))
	}
	if e.MessageID != "" {
		facts = append(facts, "message "+e.MessageID)
	}
	if len(facts) > 0 {
		b.WriteString(" [" + strings.Join(facts, ", ") + "]")
	}
	return b.String()
}

// Unwrap returns the cause from outside the mapping, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// Masked returns the error without the value, for places that must not show
// the contents of documents.
func (e *Error) Masked() *Error {
	m := *e
	m.Value = ""
	if e.Value != "" && strings.Contains(m.Reason, e.Value) {
		m.Reason = strings.ReplaceAll(m.Reason, e.Value, "(hidden)")
	}
	return &m
}
