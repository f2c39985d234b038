package node

import (
	"context"
	"fmt"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/routing"
)

// namespace tells the streams of this project from those of others on one
// cluster. An embedded message store is the project's own.
func (n *Node) namespace() string {
	if len(n.project.Settings.Engine.URLs) == 0 {
		return ""
	}
	return engine.Namespace(n.project.Settings.Name)
}

// renamed tells of the one way to leave messages behind on a cluster: another name
// of the project means other streams.
func (n *Node) renamed(ctx context.Context) error {
	if n.namespace() == "" || !n.engine.Unused() {
		return nil
	}
	counts, err := n.Ledger.Counts(ctx)
	if err != nil {
		return fmt.Errorf("reading what the project has done: %w", err)
	}
	if len(counts) > 0 {
		n.log.Warn("the project has delivered before, but its streams on the NATS servers are new: was the project renamed, or are these other servers? "+
			"What was unfinished in the former streams stays there; with the former name, or servers, it goes on",
			"name", n.project.Settings.Name, "streams", n.namespace())
	}
	return nil
}

// forgetSubscriptions removes the durable subscriptions of routes and targets
// that are no longer in the project. As long as one exists, the message store
// keeps for it what nobody will ever read, until it is full and intake stops.
//
// It runs only with a project that has no errors, so a route that is merely
// broken keeps its place. What a removed subscription had not finished is
// named in the log. Nothing is lost with it: the messages stay in the stream
// for its maximum age, and a route that is put back reads them again; the
// ledger recognises those it had delivered.
func (n *Node) forgetSubscriptions(ctx context.Context) error {
	names, err := n.engine.Subscriptions(ctx)
	if err != nil {
		return fmt.Errorf("looking for subscriptions of removed routes: %w", err)
	}
	// Long names come back shortened; their subject tokens are equal.
	used := map[string]bool{}
	for _, r := range n.routes {
		for _, name := range append([]string{r.Inbound}, r.LaneSub...) {
			if name != "" {
				used[engine.SubjectToken(name)] = true
			}
		}
	}
	for _, name := range names {
		if used[engine.SubjectToken(name)] || !routing.OwnsSubscription(name) {
			continue
		}
		left, err := n.engine.Lag(ctx, name)
		if err != nil {
			return fmt.Errorf("asking what the subscription %s of a removed route has left: %w", name, err)
		}
		if err := n.engine.RemoveSubscription(ctx, name); err != nil {
			return fmt.Errorf("removing the subscription %s of a removed route: %w", name, err)
		}
		if left > 0 {
			n.log.Warn("a route or target is gone from the project with messages unfinished; put back within engine.maxAge, it delivers them",
				"subscription", name, "unfinished", left)
			continue
		}
		n.log.Info("a route or target is gone from the project; its subscription was removed", "subscription", name)
	}
	return nil
}
