package sdk

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crossdock/crossdock/connectors/sdk/internal/keyorder"
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
		m := &incoming{}
		err := w.stream.RecvMsg(m)
		if errors.Is(err, io.EOF) {
			w.batches.Wait()
			w.sendMu.Lock()
			defer w.sendMu.Unlock()
			return w.sendErr
		}
		if err != nil {
			return err
		}
		if m.data == nil {
			return status.Error(codes.InvalidArgument, "a Write stream has one Start, then Data only")
		}
		select {
		case w.slots <- struct{}{}:
		case <-w.stream.Context().Done():
			return w.stream.Context().Err()
		}
		turn := w.instance.busy.Enter(m.data.keys())
		w.batches.Add(1)
		go w.batch(m.data, turn)
	}
}

// batch writes one batch and acknowledges it. The keys of the batch stay busy
// until the author's code has really returned, however late that is.
func (w *writer) batch(data *delivery, turn *keyorder.Turn) {
	defer w.batches.Done()
	defer func() { <-w.slots }()
	ctx, cancel := bothContexts(w.stream.Context(), w.instance.ctx)
	if d := data.deadline; d > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, d)
		inner := cancel
		cancel = func() { stop(); inner() }
	}
	if err := w.instance.enter(); err != nil {
		cancel()
		turn.Leave()
		w.acknowledge(data, All(len(data.records), err))
		return
	}
	done := make(chan []Result, 1)
	go func() {
		defer w.instance.writers.Done()
		defer cancel()
		defer turn.Leave()
		done <- w.write(ctx, data.records, turn)
	}()
	select {
	case results := <-done:
		w.acknowledge(data, results)
	case <-afterDone(ctx, returnGrace):
		select {
		case results := <-done:
			w.acknowledge(data, results)
		default:
			w.acknowledge(data, All(len(data.records), deadlineError(ctx, "Write")))
		}
	}
}

func (w *writer) write(ctx context.Context, recs []Record, turn *keyorder.Turn) []Result {
	if err := turn.Wait(ctx); err != nil {
		return All(len(recs), Failf(Retryable, "write.key_busy", "an earlier write of the same key has not returned: %w", err))
	}
	if len(recs) == 0 {
		return nil
	}
	var results []Result
	if err := guard("Write", func() error { results = w.sink.Write(ctx, recs); return nil }); err != nil {
		w.instance.env.Log.Error("the connector panicked in Write", "error", err, "stack", classified(err).Detail["stack"])
		return All(len(recs), err)
	}
	if results != nil && len(results) != len(recs) {
		return All(len(recs), Failf(Bug, "connector.results", "the connector returned %d results for %d records; return one for each, in order, or nil", len(results), len(recs)))
	}
	return results
}

func (w *writer) acknowledge(data *delivery, results []Result) {
	ack := &protocol.WriteAck{Seq: data.seq}
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
