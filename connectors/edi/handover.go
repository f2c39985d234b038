package edi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// errStopped ends the second reading when nobody wants more of it.
var errStopped = errors.New("reading was stopped")

// Bounds of a batch; the SDK cuts it further.
const (
	batchRecords = 256
	batchBytes   = 4 << 20
)

// handover is the handler of the second reading: it makes records of good sets
// and dead letters of the others.
type handover struct {
	*shape.Shaper
	f     *file
	yield func(step, error) bool
	batch sdk.Batch
	size  int
	parts int // batches so far

	n     int // interchanges before this one
	ic    *interchange
	g     int // groups of the interchange before this one
	group *validate.Group
	set   int // sets of the interchange before this one
	id    string

	wanted   bool // the set is handed over, good or bad
	bad      bool
	key      string
	raw      bytes.Buffer // of a bad set
	findings findingList
}

func newHandover(f *file, yield func(step, error) bool) *handover {
	h := &handover{f: f, yield: yield, n: -1}
	h.Shaper = shape.New(shape.Options{
		PartItems: func(s *validate.Set) int { return f.s.cfg.Partner.LinesPerRecord(s.ID) },
		Skip:      func(*validate.Set) bool { return !h.wanted },
		Each:      h.document,
	})
	return h
}

// flush yields what was collected.
func (h *handover) flush(last bool) {
	if !last && len(h.batch.Records)+len(h.batch.Unreadable) == 0 {
		return
	}
	h.parts++
	end := fileEnd
	if !last {
		end = "/" + strconv.Itoa(h.parts)
	}
	h.batch.Position = h.f.position(end)
	b := h.batch
	h.batch, h.size = sdk.Batch{}, 0
	if !h.yield(step{batch: b, last: last}, nil) {
		h.parts = -1 // nothing more is wanted
	}
}

func (h *handover) grew(bytes int) error {
	h.size += bytes
	if len(h.batch.Records)+len(h.batch.Unreadable) >= batchRecords || h.size >= batchBytes {
		h.flush(false)
	}
	if h.parts < 0 {
		return errStopped
	}
	return nil
}

func (h *handover) add(r sdk.Record) error {
	h.batch.Records = append(h.batch.Records, r)
	return h.grew(len(r.Payload) + 256)
}

func (h *handover) setAside(id string, err error, content []byte, keys map[string]string) error {
	u := sdk.Unreadable{ID: id, Err: err, Content: content, ContentType: contentType(h.ic.head.Standard), Meta: h.meta()}
	maps.Copy(u.Meta, keys)
	u.Meta["file"] = h.f.kept
	h.batch.Unreadable = append(h.batch.Unreadable, u)
	return h.grew(len(content) + 256)
}

func (h *handover) meta() map[string]string {
	return map[string]string{
		"file": h.f.doc.Name, "key.file": h.f.doc.Name, "key.interchange": h.ic.head.Control, "edi.usage": h.ic.head.Usage,
	}
}

// BeginInterchange implements validate.Handler.
func (h *handover) BeginInterchange(ic *validate.Interchange) error {
	h.n++
	h.ic, h.g, h.set = h.f.interchanges[h.n], -1, 0
	// The content identifies the records: a resend is the same message.
	const digits = 32
	h.id = h.ic.hash[:digits]
	if h.twin() {
		h.id += "-" + strconv.Itoa(h.n+1)
	}
	if why := h.ic.refused(h.f.s.cfg.Partner.Mask); why != nil {
		content, err := h.f.section(h.ic)
		if err != nil {
			return err
		}
		if err := h.setAside(h.id, why, content, nil); err != nil {
			return err
		}
	}
	return h.Shaper.BeginInterchange(ic)
}

// twin tells whether the same interchange is in the file before: X12 leaves it to
// the agreement whether a number may come twice.
func (h *handover) twin() bool {
	return slices.ContainsFunc(h.f.interchanges[:h.n], func(i *interchange) bool { return i.hash == h.ic.hash })
}

