package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // Europe/Berlin, wherever the tests run
)

// queueUp has callers of the given classes wait for a budget, in that order, and
// returns the order in which they got their turns.
func queueUp(t *testing.T, b *Budget, classes string, between time.Duration) string {
	t.Helper()
	hold, err := b.acquire(t.Context(), "normal") // everybody queues behind this one
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order []string
	var all sync.WaitGroup
	for _, class := range strings.Fields(classes) {
		all.Go(func() {
			release, err := b.acquire(t.Context(), class)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, class)
			mu.Unlock()
			release(true)
		})
		synctest.Wait()
		time.Sleep(between)
	}
	hold(true)
	all.Wait()
	return strings.Join(order, " ")
}

func TestPriorityUnderABudget(t *testing.T) {
	for name, c := range map[string]struct {
		between     time.Duration
		queue, want string
	}{
		"critical first":                     {time.Millisecond, "low normal low critical normal critical", "critical critical normal normal low low"},
		"who has waited long enough is even": {20 * time.Second, "low normal critical critical", "critical normal low critical"},
		"equals in the order they came":      {time.Millisecond, "normal normal", "normal normal"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := queueUp(t, NewBudget(BudgetOptions{Concurrency: 1}), c.queue, c.between); got != c.want {
					t.Errorf("turns were %s, want %s", got, c.want)
				}
			})
		})
	}
}

// TestLowIsNotStarved keeps critical messages coming faster than they go.
func TestLowIsNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Rate: 10, Burst: 1})
		ctx, cancel := context.WithCancel(t.Context())
		var critical sync.WaitGroup
		critical.Go(func() {
			for ctx.Err() == nil {
				critical.Go(func() {
					if release, err := b.acquire(ctx, "critical"); err == nil {
						release(true)
					}
				})
				time.Sleep(50 * time.Millisecond)
			}
		})
		time.Sleep(time.Second) // a queue of critical ones has built up
		began := time.Now()
		release, err := b.acquire(t.Context(), "low")
		if err != nil {
			t.Fatal(err)
		}
		release(true)
		cancel()
		critical.Wait()
		if waited := time.Since(began); waited < time.Minute || waited > 3*time.Minute {
			t.Errorf("a low message waited %s; it should let a minute of critical ones go first, and no more than have come by then", waited)
		}
	})
}

func TestRateAndThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{Rate: 100, Burst: 1})
		took := func(n int, ok bool) time.Duration {
			began := time.Now()
			for range n {
				release, err := b.acquire(t.Context(), "normal")
				if err != nil {
					t.Fatal(err)
				}
				release(ok)
			}
			return time.Since(began).Round(10 * time.Millisecond)
		}
		if d := took(101, true); d != time.Second {
			t.Errorf("101 turns at 100/s took %s", d)
		}
		b.throttle(3 * time.Second)
		b.throttle(time.Second) // said by another delivery that was under way
		if d := took(1, false); d != 3*time.Second {
			t.Errorf("the first turn after throttling came after %s", d)
		}
		if d := took(100, false); d != 2*time.Second {
			t.Errorf("100 turns at half the rate took %s", d)
		}
		took(20, true)
		if d := took(100, true); d != time.Second {
			t.Errorf("after it recovered 100 turns took %s", d)
		}
	})
}

func TestConcurrencyShrinksWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetOptions{})
		var releases []func(bool)
		for range 8 {
			r, err := b.acquire(t.Context(), "normal")
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, r)
		}
		b.throttle(time.Second)
		for _, r := range releases {
			r(false)
			r(false) // ends once
		}
		under := 0
		for range 8 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if _, err := b.acquire(ctx, "normal"); err == nil {
				under++
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		if under != 4 {
			t.Errorf("%d deliveries at a time after throttling, want half of 8", under)
		}
	})
}

func TestWindows(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := Window{From: 22 * time.Hour, To: 6 * time.Hour, Location: berlin}
	workdays := Window{From: 8 * time.Hour, To: 17 * time.Hour, Days: []time.Weekday{time.Monday, time.Friday}, Location: berlin}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		windows []Window
		now     string
		want    time.Duration
	}{
		{nil, "2026-03-02 12:00", 0},
		{[]Window{night}, "2026-03-02 12:00", 10 * time.Hour},
		{[]Window{night}, "2026-03-02 23:00", 0},
		{[]Window{night}, "2026-03-03 05:59", 0},
		{[]Window{night}, "2026-03-03 06:00", 16 * time.Hour},
		{[]Window{night}, "2026-03-28 21:00", time.Hour},
		{[]Window{workdays}, "2026-03-02 08:00", 0},                             // a Monday
		{[]Window{workdays}, "2026-03-02 17:00", 3*24*time.Hour + 15*time.Hour}, // until Friday
		{[]Window{workdays}, "2026-03-28 12:00", 43 * time.Hour},                // over the start of summer time, one hour less
		{[]Window{workdays, night}, "2026-03-02 17:00", 5 * time.Hour},
	} {
		b := NewBudget(BudgetOptions{Windows: c.windows})
		if got := b.closedFor(at(c.now)); got != c.want {
			t.Errorf("at %s closed for %s, want %s", c.now, got, c.want)
		}
	}
}

func TestBackoffHasFullJitter(t *testing.T) {
	r := Retry{Initial: 100 * time.Millisecond, Max: time.Second, Multiplier: 2}.withDefaults()
	var got []time.Duration
	for attempt := 1; attempt <= 6; attempt++ {
		got = append(got, r.wait(attempt, 0.5))
	}
	ms := time.Millisecond
	if want := []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 500 * ms, 500 * ms}; !slices.Equal(got, want) {
		t.Errorf("waits are %v, want %v", got, want)
	}
	if r.wait(1000, 0.999) > time.Second {
		t.Error("the wait grows beyond its bound")
	}
}

func TestCircuitWaitsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []CircuitState
		c := NewCircuit(CircuitOptions{Initial: time.Second, Max: 8 * time.Second, OnChange: func(s CircuitState) { states = append(states, s) }})
		stale, err := c.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first, _ := c.enter(t.Context())
		first.failed()
		stale.connected() // an answer from before
		stale.failed()
		if c.State() != CircuitOpen || stale.valid() {
			t.Fatalf("the circuit is %s", c.State())
		}
		for _, bound := range []time.Duration{1, 2, 4, 8, 8} {
			began := time.Now()
			probe, err := c.enter(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited < bound*time.Second/2 || waited > bound*time.Second {
				t.Errorf("waited %s, want between half and all of %d s", waited, bound)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if _, err := c.enter(ctx); err == nil {
				t.Error("two probes at a time")
			}
			cancel()
			probe.failed()
		}
		given, err := c.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		given.abandon()
		probe, err := c.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		probe.connected()
		if c.State() != CircuitClosed || states[len(states)-1] != CircuitClosed {
			t.Errorf("the circuit is %s after an answer", c.State())
		}
		again, _ := c.enter(t.Context())
		again.failed()
		began := time.Now()
		if _, err := c.enter(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Errorf("after an answer the waits begin anew, waited %s", time.Since(began))
		}
	})
}
