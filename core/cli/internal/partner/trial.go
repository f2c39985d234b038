package partner

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/finding"
	agreement "github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
	"github.com/crossdock/crossdock/core/mapping"
)

// Report is the grade of a partner's samples. Scripts rely on its JSON.
type Report struct {
	Partner string          `json:"partner"`
	Name    string          `json:"name,omitempty"`
	At      time.Time       `json:"at"`
	Verdict verdict.Verdict `json:"verdict"`
	// Unmapped counts the documents that are accepted and that their mapping refuses.
	Unmapped int     `json:"unmapped"`
	Files    []*File `json:"files"`
}

// File is the grade of one sample.
type File struct {
	Name         string            `json:"file"`
	Size         int               `json:"size"`
	SHA256       string            `json:"sha256"`
	Verdict      verdict.Verdict   `json:"verdict"`
	Standard     string            `json:"standard"`
	Interchanges []*Interchange    `json:"interchanges"`
	Findings     []finding.Finding `json:"findings"`
	// More is how many findings were left out.
	More int `json:"more,omitempty"`
	// Answers are the acknowledgements that would be sent; Unanswered says why
	// there is none.
	Answers    []Answer `json:"acknowledgements"`
	Unanswered []string `json:"unanswered,omitempty"`

	content []byte
}

// Interchange is one of a sample.
type Interchange struct {
	Control  string `json:"control_number"`
	Sender   string `json:"sender"`
	Receiver string `json:"receiver"`
	Version  string `json:"version"`
	Usage    string `json:"usage"`
	Date     string `json:"date"`
	Time     string `json:"time"`
	// Foreign says why it is not the partner's to us.
	Foreign  string `json:"foreign,omitempty"`
	Rejected bool   `json:"rejected"`
	Sets     []*Set `json:"sets"`
	// More is how many sets were left out.
	More int `json:"more,omitempty"`

	offset int64
}

// Set is one of an interchange.
type Set struct {
	ID          string          `json:"set"`
	Control     string          `json:"control_number"`
	Group       string          `json:"group,omitempty"`
	Release     string          `json:"release"`
	Association string          `json:"association,omitempty"`
	Key         string          `json:"key,omitempty"`
	Segments    int             `json:"segments"`
	Verdict     verdict.Verdict `json:"verdict"`
	Mapping     string          `json:"mapping,omitempty"`
	Documents   []*Document     `json:"documents"`
}

// Document is the record that the connector would hand over: a set, or a part of a
// long one.
type Document struct {
	Part int             `json:"part,omitempty"`
	JSON json.RawMessage `json:"document"`
	// Canonical is what the mapping makes of it; Error is why it makes nothing.
	Canonical json.RawMessage   `json:"canonical,omitempty"`
	Error     string            `json:"mapping_error,omitempty"`
	Warnings  []mapping.Finding `json:"mapping_warnings,omitempty"`
}

// Answer is an acknowledgement.
type Answer struct {
	Kind        acknowledge.Kind `json:"kind"`
	Interchange string           `json:"interchange"`
	Group       string           `json:"group,omitempty"`
	Segments    []string         `json:"segments"`
}

// Bounds of what is kept of one file; verdicts and counts go on beyond them.
const (
	maxSample    = 64 << 20
	maxFindings  = 1000
	maxSets      = 1000
	maxDocuments = 16 << 20 // bytes
)

// trial is the handler that grades a file: the partner's findings are added around
// it, as for the connector.
type trial struct {
	p      *agreement.Partner
	ack    *acknowledge.Collector
	shaper *shape.Shaper
	file   *File

	ic    *Interchange
	group string
	open  []*Set // of the group
	set   *Set   // nil beyond maxSets
	kept  int    // bytes of documents
}

// grade reads a file as the connector would.
func (r *runner) grade(name string, content []byte) (*File, error) {
	sum := sha256.Sum256(content)
	f := &File{
		Name: name, Size: len(content), SHA256: hex.EncodeToString(sum[:]), Verdict: verdict.Accept,
		Interchanges: []*Interchange{}, Findings: []finding.Finding{}, Answers: []Answer{}, content: content,
	}
	t := &trial{p: r.p, ack: &acknowledge.Collector{}, file: f}
	t.shaper = shape.New(shape.Options{
		PartItems: func(s *validate.Set) int { return r.p.LinesPerRecord(s.ID) },
		Each:      t.document,
	})
	if err := r.p.Validator(r.library, r.guides).Run(bytes.NewReader(content), r.p.Checking(t)); err != nil {
		return nil, err
	}
	if len(f.Interchanges) == 0 {
		f.Verdict = verdict.Reject // an empty file has no finding
	}
	return f, r.answer(f, t.ack)
}

// BeginInterchange implements validate.Handler.
func (t *trial) BeginInterchange(ic *validate.Interchange) error {
	t.ic = &Interchange{
		Control: ic.Control, Sender: ic.Sender.Qualifier + "/" + ic.Sender.ID, Receiver: ic.Receiver.Qualifier + "/" + ic.Receiver.ID,
		Version: ic.Version, Usage: ic.Usage, Date: ic.Date, Time: ic.Time, Foreign: t.p.Mismatch(ic), Sets: []*Set{}, offset: ic.Offset,
	}
	t.file.Standard = ic.Standard.String()
	t.file.Interchanges = append(t.file.Interchanges, t.ic)
	t.group = ""
	if err := t.ack.BeginInterchange(ic); err != nil {
		return err
	}
	if f, foreign := t.p.Foreign(ic); foreign {
		t.note(f)
	}
	return t.shaper.BeginInterchange(ic)
}

