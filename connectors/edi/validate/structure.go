package validate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// frame is an open loop: how far its body has been read.
type frame struct {
	node  *grammar.Node // nil for the set itself
	body  *grammar.Index
	at    int // child that was read last
	count int // how often, in a row
	index int // of this item of the loop, from 0
}

// setWalk is one set being read.
type setWalk struct {
	w      *walk
	set    *Set
	frames []frame
	told   told
	totals totals

	composite, repeats bool // the segment has such separators
	partner            agreement
}

// newSetWalk begins a set, in the memory of the one before.
func newSetWalk(w *walk, s *Set) *setWalk {
	sw := &w.room
	*sw = setWalk{
		w: w, set: s, frames: sw.frames[:0], partner: sw.partner.next(), totals: totals{adds: quantities[s.ID], claims: sw.totals.claims[:0]},
	}
	w.tree.reset()
	if s.Grammar != nil {
		sw.frames = append(sw.frames, frame{body: s.Grammar.Index()})
	}
	return sw
}

// path names the loops that are open: lines[3].parties[1].
func (s *setWalk) path() string {
	var b strings.Builder
	for _, f := range s.frames {
		if f.node == nil {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(f.node.Name + "[" + strconv.Itoa(f.index) + "]")
	}
	return b.String()
}

// place finds where a segment stands, reports what is wrong with that, and checks
// its elements.
func (s *setWalk) place(seg *syntax.Segment) Place {
	g := s.set.Grammar
	if g == nil {
		return Place{Set: s.set}
	}
	// What was agreed with a partner is counted where bodies end, which only enter
	// sees.
	if g.Agreed == nil {
		if node := s.follow(seg.Key); node != nil {
			return s.placed(seg, node, node.Segment)
		}
	}
	at, ok := s.find(seg.Key)
	if !ok {
		def := g.Segment(seg.Key)
		s.misplaced(seg, def)
		if def != nil {
			s.check(seg, def)
		}
		return Place{Set: s.set}
	}
	s.enter(seg, at)
	node := s.frames[at.depth].body.Nodes[at.child]
	if at.over {
		s.overMax(seg, node)
	}
	return s.placed(seg, node, s.agreed(seg, at, node))
}

// placed checks what a segment carries, by the definition that holds at its place.
func (s *setWalk) placed(seg *syntax.Segment, node *grammar.Node, def *grammar.Segment) Place {
	s.check(seg, def)
	if s.w.business {
		s.totals.segment(s, seg, node)
	}
	depth := len(s.frames) - 1
	return Place{Set: s.set, Node: node, Depth: depth, Opens: node.Loop()}
}

// follow moves to the place of a segment where nothing is wrong with it: nothing
// mandatory is left out and no maximum reached. Otherwise it returns nil and find
// has to weigh what is wrong.
func (s *setWalk) follow(k syntax.Key) *grammar.Node {
	for d := len(s.frames) - 1; d >= 0; d-- {
		f := &s.frames[d]
		i := f.body.Next(k, f.at)
		if i < 0 {
			if f.skipped(len(f.body.Nodes)) > 0 {
				return nil
			}
			continue
		}
		node := f.body.Nodes[i]
		switch {
		case i != f.at:
			if f.skipped(i) > 0 {
				return nil
			}
			f.at, f.count = i, 1
		case f.count < node.Max:
			f.count++
		default:
			return nil
		}
		s.frames = s.frames[:d+1]
		if node.Loop() {
			s.frames = append(s.frames, frame{node: node, body: node.Index(), count: 1, index: f.count - 1})
		}
		return node
	}
	return nil
}

// spot is a place in the open loops.
type spot struct {
	depth, child int
	over         bool // beyond the maximum
	skipped      int  // mandatory segments that would be missing
}

// find looks for the place of a segment: from the innermost loop outwards, and
// forwards in each. The first place that leaves out nothing mandatory is taken,
// otherwise the one that leaves out least.
func (s *setWalk) find(k syntax.Key) (spot, bool) {
	var best spot
	found, over := false, spot{depth: -1}
	closing := 0 // mandatory segments missing in the loops that would be closed
	for d := len(s.frames) - 1; d >= 0; d-- {
		f := &s.frames[d]
		for i := f.body.Next(k, f.at); i >= 0; i = f.body.Next(k, i+1) {
			skipped := closing + f.skipped(i)
			switch {
			case i == f.at && f.count > 0 && f.count >= f.body.Nodes[i].Max:
				// One more of what opens a loop would open another item of it.
				if over.depth < 0 && (f.node == nil || i > 0) {
					over = spot{depth: d, child: i, over: true}
				}
			case skipped == 0:
				return spot{depth: d, child: i}, true
			case !found || skipped < best.skipped:
				best, found = spot{depth: d, child: i, skipped: skipped}, true
			}
		}
		closing += f.skipped(len(f.body.Nodes))
	}
	if over.depth >= 0 && (!found || best.skipped > 0) {
		return over, true
	}
	return best, found
}

// skipped counts the mandatory children between the one that was read last and
// another.
func (f *frame) skipped(to int) int {
	from := f.at
	if f.count > 0 && from < to {
		from++
	}
	return f.body.Mandatory(from, to)
}

// enter moves to a place: loops inside of it are closed, and what is passed over
// is missing when it is mandatory.
func (s *setWalk) enter(seg *syntax.Segment, at spot) {
	s.close(seg, at.depth+1)
	f := &s.frames[at.depth]
	if at.child != f.at {
		s.passOver(seg, f, at.child)
		f.at, f.count = at.child, 0
	}
	f.count++
	if node := f.body.Nodes[at.child]; node.Loop() {
		s.frames = append(s.frames, frame{node: node, body: node.Index(), count: 1, index: f.count - 1})
	}
}

// close ends the loops from a depth on, the innermost first.
func (s *setWalk) close(seg *syntax.Segment, depth int) {
	for len(s.frames) > depth {
		s.agreedEnd(seg)
		s.passOver(seg, &s.frames[len(s.frames)-1], -1)
		s.frames = s.frames[:len(s.frames)-1]
	}
}

// passOver reports the mandatory segments of a loop between where it is and a
// child; to is -1 for its end.
func (s *setWalk) passOver(seg *syntax.Segment, f *frame, to int) {
	if to < 0 {
		to = len(f.body.Nodes)
	}
	if f.skipped(to) == 0 || s.enough() {
		return
	}
	for i := f.at; i < to; i++ {
		c := f.body.Nodes[i]
		if !c.Mandatory || i == f.at && f.count > 0 {
			continue
		}
		s.w.add(finding.Finding{
			Code: finding.MissingSegment, Level: finding.Structure, Severity: finding.Reject, AK304: "3", AK502: "5", EDIFACT: "13",
			Segment: c.Segment.Tag, Position: s.set.Segments, Offset: seg.Offset,
			Message: fmt.Sprintf("the mandatory segment %s (%s) is missing before %s", c.Segment.Tag, c.Name, seg.Tag()), Expected: c.Segment.Tag,
		})
	}
}

// finish closes the set at its trailer.
func (s *setWalk) finish(seg *syntax.Segment) {
	if s.set.Grammar == nil {
		return
	}
	s.close(seg, 0)
	s.totals.finish(s)
	// A trailer that the stream broke off in is compared with its header, no more.
	if def := s.set.Grammar.Segment(seg.Key); def != nil && !s.w.tears(seg) {
		s.elements(seg, def)
	}
}

// enough tells that findings need not be looked for any more: the set is rejected
// and has more than are told.
func (s *setWalk) enough() bool {
	return s.told.rejects && s.told.n > MaxFindings
}

func (s *setWalk) overMax(seg *syntax.Segment, node *grammar.Node) {
	if s.enough() {
		return
	}
	f := finding.Finding{
		Code: finding.TooManySegments, Level: finding.Structure, Severity: finding.Reject, AK304: "5", AK502: "5", EDIFACT: "35",
		Message: fmt.Sprintf("%s may stand here %d times at most", seg.Tag(), node.Max), Expected: fmt.Sprintf("at most %d", node.Max),
	}
	if node.Loop() {
		f.Code, f.AK304, f.EDIFACT = finding.TooManyLoops, "4", "36"
		f.Message = fmt.Sprintf("the loop %s may come %d times at most", seg.Tag(), node.Max)
	}
	s.w.add(s.w.at(seg, 0, f))
}

func (s *setWalk) misplaced(seg *syntax.Segment, def *grammar.Segment) {
	if s.enough() {
		return
	}
	f := finding.Finding{Level: finding.Structure, Severity: finding.Reject, AK502: "5", EDIFACT: "15"}
	id := s.set.ID
	switch {
	case s.set.Grammar.Uses(seg.Key):
		f.Code, f.AK304 = finding.MisplacedSegment, "2"
		if s.passed(seg.Key) {
			f.AK304 = "7"
		}
		f.Message = fmt.Sprintf("%s has a place in %s, but not here", seg.Tag(), id)
		f.Hint = "segments keep the order of the standard; those of a loop follow the segment that opens it"
	case def != nil || foreign(seg.Key):
		f.Code, f.AK304 = finding.ForeignSegment, "6"
		f.Message = fmt.Sprintf("%s is no segment of %s", seg.Tag(), id)
	default:
		f.Code, f.AK304 = finding.UnknownSegment, "1"
		f.Message = fmt.Sprintf("the standard has no segment %s", seg.Tag())
	}
	s.w.add(s.w.at(seg, 0, f))
}

// passed tells whether the segment could have stood further up in an open loop.
func (s *setWalk) passed(k syntax.Key) bool {
	for _, f := range s.frames {
		for i := range f.at {
			if f.body.Nodes[i].Key == k {
				return true
			}
		}
	}
	return false
}

// foreignTags are segments of X12 that retail sets do not use, so that one of
// them is told from one that does not exist.
const foreignTags = " CLM CLP CAS SBR PAT HI SV1 SV2 SV3 SV5 SVD SVC PLB HCP CR1 CR2 CR3 CRC BHT EB EQ AAA HSD INS HD BGN DMG PRV UM HCR TOO LS LE DTP " +
	"B2 B2A B3 B4 C3 L0 L1 L3 L5 L7 L11 MS1 MS2 MS3 AT5 AT7 AT8 S5 G62 NTE V1 V2 R2 R3 R4 K1 M1 M7 N7 N8 BX BNX "

func foreign(k syntax.Key) bool {
	var tag []byte
	for k > 0 {
		tag = append([]byte{byte(k)}, tag...)
		k >>= 8
	}
	return strings.Contains(foreignTags, " "+string(tag)+" ")
}
