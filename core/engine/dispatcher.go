package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// dispatcher takes the messages of one durable consumer, queues them by key and gives the head of each queue to
// a free worker. It lives from the first to the last subscription of its durable name.
//
// A queue is in exactly one of four places: in ready, with a worker, resting after a Nack, or (empty) forgotten.
// That alone makes "one in flight per key" true.
type dispatcher struct {
	engine  *Engine
	id      dispatcherID
	filter  string
	opts    SubscriberOptions
	log     *slog.Logger
	started chan struct{} // closed when start has ended
	stopped chan struct{} // closed when nothing of the dispatcher runs any more
	quit    chan struct{} // closed to stop consuming
	loops   sync.WaitGroup

	mu      sync.Mutex
	wakeup  *sync.Cond
	subs    map[*subscription]struct{}
	ended   bool                 // no subscription may join any more
	queues  map[string]*keyQueue // by ordering key
	held    map[uint64]*item     // by stream sequence: everything the server waits for
	ready   []*keyQueue
	resting map[*keyQueue]*time.Timer
	last    uint64 // consumer sequence of the latest delivery; 0 before the first
	gap     bool   // a delivery was lost; nothing is accepted until supervise has gone back
	gaps    chan struct{}
	returns int // how often a gap made it go back
}

type keyQueue struct {
	key   string
	items []*item // guarded by dispatcher.mu; only the worker that holds the queue removes the head
}

// item is one message the server waits for.
type item struct {
	sequence uint64
	attempt  int           // times handed out, counting those before a restart
	msg      jetstream.Msg // newest delivery; guarded by dispatcher.mu because a redelivery replaces it
	headers  nats.Header
	payload  []byte
}

func newDispatcher(e *Engine, id dispatcherID, filter string, opts SubscriberOptions) *dispatcher {
	d := &dispatcher{
		engine: e, id: id, filter: filter, opts: opts, log: e.log,
		started: make(chan struct{}), stopped: make(chan struct{}), quit: make(chan struct{}),
		subs: map[*subscription]struct{}{}, queues: map[string]*keyQueue{}, held: map[uint64]*item{}, resting: map[*keyQueue]*time.Timer{},
		gaps: make(chan struct{}, 1),
	}
	d.wakeup = sync.NewCond(&d.mu)
	return d
}

// start creates or updates the durable consumer and begins to consume.
func (d *dispatcher) start(ctx context.Context) error {
	consumer, err := d.consumer(ctx)
	if err != nil {
		return err
	}
	consuming, err := d.consume(consumer)
	if err != nil {
		return err
	}
	d.loops.Go(func() { d.supervise(consuming) })
	d.loops.Go(d.heartbeat)
	close(d.started)
	return nil
}

// abort ends a dispatcher whose start failed.
func (d *dispatcher) abort(err error) {
	d.log.Debug("subscription did not start", "subscription", d.id.durable, "error", err)
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.engine.leave(d)
	close(d.stopped)
	close(d.started)
}

