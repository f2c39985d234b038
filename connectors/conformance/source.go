package conformance

import (
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

func sourceChecks() []check {
	list := []check{
		{name: "source/reads all", run: sourceReads},
		{name: "source/sequence", run: sourceSequence},
		{name: "source/resume", run: sourceResume},
		{name: "source/ids stable", run: sourceIDs},
		{name: "source/abrupt stop", run: sourceAbrupt},
		{name: "source/credit", run: sourceCredit},
		{name: "source/batch limit", run: sourceBatchLimit},
		{name: "source/ack reaches the other side", run: sourceAck},
		{name: "source/no ack before the host's", run: sourceNoEarlyAck},
		{name: "source/cumulative ack", run: sourceCumulative},
		{name: "source/nack", run: sourceNack},
		{name: "source/stop", run: sourceStop},
		{name: "source/drain", run: sourceDrain},
		{name: "source/idle", run: sourceIdle},
		{name: "source/newest stream wins", run: sourceTakeover},
		{name: "source/check while reading", run: sourceCheckWhileReading},
	}
	for i := range list {
		list[i].needs = needsSource
	}
	return list
}

// openSource opens a fresh source with n documents.
func (h *host) openSource(n int) Source {
	h.t.Helper()
	s := h.target.Source(h.t)
	if n > 0 {
		s.Fill(n)
	}
	h.open(instanceID, "source", s.Config)
	return s
}

func sourceReads(h *host) {
	h.openSource(10)
	r := h.read(instanceID, nil, 8, 0, 0)
	records, _, _ := r.take(10, true)
	seen := map[string]bool{}
	for _, rec := range records {
		switch {
		case rec.Id == "":
			h.t.Error("a record has no id")
		case seen[rec.Id]:
			h.t.Errorf("the id %q came twice for different documents", rec.Id)
		case !utf8.ValidString(rec.Id):
			h.t.Errorf("the id %q is not UTF-8", rec.Id)
		case len(rec.Payload) == 0:
			h.t.Errorf("record %q has no payload", rec.Id)
		case rec.ContentType == "":
			h.t.Errorf("record %q has no content type", rec.Id)
		}
		seen[rec.Id] = true
	}
	r.finish()
}

func sourceSequence(h *host) {
	h.openSource(9)
	r := h.read(instanceID, nil, 1, 2, 0)
	for want, n := uint64(1), 0; n < 9; want++ {
		b := r.next()
		if b.Seq != want {
			h.t.Fatalf("batch has sequence number %d, expected %d", b.Seq, want)
		}
		n += len(b.Records)
		r.ack(b.Seq, 1)
	}
	r.finish()
}

// sourceResume stops in the middle, as a planned restart does.
func sourceResume(h *host) {
	s := h.openSource(9)
	r := h.read(instanceID, nil, 1, 2, 0)
	first, position, _ := r.take(4, true)
	h.awaitAcks(s, len(first))
	r.finish()
	h.close(instanceID)

	h.open(instanceID, "source", s.Config)
	r = h.read(instanceID, position, 8, 0, 0)
	done := ids(first)
	missing := 9 - len(done)
	for missing > 0 {
		for _, rec := range r.next().Records {
			if done[rec.Id] && !s.Rereads {
				h.t.Errorf("record %q came again although it was acknowledged and the stream resumed after it", rec.Id)
			}
			if !done[rec.Id] {
				done[rec.Id] = true
				missing--
			}
		}
	}
	r.finish()
}

// awaitAcks waits until the other side knows of at least n documents.
func (h *host) awaitAcks(s Source, n int) {
	h.t.Helper()
	if s.Acked != nil {
		h.until("the other side was told of the acknowledged documents", func() bool { return s.Acked() >= n })
	}
}

func ids(records []*protocol.Record) map[string]bool {
	out := map[string]bool{}
	for _, r := range records {
		out[r.Id] = true
	}
	return out
}

func sourceIDs(h *host) {
	s := h.openSource(6)
	r := h.read(instanceID, nil, 8, 0, 0)
	first, _, _ := r.take(6, false)
	r.cancel()
	h.close(instanceID)

	h.open(instanceID, "source", s.Config)
	again, _, _ := h.read(instanceID, nil, 8, 0, 0).take(6, false)
	h.sameRecords(first, again)
}

// sameRecords wants the same payloads under the same ids.
func (h *host) sameRecords(first, again []*protocol.Record) {
	h.t.Helper()
	payloads := map[string]string{}
	for _, r := range first {
		payloads[r.Id] = string(r.Payload)
	}
	for _, r := range again {
		before, ok := payloads[r.Id]
		switch {
		case !ok:
			h.t.Errorf("a document that was read and not acknowledged came again under the new id %q; the core would deliver it twice", r.Id)
		case before != string(r.Payload):
			h.t.Errorf("id %q stands for another document than before", r.Id)
		}
		delete(payloads, r.Id)
	}
	for id := range payloads {
		h.t.Errorf("record %q was read, not acknowledged, and never came again: it is lost", id)
	}
}

// sourceAbrupt kills the plugin between reading and acknowledging.
func sourceAbrupt(h *host) {
	s := h.openSource(8)
	r := h.read(instanceID, nil, 1, 3, 0)
	b := r.next()
	acked, position := b.Records, b.Position
	r.ack(b.Seq, 8)
	h.awaitAcks(s, len(acked))
	first, _, _ := r.take(8-len(acked), false)
	h.cut()

	h2 := h.world.start(h.t)
	h2.open(instanceID, "source", s.Config)
	r = h2.read(instanceID, position, 8, 0, 0)
	again := map[string]*protocol.Record{}
	for len(again) < len(first) {
		for _, rec := range r.next().Records {
			if !ids(acked)[rec.Id] {
				again[rec.Id] = rec
			} else if !s.Rereads {
				h.t.Errorf("record %q came again after it was acknowledged", rec.Id)
			}
		}
	}
	var list []*protocol.Record
	for _, rec := range again {
		list = append(list, rec)
	}
	h2.sameRecords(first, list)
}

func sourceCredit(h *host) {
	h.openSource(8)
	r := h.read(instanceID, nil, 2, 1, 0)
	a, b := r.next(), r.next()
	if !r.quiet(150 * time.Millisecond) {
		h.t.Fatal("a third batch came although credit was given for two")
	}
	r.ack(a.Seq, 0)
	if !r.quiet(100 * time.Millisecond) {
		h.t.Fatal("an acknowledgement without credit brought another batch")
	}
	r.ack(b.Seq, 1)
	r.next()
	if !r.quiet(100 * time.Millisecond) {
		h.t.Error("credit for one batch brought more than one")
	}
	r.finish()
}

func sourceBatchLimit(h *host) {
	h.openSource(10)
	r := h.read(instanceID, nil, 1, 3, 0)
	for n := 0; n < 10; {
		b := r.next()
		if len(b.Records) > 3 {
			h.t.Fatalf("a batch has %d records although max_records is 3", len(b.Records))
		}
		n += len(b.Records)
		r.ack(b.Seq, 1)
	}
	r.finish()
}

func sourceAck(h *host) {
	s := h.openSource(5)
	r := h.read(instanceID, nil, 8, 0, 0)
	r.take(5, true)
	h.awaitAcks(s, 5)
	r.finish()
}

func sourceNoEarlyAck(h *host) {
	s := h.openSource(5)
	if s.Acked == nil {
		h.t.Skip("the target's Source is never told what is safe")
	}
	r := h.read(instanceID, nil, 8, 0, 0)
	r.take(5, false)
	r.quiet(100 * time.Millisecond)
	if n := s.Acked(); n > 0 {
		h.t.Errorf("the other side was told that %d documents are safe before the host acknowledged any", n)
	}
	r.finish()
	if n := s.Acked(); n > 0 {
		h.t.Errorf("ending the stream told the other side that %d unacknowledged documents are safe", n)
	}
}

func sourceCumulative(h *host) {
	s := h.openSource(6)
	r := h.read(instanceID, nil, 6, 1, 0)
	var last uint64
	for n := 0; n < 6; {
		b := r.next()
		n += len(b.Records)
		last = b.Seq
	}
	r.ack(last, 0)
	h.awaitAcks(s, 6)
	r.finish()
}

func sourceNack(h *host) {
	s := h.openSource(6)
	r := h.read(instanceID, nil, 1, 2, 0)
	b := r.next()
	acked := ids(b.Records)
	position := b.Position
	r.ack(b.Seq, 1)
	h.awaitAcks(s, len(acked))
	refused := r.next()
	_ = r.stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Nack_{Nack: &protocol.ReadControl_Nack{
		Seq: refused.Seq, Problem: &protocol.Problem{Class: protocol.Problem_RETRYABLE, Code: "engine.full", Message: "the store is full"},
	}}})
	if err := r.waitEnd(); err == nil {
		h.t.Error("after a Nack the stream ended without an error; the host must learn to read again")
	}
	r = h.read(instanceID, position, 8, 0, 0)
	want := ids(refused.Records)
	for len(want) > 0 {
		for _, rec := range r.next().Records {
			delete(want, rec.Id)
		}
	}
	r.finish()
}

