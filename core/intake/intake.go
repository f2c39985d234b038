// Package intake takes documents over from source connectors.
//
// The one promise is durability before acknowledgement: a batch is in the
// `received` stream, synced to disk or replicated, before the connector hears
// of it, and so before it answers an HTTP request, archives a file or moves a
// watermark. If the process dies in between, the source offers the batch again
// and the records' stable ids make the second offer harmless.
//
// A position is only an optimisation, since reading again is harmless; it is
// therefore saved behind the acknowledgement and never ahead of it.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/telemetry"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Publisher makes messages durable; *engine.Engine does.
type Publisher interface {
	// PublishBatch returns after durability and says which messages were known
	// already by their id.
	PublishBatch(ctx context.Context, topic string, msgs ...*message.Message) (duplicates []bool, err error)
}

// Book is what intake writes down; *ledger.Ledger does.
type Book interface {
	Journal(hops ...ledger.Hop)
	Count(route, target, what string, n int64)
	Bury(ctx context.Context, d ledger.Dead, removeParked bool) (string, error)
	Position(ctx context.Context, source string) ([]byte, error)
	SetPosition(ctx context.Context, source string, pos []byte) error
}

// Reader reads one source; *host.Instance does.
type Reader interface {
	Read(ctx context.Context, o host.ReadOptions, handle func(context.Context, *protocol.ReadBatch) error) error
}

// Observer is told what came in; telemetry implements it.
type Observer interface {
	// Received counts new records and those known already, and tells how far
	// behind its source the batch was.
	Received(endpoint string, fresh, duplicates int, lag time.Duration)
}

// Options configure a Source.
type Options struct {
	// Endpoint is "<connection>.<source>".
	Endpoint string
	Tenant   string
	// Routes consume what comes in; it is counted for each of them.
	Routes    []string
	Reader    Reader
	Publisher Publisher
	Book      Book
	Observer  Observer
	// Tracing begins or continues each record's trace; nil for none.
	Tracing *telemetry.Tracing
	Log     *slog.Logger
	Now     func() time.Time
}

// Source moves one source endpoint's documents into the received stream.
type Source struct {
	o    Options
	conn string
	name string

	mu       sync.Mutex
	position []byte
	dirty    bool
}

// New returns a source that is not running.
func New(o Options) *Source {
	conn, name, _ := strings.Cut(o.Endpoint, ".")
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Source{o: o, conn: conn, name: name}
}

const (
	positionInterval = 250 * time.Millisecond
	firstWait        = 100 * time.Millisecond
	longestWait      = 15 * time.Second
)

// Run reads until ctx ends or a bounded source is finished. A stream that
// breaks is opened again, with growing waits, from the last position.
func (s *Source) Run(ctx context.Context) error {
	saverCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		s.savePositions(saverCtx)
	}()
	defer func() {
		stop()
		<-saved
	}()
	wait := firstWait
	for {
		began := s.o.Now()
		err := s.read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil || errors.Is(err, io.EOF) {
			return nil
		}
		if s.o.Now().Sub(began) > longestWait {
			wait = firstWait
		}
		s.o.Log.Warn("source interrupted, reading again", "endpoint", s.o.Endpoint, "wait", wait, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
		wait = min(wait*2, longestWait)
	}
}

func (s *Source) read(ctx context.Context) error {
	s.mu.Lock()
	from := s.position
	s.mu.Unlock()
	if from == nil {
		stored, err := s.o.Book.Position(ctx, s.o.Endpoint)
		if err != nil {
			return fmt.Errorf("reading the position of %s: %w", s.o.Endpoint, err)
		}
		from = stored
	}
	return s.o.Reader.Read(ctx, host.ReadOptions{From: from, Credit: 16}, s.accept)
}

// accept makes one batch durable. Its error tells the connector that nothing
// was accepted.
func (s *Source) accept(ctx context.Context, b *protocol.ReadBatch) error {
	b = storable(b)
	for _, u := range b.GetUnreadable() {
		if err := s.bury(ctx, u); err != nil {
			return err
		}
	}
	now := s.o.Now().UTC()
	msgs := make([]*message.Message, len(b.GetRecords()))
	for i, r := range b.GetRecords() {
		msgs[i] = s.message(r, now)
	}
	end := s.trace(ctx, msgs)
	stored, duplicates, err := s.publish(ctx, msgs)
	end(err)
	if err != nil {
		return err
	}
	s.record(stored, duplicates, len(b.GetUnreadable())+len(msgs)-len(stored), b.GetLag().AsDuration(), now)
	if pos := b.GetPosition(); len(pos) > 0 {
		s.mu.Lock()
		s.position, s.dirty = pos, true
		s.mu.Unlock()
	}
	return nil
}

