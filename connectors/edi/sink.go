package edi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/x12"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// writesAtOnce bounds the files in work; they share one connection.
const writesAtOnce = 8

// sink writes documents to the partner, one interchange each.
type sink struct {
	cfg Config
	env sdk.Env
	fs  filedrop.FS
	// written remembers what was delivered after the partner collected it.
	written *filedrop.Ledger
}

// remember is how long a sink knows what it wrote. A partner whose translator
// keeps control numbers recognises a repetition for as long as it does.
const remember = 30 * 24 * time.Hour

func newSink(cfg Config, env sdk.Env) (*sink, error) {
	fsys, err := cfg.Open()
	if err != nil {
		return nil, err
	}
	return &sink{cfg: cfg, env: env, fs: fsys, written: filedrop.NewLedger(env.State, "written", remember, time.Now)}, nil
}

// Write numbers the records in their order, then writes the files several at a
// time.
func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	files := make(map[string]*file, len(recs))
	for _, r := range recs {
		if files[r.ID] == nil {
			files[r.ID] = s.number(ctx, r)
		}
	}
	return sdk.Each(ctx, recs, writesAtOnce, func(ctx context.Context, r sdk.Record) sdk.Result {
		f := files[r.ID]
		if f.done != nil {
			return *f.done
		}
		res := s.put(ctx, f)
		if res.Err == nil {
			// The same record once more in this batch is a repetition.
			f.done = f.repeated()
		}
		return res
	})
}

// file is a record with its control number, ready to be written.
type file struct {
	id      string
	control string
	name    string
	content []byte
	done    *sdk.Result // nothing is left to write
}

func (f *file) repeated() *sdk.Result {
	return &sdk.Result{ExternalID: f.control, Err: sdk.Failf(sdk.Duplicate, "edi.exists", "it was written before, with control number %s", f.control)}
}

// number makes a record's interchange.
func (s *sink) number(ctx context.Context, r sdk.Record) *file {
	f := &file{id: filedrop.Identity(r.ID)}
	fail := func(class sdk.Class, code string, err error) *file {
		f.done = &sdk.Result{Err: sdk.Fail(class, code, err)}
		return f
	}
	seen, known, err := s.written.Lookup(ctx, f.id)
	if err != nil {
		return fail(sdk.Retryable, "edi.state", err)
	}
	if known {
		f.control = seen.Name
		f.done = f.repeated()
		return f
	}
	doc, err := x12.Decode(r.Payload)
	if err != nil {
		return fail(sdk.Permanent, "edi.document", err)
	}
	at, err := doc.At()
	if err != nil {
		return fail(sdk.Permanent, "edi.document", err)
	}
	// The number is bound to the message before anything is written: a crash
	// after this line writes the same number again, and no number is skipped.
	control, err := s.env.State.Next(ctx, s.cfg.Partner.sequence(), r.ID)
	if err != nil {
		return fail(sdk.Retryable, "edi.sequence", fmt.Errorf("drawing a control number for %s: %w", s.cfg.Partner.ID, err))
	}
	set, functionalID := doc.Set()
	w, err := x12.NewWriter(s.cfg.Partner.address(control, at), functionalID)
	if err != nil {
		return fail(sdk.Permanent, "edi.envelope", err)
	}
	if err := doc.Write(w); err != nil {
		return fail(sdk.Permanent, "edi.document", err)
	}
	if f.content, err = w.Bytes(); err != nil {
		return fail(sdk.Permanent, "edi.document", err)
	}
	f.control = fmt.Sprintf("%09d", control)
	f.name = fmt.Sprintf("%s/%s_%s.edi", strings.TrimSuffix(s.cfg.Folder, "/"), set, f.control)
	return f
}

// put writes the file and remembers that it was written.
func (s *sink) put(ctx context.Context, f *file) sdk.Result {
	outcome, err := filedrop.Put(ctx, s.fs, f.name, f.content, filedrop.PutOptions{})
	if err != nil {
		return sdk.Result{Err: err}
	}
	if err := s.written.Remember(ctx, f.id, filedrop.Seen{Name: f.control, At: time.Now().UTC()}); err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Retryable, "edi.state", err)}
	}
	if outcome == filedrop.AlreadyThere {
		return *f.repeated()
	}
	return sdk.Result{ExternalID: f.control}
}

// Check tests what writing to the partner's folder needs.
func (s *sink) Check(ctx context.Context) []sdk.Step { return s.cfg.CheckWrite(ctx, s.cfg.Folder) }

// Close ends the connection.
func (s *sink) Close() error { return s.fs.Close() }