func (d *dispatcher) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	js := d.engine.js
	var consumer jetstream.Consumer
	err := d.engine.untilLed(ctx, func(ctx context.Context) (err error) {
		consumer, err = js.CreateOrUpdateConsumer(ctx, d.engine.opts.stored(d.id.stream), jetstream.ConsumerConfig{
			Durable:       SubjectToken(d.id.durable),
			FilterSubject: d.engine.opts.subject(d.filter),
			DeliverPolicy: jetstream.DeliverAllPolicy,
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       d.opts.AckWait,
			MaxAckPending: d.opts.MaxPending,
			MaxDeliver:    -1,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("engine: subscription %q to %s: %w", d.id.durable, d.filter, err)
	}
	// Messages handed out before the last stop and never acknowledged would come back only after AckWait, behind
	// newer messages of their key. Going back to the acknowledged end brings everything in order at once; what
	// was acknowledged beyond it comes a second time, which receivers have to expect anyway.
	if consumer.CachedInfo().NumAckPending > 0 {
		err := d.engine.untilLed(ctx, func(ctx context.Context) error {
			_, err := js.ResetConsumer(ctx, d.engine.opts.stored(d.id.stream), SubjectToken(d.id.durable))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("engine: subscription %q: go back to the last acknowledged message: %w", d.id.durable, err)
		}
	}
	if err := d.engine.syncNow(ctx); err != nil {
		return nil, err
	}
	return consumer, nil
}

func (d *dispatcher) consume(consumer jetstream.Consumer) (jetstream.ConsumeContext, error) {
	consuming, err := consumer.Consume(d.accept,
		jetstream.PullMaxMessages(min(d.opts.MaxPending, 500)),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			d.log.Warn("subscription was interrupted", "subscription", d.id.durable, "stream", d.id.stream, "error", err)
		}))
	if err != nil {
		return nil, fmt.Errorf("engine: subscription %q to %s: %w", d.id.durable, d.filter, err)
	}
	return consuming, nil
}

// supervise keeps consuming until quit: a cluster may lose a delivery or the consumer's leader, an operator may
// delete the consumer under us.
func (d *dispatcher) supervise(consuming jetstream.ConsumeContext) {
	for consuming != nil {
		closed := consuming.Closed()
		select {
		case <-d.quit:
			consuming.Drain()
			<-closed
			return
		case <-d.gaps:
			consuming.Drain()
			<-closed
			d.log.Info("a delivery was lost on its way, going back to keep the order",
				"subscription", d.id.durable, "stream", d.id.stream, "times", d.forgetWaiting())
		case <-closed:
		}
		consuming = d.resume()
	}
}

// resume consumes again; it returns nil when the dispatcher is to quit.
func (d *dispatcher) resume() jetstream.ConsumeContext {
	for {
		consumer, err := d.consumer(context.Background())
		if err == nil {
			var consuming jetstream.ConsumeContext
			if consuming, err = d.consume(consumer); err == nil {
				return consuming
			}
		}
		d.log.Error("subscription cannot be resumed, trying again", "subscription", d.id.durable, "error", err)
		select {
		case <-d.quit:
			return nil
		case <-time.After(time.Second):
		}
	}
}

// forgetWaiting drops everything that no worker has and that is not resting: the server will hand it out again. It
// returns how often that has happened.
func (d *dispatcher) forgetWaiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, q := range d.ready {
		delete(d.queues, q.key)
		for _, it := range q.items {
			delete(d.held, it.sequence)
		}
	}
	d.ready = nil
	for _, q := range d.queues {
		for _, it := range q.items[1:] {
			delete(d.held, it.sequence)
		}
		q.items = q.items[:1]
	}
	d.last, d.gap = 0, false
	d.returns++
	return d.returns
}

// heartbeat tells the server about everything held here, in work or waiting behind its key, so that it is not
// handed out a second time.
func (d *dispatcher) heartbeat() {
	ticker := time.NewTicker(max(d.opts.AckWait/3, 10*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-d.quit:
			return
		case <-ticker.C:
		}
		d.mu.Lock()
		msgs := make([]jetstream.Msg, 0, len(d.held))
		for _, it := range d.held {
			msgs = append(msgs, it.msg)
		}
		d.mu.Unlock()
		for _, m := range msgs {
			// A message acknowledged a moment ago or a connection that is just being restored: both need nothing.
			_ = m.InProgress()
		}
	}
}

// accept queues a delivery. The server sends at most MaxPending unacknowledged messages, which bounds the queues.
func (d *dispatcher) accept(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		d.log.Error("message without stream position was ignored", "subscription", d.id.durable, "subject", m.Subject(), "error", err)
		return
	}
	headers := m.Headers()
	key := percentDecode(headers.Get(MetaKey))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost(meta.Sequence.Consumer) {
		return
	}
	sequence := meta.Sequence.Stream
	if it := d.held[sequence]; it != nil {
		// Redelivered although it is still held, for example after this process was suspended: the newest
		// delivery is the one to acknowledge.
		it.msg = m
		return
	}
	it := &item{sequence: sequence, attempt: int(meta.NumDelivered) - 1, msg: m, headers: headers, payload: m.Data()}
	d.held[sequence] = it
	if q := d.queues[key]; q != nil {
		q.items = append(q.items, it)
		return
	}
	q := &keyQueue{key: key, items: []*item{it}}
	d.queues[key] = q
	d.pushReady(q)
}

