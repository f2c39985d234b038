package routing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// MetaPart marks a message that is one part of a split document: the split is
// not applied to it again when it is replayed.
const MetaPart = "part"

// MetaOnly names the one route that a replayed message is for; other routes of
// the same source have dealt with it before.
const MetaOnly = "replay.route"

// Publisher makes messages durable; *engine.Engine does.
type Publisher interface {
	PublishBatch(ctx context.Context, topic string, msgs ...*message.Message) (duplicates []bool, err error)
}

// Book is what routing writes down; *ledger.Ledger does.
type Book interface {
	Journal(hops ...ledger.Hop)
	Count(route, target, what string, n int64)
	Bury(ctx context.Context, d ledger.Dead, removeParked bool) (string, error)
}

// Inbound maps what intake received to canonical events.
type Inbound struct {
	route     *Compiled
	publisher Publisher
	book      Book
	lookup    mapping.LookupFunc
	asker     asker
	log       *slog.Logger
	now       func() time.Time
	gate      *gate
}

// part is one document on its way through the inbound handler.
type part struct {
	id  string
	doc []byte
	n   int // from 1; 0 when the route does not split
}

// Handle is the Watermill handler of a route's source. It returns nil when
// every part of the message became a canonical event or a dead letter, and an
// error when neither could be made durable: the message's key then waits and
// the message comes again, with the same ids.
func (in *Inbound) Handle(msg *message.Message) error {
	ctx := msg.Context()
	if only := msg.Metadata.Get(MetaOnly); only != "" && only != in.route.Name.Value {
		return nil
	}
	if err := in.gate.wait(ctx); err != nil {
		return err
	}
	var parts []part
	if err := guard(func() (err error) { parts, err = in.wanted(msg); return err }); err != nil {
		return in.bury(ctx, msg, part{id: in.id(msg), doc: msg.Payload}, err)
	}
	for _, p := range parts {
		if err := in.one(ctx, msg, p); err != nil {
			return err
		}
	}
	return nil
}

// id is the canonical message's id: the same whenever the same message comes.
func (in *Inbound) id(msg *message.Message) string { return msg.UUID + "#" + in.route.Name.Value }

// wanted are the parts of a message that meets the route's condition. Of one that
// does not, or that is split into nothing, the journal says so.
func (in *Inbound) wanted(msg *message.Message) ([]part, error) {
	if in.route.where != nil {
		ok, err := in.route.where.Match(msg.Payload, msg.Metadata)
		if err != nil {
			return nil, fmt.Errorf("where: %w", err)
		}
		if !ok {
			in.filtered(msg, "where: "+in.route.Where.Value)
			return nil, nil
		}
	}
	parts, err := in.parts(msg)
	if err != nil {
		return nil, fmt.Errorf("split: %w", err)
	}
	if len(parts) == 0 {
		in.filtered(msg, "split: "+in.route.Split.Value+" is an empty list")
	}
	return parts, nil
}

func (in *Inbound) parts(msg *message.Message) ([]part, error) {
	id := in.id(msg)
	if in.route.split == nil || msg.Metadata.Get(MetaPart) != "" {
		return []part{{id: id, doc: msg.Payload}}, nil
	}
	docs, err := in.route.split.Eval(msg.Payload, msg.Metadata)
	if err != nil {
		return nil, err
	}
	out := make([]part, len(docs))
	for i, d := range docs {
		out[i] = part{id: id + "#" + strconv.Itoa(i+1), doc: d, n: i + 1}
	}
	return out, nil
}

