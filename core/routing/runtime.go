package routing

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Transport is the message store; *engine.Engine is.
type Transport interface {
	Publisher
	Subscriber(o engine.SubscriberOptions) message.Subscriber
}

// Deps is what running routes need.
type Deps struct {
	Transport Transport
	Book      Book
	// Caller returns the instance of a call endpoint.
	Caller func(endpoint string) (Caller, error)
	// Lookup answers table lookups of mappings.
	Lookup mapping.LookupFunc
	// NewLane builds the lane of a target; prepare maps a canonical message to
	// the record that the sink gets.
	NewLane func(route *Compiled, target *CompiledTarget, prepare delivery.PrepareFunc) (*delivery.Lane, error)
	Log     *slog.Logger
	Now     func() time.Time
}

// Running is a route attached to a Watermill router.
type Running struct {
	Route *Compiled
	Lanes []*delivery.Lane
	// Subscriptions are the durable consumers, for lag: of the inbound handler
	// (empty for a route from an entity) and of each lane.
	Inbound string
	LaneSub []string
	gate    *gate
}

// Attach adds a route's handlers to the router. They run when the router does.
func (c *Compiled) Attach(router *message.Router, d Deps) (*Running, error) {
	r := &Running{Route: c, gate: newGate()}
	a := asker{caller: d.Caller}
	if c.From.Endpoint != "" {
		in := &Inbound{route: c, publisher: d.Transport, book: d.Book, lookup: d.Lookup, asker: a, log: d.Log, now: d.Now, gate: r.gate}
		r.Inbound = durable("in", c.Name.Value)
		sub := d.Transport.Subscriber(engine.SubscriberOptions{Durable: r.Inbound, Concurrency: 64})
		router.AddConsumerHandler(r.Inbound, engine.ReceivedTopic(c.From.Endpoint), sub, in.Handle)
	}
	for _, t := range c.Targets {
		lane, err := d.NewLane(c, t, c.prepare(t, a, d))
		if err != nil {
			return nil, fmt.Errorf("route %s, target %s: %w", c.Name.Value, t.Endpoint.Value, err)
		}
		name := durable("lane", t.Lane)
		concurrency := t.Concurrency
		if concurrency == 0 {
			concurrency = 16
		}
		sub := d.Transport.Subscriber(engine.SubscriberOptions{Durable: name, Concurrency: concurrency})
		router.AddConsumerHandler(name, c.filter(), sub, lane.Handle)
		r.Lanes = append(r.Lanes, lane)
		r.LaneSub = append(r.LaneSub, name)
	}
	return r, nil
}

// filter is the subject of what a route's lanes consume: their own route's
// events, or those of every route when the route starts at an entity.
func (c *Compiled) filter() string {
	if c.From.Endpoint != "" {
		return engine.CanonicalFilter(c.Entity, "", c.Name.Value)
	}
	return engine.CanonicalFilter(c.Entity, c.From.Event, "")
}

// durable makes a consumer name, in which NATS allows no dots, slashes or
// blanks.
func durable(kind, name string) string {
	return kind + "-" + strings.NewReplacer(".", "_", "/", "__", "#", "_", " ", "_").Replace(name)
}

// OwnsSubscription reports whether a durable consumer's name is one that Attach
// gives, whichever route it was for.
func OwnsSubscription(name string) bool {
	return strings.HasPrefix(name, "in-") || strings.HasPrefix(name, "lane-")
}

// Pause holds the route: nothing is mapped or delivered until Resume.
func (r *Running) Pause() {
	r.gate.shut()
	for _, l := range r.Lanes {
		l.Pause("paused by an operator")
	}
}

// Resume lets the route go on; lanes that stopped by themselves start again.
func (r *Running) Resume() {
	r.gate.reopen()
	for _, l := range r.Lanes {
		l.Resume()
	}
}

// Leave gives back the messages that wait, for a person or for a target that is
// away, so that stopping does not wait for them. What is under way is finished.
func (r *Running) Leave() {
	r.gate.leave()
	for _, l := range r.Lanes {
		l.Leave()
	}
}

// prepare returns the lane's mapping step: where, enrich, map.
func (c *Compiled) prepare(t *CompiledTarget, a asker, d Deps) delivery.PrepareFunc {
	questions := slices.Concat(c.laneEnrich(), t.enrich)
	return func(ctx context.Context, msg *message.Message) (*protocol.Record, bool, error) {
		for _, p := range []*mapping.Predicate{c.laneWhere(), t.where} {
			if p == nil {
				continue
			}
			ok, err := p.Match(msg.Payload, msg.Metadata)
			if err != nil {
				return nil, false, permanent("where", err)
			}
			if !ok {
				return nil, true, nil
			}
		}
		id := msg.UUID + "@" + t.Endpoint.Value
		meta, err := a.ask(ctx, questions, msg.Payload, msg.Metadata, id)
		if err != nil {
			return nil, false, err
		}
		payload := []byte(msg.Payload)
		if t.mapping != nil {
			out, err := t.mapping.Map(ctx, payload, mapping.Input{MessageID: msg.UUID, Meta: meta, Now: eventTime(msg, d.Now()), Lookup: d.Lookup})
			if err != nil {
				return nil, false, unmapped(err)
			}
			payload = out.Doc
		}
		return record(id, msg, payload), false, nil
	}
}

// laneWhere is the route's own condition when the route starts at an entity;
// otherwise the inbound handler has applied it already.
func (c *Compiled) laneWhere() *mapping.Predicate {
	if c.From.Endpoint != "" {
		return nil
	}
	return c.where
}

func (c *Compiled) laneEnrich() []compiledEnrich {
	if c.From.Endpoint != "" {
		return nil
	}
	return c.enrich
}

func permanent(code string, err error) error {
	return &delivery.Failure{Class: protocol.Problem_PERMANENT, Code: code, Err: err}
}

// record is what the sink gets; its id is the idempotency key of the effect.
func record(id string, msg *message.Message, payload []byte) *protocol.Record {
	r := &protocol.Record{
		Id: id, Entity: msg.Metadata.Get(engine.MetaEntity), Operation: msg.Metadata.Get(engine.MetaOperation),
		Key: []byte(msg.Metadata.Get(engine.MetaKey)), Payload: payload, ContentType: "application/json",
	}
	for k, v := range msg.Metadata {
		r.Meta = append(r.Meta, &protocol.KV{K: k, V: v})
	}
	if t, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(engine.MetaEventTime)); err == nil {
		r.EventTimeNs = uint64(t.UnixNano())
	}
	return r
}
