package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
)

// Subscriber returns a Watermill subscriber for one durable name. Subscribe hands out the messages of a topic
// with at most one per ordering key in flight and up to Concurrency keys at once.
//
// Several subscriptions to the same durable name within one engine share the work and keep the order between
// them. Close, or the end of the context given to Subscribe, stops handing out messages, waits up to CloseTimeout
// for those in work, then cancels their contexts. What was not acknowledged is handed out again to the next
// subscription of that name, in order.
func (e *Engine) Subscriber(opts SubscriberOptions) message.Subscriber {
	return &subscriber{engine: e, opts: opts.withDefaults()}
}

type subscriber struct {
	engine *Engine
	opts   SubscriberOptions

	mu     sync.Mutex
	closed bool
	open   map[*subscription]struct{}
}

// dispatcherID names a durable consumer.
type dispatcherID struct{ stream, durable string }

// filterOf turns a topic into the NATS filter of everything below it.
func filterOf(topic string) string {
	if strings.HasSuffix(topic, ".>") {
		return topic
	}
	return topic + ".>"
}

// SubscribeInitialize makes sure that topic can be published to before anyone subscribes to it.
func (s *subscriber) SubscribeInitialize(topic string) error {
	return s.engine.CreateTopic(context.Background(), topic)
}

// Subscribe implements message.Subscriber. topic may contain NATS wildcards after its first part.
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if s.opts.Durable == "" {
		return nil, errors.New("engine: SubscriberOptions.Durable is required: it names the position in the stream")
	}
	filter := filterOf(topic)
	if err := checkTopic(filter, true); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	sub, err := s.engine.join(ctx, dispatcherID{streamOf(topic), s.opts.Durable}, filter, s.opts)
	if err != nil {
		return nil, err
	}
	if s.open == nil {
		s.open = map[*subscription]struct{}{}
	}
	s.open[sub] = struct{}{}
	go func() {
		<-sub.done
		s.mu.Lock()
		delete(s.open, sub)
		s.mu.Unlock()
	}()
	return sub.out, nil
}

// Close implements message.Subscriber. It returns when every channel Subscribe returned is closed.
func (s *subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	open := make([]*subscription, 0, len(s.open))
	for sub := range s.open {
		open = append(open, sub)
	}
	s.mu.Unlock()
	for _, sub := range open {
		sub.close()
	}
	for _, sub := range open {
		<-sub.done
	}
	return nil
}

// join adds a subscription to the dispatcher of id, starting it when it is the first.
func (e *Engine) join(ctx context.Context, id dispatcherID, filter string, opts SubscriberOptions) (*subscription, error) {
	for {
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return nil, ErrClosed
		}
		d := e.dispatchers[id]
		first := d == nil
		if first {
			d = newDispatcher(e, id, filter, opts)
			e.dispatchers[id] = d
		}
		e.mu.Unlock()

		if first {
			if err := d.start(ctx); err != nil {
				d.abort(err)
				return nil, err
			}
		}
		select {
		case <-d.started:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if d.filter != filter {
			return nil, fmt.Errorf("engine: subscription %q already reads %s: give %s a durable name of its own", id.durable, d.filter, filter)
		}
		if sub := d.add(ctx, opts); sub != nil {
			return sub, nil
		}
		// The last subscription is just leaving: wait until it has gone, then start afresh.
		select {
		case <-d.stopped:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (e *Engine) leave(d *dispatcher) {
	e.mu.Lock()
	if e.dispatchers[d.id] == d {
		delete(e.dispatchers, d.id)
	}
	e.mu.Unlock()
}

// subscription is one channel returned by Subscribe and the workers that feed it.
type subscription struct {
	d       *dispatcher
	opts    SubscriberOptions
	ctx     context.Context // values of the caller's context; cancelled when handlers have to give up
	cancel  context.CancelFunc
	out     chan *message.Message
	closing chan struct{} // closed first: hand out nothing more
	giveUp  chan struct{} // closed last: stop waiting for handlers
	done    chan struct{} // closed when out is
	once    sync.Once
	hurry   sync.Once
	rush    chan struct{} // closed to skip CloseTimeout
}

// finalWait is how long a handler has to answer after its context was cancelled.
const finalWait = time.Second

func (s *subscription) close()  { s.once.Do(func() { close(s.closing); s.d.wake() }) }
func (s *subscription) hasten() { s.hurry.Do(func() { close(s.rush) }) }
func (s *subscription) alive() bool {
	select {
	case <-s.closing:
		return false
	default:
		return true
	}
}

// run starts the workers and closes the channel after them. ctx is the caller's.
func (s *subscription) run(ctx context.Context) {
	var workers sync.WaitGroup
	for range s.opts.Concurrency {
		workers.Go(s.work)
	}
	idle := make(chan struct{})
	go func() {
		workers.Wait()
		close(idle)
	}()
	go func() {
		defer close(s.done)
		select {
		case <-ctx.Done():
			s.close()
		case <-s.closing:
		}
		if !waitFor(idle, s.opts.CloseTimeout, s.rush) {
			s.cancel()
			if !waitFor(idle, finalWait, nil) {
				close(s.giveUp)
				<-idle
			}
		}
		s.cancel()
		s.d.remove(s)
		close(s.out)
	}()
}

// waitFor reports whether ch was closed before the time was over or hurry was closed.
func waitFor(ch <-chan struct{}, d time.Duration, hurry <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ch:
		return true
	case <-t.C:
	case <-hurry:
	}
	return false
}

func (s *subscription) work() {
	for {
		q, it := s.d.take(s)
		if q == nil {
			return
		}
		switch s.handle(it) {
		case acknowledged:
			s.d.finish(q)
		case refused:
			s.d.park(q, s.opts.Backoff(it.attempt))
		case untouched:
			s.d.putBack(q)
		}
	}
}

type outcome int

const (
	acknowledged outcome = iota // by the handler, confirmed by the server
	refused                     // Nack
	untouched                   // never handed out, or the handler did not answer before the end
)

// handle gives one message to the handler and waits for its answer.
func (s *subscription) handle(it *item) outcome {
	it.attempt++
	m := decode(it.headers, it.payload)
	ctx, cancel := context.WithCancel(withDelivery(s.ctx, Delivery{Stream: s.d.id.stream, Sequence: it.sequence, Attempt: it.attempt}))
	defer cancel()
	m.SetContext(ctx)
	select {
	case s.out <- m:
	case <-s.closing:
		it.attempt--
		return untouched
	}
	select {
	case <-m.Acked():
		return s.confirm(it)
	case <-m.Nacked():
		return refused
	case <-s.giveUp:
		s.d.log.Warn("handler did not answer before its subscription closed: its message will be handed out again",
			"subscription", s.d.id.durable, "message", m.UUID)
		return untouched
	}
}

// confirm acknowledges until the server has said that it knows: only then may the next message of the key go out,
// or a message whose effect is done could come again behind its followers.
func (s *subscription) confirm(it *item) outcome {
	for attempt := 1; ; attempt++ {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), ackTimeout)
		err := s.d.message(it).DoubleAck(ctx)
		cancel()
		if err == nil || errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
			return acknowledged
		}
		if attempt == 1 {
			s.d.log.Warn("acknowledgement was not confirmed, trying again", "subscription", s.d.id.durable, "sequence", it.sequence, "error", err)
		}
		select {
		case <-s.giveUp:
			return untouched
		case <-time.After(min(100*time.Millisecond<<min(attempt, 6), 5*time.Second)):
		}
	}
}

const ackTimeout = 5 * time.Second
