package sdk

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// Read implements the protocol. The newest stream of an instance wins: a host
// that lost one opens another, and the old one ends.
func (s *server) Read(stream protocol.Connector_ReadServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	start := first.GetStart()
	if start == nil {
		return status.Error(codes.InvalidArgument, "the first message of a Read stream must be Start")
	}
	i, err := s.find(start.InstanceId)
	if err != nil {
		return err
	}
	if i.role != roleSource {
		return status.Errorf(codes.FailedPrecondition, "instance %s is a %s and cannot be read", start.InstanceId, i.role)
	}
	r := newReader(i, stream, start)
	if err := r.begin(start.FromPosition); err != nil {
		return protocol.StatusError(encodeProblem(err, i.redact))
	}
	defer r.end()
	if err := r.run(); err != nil {
		return protocol.StatusError(encodeProblem(err, i.redact))
	}
	return nil
}

// reader serves one Read stream. One goroutine (run) owns its state; one calls
// the author's Read, one receives from the host, one calls the author's Ack.
type reader struct {
	instance *instance
	stream   protocol.Connector_ReadServer
	source   Source
	limits   BatchLimits

	life     context.Context // of the source: ends after its Close
	endLife  context.CancelFunc
	reading  context.Context // of Read: ends when reading stops
	stopRead context.CancelFunc
	stopping chan struct{} // closed by stop
	stopOnce sync.Once
	done     chan struct{} // closed when the source is closed

	batches  chan Batch
	readDone chan struct{} // closed when Read is called no more
	readErr  error         // why; valid after readDone
	controls chan *protocol.ReadControl
	recvErr  chan error
	acks     chan []byte
	ackDone  chan struct{}
	drains   chan chan drained

	// Owned by run, and by end after it.
	queue    queue
	discard  bool // send nothing more
	over     bool // readDone was seen
	ended    bool // the batch that says End was sent
	failure  error
	giveUp   <-chan time.Time
	credit   uint64
	seq      uint64
	inFlight []sent
	ackQueue [][]byte
	waiting  []chan drained
	acked    drained
	nacked   error
}

// sent is a batch on the wire that is not acknowledged.
type sent struct {
	seq      uint64
	position []byte
	finishes [][]byte // positions of the author's batches that end with it
}

type drained struct {
	position []byte
	seq      uint64
}

func newReader(i *instance, stream protocol.Connector_ReadServer, start *protocol.ReadControl_Start) *reader {
	r := &reader{
		instance: i, stream: stream, limits: i.limits, credit: uint64(start.CreditBatches),
		stopping: make(chan struct{}), done: make(chan struct{}),
		batches: make(chan Batch), readDone: make(chan struct{}),
		controls: make(chan *protocol.ReadControl), recvErr: make(chan error, 1),
		acks: make(chan []byte), ackDone: make(chan struct{}), drains: make(chan chan drained),
		acked: drained{position: start.FromPosition},
	}
	r.life, r.endLife = context.WithCancel(i.ctx)
	r.reading, r.stopRead = context.WithCancel(r.life)
	if n := int(start.MaxRecords); n > 0 {
		r.limits.MaxRecords = min(n, r.limits.MaxRecords)
	}
	if n := int(start.MaxBytes); n > 0 {
		r.limits.MaxBytes = min(n, r.limits.MaxBytes)
	}
	r.queue.position, r.queue.redact = start.FromPosition, i.redact
	return r
}

// begin takes the place of an older stream and opens the source.
func (r *reader) begin(from []byte) error {
	if err := r.takePlace(); err != nil {
		r.endLife()
		return err
	}
	v, err := r.instance.make(r.stream.Context(), r.life, from)
	if err != nil {
		r.endLife()
		r.leave()
		return err
	}
	r.instance.mu.Lock()
	r.source = v.(Source)
	r.instance.mu.Unlock()
	return nil
}

func (r *reader) takePlace() error {
	i := r.instance
	for {
		i.mu.Lock()
		old, closed := i.reader, i.closed
		if old == nil && !closed {
			i.reader = r
			i.mu.Unlock()
			return nil
		}
		i.mu.Unlock()
		if closed {
			return Fail(NotConnected, "instance.closed", errors.New("the instance is closed"))
		}
		old.stop()
		if !waitFor(old.done, 3*closeGrace) {
			return Failf(Retryable, "read.busy", "an earlier Read of instance %s does not return", i.env.Instance)
		}
	}
}

func (r *reader) leave() {
	r.instance.mu.Lock()
	r.instance.reader = nil
	r.instance.mu.Unlock()
	close(r.done)
}

// stop ends the stream from the plugin's side.
func (r *reader) stop() { r.stopOnce.Do(func() { close(r.stopping) }) }

