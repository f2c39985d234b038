package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/ledger"
)

// Run delivers parked messages when they are due, until ctx ends; what is under
// way is then given up, to be found again by the next Run. It returns when none
// of its goroutines is left.
func (l *Lane) Run(ctx context.Context) {
	var busy sync.WaitGroup
	defer busy.Wait()
	slots := make(chan struct{}, l.o.Concurrency)
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
			timer.Reset(l.untilNext())
			continue
		case <-timer.C:
		}
		if l.valve.wait(ctx) != nil {
			return
		}
		l.polled()
		due, err := l.o.Ledger.ParkedDue(ctx, l.o.Name, l.o.Now(), 4*l.o.Concurrency)
		if err != nil && ctx.Err() == nil && !failing {
			l.o.Log.Error("parked messages cannot be read; trying again", "error", err)
		}
		failing = err != nil
		for _, p := range due {
			unlock := l.keys.tryLock(p.Key)
			if unlock == nil {
				continue // in work
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				unlock()
				return
			}
			busy.Go(func() {
				defer func() { <-slots }()
				l.drain(ctx, p.Key, unlock)
			})
		}
		timer.Reset(l.untilNext())
	}
}

// drain delivers a key's parked messages one after another until it is empty or
// its first has to wait. It is given the key's lock, and gives it up between
// messages: a newcomer then joins the end of the queue instead of waiting for all
// of it in flight.
func (l *Lane) drain(ctx context.Context, key string, unlock func()) {
	for {
		more := l.head(ctx, key)
		unlock()
		if !more || ctx.Err() != nil {
			return
		}
		var err error
		if unlock, err = l.keys.lock(ctx, key); err != nil {
			return
		}
	}
}

// head makes one attempt at a key's first message and reports whether the next
// may go.
func (l *Lane) head(ctx context.Context, key string) bool {
	p, ok, err := l.o.Ledger.ParkedHead(ctx, l.o.Name, key)
	if err != nil {
		if ctx.Err() == nil {
			l.o.Log.Error("a parked message cannot be read; trying again", "key", key, "error", err)
		}
		return false
	}
	if !ok || p.Held {
		return false
	}
	if p.NextAt.After(l.o.Now()) {
		l.sooner(p.NextAt)
		return false
	}
	w := l.unparked(ctx, p)
	if w.attempt > 1 {
		l.o.Ledger.Count(l.o.Route, l.o.Target, "retried", 1)
		l.o.Observer.Event(l.o.Route, l.o.Target, "retried")
	}
	v, err := l.attempt(ctx, w)
	if err != nil {
		if ctx.Err() == nil {
			l.o.Log.Error("a parked message stays parked", "message", p.MessageID, "error", err)
		}
		return false
	}
	return v == settled
}

func (l *Lane) unparked(ctx context.Context, p ledger.Parked) *work {
	msg := message.NewMessage(p.MessageID, p.Payload)
	for k, v := range p.Metadata {
		msg.Metadata.Set(k, v)
	}
	msg.SetContext(ctx)
	return &work{msg: msg, key: p.Key, attempt: p.Attempt + 1, firstAt: p.FirstAt, parked: true, patience: ctx}
}

// sooner has Run look again at a time, if that is before it would anyway.
func (l *Lane) sooner(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next.IsZero() || at.Before(l.next) {
		l.next = at
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// polled forgets the time to look again: everything due is about to be read, and
// what is not is found by the next poll at the latest.
func (l *Lane) polled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.poll = time.Time{}, l.o.Now()
}

func (l *Lane) untilNext() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.poll.Add(l.o.Poll)
	if !l.next.IsZero() && l.next.Before(at) {
		at = l.next
	}
	return max(at.Sub(l.o.Now()), 0)
}
