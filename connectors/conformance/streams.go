package conformance

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// reading is one Read stream.
type reading struct {
	h       *host
	stream  protocol.Connector_ReadClient
	cancel  context.CancelFunc
	batches chan *protocol.ReadBatch
	ended   chan error
}

// read opens a Read stream.
func (h *host) read(id string, from []byte, credit, maxRecords, maxBytes uint32) *reading {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := h.client.Read(ctx)
	if err == nil {
		err = stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Start_{Start: &protocol.ReadControl_Start{
			InstanceId: id, FromPosition: from, CreditBatches: credit, MaxRecords: maxRecords, MaxBytes: maxBytes,
		}}})
	}
	if err != nil {
		cancel()
		h.t.Fatalf("opening a Read stream: %v", err)
	}
	r := &reading{h: h, stream: stream, cancel: cancel, batches: make(chan *protocol.ReadBatch, 1024), ended: make(chan error, 1)}
	h.t.Cleanup(cancel)
	go func() {
		defer close(r.batches)
		for {
			b, err := stream.Recv()
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				r.ended <- err
				return
			}
			r.batches <- b
		}
	}()
	return r
}

// next waits for a batch and fails the test when none comes.
func (r *reading) next() *protocol.ReadBatch {
	r.h.t.Helper()
	select {
	case b, ok := <-r.batches:
		if !ok {
			r.h.t.Fatalf("the Read stream ended early: %v", <-r.ended)
		}
		return b
	case <-time.After(r.h.wait):
		r.h.t.Fatalf("no batch came within %v", r.h.wait)
	}
	return nil
}

// quiet says whether no record comes for d.
func (r *reading) quiet(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case b, ok := <-r.batches:
			if !ok || len(b.Records) > 0 {
				return !ok
			}
		case <-timer.C:
			return true
		}
	}
}

// take reads until n records came; every batch is acknowledged when ack is set.
// The last batch's position is returned.
func (r *reading) take(n int, ack bool) (records []*protocol.Record, position []byte, seq uint64) {
	r.h.t.Helper()
	for len(records) < n {
		b := r.next()
		records = append(records, b.Records...)
		seq = b.Seq
		if len(b.Position) > 0 {
			position = b.Position
		}
		if ack {
			r.ack(b.Seq, 1)
		}
		if b.End && len(records) < n {
			r.h.t.Fatalf("the source ended after %d of %d records", len(records), n)
		}
	}
	return records, position, seq
}

func (r *reading) ack(upTo uint64, credit uint32) {
	_ = r.stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Ack_{Ack: &protocol.ReadControl_Ack{UpToSeq: upTo, Credit: credit}}})
}

// finish asks the plugin to stop and waits for the end of the stream.
func (r *reading) finish() {
	r.h.t.Helper()
	_ = r.stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Stop_{Stop: &protocol.ReadControl_Stop{}}})
	_ = r.stream.CloseSend()
	_ = r.waitEnd() // how it ended is another check's question
}

func (r *reading) waitEnd() error {
	r.h.t.Helper()
	deadline := time.After(r.h.wait)
	for {
		select {
		case _, ok := <-r.batches:
			if !ok {
				return <-r.ended
			}
		case <-deadline:
			r.h.t.Fatalf("the Read stream did not end within %v", r.h.wait)
		}
	}
}

// writing is one Write stream.
type writing struct {
	h      *host
	stream protocol.Connector_WriteClient
	seq    uint64
}

func (h *host) write(id string, inFlight uint32) *writing {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h.t.Cleanup(cancel)
	stream, err := h.client.Write(ctx)
	if err == nil {
		err = stream.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Start_{Start: &protocol.WriteBatch_Start{InstanceId: id, MaxInFlight: inFlight}}})
	}
	if err != nil {
		h.t.Fatalf("opening a Write stream: %v", err)
	}
	return &writing{h: h, stream: stream}
}

func (w *writing) send(records []sdk.Record, deadline time.Duration) uint64 {
	w.h.t.Helper()
	w.seq++
	data := &protocol.WriteBatch_Data{Seq: w.seq, Attempt: 1}
	if deadline > 0 {
		data.Deadline = durationpb.New(deadline)
	}
	for i := range records {
		data.Records = append(data.Records, encode(&records[i]))
	}
	if err := w.stream.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Data_{Data: data}}); err != nil {
		_, cause := w.stream.Recv()
		w.h.t.Fatalf("sending a batch: %v", cause)
	}
	return w.seq
}

func (w *writing) ack() *protocol.WriteAck {
	w.h.t.Helper()
	got := make(chan *protocol.WriteAck, 1)
	failed := make(chan error, 1)
	go func() {
		a, err := w.stream.Recv()
		if err != nil {
			failed <- err
			return
		}
		got <- a
	}()
	select {
	case a := <-got:
		return a
	case err := <-failed:
		w.h.t.Fatalf("the Write stream ended instead of acknowledging: %v", err)
	case <-time.After(w.h.wait):
		w.h.t.Fatalf("a batch was not acknowledged within %v", w.h.wait)
	}
	return nil
}

// all writes one batch and returns its acknowledgement.
func (w *writing) all(records []sdk.Record) *protocol.WriteAck {
	w.h.t.Helper()
	seq := w.send(records, 0)
	a := w.ack()
	if a.Seq != seq {
		w.h.t.Fatalf("batch %d was acknowledged as batch %d", seq, a.Seq)
	}
	return a
}

func encode(r *sdk.Record) *protocol.Record {
	out := &protocol.Record{
		Id: r.ID, Position: r.Position, Entity: r.Entity, Operation: r.Operation, Key: []byte(r.Key),
		Payload: r.Payload, ContentType: r.ContentType,
	}
	for k, v := range r.Meta {
		out.Meta = append(out.Meta, &protocol.KV{K: k, V: v})
	}
	if !r.EventTime.IsZero() {
		out.EventTimeNs = uint64(r.EventTime.UnixNano())
	}
	return out
}
