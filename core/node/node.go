// Package node is one running Crossdock: it opens the ledger, the message
// store and the plugin host, attaches the routes of a project, starts the
// sources last and stops them first.
//
// Order of start: everything that receives is ready before anything that
// sends. Order of stop: sources are drained, handlers finish what they hold,
// then the message store and the ledger close. A node that is killed instead
// does the rest of its work when it starts again.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/console"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/intake"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/telemetry"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Options configure a node.
type Options struct {
	Project *config.Project
	// FirstParty tells how to start the connectors of this binary.
	FirstParty map[string][]string
	// InProcess runs connectors without a process of their own, for tests.
	InProcess map[string]protocol.ConnectorServer
	// Attach names connectors that run under a debugger; see plugins/host.
	Attach  map[string]string
	Log     *slog.Logger
	Version string
}

// Node is one running Crossdock.
type Node struct {
	o       Options
	project *config.Project
	log     *slog.Logger

	Ledger   *ledger.Ledger
	engine   *engine.Engine
	host     *host.Host
	registry *prometheus.Registry
	metrics  *telemetry.Metrics
	tracing  *telemetry.Tracing
	router   *message.Router
	routes   []*routing.Running
	targets  *targets
	lookups  lookupCache
	console  *console.Server

	stopping    atomic.Bool
	stopSources context.CancelFunc
	stopWork    context.CancelFunc
	sources     sync.WaitGroup
	work        sync.WaitGroup
	closers     []func(context.Context) error // in the order of opening
	started     time.Time
	applied     map[string]string // controls obeyed, by route
	told        map[string]bool   // sources of replays that no route reads
}

// Start checks the project and starts it. With an error nothing runs.
func Start(ctx context.Context, o Options) (*Node, error) {
	n := &Node{o: o, project: o.Project, log: o.Log, registry: prometheus.NewRegistry(), started: time.Now(), applied: map[string]string{}, told: map[string]bool{}, lookups: lookupCache{now: time.Now}}
	if err := n.start(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(err, n.Stop(stopCtx))
	}
	return n, nil
}

