package delivery

import (
	"context"
	"sync"
	"time"
)

// State is what a lane does.
type State string

// The states of a lane.
const (
	Running     State = "running"
	Paused      State = "paused"       // by a person, until Resume
	Stopped     State = "stopped"      // by a failure that only a person mends, until Resume
	Unreachable State = "circuit-open" // until the target is back
)

// Status is a lane's state, why, and since when.
type Status struct {
	State  State
	Reason string
	Since  time.Time
}

// valve lets deliveries through while a lane runs and holds them otherwise.
type valve struct {
	mu     sync.Mutex
	status Status
	open   chan struct{} // closed while the lane runs
}

func newValve() *valve {
	v := &valve{status: Status{State: Running, Since: time.Now()}, open: make(chan struct{})}
	close(v.open)
	return v
}

func (v *valve) wait(ctx context.Context) error {
	v.mu.Lock()
	open := v.open
	v.mu.Unlock()
	select {
	case <-open:
		return nil
	default:
	}
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *valve) running() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status.State == Running
}

// set changes the state and reports whether it was another.
func (v *valve) set(s State, reason string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	was := v.status.State
	if was == s || was == Paused && s == Stopped {
		return false // a person's pause outlasts a failure found meanwhile
	}
	v.status = Status{State: s, Reason: reason, Since: time.Now()}
	switch {
	case s == Running:
		close(v.open)
	case was == Running:
		v.open = make(chan struct{})
	}
	return true
}

func (v *valve) get() Status {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status
}
