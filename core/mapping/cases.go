package mapping

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/check"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
)

// TestResult is the outcome of one test of a mapping file.
type TestResult struct {
	Name string
	// File, Line and Col are the place of the test.
	File      string
	Line, Col int
	// Diff lists the differences to the expected document, one a line: the path,
	// what was expected and what came. Empty when the test passed.
	Diff string
	// Known lists the differences of a way there and back that the rules are known
	// to make; they do not fail it.
	Known []string
	// Err is why the document could not be mapped; nil when that was expected.
	Err  error
	Took time.Duration
}

// Passed tells whether the test passed.
func (r TestResult) Passed() bool { return r.Diff == "" && r.Err == nil }

// String is one line for a passed test, and the reasons for a failed one.
func (r TestResult) String() string {
	at := fmt.Sprintf("%s:%d:%d", r.File, r.Line, r.Col)
	switch {
	case r.Err != nil:
		return fmt.Sprintf("FAIL %s (%s)\n    %v", r.Name, at, r.Err)
	case r.Diff != "":
		return fmt.Sprintf("FAIL %s (%s)\n    %s", r.Name, at, strings.ReplaceAll(r.Diff, "\n", "\n    "))
	}
	known := ""
	if len(r.Known) > 0 {
		known = ", " + finding.Counted(len(r.Known), "known difference")
	}
	return fmt.Sprintf("ok   %s (%s%s)", r.Name, r.Took.Round(10*time.Microsecond), known)
}

// Test runs the tests that the mapping file contains, in order. Tables are what
// the tests say under `lookups`; nothing outside is asked.
func (m *Mapping) Test(ctx context.Context) []TestResult {
	out := make([]TestResult, len(m.checked.Cases))
	for i, t := range m.checked.Cases {
		r := TestResult{Name: t.Name, File: t.At.File, Line: t.At.Line, Col: t.At.Col}
		began := time.Now()
		got, err := m.Map(ctx, t.Input, facts(t))
		r.Took = time.Since(began)
		judge(t, &r, got, err)
		out[i] = r
	}
	return out
}

// facts are what a test says beside its document.
func facts(t check.Case) Input {
	return Input{MessageID: t.Message, Meta: t.Meta, Now: t.Now, Lookup: rows(t)}
}

// rows answers lookups with what a test says under `lookups`.
func rows(t check.Case) LookupFunc {
	return func(_ context.Context, l Lookup, key string) (string, bool, error) {
		rows, ok := t.Tables[l.Name]
		if !ok {
			return "", false, fmt.Errorf("the test has no rows for it; add lookups: {%s: {%q: value}}", l.Name, key)
		}
		v, found := rows[key]
		return v, found, nil
	}
}

// judge compares what came of a test with what it expects.
func judge(t check.Case, r *TestResult, got Output, err error) {
	if t.Failure != "" {
		switch {
		case err == nil:
			r.Diff = fmt.Sprintf("expected an error with %q, but the document was mapped", t.Failure)
		case !strings.Contains(err.Error(), t.Failure):
			r.Err = fmt.Errorf("expected an error with %q, got: %w", t.Failure, err)
		}
		return
	}
	if err != nil {
		r.Err = err
		return
	}
	n, err := document.Parse(got.Doc, "")
	if err != nil {
		r.Err = err
		return
	}
	lines := insight.Differences(t.Expect, n)
	for _, w := range t.Warnings {
		if !strings.Contains(fmt.Sprint(got.Warnings), w) {
			lines = append(lines, fmt.Sprintf("expected a warning with %q", w))
		}
	}
	r.Diff = strings.Join(lines, "\n")
}
