package edi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// file is one in work: judged, and being handed over.
type file struct {
	s            *source
	doc          *filedrop.Document
	interchanges []*interchange
	answers      []outgoing
	noted        []exchange.Answer
	// kept is where the file will be, for its dead letters.
	kept string
	// unusable is set when nothing of it is used: it goes to the error folder.
	unusable error

	content io.ReadSeekCloser
	pull    func() (step, error, bool)
	stop    func()
}

// outgoing is an acknowledgement to be written.
type outgoing struct {
	name    string
	content []byte
}

// step is a batch of the second reading.
type step struct {
	batch sdk.Batch
	last  bool
}

// open judges a file and prepares what is due: answers, notes, dead letters.
func (s *source) open(ctx context.Context, doc *filedrop.Document) (*file, error) {
	f := &file{s: s, doc: doc, kept: doc.Name}
	if doc.Problem != nil {
		return f, f.refuse(ctx, sdk.Fail(sdk.Permanent, "edi.size", doc.Problem))
	}
	j, err := s.judge(f)
	if err != nil {
		return nil, err
	}
	if len(j.interchanges) == 0 {
		return f, f.refuse(ctx, &sdk.Error{Class: sdk.Permanent, Code: "edi.not-edi", Message: j.reason(), Hint: "a file of another kind does not belong into this folder"})
	}
	if err := f.compare(ctx, j); err != nil {
		return nil, err
	}
	if s.cfg.AckFolder != "" {
		if err := f.planAnswers(ctx, j); err != nil {
			return nil, err
		}
	}
	events, err := f.planNotes(ctx, j)
	if err != nil {
		return nil, err
	}
	if err := f.planDeadLetters(ctx); err != nil {
		return nil, err
	}
	return f, f.begin(events)
}

// judge reads the file the first time.
func (s *source) judge(f *file) (*judge, error) {
	content, err := s.drop.Open(f.doc)
	if err != nil {
		return nil, sdk.Fail(sdk.Retryable, "edi.spool", err)
	}
	j := &judge{Collector: &acknowledge.Collector{}, p: &s.cfg.Partner}
	if err := s.validator().Run(content, j.p.Checking(j)); err != nil {
		return nil, errors.Join(sdk.Fail(sdk.Retryable, "edi.spool", err), content.Close())
	}
	f.interchanges = j.interchanges
	if at, ok := content.(io.ReaderAt); ok {
		for _, i := range f.interchanges {
			if i.hash, err = hashInterchange(at, f.doc.Size, i); err != nil {
				return nil, errors.Join(sdk.Fail(sdk.Retryable, "edi.spool", err), content.Close())
			}
		}
	}
	return j, content.Close()
}

func hashOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// reason says why nothing in the file is an interchange.
func (j *judge) reason() string {
	if j.unreadable == nil {
		return "the file is empty"
	}
	return j.unreadable.String()
}

// refuse sets the whole file aside.
func (f *file) refuse(ctx context.Context, cause error) error {
	where, err := f.s.drop.PlanQuarantine(ctx, f.doc)
	if err != nil {
		return err
	}
	f.unusable, f.kept = cause, where
	var content []byte
	if f.doc.Problem == nil {
		r, err := f.s.drop.Open(f.doc)
		if err != nil {
			return sdk.Fail(sdk.Retryable, "edi.spool", err)
		}
		content, err = io.ReadAll(io.LimitReader(r, keptContent))
		if err = errors.Join(err, r.Close()); err != nil {
			return sdk.Fail(sdk.Retryable, "edi.spool", err)
		}
	}
	u := sdk.Unreadable{
		ID: f.doc.ID, Err: cause, Content: content, ContentType: "application/octet-stream",
		Meta: map[string]string{"file": where, "key.file": f.doc.Name},
	}
	f.pull, f.stop = iter.Pull2(func(yield func(step, error) bool) {
		yield(step{batch: sdk.Batch{Unreadable: []sdk.Unreadable{u}, Position: f.position(fileEnd)}, last: true}, nil)
	})
	return nil
}

// keptContent is how much of what is refused a dead letter holds; the file itself
// is kept whole in its archive or error folder.
const keptContent = 8 << 20

