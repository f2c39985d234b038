package sdk

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk/internal/keyorder"
)

// instance is one configured use of the connector in one role. A sink or a
// caller lives from Open to Close; a source lives as long as the Read stream
// that it serves, because only that stream knows the position to resume at.
type instance struct {
	plugin Plugin
	role   string
	cfg    map[string]any
	env    Env
	redact func(string) string
	limits BatchLimits

	// ctx ends when the instance closes.
	ctx    context.Context
	cancel context.CancelFunc

	value any // the Sink or Caller; nil for a source

	mu      sync.Mutex
	closed  bool
	reader  *reader        // the Read stream being served, if any
	writers sync.WaitGroup // author calls in progress
	busy    keyorder.Order
}

func newInstance(p Plugin, role string, cfg map[string]any, env Env, redact func(string) string) *instance {
	ctx, cancel := context.WithCancel(context.Background())
	return &instance{
		plugin: p, role: role, cfg: cfg, env: env, redact: redact,
		limits: p.Describe().Batch.withDefaults(), ctx: ctx, cancel: cancel,
	}
}

func (i *instance) open(ctx context.Context) error {
	if i.role == roleSource {
		return nil
	}
	v, err := i.make(ctx, i.ctx, nil)
	i.value = v
	return err
}

// make calls the connector's constructor with life, because what it starts
// must outlive the request that ctx belongs to.
func (i *instance) make(ctx, life context.Context, from []byte) (any, error) {
	var v any
	done := make(chan error, 1)
	go func() {
		done <- guard("opening a "+i.role, func() (err error) {
			v, err = i.plugin.open(life, i.role, i.cfg, from, i.env)
			return err
		})
	}()
	select {
	case err := <-done:
		return v, err
	case <-ctx.Done():
		// The constructor still runs; what it makes is closed when it returns.
		go func() {
			if <-done == nil {
				i.release(v)
			}
		}()
		return nil, Fail(Retryable, "open.deadline", context.Cause(ctx))
	}
}

// release calls the author's Close.
func (i *instance) release(v any) {
	c, ok := v.(io.Closer)
	if !ok {
		return
	}
	if err := guard("Close", c.Close); err != nil {
		i.env.Log.Warn("closing the connector failed", "role", i.role, "error", err)
	}
}

// close is idempotent and harmless on nil.
func (i *instance) close(grace time.Duration) {
	if i == nil {
		return
	}
	i.mu.Lock()
	if i.closed {
		i.mu.Unlock()
		return
	}
	i.closed = true
	r := i.reader
	i.mu.Unlock()

	i.cancel()
	if r != nil {
		r.stop()
		waitFor(r.done, grace)
	}
	if i.value == nil {
		return
	}
	idle := make(chan struct{})
	go func() { i.writers.Wait(); close(idle) }()
	if !waitFor(idle, grace) {
		i.env.Log.Error("the connector did not return after its context ended; it is closed without waiting longer", "role", i.role, "waited", grace)
	}
	i.release(i.value)
}

// enter counts an author call, unless the instance is closing.
func (i *instance) enter() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return Fail(NotConnected, "instance.closed", errors.New("the instance is closed"))
	}
	i.writers.Add(1)
	return nil
}

func waitFor(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// with runs f on the instance's value. A source that is not being read is
// opened for the purpose, from the start, and closed again without reading.
func (i *instance) with(ctx context.Context, f func(v any) error) error {
	if err := i.enter(); err != nil {
		return err
	}
	defer i.writers.Done()
	v := i.value
	if v == nil {
		i.mu.Lock()
		if i.reader != nil {
			v = i.reader.source
		}
		i.mu.Unlock()
	}
	if v == nil {
		made, err := i.make(ctx, i.ctx, nil)
		if err != nil {
			return err
		}
		defer i.release(made)
		v = made
	}
	return f(v)
}

func (i *instance) check(ctx context.Context) []Step {
	start := time.Now()
	var steps []Step
	err := i.with(ctx, func(v any) error {
		c, ok := v.(Checker)
		if !ok {
			// A constructor that succeeded is all that can be said.
			steps = []Step{{Name: "open", Took: time.Since(start)}}
			return nil
		}
		return guard("Check", func() error { steps = c.Check(ctx); return nil })
	})
	if err != nil {
		steps = append(steps, Step{Name: "open", Err: err, Took: time.Since(start)})
	}
	return steps
}

func (i *instance) discover(ctx context.Context, filter string) (Discovery, error) {
	var d Discovery
	err := i.with(ctx, func(v any) error {
		c, ok := v.(Discoverer)
		if !ok {
			spec := i.plugin.Describe()
			d = Discovery{Entities: spec.Entities, Operations: spec.Operations}
			return nil
		}
		return guard("Discover", func() (err error) { d, err = c.Discover(ctx, filter); return err })
	})
	return d, err
}

func (i *instance) call(ctx context.Context, operation string, in Record) (Record, error) {
	if i.role != roleCall {
		return Record{}, Failf(BadConfig, "instance.role", "instance %s is a %s and cannot be called", i.env.Instance, i.role)
	}
	if err := i.enter(); err != nil {
		return Record{}, err
	}
	type reply struct {
		out Record
		err error
	}
	ctx, cancel := bothContexts(ctx, i.ctx)
	done := make(chan reply, 1)
	go func() {
		defer i.writers.Done()
		defer cancel()
		var r reply
		r.err = guard("Call", func() (err error) {
			r.out, err = i.value.(Caller).Call(ctx, operation, in)
			return err
		})
		done <- r
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-afterDone(ctx, returnGrace):
		return Record{}, deadlineError(ctx, "Call")
	}
}

// drain stops reading, or waits for the writes in progress, and reports how
// far the host's acknowledgements reached.
func (i *instance) drain(ctx context.Context) (position []byte, seq uint64) {
	i.mu.Lock()
	r := i.reader
	i.mu.Unlock()
	if r != nil {
		return r.drain(ctx)
	}
	idle := make(chan struct{})
	go func() { i.writers.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	return nil, 0
}

// returnGrace is what an author's call gets to return after its deadline, so
// that its own words about the time-out are reported.
const returnGrace = 200 * time.Millisecond

// afterDone is closed grace after ctx has ended.
func afterDone(ctx context.Context, grace time.Duration) <-chan struct{} {
	out := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { close(out) }) })
	return out
}

func deadlineError(ctx context.Context, what string) error {
	return Failf(Retryable, "deadline", "%s did not return in time (%w); whether its effect was made is unknown until it is tried again", what, context.Cause(ctx))
}

// bothContexts ends when either ends and keeps the values and deadline of the
// first.
func bothContexts(a, b context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(a)
	stop := context.AfterFunc(b, func() { cancel(context.Cause(b)) })
	return ctx, func() { stop(); cancel(nil) }
}
