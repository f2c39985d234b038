package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// Who asks while there is no host is told at once.
func TestAskWithoutStream(t *testing.T) {
	if _, err := (&Session{}).Ask(context.Background(), &protocol.SessionFromPlugin{}); !errors.Is(err, ErrNone) {
		t.Errorf("Ask: %v", err)
	}
}

// Logging never blocks: without a host records wait, then are counted.
func TestLogBeforeSession(t *testing.T) {
	s := &Session{}
	log := s.Logger("a.b", func(text string) string { return text })
	for range maxQueued {
		log.Info("early")
	}
	if len(s.queued) != maxQueued/2 || s.dropped != maxQueued/2 {
		t.Errorf("%d wait, %d dropped", len(s.queued), s.dropped)
	}
}

// A host that pings and then falls silent has lost its lease.
func TestLease(t *testing.T) {
	lost := make(chan struct{})
	l := newLease(func() { close(lost) })
	l.length = 20 * time.Millisecond
	select {
	case <-lost:
		t.Fatal("the lease ended before the first ping")
	case <-time.After(30 * time.Millisecond):
	}
	l.renew()
	<-lost
}
