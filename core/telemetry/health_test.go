package telemetry

import (
	"encoding/json"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, c := range []struct {
		name string
		lane Lane
		want string
	}{
		{"recent effect", Lane{LastEffect: ago(time.Minute), Lag: 3}, "r → t: ok"},
		{"nothing to do and no expectation", Lane{LastEffect: ago(72 * time.Hour)}, "r → t: ok"},
		{"never ran", Lane{}, "r → t: ok"},
		{"work waits, no effect", Lane{LastEffect: ago(42 * time.Minute), Lag: 310}, "r → t: stale: no effect for 42m0s while 310 messages wait"},
		{"work waits, just started", Lane{LastEffect: ago(42 * time.Minute), Since: ago(time.Minute), Lag: 310}, "r → t: ok"},
		{"started long ago, never an effect", Lane{Since: ago(time.Hour), Lag: 1}, "r → t: stale: no effect for 1h0m0s while 1 message waits"},
		{"cadence met", Lane{LastEffect: ago(14 * time.Minute), Cadence: 15 * time.Minute}, "r → t: ok"},
		{"cadence missed although nothing waits", Lane{LastEffect: ago(16 * time.Minute), Cadence: 15 * time.Minute}, "r → t: stale: no effect for 16m0s, expected every 15m0s, no message waits"},
		{"slow cadence, work waits", Lane{LastEffect: ago(time.Hour), Cadence: 24 * time.Hour, Lag: 2}, "r → t: stale: no effect for 1h0m0s while 2 messages wait"},
		{"stopped by itself", Lane{LastEffect: ago(time.Second), Lag: 1, Stopped: "CONFIG: no such table"}, "r → t: stale: stopped, 1 message waits: CONFIG: no such table; correct the cause, then `crossdock route resume r`"},
		{"paused", Lane{LastEffect: ago(time.Hour), Lag: 2, Paused: true}, "r → t: degraded: paused by an operator, 2 messages wait"},
		{"circuit", Lane{LastEffect: ago(time.Second), Circuit: CircuitOpen}, "r → t: degraded: the target does not answer (circuit open)"},
		{"parked for long", Lane{LastEffect: ago(time.Second), Parked: 1, OldestParked: ago(20 * time.Minute)}, "r → t: degraded: the oldest parked message has waited for 20m0s"},
		{"parked just now", Lane{LastEffect: ago(time.Second), Parked: 1, OldestParked: ago(time.Minute)}, "r → t: ok"},
		{"two reasons", Lane{LastEffect: ago(time.Hour), Lag: 2, Circuit: CircuitHalfOpen}, "r → t: stale: no effect for 1h0m0s while 2 messages wait; the target does not answer (circuit half-open)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.lane.Route, c.lane.Target = "r", "t"
			h := Report(now, []Lane{c.lane}, Limits{})
			if got := h.Lanes[0].String(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if h.State != h.Lanes[0].State {
				t.Errorf("overall state %s, want that of the only lane", h.State)
			}
		})
	}
}

func TestReportPutsTheWorstFirst(t *testing.T) {
	now := time.Now()
	h := Report(now, []Lane{
		{Route: "b", Target: "x", LastEffect: now},
		{Route: "a", Target: "x", LastEffect: now},
		{Route: "c", Target: "x", LastEffect: now.Add(-2 * time.Minute), Lag: 1},
	}, Limits{Stalled: time.Minute})
	if h.State != Stale || h.Lanes[0].Route != "c" || h.Lanes[1].Route != "a" {
		t.Errorf("state %s, order %v", h.State, h.Lanes)
	}
	data, err := json.Marshal(h.Lanes[1])
	if err != nil || string(data) != `{"route":"a","target":"x","state":"ok","lastEffect":`+string(must(json.Marshal(now)))+`,"lag":0,"parked":0}` {
		t.Errorf("JSON %s, %v", data, err)
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
