package sftp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/formats"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// rememberWritten is how long a delivery is recognised as a repetition. It
// outlives every retry and most replays.
const rememberWritten = 30 * 24 * time.Hour

// sink writes files.
type sink struct {
	cfg      Config
	env      sdk.Env
	template nameTemplate
	fs       filedrop.FS
	written  *filedrop.Ledger[filedrop.Seen]

	mu        sync.Mutex // one batch file at a time
	recovered bool
}

func openSink(_ context.Context, cfg Config, env sdk.Env) (sdk.Sink, error) {
	template, err := parseName(cfg.Name)
	if err != nil {
		return nil, configError("/name", "%v", err)
	}
	fsys, err := cfg.Location.Open()
	if err != nil {
		return nil, err
	}
	return &sink{cfg: cfg, env: env, template: template, fs: fsys, written: filedrop.NewLedger[filedrop.Seen](env.State, "written", rememberWritten, time.Now)}, nil
}

// Write implements sdk.Sink.
func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	if s.cfg.Per == PerBatch {
		return s.writeBatch(ctx, recs)
	}
	results := make([]sdk.Result, len(recs))
	for i, rec := range recs {
		results[i] = s.writeOne(ctx, rec)
	}
	return results
}

// writeOne writes a file of its own for a record and remembers it.
func (s *sink) writeOne(ctx context.Context, rec sdk.Record) sdk.Result {
	id := filedrop.Identity(rec.ID)
	if seen, known, err := s.written.Lookup(ctx, id); known || err != nil {
		return earlier(seen, err)
	}
	content, failed, err := s.encode([]sdk.Record{rec})
	if err != nil {
		return sdk.Result{Err: err}
	}
	if failed[0] != nil {
		return sdk.Result{Err: failed[0]}
	}
	doc, err := jsonpointer.Decode(rec.Payload)
	if err != nil {
		return sdk.Result{Err: sdk.Failf(sdk.Permanent, "file.payload", "the payload is not JSON: %w", err)}
	}
	name, err := s.template.name(rec, doc)
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Permanent, "file.name", err)}
	}
	target := path.Join(s.cfg.Folder, name)
	outcome, err := filedrop.Put(ctx, s.fs, target, content, s.cfg.Deposit.Options(s.cfg.DoneFile))
	if err != nil {
		return sdk.Result{Err: err}
	}
	if err := s.written.Remember(ctx, id, filedrop.Seen{Name: target, At: time.Now().UTC()}); err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Retryable, "sftp.state", err)}
	}
	if outcome == filedrop.AlreadyThere {
		return earlier(filedrop.Seen{Name: target}, nil)
	}
	return sdk.Result{ExternalID: target}
}

// earlier is the result of a delivery that had its effect before.
func earlier(seen filedrop.Seen, err error) sdk.Result {
	if err != nil {
		return sdk.Result{Err: sdk.Fail(sdk.Retryable, "sftp.state", err)}
	}
	return sdk.Result{
		ExternalID: seen.Name,
		Err:        sdk.Failf(sdk.Duplicate, "file.written", "%s was written before", seen.Name),
	}
}

// encode makes one file of the records that can be encoded, and tells why the
// others cannot: failed has an entry per record.
func (s *sink) encode(recs []sdk.Record) (content []byte, failed []error, err error) {
	failed = make([]error, len(recs))
	for {
		var out bytes.Buffer
		encoder, err := formats.NewEncoder(&out, s.cfg.Options)
		if err != nil {
			return nil, nil, err
		}
		again := false
		for i, rec := range recs {
			if failed[i] != nil {
				continue
			}
			if err := encodable(rec, encoder); err != nil {
				failed[i] = sdk.Fail(sdk.Permanent, "file.encode", err)
				again = true // its half may be in the buffer
				break
			}
		}
		if again {
			continue
		}
		if err := encoder.Close(); err != nil {
			return nil, nil, sdk.Fail(sdk.Permanent, "file.encode", err)
		}
		return out.Bytes(), failed, nil
	}
}

func encodable(rec sdk.Record, encoder formats.Encoder) error {
	if rec.ContentType != "" && !strings.Contains(rec.ContentType, "json") {
		return fmt.Errorf("the payload is %s; this connector writes JSON documents", rec.ContentType)
	}
	return encoder.Encode(rec.Payload)
}

// pendingBatch is written to the state before its file: the next batch may be
// made of other records, and must not contain those of this one again.
type pendingBatch struct {
	Name    string   `json:"name"`
	Content []byte   `json:"content"`
	IDs     []string `json:"ids"`
}

const pendingKey = "pending-batch"

