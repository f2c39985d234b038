package edi

import (
	"fmt"
	"io"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// A file is read twice. The first time it is judged: only its trailers tell
// whether what stands between them may be used. The second time its sets are
// handed over while they are read, so that memory does not grow with the file.

// judge is the handler of the first reading.
type judge struct {
	*acknowledge.Collector
	p            *partner.Partner
	interchanges []*interchange
	answers      []exchange.Answer // to what we sent
	unreadable   *finding.Finding  // nothing in the file is an interchange
}

// interchange is what the first reading found out about one.
type interchange struct {
	head     validate.Interchange
	foreign  string // why it is not this partner's; empty when it is
	groups   []*groupVerdict
	sets     int
	bad      bits
	good     int
	findings findingList // of the interchange as a whole
	hash     string
	outcome  exchange.Outcome
	first    exchange.Interchange // that had the number before
}

type groupVerdict struct {
	control  string
	good     int
	rejected bool
	findings findingList
}

// usable tells whether sets of it are handed over, if they are good: those of a
// resend are in the core already.
func (i *interchange) usable() bool {
	return i.foreign == "" && !i.head.Rejected && i.outcome != exchange.Resend
}

// number identifies it for the duplicate ledger.
func (i *interchange) number() exchange.Number {
	s, r := i.head.Sender, i.head.Receiver
	return exchange.Number{Sender: s.Qualifier + "/" + s.ID, Receiver: r.Qualifier + "/" + r.ID, Control: i.head.Control}
}

func (i *interchange) memory(f *file) exchange.Interchange {
	return exchange.Interchange{Hash: i.hash, File: f.doc.Name, At: f.doc.ModTime.UTC()}
}

// findingList keeps the first findings and counts the others.
type findingList struct {
	first []finding.Finding
	more  int
}

func (l *findingList) add(f finding.Finding) {
	const most = 10
	if len(l.first) < most {
		l.first = append(l.first, f)
		return
	}
	l.more++
}

// report is the findings for people, a line each.
func (l *findingList) report(mask bool) string {
	var lines []string
	for _, f := range l.first {
		if mask {
			f = f.Masked()
		}
		lines = append(lines, f.String())
	}
	if l.more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", l.more))
	}
	return strings.Join(lines, "\n")
}

// bits is a set of small numbers.
type bits []uint64

func (b *bits) set(n int) {
	for n/64 >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bits) has(n int) bool { return n/64 < len(b) && b[n/64]&(1<<(n%64)) != 0 }

func (j *judge) last() *interchange {
	if len(j.interchanges) == 0 {
		return nil
	}
	return j.interchanges[len(j.interchanges)-1]
}

// BeginInterchange implements validate.Handler.
func (j *judge) BeginInterchange(ic *validate.Interchange) error {
	i := &interchange{head: *ic, foreign: j.p.Mismatch(ic), outcome: exchange.New}
	j.interchanges = append(j.interchanges, i)
	return j.Collector.BeginInterchange(ic)
}

// EndInterchange implements validate.Handler.
func (j *judge) EndInterchange(ic *validate.Interchange) error {
	i := j.last()
	i.head.Rejected, i.head.End = ic.Rejected, ic.End
	return j.Collector.EndInterchange(ic)
}

// BeginGroup implements validate.Handler.
func (j *judge) BeginGroup(g *validate.Group) error {
	i := j.last()
	i.groups = append(i.groups, &groupVerdict{control: g.Control})
	return j.Collector.BeginGroup(g)
}

// EndGroup implements validate.Handler.
func (j *judge) EndGroup(g *validate.Group) error {
	i := j.last()
	v := i.groups[len(i.groups)-1]
	if v.rejected = g.Rejected; v.rejected {
		i.good -= v.good
	}
	return j.Collector.EndGroup(g)
}

// EndSet implements validate.Handler.
func (j *judge) EndSet(s *validate.Set) error {
	if i := j.last(); i != nil {
		if s.Rejected {
			i.bad.set(i.sets)
		} else {
			i.good++
			if len(i.groups) > 0 {
				i.groups[len(i.groups)-1].good++
			}
		}
		i.sets++
	}
	return j.Collector.EndSet(s)
}

// Finding implements validate.Handler.
func (j *judge) Finding(f finding.Finding) error {
	i := j.last()
	switch {
	case i == nil:
		if f.Severity == finding.Reject && j.unreadable == nil {
			j.unreadable = &f
		}
		return nil
	case f.Severity == finding.Info:
		return nil
	case f.Scope == finding.Interchange:
		i.findings.add(f)
	case f.Scope == finding.Group && len(i.groups) > 0:
		i.groups[len(i.groups)-1].findings.add(f)
	}
	return j.Collector.Finding(f)
}

// Segment implements validate.Handler: it reads what acknowledgements say.
func (j *judge) Segment(seg *syntax.Segment, at validate.Place) error {
	if err := j.Collector.Segment(seg, at); err != nil {
		return err
	}
	i := j.last()
	if i == nil || i.foreign != "" {
		return nil
	}
	const most = 100_000
	if len(j.answers) < most {
		j.answers = readAnswer(j.answers, seg, i.head.Control)
	}
	return nil
}

// hashInterchange is the SHA-256 of an interchange's bytes.
func hashInterchange(r io.ReaderAt, size int64, i *interchange) (string, error) {
	end := i.head.End
	if end <= i.head.Offset || end > size {
		end = size
	}
	return hashOf(io.NewSectionReader(r, i.head.Offset, end-i.head.Offset))
}
