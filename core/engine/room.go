package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// room admits publish calls to a stream while there is space for all their messages. The server alone would
// decide message by message: a large one refused and a small one behind it stored would be out of order after
// the retry. The server's own limit stays as the last line, for several nodes on one cluster.
//
// When space is short, history that every subscription has finished with makes room.
type room struct {
	js     jetstream.JetStream
	stream string
	max    int64

	mu      sync.Mutex
	used    int64 // upper bound of the stream's bytes, including calls under way
	pending int64 // bytes of calls under way
	known   bool  // used has been read from the server once
}

func (p *publisher) room(stream string) *room {
	p.roomMu.Lock()
	defer p.roomMu.Unlock()
	r := p.rooms[stream]
	if r == nil {
		r = &room{js: p.js, stream: stream, max: p.opts.MaxBytes}
		p.rooms[stream] = r
	}
	return r
}

// reserve takes n bytes or returns ErrFull.
func (r *room) reserve(ctx context.Context, n int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.known || r.used+n > r.max {
		if err := r.makeRoom(ctx, n); err != nil {
			return err
		}
	}
	r.used += n
	r.pending += n
	return nil
}

// settle ends the reservation. The bytes stay counted: they are in the stream now.
func (r *room) settle(n int64) {
	r.mu.Lock()
	r.pending -= n
	r.mu.Unlock()
}

func (r *room) makeRoom(ctx context.Context, n int64) error {
	if n > r.max {
		return fmt.Errorf("%d bytes can never fit into a stream of %d: raise engine.maxBytes", n, r.max)
	}
	s, err := r.js.Stream(ctx, r.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("no stream takes this topic: use received.…, canonical.… or CreateTopic: %w", err)
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", r.stream, err)
	}
	r.refresh(s.CachedInfo())
	if r.used+n <= r.max {
		return nil
	}
	finished, err := finishedUpTo(ctx, s)
	if err != nil {
		return err
	}
	state := s.CachedInfo().State
	// Free an eighth of the stream at a time, so that purging stays rare.
	wanted := max(n, r.max/8)
	for r.used+n > r.max && finished >= state.FirstSeq && state.Msgs > 0 {
		count := max(uint64(float64(state.Msgs)*float64(wanted)/float64(max(state.Bytes, 1))), 1)
		upTo := min(state.FirstSeq+count, finished+1)
		if err := s.Purge(ctx, jetstream.WithPurgeSequence(upTo)); err != nil {
			return fmt.Errorf("trim finished history of stream %s: %w", r.stream, err)
		}
		info, err := s.Info(ctx)
		if err != nil {
			return fmt.Errorf("look up stream %s: %w", r.stream, err)
		}
		r.refresh(info)
		state = info.State
	}
	if r.used+n > r.max {
		return ErrFull
	}
	return nil
}

func (r *room) refresh(info *jetstream.StreamInfo) {
	r.used = int64(info.State.Bytes) + r.pending
	r.known = true
}

// finishedUpTo returns the highest sequence up to which every subscription of the stream has acknowledged
// everything it wants, or 0. A stream without subscriptions has finished nothing: its readers are still to come.
func finishedUpTo(ctx context.Context, s jetstream.Stream) (uint64, error) {
	// The end of the stream is read before the subscriptions: one that is up to date now has finished that much.
	last := s.CachedInfo().State.LastSeq
	finished, subscribed := last, false
	lister := s.ListConsumers(ctx)
	for info := range lister.Info() {
		subscribed = true
		switch {
		case info.NumAckPending > 0:
			finished = min(finished, info.AckFloor.Stream)
		case info.NumPending > 0:
			finished = min(finished, info.Delivered.Stream)
		}
	}
	if err := lister.Err(); err != nil {
		return 0, fmt.Errorf("list subscriptions of stream %s: %w", s.CachedInfo().Config.Name, err)
	}
	if !subscribed {
		return 0, nil
	}
	return finished, nil
}
