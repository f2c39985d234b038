package delivery

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// CircuitState is the state of a Circuit.
type CircuitState int

// The states of a circuit.
const (
	CircuitClosed   CircuitState = iota // deliveries flow
	CircuitHalfOpen                     // one delivery tries whether the target is back
	CircuitOpen                         // the target is not there, deliveries wait
)

func (s CircuitState) String() string {
	return [...]string{"closed", "half-open", "open"}[s]
}

// CircuitOptions configure a Circuit.
type CircuitOptions struct {
	// Initial is the first wait before the target is tried again (0: 200 ms). It
	// doubles with every failed try up to Max (0: 30 s).
	Initial, Max time.Duration
	// OnChange hears every change of state. It must not block.
	OnChange func(CircuitState)
}

// Circuit knows whether the other side of a connection is there. One for all
// lanes of the connection: what one of them finds out, the others need not.
//
// It opens with the first failure to connect, not after a number of them: an
// unreachable target fails everybody, and a wait of a fraction of a second costs
// nothing when it was only a hiccup. Libraries of circuit breakers refuse calls
// while open; here callers wait, because a refused message would have to go
// somewhere.
type Circuit struct {
	o CircuitOptions

	mu      sync.Mutex
	state   CircuitState
	probing bool          // half-open, and somebody is trying
	changed chan struct{} // closed and replaced when waiters should look again
	wait    time.Duration
	epoch   int // counts openings
	timer   *time.Timer
}

// NewCircuit returns a closed circuit.
func NewCircuit(o CircuitOptions) *Circuit {
	if o.Initial <= 0 {
		o.Initial = 200 * time.Millisecond
	}
	if o.Max <= 0 {
		o.Max = 30 * time.Second
	}
	return &Circuit{o: o, changed: make(chan struct{}), wait: o.Initial}
}

// State returns the current state.
func (c *Circuit) State() CircuitState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// pass is the permission for one delivery. Exactly one of its methods connected,
// failed or abandon is called.
type pass struct {
	c     *Circuit
	epoch int
	probe bool
}

// enter waits while the circuit is open and lets one caller at a time through
// while it is half-open.
func (c *Circuit) enter(ctx context.Context) (*pass, error) {
	for {
		c.mu.Lock()
		switch {
		case c.state == CircuitClosed:
			p := &pass{c: c, epoch: c.epoch}
			c.mu.Unlock()
			return p, nil
		case c.state == CircuitHalfOpen && !c.probing:
			c.probing = true
			p := &pass{c: c, epoch: c.epoch, probe: true}
			c.mu.Unlock()
			return p, nil
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// valid reports that nothing opened the circuit since the pass was given.
func (p *pass) valid() bool {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	return p.epoch == p.c.epoch
}

// connected means that the target answered, with whatever.
func (p *pass) connected() {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.epoch != c.epoch || c.state == CircuitClosed {
		return // news from before it opened
	}
	c.probing, c.wait = false, c.o.Initial
	c.set(CircuitClosed)
}

// failed means that the target is not there.
func (p *pass) failed() {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.epoch != c.epoch {
		return
	}
	wait := c.wait/2 + rand.N(c.wait/2+1)
	if p.probe {
		c.probing = false
	}
	c.wait = min(2*c.wait, c.o.Max)
	c.epoch++
	epoch := c.epoch
	c.set(CircuitOpen)
	c.timer = time.AfterFunc(wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.epoch == epoch && c.state == CircuitOpen {
			c.set(CircuitHalfOpen)
		}
	})
}

// abandon gives the pass back without news.
func (p *pass) abandon() {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.probe && p.epoch == c.epoch {
		c.probing = false
		c.wake()
	}
}

func (c *Circuit) set(s CircuitState) {
	c.state = s
	c.wake()
	if c.o.OnChange != nil {
		c.o.OnChange(s)
	}
}

func (c *Circuit) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}
