package node

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
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
		if value == n.applied[name] {
			continue
		}
		n.applied[name] = value
		if value == "paused" {
			r.Pause()
			n.log.Info("route paused", "route", name)
		} else {
			r.Resume()
			n.log.Info("route resumed", "route", name)
		}
	}
	return nil
}

// requeue publishes dead letters that failed before they were canonical once
// more. The new id ends in ~r and a number, since the old one is known.
func (n *Node) requeue(ctx context.Context) error {
	list, err := n.Ledger.Requeued(ctx, 64)
	if err != nil {
		return fmt.Errorf("reading dead letters to replay: %w", err)
	}
	for _, d := range list {
		r := n.route(d.Route)
		if r == nil || r.Route.From.Endpoint == "" {
			n.log.Error("a dead letter cannot be replayed: its route is not there", "id", d.ID, "route", d.Route)
			continue
		}
		m := message.NewMessage(fmt.Sprintf("%s~r%d", d.MessageID, d.Replays), d.Payload)
		for k, v := range d.Metadata {
			m.Metadata.Set(k, v)
		}
		m.Metadata.Set(routing.MetaOnly, d.Route)
		if m.Metadata.Get(engine.MetaKey) == "" {
			m.Metadata.Set(engine.MetaKey, r.Route.From.Endpoint)
		}
		if m.Metadata.Get(engine.MetaCorrelation) == "" {
			m.Metadata.Set(engine.MetaCorrelation, d.Correlation)
		}
		if _, err := n.engine.PublishBatch(ctx, engine.ReceivedTopic(r.Route.From.Endpoint), m); err != nil {
			return fmt.Errorf("replaying dead letter %s: %w", d.ID, err)
		}
		if err := n.Ledger.RequeueDone(ctx, d.ID); err != nil {
			return fmt.Errorf("replaying dead letter %s: %w", d.ID, err)
		}
	}
	return nil
}

func (n *Node) route(name string) *routing.Running {
	for _, r := range n.routes {
		if r.Route.Name.Value == name {
			return r
		}
	}
	return nil
}

// prune forgets the journal beyond its retention.
func (n *Node) prune(ctx context.Context) error {
	_, err := n.Ledger.Prune(ctx, time.Now().Add(-n.project.Settings.Ledger.Retention))
	return err
}
