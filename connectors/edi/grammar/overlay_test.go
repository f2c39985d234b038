package grammar_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

func shippedOverlay(t testing.TB, lib *grammar.Library, file string) *grammar.Set {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/overlays", file))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "\n"); n > 40 {
		t.Errorf("%s has %d lines; a guide fits into 40", file, n)
	}
	s, err := lib.Overlay(file, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOverlayLeavesItsBaseAlone: what is made of a set, from many goroutines at
// once, does not show in the set itself.
func TestOverlayLeavesItsBaseAlone(t *testing.T) {
	lib := grammar.Open(grammars.FS())
	base, err := lib.Set(syntax.X12, "004010", "850")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			s := shippedOverlay(t, lib, "acme-850.yaml")
			if s.Overlay != "acme-850" || s.ID != "850" || s.KeyAt.Node != s.Body[0] || s.KeyAt.Node == base.Body[0] {
				t.Errorf("the overlay's set is %s of %s", s.Overlay, s.ID)
			}
			if !s.Uses(syntax.KeyOf("ZZZ")) || s.Segment(syntax.KeyOf("BEG")).Elements[2].Element.Max != 8 {
				t.Error("the overlay has no effect")
			}
		})
	}
	group.Wait()
	if base.Overlay != "" || base.Agreed != nil || base.Uses(syntax.KeyOf("ZZZ")) || base.Segment(syntax.KeyOf("BEG")).Elements[2].Element.Max != 22 {
		t.Error("the base set has changed")
	}
	var walk func([]*grammar.Node)
	walk = func(body []*grammar.Node) {
		for _, n := range body {
			if n.Agreed != nil || n.Segment.Derived != nil {
				t.Errorf("%s of the base set has changed", n.Segment.Tag)
			}
			walk(n.Body)
		}
	}
	walk(base.Body)
}

