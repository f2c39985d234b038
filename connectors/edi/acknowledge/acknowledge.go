// Package acknowledge answers interchanges: TA1, 997 and 999 of X12, CONTRL of
// EDIFACT, all from the findings of one validation.
//
// A [Collector] listens to a validator. Afterwards it writes what the agreement
// with the partner asks for. An acknowledgement is never acknowledged: groups of
// 997 and 999 and CONTRL messages have no answer.
package acknowledge

import (
	"errors"
	"fmt"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// Kind is an acknowledgement.
type Kind string

// The kinds.
const (
	TA1    Kind = "TA1"    // that an X12 interchange came, or why it cannot be used
	X997   Kind = "997"    // functional acknowledgement of X12, 004010 and 005010
	X999   Kind = "999"    // implementation acknowledgement of X12 005010
	CONTRL Kind = "CONTRL" // of EDIFACT
)

// ErrNothing says that there is nothing to acknowledge: no interchange of the
// standard was read, or only acknowledgements.
var ErrNothing = errors.New("nothing in the file is to be acknowledged")

// Options are what the answer needs to know besides what was read. Sender and
// receiver are those of the interchange, exchanged.
type Options struct {
	// Control is the answer's own control number, from a durable sequence.
	Control uint64
	// At is the date and time in its envelope.
	At time.Time
	// Suffix follows every segment terminator.
	Suffix string
	// Version is the release of a 997: 004010 or 005010. Empty means that of the
	// group that it answers.
	Version string
	// Masked leaves the partner's data out of AK404 and IK404.
	Masked bool
}

// What a Collector keeps is bounded: so much of a file, and so many findings of
// one part of it.
const (
	maxInterchanges = 10_000
	maxGroups       = 100_000
	maxSets         = 200_000
	maxFindings     = 100
	maxAllFindings  = 200_000
)

// Collector keeps what an acknowledgement reports. It is a validate.Handler.
type Collector struct {
	validate.Ignore
	interchanges []*interchange
	open         *set // that is being read; nil when it is not kept

	groups, sets, findings int
	more                   bool // interchanges or groups that were not kept
}

type interchange struct {
	head     validate.Interchange
	findings []finding.Finding // of the interchange as a whole
	groups   []*group
	sets     []*set // outside of groups: EDIFACT's
	skip     bool   // it is one too many
}

type group struct {
	head     validate.Group
	findings []finding.Finding
	sets     []*set
	count    int // all of them, also those beyond maxSets
	accepted int
	errors   bool // a set was accepted with remarks
}

type set struct {
	id, control string
	convention  string   // ST03
	message     []string // UNH S009, its components as they stand
	findings    []finding.Finding
	rejected    bool
}

func (c *Collector) last() *interchange {
	if len(c.interchanges) == 0 {
		return nil
	}
	return c.interchanges[len(c.interchanges)-1]
}

func (i *interchange) group() *group {
	if i == nil || len(i.groups) == 0 {
		return nil
	}
	return i.groups[len(i.groups)-1]
}

// BeginInterchange implements validate.Handler.
func (c *Collector) BeginInterchange(ic *validate.Interchange) error {
	i := &interchange{head: *ic, skip: len(c.interchanges) >= maxInterchanges}
	c.more = c.more || i.skip
	if i.skip {
		// Only the last of them is kept, so that what follows has a place.
		c.interchanges = c.interchanges[:maxInterchanges]
	}
	c.interchanges = append(c.interchanges, i)
	return nil
}

// EndInterchange implements validate.Handler.
func (c *Collector) EndInterchange(ic *validate.Interchange) error {
	c.last().head = *ic
	return nil
}

// BeginGroup implements validate.Handler.
func (c *Collector) BeginGroup(g *validate.Group) error {
	i := c.last()
	if c.groups++; c.groups > maxGroups || i.skip {
		c.more, i.groups = true, i.groups[:min(len(i.groups), 1)]
	}
	i.groups = append(i.groups, &group{head: *g})
	return nil
}

// EndGroup implements validate.Handler.
func (c *Collector) EndGroup(g *validate.Group) error {
	c.last().group().head = *g
	return nil
}

// BeginSet implements validate.Handler.
func (c *Collector) BeginSet(s *validate.Set) error {
	c.open = nil
	i := c.last()
	if i == nil {
		return nil
	}
	g := i.group()
	if g != nil {
		g.count++
	}
	if c.sets++; c.sets > maxSets || i.skip {
		return nil
	}
	c.open = &set{id: s.ID, control: s.Control}
	if g != nil {
		g.sets = append(g.sets, c.open)
	} else {
		i.sets = append(i.sets, c.open)
	}
	return nil
}

var (
	keyST  = syntax.KeyOf("ST")
	keyUNH = syntax.KeyOf("UNH")
)

// Segment implements validate.Handler.
func (c *Collector) Segment(seg *syntax.Segment, _ validate.Place) error {
	switch {
	case c.open == nil:
	case seg.Key == keyST:
		c.open.convention = seg.Value(3)
	case seg.Key == keyUNH:
		const components = 7
		for n := range components {
			c.open.message = append(c.open.message, seg.ComponentValue(2, n+1))
		}
	}
	return nil
}

// EndSet implements validate.Handler.
func (c *Collector) EndSet(s *validate.Set) error {
	remarks := false
	if c.open != nil {
		c.open.rejected = s.Rejected
		remarks = len(c.open.findings) > 0
		c.open = nil
	}
	if i := c.last(); i != nil && !s.Rejected {
		if g := i.group(); g != nil {
			g.accepted++
			g.errors = g.errors || remarks
		}
	}
	return nil
}

// Finding implements validate.Handler.
func (c *Collector) Finding(f finding.Finding) error {
	i := c.last()
	if i == nil || f.Severity == finding.Info {
		return nil
	}
	switch f.Scope {
	case finding.Interchange:
		c.keep(&i.findings, f)
	case finding.Group:
		if g := i.group(); g != nil {
			c.keep(&g.findings, f)
		}
	default:
		if c.open != nil {
			c.keep(&c.open.findings, f)
		}
	}
	return nil
}

// keep adds a finding, where it is one of few of its part or the first of them
// that rejects.
func (c *Collector) keep(to *[]finding.Finding, f finding.Finding) {
	if len(*to) < maxFindings && (c.findings < maxAllFindings || len(*to) == 0) {
		c.findings++
		*to = append(*to, f)
	}
}

// Answer is one acknowledgement that is due: of an interchange, or of a group of
// it.
type Answer struct {
	Kind Kind
	// Interchange counts the interchanges of the stream, from 0.
	Interchange int
	// Group is the control number of the group that is answered (GS06); empty when
	// the interchange is.
	Group string
	// Rejected tells that it is not plainly accepted.
	Rejected bool

	ic *interchange
	g  *group
}

// Header is that of the interchange which is answered.
func (a Answer) Header() *validate.Interchange { return &a.ic.head }

// Answers lists the acknowledgements of a kind that what was read asks for, in
// its order. It is empty for acknowledgements, which are never answered.
func (c *Collector) Answers(kind Kind) ([]Answer, error) {
	if c.more {
		return nil, fmt.Errorf("more than %d interchanges or %d groups in one file cannot be acknowledged: split it", maxInterchanges, maxGroups)
	}
	var out []Answer
	for n, i := range c.interchanges {
		one := Answer{Kind: kind, Interchange: n, ic: i, Rejected: i.head.Rejected || len(i.findings) > 0}
		switch {
		case kind == CONTRL && i.head.Standard == syntax.EDIFACT && i.answerable():
			for _, s := range i.all() {
				one.Rejected = one.Rejected || s.rejected
			}
			out = append(out, one)
		case kind == TA1 && i.head.Standard == syntax.X12 && !i.onlyAnswers():
			out = append(out, one)
		case (kind == X997 || kind == X999) && i.head.Standard == syntax.X12:
			for _, g := range i.groups {
				if g.head.Functional != "FA" {
					one.Group, one.g = g.head.Control, g
					one.Rejected = i.head.Rejected || g.head.Rejected || len(g.findings) > 0 || g.accepted < g.count
					out = append(out, one)
				}
			}
		}
	}
	return out, nil
}

// Write returns the acknowledgement as an interchange of its own.
func (a Answer) Write(o Options) ([]byte, error) {
	switch a.Kind {
	case CONTRL:
		return contrl(a.ic, o)
	case TA1:
		return ta1(a.ic, o)
	}
	return functional(a.Kind, a.ic, a.g, o)
}

// Write returns the acknowledgements of a kind for everything that was read, one
// interchange each; their control numbers count up from Options.Control.
func (c *Collector) Write(kind Kind, o Options) ([][]byte, error) {
	answers, err := c.Answers(kind)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, a := range answers {
		b, err := a.Write(o)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
		o.Control++
	}
	if len(out) == 0 {
		return nil, ErrNothing
	}
	return out, nil
}

// Refuse rejects an interchange, counted from 0, for a reason that the stream
// itself does not show: its control number was used before, for instance.
func (c *Collector) Refuse(n int, f finding.Finding) {
	if n < len(c.interchanges) {
		i := c.interchanges[n]
		i.head.Rejected = true
		i.findings = append([]finding.Finding{f}, i.findings...)
	}
}

// onlyAnswers tells that an X12 interchange holds nothing but TA1 segments.
func (i *interchange) onlyAnswers() bool { return i.head.Answers > 0 && len(i.groups) == 0 }

// answerable tells that CONTRL may answer: not when there is nothing but CONTRL,
// and not without the names of both sides and the interchange's number.
func (i *interchange) answerable() bool {
	if i.head.Control == "" || i.head.Sender.ID == "" || i.head.Receiver.ID == "" {
		return false
	}
	all := i.all()
	for _, s := range all {
		if s.id != string(CONTRL) {
			return true
		}
	}
	return len(all) == 0
}

// all are the messages, those in groups too.
func (i *interchange) all() []*set {
	out := i.sets
	for _, g := range i.groups {
		out = append(out[:len(out):len(out)], g.sets...)
	}
	return out
}

// codes collects different codes, at most n.
func codes(fs []finding.Finding, n int, of func(finding.Finding) string) []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, f := range fs {
		if c := of(f); f.Severity == finding.Reject && !seen[c] && len(out) < n {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}