// section is the interchange as it stands, cut at what a dead letter holds.
func (f *file) section(i *interchange) ([]byte, error) {
	r, err := f.s.drop.Open(f.doc)
	if err != nil {
		return nil, sdk.Fail(sdk.Retryable, "edi.spool", err)
	}
	if _, err = r.Seek(i.head.Offset, io.SeekStart); err != nil {
		return nil, errors.Join(sdk.Fail(sdk.Retryable, "edi.spool", err), r.Close())
	}
	size := int64(keptContent)
	if n := i.head.End - i.head.Offset; n > 0 {
		size = min(size, n)
	}
	b, err := io.ReadAll(io.LimitReader(r, size))
	return b, errors.Join(err, r.Close())
}

// BeginGroup implements validate.Handler.
func (h *handover) BeginGroup(g *validate.Group) error {
	h.g++
	h.group = g
	v := h.ic.groups[h.g]
	if h.ic.usable() && v.rejected {
		content, err := h.f.section(h.ic)
		if err != nil {
			return err
		}
		why := sdk.Failf(sdk.Permanent, "edi.group", "group %s of interchange %s is rejected:\n%s", g.Control, h.ic.head.Control, v.findings.report(h.f.s.cfg.Partner.Mask))
		if err := h.setAside(h.id+"/"+g.Control, why, content, nil); err != nil {
			return err
		}
	}
	return h.Shaper.BeginGroup(g)
}

// EndGroup implements validate.Handler.
func (h *handover) EndGroup(g *validate.Group) error {
	h.group = nil
	return h.Shaper.EndGroup(g)
}

// BeginSet implements validate.Handler.
func (h *handover) BeginSet(s *validate.Set) error {
	h.wanted = h.ic != nil && h.ic.usable() && (h.group == nil || !h.ic.groups[h.g].rejected)
	h.bad = h.wanted && h.ic.bad.has(h.set)
	h.key = ""
	h.raw.Reset()
	h.findings = findingList{}
	if h.bad {
		for _, f := range h.f.s.cfg.Partner.CheckSet(s) {
			h.findings.add(f)
		}
	}
	return h.Shaper.BeginSet(s)
}

// Segment implements validate.Handler.
func (h *handover) Segment(seg *syntax.Segment, at validate.Place) error {
	if h.bad && h.raw.Len() < keptContent {
		d := seg.Delimiters()
		h.raw.Write(seg.Raw())
		h.raw.WriteByte(d.Segment)
		if d.Segment != '\n' {
			h.raw.WriteByte('\n')
		}
	}
	return h.Shaper.Segment(seg, at)
}

// Finding implements validate.Handler.
func (h *handover) Finding(f finding.Finding) error {
	if h.bad && f.Scope == finding.Set && f.Severity != finding.Info {
		h.findings.add(f)
	}
	return nil
}

// document takes a set, or a part of one, from the shaper.
func (h *handover) document(d *shape.Document) error {
	if d.Key != "" {
		h.key = d.Key
	}
	if h.bad {
		return nil
	}
	r := sdk.Record{
		ID: h.setID(d.Set), Entity: entity(d.Interchange.Standard, d.Set.ID), Operation: "event", Key: d.Key, Payload: bytes.Clone(d.JSON),
		ContentType: "application/json", EventTime: h.f.doc.ModTime, Meta: h.meta(),
	}
	if d.Part > 0 {
		r.ID += "/" + strconv.Itoa(d.Part)
		r.Meta["edi.part"] = strconv.Itoa(d.Part)
	}
	if d.Key != "" {
		r.Meta[documentKey(d.Set.ID)] = d.Key
	}
	return h.add(r)
}

func (h *handover) setID(s *validate.Set) string {
	group := ""
	if h.group != nil {
		group = h.group.Control
	}
	return fmt.Sprintf("%s/%s/%d-%s", h.id, group, h.set+1, s.Control)
}

// EndSet implements validate.Handler.
func (h *handover) EndSet(s *validate.Set) error {
	if err := h.Shaper.EndSet(s); err != nil {
		return err
	}
	defer func() { h.set++ }()
	if !h.bad {
		return nil
	}
	why := sdk.Failf(sdk.Permanent, "edi.set", "set %s %s of interchange %s is rejected:\n%s", s.ID, s.Control, h.ic.head.Control, h.findings.report(h.f.s.cfg.Partner.Mask))
	var keys map[string]string
	if h.key != "" {
		keys = map[string]string{documentKey(s.ID): h.key}
	}
	return h.setAside(h.setID(s), why, bytes.Clone(h.raw.Bytes()), keys)
}
