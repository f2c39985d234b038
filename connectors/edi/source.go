package edi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/crossdock/crossdock/connectors/edi/x12"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// source hands over the sets of one file as one batch.
type source struct {
	cfg  Config
	env  sdk.Env
	fs   filedrop.FS
	drop *filedrop.Drop

	mu      sync.Mutex
	pending map[string]*received // by position
}

// received is a file whose records are on their way.
type received struct {
	doc  *filedrop.Document
	acks []outgoing
	// unreadable is set when nothing in the file can be understood: it goes to
	// the error folder instead of the archive.
	unreadable error
}

type outgoing struct {
	name    string
	content []byte
}

func newSource(ctx context.Context, cfg Config, env sdk.Env) (*source, error) {
	fsys, err := cfg.Open()
	if err != nil {
		return nil, err
	}
	drop, err := filedrop.OpenDrop(ctx, fsys, filedrop.Options{
		Folder: cfg.Folder, Instance: env.Instance, Match: cfg.Match, StableFor: cfg.StableFor, Every: cfg.Every, MaxSize: cfg.MaxSize,
		Spool: env.DataDir, State: env.State, Log: env.Log,
	})
	if err != nil {
		_ = fsys.Close()
		return nil, err
	}
	return &source{cfg: cfg, env: env, fs: fsys, drop: drop, pending: map[string]*received{}}, nil
}

func (s *source) Read(ctx context.Context) (sdk.Batch, error) {
	doc, err := s.drop.Next(ctx)
	if err != nil {
		return sdk.Batch{}, err
	}
	b, rec, err := s.batch(ctx, doc)
	if err != nil {
		s.drop.Release(doc)
		return sdk.Batch{}, err
	}
	b.Position = []byte(doc.ID)
	s.mu.Lock()
	s.pending[doc.ID] = rec
	s.mu.Unlock()
	return b, nil
}

// batch turns a file into records, unreadable parts and acknowledgements.
func (s *source) batch(ctx context.Context, doc *filedrop.Document) (sdk.Batch, *received, error) {
	rec := &received{doc: doc}
	if doc.Problem != nil {
		return s.refuse(ctx, rec, nil, sdk.Fail(sdk.Permanent, "edi.size", doc.Problem))
	}
	content, err := s.drop.Read(doc)
	if err != nil {
		return sdk.Batch{}, nil, err
	}
	interchanges, err := x12.Parse(content)
	if err != nil {
		return s.refuse(ctx, rec, content, sdk.Fail(sdk.Permanent, "edi.not-x12", err))
	}
	var b sdk.Batch
	for n, ic := range interchanges {
		// The same control number may come twice in one file; the place tells
		// them apart.
		id := fmt.Sprintf("%s/%d/%s", doc.ID, n+1, ic.Control())
		if why := s.cfg.Partner.mismatch(ic); why != "" {
			b.Unreadable = append(b.Unreadable, s.unreadable(id, doc, ic, content,
				sdk.Failf(sdk.Permanent, "edi.partner", "interchange %s: %s", ic.Control(), why)))
			continue
		}
		if ic.Rejected() {
			b.Unreadable = append(b.Unreadable, s.unreadable(id, doc, ic, content,
				sdk.Failf(sdk.Permanent, "edi.interchange", "interchange %s is rejected:\n%s", ic.Control(), report(ic.All()))))
		}
		for _, g := range ic.Groups {
			if err := s.group(&b, doc, id, ic, g, content); err != nil {
				return b, nil, err
			}
			if err := s.acknowledge(ctx, rec, id, ic, g); err != nil {
				return b, nil, err
			}
		}
	}
	return b, rec, s.setAside(ctx, rec, b)
}

// setAside sends a file of which nothing can be used to the error folder, with
// the reasons beside it, and tells its dead letters where it is.
func (s *source) setAside(ctx context.Context, rec *received, b sdk.Batch) error {
	if len(b.Records) > 0 || len(b.Unreadable) == 0 {
		return nil
	}
	where, err := s.drop.PlanQuarantine(ctx, rec.doc)
	if err != nil {
		return err
	}
	for _, u := range b.Unreadable {
		rec.unreadable = errors.Join(rec.unreadable, u.Err)
		u.Meta["file"] = where
	}
	return nil
}

func (s *source) group(b *sdk.Batch, doc *filedrop.Document, id string, ic *x12.Interchange, g *x12.Group, content []byte) error {
	if ic.Rejected() {
		return nil
	}
	gid := id + "/" + g.Header.E(6)
	if g.Rejected() {
		b.Unreadable = append(b.Unreadable, s.unreadable(gid, doc, ic, content,
			sdk.Failf(sdk.Permanent, "edi.group", "group %s of interchange %s is rejected:\n%s", g.Header.E(6), ic.Control(), report(g.Findings))))
		return nil
	}
	for n, set := range g.Sets {
		sid := fmt.Sprintf("%s/%d-%s", gid, n+1, set.Control)
		if set.Rejected() {
			u := s.unreadable(sid, doc, ic, rawSet(set, ic.Delimiters),
				sdk.Failf(sdk.Permanent, "edi.set", "set %s %s of interchange %s is rejected:\n%s", set.ID, set.Control, ic.Control(), report(set.Findings)))
			if k := businessKey(set); k != "" {
				u.Meta["key.order"] = k
			}
			b.Unreadable = append(b.Unreadable, u)
			continue
		}
		named, err := ic.Document(g, set)
		if err != nil {
			return err
		}
		payload, err := named.JSON()
		if err != nil {
			return err
		}
		key := businessKey(set)
		r := sdk.Record{
			ID: sid, Entity: "x12." + set.ID, Operation: "event", Key: key, Payload: payload, ContentType: "application/json",
			EventTime: doc.ModTime, Meta: meta(doc, ic),
		}
		if key != "" {
			r.Meta["key.order"] = key
		}
		b.Records = append(b.Records, r)
	}
	return nil
}

