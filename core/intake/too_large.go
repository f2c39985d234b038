package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/ledger"
)

// publish makes msgs durable. Those that the message store refuses whenever they
// come become dead letters, so that their source goes on; it returns the others,
// and which of them were known already.
func (s *Source) publish(ctx context.Context, msgs []*message.Message) (stored []*message.Message, duplicates []bool, err error) {
	for len(msgs) > 0 {
		duplicates, err = s.o.Publisher.PublishBatch(ctx, engine.ReceivedTopic(s.o.Endpoint), msgs...)
		var large *engine.TooLargeError
		switch {
		case err == nil:
			return msgs, duplicates, nil
		case !errors.As(err, &large):
			return nil, nil, fmt.Errorf("%s: %d records could not be stored; the source keeps them: %w", s.o.Endpoint, len(msgs), err)
		}
		if err := s.setAside(ctx, msgs[large.Index], large); err != nil {
			return nil, nil, err
		}
		msgs = slices.Delete(slices.Clone(msgs), large.Index, large.Index+1)
	}
	return nil, nil, nil
}

// setAside keeps a message as a dead letter, with everything that it needs to be
// the same message when it is replayed.
func (s *Source) setAside(ctx context.Context, m *message.Message, cause *engine.TooLargeError) error {
	now := s.o.Now().UTC()
	d := ledger.Dead{
		Route: strings.Join(s.o.Routes, ","), Target: s.o.Endpoint, Key: m.Metadata.Get(engine.MetaKey), MessageID: m.UUID,
		Correlation: m.Metadata.Get(engine.MetaCorrelation), Stage: "intake", Class: "PERMANENT", Code: "too_large", Reason: cause.Error(),
		Payload: m.Payload, ContentType: m.Metadata.Get(engine.MetaContentType), Metadata: m.Metadata, Keys: engine.BusinessKeys(m.Metadata),
		Attempts: 1, FirstAt: now, At: now, State: "dead",
	}
	if _, err := s.o.Book.Bury(ctx, d, false); err != nil {
		return fmt.Errorf("%s: keeping a record that is too large for the message store: %w", s.o.Endpoint, err)
	}
	s.o.Log.Warn("record too large for the message store kept as dead letter", "endpoint", s.o.Endpoint, "id", m.UUID, "reason", d.Reason)
	return nil
}
