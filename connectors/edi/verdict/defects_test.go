package verdict_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/internal/specimen"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

func gradeText(t testing.TB, doc string) verdict.Report {
	t.Helper()
	r, err := verdict.Grade("generated", strings.NewReader(doc), &validate.Validator{Grammars: library})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func samples(t testing.TB) []specimen.Sample {
	t.Helper()
	all, err := specimen.All(library)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestGeneratedDocuments: what a grammar allows is accepted.
func TestGeneratedDocuments(t *testing.T) {
	for _, s := range samples(t) {
		if r := gradeText(t, s.Text(s.Segments())); r.Verdict != verdict.Accept {
			t.Errorf("%s with %d segments: %s\n%v\n", s, len(s.Body), r.Verdict, first(r.Findings))
		}
	}
}

// tally counts by class what was tested and what was wrong.
type tally struct{ tested, verdicts, codes, places int }

func (y tally) wrong() int { return y.verdicts + y.codes + y.places }

// TestOneDefect puts one defect of each class into every kind of document, at a
// few places or, with CROSSDOCK_EDI_DEFECTS=all, at every one, and asks for the
// verdict, the code and the place.
func TestOneDefect(t *testing.T) {
	most := 2
	if os.Getenv("CROSSDOCK_EDI_DEFECTS") == "all" {
		most = 1 << 20
	}
	classes := map[string]*tally{}
	for _, s := range samples(t) {
		cases := s.Contents(most)
		if !s.Rich {
			cases = append(cases, s.Envelopes()...)
		}
		for _, c := range cases {
			if classes[c.Class] == nil {
				classes[c.Class] = &tally{}
			}
			y := classes[c.Class]
			if wrong := judge(y, c, gradeText(t, c.Text())); wrong != "" && y.wrong() <= 5 {
				t.Errorf("%s, %s: %s", s, c.Class, wrong)
			}
			if c.Sets == 0 {
				continue
			}
			if n := count(t, c.Text()); n != c.Sets {
				t.Errorf("%s, %s: %d sets are read, want %d", s, c.Class, n, c.Sets)
			}
		}
	}
	names := make([]string, 0, len(classes))
	for name := range classes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		y := classes[name]
		t.Logf("%-42s %6d tested; wrong: %d verdicts, %d codes, %d places", name, y.tested, y.verdicts, y.codes, y.places)
	}
}

// counter counts sets.
type counter struct {
	validate.Ignore
	sets int
}

func (c *counter) BeginSet(*validate.Set) error { c.sets++; return nil }

func count(t *testing.T, doc string) int {
	t.Helper()
	c := &counter{}
	if err := (&validate.Validator{Grammars: library}).Run(strings.NewReader(doc), c); err != nil {
		t.Fatal(err)
	}
	return c.sets
}

// judge compares a report with what a case wants.
func judge(y *tally, c specimen.Case, r verdict.Report) string {
	y.tested++
	found := slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool {
		return f.Severity != finding.Reject || c.Code != "" && !hasCode(f, c.Code)
	})
	there := c.Segment == "" || slices.ContainsFunc(found, func(f finding.Finding) bool {
		return f.Segment == c.Segment && f.Element == c.Element && (c.Position == 0 || f.Position == c.Position) && (c.Component == 0 || f.Component == c.Component)
	})
	switch {
	case string(r.Verdict) != c.Verdict:
		y.verdicts++
	case c.Verdict == string(verdict.Reject) && len(found) == 0:
		y.codes++
	case c.Verdict == string(verdict.Reject) && !there:
		y.places++
	default:
		return ""
	}
	return fmt.Sprintf("want %s %s at %s%02d-%d, segment %d; found %s %v", c.Verdict, c.Code, c.Segment, c.Element, c.Component, c.Position, r.Verdict, first(r.Findings))
}
