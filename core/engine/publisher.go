package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"
)

const (
	publishTimeout = 30 * time.Second // acknowledgement of one message by the server
	windowMessages = 512              // messages of one call that are under way at once
	windowBytes    = 4 << 20          // bytes of one call that are under way at once, if more than one message
	inFlightBytes  = 64 << 20         // bytes of all calls that are under way; the server buffers up to 128 MiB
)

// publisher pipelines the messages of a call to the server and waits for all acknowledgements and one shared
// disk sync.
type publisher struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	commit *committer // nil unless Fsync
	bytes  *semaphore.Weighted

	mu     sync.RWMutex // held for reading during a publish call; stop takes it for writing
	closed bool

	roomMu sync.Mutex
	rooms  map[string]*room

	opts Options
}

func newPublisher(conn *nats.Conn, commit *committer, opts Options) (*publisher, error) {
	js, err := jetstream.New(conn,
		jetstream.WithDefaultTimeout(apiTimeout),
		jetstream.WithPublishAsyncMaxPending(8192), // below the server's 10,000, beyond which it drops
		jetstream.WithPublishAsyncTimeout(publishTimeout))
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return &publisher{conn: conn, js: js, commit: commit, bytes: semaphore.NewWeighted(inFlightBytes), rooms: map[string]*room{}, opts: opts}, nil
}

// stop waits for running calls and refuses further ones.
func (p *publisher) stop() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.js.CleanupPublisher()
}

// PublishBatch publishes msgs to topic in order and returns when all of them are durable ([Options.Durability]).
// duplicates[i] is true when the stream already holds a message with the id of msgs[i] from within the duplicate
// window: nothing was stored for it again.
//
// On an error some of the messages may have been stored. Publishing the same call again within the duplicate
// window is safe and stores what is missing. [ErrFull] is decided for the call as a whole, before anything is
// sent, so that a message never overtakes an earlier one that found no room. The same goes for a [TooLargeError],
// which is about one message of the call: without that one the call can be made again.
func (e *Engine) PublishBatch(ctx context.Context, topic string, msgs ...*message.Message) (duplicates []bool, err error) {
	return e.pub.publish(ctx, topic, msgs)
}

func (p *publisher) publish(ctx context.Context, topic string, msgs []*message.Message) ([]bool, error) {
	if err := checkTopic(topic, false); err != nil {
		return nil, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return nil, ErrClosed
	}
	if len(msgs) == 0 {
		return nil, nil
	}
	out, total, err := p.encode(topic, msgs)
	if err != nil {
		return nil, err
	}
	room := p.room(p.opts.stored(streamOf(topic)))
	if err := room.reserve(ctx, total); err != nil {
		return nil, fmt.Errorf("engine: publish to %q: %w", topic, err)
	}
	defer room.settle(total)

	duplicates := make([]bool, 0, len(out))
	for sent := 0; sent < len(out); {
		n, size := window(out[sent:])
		if duplicates, err = p.send(ctx, out[sent:sent+n], size, duplicates); err != nil {
			return nil, publishError(topic, sent, err)
		}
		sent += n
	}
	if p.commit != nil {
		if err := p.commit.wait(ctx); err != nil {
			return nil, err
		}
	}
	return duplicates, nil
}

// encode makes the NATS messages of a call, of which each fits into the stream, and returns the space they take.
func (p *publisher) encode(topic string, msgs []*message.Message) (out []*nats.Msg, total int64, err error) {
	out = make([]*nats.Msg, len(msgs))
	for i, m := range msgs {
		if out[i], err = encode(p.opts.subject(topic), m); err != nil {
			return nil, 0, err
		}
		if err := fits(out[i], m.UUID, p.conn.MaxPayload(), p.opts.MaxBytes); err != nil {
			return nil, 0, at(i, err)
		}
		total += storedSize(out[i])
	}
	return out, total, nil
}

// window returns how many of msgs go out together and their size.
func window(msgs []*nats.Msg) (n int, size int64) {
	for n < len(msgs) && n < windowMessages {
		s := storedSize(msgs[n])
		if n > 0 && size+s > windowBytes {
			break
		}
		size += s
		n++
	}
	return n, size
}

// send publishes msgs without waiting between them, then collects every acknowledgement.
func (p *publisher) send(ctx context.Context, msgs []*nats.Msg, size int64, duplicates []bool) ([]bool, error) {
	size = min(size, inFlightBytes)
	if err := p.bytes.Acquire(ctx, size); err != nil {
		return nil, err
	}
	defer p.bytes.Release(size)
	futures := make([]jetstream.PubAckFuture, 0, len(msgs))
	var failed error
	for i, m := range msgs {
		f, err := p.js.PublishMsgAsync(m, jetstream.WithStallWait(publishTimeout))
		if err != nil {
			failed = at(i, refusedSize(m, err))
			break
		}
		futures = append(futures, f)
	}
	for i, f := range futures {
		select {
		case ack := <-f.Ok():
			duplicates = append(duplicates, ack.Duplicate)
		case err := <-f.Err():
			if failed == nil {
				failed = at(i, refusedSize(f.Msg(), err))
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return duplicates, failed
}

// publishError is what the caller hears of a failure to send messages, the first of which has the place first in the
// call.
func publishError(topic string, first int, err error) error {
	var api *jetstream.APIError
	var large *TooLargeError
	switch {
	case errors.As(err, &large):
		return at(first+large.Index, err)
	case errors.As(err, &api) && isOutOfRoom(api):
		return fmt.Errorf("engine: publish to %q: %w (%s)", topic, ErrFull, api.Description)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("engine: publish to %q: no stream takes this topic: use received.…, canonical.… or CreateTopic: %w", topic, err)
	case errors.Is(err, nats.ErrConnectionClosed):
		return fmt.Errorf("engine: publish to %q: %w", topic, ErrClosed)
	}
	return fmt.Errorf("engine: publish to %q: %w", topic, err)
}

// isOutOfRoom recognises the answers of a stream at MaxBytes and of a server out of its storage quota.
func isOutOfRoom(err *jetstream.APIError) bool {
	const insufficientResources, storageResources, storeFailed = 10023, 10047, 10077
	switch err.ErrorCode {
	case insufficientResources, storageResources:
		return true
	case storeFailed:
		return strings.Contains(err.Description, "maximum bytes")
	}
	return false
}

// Publisher returns a Watermill publisher. Publish has the guarantees of [Engine.PublishBatch]; Close does
// nothing, because Watermill's Router closes the publishers of a handler that stops while others use them.
func (e *Engine) Publisher() message.Publisher { return watermillPublisher{e.pub} }

type watermillPublisher struct{ p *publisher }

// Publish does not end early when a message's context does: whether a half-sent call was stored would be unknown.
func (w watermillPublisher) Publish(topic string, msgs ...*message.Message) error {
	_, err := w.p.publish(context.Background(), topic, msgs)
	return err
}

func (w watermillPublisher) Close() error { return nil }
