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

func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	return sdk.Each(ctx, recs, writesAtOnce, s.one)
}

func (s *sink) one(ctx context.Context, r sdk.Record) sdk.Result {
	id := filedrop.Identity(r.ID)
	seen, known, err := s.written.Lookup(ctx, id)
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Retryable, "edi.state", err)}
	}
	if known {
		return sdk.Result{ExternalID: seen.Name, Err: sdk.Failf(sdk.Duplicate, "edi.exists", "it was written before, with control number %s", seen.Name)}
	}
	doc, err := x12.Decode(r.Payload)
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Permanent, "edi.document", err)}
	}
	at, err := doc.At()
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Permanent, "edi.document", err)}
	}
	// The number is bound to the message before anything is written: a crash
	// after this line writes the same number again, and no number is skipped.
	control, err := s.env.State.Next(ctx, s.cfg.Partner.sequence(), r.ID)
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Retryable, "edi.sequence", fmt.Errorf("drawing a control number for %s: %w", s.cfg.Partner.ID, err))}
	}
	set, functionalID := doc.Set()
	w, err := x12.NewWriter(s.cfg.Partner.address(control, at), functionalID)
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Permanent, "edi.envelope", err)}
	}
	if err := doc.Write(w); err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Permanent, "edi.document", err)}
	}
	content, err := w.Bytes()
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Permanent, "edi.document", err)}
	}
	name := fmt.Sprintf("%s/%s_%09d.edi", strings.TrimSuffix(s.cfg.Folder, "/"), set, control)
	outcome, err := filedrop.Put(ctx, s.fs, name, content, filedrop.PutOptions{})
	if err != nil {
		return sdk.Result{Err: err}
	}
	res := sdk.Result{ExternalID: fmt.Sprintf("%09d", control)}
	if err := s.written.Remember(ctx, id, filedrop.Seen{Name: res.ExternalID, At: time.Now().UTC()}); err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Retryable, "edi.state", err)}
	}
	if outcome == filedrop.AlreadyThere {
		res.Err = sdk.Failf(sdk.Duplicate, "edi.exists", "%s was written before", name)
	}
	return res
}

// Check tests what writing to the partner's folder needs.
func (s *sink) Check(ctx context.Context) []sdk.Step { return s.cfg.CheckWrite(ctx, s.cfg.Folder) }

// Close ends the connection.
func (s *sink) Close() error { return s.fs.Close() }
