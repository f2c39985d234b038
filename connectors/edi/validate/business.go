package validate

import (
	"bytes"
	"fmt"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// totals is what a set counts about itself, and the tree of its HL segments.
//
// Findings of this level only inform, unless a partner agreement weighs them:
// samples and tests are full of invented identifiers.
type totals struct {
	adds   quantity
	lines  int // loops of lines, in EDIFACT LIN segments
	amount amounts
	claims []claim
}

// claim is a number that a set says about itself.
type claim struct {
	hash bool   // of quantities, not of lines
	said string // as it stands
	at   finding.Finding
}

var (
	keyCTT = syntax.KeyOf("CTT")
	keyCNT = syntax.KeyOf("CNT")
	keyQTY = syntax.KeyOf("QTY")
	keyHL  = syntax.KeyOf("HL")
	keyLIN = syntax.KeyOf("LIN")
	keyPO1 = syntax.KeyOf("PO1")
	keyIT1 = syntax.KeyOf("IT1")
	keyMAN = syntax.KeyOf("MAN")
	keyNAD = syntax.KeyOf("NAD")
)

func (t *totals) segment(s *setWalk, seg *syntax.Segment, node *grammar.Node) {
	x12 := s.w.std == syntax.X12
	switch {
	case x12 && (node.Fragment || node.Tree != nil), !x12 && seg.Key == keyLIN:
		t.lines++
	}
	if seg.Key == t.adds.key || !x12 && seg.Key == keyQTY {
		t.quantity(s, seg)
	}
	switch seg.Key {
	case keyCTT:
		if x12 {
			t.claim(s, seg, false, 1, 0, seg.Element(1))
			t.claim(s, seg, true, 2, 0, seg.Element(2))
		}
	case keyCNT:
		switch string(seg.Component(1, 1)) {
		case "1":
			t.claim(s, seg, true, 1, 2, seg.Component(1, 2))
		case "2":
			t.claim(s, seg, false, 1, 2, seg.Component(1, 2))
		}
	case keyHL:
		t.level(s, seg)
	case keyPO1, keyIT1:
		t.products(s, seg, 6)
	case keyLIN:
		if x12 {
			t.products(s, seg, 2)
		} else if kind := seg.Component(3, 2); string(kind) == "EN" || string(kind) == "SRV" || string(kind) == "UP" {
			t.digit(s, seg, 3, 1, seg.Component(3, 1), "GTIN", 8, 12, 13, 14)
		}
	case keyMAN:
		if string(seg.Element(1)) == "GM" {
			t.digit(s, seg, 2, 0, bytes.TrimPrefix(seg.Element(2), []byte("00")), "SSCC", 18)
		}
	case keyNAD:
		if string(seg.Component(2, 3)) == "9" {
			t.digit(s, seg, 2, 1, seg.Component(2, 1), "GLN", 13)
		}
	}
}

func (t *totals) add(s *setWalk, f finding.Finding) {
	f.Level, f.Severity = finding.Business, finding.Info
	s.w.add(f)
}

// products looks at the pairs of qualifier and product id from an element on.
func (t *totals) products(s *setWalk, seg *syntax.Segment, from int) {
	for i := from; i < seg.Len(); i += 2 {
		switch string(seg.Element(i)) {
		case "UP", "UI":
			t.digit(s, seg, i+1, 0, seg.Element(i+1), "GTIN-12", 12)
		case "EN":
			t.digit(s, seg, i+1, 0, seg.Element(i+1), "GTIN-13", 13)
		case "UK":
			t.digit(s, seg, i+1, 0, seg.Element(i+1), "GTIN-14", 14)
		}
	}
}

// digit verifies a GS1 check digit (GS1 General Specifications, section 7.9).
func (t *totals) digit(s *setWalk, seg *syntax.Segment, element, component int, id []byte, kind string, lengths ...int) {
	right := false
	for _, n := range lengths {
		right = right || n == len(id)
	}
	if right && gs1(id) {
		return
	}
	f := s.w.at(seg, element, finding.Finding{
		Code: finding.CheckDigit, Message: fmt.Sprintf("%q is no %s: length or check digit is wrong", finding.Clip(id), kind), AK304: "8", AK403: "7", AK502: "5", EDIFACT: "12",
	})
	f.Component = component
	t.add(s, f)
}

// gs1 tells whether id is made of digits and the last one is right.
func gs1(id []byte) bool {
	sum := 0
	for i, c := range id {
		if c < '0' || c > '9' {
			return false
		}
		if i == len(id)-1 {
			break
		}
		d := int(c - '0')
		if (len(id)-i)%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return int(id[len(id)-1]-'0') == (10-sum%10)%10
}

// level checks the tree of HL segments: every number is new, every parent known.
func (t *totals) level(s *setWalk, seg *syntax.Segment) {
	id, parent := seg.Element(1), seg.Element(2)
	if tree := &s.w.tree; len(parent) > 0 && !tree.has(parent) && !tree.full() {
		t.add(s, s.w.at(seg, 2, finding.Finding{
			Code: finding.HierarchyUp, Message: fmt.Sprintf("no HL before has the number %q", finding.Clip(parent)), AK304: "8", AK403: "7", AK502: "5",
		}))
	}
	if !s.w.tree.add(id) {
		t.add(s, s.w.at(seg, 1, finding.Finding{
			Code: finding.HierarchyNew, Message: fmt.Sprintf("the hierarchical number %q is used twice", finding.Clip(id)), AK304: "8", AK403: "7", AK502: "5",
		}))
	}
}
