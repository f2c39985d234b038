package mapping

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/check"
	"github.com/crossdock/crossdock/core/mapping/internal/inverse"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// RoundTrip is a mapping with the mapping that leads back, as its `inverse`
// says: what survives the way there and back, and what does not.
type RoundTrip struct {
	There, Back *Mapping
	// Rules are those of the mapping that was asked for, then those of the
	// other, in the order of the files.
	Rules []RuleTrip
}

// RuleTrip says whether the inverse mapping undoes what a rule does.
type RuleTrip = inverse.Trip

// Count returns how many rules come back as they were, how many do not, and how
// many of these the files declare lossy.
func (t *RoundTrip) Count() (invertible, lossy, declared int) {
	for _, r := range t.Rules {
		switch {
		case r.Reversible:
			invertible++
		default:
			lossy++
			if r.Declared {
				declared++
			}
		}
	}
	return invertible, lossy, declared
}

// Inverse is the file of the mapping that leads back, "" when the file names
// none.
func (m *Mapping) Inverse() string { return m.checked.Inverse }

// maxCompared is how many rules of a mapping are compared with those of its
// inverse, each with each.
const maxCompared = 5000

// RoundTrip compares a mapping with the one that leads back; nil when it names
// none. What does not fit between the two is a finding, as is an inverse that
// cannot be used; what is lost is none.
func (l *Library) RoundTrip(reference string) (*RoundTrip, []Finding) {
	there, _ := l.Mapping(reference)
	if there == nil || there.checked.Inverse == "" {
		return nil, nil
	}
	var found []Finding
	report := func(at strictyaml.Pos, hint, format string, args ...any) {
		found = append(found, Finding{File: at.File, Line: at.Line, Col: at.Col, Severity: SeverityError, Code: CodeInverse, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	back, _ := l.Mapping(there.checked.Inverse)
	if back == nil {
		report(there.checked.InverseAt, "mend it; see crossdock map check "+there.checked.Inverse, "inverse: the mapping %s has errors", there.checked.Inverse)
		return nil, found
	}
	if back.checked.Inverse != "" && back.checked.Inverse != there.checked.Path {
		report(there.checked.InverseAt, "let the two name each other, or only one of them the other", "inverse: %s names another inverse, %s", back.checked.Path, back.checked.Inverse)
	}
	for _, ends := range []struct{ what, mine, other string }{
		{"begins at %s, but its inverse makes %s", there.checked.Shapes["source"], back.checked.Shapes["target"]},
		{"makes %s, but its inverse begins at %s", there.checked.Shapes["target"], back.checked.Shapes["source"]},
	} {
		if ends.mine != ends.other {
			report(there.checked.InverseAt, "name the mapping that leads back", "inverse: this mapping "+ends.what, ends.mine, ends.other)
		}
	}
	if len(found) > 0 {
		return nil, found
	}
	if len(there.checked.Moves) > maxCompared || len(back.checked.Moves) > maxCompared {
		report(there.checked.InverseAt, "split the mapping", "inverse: more than %d rules are not compared", maxCompared)
		return nil, found
	}
	t := &RoundTrip{There: there, Back: back}
	t.Rules = append(there.rules().Judge(back.rules()), back.rules().Judge(there.rules())...)
	return t, nil
}

func (m *Mapping) rules() inverse.Rules {
	return inverse.Rules{Moves: m.checked.Moves, Reads: m.checked.Use.Read}
}

// Test takes the samples of both files' tests there and back, the sources of
// one mapping and then those of the other, and compares what comes back with
// what was sent. Members that are known to be lost are not compared; see
// [TestResult.Known].
func (t *RoundTrip) Test(ctx context.Context) []TestResult {
	return append(roundTrip(ctx, t.There, t.Back), roundTrip(ctx, t.Back, t.There)...)
}

func roundTrip(ctx context.Context, there, back *Mapping) []TestResult {
	survives := there.rules().Survivors(back.rules())
	var out []TestResult
	for _, c := range there.checked.Cases {
		if c.Failure != "" {
			continue
		}
		r := TestResult{Name: c.Name + ", there and back", File: c.At.File, Line: c.At.Line, Col: c.At.Col}
		began := time.Now()
		got, err := there.Map(ctx, c.Input, Input{MessageID: c.Message, Meta: c.Meta, Now: c.Now, Lookup: rows(c)})
		if err == nil {
			if got, err = back.Map(ctx, got.Doc, Input{MessageID: c.Message, Meta: c.Meta, Now: c.Now, Lookup: reversed(c, there)}); err != nil {
				err = fmt.Errorf("the way back: %w", err)
			}
		}
		r.Took = time.Since(began)
		if r.Err = err; err == nil {
			var diff []string
			diff, r.Known, r.Err = inverse.Returned(c.Input, got.Doc, survives)
			r.Diff = strings.Join(diff, "\n")
		}
		out = append(out, r)
	}
	return out
}

// reversed answers the lookups of the way back from the rows of a test: of the
// lookup of the same name, or of one over the same table read the other way.
func reversed(t check.Case, there *Mapping) LookupFunc {
	return func(ctx context.Context, l Lookup, key string) (string, bool, error) {
		for name, values := range t.Tables {
			if other := there.checked.Lookups[name]; other.Table == l.Table && other.Key == l.Value && other.Value == l.Key {
				for k, v := range values {
					if v == key {
						return k, true, nil
					}
				}
				return "", false, nil
			}
		}
		return rows(t)(ctx, l, key)
	}
}
