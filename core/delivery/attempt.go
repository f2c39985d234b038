package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// work is one message in the hands of a lane.
type work struct {
	msg     *message.Message
	key     string
	attempt int // the one being made, from 1
	firstAt time.Time
	parked  bool   // it is in the ledger's parked messages
	noted   string // last reason for waiting in flight that was journaled
	crashes int    // how often the connector ended while it had this message alone
	// patience ends before the context of a delivery does when the lane is left.
	patience context.Context
	began    time.Time
	record   *protocol.Record
}

// verdict is what has become of a message.
type verdict int

const (
	settled verdict = iota // it has left the lane; the next of its key may go
	waits                  // it is parked, and its key with it
)

// attempt delivers a message once and makes the outcome durable. What says
// nothing about the message (no connection, throttled, lane stopped) it waits
// out. An error means that nothing was decided.
func (l *Lane) attempt(ctx context.Context, w *work) (verdict, error) {
	for round := 1; ; round++ {
		if err := l.valve.wait(w.patience); err != nil {
			return waits, err
		}
		w.began, w.record = l.o.Now(), nil
		var skip bool
		err := guard(func() (err error) {
			w.record, skip, err = l.o.Prepare(ctx, w.msg)
			if err == nil && !skip && w.record == nil {
				err = &Failure{Class: protocol.Problem_BUG, Code: "prepare", Message: "there is neither a record nor a reason to skip"}
			}
			return err
		})
		if interrupted(ctx, err) {
			return waits, ctx.Err()
		}
		if skip && err == nil {
			return l.complete(ctx, w, ledger.Filtered, nil)
		}
		if err != nil {
			f := classify(err, l.o.Classify, protocol.Problem_PERMANENT)
			if ctx.Err() != nil && !f.final() {
				return waits, ctx.Err()
			}
			if f.Class == protocol.Problem_NOT_CONNECTED || f.Class == protocol.Problem_THROTTLED {
				// A system that was asked while preparing, not this lane's target:
				// its circuit and budget have nothing to do with it.
				l.note(w, f)
				if err := sleep(w.patience, max(f.RetryAfter, l.askAgain(round))); err != nil {
					return waits, err
				}
				continue
			}
			if done, v, err := l.act(ctx, w, f); done {
				return v, err
			}
			continue
		}
		w.record.Id = DeliveryID(l.o.Name, l.o.Route, l.o.Target, w.msg)
		if len(w.record.Key) == 0 {
			w.record.Key = []byte(w.key)
		}
		result, f, err := l.deliver(ctx, w)
		switch {
		case err != nil:
			return waits, err
		case f == nil:
			return l.complete(ctx, w, ledger.Delivered, result)
		case f.Class == protocol.Problem_DUPLICATE:
			return l.complete(ctx, w, ledger.Duplicate, result)
		}
		if done, v, err := l.act(ctx, w, f); done {
			return v, err
		}
	}
}

// askAgain is the wait before a system that gave no answer is asked again.
func (l *Lane) askAgain(round int) time.Duration {
	r := Retry{Initial: 400 * time.Millisecond, Max: 30 * time.Second}.withDefaults()
	return 50*time.Millisecond + r.wait(round, l.o.Random())
}

// deliver gives the record to the sink when circuit and budget allow.
func (l *Lane) deliver(ctx context.Context, w *work) (*protocol.RecordResult, *Failure, error) {
	p, release, err := l.admitted(w)
	if err != nil {
		return nil, nil, err
	}
	var results []*protocol.RecordResult
	err = guard(func() (err error) {
		results, err = l.o.Sink.Deliver(ctx, []*protocol.Record{w.record})
		return err
	})
	var f *Failure
	var result *protocol.RecordResult
	switch {
	case err != nil:
		f = classify(err, l.o.Classify, protocol.Problem_RETRYABLE)
	case len(results) != 1:
		f = &Failure{Class: protocol.Problem_BUG, Code: "sink.results", Message: fmt.Sprintf("the sink gave %d results for one record", len(results))}
	default:
		result = results[0]
		f = FromProblem(result.GetProblem())
	}
	switch {
	case f != nil && ctx.Err() != nil && f.Class != protocol.Problem_DUPLICATE && f.Class != protocol.Problem_PERMANENT:
		// The lane is closing: the failure is ours, not the target's.
		p.abandon()
		release(false)
		return nil, nil, ctx.Err()
	case f == nil || f.Class == protocol.Problem_DUPLICATE:
		p.connected()
		release(true)
	case f.Class == protocol.Problem_NOT_CONNECTED:
		p.failed()
		release(false)
		f = l.fatal(w, p, f)
	default:
		p.connected()
		if f.Class == protocol.Problem_THROTTLED {
			l.o.Budget.throttle(f.RetryAfter)
		}
		release(false)
	}
	return result, f, nil
}

