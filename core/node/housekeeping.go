package node

import (
	"context"
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
		endpoint := n.requeueTo(d)
		if endpoint == "" {
			continue // its source is in no route of this project; it waits
		}
		m := message.NewMessage(fmt.Sprintf("%s~r%d", d.MessageID, d.Replays), d.Payload)
		for k, v := range d.Metadata {
			m.Metadata.Set(k, v)
		}
		if d.Stage == "map" {
			m.Metadata.Set(routing.MetaOnly, d.Route)
		}
		if m.Metadata.Get(engine.MetaKey) == "" {
			m.Metadata.Set(engine.MetaKey, endpoint)
		}
		if m.Metadata.Get(engine.MetaCorrelation) == "" {
			m.Metadata.Set(engine.MetaCorrelation, d.Correlation)
		}
		if _, err := n.engine.PublishBatch(ctx, engine.ReceivedTopic(endpoint), m); err != nil {
			return fmt.Errorf("replaying dead letter %s: %w", d.ID, err)
		}
		if err := n.Ledger.RequeueDone(ctx, d.ID); err != nil {
			return fmt.Errorf("replaying dead letter %s: %w", d.ID, err)
		}
	}
	return nil
}

// requeueTo is the source endpoint that a dead letter came from, empty when no
// route reads it any more.
func (n *Node) requeueTo(d ledger.Dead) string {
	for _, r := range n.routes {
		if ep := r.Route.From.Endpoint; ep != "" && ep == d.Target {
			return ep
		}
	}
	return ""
}

// prune forgets the journal beyond its retention.
func (n *Node) prune(ctx context.Context) error {
	_, err := n.Ledger.Prune(ctx, time.Now().Add(-n.project.Settings.Ledger.Retention))
	return err
}
