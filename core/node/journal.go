package node

import (
	"context"
	"regexp"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/intake"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/routing"
)

// enough is how many of a stream's newest messages in a row must be in the
// journal before the rest is taken to be there too. The journal is written in
// the order of the streams, but for what goes on at the same time.
const enough = 256

// replayed is the id of a dead letter that was published again, see requeue:
// it was not received, and has the entry of its replay.
var replayed = regexp.MustCompile(`~r\d+$`)

// completeJournal adds what a crash took from the journal. Nobody waits for the
// journal, so that the last moments before a kill are missing in it; the
// messages themselves are in the streams, and from their newest backwards every
// one gets its entry, until they are found to have theirs.
//
// Nodes that share a cluster write the same streams at this moment: there the
// newest messages are not a crash's, and nothing is added.
func (n *Node) completeJournal(ctx context.Context) error {
	if len(n.project.Settings.Engine.URLs) > 0 {
		return nil
	}
	added := 0
	for _, s := range []struct {
		stream, stage, state string
		hop                  func(engine.Stored) ledger.Hop
	}{
		{engine.StreamReceived, "received", "received", n.receivedHop},
		{engine.StreamCanonical, "canonical", "mapped", func(s engine.Stored) ledger.Hop { return routing.Hop(s.Message, s.At) }},
	} {
		a, err := n.completeStage(ctx, s.stream, s.stage, s.state, s.hop)
		added += a
		if err != nil {
			return err
		}
	}
	if added > 0 {
		n.log.Info("the journal was completed from the message store", "entries", added)
	}
	return nil
}

func (n *Node) completeStage(ctx context.Context, stream, stage, state string, hop func(engine.Stored) ledger.Hop) (added int, err error) {
	oldest := time.Now().Add(-n.project.Settings.Ledger.Retention) // the journal forgets what is older
	batch := make([]engine.Stored, 0, enough)
	var failed error
	complete := func() (more bool) {
		ids := make([]string, len(batch))
		for i, s := range batch {
			ids[i] = s.Message.UUID
		}
		var missing []string
		if missing, failed = n.Ledger.Unjournaled(ctx, stage, state, ids); failed != nil {
			return false
		}
		lacks := map[string]bool{}
		for _, id := range missing {
			lacks[id] = true
		}
		for _, s := range batch {
			if lacks[s.Message.UUID] {
				delete(lacks, s.Message.UUID)
				n.Ledger.Journal(hop(s))
				added++
			}
		}
		batch = batch[:0]
		return len(missing) > 0
	}
	err = n.engine.Tail(ctx, stream, func(s engine.Stored) bool {
		if s.At.Before(oldest) {
			return false
		}
		if !replayed.MatchString(s.Message.UUID) {
			batch = append(batch, s)
		}
		return len(batch) < enough || complete()
	})
	if err == nil && failed == nil && len(batch) > 0 {
		complete()
	}
	if err == nil {
		err = failed
	}
	return added, err
}

// receivedHop is the entry that intake would have made, with its count.
func (n *Node) receivedHop(s engine.Stored) ledger.Hop {
	endpoint := s.Message.Metadata.Get(engine.MetaConnection) + "." + s.Message.Metadata.Get(engine.MetaSource)
	var routes []string
	for _, r := range n.routes {
		if r.Route.From.Endpoint == endpoint {
			routes = append(routes, r.Route.Name.Value)
			n.Ledger.Count(r.Route.Name.Value, "", "received", 1)
		}
	}
	return intake.Hop(s.Message, endpoint, routes, receivedAt(s.Message, s.At))
}

// receivedAt is when intake took a message over.
func receivedAt(m *message.Message, stored time.Time) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, m.Metadata.Get(engine.MetaReceived)); err == nil {
		return t
	}
	return stored
}