// fatal finds the message that a connector does not survive: it ended as often as
// a message is tried, while the half-open circuit let no other through. A
// connector that is gone otherwise says nothing about any message.
func (l *Lane) fatal(w *work, p *pass, f *Failure) *Failure {
	if !f.Crash || !p.probe {
		return f
	}
	if w.crashes++; w.crashes < l.o.Retry.Attempts {
		return f
	}
	return &Failure{
		Class: protocol.Problem_BUG, Code: f.Code, Stack: f.Stack, Err: f,
		Message: fmt.Sprintf("the connector ended %d times when it was given this message alone; replay it when the connector is mended", w.crashes),
	}
}

// admitted waits for the circuit and for a turn. A turn that came after the
// circuit opened or the lane stopped is given back.
func (l *Lane) admitted(w *work) (*pass, func(bool), error) {
	class := w.msg.Metadata.Get(engine.MetaClass)
	if class == "" {
		class = l.o.Class
	}
	for {
		if err := l.valve.wait(w.patience); err != nil {
			return nil, nil, err
		}
		p, err := l.o.Circuit.enter(w.patience)
		if err != nil {
			return nil, nil, err
		}
		release, err := l.o.Budget.acquire(w.patience, class)
		if err != nil {
			p.abandon()
			return nil, nil, err
		}
		if p.valid() && l.valve.running() {
			return p, release, nil
		}
		p.abandon()
		release(false)
	}
}

// act does what the class of a failure asks for. done is false when the message
// stays in flight and is tried again.
func (l *Lane) act(ctx context.Context, w *work, f *Failure) (done bool, v verdict, err error) {
	switch f.Class {
	case protocol.Problem_NOT_CONNECTED, protocol.Problem_THROTTLED:
		l.note(w, f)
		return false, waits, nil
	case protocol.Problem_AUTH, protocol.Problem_CONFIG:
		l.note(w, f)
		l.change(Stopped, fmt.Sprintf("%s: %s (message %s)", f.Class, f, w.msg.UUID))
		return false, waits, nil
	case protocol.Problem_PERMANENT, protocol.Problem_BUG:
		v, err = l.fail(ctx, w, f)
		return true, v, err
	}
	if w.attempt >= l.o.Retry.Attempts {
		v, err = l.fail(ctx, w, f)
		return true, v, err
	}
	err = l.again(ctx, w, f)
	return true, waits, err
}

// note journals why a message waits in flight, once per reason.
func (l *Lane) note(w *work, f *Failure) {
	reason := f.Class.String() + " " + f.Code
	if w.noted == reason {
		return
	}
	w.noted = reason
	l.o.Ledger.Count(l.o.Route, l.o.Target, "retried", 1)
	l.o.Observer.Event(l.o.Route, l.o.Target, "retried")
	l.o.Ledger.Journal(l.hop(w, "retry", f.Class.String()+" "+f.Error()+"; waits in flight, not counted as an attempt"))
}

// complete makes success, or a condition not met, durable.
func (l *Lane) complete(ctx context.Context, w *work, state string, result *protocol.RecordResult) (verdict, error) {
	ctx = context.WithoutCancel(ctx) // the effect has happened
	detail := ""
	if state == ledger.Duplicate {
		detail = "the target had it already"
	}
	now := l.o.Now()
	o := ledger.Outcome{
		Lane: l.o.Name, MessageID: w.msg.UUID, State: state, ExternalID: result.GetExternalId(), At: now, Attempt: w.attempt,
		Hop: l.hop(w, state, detail),
	}
	if o.ExternalID != "" {
		o.Hop.Detail = "id at the target: " + o.ExternalID
	}
	var err error
	if w.parked {
		err = l.o.Ledger.Unpark(ctx, l.o.Name, w.msg.UUID, &o)
	} else {
		err = l.o.Ledger.Complete(ctx, o)
	}
	if err != nil {
		return waits, fmt.Errorf("lane %s: %s is %s but that could not be recorded; it comes again under the same id: %w", l.o.Name, w.msg.UUID, state, err)
	}
	switch state {
	case ledger.Duplicate:
		l.o.Observer.Event(l.o.Route, l.o.Target, "duplicate")
		l.o.Observer.Event(l.o.Route, l.o.Target, "delivered")
	default:
		l.o.Observer.Event(l.o.Route, l.o.Target, state)
	}
	if state != ledger.Filtered {
		received, err := time.Parse(time.RFC3339Nano, w.msg.Metadata.Get(engine.MetaReceived))
		if err != nil {
			received = w.began
		}
		l.o.Observer.Delivered(l.o.Route, l.o.Target, received, w.began, now)
	}
	return settled, nil
}

