package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// defaultInFlight is how many batches may wait for their acknowledgement when
// the connector does not say.
const defaultInFlight = 4

// request is what one caller of Write wants written.
type request struct {
	recs  []*protocol.Record
	bytes int
	until time.Time  // the caller's deadline; zero for none
	reply chan reply // buffered
}

type reply struct {
	results []*protocol.RecordResult
	err     error
}

// writer is one write stream. It combines what waits into batches, sends at
// once when the window has room, and never splits a caller's records.
type writer struct {
	i      *Instance
	c      *connector
	p      *process
	stream protocol.Connector_WriteClient
	cancel context.CancelFunc
	queue  chan *request
	window chan struct{}
	ended  chan struct{} // closed when the stream is over

	mu      sync.Mutex
	pending map[uint64][]*request
	pause   time.Time
	err     error
	expired bool
}

// Write writes records and returns one result for each, in order; a nil Problem
// means that it is done. The error is for what concerns all of them: the
// process ended (class NOT_CONNECTED), a record is too large, or ctx. After an
// error the records may have been written; their ids make another try harmless.
func (i *Instance) Write(ctx context.Context, recs []*protocol.Record) ([]*protocol.RecordResult, error) {
	if len(recs) == 0 {
		return nil, nil
	}
	r := &request{recs: recs, reply: make(chan reply, 1)}
	r.until, _ = ctx.Deadline()
	for _, rec := range recs {
		n := proto.Size(rec)
		if n > protocol.MaxRecordBytes {
			return nil, &ProblemError{Connector: i.connector, Instance: i.id, Problem: &protocol.Problem{
				Class: protocol.Problem_PERMANENT, Code: "record.size",
				Message: fmt.Sprintf("record %s has %d bytes, %d are the limit", rec.GetId(), n, protocol.MaxRecordBytes),
			}}
		}
		r.bytes += n
	}
	if r.bytes > protocol.MaxMessageBytes-protocol.BatchBytes {
		return nil, fmt.Errorf("%s: %d bytes in one write, write fewer records at a time", i.id, r.bytes)
	}
	w, err := i.stream(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case w.queue <- r:
	case <-w.ended:
		return nil, w.failure()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case out := <-r.reply:
		return out.results, out.err
	case <-w.ended:
		select {
		case out := <-r.reply:
			return out.results, out.err
		default:
			return nil, w.failure()
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stream returns the open write stream, opening one when there is none.
func (i *Instance) stream(ctx context.Context) (*writer, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if w := i.writer; w != nil {
		select {
		case <-w.ended:
		default:
			return w, nil
		}
	}
	c, p, o, err := i.use(ctx)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.Background())
	stream, err := p.client.Write(life)
	if err != nil {
		cancel()
		return nil, c.failed(i.id, p, err)
	}
	inFlight := int(o.batch.GetMaxInFlight())
	if inFlight <= 0 {
		inFlight = defaultInFlight
	}
	w := &writer{
		i: i, c: c, p: p, stream: stream, cancel: cancel, queue: make(chan *request), window: make(chan struct{}, inFlight),
		ended: make(chan struct{}), pending: map[uint64][]*request{},
	}
	_ = stream.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Start_{Start: &protocol.WriteBatch_Start{InstanceId: i.id, MaxInFlight: uint32(inFlight)}}})
	go w.receive(o)
	go w.send(max(1, limit(o.batch.GetMaxRecords(), protocol.BatchRecords)), limit(o.batch.GetMaxBytes(), protocol.BatchBytes))
	i.writer = w
	return w, nil
}

func limit(v uint32, def int) int {
	if v == 0 {
		return def
	}
	return int(v)
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// send forms batches: it takes what waits, up to the limits, as soon as the
// window has room for one more.
func (w *writer) send(maxRecords, maxBytes int) {
	var carry *request
	for seq := uint64(1); ; seq++ {
		select {
		case w.window <- struct{}{}:
		case <-w.ended:
			return
		}
		var batch []*request
		n, size := 0, 0
		take := func(r *request) { batch, n, size = append(batch, r), n+len(r.recs), size+r.bytes }
		if carry != nil {
			take(carry)
			carry = nil
		} else {
			select {
			case r := <-w.queue:
				take(r)
			case <-w.ended:
				return
			}
		}
		// After the wait for the first record, since a pause may have come in it.
		if !w.rest() {
			return
		}
	more:
		for {
			select {
			case r := <-w.queue:
				if n+len(r.recs) > maxRecords || size+r.bytes > maxBytes {
					carry = r
					break more
				}
				take(r)
			default:
				break more
			}
		}
		data := &protocol.WriteBatch_Data{Seq: seq, Records: make([]*protocol.Record, 0, n)}
		for _, r := range batch {
			data.Records = append(data.Records, r.recs...)
		}
		if !w.await(seq, batch) {
			return // its callers learn it from ended
		}
		if d := patience(batch); d > 0 {
			data.Deadline = durationpb.New(d)
			time.AfterFunc(d+overdue, func() { w.expire(seq) })
		}
		if err := w.stream.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Data_{Data: data}}); err != nil {
			return // receive learns why and fails everything that waits
		}
	}
}

