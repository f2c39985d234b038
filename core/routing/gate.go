package routing

import (
	"context"
	"errors"
	"sync"
)

// gate holds messages while a route is paused. They stay unacknowledged in the
// stream, so nothing is lost when the process ends meanwhile.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while the gate is open
	left chan struct{} // closed when nobody shall wait any more
	once sync.Once
}

var errLeft = errors.New("the route is paused and the node stops; the message comes again after the start")

func newGate() *gate {
	g := &gate{open: make(chan struct{}), left: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return nil
	default:
	}
	select {
	case <-open:
		return nil
	case <-g.left:
		return errLeft
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives back what waits.
func (g *gate) leave() { g.once.Do(func() { close(g.left) }) }

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
	default:
	}
}

func (g *gate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}