// one maps and publishes a part, or buries it.
func (in *Inbound) one(ctx context.Context, msg *message.Message, p part) error {
	began := in.now()
	var event *message.Message
	var topic, remarks string
	err := guard(func() (err error) {
		event, topic, remarks, err = in.canonical(ctx, msg, p, began)
		return err
	})
	switch {
	case passing(err):
		return err
	case err != nil:
		return in.bury(ctx, msg, p, err)
	}
	known, err := in.publisher.PublishBatch(ctx, topic, event)
	var large *engine.TooLargeError
	switch {
	case errors.As(err, &large): // as often as it comes
		return in.bury(ctx, msg, p, err)
	case err != nil:
		return fmt.Errorf("route %s: publishing %s: %w", in.route.Name.Value, p.id, err)
	}
	hop := Hop(event, began)
	hop.Took, hop.Before, hop.Detail = in.now().Sub(began), p.doc, remarks
	if len(known) == 1 && known[0] {
		hop.State, hop.Detail = "duplicate", "it was published before"
	}
	in.book.Journal(hop)
	return nil
}

// canonical makes the event of a part, and where it is published. An error is a
// verdict on the part unless it is passing.
func (in *Inbound) canonical(ctx context.Context, msg *message.Message, p part, began time.Time) (event *message.Message, topic, remarks string, err error) {
	meta, err := in.asker.ask(ctx, in.route.enrich, p.doc, msg.Metadata, p.id)
	if err != nil {
		return nil, "", "", err
	}
	out, err := in.route.mapping.Map(ctx, p.doc, mapping.Input{MessageID: p.id, Meta: meta, Now: eventTime(msg, began), Lookup: in.lookup})
	if err != nil {
		if f := unmapped(err); passing(f) {
			return nil, "", "", f
		}
		return nil, "", "", err
	}
	facts, err := canonical.Inspect(in.route.Entity, out.Doc)
	if err != nil {
		return nil, "", "", err
	}
	key := facts.Key
	if in.route.key != nil {
		if key, err = in.route.key.Eval(out.Doc, msg.Metadata); err != nil {
			return nil, "", "", fmt.Errorf("key: %w", err)
		}
	}
	topic = engine.CanonicalTopic(facts.Entity, facts.Event, in.route.Name.Value, key, in.route.Priority)
	event = in.event(msg, p, facts, key, out.Doc)
	return event, topic, warnings(out.Warnings), carried(event.Metadata)
}

// largestMetadata is below the 64 KiB that a message of NATS may have in its
// headers, with room for what is escaped in them.
const largestMetadata = 56 << 10

// carried is the error of metadata that no message can carry: handed out again it
// would be refused again.
func carried(md message.Metadata) error {
	size, longest := 0, ""
	for k, v := range md {
		size += len(k) + len(v) + 4
		if len(v) > len(md[longest]) {
			longest = k
		}
	}
	if size <= largestMetadata {
		return nil
	}
	return fmt.Errorf("the metadata of the event takes %d bytes, the limit is %d; the largest is %q with %d bytes: is the right field configured as key?",
		size, largestMetadata, longest, len(md[longest]))
}

// guard turns a panic into a failure of class BUG: handing the message out again
// would only repeat it.
func guard(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &delivery.Failure{Class: protocol.Problem_BUG, Code: "panic", Message: fmt.Sprint(r), Stack: string(debug.Stack())}
		}
	}()
	return run()
}

// Hop is the journal's entry for a canonical event that was published.
func Hop(event *message.Message, at time.Time) ledger.Hop {
	return ledger.Hop{
		MessageID: event.UUID, Correlation: event.Metadata.Get(engine.MetaCorrelation), Causation: event.Metadata.Get(engine.MetaCausation),
		Route:  event.Metadata.Get(engine.MetaRoute),
		Target: "canonical." + event.Metadata.Get(engine.MetaEntity) + "." + event.Metadata.Get(engine.MetaEvent),
		Stage:  "canonical", State: "mapped", At: at, After: event.Payload,
		Keys: engine.BusinessKeys(event.Metadata), Trace: event.Metadata.Get(engine.MetaTrace),
	}
}

