package telemetry

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lane is the state of one target of one route at a moment.
type Lane struct {
	Route, Target string
	Lag           uint64        // messages that wait in the stream
	Parked        int           // messages that wait for a retry
	OldestParked  time.Time     // when the oldest of them first failed; zero if none
	LastEffect    time.Time     // when the target last confirmed a message; zero if never
	Since         time.Time     // when the lane started to run, or was resumed
	Cadence       time.Duration // an effect is expected at least this often; 0 if there is no such expectation
	Circuit       Circuit
	Paused        bool   // by an operator
	Stopped       string // why the lane stopped by itself and waits for an operator; empty if it did not
}

// State of a lane or of all of them.
type State int

// The states, from best to worst.
const (
	OK       State = iota // effects happen as expected, or there is nothing to do
	Degraded              // works, but someone should look
	Stale                 // effects that should have happened did not
)

// String returns "ok", "degraded" or "stale".
func (s State) String() string { return [...]string{"ok", "degraded", "stale"}[min(max(s, OK), Stale)] }

// MarshalText makes State a string in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Limits decide when waiting is too long.
type Limits struct {
	// Stalled is how long a lane without a Cadence may have messages waiting and no effect; 0 means 5 minutes.
	Stalled time.Duration
	// Parked is how long a message may wait for its retry; 0 means 15 minutes.
	Parked time.Duration
}

// LaneHealth is the verdict on one lane.
type LaneHealth struct {
	Route      string    `json:"route"`
	Target     string    `json:"target"`
	State      State     `json:"state"`
	Reasons    []string  `json:"reasons,omitempty"` // for the operator, worst first; empty when ok
	LastEffect time.Time `json:"lastEffect,omitzero"`
	Lag        uint64    `json:"lag"`
	Parked     int       `json:"parked"`
}

// Health is the verdict on all lanes; its state is that of the worst.
type Health struct {
	State State        `json:"state"`
	At    time.Time    `json:"at"`
	Lanes []LaneHealth `json:"lanes"`
}

// Report judges lanes by their last business effect. A lane is
//
//   - stale, when it stopped by itself, because only an operator lets it go on; when it has a Cadence and its last effect (or its start, if later) is longer ago than that; or when
//     messages wait and nothing had an effect for Limits.Stalled;
//   - degraded, when its circuit is not closed, it is paused, or a message has been parked longer than
//     Limits.Parked;
//   - ok otherwise.
//
// A paused lane is never stale: someone decided that it rests.
func Report(now time.Time, lanes []Lane, limits Limits) Health {
	if limits.Stalled == 0 {
		limits.Stalled = 5 * time.Minute
	}
	if limits.Parked == 0 {
		limits.Parked = 15 * time.Minute
	}
	h := Health{At: now, Lanes: make([]LaneHealth, 0, len(lanes))}
	for _, l := range lanes {
		lane := judge(now, l, limits)
		h.State = max(h.State, lane.State)
		h.Lanes = append(h.Lanes, lane)
	}
	slices.SortStableFunc(h.Lanes, func(a, b LaneHealth) int {
		if a.State != b.State {
			return int(b.State - a.State)
		}
		return strings.Compare(a.Route+" "+a.Target, b.Route+" "+b.Target)
	})
	return h
}

func judge(now time.Time, l Lane, limits Limits) LaneHealth {
	h := LaneHealth{Route: l.Route, Target: l.Target, LastEffect: l.LastEffect, Lag: l.Lag, Parked: l.Parked}
	add := func(s State, format string, args ...any) {
		h.State = max(h.State, s)
		h.Reasons = append(h.Reasons, fmt.Sprintf(format, args...))
	}
	last := l.LastEffect
	if l.Since.After(last) {
		last = l.Since
	}
	quiet := now.Sub(last).Round(time.Second)
	switch {
	case l.Paused:
		add(Degraded, "paused by an operator, %s", waiting(l))
	case l.Stopped != "":
		add(Stale, "stopped, %s: %s; correct the cause, then `crossdock route resume %s`", waiting(l), l.Stopped, l.Route)
	case last.IsZero():
	case l.Cadence > 0 && quiet > l.Cadence:
		add(Stale, "no effect for %s, expected every %s, %s", quiet, l.Cadence, waiting(l))
	case l.Lag > 0 && quiet > limits.Stalled:
		add(Stale, "no effect for %s while %s", quiet, waiting(l))
	}
	if l.Circuit != CircuitClosed {
		add(Degraded, "the target does not answer (circuit %s)", l.Circuit)
	}
	if !l.OldestParked.IsZero() {
		if age := now.Sub(l.OldestParked).Round(time.Second); age > limits.Parked {
			add(Degraded, "the oldest parked message has waited for %s", age)
		}
	}
	return h
}

func waiting(l Lane) string {
	switch n := l.Lag + uint64(max(l.Parked, 0)); n {
	case 0:
		return "no message waits"
	case 1:
		return "1 message waits"
	default:
		return fmt.Sprintf("%d messages wait", n)
	}
}

// String returns one line: "shop-orders → erp.orders: stale: no effect for 42m0s while 310 messages wait".
func (h LaneHealth) String() string {
	line := h.Route + " → " + h.Target + ": " + h.State.String()
	if len(h.Reasons) > 0 {
		line += ": " + strings.Join(h.Reasons, "; ")
	}
	return line
}