// run returns nil when the source ended or the host ended the stream.
func (r *reader) run() error {
	go r.read()
	go r.receive()
	go r.acknowledge()
	linger := time.NewTimer(time.Hour)
	defer linger.Stop()
	for {
		if err := r.sendReady(); err != nil {
			return nil // the host is gone
		}
		if r.complete() {
			return r.failure
		}
		if end, err := r.step(linger); end {
			return err
		}
	}
}

// step waits for one event and applies it.
func (r *reader) step(linger *time.Timer) (end bool, err error) {
	in, readDone := r.batches, r.readDone
	if r.over || r.queue.full(r.limits) {
		in = nil
	}
	if r.over {
		readDone = nil
	}
	var acks chan []byte
	var position []byte
	if len(r.ackQueue) > 0 {
		acks, position = r.acks, r.ackQueue[0]
	}
	if r.credit > 0 && !r.queue.empty() {
		linger.Reset(time.Until(r.queue.since.Add(r.limits.MaxWait)))
	}
	select {
	case b := <-in:
		r.queue.add(b, r.instance.env.Log)
	case <-readDone:
		r.readOver()
	case c := <-r.controls:
		return r.control(c)
	case <-r.recvErr: //nolint:errcheck // how the stream ended does not matter here
		return true, nil
	case acks <- position:
		r.ackQueue = r.ackQueue[1:]
	case <-linger.C:
	case w := <-r.drains:
		r.waiting = append(r.waiting, w)
		r.stopRead()
	case <-r.giveUp:
		return true, r.failure
	case <-r.stopping:
		return true, nil
	}
	return false, nil
}

func (r *reader) readOver() {
	r.over = true
	if !errors.Is(r.readErr, io.EOF) && r.reading.Err() == nil {
		// What is read is still sent and acknowledged, for a while.
		r.failure = r.readErr
		r.giveUp = time.After(closeGrace)
	}
}

// bounded says that the source came to its end by itself.
func (r *reader) bounded() bool { return r.over && errors.Is(r.readErr, io.EOF) }

func (r *reader) complete() bool {
	return r.over && (r.discard || r.queue.empty()) && len(r.inFlight) == 0 && len(r.ackQueue) == 0 &&
		(r.ended || r.discard || !r.bounded())
}

// control applies what the host said. A Nack ends the stream: acknowledgements
// are cumulative, so a later one must not cover the batch that was refused.
func (r *reader) control(c *protocol.ReadControl) (end bool, err error) {
	switch m := c.Msg.(type) {
	case *protocol.ReadControl_Ack_:
		r.credit += uint64(m.Ack.Credit)
		r.markAcked(m.Ack.UpToSeq)
	case *protocol.ReadControl_Nack_:
		r.nacked = decodeProblem(m.Nack.GetProblem())
		if m.Nack.Problem == nil {
			r.nacked = errors.New("the core could not store the batch")
		}
		return true, Failf(Retryable, "read.nacked", "batch %d was not stored (%w); read again from the last stored position", m.Nack.Seq, r.nacked)
	case *protocol.ReadControl_Stop_:
		r.discard = true
		r.stopRead()
	}
	return false, nil
}

func (r *reader) markAcked(upTo uint64) {
	_, acker := r.source.(Acker)
	for len(r.inFlight) > 0 && r.inFlight[0].seq <= upTo {
		s := r.inFlight[0]
		r.inFlight = r.inFlight[1:]
		r.acked = drained{position: s.position, seq: s.seq}
		if acker {
			r.ackQueue = append(r.ackQueue, s.finishes...)
		}
	}
}

