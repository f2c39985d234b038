package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// TestOrderUnderRandomFailures feeds a lane as the engine does (one message per
// key at a time, many keys at once, repetition after an error) while the target
// fails at random and the lane restarts in the middle. Whatever happens: one
// effect per message, in order per key, nothing lost.
func TestOrderUnderRandomFailures(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		keys := rapid.IntRange(1, 5).Draw(rt, "keys")
		perKey := rapid.IntRange(1, 8).Draw(rt, "messages per key")
		classes := rapid.SliceOfN(rapid.SampledFrom([]protocol.Problem_Class{
			protocol.Problem_RETRYABLE, protocol.Problem_NOT_CONNECTED, protocol.Problem_THROTTLED, protocol.Problem_DUPLICATE,
		}), 1, 4).Draw(rt, "classes")
		chance := rapid.Float64Range(0, 0.6).Draw(rt, "chance")
		scenario{t: t, fail: rt.Fatalf, seed: seed, keys: keys, perKey: perKey, classes: classes, chance: chance}.run()
	})
}

type scenario struct {
	t            *testing.T
	fail         func(format string, args ...any)
	seed         uint64
	keys, perKey int
	classes      []protocol.Problem_Class
	chance       float64
}

func (s scenario) run() {
	dir, err := os.MkdirTemp(s.t.TempDir(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	l, err := ledger.Open(s.t.Context(), ledger.Options{DSN: "sqlite://" + filepath.ToSlash(filepath.Join(dir, "l.db")), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	b := &bench{t: s.t, ledger: l, sink: &target{}}
	rng, mu := rand.New(rand.NewPCG(s.seed, 1)), sync.Mutex{}
	b.sink.set(func(id string, _ int) *protocol.Problem {
		mu.Lock()
		defer mu.Unlock()
		if rng.Float64() >= s.chance {
			return nil
		}
		c := s.classes[rng.IntN(len(s.classes))]
		if c == protocol.Problem_DUPLICATE && !b.sink.has(id) {
			return nil // a target says so only of what it has
		}
		p := problem(c)
		p.RetryAfter = durationpb.New(time.Millisecond)
		return p
	})
	options := func(o *delivery.LaneOptions) {
		o.Retry = delivery.Retry{Attempts: 10_000, Initial: time.Millisecond, Max: 2 * time.Millisecond}
		o.Circuit = delivery.NewCircuit(delivery.CircuitOptions{Initial: time.Millisecond, Max: 2 * time.Millisecond})
		o.Budget = delivery.NewBudget(delivery.BudgetOptions{Concurrency: 3})
		o.Poll = 2 * time.Millisecond
	}
	feeds := make([]int, s.keys) // acknowledged messages per key
	s.live(b, options, feeds, 15*time.Millisecond)
	s.live(b, options, feeds, 10*time.Second)
	next := make([]int, s.keys)
	for _, id := range b.sink.done() {
		var key, n int
		if _, err := fmt.Sscanf(id, "%d-%d", &key, &n); err != nil {
			s.t.Fatal(err)
		}
		if n != next[key] {
			s.fail("key %d: message %d took effect when %d was next; effects: %v", key, n, next[key], b.sink.done())
		}
		next[key]++
	}
	for key, n := range next {
		if n != s.perKey {
			s.fail("key %d: %d of %d messages took effect", key, n, s.perKey)
		}
	}
}

// live runs a lane, and feeds it, until all is delivered or the time is up.
func (s scenario) live(b *bench, options func(*delivery.LaneOptions), feeds []int, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	lane := b.newLane(options)
	var all sync.WaitGroup
	defer all.Wait()
	runs, stop := context.WithCancel(ctx)
	defer stop()
	all.Go(func() { lane.Run(runs) })
	var fed sync.WaitGroup
	for key := range feeds {
		fed.Go(func() {
			for feeds[key] < s.perKey && ctx.Err() == nil {
				if lane.Handle(msg(ctx, fmt.Sprint(key), fmt.Sprintf("%d-%d", key, feeds[key]))) == nil {
					feeds[key]++
				}
			}
		})
	}
	fed.Wait()
	for ctx.Err() == nil {
		if keys, err := b.ledger.ParkedKeys(ctx, "r/erp.orders"); err == nil && len(keys) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *target) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied[id] > 0
}

// TestReplayFromAnotherProcess replays through a second ledger on the same file,
// as the command line does beside a running node.
func TestReplayFromAnotherProcess(t *testing.T) {
	dsn := "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "l.db"))
	openLedger := func() *ledger.Ledger {
		l, err := ledger.Open(t.Context(), ledger.Options{DSN: dsn, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		return l
	}
	b := &bench{t: t, ledger: openLedger(), sink: &target{}}
	b.lane = b.newLane(func(o *delivery.LaneOptions) { o.Poll = 0 })
	b.run(b.lane)
	b.sink.set(failing("a1", protocol.Problem_PERMANENT, 1))
	b.handle("A", "a1")
	cli := openLedger()
	list, err := cli.DeadList(t.Context(), ledger.DeadFilter{State: ledger.DeadLetter})
	if err != nil || len(list) != 1 {
		t.Fatalf("dead letters: %v, %v", list, err)
	}
	if _, err := cli.DeadReplay(t.Context(), []string{list[0].ID}, "ann", "mended"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	until(t, "the replayed delivery", func() bool { return len(b.sink.done()) == 1 })
	if took := time.Since(began); took > time.Second {
		t.Errorf("the replay was noticed after %s", took)
	}
	until(t, "the outcome", func() bool {
		ok, err := cli.Completed(t.Context(), "r/erp.orders", "a1")
		return err == nil && ok
	})
}

func TestOptionsAreChecked(t *testing.T) {
	b := &bench{t: t, sink: &target{}}
	for what, change := range map[string]func(*delivery.LaneOptions){
		"a name, a route and a target": func(o *delivery.LaneOptions) { o.Name = "" },
		"needs a sink":                 func(o *delivery.LaneOptions) { o.Prepare = nil },
		"expected dead or hold":        func(o *delivery.LaneOptions) { o.OnError, o.Ledger = "drop", &ledger.Ledger{} },
	} {
		o := b.options()
		o.Ledger = &ledger.Ledger{}
		change(&o)
		if _, err := delivery.NewLane(o); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("error is %v, want one with %q", err, what)
		}
	}
}