// EndInterchange implements validate.Handler.
func (t *trial) EndInterchange(ic *validate.Interchange) error {
	t.ic.Rejected = ic.Rejected
	if ic.Rejected || t.ic.Foreign != "" {
		for _, s := range t.ic.Sets {
			s.Verdict = verdict.Reject
		}
	}
	if err := t.ack.EndInterchange(ic); err != nil {
		return err
	}
	return t.shaper.EndInterchange(ic)
}

// BeginGroup implements validate.Handler.
func (t *trial) BeginGroup(g *validate.Group) error {
	t.group, t.open = g.Control, nil
	if err := t.ack.BeginGroup(g); err != nil {
		return err
	}
	return t.shaper.BeginGroup(g)
}

// EndGroup implements validate.Handler.
func (t *trial) EndGroup(g *validate.Group) error {
	if g.Rejected {
		for _, s := range t.open {
			s.Verdict = verdict.Reject
		}
	}
	t.group, t.open = "", nil
	if err := t.ack.EndGroup(g); err != nil {
		return err
	}
	return t.shaper.EndGroup(g)
}

// BeginSet implements validate.Handler.
func (t *trial) BeginSet(s *validate.Set) error {
	t.set = nil
	switch {
	case t.ic == nil: // a message without its interchange: the validator says so
	case len(t.ic.Sets) >= maxSets:
		t.ic.More++
	default:
		t.set = &Set{
			ID: s.ID, Control: s.Control, Group: t.group, Release: s.Release, Association: s.Association,
			Verdict: verdict.Accept, Mapping: t.p.Receive[s.ID].Mapping, Documents: []*Document{},
		}
		t.ic.Sets = append(t.ic.Sets, t.set)
		t.open = append(t.open, t.set)
	}
	if err := t.ack.BeginSet(s); err != nil {
		return err
	}
	return t.shaper.BeginSet(s)
}

// Segment implements validate.Handler.
func (t *trial) Segment(seg *syntax.Segment, at validate.Place) error {
	if err := t.ack.Segment(seg, at); err != nil {
		return err
	}
	return t.shaper.Segment(seg, at)
}

// EndSet implements validate.Handler.
func (t *trial) EndSet(s *validate.Set) error {
	if t.set != nil {
		t.set.Segments = s.Segments
		if s.Rejected {
			t.set.Verdict = verdict.Reject
		}
	}
	if err := t.shaper.EndSet(s); err != nil {
		return err
	}
	t.set = nil
	return t.ack.EndSet(s)
}

// Finding implements validate.Handler.
func (t *trial) Finding(f finding.Finding) error {
	if f.Severity == finding.Warning && f.Scope == finding.Set && t.set != nil && t.set.Verdict == verdict.Accept {
		t.set.Verdict = verdict.AcceptWarn
	}
	t.note(f)
	return t.ack.Finding(f)
}

func (t *trial) note(f finding.Finding) {
	switch {
	case f.Severity == finding.Reject:
		t.file.Verdict = verdict.Reject
	case f.Severity == finding.Warning && t.file.Verdict == verdict.Accept:
		t.file.Verdict = verdict.AcceptWarn
	}
	if len(t.file.Findings) == maxFindings {
		t.file.More++
		return
	}
	t.file.Findings = append(t.file.Findings, f)
}

// document takes a set, or a part of one, from the shaper.
func (t *trial) document(d *shape.Document) error {
	if t.set == nil {
		return nil
	}
	t.set.Key = cmp.Or(d.Key, t.set.Key)
	if t.kept += len(d.JSON); t.kept <= maxDocuments {
		t.set.Documents = append(t.set.Documents, &Document{Part: d.Part, JSON: bytes.Clone(d.JSON)})
	}
	return nil
}

// answer writes the acknowledgements that the agreement asks for. No control
// number is drawn: they count from the first of the agreement.
func (r *runner) answer(f *File, c *acknowledge.Collector) error {
	told := map[string]bool{}
	none := func(why string) {
		if !told[why] {
			told[why] = true
			f.Unanswered = append(f.Unanswered, why)
		}
	}
	var drawn uint64
	replies, err := r.p.Replies(c, agreement.Replying{
		Number: func(int, acknowledge.Answer) (uint64, time.Time, error) {
			drawn++
			return drawn, r.at, nil
		},
		Unanswered: func(u agreement.Unanswered) { none(u.Why) },
		Suffix:     "\n", // a segment a line, for people
	})
	if err != nil {
		return err
	}
	for _, a := range replies {
		var segments []string
		for line := range strings.Lines(string(a.Content)) {
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				segments = append(segments, line)
			}
		}
		f.Answers = append(f.Answers, Answer{Kind: a.Kind, Interchange: a.Header().Control, Group: a.Group, Segments: segments})
	}
	if len(f.Answers) == 0 && len(told) == 0 && len(f.Interchanges) > 0 {
		none(fmt.Sprintf("nothing in it is answered with %v", r.p.Kinds()))
	}
	return nil
}