// storable sets the records aside that the message store would refuse whenever
// they come, and their source with them: the others go on. The SDK sees to the
// same; not every connector is made with it.
func storable(b *protocol.ReadBatch) *protocol.ReadBatch {
	if !slices.ContainsFunc(b.GetRecords(), func(r *protocol.Record) bool { return unstorable(r) != nil }) {
		return b
	}
	out := &protocol.ReadBatch{Seq: b.GetSeq(), Position: b.GetPosition(), Unreadable: slices.Clone(b.GetUnreadable()), Lag: b.GetLag(), End: b.GetEnd()}
	for _, r := range b.GetRecords() {
		problem := unstorable(r)
		if problem == nil {
			out.Records = append(out.Records, r)
			continue
		}
		id := r.GetId()
		if id == "" || len(id) > largestMetadata {
			sum := sha256.Sum256(append([]byte(id), r.GetPayload()...))
			id = "unidentified-" + hex.EncodeToString(sum[:16])
		}
		out.Unreadable = append(out.Unreadable, &protocol.Unreadable{
			Id: id, Content: r.GetPayload(), ContentType: r.GetContentType(), Meta: shortened(r.GetMeta()), Problem: problem,
		})
	}
	return out
}

const (
	// largestMetadata leaves room for what the core adds, below the 64 KiB that a
	// message of NATS may have in its headers.
	largestMetadata = 40 << 10
	// longestKept is what a dead letter keeps of a value that is too large.
	longestKept = 1 << 10
)

// unstorable says why a record cannot be a message, nil when it can.
func unstorable(r *protocol.Record) *protocol.Problem {
	if r.GetId() == "" {
		// All such records would be one message, and its repetitions.
		return &protocol.Problem{
			Class: protocol.Problem_BUG, Code: "record.no_id",
			Message: "the connector gave the record no id; every record needs one that is the same whenever it is read again",
		}
	}
	size := headerSize(r.GetId()) + headerSize(string(r.GetKey()))
	longest := &protocol.KV{}
	for _, kv := range r.GetMeta() {
		size += headerSize(kv.GetK()) + headerSize(kv.GetV()) + 4
		if len(kv.GetV()) > len(longest.GetV()) {
			longest = kv
		}
	}
	if size <= largestMetadata {
		return nil
	}
	return &protocol.Problem{
		Class: protocol.Problem_PERMANENT, Code: "record.metadata",
		Message: fmt.Sprintf("id, key and metadata of the record take %d bytes, the limit is %d; the largest is %q with %d bytes: is the right field configured?",
			size, largestMetadata, longest.GetK(), len(longest.GetV())),
	}
}

// headerSize is what a text takes in a header, where control characters and
// percent signs are escaped.
func headerSize(s string) int {
	n := len(s)
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f || s[i] == '%' {
			n += 2
		}
	}
	return n
}

func shortened(list []*protocol.KV) []*protocol.KV {
	out := make([]*protocol.KV, len(list))
	for i, kv := range list {
		out[i] = &protocol.KV{K: kv.GetK(), V: kv.GetV()[:min(len(kv.GetV()), longestKept)]}
	}
	return out
}

// Reserved reports whether a metadata name is the core's own. Metadata of a
// source under such a name is left out: it would say where the message comes
// from, or which way it goes.
func Reserved(name string) bool {
	switch name {
	case engine.MetaKey, engine.MetaCausation, engine.MetaRoute, engine.MetaConnection, engine.MetaSource, engine.MetaEntity, engine.MetaEvent,
		engine.MetaOperation, engine.MetaSchema, engine.MetaClass, engine.MetaPartition, engine.MetaReceived, engine.MetaEventTime, engine.MetaContentType,
		"part", "replay.route": // marks of routing
		return true
	}
	return false
}

// trace starts a span for each message, whose context travels with it to the
// sink, and returns the function that ends them.
func (s *Source) trace(ctx context.Context, msgs []*message.Message) func(error) {
	spans := make([]telemetry.Span, len(msgs))
	for i, m := range msgs {
		var spanCtx context.Context
		spanCtx, spans[i] = s.o.Tracing.Start(ctx, "receive "+s.o.Endpoint, m.Metadata, "crossdock.message", m.UUID)
		s.o.Tracing.Inject(spanCtx, m.Metadata)
	}
	return func(err error) {
		for _, span := range spans {
			span.End(err)
		}
	}
}