func meta(doc *filedrop.Document, ic *x12.Interchange) map[string]string {
	return map[string]string{"file": doc.Name, "key.file": doc.Name, "key.interchange": ic.Control(), "edi.usage": ic.Header.E(15)}
}

func (s *source) unreadable(id string, doc *filedrop.Document, ic *x12.Interchange, content []byte, err error) sdk.Unreadable {
	return sdk.Unreadable{ID: id, Err: err, Content: content[:min(len(content), 1<<20)], ContentType: "application/edi-x12", Meta: meta(doc, ic)}
}

// refuse sets a whole file aside.
func (s *source) refuse(ctx context.Context, rec *received, content []byte, cause error) (sdk.Batch, *received, error) {
	where, err := s.drop.PlanQuarantine(ctx, rec.doc)
	if err != nil {
		return sdk.Batch{}, nil, err
	}
	rec.unreadable = cause
	u := sdk.Unreadable{
		ID: rec.doc.ID, Err: cause, Content: content[:min(len(content), 1<<20)], ContentType: "application/edi-x12",
		Meta: map[string]string{"file": where, "key.file": rec.doc.Name},
	}
	return sdk.Batch{Unreadable: []sdk.Unreadable{u}}, rec, nil
}

// acknowledge prepares the group's 997. Its control number is bound to the
// interchange, so that a file read again after a crash is answered with the
// same acknowledgement.
func (s *source) acknowledge(ctx context.Context, rec *received, id string, ic *x12.Interchange, g *x12.Group) error {
	if s.cfg.AckFolder == "" || g.Header.E(1) == "FA" {
		return nil
	}
	control, err := s.env.State.Next(ctx, s.cfg.Partner.sequence(), "997/"+id+"/"+g.Header.E(6))
	if err != nil {
		return fmt.Errorf("drawing a control number for the 997 to %s: %w", s.cfg.Partner.ID, err)
	}
	content, ok, err := x12.Acknowledge(ic, g, s.cfg.Partner.address(control, rec.doc.ModTime.UTC()))
	if errors.Is(err, x12.ErrUnanswerable) {
		// What was wrong is kept as a dead letter; the files behind this one must
		// not wait for an answer that nobody can write.
		s.env.Log.Warn("a group is not answered with a 997; tell the partner what is wrong", "file", rec.doc.Name, "interchange", ic.Control(), "reason", err)
		return nil
	}
	if err != nil {
		return sdk.Fail(sdk.Bug, "edi.997", fmt.Errorf("file %s, interchange %s: %w", rec.doc.Name, ic.Control(), err))
	}
	if ok {
		rec.acks = append(rec.acks, outgoing{name: fmt.Sprintf("997_%09d.edi", control), content: content})
	}
	return nil
}

// Ack answers the partner and puts the file away, in this order: a crash in
// between repeats the answer under the same name, and never forgets it.
func (s *source) Ack(ctx context.Context, position []byte) error {
	s.mu.Lock()
	rec := s.pending[string(position)]
	delete(s.pending, string(position))
	s.mu.Unlock()
	if rec == nil {
		return nil
	}
	for _, a := range rec.acks {
		name := strings.TrimSuffix(s.cfg.AckFolder, "/") + "/" + a.name
		if _, err := filedrop.Put(ctx, s.fs, name, a.content, filedrop.PutOptions{}); err != nil {
			s.drop.Release(rec.doc) // read again, answered again
			return fmt.Errorf("writing the acknowledgement %s for %s: %w", a.name, rec.doc.Name, err)
		}
	}
	if rec.unreadable != nil {
		return s.drop.Quarantine(ctx, rec.doc, rec.unreadable)
	}
	return s.drop.Archive(ctx, rec.doc)
}

// Close leaves claims for the next run.
func (s *source) Close() error {
	err := s.drop.Close()
	if cerr := s.fs.Close(); err == nil {
		err = cerr
	}
	return err
}

// Check tests what reading the partner's folder needs.
func (s *source) Check(ctx context.Context) []sdk.Step {
	steps := s.cfg.CheckRead(ctx, s.cfg.Folder)
	if s.cfg.AckFolder != "" {
		steps = append(steps, s.cfg.CheckWrite(ctx, s.cfg.AckFolder)...)
	}
	return steps
}

// businessKey is the number that people know the document by.
func businessKey(set *x12.Set) string {
	for _, seg := range set.Segments {
		switch seg.Tag {
		case "BEG", "BAK", "BIA":
			return seg.E(3)
		}
	}
	return ""
}

// rawSet writes a set's segments again, for the dead letter.
func rawSet(set *x12.Set, d x12.Delimiters) []byte {
	var b strings.Builder
	for _, s := range set.Segments {
		b.WriteString(s.Tag)
		for _, e := range s.Elements {
			b.WriteByte(d.Element)
			b.WriteString(e)
		}
		b.WriteByte(d.Segment)
		b.WriteByte('\n')
	}
	return []byte(b.String())
}
