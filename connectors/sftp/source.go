package sftp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/formats"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// batchRecords bounds one batch; the SDK splits by bytes.
const batchRecords = 256

// source hands over one file after the other.
type source struct {
	cfg    Config
	env    sdk.Env
	from   checkpoint
	layout string // digest of what decides a record's number
	key    jsonpointer.Pointer
	keys   map[string]jsonpointer.Pointer

	drop *filedrop.Drop
	fs   filedrop.FS
	file *reading // the file in work

	mu sync.Mutex
	// handed are files whose last batch was returned and not acknowledged.
	handed map[string]*reading
}

// checkpoint is a batch's position. Files are claimed, so that it only tells
// how far into a file the acknowledged records go, and which acknowledgement
// ends it.
type checkpoint struct {
	File   string `json:"file"`
	Next   int    `json:"next"`   // number of the first record not covered
	Layout string `json:"layout"` // numbers mean the same only under the same configuration
	Last   bool   `json:"last,omitempty"`
}

// reading is a file in work.
type reading struct {
	doc     *filedrop.Document
	content io.Closer
	decoder formats.Decoder
	skip    int
	next    int
	broken  error // the whole file is rejected
	ended   bool
}

func openSource(_ context.Context, cfg Config, from []byte, env sdk.Env) (sdk.Source, error) {
	s := &source{cfg: cfg, env: env, layout: layout(cfg), keys: map[string]jsonpointer.Pointer{}, handed: map[string]*reading{}}
	var err error
	if s.key, err = place(cfg.Key); err != nil {
		return nil, configError("/key", "%w", err)
	}
	for name, pointer := range cfg.Keys {
		if s.keys[name], err = place(pointer); err != nil {
			return nil, configError("/keys/"+name, "%w", err)
		}
	}
	if len(from) > 0 {
		if err := json.Unmarshal(from, &s.from); err != nil {
			return nil, sdk.Failf(sdk.BadConfig, "sftp.position", "the stored position %.60q is not one of this connector: %w", from, err)
		}
	}
	return s, nil
}

// layout changes when the same file would give other records.
func layout(cfg Config) string {
	described, err := json.Marshal(cfg.Options)
	if err != nil {
		return "" // plain fields always encode
	}
	return filedrop.Identity(string(described), string(cfg.OnBadRow))[:8]
}

// open connects at the first Read, so that Check can report each step of it.
func (s *source) open(ctx context.Context) error {
	if s.drop != nil {
		return nil
	}
	fsys, err := s.cfg.Location.Open()
	if err != nil {
		return err
	}
	drop, err := filedrop.OpenDrop(ctx, fsys, s.cfg.Pickup.Options(s.cfg.Folder, s.cfg.DoneFile, s.env))
	if err != nil {
		return errors.Join(filedrop.Classify(err), fsys.Close())
	}
	s.fs, s.drop = fsys, drop
	return nil
}

// Read implements sdk.Source. A batch holds records of one file.
func (s *source) Read(ctx context.Context) (sdk.Batch, error) {
	if err := s.open(ctx); err != nil {
		return sdk.Batch{}, err
	}
	for {
		if s.file == nil {
			if err := s.begin(ctx); err != nil {
				return sdk.Batch{}, err
			}
		}
		batch, err := s.batch()
		if err != nil {
			s.abandon()
			return sdk.Batch{}, err
		}
		f := s.file
		if f.ended {
			s.file = nil
		}
		if len(batch.Records)+len(batch.Unreadable) == 0 {
			// Nothing in it, or all of it acknowledged before a restart.
			if f.broken == nil && f.next == 0 {
				s.env.Log.Warn("a file has no records: it is archived, and nothing comes of it", "file", f.doc.Name)
			}
			if err := s.settle(ctx, f); err != nil {
				s.env.Log.Warn("a finished file could not be moved", "error", err)
			}
			continue
		}
		return s.handOver(f, batch)
	}
}

