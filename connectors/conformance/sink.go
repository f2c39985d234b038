package conformance

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func sinkChecks() []check {
	list := []check{
		{name: "sink/writes all", run: sinkWrites},
		{name: "sink/one effect", run: sinkOnce},
		{name: "sink/one effect after a restart", run: sinkOnceAfterRestart},
		{name: "sink/duplicate within a batch", run: sinkDuplicateInBatch},
		{name: "sink/empty batch", run: sinkEmpty},
		{name: "sink/several in flight", run: sinkInFlight},
		{name: "sink/concurrent streams", run: sinkConcurrent},
		{name: "sink/result per record", run: sinkBad},
		{name: "sink/panic isolated", run: sinkPanics},
		{name: "sink/big record", run: sinkBig},
		{name: "sink/unicode", run: sinkUnicode},
		{name: "sink/many records", run: sinkMany},
		{name: "sink/deadline", run: sinkDeadline},
		{name: "sink/drain", run: sinkDrain},
		{name: "sink/stream end", run: sinkStreamEnd},
	}
	for i := range list {
		list[i].needs = needsSink
	}
	return list
}

func (h *host) openSink() Sink {
	h.t.Helper()
	s := h.target.Sink(h.t)
	h.open(instanceID, "sink", s.Config)
	return s
}

// succeeded wants every record of the batch to have been written. DUPLICATE is
// success.
func (h *host) succeeded(a *protocol.WriteAck) {
	h.t.Helper()
	for _, f := range a.Failures {
		if f.Problem.GetClass() != protocol.Problem_DUPLICATE {
			h.t.Errorf("record %d failed: %s %s: %s", f.Index, f.Problem.GetClass(), f.Problem.GetCode(), f.Problem.GetMessage())
		}
	}
}

func (h *host) effects(s Sink, want int) {
	h.t.Helper()
	if s.Effects == nil {
		return
	}
	if got := s.Effects(); got != want {
		h.t.Errorf("the other side shows %d effects, expected %d", got, want)
	}
}

func sinkWrites(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 1)
	h.succeeded(w.all(s.records(0, 5)))
	h.effects(s, 5)
	h.succeeded(w.all(s.records(5, 1)))
	h.effects(s, 6)
}

func sinkOnce(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 1)
	h.succeeded(w.all(s.records(0, 3)))
	h.succeeded(w.all(s.records(0, 3)))
	h.succeeded(w.all(s.records(1, 1)))
	h.effects(s, 3)
}

func sinkOnceAfterRestart(h *host) {
	s := h.openSink()
	h.succeeded(h.write(instanceID, 1).all(s.records(0, 3)))
	h.cut()
	h2 := h.world.start(h.t)
	h2.open(instanceID, "sink", s.Config)
	h2.succeeded(h2.write(instanceID, 1).all(s.records(0, 3)))
	h2.effects(s, 3)
}

func sinkDuplicateInBatch(h *host) {
	s := h.openSink()
	h.succeeded(h.write(instanceID, 1).all([]sdk.Record{s.record(0), s.record(1), s.record(0)}))
	h.effects(s, 2)
}

func sinkEmpty(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 1)
	h.succeeded(w.all(nil))
	h.effects(s, 0)
	h.succeeded(w.all(s.records(0, 1)))
}

func sinkInFlight(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 4)
	want := map[uint64]bool{}
	for n := range 12 {
		want[w.send(s.records(n, 1), 0)] = true
	}
	for range 12 {
		a := w.ack()
		if !want[a.Seq] {
			h.t.Fatalf("batch %d was acknowledged twice or never sent", a.Seq)
		}
		delete(want, a.Seq)
		h.succeeded(a)
	}
	h.effects(s, 12)
}

func sinkConcurrent(h *host) {
	s := h.openSink()
	streams := []*writing{h.write(instanceID, 2), h.write(instanceID, 2), h.write(instanceID, 2)}
	acks := make(chan *protocol.WriteAck, len(streams))
	var wg sync.WaitGroup
	for n, w := range streams {
		w.send(s.records(n*4, 4), 0)
		wg.Go(func() {
			if a, err := w.stream.Recv(); err == nil {
				acks <- a
			}
		})
	}
	wg.Wait()
	close(acks)
	got := 0
	for a := range acks {
		got++
		h.succeeded(a)
	}
	if got != len(streams) {
		h.t.Errorf("%d of %d streams acknowledged their batch", got, len(streams))
	}
	h.effects(s, 12)
}