// await notes who waits for a batch, unless the stream is over.
func (w *writer) await(seq uint64, batch []*request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == nil {
		return false
	}
	w.pending[seq] = batch
	return true
}

// overdue is how long after its deadline a batch may still be answered.
const overdue = 2 * time.Second

// patience is how long the most patient caller of a batch waits; 0 when one of
// them waits for ever.
func patience(batch []*request) time.Duration {
	var d time.Duration
	for _, r := range batch {
		if r.until.IsZero() {
			return 0
		}
		d = max(d, time.Until(r.until), time.Millisecond)
	}
	return d
}

// expire gives the stream up when a batch was not answered: it would hold its
// place in the window for ever.
func (w *writer) expire(seq uint64) {
	w.mu.Lock()
	_, waits := w.pending[seq]
	w.expired = w.expired || waits
	w.mu.Unlock()
	if waits {
		w.cancel()
	}
}

// rest waits out the pause that the connector asked for.
func (w *writer) rest() bool {
	w.mu.Lock()
	d := time.Until(w.pause)
	w.mu.Unlock()
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.ended:
		return false
	}
}

// receive hands results to their callers until the stream ends.
func (w *writer) receive(o *opened) {
	defer w.cancel()
	for {
		a, err := w.stream.Recv()
		if err != nil {
			w.mu.Lock()
			expired := w.expired
			w.mu.Unlock()
			if expired {
				err = w.c.problem(protocol.Problem_RETRYABLE, CodeDeadline, w.i.id, "a batch was not answered within its deadline; the write stream is opened again")
			} else if lostInstance(err) {
				w.i.forget(w.p, o)
				err = w.c.gone(w.i.id, errors.New("it does not know the instance any more"))
			} else {
				err = w.c.failed(w.i.id, w.p, err)
			}
			if err == nil {
				err = w.c.gone(w.i.id, errors.New("the write stream ended"))
			}
			w.fail(err)
			return
		}
		w.settle(a)
	}
}

func (w *writer) settle(a *protocol.WriteAck) {
	w.mu.Lock()
	batch, known := w.pending[a.GetSeq()]
	delete(w.pending, a.GetSeq())
	if ms := a.GetPauseMs(); ms > 0 {
		w.pause = time.Now().Add(time.Duration(ms) * time.Millisecond)
	}
	w.mu.Unlock()
	if !known {
		w.c.log.Warn("a connector acknowledged a batch that is not open", "instance", w.i.id, "seq", a.GetSeq())
		return
	}
	<-w.window
	n := 0
	for _, r := range batch {
		n += len(r.recs)
	}
	all := make([]*protocol.RecordResult, n)
	for _, list := range [][]*protocol.RecordResult{a.GetNotes(), a.GetFailures()} {
		for _, x := range list {
			if int(x.GetIndex()) >= n {
				// Whose failure it is cannot be known, so nobody's success is.
				err := w.c.problem(protocol.Problem_BUG, "plugin.index", w.i.id, "the connector reported a result for record %d of a batch of %d: %s",
					x.GetIndex(), n, x.GetProblem().GetMessage())
				for _, r := range batch {
					r.reply <- reply{err: err}
				}
				return
			}
			all[x.GetIndex()] = x
		}
	}
	for _, r := range batch {
		results := make([]*protocol.RecordResult, len(r.recs))
		for j := range results {
			if x := all[j]; x != nil {
				results[j] = &protocol.RecordResult{Index: uint32(j), Problem: x.GetProblem(), ExternalId: x.GetExternalId(), Response: x.GetResponse()}
			} else {
				results[j] = &protocol.RecordResult{Index: uint32(j)}
			}
		}
		all = all[len(r.recs):]
		r.reply <- reply{results: results}
	}
}

// fail ends the stream for everyone who waits on it.
func (w *writer) fail(err error) {
	w.mu.Lock()
	w.err = err
	pending := w.pending
	w.pending = nil
	w.mu.Unlock()
	if w.p.hasCrashed() {
		err = w.c.crashed(w.i.id, w.p.cause())
	}
	for _, batch := range pending {
		for _, r := range batch {
			r.reply <- reply{err: err}
		}
	}
	close(w.ended)
}