// compare asks the duplicate ledger about every interchange.
func (f *file) compare(ctx context.Context, j *judge) error {
	p := &f.s.cfg.Partner
	for n, i := range f.interchanges {
		if i.foreign != "" || i.head.Rejected || i.head.Control == "" {
			continue
		}
		if err := f.known(ctx, i); err != nil {
			return err
		}
		switch i.outcome {
		case exchange.Resend:
			f.s.env.Log.Info("an interchange came again and is answered again, not used again", "partner", p.ID, "interchange", i.head.Control, "file", f.doc.Name, "first", i.first.File, "at", i.first.At)
		case exchange.Clash:
			w := finding.Finding{
				Code: finding.PartnerClash, Level: finding.Partner, Severity: finding.Reject, Scope: finding.Interchange, TA105: "025", EDIFACT: "26",
				Control: i.head.Control, Segment: "ISA", Element: 13, Position: 1, Offset: i.head.Offset, Value: i.head.Control,
				Message: fmt.Sprintf("the interchange control number %s came before with other content, in %s on %s", i.head.Control, i.first.File, i.first.At.Format(time.DateOnly)),
				Hint:    "every interchange needs a number of its own; send what is new under a new number",
			}
			if i.head.Standard == syntax.EDIFACT {
				w.Segment, w.Element = "UNB", 5
			}
			if p.Duplicates.Clash == "warn" {
				f.s.env.Log.Warn("a control number is used again", "partner", p.ID, "interchange", i.head.Control, "file", f.doc.Name, "reason", w.Message)
				continue
			}
			i.head.Rejected = true
			i.findings.add(w)
			j.Refuse(n, w)
		}
	}
	return nil
}

// known compares an interchange with those of files whose records are on their
// way, and with those that were settled.
func (f *file) known(ctx context.Context, i *interchange) (err error) {
	if o, file := f.s.onItsWay(i.number()); o != nil {
		i.first, i.outcome = o.memory(file), exchange.Clash
		if o.hash == i.hash {
			i.outcome = exchange.Resend
		}
		return nil
	}
	i.outcome, i.first, err = f.s.received.Compare(ctx, i.number(), i.memory(f))
	return err
}

// onItsWay finds the interchange of a number in files that are not settled.
func (s *source) onItsWay(n exchange.Number) (*interchange, *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.handed {
		for _, i := range f.interchanges {
			if i.number() == n && i.usable() && i.outcome == exchange.New {
				return i, f
			}
		}
	}
	return nil, nil
}

// planAnswers writes the acknowledgements that are due. Their control numbers are
// bound to the interchange's content, so that a file read again after a crash,
// or an interchange sent again, is answered with the same acknowledgement.
func (f *file) planAnswers(ctx context.Context, j *judge) error {
	p, s := &f.s.cfg.Partner, f.s
	with := partner.Replying{
		Number: func(n int, a acknowledge.Answer) (uint64, time.Time, error) {
			i, at := f.interchanges[a.Interchange], f.doc.ModTime.UTC()
			if i.outcome == exchange.Resend {
				at = i.first.At
			}
			number, err := s.env.State.Next(ctx, p.Sequence(), fmt.Sprintf("%s/%s/%s/%d", a.Kind, i.hash, a.Group, n))
			return number, at, err
		},
		Unanswered: func(u partner.Unanswered) {
			if !u.Agreed {
				// What was wrong is kept as a dead letter; the files behind this one must
				// not wait for an answer that nobody can write.
				s.env.Log.Warn("a file is not answered; tell the partner what is wrong", "kind", u.Kind, "file", f.doc.Name, "interchange", u.Interchange, "reason", u.Why)
			}
		},
	}
	if p.Newline {
		with.Suffix = "\n"
	}
	replies, err := p.Replies(j.Collector, with)
	for _, r := range replies {
		f.answers = append(f.answers, outgoing{name: fmt.Sprintf("%s_%s.edi", r.Kind, s.cfg.control(r.Number)), content: r.Content})
	}
	return err
}

