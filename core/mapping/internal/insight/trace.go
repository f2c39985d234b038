package insight

import (
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/program"
)

// Step is what one rule, variable or assertion of a mapping did with a document.
type Step struct {
	// Kind is rule, assert, or for variables let or with.
	Kind string `json:"kind"`
	// Target is the field with its indexes, lines[3].uom, the variable, or the
	// message of the assertion.
	Target string `json:"target,omitempty"`
	Place
	// Expression is as it is written; empty for a constant.
	Expression string `json:"expression,omitempty"`
	When       string `json:"when,omitempty"`
	Codelist   string `json:"codelist,omitempty"`
	Lookup     string `json:"lookup,omitempty"`
	// Reads are the values that condition and expression begin from.
	Reads   []Reading `json:"reads,omitempty"`
	Outcome Outcome   `json:"outcome"`
	// Result is like the value of a reading; empty when there is none.
	Result string `json:"result,omitempty"`
	// Why says why there is no value, or not the rule's own.
	Why string `json:"why,omitempty"`
	// OnError is what was done about a failure: default, skip or warn.
	OnError string `json:"onError,omitempty"`

	kind program.Kind
}

// Outcome is what came of a step.
type Outcome string

// Outcomes.
const (
	OutcomeValue   Outcome = "value"
	OutcomeDefault Outcome = "default"  // the rule's default took the place of its value
	OutcomeLeftOut Outcome = "left out" // there is no value
	OutcomeFailed  Outcome = "failed"   // and the document with it
)

// Reading is a value that an expression begins from.
type Reading struct {
	Path string `json:"path"` // src.lines[3].unit
	// Value is JSON, shortened, and hidden when a schema marks it as personal
	// data; of an object or a list it only tells how much it has. It is empty when
	// the member is missing.
	Value string `json:"value,omitempty"`
}

// Steps tells what every rule did, in the order of the run. Objects and items
// that have a value say nothing: their members do.
func (m *Mapping) Steps(seen []program.Step) []Step {
	slices.SortFunc(seen, func(a, b program.Step) int { return a.Order - b.Order })
	steps := make([]Step, 0, len(seen))
	for i := range seen {
		s := m.step(&seen[i])
		structure := s.Kind == "rule" && (s.kind == program.Object || s.kind == program.List)
		if structure && s.Outcome == OutcomeValue && s.When == "" {
			continue
		}
		steps = append(steps, s)
	}
	return steps
}

func (m *Mapping) step(s *program.Step) Step {
	out := Step{Kind: "rule", Target: s.Target, Place: At(s.At), Outcome: OutcomeValue, Result: s.Result, Why: s.Why}
	for _, r := range s.Reads {
		out.Reads = append(out.Reads, Reading(r))
	}
	var e *program.Expression
	switch {
	case s.Binding != nil:
		e, out.Target, out.Kind = s.Binding.Expr, s.Binding.Name, "with"
		if slices.ContainsFunc(m.Program.Lets, func(b program.Binding) bool { return b.Expr == e }) {
			out.Kind = "let"
		}
	case s.Assertion != nil:
		e, out.Kind = s.Assertion.That, "assert"
		out.Target = s.Assertion.Message
	default:
		r := s.Rule
		e, out.kind = r.Expr, r.Kind
		if w := m.Written[r.When]; r.When != nil && w != nil {
			out.When = w.Text
		}
		if r.Codes != nil {
			out.Codelist = r.Codes.Name
		}
		if r.Lookup != nil {
			out.Lookup = r.Lookup.Name
		}
		if s.Policy != program.OnFail {
			out.OnError = s.Policy.String()
		}
	}
	if w := m.Written[e]; e != nil && w != nil {
		out.Expression = w.Text
		out.Place = At(w.At)
	}
	switch {
	case s.Failed:
		out.Outcome = OutcomeFailed
	case s.Result == "":
		out.Outcome = OutcomeLeftOut
	case s.Default:
		out.Outcome = OutcomeDefault
	}
	if s.Failed && s.Rule != nil {
		out.Place = At(s.At)
	}
	out.Why = strings.TrimSpace(out.Why)
	return out
}
