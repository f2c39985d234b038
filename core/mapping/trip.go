package mapping

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
)

// Test takes the samples of both files' tests there and back, the sources of
// one mapping and then those of the other, and compares what comes back with
// what was sent. Members that are known to be lost are not compared; see
// [TestResult.Known].
func (t *RoundTrip) Test(ctx context.Context) []TestResult {
	return append(roundTrip(ctx, t.There, t.Back), roundTrip(ctx, t.Back, t.There)...)
}

func roundTrip(ctx context.Context, there, back *Mapping) []TestResult {
	survives := survivors(there, back)
	var out []TestResult
	for _, c := range there.cases {
		if c.failure != "" {
			continue
		}
		r := TestResult{Name: c.name + ", there and back", File: c.at.File, Line: c.at.Line, Col: c.at.Col}
		began := time.Now()
		got, err := there.Map(ctx, c.input, Input{MessageID: c.message, Meta: c.meta, Now: c.now, Lookup: c.lookup})
		if err == nil {
			if got, err = back.Map(ctx, got.Doc, Input{MessageID: c.message, Meta: c.meta, Now: c.now, Lookup: c.reversed(there)}); err != nil {
				err = fmt.Errorf("the way back: %w", err)
			}
		}
		r.Took = time.Since(began)
		if r.Err = err; err == nil {
			r.Err = r.returned(c.input, got.Doc, survives)
		}
		out = append(out, r)
	}
	return out
}

// reversed answers the lookups of the way back from the rows of a test: of the
// lookup of the same name, or of one over the same table read the other way.
func (t testCase) reversed(there *Mapping) LookupFunc {
	return func(ctx context.Context, l Lookup, key string) (string, bool, error) {
		for name, rows := range t.tables {
			if other := there.lookups[name]; other.Table == l.Table && other.Key == l.Value && other.Value == l.Key {
				for k, v := range rows {
					if v == key {
						return k, true, nil
					}
				}
				return "", false, nil
			}
		}
		return t.lookup(ctx, l, key)
	}
}

// returned compares a document with what came back of it.
func (r *TestResult) returned(sent, came []byte, survives places) error {
	want, err := document.Parse(sent, "")
	if err != nil {
		return err
	}
	got, err := document.Parse(came, "")
	if err != nil {
		return err
	}
	var diff []string
	sentLeaves, cameLeaves := leaves(want), leaves(got)
	note := func(at, line string) {
		if survives.cover(positions.ReplaceAllString(at, "[]")) {
			diff = append(diff, line)
			return
		}
		r.Known = append(r.Known, line)
	}
	for _, at := range sentLeaves.order {
		w, g := sentLeaves.at[at], cameLeaves.at[at]
		switch {
		case g == nil:
			note(at, fmt.Sprintf("%s: %s did not come back", at, fixedValue(w)))
		case w.Kind != g.Kind || w.Truth != g.Truth || w.Text != g.Text && !insight.SameNumber(w, g):
			note(at, fmt.Sprintf("%s: %s came back as %s", at, fixedValue(w), fixedValue(g)))
		}
	}
	for _, at := range cameLeaves.order {
		if sentLeaves.at[at] == nil {
			note(at, fmt.Sprintf("%s: %s came back, but was not there", at, fixedValue(cameLeaves.at[at])))
		}
	}
	if len(diff) > insight.MaxDifferences {
		diff = append(diff[:insight.MaxDifferences], "…")
	}
	r.Diff = strings.Join(diff, "\n")
	return nil
}

var positions = regexp.MustCompile(`\[\d+\]`)

// flat is a document as its values with their paths; nothing, null and empty
// objects are the same.
type flat struct {
	order []string
	at    map[string]*document.Node
}

func leaves(n *document.Node) flat {
	f := flat{at: map[string]*document.Node{}}
	var walk func(n *document.Node, at string)
	walk = func(n *document.Node, at string) {
		switch n.Kind {
		case document.Object:
			for i, k := range n.Keys {
				walk(n.Kids[i], strings.TrimPrefix(at+"."+k, "."))
			}
		case document.List:
			for i, k := range n.Kids {
				walk(k, fmt.Sprintf("%s[%d]", at, i))
			}
		case document.Null:
		default:
			f.order = append(f.order, at)
			f.at[at] = n
		}
	}
	walk(n, "")
	return f
}