// writeBatch writes one file for the records that were not written before.
func (s *sink) writeBatch(ctx context.Context, recs []sdk.Record) []sdk.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]sdk.Result, len(recs))
	if err := s.recover(ctx); permanent(err) {
		// The unfinished batch is refused, and no longer noted. Its records come
		// again by themselves and are told; these are others.
		s.env.Log.Warn("a batch that an earlier attempt left unfinished cannot be written", "error", err)
	} else if err != nil {
		return sdk.All(len(recs), err)
	}
	var fresh []sdk.Record
	var at []int                // their places in recs
	places := map[string]int{}  // of IDs in fresh
	repeats := map[int]string{} // places of further copies in recs
	for i, rec := range recs {
		seen, known, err := s.written.Lookup(ctx, filedrop.Identity(rec.ID))
		if known || err != nil {
			results[i] = earlier(seen, err)
			continue
		}
		if _, twice := places[rec.ID]; twice {
			repeats[i] = rec.ID
			continue
		}
		places[rec.ID] = len(fresh)
		fresh, at = append(fresh, rec), append(at, i)
	}
	content, failed, err := s.encode(fresh)
	if err != nil {
		return sdk.All(len(recs), err)
	}
	pending := pendingBatch{Content: content}
	for i, rec := range fresh {
		if failed[i] == nil {
			pending.IDs = append(pending.IDs, filedrop.Identity(rec.ID))
		}
	}
	if len(pending.IDs) > 0 {
		name, err := s.template.name(sdk.Record{ID: strings.Join(pending.IDs, ",")}, nil)
		if err == nil {
			pending.Name = path.Join(s.cfg.Folder, name)
			err = s.commit(ctx, pending)
		}
		if err != nil {
			failed = fill(failed, err)
		}
	}
	for i, place := range at {
		results[place] = sdk.Result{Err: failed[i]}
		if failed[i] == nil {
			results[place].ExternalID = pending.Name
		}
	}
	for place, id := range repeats {
		results[place] = results[at[places[id]]] // goes as its first copy went
	}
	return results
}

func fill(failed []error, err error) []error {
	for i := range failed {
		if failed[i] == nil {
			failed[i] = err
		}
	}
	return failed
}

// commit notes the batch, writes it and remembers its records.
func (s *sink) commit(ctx context.Context, pending pendingBatch) error {
	note, err := json.Marshal(pending)
	if err != nil {
		return sdk.Fail(sdk.Bug, "sftp.batch", err)
	}
	if err := s.setPending(ctx, note); err != nil {
		return err
	}
	s.recovered = false // until it is finished
	return s.finish(ctx, pending)
}

func (s *sink) finish(ctx context.Context, pending pendingBatch) error {
	if _, err := filedrop.Put(ctx, s.fs, pending.Name, pending.Content, s.cfg.Deposit.Options(s.cfg.DoneFile)); err != nil {
		if permanent(err) {
			// These records become dead letters; later ones go on.
			if cleared := s.setPending(ctx, nil); cleared != nil {
				return cleared
			}
		}
		return err
	}
	for _, id := range pending.IDs {
		if err := s.written.Remember(ctx, id, filedrop.Seen{Name: pending.Name, At: time.Now().UTC()}); err != nil {
			return sdk.Fail(sdk.Retryable, "sftp.state", err)
		}
	}
	if err := s.setPending(ctx, nil); err != nil {
		return err
	}
	s.recovered = true
	return nil
}

func permanent(err error) bool {
	var known *sdk.Error
	return errors.As(err, &known) && known.Class == sdk.Permanent
}

// recover finishes a batch that an earlier attempt noted.
func (s *sink) recover(ctx context.Context) error {
	if s.recovered {
		return nil
	}
	note, rev, err := s.env.State.Get(ctx, pendingKey)
	if err != nil {
		return sdk.Fail(sdk.Retryable, "sftp.state", err)
	}
	if rev == 0 || len(note) == 0 {
		s.recovered = true
		return nil
	}
	var pending pendingBatch
	if err := json.Unmarshal(note, &pending); err != nil {
		return sdk.Failf(sdk.Bug, "sftp.batch", "the note of an unfinished batch is damaged: %w", err)
	}
	return s.finish(ctx, pending)
}

func (s *sink) setPending(ctx context.Context, note []byte) error {
	_, rev, err := s.env.State.Get(ctx, pendingKey)
	if err == nil && (rev > 0 || note != nil) {
		_, err = s.env.State.CompareAndSet(ctx, pendingKey, note, rev)
	}
	if errors.Is(err, sdk.ErrConflict) {
		return sdk.Failf(sdk.Retryable, "sftp.batch", "another instance of this sink writes batches: %w", err)
	}
	if err != nil {
		return sdk.Fail(sdk.Retryable, "sftp.state", err)
	}
	return nil
}

// Check implements sdk.Checker.
func (s *sink) Check(ctx context.Context) []sdk.Step {
	return s.cfg.Location.CheckWrite(ctx, s.cfg.Folder)
}

// Close implements sdk.Sink.
func (s *sink) Close() error { return s.fs.Close() }
