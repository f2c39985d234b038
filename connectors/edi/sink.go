package edi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// writesAtOnce bounds the files in work; they share one connection.
const writesAtOnce = 8

// sink writes documents to the partner.
type sink struct {
	cfg      Config
	env      sdk.Env
	grammars *grammar.Library
	guides   *partner.Guides
	fs       filedrop.FS
	// written remembers what was delivered after the partner collected it.
	written *filedrop.Ledger[filedrop.Seen]
	sent    *exchange.Sent
	outbox  *outbox
	now     func() time.Time

	mu      sync.Mutex
	writing map[uint64]bool // interchanges of the outbox that a Write has in work
}

// remember is how long a sink knows what it wrote. A partner whose translator
// keeps control numbers recognises a repetition for as long as it does.
const remember = 30 * 24 * time.Hour

func newSink(cfg Config, env sdk.Env) (*sink, error) {
	guides, err := cfg.Partner.Guides(shippedGrammars())
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "edi.overlay", err)
	}
	fsys, err := cfg.Open()
	if err != nil {
		return nil, err
	}
	return &sink{
		cfg: cfg, env: env, grammars: shippedGrammars(), guides: guides, fs: fsys, now: time.Now, writing: map[uint64]bool{},
		written: filedrop.NewLedger[filedrop.Seen](env.State, "written", remember, time.Now),
		sent:    exchange.NewSent(env.State), outbox: &outbox{state: env.State},
	}, nil
}

// letter is a record on its way into an interchange.
type letter struct {
	id     string // of the record
	doc    *compose.Document
	set    *grammar.Set
	key    string
	size   int
	result *sdk.Result // nil while nothing is known
}

func (l *letter) fail(class sdk.Class, code string, err error) {
	l.result = &sdk.Result{Err: sdk.Fail(class, code, err)}
}

func repeated(control string) *sdk.Result {
	return &sdk.Result{ExternalID: control, Err: sdk.Failf(sdk.Duplicate, "edi.exists", "it was written before, with control number %s", control)}
}

// Write numbers the records in their order, as many to an interchange as was
// agreed, then writes the files several at a time.
func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	if err := s.finishOutbox(ctx); err != nil {
		out := make([]sdk.Result, len(recs))
		for i := range out {
			out[i].Err = sdk.Fail(sdk.Retryable, "edi.outbox", err)
		}
		return out
	}
	letters := make(map[string]*letter, len(recs))
	var order []*letter
	for _, r := range recs {
		if letters[r.ID] == nil {
			l := s.letter(ctx, r)
			letters[r.ID] = l
			order = append(order, l)
		}
	}
	envelopes := s.envelopes(ctx, order)
	var wg sync.WaitGroup
	room := make(chan struct{}, writesAtOnce)
	for _, e := range envelopes {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			s.post(ctx, e)
		})
	}
	wg.Wait()
	out := make([]sdk.Result, len(recs))
	for i, r := range recs {
		l := letters[r.ID]
		out[i] = *l.result
		if l.result.Err == nil {
			// The same record once more in this batch is a repetition.
			l.result = repeated(l.result.ExternalID)
		}
	}
	return out
}

// letter reads a record.
func (s *sink) letter(ctx context.Context, r sdk.Record) *letter {
	l := &letter{id: r.ID, size: len(r.Payload)}
	seen, known, err := s.written.Lookup(ctx, filedrop.Identity(r.ID))
	if err != nil {
		l.fail(sdk.Retryable, "edi.state", err)
		return l
	}
	if known {
		l.result = repeated(seen.Name)
		return l
	}
	if l.doc, err = compose.Read(r.Payload); err != nil {
		l.fail(sdk.Permanent, "edi.document", err)
		return l
	}
	if l.set, err = s.cfg.Partner.FindSet(s.grammars, l.doc.Set(), l.doc.Member()); err != nil {
		l.fail(sdk.Permanent, "edi.document", err)
		return l
	}
	l.key = l.doc.Key(l.set)
	// What cannot be written must not use up a control number: the partner would
	// miss it for ever.
	if _, err := s.cfg.Partner.Agreement(l.set, s.guides).Interchange(s.grammars, []*compose.Document{l.doc}, compose.Numbers{Interchange: 1, At: s.now().UTC()}); err != nil {
		l.fail(sdk.Permanent, "edi.document", err)
	}
	return l
}

// envelope is an interchange to be written.
type envelope struct {
	number  uint64
	control string
	letters []*letter
	file    string
	content []byte
}

// settle gives every letter of the envelope a result.
func (e *envelope) settle(r sdk.Result) {
	for _, l := range e.letters {
		l.result = &r
	}
}

// largestBatch bounds the content of an interchange of several documents, which
// the core keeps until it is delivered.
const largestBatch = 1 << 20