func sourceStop(h *host) {
	h.openSource(4)
	r := h.read(instanceID, nil, 8, 1, 0)
	_, _, seq := r.take(4, false)
	_ = r.stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Stop_{Stop: &protocol.ReadControl_Stop{}}})
	r.ack(seq, 0)
	if err := r.waitEnd(); err != nil {
		h.t.Errorf("a stopped stream whose batches are all acknowledged ended with %v, expected a clean end", err)
	}
}

func sourceDrain(h *host) {
	h.openSource(4)
	r := h.read(instanceID, nil, 8, 0, 0)
	_, _, seq := r.take(4, true)
	ctx, cancel := h.context()
	defer cancel()
	d, err := h.client.Drain(ctx, &protocol.DrainRequest{InstanceId: instanceID, Deadline: durationpb.New(3 * time.Second)})
	if err != nil {
		h.t.Fatalf("Drain: %v", err)
	}
	if d.LastSeq < seq {
		h.t.Errorf("Drain reports batch %d as the last acknowledged one, expected at least %d", d.LastSeq, seq)
	}
	_ = r.stream.CloseSend()
	_ = r.waitEnd()
}

func sourceIdle(h *host) {
	s := h.openSource(0)
	r := h.read(instanceID, nil, 8, 0, 0)
	if !r.quiet(100 * time.Millisecond) {
		h.t.Error("records came from an empty source")
	}
	select {
	case err := <-r.ended:
		if err != nil {
			h.t.Fatalf("an empty source ended its stream with an error: %v", err)
		}
		return // a bounded source
	default:
	}
	s.Fill(1)
	r.take(1, true)
	r.finish()
}

func sourceTakeover(h *host) {
	h.openSource(4)
	old := h.read(instanceID, nil, 8, 0, 0)
	first, _, _ := old.take(4, false)
	r := h.read(instanceID, nil, 8, 0, 0)
	again, _, _ := r.take(4, true)
	h.sameRecords(first, again)
	_ = old.waitEnd()
	r.finish()
}

func sourceCheckWhileReading(h *host) {
	h.openSource(2)
	r := h.read(instanceID, nil, 8, 0, 0)
	r.take(2, true)
	if _, err := h.check(instanceID); err != nil {
		h.t.Errorf("Check while the source is being read: %v", err)
	}
	r.finish()
}
