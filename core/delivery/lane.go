package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Target makes records take effect. It answers for each record, in order; a nil
// result, or one without a problem, means that it is done. The error is for what
// concerns all of them, such as a connector that has died. A record's id is the
// same whenever it is delivered again: the effect must happen once.
type Target interface {
	Deliver(ctx context.Context, recs []*protocol.Record) ([]*protocol.RecordResult, error)
}

// PrepareFunc turns a canonical message into what the target is given: the
// route's condition (skip), the requests it makes and its mapping. An error
// should be a *Failure; anything else counts as permanent.
type PrepareFunc func(ctx context.Context, msg *message.Message) (rec *protocol.Record, skip bool, err error)

// Ledger is what a lane writes down; *ledger.Ledger does it.
type Ledger interface {
	Standing(ctx context.Context, lane, messageID, key string) (ledger.Standing, error)
	Complete(ctx context.Context, o ledger.Outcome) error
	Park(ctx context.Context, p ledger.Parked) error
	Hold(ctx context.Context, p ledger.Parked, d ledger.Dead) (string, error)
	Bury(ctx context.Context, d ledger.Dead, removeParked bool) (string, error)
	Reschedule(ctx context.Context, lane, messageID string, attempt int, next time.Time, class, lastErr string) error
	Unpark(ctx context.Context, lane, messageID string, o *ledger.Outcome) error
	ParkedDue(ctx context.Context, lane string, now time.Time, limit int) ([]ledger.Parked, error)
	ParkedHead(ctx context.Context, lane, key string) (ledger.Parked, bool, error)
	Journal(hops ...ledger.Hop)
	Count(route, target, what string, n int64)
}

// Observer hears what happens in lanes; telemetry implements it. Its methods are
// called from many goroutines and must not block.
type Observer interface {
	// Event is delivered, retried, duplicate, dead, parked or filtered.
	Event(route, target, event string)
	// Delivered tells when a message was received, when the delivery began and
	// when the target had confirmed it.
	Delivered(route, target string, received, began, done time.Time)
	// StateChanged is also the alert for a lane that stopped.
	StateChanged(route, target string, s Status)
}

// LaneOptions configure a Lane.
type LaneOptions struct {
	// Name is unique among lanes: "<route>/<connection>.<sink>", with "#2" for a
	// second lane of a route to the same sink.
	Name string
	// Route and Target ("<connection>.<sink>") are for the ledger and metrics.
	Route, Target string
	// Class is the priority of messages that carry none: critical, normal or low.
	Class   string
	Sink    Target
	Prepare PrepareFunc
	Retry   Retry
	// OnError says what becomes of a message that failed for good: "dead" (the
	// default), or "hold", where its key waits for a person.
	OnError string
	// Concurrency is how many parked keys are delivered at a time; 0 means 8.
	Concurrency int
	// Poll is how often the ledger is asked for parked messages that are due, and
	// so how fast a replay is noticed; 0 means 200 ms.
	Poll time.Duration
	// Budget and Circuit are shared by the lanes of a connection; nil makes one.
	Budget  *Budget
	Circuit *Circuit
	Ledger  Ledger
	// Observer may be nil: then a lane that stops is told to Log.
	Observer Observer
	// Classify may recognise errors that are no *Failure; it returns nil for
	// those it does not know.
	Classify func(error) *Failure
	Log      *slog.Logger
	// Now and Random (in [0, 1)) are replaced in tests.
	Now    func() time.Time
	Random func() float64
}

// Lane delivers the messages of one route to one target.
type Lane struct {
	o     LaneOptions
	valve *valve
	keys  keyLocks
	// leaving ends when the lane is left, and with it every wait in flight.
	leaving context.Context
	leave   context.CancelFunc

	mu   sync.Mutex
	next time.Time     // earliest retry that Run should not sleep through
	poll time.Time     // when Run last looked
	wake chan struct{} // next became earlier
}