// event builds the canonical message.
func (in *Inbound) event(msg *message.Message, p part, facts canonical.Facts, key string, doc []byte) *message.Message {
	m := message.NewMessage(p.id, doc)
	for k, v := range msg.Metadata {
		if k != MetaPart && k != MetaOnly {
			m.Metadata.Set(k, v)
		}
	}
	for name, v := range facts.Keys {
		m.Metadata.Set(engine.MetaBusinessPrefix+name, v)
	}
	m.Metadata.Set(engine.MetaKey, key)
	m.Metadata.Set(engine.MetaCausation, msg.UUID)
	m.Metadata.Set(engine.MetaRoute, in.route.Name.Value)
	m.Metadata.Set(engine.MetaEntity, facts.Entity)
	m.Metadata.Set(engine.MetaEvent, facts.Event)
	m.Metadata.Set(engine.MetaSchema, schemaOf(doc))
	m.Metadata.Set(engine.MetaClass, in.route.Priority)
	m.Metadata.Set(engine.MetaPartition, strconv.Itoa(engine.PartitionOf(key)))
	m.Metadata.Set(engine.MetaContentType, "application/json")
	return m
}

func (in *Inbound) filtered(msg *message.Message, why string) {
	in.book.Count(in.route.Name.Value, "", "filtered", 1)
	in.book.Journal(ledger.Hop{
		MessageID: in.id(msg), Correlation: msg.Metadata.Get(engine.MetaCorrelation), Causation: msg.UUID, Route: in.route.Name.Value,
		Stage: "canonical", State: "filtered", At: in.now(), Before: msg.Payload, Detail: why,
	})
}

// bury keeps what cannot be mapped as a dead letter. The document kept is the
// one the mapping saw, so that editing and replaying it goes through the same
// mapping again.
func (in *Inbound) bury(ctx context.Context, msg *message.Message, p part, cause error) error {
	md := map[string]string{}
	for k, v := range msg.Metadata {
		md[k] = v
	}
	if p.n > 0 {
		md[MetaPart] = strconv.Itoa(p.n)
	}
	d := ledger.Dead{
		Route: in.route.Name.Value, Target: msg.Metadata.Get(engine.MetaConnection) + "." + msg.Metadata.Get(engine.MetaSource),
		Key: msg.Metadata.Get(engine.MetaKey), MessageID: p.id, Correlation: msg.Metadata.Get(engine.MetaCorrelation),
		Stage: "map", Class: "PERMANENT", Code: codeOf(cause), Reason: cause.Error(), Payload: p.doc, ContentType: "application/json",
		Metadata: md, Keys: engine.BusinessKeys(msg.Metadata), Attempts: 1, FirstAt: in.now().UTC(), At: in.now().UTC(), State: "dead",
	}
	var f *delivery.Failure
	if errors.As(cause, &f) {
		d.Class, d.Stack = f.Class.String(), f.Stack
		if f.Class == protocol.Problem_BUG {
			d.Code = f.Code
		}
	}
	id, err := in.book.Bury(ctx, d, false)
	if err != nil {
		return fmt.Errorf("route %s: keeping %s as dead letter (%w); it failed with: %s", in.route.Name.Value, p.id, err, cause)
	}
	in.log.Warn("dead letter", "id", id, "route", in.route.Name.Value, "message", p.id, "reason", cause)
	return nil
}

func codeOf(err error) string {
	var me *mapping.Error
	var large *engine.TooLargeError
	switch {
	case errors.As(err, &me):
		return "mapping"
	case errors.As(err, &large):
		return "too_large"
	}
	return "route"
}

// eventTime is the time that now() stands for in a mapping: that of the event,
// so that a message mapped twice gives the same document.
func eventTime(msg *message.Message, fallback time.Time) time.Time {
	for _, k := range []string{engine.MetaEventTime, engine.MetaReceived} {
		if t, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(k)); err == nil {
			return t
		}
	}
	return fallback
}

func warnings(list []mapping.Finding) string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.String()
	}
	return strings.Join(out, "\n")
}
