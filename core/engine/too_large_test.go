package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats-server/v2/server"
)

// broker is a NATS server of its own with the payload limit that NATS has by default, 1 MiB.
func broker(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the broker is not ready")
	}
	return s.ClientURL()
}

func sized(id string, n int) *message.Message {
	m := newMessage(id, id)
	m.Payload = make([]byte, n)
	return m
}

// A broker refuses what is over its max_payload whenever it comes. The caller is told which message it is, so that
// it can go on with the others, of which none was stored.
func TestMessageLargerThanTheBrokerTakes(t *testing.T) {
	e := open(t, Options{URLs: []string{broker(t)}, Replicas: 1, Durability: Relaxed, MaxBytes: 64 << 20})
	for _, n := range []int{1 << 20, 2 << 20} {
		_, err := e.PublishBatch(t.Context(), "received.shop.orders", sized("small", 10), sized("large", n), sized("last", 10))
		var large *TooLargeError
		if !errors.As(err, &large) {
			t.Fatalf("%d bytes: %v, want a TooLargeError", n, err)
		}
		if large.Index != 1 || large.MessageID != "large" || large.Size <= int64(n) || large.Limit != 1<<20 {
			t.Errorf("%+v", large)
		}
		for _, want := range []string{fmt.Sprint(large.Size), "1048576", "max_payload", "maxBody"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
	}
	duplicates, err := e.PublishBatch(t.Context(), "received.shop.orders", sized("small", 10), sized("last", 10))
	if err != nil || duplicates[0] || duplicates[1] {
		t.Errorf("the others: %v, %v", duplicates, err)
	}
}

// Around the embedded store's limit a message is either stored, and read again after a restart, or too large.
func TestLargestMessage(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir, MaxBytes: 256 << 20})
	fits := 0
	for _, less := range []int{0, 30, 60, 90, 120, 150, 4096} {
		m := sized(fmt.Sprint("m", less), 32<<20-less)
		_, err := e.PublishBatch(t.Context(), "received.shop.orders", m)
		var large *TooLargeError
		switch {
		case err == nil:
			fits++
		case !errors.As(err, &large) || !strings.Contains(err.Error(), "split it at the source"):
			t.Errorf("%d bytes below 32 MiB: %v, want a TooLargeError", less, err)
		}
	}
	if fits == 0 || fits == 7 {
		t.Fatalf("%d of 7 were stored", fits)
	}
	closeEngine(t, e)
	e = open(t, Options{Dir: dir, MaxBytes: 256 << 20})
	ch, err := e.Subscriber(SubscriberOptions{Durable: "x"}).Subscribe(t.Context(), "received.shop.orders")
	if err != nil {
		t.Fatal(err)
	}
	for range fits {
		receive(t, ch).Ack()
	}
}

// What never fits is told from what finds no room now.
func TestTooLargeForEver(t *testing.T) {
	e := open(t, Options{MaxBytes: 1 << 20})
	headers := newMessage("headers", "")
	headers.Metadata["note"] = strings.Repeat("x", 70_000)
	for want, m := range map[string]*message.Message{
		"raise engine.maxBytes":              sized("larger than the stream", 2<<20),
		"move large values into the payload": headers,
	} {
		_, err := e.PublishBatch(t.Context(), "received.shop.orders", newMessage("1", ""), m)
		var large *TooLargeError
		if !errors.As(err, &large) || large.Index != 1 || !strings.Contains(err.Error(), want) || errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", m.UUID, err)
		}
	}
}

// A limit that the server alone knows of is told in the same way.
func TestMessageLargerThanTheServerSays(t *testing.T) {
	e := open(t, Options{})
	s, err := e.js.Stream(t.Context(), StreamReceived)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxMsgSize = 1 << 10
	if _, err := e.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	_, err = e.PublishBatch(t.Context(), "received.shop.orders", sized("small", 10), sized("large", 4<<10), sized("last", 10))
	var large *TooLargeError
	if !errors.As(err, &large) || large.Index != 1 || large.MessageID != "large" || large.Size <= 4<<10 || !strings.Contains(err.Error(), "the message server takes less") {
		t.Errorf("%v, want a TooLargeError", err)
	}
}
