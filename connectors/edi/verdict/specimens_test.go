package verdict_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/internal/specimen"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

// handwritten is a document as partners write them.
type handwritten struct {
	set, name string
	segments  [][]string
}

func written(t testing.TB, std syntax.Standard) []handwritten {
	t.Helper()
	file, by := "x12.txt", "*"
	if std == syntax.EDIFACT {
		file, by = "edifact.txt", "+"
	}
	b, err := os.ReadFile(filepath.Join("testdata", "specimens", file))
	if err != nil {
		t.Fatal(err)
	}
	var out []handwritten
	for _, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "== "):
			id, name, _ := strings.Cut(line[3:], " ")
			out = append(out, handwritten{set: id, name: name})
		default:
			last := &out[len(out)-1]
			last.segments = append(last.segments, strings.Split(line, by))
		}
	}
	return out
}

// TestSpecimens: documents of everyday life are accepted in all releases.
func TestSpecimens(t *testing.T) {
	for std, releases := range map[syntax.Standard][]string{syntax.X12: {"004010", "005010"}, syntax.EDIFACT: {"D96A", "D01B"}} {
		seen := map[string]bool{}
		for _, one := range written(t, std) {
			seen[one.set] = true
			for _, release := range releases {
				set, err := library.Set(std, release, one.set)
				if err != nil {
					t.Fatal(err)
				}
				s := specimen.Sample{Standard: std, Release: release, Syntax: "UNOC:3", Set: set}
				for _, x := range one.segments {
					s.Body = append(s.Body, specimen.Segment{Tag: x[0], Elements: x[1:]})
				}
				if r := gradeText(t, s.Text(s.Segments())); r.Verdict != verdict.Accept {
					var why []string
					for _, f := range first(r.Findings) {
						why = append(why, f.String())
					}
					t.Errorf("%s %s, %s: %s\n\t%s", release, one.set, one.name, r.Verdict, strings.Join(why, "\n\t"))
				}
			}
		}
		for _, id := range slices.Concat(specimen.X12Sets, specimen.EDIFACTSets) {
			if (len(id) == 3) == (std == syntax.X12) && !seen[id] {
				t.Errorf("there is no specimen of %s", id)
			}
		}
	}
}