// record writes down what became of a batch: the messages in the stream, which of
// them were known already, and how many inputs became dead letters.
func (s *Source) record(msgs []*message.Message, duplicates []bool, dead int, lag time.Duration, began time.Time) {
	hops := make([]ledger.Hop, len(msgs))
	fresh, dups := 0, 0
	took := s.o.Now().Sub(began)
	for i, m := range msgs {
		state := "received"
		if duplicates[i] {
			state = "duplicate"
			dups++
		} else {
			fresh++
		}
		hops[i] = Hop(m, s.o.Endpoint, s.o.Routes, began)
		hops[i].State, hops[i].Took = state, took
	}
	s.o.Book.Journal(hops...)
	for _, r := range s.o.Routes {
		s.o.Book.Count(r, "", "received", int64(fresh+dead))
		s.o.Book.Count(r, "", "duplicates", int64(dups))
	}
	if s.o.Observer != nil {
		s.o.Observer.Received(s.o.Endpoint, fresh+dead, dups, lag)
	}
}

// Hop is the journal's entry for a message that was received at an endpoint
// and made durable.
func Hop(m *message.Message, endpoint string, routes []string, at time.Time) ledger.Hop {
	return ledger.Hop{
		MessageID: m.UUID, Correlation: m.Metadata.Get(engine.MetaCorrelation), Route: strings.Join(routes, ","),
		Target: endpoint, Stage: "received", State: "received", At: at, After: m.Payload,
		Keys: engine.BusinessKeys(m.Metadata), Trace: m.Metadata.Get(engine.MetaTrace),
	}
}

// message builds the stored form of a record. Its id is the record's own,
// within the endpoint, so that whatever the source repeats is the same message.
func (s *Source) message(r *protocol.Record, now time.Time) *message.Message {
	id := s.o.Endpoint + "/" + r.GetId()
	m := message.NewMessage(id, r.GetPayload())
	for _, kv := range r.GetMeta() {
		if !Reserved(kv.GetK()) {
			m.Metadata.Set(kv.GetK(), kv.GetV())
		}
	}
	set := func(k, v string) {
		if v != "" {
			m.Metadata.Set(k, v)
		}
	}
	key := string(r.GetKey())
	if key == "" {
		key = s.o.Endpoint // the source's own order is kept
	}
	set(engine.MetaKey, key)
	if m.Metadata.Get(engine.MetaCorrelation) == "" {
		set(engine.MetaCorrelation, id)
	}
	set(engine.MetaConnection, s.conn)
	set(engine.MetaSource, s.name)
	set(engine.MetaTenant, s.o.Tenant)
	set(engine.MetaEntity, r.GetEntity())
	set(engine.MetaOperation, r.GetOperation())
	set(engine.MetaContentType, r.GetContentType())
	set(engine.MetaReceived, now.Format(time.RFC3339Nano))
	if ns := r.GetEventTimeNs(); ns > 0 {
		set(engine.MetaEventTime, time.Unix(0, int64(ns)).UTC().Format(time.RFC3339Nano))
	}
	return m
}

// bury keeps an input that never became a record as a dead letter.
func (s *Source) bury(ctx context.Context, u *protocol.Unreadable) error {
	id := s.o.Endpoint + "/" + u.GetId()
	d := ledger.Dead{
		Route: strings.Join(s.o.Routes, ","), Target: s.o.Endpoint, MessageID: id, Correlation: id, Stage: "intake",
		Class: u.GetProblem().GetClass().String(), Code: u.GetProblem().GetCode(), Reason: u.GetProblem().GetMessage(),
		Payload: u.GetContent(), ContentType: u.GetContentType(), Metadata: map[string]string{}, Keys: map[string]string{},
		Attempts: 1, FirstAt: s.o.Now().UTC(), At: s.o.Now().UTC(), State: "dead",
	}
	for _, kv := range u.GetMeta() {
		if Reserved(kv.GetK()) {
			continue
		}
		d.Metadata[kv.GetK()] = kv.GetV()
		if name, ok := strings.CutPrefix(kv.GetK(), engine.MetaBusinessPrefix); ok {
			d.Keys[name] = kv.GetV()
		}
	}
	if _, err := s.o.Book.Bury(ctx, d, false); err != nil {
		return fmt.Errorf("%s: keeping an unreadable input: %w", s.o.Endpoint, err)
	}
	s.o.Log.Warn("unreadable input kept as dead letter", "endpoint", s.o.Endpoint, "id", id, "reason", d.Reason)
	return nil
}

// savePositions writes the newest position now and then, and once at the end.
func (s *Source) savePositions(ctx context.Context) {
	tick := time.NewTicker(positionInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.savePosition(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			s.savePosition(ctx)
		}
	}
}

func (s *Source) savePosition(ctx context.Context) {
	s.mu.Lock()
	pos, dirty := s.position, s.dirty
	s.dirty = false
	s.mu.Unlock()
	if !dirty {
		return
	}
	if err := s.o.Book.SetPosition(ctx, s.o.Endpoint, pos); err != nil && ctx.Err() == nil {
		s.o.Log.Error("the position was not saved; after a restart the source is read again from an older one",
			"endpoint", s.o.Endpoint, "error", err)
		s.mu.Lock()
		s.dirty = true
		s.mu.Unlock()
	}
}
