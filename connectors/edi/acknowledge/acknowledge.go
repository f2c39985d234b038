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
	"strconv"
	"strings"
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
	// Version is the release of a 997: 004010 (the default) or 005010.
	Version string
	// Masked leaves the partner's data out of AK404 and IK404.
	Masked bool
}

// maxSets and maxFindings bound what a Collector keeps.
const (
	maxSets     = 100_000
	maxFindings = 100
)

// Collector keeps what an acknowledgement reports. It is a validate.Handler.
type Collector struct {
	validate.Ignore
	interchanges []*interchange
}

type interchange struct {
	head     validate.Interchange
	findings []finding.Finding // of the interchange as a whole
	groups   []*group
	sets     []*set // outside of groups: EDIFACT's
}

type group struct {
	head     validate.Group
	findings []finding.Finding
	sets     []*set
	count    int // all of them, also those beyond maxSets
	accepted int
}

type set struct {
	id, control, release, association string
	findings                          []finding.Finding
	rejected                          bool
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
	c.interchanges = append(c.interchanges, &interchange{head: *ic})
	return nil
}

// EndInterchange implements validate.Handler.
func (c *Collector) EndInterchange(ic *validate.Interchange) error {
	c.last().head.Rejected = ic.Rejected
	return nil
}

// BeginGroup implements validate.Handler.
func (c *Collector) BeginGroup(g *validate.Group) error {
	i := c.last()
	i.groups = append(i.groups, &group{head: *g})
	return nil
}

// EndGroup implements validate.Handler.
func (c *Collector) EndGroup(g *validate.Group) error {
	c.last().group().head.Rejected = g.Rejected
	return nil
}

// BeginSet implements validate.Handler.
func (c *Collector) BeginSet(s *validate.Set) error {
	i := c.last()
	if i == nil {
		return nil
	}
	one := &set{id: s.ID, control: s.Control, release: s.Release, association: s.Association}
	if g := i.group(); g != nil {
		if g.count++; len(g.sets) < maxSets {
			g.sets = append(g.sets, one)
		}
		return nil
	}
	if len(i.sets) < maxSets {
		i.sets = append(i.sets, one)
	}
	return nil
}

func (i *interchange) set() *set {
	all := i.sets
	if g := i.group(); g != nil {
		all = g.sets
	}
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// EndSet implements validate.Handler.
func (c *Collector) EndSet(s *validate.Set) error {
	i := c.last()
	if i == nil {
		return nil
	}
	if one := i.set(); one != nil && one.control == s.Control {
		one.rejected = s.Rejected
	}
	if g := i.group(); g != nil && !s.Rejected {
		g.accepted++
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
		keep(&i.findings, f)
	case finding.Group:
		if g := i.group(); g != nil {
			keep(&g.findings, f)
		}
	default:
		if s := i.set(); s != nil {
			keep(&s.findings, f)
		}
	}
	return nil
}

func keep(to *[]finding.Finding, f finding.Finding) {
	if len(*to) < maxFindings {
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

// Answers lists the acknowledgements of a kind that what was read asks for, in
// its order. It is empty for acknowledgements, which are never answered.
func (c *Collector) Answers(kind Kind) []Answer {
	var out []Answer
	for n, i := range c.interchanges {
		one := Answer{Kind: kind, Interchange: n, ic: i, Rejected: i.head.Rejected || len(i.findings) > 0}
		switch {
		case kind == CONTRL && i.head.Standard == syntax.EDIFACT && !i.onlyControl():
			for _, s := range i.all() {
				one.Rejected = one.Rejected || s.rejected
			}
			out = append(out, one)
		case kind == TA1 && i.head.Standard == syntax.X12:
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
	return out
}

// Write returns the acknowledgement as an interchange of its own.
func (a Answer) Write(o Options) ([]byte, error) {
	if o.Version == "" {
		o.Version = "004010"
	}
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
	var out [][]byte
	for _, a := range c.Answers(kind) {
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

// onlyControl tells that an EDIFACT interchange holds nothing but CONTRL.
func (i *interchange) onlyControl() bool {
	for _, s := range i.sets {
		if s.id != string(CONTRL) {
			return false
		}
	}
	return len(i.sets) > 0
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

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-len(s))) }

// envelope begins the answer to an X12 interchange; repetition is ISA11 of 00501.
func envelope(i *interchange, o Options, version string) (*syntax.Writer, error) {
	const largest = 999_999_999
	if o.Control < 1 || o.Control > largest {
		return nil, fmt.Errorf("the control number %d does not fit ISA13, 1 to %d", o.Control, largest)
	}
	d := i.head.Delimiters
	eleven := "U"
	if version == "00501" {
		if eleven = string(d.Repetition); d.Repetition == 0 {
			eleven = "^"
		}
	}
	w := syntax.NewWriter(d, o.Suffix)
	h := i.head
	usage := h.Usage
	if usage == "" {
		usage = "P"
	}
	w.Begin("ISA").Fixed("00").Fixed(pad("", 10)).Fixed("00").Fixed(pad("", 10)).
		Fixed(pad(h.Receiver.Qualifier, 2)).Fixed(pad(h.Receiver.ID, 15)).Fixed(pad(h.Sender.Qualifier, 2)).Fixed(pad(h.Sender.ID, 15)).
		Fixed(o.At.Format("060102")).Fixed(o.At.Format("1504")).Fixed(eleven).Fixed(version).Fixed(fmt.Sprintf("%09d", o.Control)).
		Fixed("0").Fixed(usage).Fixed(string(d.Component)).End()
	return w, nil
}

func finish(w *syntax.Writer, o Options, groups int) ([]byte, error) {
	w.Begin("IEA").Element(strconv.Itoa(groups)).Element(fmt.Sprintf("%09d", o.Control)).End()
	return w.Bytes()
}

// ta1 answers the interchange as such (X12.56).
func ta1(i *interchange, o Options) ([]byte, error) {
	version := i.head.Version
	if version != "00501" {
		version = "00401"
	}
	w, err := envelope(i, o, version)
	if err != nil {
		return nil, err
	}
	status, note := "A", "000"
	reported := codes(i.findings, 1, func(f finding.Finding) string { return f.TA105 })
	switch {
	case i.head.Rejected:
		status = "R"
	case len(i.findings) > 0:
		status = "E"
	}
	if len(reported) > 0 {
		note = reported[0]
	}
	w.Begin("TA1").Element(i.head.Control).Element(i.head.Date).Element(i.head.Time).Element(status).Element(note).End()
	return finish(w, o, 0)
}
