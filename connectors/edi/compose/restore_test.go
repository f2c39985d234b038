package compose_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

// shaped reads the documents of a file, in parts of so many lines.
func shaped(t testing.TB, file []byte, items int) []string {
	t.Helper()
	var out []string
	s := shape.New(shape.Options{PartItems: func(*validate.Set) int { return items }, Each: func(d *shape.Document) error {
		out = append(out, string(d.JSON))
		return nil
	}})
	if err := (&validate.Validator{Grammars: library}).Run(bytes.NewReader(file), s); err != nil {
		t.Fatal(err)
	}
	return out
}

func restored(docs []string) ([]byte, error) {
	var in []*compose.Document
	for _, d := range docs {
		doc, err := compose.Read([]byte(d))
		if err != nil {
			return nil, fmt.Errorf("%w in %s", err, d)
		}
		in = append(in, doc)
	}
	return compose.Restore(library, in)
}

const withoutGrammar = "sets without a grammar"

// kindOf tells why a file is not compared, "" when it is.
func kindOf(t testing.TB, file []byte) string {
	t.Helper()
	r, err := verdict.Grade("", bytes.NewReader(file), &validate.Validator{Grammars: library})
	if err != nil {
		t.Fatal(err)
	}
	h := &sets{}
	if err := (&validate.Validator{Grammars: library}).Run(bytes.NewReader(file), h); err != nil {
		t.Fatal(err)
	}
	switch {
	case r.Verdict != verdict.Accept || r.Envelope != verdict.Clean:
		return "not clean"
	case h.std == syntax.TRADACOMS:
		return "TRADACOMS"
	case h.n == 0:
		return "no sets"
	case h.unknown:
		return withoutGrammar
	case outside(file):
		return "segments between the sets"
	}
	return ""
}

// outside tells whether a file has segments that belong to no set: TA1, ISB.
func outside(file []byte) bool {
	r := syntax.NewReader(bytes.NewReader(file), syntax.Options{})
	for {
		s, err := r.Next()
		if err != nil {
			return false
		}
		switch string(s.Tag()) {
		case "TA1", "TA3", "ISB", "ISE":
			return true
		}
	}
}

// sets counts what a file has.
type sets struct {
	validate.Ignore
	std     syntax.Standard
	n       int
	unknown bool
}

func (s *sets) BeginInterchange(ic *validate.Interchange) error {
	s.std = ic.Standard
	return nil
}

func (s *sets) BeginSet(set *validate.Set) error {
	s.n++
	s.unknown = s.unknown || set.Grammar == nil
	return nil
}

// TestFilesComeBack writes the documents of every clean file back: byte for byte,
// but for line ends behind the last segment.
func TestFilesComeBack(t *testing.T) {
	counts := map[string]int{}
	for _, root := range []string{filepath.Join("..", "verdict", "testdata", "derived"), corpus(t)} {
		if root == "" {
			continue
		}
		err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() && e.Name() == "derived" && name != root {
				return fs.SkipDir // they are the first folder
			}
			if err != nil || e.IsDir() || strings.HasSuffix(name, ".tsv") || strings.HasSuffix(name, ".md") {
				return err
			}
			file, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			why := kindOf(t, file)
			if why == withoutGrammar {
				// Their elements are kept as they stand; this is no promise.
				got, err := restored(shaped(t, file, 0))
				if err == nil && bytes.Equal(bytes.TrimRight(got, "\r\n"), bytes.TrimRight(file, "\r\n")) {
					why += ", though the same"
				}
			}
			if why != "" {
				counts["not compared: "+why]++
				return nil
			}
			for _, items := range []int{0, 1} {
				docs := shaped(t, file, items)
				got, err := restored(docs)
				switch want := bytes.TrimRight(file, "\r\n"); {
				case err != nil:
					counts["refused"]++
					t.Errorf("%s (parts of %d): %v", name, items, err)
				case !bytes.Equal(bytes.TrimRight(got, "\r\n"), want):
					counts["different"]++
					t.Errorf("%s (parts of %d): %s", name, items, firstDifference(want, got))
				case items == 0:
					counts["the same"]++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	for what, n := range counts {
		lines = append(lines, fmt.Sprintf("%4d %s", n, what))
	}
	slices.Sort(lines)
	t.Logf("files:\n%s", strings.Join(lines, "\n"))
	if counts["the same"] < 30 {
		t.Error("too few files were compared")
	}
}

// corpus is the folder of real files, third-party data that is not part of the
// project.
func corpus(t testing.TB) string {
	root := os.Getenv("CROSSDOCK_EDI_CORPUS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "edi-corpus")
	}
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		t.Logf("the corpus of real files is not there (%s): set CROSSDOCK_EDI_CORPUS to its folder", root)
		return ""
	}
	return root
}

func firstDifference(want, got []byte) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	around := func(b []byte) string { return fmt.Sprintf("%q", b[max(0, min(i, len(b))-40):min(len(b), i+60)]) }
	return fmt.Sprintf("differs at byte %d:\n want …%s\n got  …%s", i, around(want), around(got))
}
