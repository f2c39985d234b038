package grammar_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// TestShippedGrammars compiles every grammar that is shipped.
func TestShippedGrammars(t *testing.T) {
	lib := grammar.Open(grammars.FS())
	if err := lib.Lint(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		std     syntax.Standard
		release string
		sets    string
	}{
		{syntax.X12, "004010", "810 816 820 824 832 846 850 852 855 856 860 864 865 867 875 880 940 943 944 945 753 754 997"},
		{syntax.X12, "005010", "810 816 820 824 832 846 850 852 855 856 860 864 865 867 875 880 940 943 944 945 753 754 997 999"},
		{syntax.EDIFACT, "D96A", "APERAK CONTRL DESADV INVOIC INVRPT ORDCHG ORDERS ORDRSP PARTIN PRICAT RECADV SLSRPT"},
		{syntax.EDIFACT, "D01B", "APERAK CONTRL DESADV INVOIC INVRPT ORDCHG ORDERS ORDRSP PARTIN PRICAT RECADV SLSRPT"},
	} {
		for _, id := range strings.Fields(c.sets) {
			if _, err := lib.Set(c.std, c.release, id); err != nil {
				t.Error(err)
			}
		}
	}
}

func library(files map[string]string) *grammar.Library {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return grammar.Open(m)
}

const elements = `standard: x12
version: "004010"
elements:
  "1": {name: one, type: AN, min: 1, max: 2}
  "2": {name: two, type: N2, min: 1, max: 9}
`

const segments = `standard: x12
version: "004010"
segments:
  A1: {name: a, elements: [1 M, 2 O]}
  B1: {name: b, elements: [1 M first *5, 1 O second], rules: [P0102]}
`

const set = `standard: x12
version: "004010"
set: "100"
group: XX
name: things
body:
  - A1 M 1
  - loop: B1 O >1 bs
    body: [B1 M 1, A1 O 3]
`

func TestVersionsExtendEachOther(t *testing.T) {
	lib := library(map[string]string{
		"x12/004010/elements.yaml": elements, "x12/004010/segments.yaml": segments, "x12/004010/sets/100.yaml": set,
		"x12/005010/elements.yaml": "standard: x12\nversion: \"005010\"\nextends: \"004010\"\nelements:\n  \"1\": {name: one, type: AN, min: 1, max: 80}\n",
		"x12/005010/sets/100.yaml": "standard: x12\nversion: \"005010\"\nextends: \"004010\"\nset: \"100\"\n",
	})
	for release, want := range map[string]int{"004010": 2, "005010": 80} {
		s, err := lib.Set(syntax.X12, release, "100")
		if err != nil {
			t.Fatal(err)
		}
		if s.Version != release || s.Name != "things" || s.Group != "XX" {
			t.Errorf("%s: %s %s %s", release, s.Version, s.Name, s.Group)
		}
		a, loop := s.Body[0], s.Body[1]
		if got := a.Segment.Elements[0].Element.Max; got != want {
			t.Errorf("%s: the inherited segment's element has %d characters, want %d", release, got, want)
		}
		if !loop.Loop() || loop.Max != grammar.Unlimited || loop.Name != "bs" || loop.Body[1].Max != 3 || a.Loop() {
			t.Errorf("%s: loop %+v", release, loop)
		}
		b := loop.Segment
		if b.Elements[0].Name != "first" || b.Elements[0].Repeat != 5 || b.Rules[0].String() != "P0102" {
			t.Errorf("%s: segment %+v", release, b)
		}
	}
	if _, err := lib.Set(syntax.X12, "004010", "999"); !errors.Is(err, grammar.ErrUnknown) {
		t.Errorf("a set that is not there: %v", err)
	}
	if _, err := lib.Set(syntax.X12, "../..", "100"); !errors.Is(err, grammar.ErrUnknown) {
		t.Errorf("a release that leads out: %v", err)
	}
}

func TestMistakesAreAllTold(t *testing.T) {
	replace := func(s, from, to string) string { return strings.Replace(s, from, to, 1) }
	for _, c := range []struct{ name, file, text, want string }{
		{"type", "elements.yaml", replace(elements, "type: AN", "type: XX"), `elements.yaml:4:8: the element 1: "XX" is no type`},
		{"length", "elements.yaml", replace(elements, "max: 2", "max: 0"), "1 to 0 is no length"},
		{"key", "elements.yaml", replace(elements, "min: 1", "mini: 1"), `has no key "mini"`},
		{"reference", "segments.yaml", replace(segments, "2 O", "3 O"), `segments.yaml:4:33: there is no element or composite "3"`},
		{"use", "segments.yaml", replace(segments, "1 M,", "1 Q,"), "M is mandatory"},
		{"two of a name", "segments.yaml", replace(segments, "second", "first"), `two elements are called "first"`},
		{"condition", "segments.yaml", replace(segments, "P0102", "P0109"), "names the element 09, the segment has 2"},
		{"segment", "sets/100.yaml", replace(set, "A1 M 1", "C1 M 1"), `has no segment "C1"`},
		{"maximum", "sets/100.yaml", replace(set, "A1 M 1", "A1 M x"), "is no maximum"},
		{"loop without its segment", "sets/100.yaml", replace(set, "[B1 M 1, ", "["), "begins with the segment B1"},
		{"no body", "sets/100.yaml", set[:strings.Index(set, "body")], "needs a body"},
		{"YAML", "sets/100.yaml", "a: [", "sets/100.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"x12/004010/elements.yaml": elements, "x12/004010/segments.yaml": segments, "x12/004010/sets/100.yaml": set}
			files["x12/004010/"+c.file] = c.text
			if err := library(files).Lint(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("lint said %v, want %q", err, c.want)
			}
		})
	}
}

// FuzzGrammar: no grammar file makes the loader panic or hang.
func FuzzGrammar(f *testing.F) {
	f.Add(elements, segments, set)
	f.Fuzz(func(_ *testing.T, e, s, body string) {
		_ = library(map[string]string{"x12/004010/elements.yaml": e, "x12/004010/segments.yaml": s, "x12/004010/sets/100.yaml": body}).Lint()
	})
}
