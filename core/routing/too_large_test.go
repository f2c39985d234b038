package routing

import (
	"errors"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/engine"
)

// An event that is too large for the message store, because the mapping made the
// document larger, becomes a dead letter; its key does not wait for ever.
func TestTooLargeEventBecomesADeadLetter(t *testing.T) {
	in, p, b := inbound(t, good)
	p.fail = &engine.TooLargeError{MessageID: "shop.notes/1#notes", What: "message", Size: 2 << 20, Limit: 1 << 20, Remedy: "raise max_payload of the NATS servers"}
	if err := in.Handle(received("1", note)); err != nil {
		t.Fatal(err)
	}
	if len(b.dead) != 1 || len(b.hops) != 0 {
		t.Fatalf("dead letters %+v, journal %+v", b.dead, b.hops)
	}
	if d := b.dead[0]; d.Code != "too_large" || d.Class != "PERMANENT" || string(d.Payload) != note || !strings.Contains(d.Reason, "raise max_payload") {
		t.Errorf("dead letter %+v", d)
	}

	in, p, b = inbound(t, good)
	p.fail = engine.ErrFull
	if err := in.Handle(received("1", note)); !errors.Is(err, engine.ErrFull) || len(b.dead) != 0 {
		t.Errorf("a full stream: %v, dead letters %+v", err, b.dead)
	}
}
