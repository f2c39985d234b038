// Package specimen makes EDI documents for tests: valid ones of every set that has
// a grammar, and the same with exactly one defect, whose code and place are known.
package specimen

import (
	"errors"
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Segment is a segment of a generated document, with what the grammar says of it.
type Segment struct {
	Tag      string
	Elements []string
	Def      *grammar.Segment
	Node     *grammar.Node
	Parent   *grammar.Node // nil in the body
}

// Sample is a set in its envelope.
type Sample struct {
	Standard syntax.Standard
	Release  string // 004010, D96A
	Syntax   string // UNOC:3, UNOC:4
	Set      *grammar.Set
	// Body is what stands between the set's header and trailer.
	Body []Segment
	// Rich tells that everything is in it that the grammar knows.
	Rich bool
}

// String names it.
func (s Sample) String() string { return s.Set.ID + " " + s.Release + " " + s.Syntax }

// control numbers of the generated envelopes.
const (
	interchangeNo = "000001001"
	groupNo       = "101"
	setNo         = "0001"
)

// header and trailer are the segments around a set, the set's own among them.
func (s Sample) header() [][]string {
	if s.Standard == syntax.EDIFACT {
		version, release := s.Release[:1], s.Release[1:]
		if s.Set.ID == "CONTRL" {
			version, release = "D", "3"
		}
		return [][]string{
			{"UNB", s.Syntax, "5412345000013:14", "5498765000017:14", "260105:0915", "1001"},
			{"UNH", "1", strings.Join([]string{s.Set.ID, version, release, "UN", "EAN008"}, ":")},
		}
	}
	version, eleven := "00401", "U"
	if s.Release >= "005010" {
		version, eleven = "00501", "^"
	}
	return [][]string{
		{"ISA", "00", "          ", "00", "          ", "ZZ", "ACMEOUTFIT     ", "08", "9254110060     ", "260105", "0915", eleven, version, interchangeNo, "0", "P", ":"},
		{"GS", s.Set.Group, "ACMEOUTFIT", "9254110060", "20260105", "0915", groupNo, "X", s.Release},
		{"ST", s.Set.ID, setNo},
	}
}

func (s Sample) trailer() [][]string {
	count := fmt.Sprint(len(s.Body) + 2)
	if s.Standard == syntax.EDIFACT {
		return [][]string{{"UNT", count, "1"}, {"UNZ", "1", "1001"}}
	}
	return [][]string{{"SE", count, setNo}, {"GE", "1", groupNo}, {"IEA", "1", interchangeNo}}
}

// Segments is the whole file.
func (s Sample) Segments() [][]string {
	out := s.header()
	for _, x := range s.Body {
		out = append(out, append([]string{x.Tag}, x.Elements...))
	}
	return append(out, s.trailer()...)
}

// Text joins segments with the usual separators.
func (s Sample) Text(segments [][]string) string {
	by, end := "*", "~"
	if s.Standard == syntax.EDIFACT {
		by, end = "+", "'"
	}
	var b strings.Builder
	for _, seg := range segments {
		b.WriteString(strings.Join(seg, by) + end)
	}
	return b.String()
}

// The sets that have grammars, in all their releases.
var (
	X12Sets     = strings.Fields("753 754 810 816 820 824 832 846 850 852 855 856 860 864 865 867 875 880 940 943 944 945 997")
	EDIFACTSets = strings.Fields("APERAK CONTRL DESADV INVOIC INVRPT ORDCHG ORDERS ORDRSP PARTIN PRICAT RECADV SLSRPT")
)

// All are samples of all sets in all releases, small and rich.
func All(lib *grammar.Library) ([]Sample, error) {
	var out []Sample
	add := func(std syntax.Standard, release, dialect, id string) error {
		set, err := lib.Set(std, release, id)
		if err != nil {
			return err
		}
		for _, rich := range []bool{false, true} {
			out = append(out, Sample{Standard: std, Release: release, Syntax: dialect, Set: set, Body: generate(set, rich), Rich: rich})
		}
		return nil
	}
	var all []error
	for _, id := range X12Sets {
		all = append(all, add(syntax.X12, "004010", "", id), add(syntax.X12, "005010", "", id))
	}
	all = append(all, add(syntax.X12, "005010", "", "999"))
	for _, id := range EDIFACTSets {
		for _, release := range []string{"D96A", "D01B"} {
			all = append(all, add(syntax.EDIFACT, release, "UNOC:3", id), add(syntax.EDIFACT, release, "UNOC:4", id))
		}
	}
	return out, errors.Join(all...)
}