// sendReady sends while there is credit and reason to.
func (r *reader) sendReady() error {
	for r.credit > 0 && !r.discard {
		last := r.bounded() && !r.ended && r.queue.fits(r.limits)
		if !last && !r.due() {
			return nil
		}
		m, finishes := r.queue.take(r.limits)
		r.seq++
		m.Seq, m.End = r.seq, last
		r.ended = r.ended || last
		r.credit--
		r.inFlight = append(r.inFlight, sent{seq: r.seq, position: m.Position, finishes: finishes})
		if err := r.stream.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// due says whether to send what is queued: at once when the host has nothing
// to do, otherwise when a batch is full or has waited long enough.
func (r *reader) due() bool {
	return !r.queue.empty() &&
		(len(r.inFlight) == 0 || r.over || r.queue.full(r.limits) || time.Since(r.queue.since) >= r.limits.MaxWait)
}

// read calls the author's Read until it is over.
func (r *reader) read() {
	defer close(r.readDone)
	wait := backoff{}
	for {
		var b Batch
		err := guard("Read", func() (err error) { b, err = r.source.Read(r.reading); return err })
		if !b.empty() {
			select {
			case r.batches <- b:
			case <-r.reading.Done():
				r.readErr = r.reading.Err()
				return
			}
		}
		switch {
		case r.reading.Err() != nil:
			r.readErr = r.reading.Err()
			return
		case err == nil && b.empty():
			// A source that does not block would spin here.
			pause(r.reading, emptyPause)
		case err == nil:
			wait.reset(r.instance.env.Log)
		case waitable(err):
			wait.failed(r.instance.env.Log, err)
			wait.sleep(r.reading, classified(err).RetryAfter)
		default:
			r.readErr = err
			return
		}
	}
}

// waitable errors are waited out in place; others close the stream.
func waitable(err error) bool {
	var e *Error
	if errors.Is(err, io.EOF) || !errors.As(err, &e) {
		return false
	}
	return e.Class == Retryable || e.Class == Throttled || e.Class == NotConnected
}

// backoff waits up to 100 ms, doubling to 30 s, with full jitter; the log hears of
// the first failure and of the recovery.
type backoff struct {
	attempts int
	logged   bool
}

func (b *backoff) sleep(ctx context.Context, atLeast time.Duration) {
	d := min(30*time.Second, 100*time.Millisecond<<min(b.attempts, 10))
	b.attempts++
	pause(ctx, max(atLeast, rand.N(d)))
}

// emptyPause follows a Read that returned nothing although it should block.
const emptyPause = 20 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (b *backoff) failed(log *slog.Logger, err error) {
	if !b.logged {
		log.Warn("reading failed; it is tried again until it succeeds", "error", err)
	}
	b.logged = true
}

func (b *backoff) reset(log *slog.Logger) {
	if b.logged {
		log.Info("reading works again", "failed_attempts", b.attempts)
	}
	*b = backoff{}
}

// receive passes on what the host says.
func (r *reader) receive() {
	for {
		m, err := r.stream.Recv()
		if err != nil {
			r.recvErr <- err
			return
		}
		select {
		case r.controls <- m:
		case <-r.done:
			return
		}
	}
}

// acknowledge calls the author's Ack, in order.
func (r *reader) acknowledge() {
	defer close(r.ackDone)
	a, _ := r.source.(Acker)
	for position := range r.acks {
		if err := guard("Ack", func() error { return a.Ack(r.life, position) }); err != nil {
			r.instance.env.Log.Warn("the source could not be told that a batch is stored; it may be read once more", "error", err)
		}
	}
}

// end hands over the last acknowledgements, returns what was not stored and
// closes the source.
func (r *reader) end() {
	r.stopRead()
	defer r.leave()
	defer r.endLife()
	for _, w := range r.waiting {
		w <- r.acked
	}
	log := r.instance.env.Log
	if !waitFor(r.readDone, closeGrace) {
		log.Error("the connector's Read does not return although its context has ended; its source is left behind and not closed")
		return
	}
	r.flushAcks()
	close(r.acks)
	if !waitFor(r.ackDone, closeGrace) {
		log.Error("the connector's Ack does not return; its source is closed without waiting longer")
	}
	r.nackRest()
	r.instance.release(r.source)
}

func (r *reader) flushAcks() {
	limit := time.After(closeGrace)
	for _, p := range r.ackQueue {
		select {
		case r.acks <- p:
		case <-limit:
			return
		}
	}
}

// nackRest tells a Nacker of every batch that was not stored, in order.
func (r *reader) nackRest() {
	n, ok := r.source.(Nacker)
	if !ok {
		return
	}
	var rest [][]byte
	for _, s := range r.inFlight {
		rest = append(rest, s.finishes...)
	}
	rest = append(rest, r.queue.positions()...)
	reason := r.nacked
	if reason == nil {
		reason = Failf(NotConnected, "read.ended", "the stream ended before the batch was stored")
	}
	ctx, cancel := context.WithTimeout(r.life, closeGrace)
	defer cancel()
	for _, p := range rest {
		if err := guard("Nack", func() error { return n.Nack(ctx, p, reason) }); err != nil {
			r.instance.env.Log.Warn("Nack failed", "error", err)
		}
	}
}

// drain stops reading and returns when what was read is acknowledged, or ctx
// has ended.
func (r *reader) drain(ctx context.Context) (position []byte, seq uint64) {
	w := make(chan drained, 1)
	select {
	case r.drains <- w:
	case <-r.done:
		return r.acked.position, r.acked.seq
	case <-ctx.Done():
		return nil, 0
	}
	select {
	case d := <-w:
		return d.position, d.seq
	case <-ctx.Done():
		r.stop()
		<-r.done
		return r.acked.position, r.acked.seq
	}
}
