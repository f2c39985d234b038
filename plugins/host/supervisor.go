package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// Waits between starts of a connector that keeps ending.
const (
	firstBackoff   = 100 * time.Millisecond
	longestBackoff = 10 * time.Second
	// healthyAfter is how long a process must live for the waits to start over.
	healthyAfter = 30 * time.Second
	// longestHold is the wait that callers sit out; they are told of longer ones.
	longestHold = 300 * time.Millisecond
)

// connector supervises the process of one connector: at most one runs, it is
// started when it is needed, and again after it ended.
type connector struct {
	h      *Host
	name   string
	log    *slog.Logger
	launch func(context.Context) (*process, error)

	mu       sync.Mutex
	current  *process
	starting chan struct{} // closed when the start under way is over
	startErr error         // of the last start
	failures int           // in a row
	notYet   time.Time     // no start before
	closed   bool
	closing  chan struct{} // closed with it
}

// running returns the process that runs now, nil when none does.
func (c *connector) running() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.alive()
}

func (c *connector) alive() *process {
	if c.current == nil {
		return nil
	}
	select {
	case <-c.current.dead:
		return nil
	default:
		return c.current
	}
}

// process returns the running process, starting one when there is none. Callers
// that come while one is started wait for the same start.
func (c *connector) process(ctx context.Context) (*process, error) {
	for {
		c.mu.Lock()
		if p := c.alive(); p != nil {
			c.mu.Unlock()
			return p, nil
		}
		if c.closed {
			c.mu.Unlock()
			return nil, c.problem(protocol.Problem_NOT_CONNECTED, CodeGone, "", "the plugin host is closing")
		}
		if wait := time.Until(c.notYet); c.starting == nil && wait > longestHold {
			err := c.waiting(wait)
			c.mu.Unlock()
			return nil, err
		}
		started := c.starting
		if started == nil {
			started = make(chan struct{})
			c.starting = started
			go c.start(started)
		}
		c.mu.Unlock()
		select {
		case <-started:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c.mu.Lock()
		err := c.startErr
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

// waiting says when the next start is; c.mu is held.
func (c *connector) waiting(wait time.Duration) error {
	reason := "it keeps ending"
	if c.startErr != nil {
		reason = c.startErr.Error()
	} else if c.current != nil && c.current.cause() != nil {
		reason = c.current.cause().Error()
	}
	p := &protocol.Problem{
		Class: protocol.Problem_NOT_CONNECTED, Code: CodeGone, RetryAfter: durationpb.New(wait),
		Message: fmt.Sprintf("the connector %s is started again in %s: %s", c.name, wait.Round(time.Millisecond), reason),
	}
	var last *ProblemError
	if errors.As(c.startErr, &last) {
		p.Class, p.Code = last.Problem.GetClass(), last.Problem.GetCode()
	}
	return &ProblemError{Connector: c.name, Problem: p}
}

// start waits out the backoff and starts one process.
func (c *connector) start(done chan struct{}) {
	c.mu.Lock()
	again, wait := c.current != nil, time.Until(c.notYet)
	c.mu.Unlock()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-c.closing:
		}
	}
	p, err := c.launchSession()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(done)
	c.starting = nil
	if c.startErr = err; err != nil {
		c.backoff()
		var pe *ProblemError
		if !errors.As(err, &pe) {
			c.startErr = c.problem(protocol.Problem_NOT_CONNECTED, CodeStart, "", "the connector process cannot be started: %v", err)
		}
		c.log.Error("a connector cannot be started", "error", err)
		return
	}
	c.current = p
	kind := Started
	if again {
		kind = Restarted
	}
	c.log.Debug("connector "+string(kind), "pid", p.pid)
	c.h.o.Observe(Event{Connector: c.name, Kind: kind, Pid: p.pid})
	if c.closed {
		go p.end(errors.New("the plugin host is closing"))
	}
	go c.watch(p)
}

// launchSession starts a process and its session within the deadline.
func (c *connector) launchSession() (*process, error) {
	select {
	case <-c.closing:
		return nil, c.problem(protocol.Problem_NOT_CONNECTED, CodeGone, "", "the plugin host is closing")
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.h.o.Deadlines.Start)
	defer cancel()
	p, err := c.launch(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.openSession(ctx); err != nil {
		p.end(err)
		return nil, err
	}
	return p, nil
}

// watch notes the end of a process.
func (c *connector) watch(p *process) {
	<-p.dead
	c.mu.Lock()
	closed := c.closed
	if time.Since(p.started) > healthyAfter {
		c.failures = 0
	}
	c.backoff()
	c.mu.Unlock()
	c.h.runs.remove(p.pid)
	if closed {
		return
	}
	c.log.Warn("a connector process ended; it is started again", "pid", p.pid, "after", time.Since(p.started).Round(time.Millisecond), "cause", p.cause())
	c.h.o.Observe(Event{Connector: c.name, Kind: Ended, Pid: p.pid, Err: p.cause()})
}

// backoff sets the earliest next start; c.mu is held.
func (c *connector) backoff() {
	d := min(firstBackoff<<min(c.failures, 10), longestBackoff)
	c.failures++
	c.notYet = time.Now().Add(d/2 + rand.N(d/2+1))
}

// control makes one control call with the host's deadline.
func (c *connector) control(ctx context.Context, instance string, call func(context.Context, *process) error) error {
	p, err := c.process(ctx)
	if err != nil {
		return err
	}
	return c.controlOn(ctx, p, instance, call)
}

func (c *connector) controlOn(ctx context.Context, p *process, instance string, call func(context.Context, *process) error) error {
	bounded, cancel := context.WithTimeout(ctx, c.h.o.Deadlines.Call)
	defer cancel()
	err := call(bounded, p)
	// The plugin knows the deadline too, and may say that it passed a moment
	// before the clock here does.
	if err != nil && ctx.Err() == nil && (bounded.Err() != nil || status.Code(err) == codes.DeadlineExceeded) {
		return c.problem(protocol.Problem_RETRYABLE, CodeDeadline, instance, "no answer within %s", c.h.o.Deadlines.Call)
	}
	return c.failed(instance, p, err)
}

func (c *connector) close(ctx context.Context) {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
	}
	starting, p := c.starting, c.alive()
	c.mu.Unlock()
	if starting != nil {
		<-starting
		c.mu.Lock()
		p = c.alive()
		c.mu.Unlock()
	}
	if p != nil {
		p.closeInstances(ctx)
		p.end(errors.New("the plugin host is closing"))
	}
}
