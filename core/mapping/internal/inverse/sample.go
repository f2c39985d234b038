package inverse

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
)

// Returned compares a document with what came back of it: the differences in
// members that survive, and those that are known to get lost.
func Returned(sent, came []byte, survives insight.Paths) (diff, known []string, err error) {
	want, err := document.Parse(sent, "")
	if err != nil {
		return nil, nil, err
	}
	got, err := document.Parse(came, "")
	if err != nil {
		return nil, nil, err
	}
	sentLeaves, cameLeaves := leaves(want), leaves(got)
	note := func(at, line string) {
		if survives.Cover(positions.ReplaceAllString(at, "[]")) {
			diff = append(diff, line)
			return
		}
		known = append(known, line)
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
	return diff, known, nil
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