// planNotes looks up what the partner's acknowledgements answer, and makes the
// events that tell it.
func (f *file) planNotes(ctx context.Context, j *judge) ([]sdk.Record, error) {
	usable := map[string]bool{}
	for _, i := range f.interchanges {
		usable[i.head.Control] = i.foreign == "" && !i.head.Rejected
	}
	var events []sdk.Record
	for _, a := range j.answers {
		if !usable[a.Control] || a.Status == "" {
			continue
		}
		a.At = f.doc.ModTime.UTC()
		e, err := f.s.sent.Find(ctx, a.Of)
		if err != nil {
			return nil, err
		}
		if e.Number == 0 {
			f.s.env.Log.Warn("the partner acknowledges what we did not send", "partner", f.s.cfg.Partner.ID, "kind", a.Kind, "control", a.Of, "interchange", a.Control, "file", f.doc.Name)
			continue
		}
		f.noted = append(f.noted, a)
		if after, changed := e.After(a); changed {
			records, err := statusRecords(f.s.cfg.Partner.ID, a.Kind+"/"+a.Control, after, a.At)
			if err != nil {
				return nil, err
			}
			events = append(events, records...)
		}
	}
	return events, nil
}

// planDeadLetters chooses the place of a file of which nothing can be used.
func (f *file) planDeadLetters(ctx context.Context) error {
	var reasons []error
	for _, i := range f.interchanges {
		switch why := i.refused(f.s.cfg.Partner.Mask); {
		case why != nil:
			reasons = append(reasons, why)
		case i.outcome == exchange.Resend || i.good > 0 || i.sets == 0:
			return nil
		default:
			reasons = append(reasons, fmt.Errorf("every set of interchange %s is rejected", i.head.Control))
		}
	}
	where, err := f.s.drop.PlanQuarantine(ctx, f.doc)
	if err != nil {
		return err
	}
	f.unusable, f.kept = errors.Join(reasons...), where
	return nil
}

// refused says why an interchange as a whole is not used; nil when it is.
func (i *interchange) refused(mask bool) error {
	switch {
	case i.foreign != "":
		return sdk.Failf(sdk.Permanent, "edi.partner", "interchange %s: %s", i.head.Control, i.foreign)
	case i.head.Rejected:
		return sdk.Failf(sdk.Permanent, "edi.interchange", "interchange %s is rejected:\n%s", i.head.Control, i.findings.report(mask))
	}
	return nil
}

// begin starts the second reading.
func (f *file) begin(events []sdk.Record) error {
	var err error
	if f.content, err = f.s.drop.Open(f.doc); err != nil {
		return sdk.Fail(sdk.Retryable, "edi.spool", err)
	}
	f.pull, f.stop = iter.Pull2(func(yield func(step, error) bool) {
		h := newHandover(f, yield)
		h.batch.Records = events
		err := f.s.validator().Run(f.content, h)
		switch {
		case errors.Is(err, errStopped):
		case err != nil:
			yield(step{}, err)
		default:
			h.flush(true)
		}
	})
	return nil
}

// next returns the next batch; last tells that the file ends with it.
func (f *file) next() (sdk.Batch, bool, error) {
	st, err, more := f.pull()
	if !more {
		return sdk.Batch{}, true, sdk.Failf(sdk.Bug, "edi.file", "the file %s was read beyond its end", f.doc.Name)
	}
	if err != nil || st.last {
		f.close()
	}
	return st.batch, st.last, err
}

func (f *file) close() {
	if f.stop != nil {
		f.stop()
	}
	if f.content != nil {
		_ = f.content.Close() // read only
		f.content = nil
	}
}

func (f *file) position(end string) []byte { return []byte(f.doc.ID + end) }

func (s *source) validator() *validate.Validator {
	return s.cfg.Partner.Validator(s.grammars, s.guides)
}

func contentType(std syntax.Standard) string {
	if std == syntax.EDIFACT {
		return "application/EDIFACT"
	}
	return "application/edi-x12"
}

// entity names a set in the connector's words: x12.850, edifact.ORDERS.
func entity(std syntax.Standard, set string) string {
	return strings.ToLower(std.String()) + "." + set
}