func sinkBad(h *host) {
	s := h.openSink()
	if s.Bad == nil {
		h.t.Skip("the target's Sink has no Bad record")
	}
	w := h.write(instanceID, 1)
	a := w.all([]sdk.Record{s.record(0), s.Bad(), s.record(1)})
	failed := 0
	for _, f := range a.Failures {
		switch {
		case f.Problem.GetClass() == protocol.Problem_DUPLICATE:
		case f.Index != 1:
			h.t.Errorf("record %d failed beside the bad one: %s", f.Index, f.Problem.GetMessage())
		case f.Problem.Class != protocol.Problem_PERMANENT:
			h.t.Errorf("the bad record failed with class %s, expected PERMANENT: retries would never end", f.Problem.Class)
		case f.Problem.Message == "" || f.Problem.Code == "":
			h.t.Errorf("the bad record's failure lacks a code or a message: %v", f.Problem)
		default:
			failed++
		}
	}
	if failed == 0 && !h.t.Failed() {
		h.t.Error("the bad record was reported as written")
	}
	h.effects(s, 2)
}

func sinkPanics(h *host) {
	s := h.openSink()
	if s.Panics == nil {
		h.t.Skip("the target's Sink has no record that makes it panic")
	}
	w := h.write(instanceID, 1)
	a := w.all([]sdk.Record{s.Panics()})
	if len(a.Failures) != 1 || a.Failures[0].Problem.GetClass() != protocol.Problem_BUG {
		h.t.Fatalf("a panic was reported as %v, expected one failure of class BUG", a.Failures)
	}
	h.succeeded(w.all(s.records(0, 1)))
}

// sinkBig wants a large record written or refused, and the stream alive.
func sinkBig(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 1)
	big := s.record(0)
	big.Payload = append(append([]byte(`{"number":"doc-0000","text":"`), bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)...), `"}`...)
	a := w.all([]sdk.Record{big})
	for _, f := range a.Failures {
		if f.Problem.GetMessage() == "" {
			h.t.Errorf("a record of 5 MiB failed without a message: %v", f.Problem)
		}
	}
	h.succeeded(w.all(s.records(1, 1)))
}

func sinkUnicode(h *host) {
	s := h.openSink()
	r := s.record(0)
	r.Meta = map[string]string{"key.order": "Bestellung-Ä-注文-🛒", "note": "line\nbreak \"quoted\" <tag>"}
	h.succeeded(h.write(instanceID, 1).all([]sdk.Record{r}))
	h.effects(s, 1)
}

func sinkMany(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 4)
	for n := range 3 {
		h.succeeded(w.all(s.records(n*256, 256)))
	}
	h.effects(s, 768)
}

// sinkDeadline wants an answer soon after a deadline that cannot be met, and
// no second effect from the retry.
func sinkDeadline(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 1)
	start := time.Now()
	w.send(s.records(0, 8), time.Millisecond)
	a := w.ack()
	if took := time.Since(start); took > 3*time.Second {
		h.t.Errorf("a batch with a deadline of 1 ms was answered after %v", took)
	}
	for _, f := range a.Failures {
		if c := f.Problem.GetClass(); c == protocol.Problem_PERMANENT || c == protocol.Problem_BUG {
			h.t.Errorf("a record that ran out of time failed with class %s; it would not be tried again: %s", c, f.Problem.Message)
		}
	}
	h.succeeded(w.all(s.records(0, 8)))
	h.effects(s, 8)
}

func sinkDrain(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 4)
	for n := range 4 {
		w.send(s.records(n, 1), 0)
	}
	for range 4 {
		h.succeeded(w.ack())
	}
	ctx, cancel := h.context()
	defer cancel()
	if _, err := h.client.Drain(ctx, &protocol.DrainRequest{InstanceId: instanceID, Deadline: durationpb.New(3 * time.Second)}); err != nil {
		h.t.Errorf("Drain: %v", err)
	}
	h.effects(s, 4)
}

// sinkStreamEnd half-closes with batches in flight: all must be answered.
func sinkStreamEnd(h *host) {
	s := h.openSink()
	w := h.write(instanceID, 4)
	for n := range 4 {
		w.send(s.records(n, 1), 0)
	}
	if err := w.stream.CloseSend(); err != nil {
		h.t.Fatal(fmt.Errorf("CloseSend: %w", err))
	}
	for range 4 {
		h.succeeded(w.ack())
	}
	h.effects(s, 4)
}
