package sdk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// queue holds the author's batches until they are cut into batches of the
// wire: small ones are joined, large ones split. An author's batch counts as
// stored when the wire batch with its last record is.
type queue struct {
	chunks   []chunk
	records  int
	bytes    int
	since    time.Time // when the oldest chunk came
	position []byte    // the checkpoint of what was taken last
	// redact removes secrets from the reasons of unreadable inputs; nil for none.
	redact func(string) string
}

// chunk is an author's batch, or what is left of it.
type chunk struct {
	Batch
	next int // the next record
	came time.Time
}

func (b *Batch) empty() bool {
	return len(b.Records) == 0 && len(b.Unreadable) == 0 && len(b.Position) == 0
}

// add queues a batch. Records that cannot cross the boundary become unreadable
// inputs, so that one of them does not stop the others.
func (q *queue) add(b Batch, log *slog.Logger) {
	if len(b.Position) == 0 && len(b.Records) > 0 {
		b.Position = b.Records[len(b.Records)-1].Position
	}
	var kept []Record
	for n := range b.Records {
		err := checkRecord(&b.Records[n])
		if err == nil {
			if kept != nil {
				kept = append(kept, b.Records[n])
			}
			continue
		}
		log.Error("a record was set aside as unreadable", "error", err)
		if kept == nil {
			kept = append(make([]Record, 0, len(b.Records)), b.Records[:n]...)
		}
		b.Unreadable = append(b.Unreadable, setAside(&b.Records[n], err))
	}
	if kept != nil {
		b.Records = kept
	}
	if len(q.chunks) == 0 {
		q.since = time.Now()
	}
	q.chunks = append(q.chunks, chunk{Batch: b, came: time.Now()})
	q.records += len(b.Records) + len(b.Unreadable)
	for n := range b.Records {
		q.bytes += recordSize(&b.Records[n])
	}
	for n := range b.Unreadable {
		q.bytes += unreadableSize(&b.Unreadable[n])
	}
}

func setAside(r *Record, err error) Unreadable {
	id := clean(r.ID)
	if id == "" {
		sum := sha256.Sum256(r.Payload)
		id = "unidentified-" + hex.EncodeToString(sum[:16])
	}
	return Unreadable{ID: id, Err: err, Content: r.Payload, ContentType: clean(r.ContentType), Meta: r.Meta}
}

func recordSize(r *Record) int {
	n := 32 + len(r.ID) + len(r.Position) + len(r.Key) + len(r.Payload)
	for k, v := range r.Meta {
		n += 6 + len(k) + len(v)
	}
	return n
}

func unreadableSize(u *Unreadable) int { return 256 + min(len(u.Content), maxUnreadable) }

func (q *queue) empty() bool { return len(q.chunks) == 0 }

// full says that what is queued makes a whole batch.
func (q *queue) full(l BatchLimits) bool { return q.records >= l.MaxRecords || q.bytes >= l.MaxBytes }

// fits says that all that is queued goes into one batch.
func (q *queue) fits(l BatchLimits) bool { return q.records <= l.MaxRecords && q.bytes <= l.MaxBytes }

// take cuts the next batch, at least one record if there is any, and returns
// the positions of the author's batches that end with it.
func (q *queue) take(l BatchLimits) (*protocol.ReadBatch, [][]byte) {
	m := &protocol.ReadBatch{}
	var finishes [][]byte
	records, bytes := 0, 0
	room := func(size int) bool {
		if records > 0 && (records >= l.MaxRecords || bytes+size > l.MaxBytes) {
			return false
		}
		records++
		bytes += size
		return true
	}
	for len(q.chunks) > 0 && records < l.MaxRecords {
		c := &q.chunks[0]
		if !q.takeRecords(c, m, room) || !q.takeUnreadable(c, m, room) {
			break
		}
		if len(c.Position) > 0 {
			q.position = c.Position
		}
		if c.Lag > 0 {
			m.Lag = durationpb.New(c.Lag)
		}
		finishes = append(finishes, c.Position)
		q.chunks = q.chunks[1:]
	}
	q.records -= records
	q.bytes -= bytes
	if len(q.chunks) > 0 {
		q.since = q.chunks[0].came
	}
	m.Position = q.position
	return m, finishes
}

func (q *queue) takeRecords(c *chunk, m *protocol.ReadBatch, room func(int) bool) bool {
	left := len(c.Records) - c.next
	if left == 0 {
		return true
	}
	slab := make([]protocol.Record, min(left, protocol.BatchRecords))
	for c.next < len(c.Records) {
		r := &c.Records[c.next]
		if !room(recordSize(r)) {
			return false
		}
		if len(slab) == 0 {
			slab = make([]protocol.Record, min(len(c.Records)-c.next, protocol.BatchRecords))
		}
		encodeRecord(r, &slab[0])
		m.Records = append(m.Records, &slab[0])
		slab = slab[1:]
		if len(r.Position) > 0 {
			q.position = r.Position
		}
		c.next++
	}
	return true
}

func (q *queue) takeUnreadable(c *chunk, m *protocol.ReadBatch, room func(int) bool) bool {
	for len(c.Unreadable) > 0 {
		u := &c.Unreadable[0]
		if !room(unreadableSize(u)) {
			return false
		}
		m.Unreadable = append(m.Unreadable, encodeUnreadable(u, q.redact))
		c.Unreadable = c.Unreadable[1:]
	}
	return true
}

func encodeUnreadable(u *Unreadable, redact func(string) string) *protocol.Unreadable {
	out := &protocol.Unreadable{
		Id: clean(u.ID), Problem: encodeProblem(u.Err, redact),
		Content: u.Content[:min(len(u.Content), maxUnreadable)], ContentType: clean(u.ContentType),
	}
	if len(u.Content) > maxUnreadable && out.Problem != nil {
		out.Problem.Message += fmt.Sprintf(" (the first %d of %d bytes are kept)", maxUnreadable, len(u.Content))
	}
	for k, v := range u.Meta {
		out.Meta = append(out.Meta, &protocol.KV{K: clean(k), V: clean(v)})
	}
	return out
}

// positions returns the positions of the author's batches that were not
// wholly taken.
func (q *queue) positions() [][]byte {
	var out [][]byte
	for _, c := range q.chunks {
		out = append(out, c.Position)
	}
	return out
}
