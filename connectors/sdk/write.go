package sdk

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// Write implements the protocol: batches come up, results go down in the order
// in which they are ready.
func (s *server) Write(stream protocol.Connector_WriteServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	start := first.GetStart()
	if start == nil {
		return status.Error(codes.InvalidArgument, "the first message of a Write stream must be Start")
	}
	i, err := s.find(start.InstanceId)
	if err != nil {
		return err
	}
	sink, ok := i.value.(Sink)
	if !ok {
		return status.Errorf(codes.FailedPrecondition, "instance %s is a %s and cannot be written to", start.InstanceId, i.role)
	}
	w := &writer{instance: i, sink: sink, stream: stream}
	inFlight := i.limits.MaxInFlight
	if n := int(start.MaxInFlight); n > 0 && n < inFlight {
		inFlight = n
	}
	w.slots = make(chan struct{}, inFlight)
	return w.run()
}

// writer serves one Write stream.
type writer struct {
	instance *instance
	sink     Sink
	stream   protocol.Connector_WriteServer
	slots    chan struct{} // one per batch in flight
	batches  sync.WaitGroup

	sendMu  sync.Mutex
	sendErr error
}

func (w *writer) run() error {
	defer w.batches.Wait()
	for {
		m, err := w.stream.Recv()
		if errors.Is(err, io.EOF) {
			w.batches.Wait()
			w.sendMu.Lock()
			defer w.sendMu.Unlock()
			return w.sendErr
		}
		if err != nil {
			return err
		}
		data := m.GetData()
		if data == nil {
			return status.Error(codes.InvalidArgument, "a Write stream has one Start, then Data only")
		}
		select {
		case w.slots <- struct{}{}:
		case <-w.stream.Context().Done():
			return w.stream.Context().Err()
		}
		turn := w.instance.busy.enter(data.Records)
		w.batches.Add(1)
		go w.batch(data, turn)
	}
}

// batch writes one batch and acknowledges it. The keys of the batch stay busy
// until the author's code has really returned, however late that is.
func (w *writer) batch(data *protocol.WriteBatch_Data, turn *turn) {
	defer w.batches.Done()
	defer func() { <-w.slots }()
	ctx, cancel := bothContexts(w.stream.Context(), w.instance.ctx)
	if d := data.GetDeadline().AsDuration(); d > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, d)
		inner := cancel
		cancel = func() { stop(); inner() }
	}
	if err := w.instance.enter(); err != nil {
		cancel()
		turn.leave()
		w.acknowledge(data, All(len(data.Records), err))
		return
	}
	done := make(chan []Result, 1)
	go func() {
		defer w.instance.writers.Done()
		defer cancel()
		defer turn.leave()
		done <- w.write(ctx, data.Records, turn)
	}()
	select {
	case results := <-done:
		w.acknowledge(data, results)
	case <-afterDone(ctx, returnGrace):
		select {
		case results := <-done:
			w.acknowledge(data, results)
		default:
			w.acknowledge(data, All(len(data.Records), deadlineError(ctx, "Write")))
		}
	}
}

func (w *writer) write(ctx context.Context, in []*protocol.Record, turn *turn) []Result {
	if err := turn.wait(ctx); err != nil {
		return All(len(in), Failf(Retryable, "write.key_busy", "an earlier write of the same key has not returned: %w", err))
	}
	if len(in) == 0 {
		return nil
	}
	records := make([]Record, len(in))
	for n, r := range in {
		decodeRecord(r, &records[n])
	}
	var results []Result
	if err := guard("Write", func() error { results = w.sink.Write(ctx, records); return nil }); err != nil {
		w.instance.env.Log.Error("the connector panicked in Write", "error", err, "stack", classified(err).Detail["stack"])
		return All(len(in), err)
	}
	if results != nil && len(results) != len(in) {
		return All(len(in), Failf(Bug, "connector.results", "the connector returned %d results for %d records; return one for each, in order, or nil", len(results), len(in)))
	}
	return results
}

func (w *writer) acknowledge(data *protocol.WriteBatch_Data, results []Result) {
	ack := &protocol.WriteAck{Seq: data.Seq}
	for n := range results {
		r := &results[n]
		if r.Err == nil && r.ExternalID == "" && len(r.Response) == 0 {
			continue
		}
		out := &protocol.RecordResult{
			Index: uint32(n), Problem: encodeProblem(r.Err, w.instance.redact),
			ExternalId: clean(r.ExternalID), Response: r.Response[:min(len(r.Response), maxResponse)],
		}
		if out.Problem != nil {
			ack.Failures = append(ack.Failures, out)
		} else {
			ack.Notes = append(ack.Notes, out)
		}
	}
	w.sendMu.Lock()
	defer w.sendMu.Unlock()
	if err := w.stream.Send(ack); err != nil && w.sendErr == nil {
		w.sendErr = err
	}
}

// keyOrder keeps the promise that no two Writes run with records of the same
// key: a batch waits for the batches that came before it with one of its keys.
// Waiting always goes backwards in order of arrival, so it cannot deadlock.
type keyOrder struct {
	mu   sync.Mutex
	last map[string]*turn // the newest batch with the key
}

type turn struct {
	order *keyOrder
	keys  []string
	after []*turn
	done  chan struct{}
}

func (o *keyOrder) enter(records []*protocol.Record) *turn {
	t := &turn{order: o, done: make(chan struct{}), keys: make([]string, 0, len(records))}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last == nil {
		o.last = map[string]*turn{}
	}
	for _, r := range records {
		if len(r.Key) == 0 {
			continue
		}
		key := alias(r.Key)
		before, ok := o.last[key]
		if ok && before == t {
			continue
		}
		if ok && !slices.Contains(t.after, before) {
			t.after = append(t.after, before)
		}
		o.last[key] = t
		t.keys = append(t.keys, key)
	}
	return t
}

func (t *turn) wait(ctx context.Context) error {
	for _, b := range t.after {
		select {
		case <-b.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// leave frees the keys. A batch that gave up waiting is passed over, not
// overtaken: whoever waits for it waits for those before it too.
func (t *turn) leave() {
	for n, b := range t.after {
		select {
		case <-b.done:
			continue
		default:
		}
		rest := t.after[n:]
		go func() {
			for _, b := range rest {
				<-b.done
			}
			t.free()
		}()
		return
	}
	t.free()
}

func (t *turn) free() {
	t.order.mu.Lock()
	defer t.order.mu.Unlock()
	for _, k := range t.keys {
		if t.order.last[k] == t {
			delete(t.order.last, k)
		}
	}
	t.after = nil
	close(t.done)
}