// NewLane returns a running lane. Handle works at once; parked messages need Run.
func NewLane(o LaneOptions) (*Lane, error) {
	switch {
	case o.Name == "" || o.Route == "" || o.Target == "":
		return nil, errors.New("delivery: a lane needs a name, a route and a target")
	case o.Sink == nil || o.Prepare == nil || o.Ledger == nil:
		return nil, fmt.Errorf("delivery: lane %s needs a sink, a prepare function and a ledger", o.Name)
	case o.OnError != "" && o.OnError != "dead" && o.OnError != "hold":
		return nil, fmt.Errorf("delivery: lane %s: onError is %q, expected dead or hold", o.Name, o.OnError)
	}
	o.Retry = o.Retry.withDefaults()
	if o.Concurrency <= 0 {
		o.Concurrency = 8
	}
	if o.Poll <= 0 {
		o.Poll = 200 * time.Millisecond
	}
	if o.Budget == nil {
		o.Budget = NewBudget(BudgetOptions{})
	}
	if o.Circuit == nil {
		o.Circuit = NewCircuit(CircuitOptions{})
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Log = o.Log.With("lane", o.Name)
	if o.Observer == nil {
		o.Observer = unobserved{o.Log}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	l := &Lane{o: o, valve: newValve(), wake: make(chan struct{}, 1)}
	l.leaving, l.leave = context.WithCancel(context.Background())
	return l, nil
}

// Name returns the lane's name.
func (l *Lane) Name() string { return l.o.Name }

// Handle is the lane's Watermill handler. It returns nil when the message's
// outcome is durable: delivered, filtered, parked or dead. It waits while the
// lane does not run or its target cannot be reached, until the message's context
// ends or the lane is left. On an error the message comes again, with the same delivery id.
func (l *Lane) Handle(msg *message.Message) error {
	ctx := msg.Context()
	patience, end := l.patience(ctx)
	defer end()
	if err := l.valve.wait(patience); err != nil {
		return err
	}
	key := msg.Metadata.Get(engine.MetaKey)
	unlock, err := l.keys.lock(patience, key)
	if err != nil {
		return err
	}
	defer unlock()
	standing, err := l.o.Ledger.Standing(ctx, l.o.Name, msg.UUID, key)
	if err != nil {
		return err
	}
	w := &work{msg: msg, key: key, attempt: 1, firstAt: l.o.Now(), patience: patience}
	switch {
	case standing.State == "parked" || standing.State == "dead":
		return nil // the crash was between the ledger and the acknowledgement
	case standing.State != "":
		l.repeated(w)
		return nil
	case standing.KeyWaits:
		return l.queue(ctx, w)
	}
	_, err = l.attempt(ctx, w)
	return err
}

// Leave ends the lane for good: what waits in Handle (for a person, a target, a
// turn) is given back at once, and deliveries under way are finished.
func (l *Lane) Leave() { l.leave() }

// patience is how long a message may wait in flight: until its own context ends or
// the lane is left.
func (l *Lane) patience(ctx context.Context) (context.Context, func()) {
	both, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.leaving, cancel)
	return both, func() { stop(); cancel() }
}

// repeated notes a message that ended in this lane before.
func (l *Lane) repeated(w *work) {
	l.o.Ledger.Count(l.o.Route, l.o.Target, "duplicates", 1)
	l.o.Observer.Event(l.o.Route, l.o.Target, "duplicate")
	h := l.hop(w, "duplicate", "already finished in this lane")
	l.o.Ledger.Journal(h)
}

// queue puts a message behind the earlier ones of its key.
func (l *Lane) queue(ctx context.Context, w *work) error {
	p := l.parked(w, 0, l.o.Now())
	p.Class, p.LastError = "BEHIND", "waits behind an earlier message of its key"
	p.Hop = l.hop(w, "parked", p.LastError)
	if err := l.o.Ledger.Park(context.WithoutCancel(ctx), p); err != nil {
		return err
	}
	l.o.Observer.Event(l.o.Route, l.o.Target, "parked")
	return nil
}

// Pause holds the lane until Resume. What is under way is finished.
func (l *Lane) Pause(reason string) { l.change(Paused, reason) }

// Resume lets a lane go on that is paused or stopped.
func (l *Lane) Resume() { l.change(Running, "") }

func (l *Lane) change(s State, reason string) {
	if l.valve.set(s, reason) {
		l.o.Observer.StateChanged(l.o.Route, l.o.Target, l.Status())
	}
}

// Status returns what the lane does.
func (l *Lane) Status() Status {
	s := l.valve.get()
	if s.State == Running && l.o.Circuit.State() != CircuitClosed {
		s.State, s.Reason = Unreachable, "the target cannot be reached; it is tried again with growing waits"
	}
	return s
}

// DeliveryID is the id under which a lane gives a message to its target, the same
// at every attempt: "<message id>@<connection>.<sink>". Where several lanes may
// bring one message to one sink, because another route made it or a route names
// the sink twice, each has an id of its own.
func DeliveryID(lane, route, target string, msg *message.Message) string {
	id := msg.UUID + "@" + target
	if _, n, ok := strings.Cut(lane, "#"); ok {
		id += "#" + n
	}
	if origin := msg.Metadata.Get(engine.MetaRoute); origin != "" && origin != route {
		id += "@" + route
	}
	return id
}

// unobserved alerts through the log when nobody else listens.
type unobserved struct{ log *slog.Logger }

func (unobserved) Event(_, _, _ string)                     {}
func (unobserved) Delivered(_, _ string, _, _, _ time.Time) {}
func (u unobserved) StateChanged(_, _ string, s Status) {
	if s.State == Stopped {
		u.log.Error("lane stopped: mend the cause, then resume it", "reason", s.Reason)
	}
}
