package program

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Step is what a rule, a variable or an assertion did in one run, for those who
// watch one (see Facts.Observe).
type Step struct {
	Order int // in which it began; a list begins before its items and is told behind them
	// One of these made the step.
	Rule      *Rule
	Binding   *Binding
	Assertion *Assertion

	At     strictyaml.Pos
	Target string // with indexes: lines[3].sku; of a rule
	Reads  []Reading
	Result string // as in readings; empty when there is none
	Why    string // there is no value, or not the rule's own
	// Default tells that the rule's default took the place of its value, Policy
	// what was done about a failure, Failed that the document failed here.
	Default bool
	Policy  Policy
	Failed  bool
	// Declined tells that the rule's condition was false.
	Declined bool
}

// Reading is a value that an expression began from.
type Reading struct {
	Path string // src.lines[3].sku
	// Value is JSON, shortened; of an object or a list only how much it has. It is
	// empty when the member is missing.
	Value string
}

// String is the word for a policy in mapping files.
func (p Policy) String() string {
	for word, q := range Policies {
		if p == q {
			return word
		}
	}
	return ""
}

// observe makes the value of a rule and tells how.
func (f *frame) observe(r *Rule) (*document.Node, string, error) {
	s := &Step{Order: f.observed, Rule: r, At: r.At, Target: f.targetPath()}
	f.observed++
	f.steps = append(f.steps, s)
	n, why, err := f.make(r)
	f.steps = f.steps[:len(f.steps)-1]
	var failed *Failure
	if errors.As(err, &failed) {
		if failed == f.told {
			return n, why, err // by the rule that failed
		}
		f.told = failed
		s.At, s.Why, s.Failed = failed.At, failed.Reason, true
		if failed.Target != "" {
			s.Target = failed.Target
		}
		if r.Kind != Value {
			s.Order = f.observed // what its members did comes first
			f.observed++
		}
	}
	if n != nil {
		s.Result = shown(n, r.Schema.IsPersonal() || r.Expr != nil && r.Expr.Personal)
	}
	s.Reads = f.readings(r.When, r.Expr)
	f.in.Observe(*s)
	return n, why, err
}

// declines notes that the condition of the rule that runs is false.
func (f *frame) declines() {
	if len(f.steps) > 0 {
		f.steps[len(f.steps)-1].Declined = true
	}
}

// lacks notes why the rule that runs has no value of its own.
func (f *frame) lacks(r *Rule, why string) {
	if len(f.steps) == 0 {
		return
	}
	s := f.steps[len(f.steps)-1]
	if s.Default = r.Fallback != nil; s.Why == "" {
		s.Why = why
	}
}

// decides notes what is done about a failure of the rule that runs.
func (f *frame) decides(p Policy, e *Failure) {
	if len(f.steps) > 0 {
		s := f.steps[len(f.steps)-1]
		s.Policy, s.Why = p, e.Reason
	}
}

// bound tells the value of a variable.
func (f *frame) bound(b Binding, v variable, err error) {
	if f.in.Observe == nil {
		return
	}
	told := b // so that only a run that is observed pays for it
	s := Step{Order: f.observed, Binding: &told, At: b.At, Reads: f.readings(b.Expr)}
	f.observed++
	n := v.n
	if err == nil && n == nil {
		n, err = language.NodeOf(v.val)
	}
	if err != nil {
		s.Why = err.Error()
	} else {
		s.Result = shown(n, b.Expr.Personal)
	}
	f.in.Observe(s)
}

// asserted tells the outcome of an assertion.
func (f *frame) asserted(a Assertion, ok bool, err error) {
	if f.in.Observe == nil {
		return
	}
	told := a
	s := Step{Order: f.observed, Assertion: &told, At: a.At, Reads: f.readings(a.That), Result: fmt.Sprint(ok), Failed: !ok || err != nil}
	f.observed++
	if err != nil {
		s.Result, s.Why = "", err.Error()
	}
	f.in.Observe(s)
}

// readings are the values that expressions begin from.
func (f *frame) readings(of ...*Expression) []Reading {
	var out []Reading
	seen := map[string]bool{}
	for _, e := range of {
		if e == nil {
			continue
		}
		for _, path := range e.begins() {
			at, n := f.nearest(path)
			if at == "" || seen[at] {
				continue
			}
			seen[at] = true
			r := Reading{Path: at}
			if n != nil {
				r.Value = shown(n, e.Personal)
			}
			out = append(out, r)
		}
	}
	return out
}

// begins are the paths that an expression reads, those that has() looks for
// included, without those that lead to others.
func (e *Expression) begins() [][]string {
	all := slices.Clone(e.Reads)
	for _, t := range e.Tests {
		all = append(all, strings.Split(t, "."))
	}
	return slices.DeleteFunc(slices.Clone(all), func(p []string) bool {
		return slices.ContainsFunc(all, func(q []string) bool { return len(q) > len(p) && slices.Equal(q[:len(p)], p) })
	})
}

// nearest follows a path as far as there is something, and names what is not
// there behind it.
func (f *frame) nearest(path []string) (string, *document.Node) {
	rest := ""
	for i := len(path); i > 0; i-- {
		n, err := f.follow(path[:i])
		if err == nil {
			if n.Parent == nil && n.Key == "" {
				return "", nil // computed, so it stands nowhere
			}
			if rest == "" {
				return n.Path(), n
			}
			return n.Path() + rest, nil
		}
		var bad *types.Err
		if i == 1 && errors.As(err, &bad) {
			return "", nil // a variable without a value says so itself
		}
		rest = "." + path[i-1] + rest
	}
	return "", nil
}

// maxShown is how many bytes of a value are told.
const maxShown = 120

func shown(n *document.Node, private bool) string {
	if private {
		return hidden
	}
	switch n.Kind {
	case document.Object:
		return fmt.Sprintf("{%s}", counted(len(n.Kids), "member"))
	case document.List:
		return fmt.Sprintf("[%s]", counted(len(n.Kids), "item"))
	}
	return document.Shorten(string(n.AppendJSON(nil)), maxShown)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
