package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/routing"
)

// controls applies what operators asked for: it is written to the ledger by
// any process (`crossdock route pause`) and read here.
func (n *Node) controls(ctx context.Context) error {
	controls, err := n.Ledger.Controls(ctx)
	if err != nil {
		return fmt.Errorf("reading the controls: %w", err)
	}
	for _, r := range n.routes {
		name := r.Route.Name.Value
		value := controls[[2]string{"route", name}]
		before, known := n.applied[name]
		if known && value == before {
			continue
		}
		n.applied[name] = value
		switch {
		case value == "paused":
			r.Pause()
			n.log.Info("route paused", "route", name)
		case known:
			r.Resume()
			n.log.Info("route resumed", "route", name)
		}
	}
	return nil
}

// requeue publishes dead letters that failed before they were canonical once
// more. The new id ends in ~r and a number, since the old one is known.
func (n *Node) requeue(ctx context.Context) error {
	counts, err := n.Ledger.RequeuedCount(ctx)
	if err != nil || len(counts) == 0 {
		return err
	}
	var endpoints []string
	for endpoint, waiting := range counts {
		switch {
		case n.reads(endpoint):
			endpoints = append(endpoints, endpoint)
		case !n.told[endpoint]:
			n.told[endpoint] = true
			n.log.Warn("replayed dead letters wait, because no route of the project reads their source; put a route back, or discard them",
				"source", endpoint, "letters", waiting)
		}
	}
	list, err := n.Ledger.Requeued(ctx, endpoints, 64)
	if err != nil {
		return fmt.Errorf("reading dead letters to replay: %w", err)
	}
	for _, d := range list {
		if err := n.publishAgain(ctx, d); err != nil {
			return fmt.Errorf("replaying dead letter %s: %w", d.ID, err)
		}
	}
	return nil
}

func (n *Node) publishAgain(ctx context.Context, d ledger.Dead) error {
	m := message.NewMessage(fmt.Sprintf("%s~r%d", d.MessageID, d.Replays), d.Payload)
	for k, v := range d.Metadata {
		m.Metadata.Set(k, v)
	}
	if d.Stage == "map" {
		m.Metadata.Set(routing.MetaOnly, d.Route)
	}
	if m.Metadata.Get(engine.MetaKey) == "" {
		m.Metadata.Set(engine.MetaKey, d.Target)
	}
	if m.Metadata.Get(engine.MetaCorrelation) == "" {
		m.Metadata.Set(engine.MetaCorrelation, d.Correlation)
	}
	_, err := n.engine.PublishBatch(ctx, engine.ReceivedTopic(d.Target), m)
	var large *engine.TooLargeError
	switch {
	case errors.As(err, &large):
		if err := n.buryAgain(ctx, d, m.UUID, large); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	return n.Ledger.RequeueDone(ctx, d.ID)
}

// buryAgain makes a replay that the message store does not take, however often it
// is tried, a dead letter of its own: those behind it go on.
func (n *Node) buryAgain(ctx context.Context, d ledger.Dead, id string, cause *engine.TooLargeError) error {
	now := time.Now().UTC()
	d.MessageID, d.Class, d.Code, d.Reason, d.Stack = id, "PERMANENT", "too_large", cause.Error(), ""
	d.Attempts, d.FirstAt, d.At, d.State = 1, now, now, ledger.DeadLetter
	_, err := n.Ledger.Bury(ctx, d, false)
	return err
}

// reads reports whether a route of the project starts at a source endpoint.
func (n *Node) reads(endpoint string) bool {
	for _, r := range n.routes {
		if endpoint != "" && r.Route.From.Endpoint == endpoint {
			return true
		}
	}
	return false
}

// strays tells of messages that are parked for a target that is not in the
// project any more: no lane delivers them.
func (n *Node) strays(ctx context.Context) error {
	waiting, err := n.Ledger.Waiting(ctx)
	if err != nil {
		return fmt.Errorf("looking for messages parked for removed targets: %w", err)
	}
	for _, r := range n.routes {
		for _, l := range r.Lanes {
			delete(waiting, l.Name())
		}
	}
	for lane, w := range waiting {
		n.log.Warn("messages are parked for a target that is not in the project; nobody delivers them until it is put back",
			"lane", lane, "parked", w.Parked, "oldest", w.Oldest)
	}
	return nil
}

// prune forgets the journal beyond its retention.
func (n *Node) prune(ctx context.Context) error {
	_, err := n.Ledger.Prune(ctx, time.Now().Add(-n.project.Settings.Ledger.Retention))
	return err
}