// again parks a message until its next attempt.
func (l *Lane) again(ctx context.Context, w *work, f *Failure) error {
	ctx = context.WithoutCancel(ctx)
	wait := l.o.Retry.wait(w.attempt, l.o.Random())
	next := l.o.Now().Add(max(wait, f.RetryAfter))
	h := l.hop(w, "retry", fmt.Sprintf("%s %s; attempt %d of %d, next at %s", className(f.Class), f, w.attempt, l.o.Retry.Attempts, next.UTC().Format(time.RFC3339Nano)))
	var err error
	if w.parked {
		if err = l.o.Ledger.Reschedule(ctx, l.o.Name, w.msg.UUID, w.attempt, next, className(f.Class), f.Error()); err == nil {
			l.o.Ledger.Journal(h)
		}
	} else {
		p := l.parked(w, w.attempt, next)
		p.Class, p.LastError, p.Hop = className(f.Class), f.Error(), h
		if err = l.o.Ledger.Park(ctx, p); err == nil {
			l.o.Observer.Event(l.o.Route, l.o.Target, "parked")
		}
	}
	if err != nil {
		return fmt.Errorf("lane %s: parking %s after %q: %w", l.o.Name, w.msg.UUID, f, err)
	}
	l.sooner(next)
	return nil
}

// fail makes a message that failed for good a dead letter, or holds its key.
func (l *Lane) fail(ctx context.Context, w *work, f *Failure) (verdict, error) {
	ctx = context.WithoutCancel(ctx)
	now := l.o.Now()
	d := ledger.Dead{
		Lane: l.o.Name, Route: l.o.Route, Target: l.o.Target, Key: w.key, MessageID: w.msg.UUID,
		Correlation: w.msg.Metadata.Get(engine.MetaCorrelation), Stage: "deliver", Class: className(f.Class), Code: f.Code,
		Reason: f.Error(), Stack: f.Stack, Payload: w.msg.Payload, ContentType: w.msg.Metadata.Get(engine.MetaContentType),
		Metadata: w.msg.Metadata, Keys: engine.BusinessKeys(w.msg.Metadata), Attempts: w.attempt, FirstAt: w.firstAt, At: now,
	}
	v, what := settled, "dead letter"
	var id string
	var err error
	if l.o.OnError == "hold" {
		p := l.parked(w, w.attempt, now)
		p.Class, p.LastError = d.Class, d.Reason
		v, what = waits, "message held, and its key with it"
		id, err = l.o.Ledger.Hold(ctx, p, d)
	} else {
		id, err = l.o.Ledger.Bury(ctx, d, w.parked)
	}
	if err != nil {
		return waits, fmt.Errorf("lane %s: keeping %s as dead letter after %q: %w", l.o.Name, w.msg.UUID, f, err)
	}
	l.o.Log.Warn(what, "id", id, "message", w.msg.UUID, "key", w.key, "class", d.Class, "attempts", w.attempt, "reason", f)
	l.o.Observer.Event(l.o.Route, l.o.Target, "dead")
	return v, nil
}

func (l *Lane) parked(w *work, attempt int, next time.Time) ledger.Parked {
	return ledger.Parked{
		Lane: l.o.Name, Key: w.key, MessageID: w.msg.UUID, Route: l.o.Route, Target: l.o.Target, Attempt: attempt, NextAt: next,
		Payload: w.msg.Payload, Metadata: w.msg.Metadata, FirstAt: w.firstAt,
	}
}

func (l *Lane) hop(w *work, state, detail string) ledger.Hop {
	now := l.o.Now()
	h := ledger.Hop{
		MessageID: w.msg.UUID, Correlation: w.msg.Metadata.Get(engine.MetaCorrelation), Causation: w.msg.Metadata.Get(engine.MetaCausation),
		Route: l.o.Route, Target: l.o.Target, Stage: "lane", State: state, Detail: detail, At: now, Attempt: w.attempt,
		Before: w.msg.Payload, Keys: engine.BusinessKeys(w.msg.Metadata), Trace: w.msg.Metadata.Get(engine.MetaTrace),
	}
	if !w.began.IsZero() {
		h.Took = now.Sub(w.began)
	}
	if w.record != nil {
		h.After = w.record.GetPayload()
	}
	return h
}

// className is the class as people read it; what carries none is retried.
func className(c protocol.Problem_Class) string {
	if c == protocol.Problem_CLASS_UNSPECIFIED {
		c = protocol.Problem_RETRYABLE
	}
	return c.String()
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
