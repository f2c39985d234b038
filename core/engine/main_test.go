package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"
)

// childRole makes the test binary run one of the programs in kill_test.go instead of the tests.
const childRole = "ENGINE_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := runChild(role, os.Getenv("ENGINE_TEST_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// A publisher that is closed before this goroutine of the client first runs
	// leaves it waiting on a channel that is gone (nats.go 1.55).
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// open starts an engine that ends with the test.
func open(t testing.TB, opts Options) *Engine {
	t.Helper()
	if opts.Dir == "" && len(opts.URLs) == 0 {
		opts.Dir = t.TempDir()
	}
	if opts.Log == nil && testing.Verbose() {
		opts.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	e, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeEngine(t, e) })
	return e
}

func closeEngine(t testing.TB, e *Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Error(err)
	}
}

func newMessage(id, key string) *message.Message {
	m := message.NewMessage(id, []byte("payload of "+id))
	if key != "" {
		m.Metadata[MetaKey] = key
	}
	return m
}

func publish(t testing.TB, e *Engine, topic string, msgs ...*message.Message) {
	t.Helper()
	if err := e.Publisher().Publish(topic, msgs...); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next message, or ends the test after 45 seconds.
func receive(t testing.TB, ch <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-ch:
		if !ok {
			t.Fatal("channel was closed, want a message")
		}
		return m
	case <-time.After(45 * time.Second): // a delivery that was lost comes again after AckWait, 30 s
		t.Fatal("no message within 45 s")
	}
	return nil
}

// quiet fails if a message arrives within d.
func quiet(t testing.TB, ch <-chan *message.Message, d time.Duration) {
	t.Helper()
	select {
	case m, ok := <-ch:
		if ok {
			t.Fatalf("got message %s, want none", m.UUID)
		}
		t.Fatal("channel was closed, want it open and quiet")
	case <-time.After(d):
	}
}

func waitUntil(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(45 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 45 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