// envelopes puts letters together and gives each envelope its number, bound to
// the first record in it: a crash after that draws the same number again.
func (s *sink) envelopes(ctx context.Context, order []*letter) []*envelope {
	var out []*envelope
	open := map[*grammar.Set]*envelope{}
	sizes := map[*envelope]int{}
	for _, l := range order {
		if l.result != nil {
			continue
		}
		e := open[l.set]
		if e == nil || len(e.letters) >= s.cfg.Partner.Batch.Documents || sizes[e]+l.size > largestBatch {
			e = &envelope{}
			open[l.set] = e
			out = append(out, e)
		}
		e.letters = append(e.letters, l)
		sizes[e] += l.size
	}
	ready := out[:0]
	for _, e := range out {
		if err := s.seal(ctx, e); err != nil {
			e.settle(sdk.Result{Err: err})
			continue
		}
		ready = append(ready, e)
	}
	return ready
}

// seal numbers, dates and composes an interchange.
func (s *sink) seal(ctx context.Context, e *envelope) error {
	p := &s.cfg.Partner
	var err error
	if e.number, err = s.env.State.Next(ctx, p.Sequence(), e.letters[0].id); err != nil {
		return sdk.Fail(sdk.Retryable, "edi.sequence", fmt.Errorf("drawing a control number for %s: %w", p.ID, err))
	}
	set := e.letters[0].set
	e.control = s.cfg.control(e.number)
	e.file = inFolder(s.cfg.Folder, set.ID+"_"+e.control+".edi")
	entry := exchange.Entry{Number: e.number, Control: e.control, File: e.file, At: s.now().UTC().Truncate(time.Second), Status: exchange.Unanswered}
	if len(p.Expect.Kinds) > 0 {
		entry.Status, entry.Due = exchange.Waiting, entry.At.Add(p.Expect.Within)
	}
	docs := make([]*compose.Document, len(e.letters))
	for i, l := range e.letters {
		docs[i] = l.doc
		entry.Documents = append(entry.Documents, exchange.Document{Set: set.ID, Control: fmt.Sprintf("%04d", i+1), Key: l.key, Message: l.id})
	}
	// What was registered first dates the envelope: written again, it is the same file.
	if entry, err = s.sent.Register(ctx, entry); err != nil {
		return sdk.Fail(sdk.Retryable, "edi.state", err)
	}
	e.content, err = p.Agreement(set, s.guides).Interchange(s.grammars, docs, compose.Numbers{Interchange: p.ControlNumber(e.number), At: entry.At})
	if err != nil {
		return sdk.Fail(sdk.Permanent, "edi.document", err)
	}
	if len(e.letters) > 1 {
		s.own(e.number, true)
		if err := s.outbox.put(ctx, e); err != nil {
			s.own(e.number, false)
			return sdk.Fail(sdk.Retryable, "edi.outbox", err)
		}
	}
	return nil
}

func (s *sink) own(number uint64, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mine {
		s.writing[number] = true
	} else {
		delete(s.writing, number)
	}
}

// post writes the file and remembers that it was written.
func (s *sink) post(ctx context.Context, e *envelope) {
	defer s.own(e.number, false)
	outcome, err := filedrop.Put(ctx, s.fs, e.file, e.content, filedrop.PutOptions{})
	if err != nil {
		e.settle(sdk.Result{Err: err})
		return
	}
	for _, l := range e.letters {
		if err := s.written.Remember(ctx, filedrop.Identity(l.id), filedrop.Seen{Name: e.control, At: s.now().UTC()}); err != nil {
			e.settle(sdk.Result{Err: sdk.Fail(sdk.Retryable, "edi.state", err)})
			return
		}
	}
	if len(e.letters) > 1 {
		if err := s.outbox.done(ctx, e.number); err != nil {
			// Delivered and remembered; the next Write finds the file there.
			s.env.Log.Debug("an interchange stays in the outbox", "control", e.control, "error", err)
		}
	}
	if outcome == filedrop.AlreadyThere {
		e.settle(*repeated(e.control))
		return
	}
	e.settle(sdk.Result{ExternalID: e.control})
}

// finishOutbox delivers interchanges of several documents that an earlier Write
// or process left: their documents may come again in another company, and must
// then be known as written.
func (s *sink) finishOutbox(ctx context.Context) error {
	if s.cfg.Partner.Batch.Documents < 2 {
		return nil
	}
	numbers, err := s.outbox.pending(ctx)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		s.mu.Lock()
		busy := s.writing[n]
		s.writing[n] = true
		s.mu.Unlock()
		if busy {
			continue
		}
		e, err := s.outbox.get(ctx, n)
		if err != nil || e == nil {
			s.own(n, false)
			if err != nil {
				return err
			}
			continue
		}
		s.post(ctx, e)
		var known *sdk.Error
		if r := e.letters[0].result; r.Err != nil && (!errors.As(r.Err, &known) || known.Class != sdk.Duplicate) {
			return r.Err
		}
	}
	return nil
}

// Check tests what writing to the partner's folder needs.
func (s *sink) Check(ctx context.Context) []sdk.Step { return s.cfg.CheckWrite(ctx, s.cfg.Folder) }

// Close ends the connection.
func (s *sink) Close() error { return s.fs.Close() }
