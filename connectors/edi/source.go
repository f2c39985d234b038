package edi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// source hands over the sets of a partner's files, and tells of
// acknowledgements that are overdue while there is none.
type source struct {
	cfg      Config
	env      sdk.Env
	grammars *grammar.Library
	guides   *partner.Guides
	fs       filedrop.FS
	drop     *filedrop.Drop
	received *exchange.Received
	sent     *exchange.Sent
	now      func() time.Time

	file *file // in work; touched by Read alone
	look time.Time

	mu sync.Mutex
	// handed are files whose last batch was returned and not acknowledged.
	handed map[string]*file
	// overdue are entries whose event was returned and not acknowledged.
	overdue map[string][]exchange.Entry
}

// Ends of positions. A position only says which acknowledgement settles what:
// a file is claimed, and read again from its beginning after a crash.
const (
	fileEnd    = "/end"
	overdueTag = "overdue/"
)

func newSource(ctx context.Context, cfg Config, env sdk.Env) (*source, error) {
	guides, err := cfg.Partner.Guides(shippedGrammars())
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "edi.overlay", err)
	}
	fsys, err := cfg.Open()
	if err != nil {
		return nil, err
	}
	drop, err := filedrop.OpenDrop(ctx, fsys, filedrop.Options{
		Folder: cfg.Folder, Instance: env.Instance, Match: cfg.Match, StableFor: cfg.StableFor, Every: cfg.Every, MaxSize: cfg.MaxSize,
		Spool: env.DataDir, State: env.State, Log: env.Log,
		// A file sent again is read, not put aside: its interchanges are known by
		// their numbers, and a partner who repeats one waits for our answer.
		Duplicates: filedrop.Never,
	})
	if err != nil {
		_ = fsys.Close()
		return nil, err
	}
	return &source{
		cfg: cfg, env: env, grammars: shippedGrammars(), guides: guides, fs: fsys, drop: drop, now: time.Now,
		received: exchange.NewReceived(env.State, cfg.Partner.Duplicates.Remember, time.Now), sent: exchange.NewSent(env.State),
		handed: map[string]*file{}, overdue: map[string][]exchange.Entry{},
	}, nil
}

// Read returns the next records of the file in work, of the next file, or of
// acknowledgements that are overdue.
func (s *source) Read(ctx context.Context) (sdk.Batch, error) {
	for {
		if s.file == nil {
			if b, err := s.late(ctx); err != nil || len(b.Records) > 0 {
				return b, err
			}
			doc, err := s.drop.Within(ctx, lookAgain)
			if err != nil {
				return sdk.Batch{}, err
			}
			if doc == nil {
				continue
			}
			if s.file, err = s.open(ctx, doc); err != nil {
				s.drop.Release(doc)
				return sdk.Batch{}, err
			}
		}
		b, last, err := s.file.next()
		if err != nil {
			s.drop.Release(s.file.doc)
			s.file = nil
			return sdk.Batch{}, err
		}
		if last {
			s.mu.Lock()
			s.handed[s.file.doc.ID] = s.file
			s.mu.Unlock()
			s.file = nil
		}
		return b, nil
	}
}

// lookAgain is how often overdue acknowledgements are looked for.
const lookAgain = 30 * time.Second

// late makes the events of acknowledgements that are overdue. They are told until
// the core has them.
func (s *source) late(ctx context.Context) (sdk.Batch, error) {
	now := s.now()
	if now.Before(s.look) || len(s.cfg.Partner.Expect.Kinds) == 0 {
		return sdk.Batch{}, nil
	}
	const most = 100
	list, err := s.sent.Late(ctx, func(n uint64) string { return s.cfg.control(n) }, now, most)
	if err != nil {
		return sdk.Batch{}, err
	}
	s.look = now.Add(lookAgain)
	var b sdk.Batch
	for _, e := range list {
		s.env.Log.Warn("the partner has not acknowledged what we sent; ask for it, and whether it arrived",
			"partner", s.cfg.Partner.ID, "control", e.Control, "file", e.File, "sent", e.At, "due", e.Due)
		e.Status = exchange.Overdue
		records, err := statusRecords(s.cfg.Partner.ID, "overdue", e, now)
		if err != nil {
			return b, err
		}
		b.Records = append(b.Records, records...)
	}
	if len(list) > 0 {
		b.Position = fmt.Appendf(nil, "%s%d", overdueTag, now.UnixNano())
		s.mu.Lock()
		s.overdue[string(b.Position)] = list
		s.mu.Unlock()
	}
	return b, nil
}

// Ack settles what a batch ended: the partner is answered, then the file put
// away, in this order. A crash in between repeats the answer under the same name
// and never forgets it.
func (s *source) Ack(ctx context.Context, position []byte) error {
	at := string(position)
	s.mu.Lock()
	list := s.overdue[at]
	delete(s.overdue, at)
	id, ended := strings.CutSuffix(at, fileEnd)
	f := s.handed[id]
	if ended {
		delete(s.handed, id)
	}
	s.mu.Unlock()
	for _, e := range list {
		if err := s.sent.MarkLate(ctx, e.Control, e.Number); err != nil {
			return err
		}
	}
	if f == nil || !ended {
		return nil
	}
	if err := s.settle(ctx, f); err != nil {
		s.drop.Release(f.doc) // read again, answered again
		return err
	}
	if f.unusable != nil {
		return s.drop.Quarantine(ctx, f.doc, f.unusable)
	}
	return s.drop.Archive(ctx, f.doc)
}

// settle answers the partner and writes down what came.
func (s *source) settle(ctx context.Context, f *file) error {
	for _, a := range f.answers {
		name := strings.TrimSuffix(s.cfg.AckFolder, "/") + "/" + a.name
		if _, err := filedrop.Put(ctx, s.fs, name, a.content, filedrop.PutOptions{}); err != nil {
			return fmt.Errorf("writing the acknowledgement %s for %s: %w", a.name, f.doc.Name, err)
		}
	}
	for _, a := range f.noted {
		if _, _, err := s.sent.Note(ctx, a); err != nil {
			return err
		}
	}
	for _, i := range f.interchanges {
		if i.usable() && i.outcome == exchange.New {
			if err := s.received.Remember(ctx, i.number(), i.memory(f)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close leaves claims for the next run.
func (s *source) Close() error {
	if s.file != nil {
		s.file.close()
	}
	return errors.Join(s.drop.Close(), s.fs.Close())
}

// Check tests what reading the partner's folder needs.
func (s *source) Check(ctx context.Context) []sdk.Step {
	steps := s.cfg.CheckRead(ctx, s.cfg.Folder)
	if s.cfg.AckFolder != "" {
		steps = append(steps, s.cfg.CheckWrite(ctx, s.cfg.AckFolder)...)
	}
	return steps
}
