package node

import (
	"context"
	"time"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/telemetry"
	"github.com/crossdock/crossdock/plugins/host"
)

// RouteStatus is what a route has done and what waits in it.
type RouteStatus struct {
	Name       string `json:"name"`
	Received   int64  `json:"received"`
	Delivered  int64  `json:"delivered"`
	Retried    int64  `json:"retried"`
	Duplicates int64  `json:"duplicates"`
	Filtered   int64  `json:"filtered"`
	Dead       int64  `json:"dead"`
	// Lag is how many messages wait in the stream, Parked how many for a retry.
	Lag    uint64 `json:"lag"`
	Parked int    `json:"parked"`
	// State is running, paused, or what holds a lane: "circuit open",
	// "stopped: …".
	State string `json:"state"`
}

// Status describes every route at this moment.
func (n *Node) Status(ctx context.Context) ([]RouteStatus, error) {
	counts, err := n.Ledger.Counts(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := n.Ledger.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]RouteStatus, 0, len(n.routes))
	for _, r := range n.routes {
		s := RouteStatus{Name: r.Route.Name.Value, State: "running"}
		for _, c := range counts {
			if c.Route == s.Name {
				s.Received, s.Delivered, s.Retried = s.Received+c.Received, s.Delivered+c.Delivered, s.Retried+c.Retried
				s.Duplicates, s.Filtered, s.Dead = s.Duplicates+c.Duplicates, s.Filtered+c.Filtered, s.Dead+c.Dead
			}
		}
		if r.Inbound != "" {
			s.Lag += n.lag(ctx, r.Inbound)
		}
		for i, l := range r.Lanes {
			s.Lag += n.lag(ctx, r.LaneSub[i])
			s.Parked += waiting[r.Route.Targets[i].Lane].Parked
			if st := l.Status(); st.State != delivery.Running {
				s.State = string(st.State)
				if st.State == delivery.Stopped {
					s.State += ": " + st.Reason
				}
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// lag is how many messages a subscription has not finished. A subscription
// that cannot be asked counts as empty: the next look tells.
func (n *Node) lag(ctx context.Context, durable string) uint64 {
	pending, err := n.engine.Lag(ctx, durable)
	if err != nil {
		n.log.Debug("lag is not known", "subscription", durable, "error", err)
	}
	return pending
}

// lanes describes every lane for metrics and health.
func (n *Node) lanes(ctx context.Context) []telemetry.Lane {
	waiting, err := n.Ledger.Waiting(ctx)
	if err != nil {
		n.log.Debug("parked messages are not known", "error", err)
	}
	effects, err := n.Ledger.LastEffect(ctx)
	if err != nil {
		n.log.Debug("last effects are not known", "error", err)
	}
	var out []telemetry.Lane
	for _, r := range n.routes {
		for i, l := range r.Lanes {
			t := r.Route.Targets[i]
			w, status := waiting[t.Lane], l.Status()
			lane := telemetry.Lane{
				Route: r.Route.Name.Value, Target: t.Endpoint.Value, Lag: n.lag(ctx, r.LaneSub[i]), Parked: w.Parked, OldestParked: w.Oldest,
				LastEffect: effects[t.Lane], Since: n.started, Cadence: r.Route.Cadence, Circuit: n.targets.circuitState(t.Endpoint.Value), Paused: status.State == delivery.Paused,
			}
			if status.State == delivery.Stopped {
				lane.Stopped = status.Reason
			}
			out = append(out, lane)
		}
	}
	return out
}

// Health judges the node by its lanes' last business effects.
func (n *Node) Health(ctx context.Context) telemetry.Health {
	return telemetry.Report(time.Now(), n.lanes(ctx), telemetry.Limits{})
}

// Pids are the process ids of the running connectors, by connector.
func (n *Node) Pids() map[string]int { return n.host.Pids() }

// Addr is the address of the console, empty when it is off.
func (n *Node) Addr() string {
	if n.console == nil {
		return ""
	}
	return n.console.Addr()
}

func (n *Node) observePlugin(e host.Event) {
	if e.Kind == host.Restarted {
		n.metrics.PluginRestarted(e.Connector)
	}
}

func circuitOf(s delivery.CircuitState) telemetry.Circuit {
	switch s {
	case delivery.CircuitOpen:
		return telemetry.CircuitOpen
	case delivery.CircuitHalfOpen:
		return telemetry.CircuitHalfOpen
	}
	return telemetry.CircuitClosed
}
