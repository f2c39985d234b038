package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/telemetry"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// targets builds lanes. Lanes of one connection share its budget and circuit.
type targets struct {
	n  *Node
	mu sync.Mutex
	by map[string]*shared // connection
}

type shared struct {
	budget  *delivery.Budget
	circuit *delivery.Circuit
}

func newTargets(n *Node) *targets { return &targets{n: n, by: map[string]*shared{}} }

func (t *targets) of(c *config.Connection) *shared {
	t.mu.Lock()
	defer t.mu.Unlock()
	name := c.Name.Value
	if s, ok := t.by[name]; ok {
		return s
	}
	s := &shared{
		budget:  delivery.NewBudget(delivery.BudgetOptions{Rate: float64(c.Limits.Rate), Concurrency: c.Limits.Concurrency}),
		circuit: delivery.NewCircuit(delivery.CircuitOptions{}),
	}
	t.by[name] = s
	return s
}

func (t *targets) circuitState(endpoint string) telemetry.Circuit {
	connection, _, _ := strings.Cut(endpoint, ".")
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.by[connection]; s != nil {
		return circuitOf(s.circuit.State())
	}
	return telemetry.CircuitClosed
}

// lane builds the lane of a route's target.
func (t *targets) lane(r *routing.Compiled, ct *routing.CompiledTarget, prepare delivery.PrepareFunc) (*delivery.Lane, error) {
	ep, err := t.n.project.Endpoint(ct.Endpoint.Value, config.Sink)
	if err != nil {
		return nil, err
	}
	s := t.of(ep.Connection)
	timeout := ep.Connection.Limits.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	o := delivery.LaneOptions{
		Name: ct.Lane, Route: r.Name.Value, Target: ct.Endpoint.Value, Class: r.Priority, Sink: sink{t.n.instance(ep), timeout}, Prepare: prepare,
		OnError: ct.OnError, Concurrency: ct.Concurrency, Budget: s.budget, Circuit: s.circuit, Ledger: t.n.Ledger,
		Observer: laneObserver{t.n}, Classify: classify, Log: t.n.log,
	}
	if ct.Retry != nil {
		o.Retry = delivery.Retry{Attempts: ct.Retry.Attempts, Initial: ct.Retry.Initial, Max: ct.Retry.Max, Multiplier: ct.Retry.Multiplier}
	}
	return delivery.NewLane(o)
}

// sink bounds every delivery in time.
type sink struct {
	instance *host.Instance
	timeout  time.Duration
}

func (s sink) Deliver(ctx context.Context, recs []*protocol.Record) ([]*protocol.RecordResult, error) {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	out, err := s.instance.Write(bounded, recs)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		// The target may have it; the delivery id makes another try harmless.
		err = &delivery.Failure{Class: protocol.Problem_RETRYABLE, Code: "timeout", Message: fmt.Sprintf("no answer within %s", s.timeout), Err: err}
	}
	return out, err
}

// classify recognises what the plugin host and connectors say.
func classify(err error) *delivery.Failure {
	var pe *host.ProblemError
	if !errors.As(err, &pe) {
		return nil
	}
	f := delivery.FromProblem(pe.Problem)
	f.Message = err.Error()
	f.Crash = f.Code == host.CodeCrashed
	return f
}

// laneObserver passes what happens in lanes to metrics and log.
type laneObserver struct{ n *Node }

var events = map[string]telemetry.Event{
	"delivered": telemetry.Delivered, "retried": telemetry.Retried, "duplicate": telemetry.Duplicate, "dead": telemetry.Dead,
	"parked": telemetry.Parked, "filtered": telemetry.Filtered,
}

func (o laneObserver) Event(route, target, event string) {
	if e, ok := events[event]; ok {
		o.n.metrics.Count(e, route, target, 1)
	}
}

func (o laneObserver) Delivered(route, target string, received, _, done time.Time) {
	o.n.metrics.Effect(route, target, done)
	if !received.IsZero() {
		o.n.metrics.ObserveDelivery(route, target, done.Sub(received))
	}
}

func (o laneObserver) StateChanged(route, target string, s delivery.Status) {
	if s.State == delivery.Stopped {
		o.n.log.Error("a lane stopped; correct the cause, then `crossdock route resume "+route+"`", "route", route, "target", target, "reason", s.Reason)
		return
	}
	o.n.log.Info("lane", "route", route, "target", target, "state", s.State, "reason", s.Reason)
}

// caller returns the instance of a call endpoint.
func (n *Node) caller(endpoint string) (routing.Caller, error) {
	ep, err := n.project.Endpoint(endpoint, config.Call)
	if err != nil {
		return nil, err
	}
	return n.instance(ep), nil
}
