package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
)

// Stored is a message as a stream holds it.
type Stored struct {
	Message *message.Message
	// Sequence is its place in the stream, At when it was stored.
	Sequence uint64
	At       time.Time
}

// Tail calls visit with the messages of a stream, StreamReceived or StreamCanonical, from the newest at the time of
// the call backwards, until visit returns false or the stream ends. It asks the server for one message at a time and
// is meant for the last few hundred.
func (e *Engine) Tail(ctx context.Context, stream string, visit func(Stored) bool) error {
	s, err := e.js.Stream(ctx, e.opts.stored(stream))
	if err != nil {
		return fmt.Errorf("engine: look up stream %s: %w", stream, err)
	}
	state := s.CachedInfo().State
	for seq := state.LastSeq; seq >= max(state.FirstSeq, 1); seq-- {
		raw, err := s.GetMsg(ctx, seq)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			continue // removed to make room
		case err != nil:
			return fmt.Errorf("engine: read message %d of stream %s: %w", seq, stream, err)
		}
		if !visit(Stored{Message: decode(raw.Header, raw.Data), Sequence: seq, At: raw.Time}) {
			return nil
		}
	}
	return nil
}