// TestOverlayKeepsTheShapeOfDocuments: what is tightened stays a list, so that
// mappings of the standard's document hold.
func TestOverlayKeepsTheShapeOfDocuments(t *testing.T) {
	lib := grammar.Open(grammars.FS())
	base, err := lib.Set(syntax.X12, "004010", "850")
	if err != nil {
		t.Fatal(err)
	}
	over, err := lib.Overlay("a.yaml", []byte("overlay: a\nextends: x12/004010/850\nsegments:\n  PER: {max: 1}\n  MEA: unused\n  REF[DP]: {max: 1, required: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range base.Body {
		if o := over.Body[i]; o.Name != n.Name || o.Max != n.Max || o.Mandatory != n.Mandatory {
			t.Errorf("%s became %s, at most %d", n.Name, o.Name, o.Max)
		}
	}
}

func TestOverlayMistakesAreAllTold(t *testing.T) {
	lib := grammar.Open(grammars.FS())
	const head = "overlay: a\nextends: x12/004010/850\n"
	for _, c := range []struct{ name, text, want string }{
		{"no name", "extends: x12/004010/850\n", "a.yaml:1:1: an overlay needs a name"},
		{"no base", "overlay: a\n", "extends: x12/004010/850"},
		{"set", "overlay: a\nextends: x12/004010/851\n", "a.yaml:2:10: there is no grammar for x12/004010/851"},
		{"set nearby", "overlay: a\nextends: edifact/D96A/ORDER\n", "Did you mean ORDERS?"},
		{"standard", "overlay: a\nextends: ansi/004010/850\n", "found \"ansi/004010/850\""},
		{"key", head + "segment: {}\n", `a.yaml:3:1: an overlay has no key "segment"; known are overlay, extends, description, segments, codes, rules. Did you mean segments?`},
		{"tag", head + "segments:\n  BEGG: required\n", "BEGG is no segment of 850; one of its own says `after:`. Did you mean BEG?"},
		{"path", head + "segments:\n  PO1.PDI: required\n", "a.yaml:4:3: PDI has no place here"},
		{"form", head + "segments:\n  N1[ST: required\n", "is no place"},
		{"word", head + "segments:\n  CUR: unusd\n", "Did you mean unused?"},
		{"place key", head + "segments:\n  CUR: {maxi: 1}\n", `has no key "maxi"`},
		{"several places", head + "segments:\n  QTY: required\n", "QTY has several places"},
		{"named twice here", head + "segments:\n  LDT: required\n", "say which by its name: lead_times, lead_time_details"},
		{"position in a place", head + "segments:\n  N1[QQQQ].N4: {elements: {77: required}}\n", "N4 has no 77"},
		{"position", head + "segments:\n  BEG: {elements: {99: required}}\n", "BEG has no 99; it has 12 elements"},
		{"component of none", head + "segments:\n  BEG: {elements: {02-1: required}}\n", "BEG has no 02-1"},
		{"element word", head + "segments:\n  BEG: {elements: {02: requird}}\n", "Did you mean required?"},
		{"element key", head + "segments:\n  BEG: {elements: {02: {code: [SA]}}}\n", `a.yaml:4:25: BEG02 has no key "code"`},
		{"length", head + "segments:\n  BEG: {elements: {03: {min: 9, max: 8}}}\n", "9 to 8 is no length"},
		{"type", head + "segments:\n  BEG: {elements: {03: {type: NX}}}\n", `"NX" is no type`},
		{"number", head + "segments:\n  PO1: {max: many}\n", "max is a number from 1 on"},
		{"at least more than at most", head + "segments:\n  PO1: {min: 3, max: 2}\n", "at least 3 and at most 2"},
		{"data element", head + "codes:\n  \"99355\": {only: [EA]}\n", "has no data element 99355"},
		{"code of a closed list", head + "segments:\n  BEG: {elements: {01: {codes: [QQ]}}}\n", "(purpose) has no code QQ in the standard"},
		{"nothing to add to", head + "codes:\n  \"324\": {add: [QQ]}\n", "has no list"},
		{"condition", head + "rules:\n  PO1: {remove: [P9999]}\n", "PO1 has no condition P9999; it has C0302"},
		{"condition of elements that are not", head + "rules:\n  BEG: {add: [P0199]}\n", "names the element 99"},
		{"own segment without elements", head + "segments:\n  ZZZ: {after: PO1.PID}\n", "it needs elements"},
		{"own segment after nothing", head + "segments:\n  ZZZ: {after: PO1.QQQ, elements: [350 O]}\n", "QQQ has no place here"},
		{"own element", head + "segments:\n  ZZZ: {after: PO1.PID, elements: [99350 O line]}\n", "a.yaml:4:36: 004010 has no data element or composite 99350"},
		{"member of the same name", head + "segments:\n  ZZZ: {after: PO1.PID, name: descriptions, elements: [350 O line]}\n", "give one another name"},
		{"another name", head + "segments:\n  REF: {name: refs}\n", "only segments of the partner's own have a name"},
		{"the same code twice", head + "segments:\n  REF[DP]: {elements: {02: required}}\n  REF[DP|IA]: {elements: {02: {max: 3}}}\n", "name the same code: say it once"},
		{"key twice", head + "segments:\n  CUR: unused\n  CUR: required\n", `a.yaml:5:3: "CUR" stands here twice`},
		{"reference", head + "segments: &a\n  CUR: *a\n", "references (& and *)"},
		{"opening segment", head + "segments:\n  PO1.PO1: required\n", "named by the loop alone"},
		{"YAML", head + "segments: [", "a.yaml: yaml"},
		{"no list", "- a\n", "a grammar file is a list of"},
		{"size", head + "# " + strings.Repeat("x", grammar.MaxOverlay), "more than the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := lib.Overlay("a.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("said %v\nwant %q", err, c.want)
			}
		})
	}
	_, err := lib.Overlay("a.yaml", []byte(head+"codes:\n  \"99999\": [EA]\nsegments:\n  CUR: never\n  QQQ: required\n"))
	if order := regexp.MustCompile(`(?s)^a\.yaml:4:3: .*\na\.yaml:6:8: .*\na\.yaml:7:3: [^\n]*$`); err == nil || !order.MatchString(err.Error()) {
		t.Errorf("not in the order of the file: %v", err)
	}
	_, err = lib.Overlay("a.yaml", []byte(head+"segments:\n  QQQ: required\n  CUR: never\ncodes:\n  \"99999\": [EA]\n"))
	if err == nil || strings.Count(err.Error(), "a.yaml:") != 3 {
		t.Errorf("not all at once: %v", err)
	}
}

// FuzzOverlay: no overlay makes the compiler panic or hang.
func FuzzOverlay(f *testing.F) {
	for _, file := range []string{"acme-850.yaml", "nordmarkt-orders.yaml"} {
		b, err := os.ReadFile(filepath.Join("testdata/overlays", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	lib := grammar.Open(grammars.FS())
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := lib.Overlay("a.yaml", text)
		if (s == nil) == (err == nil) {
			t.Errorf("set %v, error %v", s, err)
		}
	})
}