func (s *source) handOver(f *reading, batch sdk.Batch) (sdk.Batch, error) {
	position, err := json.Marshal(checkpoint{File: f.doc.ID, Next: f.next, Layout: s.layout, Last: f.ended})
	if err != nil {
		return sdk.Batch{}, sdk.Fail(sdk.Bug, "sftp.position", err)
	}
	for i := range batch.Records {
		batch.Records[i].Position = position
	}
	batch.Position = position
	if age := time.Since(f.doc.ModTime); age > 0 {
		batch.Lag = age
	}
	if f.ended {
		s.mu.Lock()
		s.handed[f.doc.ID] = f
		s.mu.Unlock()
	}
	return batch, nil
}

// begin takes the next file and reads it through once: a file that is broken
// at its end must not have its beginning processed.
func (s *source) begin(ctx context.Context) error {
	doc, err := s.drop.Next(ctx)
	if err != nil {
		return readError(err)
	}
	f := &reading{doc: doc, broken: doc.Problem}
	s.file = f
	if f.broken == nil {
		f.broken, err = s.inspect(doc)
	}
	if err == nil && f.broken == nil {
		err = s.rewind(f)
	}
	if err != nil {
		s.abandon()
		return err
	}
	if f.broken != nil {
		if _, err := s.drop.PlanQuarantine(ctx, doc); err != nil {
			s.abandon()
			return readError(err)
		}
		return nil
	}
	// A file that was not claimed then has only the same content.
	if doc.Adopted() && s.from.File == doc.ID && s.from.Layout == s.layout {
		f.skip = s.from.Next
	}
	return nil
}

// rewind opens the local copy from its beginning.
func (s *source) rewind(f *reading) error {
	content, err := s.drop.Open(f.doc)
	if err != nil {
		return sdk.Fail(sdk.Retryable, "sftp.spool", err)
	}
	f.content = content
	f.decoder, err = formats.NewDecoder(content, f.doc.Name, s.cfg.Options)
	return err
}

// inspect decodes the whole file and reports why it is to be rejected.
func (s *source) inspect(doc *filedrop.Document) (broken, failed error) {
	f := &reading{doc: doc}
	if err := s.rewind(f); err != nil {
		return nil, err
	}
	defer func() { failed = errors.Join(failed, f.content.Close()) }()
	for {
		_, err := f.decoder.Next()
		var bad *formats.Error
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil, nil
		case errors.As(err, &bad) && bad.Row && s.cfg.OnBadRow == SetAside:
		case errors.As(err, &bad):
			return &sdk.Error{Class: sdk.Permanent, Code: "file.content", Err: bad, Hint: "correct the file and put it back into " + s.cfg.Folder}, nil
		default:
			return nil, sdk.Fail(sdk.Retryable, "sftp.spool", err)
		}
	}
}

// abandon gives the file in work back; it is read again from its beginning.
func (s *source) abandon() {
	if f := s.file; f != nil {
		if f.content != nil {
			_ = f.content.Close() // read only
		}
		s.drop.Release(f.doc)
		s.file = nil
	}
}

// batch reads on in the file in work.
func (s *source) batch() (sdk.Batch, error) {
	f := s.file
	if f.broken != nil {
		f.ended = true
		return s.rejected(f)
	}
	var batch sdk.Batch
	for len(batch.Records)+len(batch.Unreadable) < batchRecords {
		rec, err := f.decoder.Next()
		var bad *formats.Error
		switch {
		case errors.Is(err, io.EOF):
			f.ended = true
			return batch, f.content.Close()
		case errors.As(err, &bad):
			f.next = bad.Index + 1
			if bad.Index >= f.skip {
				batch.Unreadable = append(batch.Unreadable, s.setAside(f.doc, bad))
			}
		case err != nil:
			return sdk.Batch{}, sdk.Fail(sdk.Retryable, "sftp.spool", err)
		default:
			f.next = rec.Index + 1
			if rec.Index < f.skip {
				continue
			}
			record, err := s.record(f.doc, rec)
			if err != nil {
				return sdk.Batch{}, err
			}
			batch.Records = append(batch.Records, record)
		}
	}
	return batch, nil
}

func recordID(doc *filedrop.Document, index int) string {
	return doc.ID + "/" + strconv.Itoa(index)
}

