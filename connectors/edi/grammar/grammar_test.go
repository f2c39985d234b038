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
		{"two members of a name", "sets/100.yaml", replace(set, "A1 O 3", "A1 O 3 first"), `100.yaml:9:20: "first" is the name of B1 and of A1 in one object`},
		{"names without an element", "sets/100.yaml", replace(set, "    body", "    as: role\n    body"), `B1 has no element "role"; it has first, second`},
		{"codes without names", "sets/100.yaml", replace(set, "    body", "    as: second\n    body"), "the codes of the element 1 (second) have no names"},
		{"two codes of a name", "sets/100.yaml", replace(set, "    body", "    as: {second: {X: x, Y: x}}\n    body"), `100.yaml:9:9: the codes X and Y have the same name "x"`},
		{"two codes of a name in the dictionary", "elements.yaml", replace(elements, "max: 2", "max: 2, codes: {X: x, Y: x}"), `the codes X and Y have the same name "x"`},
		{"a code's name that is taken", "sets/100.yaml", replace(set, "    body", "    as: {second: {X: one}}\n    body"), `"one" is the name of A1 and of B1 X in one object`},
		{"names of what comes once", "sets/100.yaml", replace(set, "A1 M 1", "{segment: A1 M 1, as: one}"), "what comes once at most has its name already"},
		{"tree without its element", "sets/100.yaml", replace(set, "    body", "    tree: {id: id, parent: second}\n    body"), `B1 has no element "id"`},
		{"parts of a tree", "sets/100.yaml", replace(set, "    body", "    fragment: true\n    as: {second: {X: x}}\n    body"), "is handed over in parts"},
		{"key that is not there", "sets/100.yaml", replace(set, "name: things", "name: things\nkey: number"), `100.yaml:6:6: the key "number" is no element`},
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

func TestNamesOfCodes(t *testing.T) {
	tree := strings.Replace(set, "    body: [B1 M 1, A1 O 3]", "    tree: {id: x, parent: y, level: z, root: S, names: {S: ss, O: os}}\n    body: [B1 M 1, A1 O 3]", 1)
	lib := library(map[string]string{
		"x12/004010/elements.yaml": strings.Replace(elements, "max: 2", "max: 2, codes: {X: ex, Y: ey}, open: true", 1),
		"x12/004010/segments.yaml": "standard: x12\nversion: \"004010\"\nsegments:\n  A1: {name: a, elements: [1 M, 2 O]}\n  B1: {name: b, elements: [1 M x, 1 O y, 1 O z]}\n",
		"x12/004010/sets/100.yaml": strings.Replace(tree, "A1 O 3", "{segment: A1 O 3 as, as: one}", 1),
	})
	s, err := lib.Set(syntax.X12, "004010", "100")
	if err != nil {
		t.Fatal(err)
	}
	loop := s.Body[1]
	if tr := loop.Tree; tr == nil || tr.IDAt != 1 || tr.ParentAt != 2 || tr.LevelAt != 3 || tr.Root != "S" || tr.Names["O"] != "os" {
		t.Errorf("tree %+v", loop.Tree)
	}
	named := loop.Body[1]
	if named.AsAt != 1 || named.As["one"]["X"] != "ex" || named.Named([]byte("Y")) != "ey" || named.Named([]byte("Z")) != "" {
		t.Errorf("names %d %v", named.AsAt, named.As)
	}
}

// TestDocumentsHaveKeys asks for the place of a document's number.
func TestDocumentsHaveKeys(t *testing.T) {
	lib := grammar.Open(grammars.FS())
	for _, c := range []struct {
		std                syntax.Standard
		release, set, key  string
		tag                string
		element, component int
	}{
		{syntax.X12, "004010", "850", "number", "BEG", 3, 1},
		{syntax.X12, "005010", "856", "shipment", "BSN", 2, 1},
		{syntax.X12, "004010", "820", "trace.number", "TRN", 2, 1},
		{syntax.EDIFACT, "D96A", "ORDERS", "number", "BGM", 2, 1},
		{syntax.EDIFACT, "D01B", "ORDERS", "document.number", "BGM", 2, 1},
		{syntax.EDIFACT, "D01B", "RECADV", "document.number", "BGM", 2, 1},
	} {
		s, err := lib.Set(c.std, c.release, c.set)
		if err != nil {
			t.Fatal(err)
		}
		if at := s.KeyAt; s.Key != c.key || at.Node == nil || at.Node.Segment.Tag != c.tag || at.Element != c.element || at.Component != c.component {
			t.Errorf("%s %s: key %q at %+v", c.release, c.set, s.Key, at)
		}
	}
}

// FuzzGrammar: no grammar file makes the loader panic or hang.
func FuzzGrammar(f *testing.F) {
	f.Add(elements, segments, set)
	f.Fuzz(func(_ *testing.T, e, s, body string) {
		_ = library(map[string]string{"x12/004010/elements.yaml": e, "x12/004010/segments.yaml": s, "x12/004010/sets/100.yaml": body}).Lint()
	})
}