// lost reports whether a delivery before this one is missing. The server numbers the deliveries of a consumer; one
// that was under way to a connection that broke, or from a server that died, would come again only after AckWait,
// behind newer messages of its key.
func (d *dispatcher) lost(number uint64) bool {
	if !d.gap && d.last != 0 && number > d.last+1 {
		d.gap = true
		d.gaps <- struct{}{} // has room: it is emptied before gap is cleared
	}
	d.last = number
	return d.gap
}

func (d *dispatcher) message(it *item) jetstream.Msg {
	d.mu.Lock()
	defer d.mu.Unlock()
	return it.msg
}

func (d *dispatcher) pushReady(q *keyQueue) {
	d.ready = append(d.ready, q)
	d.wakeup.Signal()
}

func (d *dispatcher) wake() {
	d.mu.Lock()
	d.wakeup.Broadcast()
	d.mu.Unlock()
}

// take waits for a queue that is ready and returns it with its head; nil means that the subscription is closing.
func (d *dispatcher) take(s *subscription) (*keyQueue, *item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s.alive() {
		if len(d.ready) > 0 {
			q := d.ready[0]
			d.ready[0] = nil
			d.ready = d.ready[1:]
			return q, q.items[0]
		}
		d.wakeup.Wait()
	}
	// A signal meant for a worker may have woken this one.
	d.wakeup.Signal()
	return nil, nil
}

// finish removes the acknowledged head.
func (d *dispatcher) finish(q *keyQueue) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.held, q.items[0].sequence)
	q.items[0] = nil
	q.items = q.items[1:]
	if len(q.items) == 0 {
		delete(d.queues, q.key)
		return
	}
	d.pushReady(q)
}

// park lets the key rest.
func (d *dispatcher) park(q *keyQueue, rest time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resting[q] = time.AfterFunc(rest, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if _, ok := d.resting[q]; ok {
			delete(d.resting, q)
			d.pushReady(q)
		}
	})
}

// putBack returns a queue whose head was not handled, for the other subscriptions.
func (d *dispatcher) putBack(q *keyQueue) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pushReady(q)
}

// add makes a subscription, or returns nil when the dispatcher has ended.
func (d *dispatcher) add(ctx context.Context, opts SubscriberOptions) *subscription {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return nil
	}
	s := &subscription{
		d: d, opts: opts, out: make(chan *message.Message),
		closing: make(chan struct{}), giveUp: make(chan struct{}), done: make(chan struct{}), rush: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	d.subs[s] = struct{}{}
	s.run(ctx)
	return s
}

// remove ends a subscription, and the dispatcher with the last one.
func (d *dispatcher) remove(s *subscription) {
	d.mu.Lock()
	delete(d.subs, s)
	d.mu.Unlock()
	d.endIfUnused()
}

// endIfUnused ends a dispatcher without subscriptions; no subscription can join from then on.
func (d *dispatcher) endIfUnused() {
	d.mu.Lock()
	if d.ended || len(d.subs) > 0 {
		d.mu.Unlock()
		return
	}
	d.ended = true
	for q, timer := range d.resting {
		timer.Stop()
		delete(d.resting, q)
	}
	d.mu.Unlock()
	close(d.quit)
	d.loops.Wait()
	d.engine.leave(d)
	close(d.stopped)
}

// closeAll ends every subscription; when ctx ends first, handlers are cancelled at once.
func (d *dispatcher) closeAll(ctx context.Context) {
	<-d.started
	d.mu.Lock()
	subs := make([]*subscription, 0, len(d.subs))
	for s := range d.subs {
		subs = append(subs, s)
	}
	d.mu.Unlock()
	for _, s := range subs {
		s.close()
	}
	for _, s := range subs {
		select {
		case <-s.done:
		case <-ctx.Done():
			s.hasten()
			<-s.done
		}
	}
	d.endIfUnused() // a dispatcher whose first subscription has not joined yet
	<-d.stopped
}