func (n *Node) start(ctx context.Context) error {
	compiled, fs, err := n.precheck(ctx)
	if err != nil {
		return err
	}
	if err := n.open(ctx); err != nil {
		return err
	}
	found := n.checkEndpoints(ctx)
	if err := refused(found); err != nil {
		return err
	}
	for _, f := range append(fs, found...) {
		n.log.Warn(f.String())
	}
	if err := n.attach(compiled); err != nil {
		return err
	}
	if err := n.forgetSubscriptions(ctx); err != nil {
		n.log.Error("the next start tries again", "error", err)
	}
	if err := n.controls(ctx); err != nil { // before anything moves: a pause outlives a restart
		return err
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	n.stopWork = stopWork
	if err := n.completeJournal(ctx); err != nil {
		n.log.Error("what a crash took from the journal is still missing there; the next start tries again", "error", err)
	}
	if err := n.runRouter(work); err != nil {
		return err
	}
	if err := n.serve(); err != nil {
		return err
	}
	n.every(work, 250*time.Millisecond, n.controls)
	n.every(work, 500*time.Millisecond, n.requeue)
	n.every(work, time.Hour, n.prune)
	if err := n.strays(ctx); err != nil {
		n.log.Error("the node runs nevertheless", "error", err)
	}
	sources, stopSources := context.WithCancel(work)
	n.stopSources = stopSources
	return n.runSources(sources, compiled)
}

// open opens what the routes stand on.
func (n *Node) open(ctx context.Context) error {
	s := n.project.Settings
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	var err error
	if n.metrics, err = telemetry.NewMetrics(n.registry); err != nil {
		return err
	}
	if n.tracing, err = telemetry.NewTracing(ctx, telemetry.TracingOptions{Endpoint: s.Telemetry.OTLP, Service: "crossdock", Instance: s.Node, Version: n.o.Version}); err != nil {
		return err
	}
	n.closers = append(n.closers, n.tracing.Shutdown)
	if n.Ledger, err = ledger.Open(ctx, ledger.Options{DSN: s.Ledger.DSN, Log: n.log}); err != nil {
		return err
	}
	n.closers = append(n.closers, func(context.Context) error { return n.Ledger.Close() })
	durability, err := engine.ParseDurability(s.Engine.Durability)
	if err != nil {
		return err
	}
	n.engine, err = engine.Open(ctx, engine.Options{
		Dir: filepath.Join(s.Data, "engine"), URLs: s.Engine.URLs, Namespace: n.namespace(), Replicas: s.Engine.Replicas, Durability: durability,
		MaxBytes: s.Engine.MaxBytes, MaxAge: s.Engine.MaxAge, ObserveSync: n.metrics.ObserveSync, Log: n.log,
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.engine.Close)
	if err := n.renamed(ctx); err != nil {
		return err
	}
	n.host, err = host.New(host.Options{
		RunDir: filepath.Join(s.Data, "run"), DataDir: filepath.Join(s.Data, "plugins"), FirstParty: n.o.FirstParty, InProcess: n.o.InProcess,
		Attach: n.o.Attach, PluginDir: s.Plugins.Dir, LockFile: s.Plugins.Lock, Secrets: n.project.Secrets, State: connectorState{n.Ledger}, Log: n.log, Version: n.o.Version,
		Observe: func(e host.Event) { n.observePlugin(e) },
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.host.Close)
	return nil
}

// serve starts the console, unless it is switched off.
func (n *Node) serve() error {
	listen := n.project.Settings.HTTP.Listen
	if listen == "off" {
		return nil
	}
	var err error
	n.console, err = console.Start(console.Options{
		Listen: listen, Metrics: n.registry, Ledger: n.Ledger, Health: n.Health, Log: n.log,
		Routes: func(ctx context.Context) (any, error) { return n.Status(ctx) },
	})
	if err != nil {
		return fmt.Errorf("http.listen in crossdock.yaml: %w; choose another address, or off", err)
	}
	n.closers = append(n.closers, n.console.Close)
	return nil
}

// attach builds the router with all handlers.
func (n *Node) attach(compiled []*routing.Compiled) error {
	var err error
	n.router, err = message.NewRouter(message.RouterConfig{CloseTimeout: 15 * time.Second}, watermill.NewSlogLoggerWithLevelMapping(n.log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug}))
	if err != nil {
		return err
	}
	n.router.AddMiddleware(middleware.Recoverer, n.traced)
	n.targets = newTargets(n)
	deps := routing.Deps{
		Transport: n.engine, Book: n.Ledger, Caller: n.caller, Lookup: n.lookup, NewLane: n.targets.lane,
		Log: n.log, Now: time.Now,
	}
	for _, c := range compiled {
		r, err := c.Attach(n.router, deps)
		if err != nil {
			return err
		}
		n.routes = append(n.routes, r)
	}
	n.metrics.WatchLanes(func() []telemetry.Lane {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return n.lanes(ctx)
	})
	return nil
}

// traced starts a span for every handled message, so that a document's way can
// be followed from source to sink.
func (n *Node) traced(h message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		name := message.HandlerNameFromCtx(msg.Context())
		ctx, span := n.tracing.Start(msg.Context(), name, msg.Metadata, "crossdock.message", msg.UUID)
		msg.SetContext(ctx)
		n.tracing.Inject(ctx, msg.Metadata)
		out, err := h(msg)
		span.End(err)
		return out, err
	}
}

// runRouter starts the handlers and the lanes and returns when they run.
func (n *Node) runRouter(ctx context.Context) error {
	ended := make(chan error, 1)
	n.work.Add(1)
	go func() {
		defer n.work.Done()
		err := n.router.Run(ctx)
		ended <- err
		if !n.stopping.Load() {
			n.log.Error("the router ended; nothing is delivered until the node is started again", "error", err)
		}
	}()
	select {
	case <-n.router.Running():
	case err := <-ended:
		return fmt.Errorf("the routes cannot be run: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, r := range n.routes {
		for _, l := range r.Lanes {
			n.work.Add(1)
			go func() {
				defer n.work.Done()
				l.Run(ctx)
			}()
		}
	}
	return nil
}

// runSources starts one reader for each source endpoint that a route uses.
func (n *Node) runSources(ctx context.Context, compiled []*routing.Compiled) error {
	routes := map[string][]string{}
	var order []string
	for _, c := range compiled {
		if ep := c.From.Endpoint; ep != "" {
			if routes[ep] == nil {
				order = append(order, ep)
			}
			routes[ep] = append(routes[ep], c.Name.Value)
		}
	}
	for _, name := range order {
		ep, err := n.project.Endpoint(name, config.Source)
		if err != nil {
			return err
		}
		src := intake.New(intake.Options{
			Endpoint: name, Tenant: ep.Connection.Tenant, Routes: routes[name], Reader: n.instance(ep), Publisher: n.engine,
			Book: n.Ledger, Observer: observer{n}, Tracing: n.tracing, Log: n.log, Now: time.Now,
		})
		n.sources.Add(1)
		go func() {
			defer n.sources.Done()
			if err := src.Run(ctx); err != nil {
				n.log.Error("a source ended", "endpoint", name, "error", err)
			}
		}()
	}
	return nil
}

func (n *Node) instance(ep *config.Endpoint) *host.Instance {
	return n.host.Instance(ep.Connection.Connector.Value, ep.FullName(), string(ep.Role), ep.Config)
}

// every runs a task until ctx ends; its errors are logged once per change.
func (n *Node) every(ctx context.Context, interval time.Duration, task func(context.Context) error) {
	n.work.Add(1)
	go func() {
		defer n.work.Done()
		tick := time.NewTicker(interval)
		defer tick.Stop()
		last := ""
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			text := ""
			if err := task(ctx); err != nil && ctx.Err() == nil {
				if text = err.Error(); text != last {
					n.log.Error("a housekeeping task failed", "error", err)
				}
			}
			last = text
		}
	}()
}

// giveBack is how long messages that wait, for a person or a target, are kept in
// flight when the node stops.
const giveBack = 250 * time.Millisecond

// Stop drains and closes the node. What is not finished when ctx ends stays in
// the message store for the next start.
func (n *Node) Stop(ctx context.Context) error {
	var errs []error
	n.stopping.Store(true)
	if n.stopSources != nil {
		n.stopSources()
		errs = append(errs, wait(ctx, &n.sources, "the sources did not stop in time"))
	}
	if n.router != nil && n.router.IsRunning() {
		// By then nothing new is handed out, and what is not done only waits.
		soon := time.AfterFunc(giveBack, func() {
			for _, r := range n.routes {
				r.Leave()
			}
		})
		errs = append(errs, n.router.Close())
		soon.Stop()
	}
	if n.stopWork != nil {
		n.stopWork()
		errs = append(errs, wait(ctx, &n.work, "the lanes did not stop in time"))
	}
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i](ctx))
	}
	n.closers = nil
	return errors.Join(errs...)
}

func wait(ctx context.Context, wg *sync.WaitGroup, late string) error {
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New(late)
	}
}

// observer passes what intake sees to the metrics.
type observer struct{ n *Node }

func (o observer) Received(endpoint string, fresh, duplicates int, _ time.Duration) {
	for _, r := range o.n.routes {
		if r.Route.From.Endpoint == endpoint {
			o.n.metrics.Count(telemetry.Received, r.Route.Name.Value, "", fresh)
			o.n.metrics.Count(telemetry.Duplicate, r.Route.Name.Value, "", duplicates)
		}
	}
}

var _ routing.Book = (*ledger.Ledger)(nil)