func (s *source) record(doc *filedrop.Document, rec formats.Record) (sdk.Record, error) {
	out := sdk.Record{
		ID: recordID(doc, rec.Index), Entity: s.cfg.Entity, Operation: s.cfg.Operation,
		Payload: rec.JSON, ContentType: "application/json", EventTime: doc.ModTime,
		Meta: meta(doc, rec.Line),
	}
	if s.cfg.Key == "" && len(s.cfg.Keys) == 0 {
		return out, nil
	}
	parsed, err := jsonpointer.Decode(rec.JSON)
	if err != nil {
		return out, sdk.Fail(sdk.Bug, "sftp.decode", err)
	}
	if s.cfg.Key != "" {
		out.Key = plainText(parsed, s.key)
	}
	for name, at := range s.keys {
		if value := plainText(parsed, at); value != "" {
			out.Meta["key."+name] = value
		}
	}
	return out, nil
}

// meta says where a record comes from. The file's name is a business key as
// well: people ask for a file by its name, whatever became of it.
func meta(doc *filedrop.Document, line int) map[string]string {
	m := map[string]string{"file": doc.Name, "key.file": doc.Name, "file.bytes": strconv.FormatInt(doc.Size, 10), "file.modified": doc.ModTime.Format(time.RFC3339)}
	if doc.Hash != "" {
		m["file.sha256"] = doc.Hash
	}
	if line > 0 {
		m["line"] = strconv.Itoa(line)
	}
	return m
}

func (s *source) setAside(doc *filedrop.Document, bad *formats.Error) sdk.Unreadable {
	return sdk.Unreadable{
		ID:      recordID(doc, bad.Index),
		Err:     &sdk.Error{Class: sdk.Permanent, Code: "file.row", Err: bad, Hint: "correct the row and send it in a new file"},
		Content: bad.Content, ContentType: "text/plain", Meta: meta(doc, bad.Line),
	}
}

// rejected reports a file that goes to quarantine. The move follows the
// acknowledgement: if this process dies before, the claim is found again and
// reported again under the same id.
func (s *source) rejected(f *reading) (sdk.Batch, error) {
	const most = 1 << 20
	var content []byte
	if f.doc.Problem == nil {
		file, err := s.drop.Open(f.doc)
		if err != nil {
			return sdk.Batch{}, sdk.Fail(sdk.Retryable, "sftp.spool", err)
		}
		content, err = io.ReadAll(io.LimitReader(file, most))
		if err = errors.Join(err, file.Close()); err != nil {
			return sdk.Batch{}, sdk.Fail(sdk.Retryable, "sftp.spool", err)
		}
	}
	m := meta(f.doc, 0)
	m["file"] = cmp.Or(f.doc.Kept(), f.doc.Name)
	return sdk.Batch{Unreadable: []sdk.Unreadable{{
		ID: f.doc.ID + "/file", Err: f.broken, Content: content, ContentType: "text/plain", Meta: m,
	}}}, nil
}

// Ack implements sdk.Acker: with a file's last batch the file is settled.
func (s *source) Ack(ctx context.Context, position []byte) error {
	var at checkpoint
	if err := json.Unmarshal(position, &at); err != nil {
		return fmt.Errorf("acknowledged position %.60q: %w", position, err)
	}
	if !at.Last {
		return nil
	}
	s.mu.Lock()
	f := s.handed[at.File]
	delete(s.handed, at.File)
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return s.settle(ctx, f)
}

func (s *source) settle(ctx context.Context, f *reading) error {
	if f.broken != nil {
		return s.drop.Quarantine(ctx, f.doc, f.broken)
	}
	return s.drop.Archive(ctx, f.doc)
}

// Check implements sdk.Checker.
func (s *source) Check(ctx context.Context) []sdk.Step {
	return s.cfg.Location.CheckRead(ctx, s.cfg.Folder)
}

// Close implements sdk.Source.
func (s *source) Close() error {
	if s.drop == nil {
		return nil
	}
	if f := s.file; f != nil && f.content != nil {
		_ = f.content.Close() // read only
	}
	return errors.Join(s.drop.Close(), s.fs.Close())
}

// readError gives a class to what a Drop reports, so that a connection that
// comes back is waited for.
func readError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return filedrop.Classify(err)
}
