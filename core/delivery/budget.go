package delivery

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// BudgetOptions configure a Budget.
type BudgetOptions struct {
	// Rate is deliveries per second; 0 means no limit. Burst is how many may go
	// at once after a pause; 0 means a tenth of a second's worth, at least 1.
	Rate  float64
	Burst int
	// Concurrency is how many deliveries are under way at a time; 0: no limit.
	Concurrency int
	// Ageing is how much earlier a message counts for each class that it stands
	// above another: a normal message that has waited this long is the equal of
	// a critical one that comes now. 0 means 30 s.
	Ageing time.Duration
	// Windows are the times of day in which the target may be used; none: always.
	Windows []Window
}

// Window is a span of the day, such as 22:00 to 06:00. It ends before To; when To
// is not after From it ends on the next day.
type Window struct {
	// From and To are counted from midnight.
	From, To time.Duration
	// Days are those on which the window begins; none: every day.
	Days []time.Weekday
	// Location is where the clock hangs; nil: UTC.
	Location *time.Location
}

// Budget limits what all lanes of a connection together ask of its target, and
// gives turns by priority. All methods may be called from several goroutines.
type Budget struct {
	o       BudgetOptions
	limiter *rate.Limiter

	mu      sync.Mutex
	waiting turns
	order   uint64
	inUse   int
	peak    int
	// share is what is left of rate and concurrency after throttling, 1 is all.
	share  float64
	paused time.Time
	timer  *time.Timer
}

const (
	smallestShare = 1.0 / 16
	recovery      = 0.05 // share won back per confirmed delivery
	defaultPause  = time.Second
)

// NewBudget returns a budget that is wholly available.
func NewBudget(o BudgetOptions) *Budget {
	if o.Ageing <= 0 {
		o.Ageing = 30 * time.Second
	}
	b := &Budget{o: o, share: 1}
	if o.Rate > 0 {
		if o.Burst <= 0 {
			b.o.Burst = max(1, int(o.Rate/10))
		}
		b.limiter = rate.NewLimiter(rate.Limit(o.Rate), b.o.Burst)
	}
	return b
}

// turn is somebody waiting.
type turn struct {
	due     time.Time // arrival, later for lower classes
	order   uint64
	granted chan struct{}
	index   int
}

type turns []*turn

func (t turns) Len() int { return len(t) }
func (t turns) Less(a, b int) bool {
	if !t[a].due.Equal(t[b].due) {
		return t[a].due.Before(t[b].due)
	}
	return t[a].order < t[b].order
}

func (t turns) Swap(a, b int) {
	t[a], t[b] = t[b], t[a]
	t[a].index, t[b].index = a, b
}

func (t *turns) Push(x any) {
	w := x.(*turn)
	w.index = len(*t)
	*t = append(*t, w)
}

func (t *turns) Pop() any {
	old := *t
	w := old[len(old)-1]
	*t = old[:len(old)-1]
	w.index = -1
	return w
}

// rank orders the classes; what is unknown is normal.
func rank(class string) time.Duration {
	switch class {
	case "critical":
		return 0
	case "low":
		return 2
	}
	return 1
}

// acquire waits for a turn. The returned release ends it: with ok when the target
// confirmed the delivery.
func (b *Budget) acquire(ctx context.Context, class string) (release func(ok bool), err error) {
	b.mu.Lock()
	b.order++
	w := &turn{due: time.Now().Add(rank(class) * b.o.Ageing), order: b.order, granted: make(chan struct{})}
	heap.Push(&b.waiting, w)
	b.pump()
	b.mu.Unlock()
	select {
	case <-w.granted:
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		if w.index >= 0 {
			heap.Remove(&b.waiting, w.index)
			return nil, ctx.Err()
		}
		b.inUse-- // granted meanwhile
		b.pump()
		return nil, ctx.Err()
	}
	var once sync.Once
	return func(ok bool) { once.Do(func() { b.release(ok) }) }, nil
}

func (b *Budget) release(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inUse--
	if ok && b.share < 1 {
		b.setShare(b.share + recovery)
	}
	b.pump()
}

// throttle is told when the target asked for less: everything waits, then goes on
// at half the pace, which grows again with every success.
func (b *Budget) throttle(after time.Duration) {
	if after <= 0 {
		after = defaultPause
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	// Those that were under way together complain together: that halves once.
	if !now.Before(b.paused) {
		b.setShare(b.share / 2)
	}
	if until := now.Add(after); until.After(b.paused) {
		b.paused = until
	}
}

func (b *Budget) setShare(s float64) {
	b.share = min(max(s, smallestShare), 1)
	if b.limiter != nil {
		b.limiter.SetLimit(rate.Limit(b.o.Rate * b.share))
	}
}

// limit is how many may be under way; 0 means no limit. Without a configured one
// a throttled target gets a share of the most it has had.
func (b *Budget) limit() int {
	switch {
	case b.o.Concurrency > 0:
		return max(1, int(float64(b.o.Concurrency)*b.share))
	case b.share < 1:
		return max(1, int(float64(b.peak)*b.share))
	}
	return 0
}

// pump gives turns as far as the budget goes, and otherwise sets a timer for when
// it goes further. The caller holds mu.
func (b *Budget) pump() {
	for len(b.waiting) > 0 {
		if n := b.limit(); n > 0 && b.inUse >= n {
			return // the next release goes on
		}
		now := time.Now()
		if wait := b.closedFor(now); wait > 0 {
			b.later(wait)
			return
		}
		if b.limiter != nil {
			r := b.limiter.ReserveN(now, 1)
			if wait := r.DelayFrom(now); wait > 0 {
				r.CancelAt(now)
				b.later(wait)
				return
			}
		}
		w := heap.Pop(&b.waiting).(*turn)
		b.inUse++
		b.peak = max(b.peak, b.inUse)
		close(w.granted)
	}
}

func (b *Budget) later(wait time.Duration) {
	if b.timer != nil {
		b.timer.Stop()
	}
	b.timer = time.AfterFunc(wait, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.pump()
	})
}

// closedFor is how long nothing may go, 0 when it may now.
func (b *Budget) closedFor(now time.Time) time.Duration {
	wait := max(b.paused.Sub(now), 0)
	if len(b.o.Windows) == 0 {
		return wait
	}
	opens := time.Duration(-1)
	for _, w := range b.o.Windows {
		if in := w.opensIn(now); opens < 0 || in < opens {
			opens = in
		}
	}
	return max(wait, opens)
}

// opensIn is how long until the window is open, 0 when it is.
func (w Window) opensIn(now time.Time) time.Duration {
	loc := w.Location
	if loc == nil {
		loc = time.UTC
	}
	local := now.In(loc)
	const week = 7
	for day := -1; day <= week; day++ {
		from := clock(local, day, w.From)
		to := clock(local, day, w.To)
		if w.To <= w.From {
			to = clock(local, day+1, w.To)
		}
		if !w.on(clock(local, day, 0).Weekday()) || !now.Before(to) {
			continue
		}
		return max(from.Sub(now), 0)
	}
	return week * 24 * time.Hour
}

func (w Window) on(day time.Weekday) bool {
	for _, d := range w.Days {
		if d == day {
			return true
		}
	}
	return len(w.Days) == 0
}

// clock is what the wall clock shows, also on days of 23 and 25 hours.
func clock(day time.Time, plus int, at time.Duration) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+plus, 0, 0, 0, int(at), day.Location())
}
