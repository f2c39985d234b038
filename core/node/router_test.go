package node

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
)

// refusing is a message store that no handler can subscribe to.
type refusing struct{}

func (refusing) Subscribe(context.Context, string) (<-chan *message.Message, error) {
	return nil, errors.New("the consumer cannot be made")
}
func (refusing) Close() error { return nil }

// A node whose routes cannot run does not look as if it were starting for ever.
// (Watermill leaves goroutines of such a router behind; the process ends then.)
func TestRoutesThatCannotRun(t *testing.T) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Second}, watermill.NopLogger{})
	if err != nil {
		t.Fatal(err)
	}
	router.AddConsumerHandler("in-notes", "received.w.notes", refusing{}, func(*message.Message) error { return nil })
	n := &Node{log: slog.New(slog.DiscardHandler), router: router}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := n.runRouter(ctx); err == nil || !strings.Contains(err.Error(), "the consumer cannot be made") {
		t.Errorf("found %v", err)
	}
	n.work.Wait()
	select {
	case <-router.Running():
		t.Error("the router says that it runs")
	default:
	}
}
