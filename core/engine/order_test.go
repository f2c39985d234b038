package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

func TestOrderPerKeyUnderNacks(t *testing.T) {
	const keys, perKey = 12, 30
	e := open(t, Options{})
	var batch []*message.Message
	for n := range perKey {
		for key := range keys {
			// Key 0 is the empty key: keyless messages keep their order too.
			name := strings.TrimPrefix(strconv.Itoa(key), "0")
			batch = append(batch, newMessage(fmt.Sprintf("%d/%d", key, n), name))
		}
	}
	publish(t, e, "canonical.order.placed", batch...)
	ch, err := e.Subscriber(SubscriberOptions{
		Durable: "lane", Concurrency: 8,
		Backoff: func(int) time.Duration { return time.Duration(rand.IntN(4)) * time.Millisecond },
	}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	next, inFlight, nacks := map[string]int{}, map[string]bool{}, 0
	done := make(chan struct{})
	handle := func(m *message.Message) {
		key, number, _ := strings.Cut(m.UUID, "/")
		mu.Lock()
		if inFlight[key] {
			t.Errorf("key %s has two messages in flight", key)
		}
		inFlight[key] = true
		if want := strconv.Itoa(next[key]); number != want {
			t.Errorf("key %s: got message %s, want %s", key, number, want)
		}
		mu.Unlock()
		time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
		mu.Lock()
		defer mu.Unlock()
		inFlight[key] = false
		if rand.IntN(4) == 0 {
			nacks++
			m.Nack()
			return
		}
		next[key]++
		if total(next) == keys*perKey {
			close(done)
		}
		m.Ack()
	}
	for {
		select {
		case m := <-ch:
			wg.Go(func() { handle(m) })
			continue
		case <-done:
		case <-time.After(15 * time.Second):
			t.Fatal("not all messages were handled within 15 s")
		}
		break
	}
	wg.Wait()
	if nacks == 0 {
		t.Error("no message was nacked: the test showed nothing")
	}
}

func total(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestNackParksOnlyItsKey(t *testing.T) {
	e := open(t, Options{})
	publish(t, e, "canonical.order.placed", newMessage("a1", "a"), newMessage("a2", "a"), newMessage("b1", "b"), newMessage("b2", "b"))
	rest := 300 * time.Millisecond
	var attempts []int
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane", Concurrency: 1, Backoff: func(n int) time.Duration {
		attempts = append(attempts, n)
		return rest
	}}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	m := receive(t, ch)
	if m.UUID != "a1" {
		t.Fatalf("first message is %s, want a1", m.UUID)
	}
	nacked := time.Now()
	m.Nack()
	for _, want := range []string{"b1", "b2", "a1", "a2"} {
		m := receive(t, ch)
		if m.UUID != want {
			t.Fatalf("got %s, want %s", m.UUID, want)
		}
		if d, ok := DeliveryOf(m); want == "a1" && (!ok || d.Attempt != 2 || d.Stream != StreamCanonical || d.Sequence != 1) {
			t.Errorf("delivery of a1 is %+v, want attempt 2 of CANONICAL 1", d)
		}
		if waited := time.Since(nacked); want == "a1" && waited < rest {
			t.Errorf("a1 came back after %s, want at least %s", waited, rest)
		}
		m.Ack()
	}
	if len(attempts) != 1 || attempts[0] != 1 {
		t.Errorf("Backoff was asked for %v, want [1]", attempts)
	}
}

func TestSlowHandlerIsNotInterrupted(t *testing.T) {
	e := open(t, Options{})
	publish(t, e, "canonical.order.placed", newMessage("a1", "a"), newMessage("a2", "a"))
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane", AckWait: 200 * time.Millisecond}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	m := receive(t, ch)
	quiet(t, ch, 800*time.Millisecond) // four times AckWait: heartbeats keep both messages
	m.Ack()
	m = receive(t, ch)
	if d, _ := DeliveryOf(m); m.UUID != "a2" || d.Attempt != 1 {
		t.Errorf("got %s attempt %d, want a2 for the first time", m.UUID, d.Attempt)
	}
	m.Ack()
	waitUntil(t, "lag is 0", func() bool { return lag(t, e, "lane") == 0 })
}

func lag(t testing.TB, e *Engine, durable string) uint64 {
	t.Helper()
	n, err := e.Lag(t.Context(), durable)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLag(t *testing.T) {
	e := open(t, Options{})
	publish(t, e, "canonical.order.placed", newMessage("1", "a"), newMessage("2", "a"), newMessage("3", "b"))
	publish(t, e, "canonical.price.changed", newMessage("4", "a"))
	sub := e.Subscriber(SubscriberOptions{Durable: "shop-orders/erp.orders"})
	ch, err := sub.Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	if n := lag(t, e, "shop-orders/erp.orders"); n != 3 {
		t.Errorf("lag %d, want 3", n)
	}
	receive(t, ch).Ack()
	waitUntil(t, "lag is 2", func() bool { return lag(t, e, "shop-orders/erp.orders") == 2 })
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if n := lag(t, e, "shop-orders/erp.orders"); n != 2 {
		t.Errorf("lag after close is %d, want 2", n)
	}
	names, err := e.Subscriptions(t.Context())
	if err != nil || len(names) != 1 || names[0] != "shop-orders/erp.orders" {
		t.Errorf("subscriptions %q, %v", names, err)
	}
	if err := e.RemoveSubscription(t.Context(), "shop-orders/erp.orders"); err != nil {
		t.Error(err)
	}
	if _, err := e.Lag(t.Context(), "shop-orders/erp.orders"); err == nil || !strings.Contains(err.Error(), "no subscription is called") {
		t.Errorf("lag of a removed subscription: %v", err)
	}
}

func TestCloseLetsHandlersFinish(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	publish(t, e, "canonical.order.placed", newMessage("a1", "a"), newMessage("a2", "a"), newMessage("b1", "b"))
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane", Concurrency: 1}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	m := receive(t, ch)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		closeEngine(t, e)
	}()
	quiet(t, ch, 100*time.Millisecond) // nothing more is handed out
	if err := m.Context().Err(); err != nil {
		t.Errorf("the running handler's context has ended: %v", err)
	}
	m.Ack()
	<-closed
	if _, ok := <-ch; ok {
		t.Error("a message after the engine was closed")
	}
	if err := e.Publisher().Publish("canonical.order.placed", newMessage("x", "x")); !errors.Is(err, ErrClosed) {
		t.Errorf("publish after close: %v, want ErrClosed", err)
	}

	e = open(t, Options{Dir: dir})
	ch, err = e.Subscriber(SubscriberOptions{Durable: "lane", Concurrency: 1}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a2", "b1"} {
		m := receive(t, ch)
		if m.UUID != want {
			t.Errorf("after restart got %s, want %s", m.UUID, want)
		}
		m.Ack()
	}
}

func TestCloseCancelsStuckHandlers(t *testing.T) {
	e := open(t, Options{})
	publish(t, e, "canonical.order.placed", newMessage("a1", "a"), newMessage("a2", "a"))
	subscribe := func() (message.Subscriber, <-chan *message.Message) {
		sub := e.Subscriber(SubscriberOptions{Durable: "lane", CloseTimeout: 50 * time.Millisecond})
		ch, err := sub.Subscribe(t.Context(), "canonical.order")
		if err != nil {
			t.Fatal(err)
		}
		return sub, ch
	}
	sub, ch := subscribe()
	m := receive(t, ch)
	start := time.Now()
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("close took %s with a handler that never answers", took)
	}
	if !errors.Is(m.Context().Err(), context.Canceled) {
		t.Errorf("the handler's context is %v, want canceled", m.Context().Err())
	}
	// The message comes again, at once and before its follower.
	_, ch = subscribe()
	for _, want := range []string{"a1", "a2"} {
		m := receive(t, ch)
		if m.UUID != want {
			t.Errorf("got %s, want %s", m.UUID, want)
		}
		m.Ack()
	}
}

func TestSubscribersOfOneNameShareTheWorkInOrder(t *testing.T) {
	e := open(t, Options{})
	one, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	two, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, e, "canonical.order.placed", newMessage("a1", "a"), newMessage("a2", "a"))
	var m *message.Message
	select {
	case m = <-one:
	case m = <-two:
	case <-time.After(10 * time.Second):
		t.Fatal("no message")
	}
	if m.UUID != "a1" {
		t.Fatalf("got %s, want a1", m.UUID)
	}
	select {
	case m := <-one:
		t.Fatalf("%s while a1 is in flight", m.UUID)
	case m := <-two:
		t.Fatalf("%s while a1 is in flight", m.UUID)
	case <-time.After(100 * time.Millisecond):
	}
	m.Ack()
	select {
	case m = <-one:
	case m = <-two:
	case <-time.After(10 * time.Second):
		t.Fatal("no message after the first was acknowledged")
	}
	m.Ack()
}

// A cluster that loses a node may lose a delivery under way. The server hands it out again only after AckWait; its
// followers must not pass it meanwhile.
func TestLostDeliveryIsFetchedBeforeItsFollowers(t *testing.T) {
	e := open(t, Options{})
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, e, "canonical.order.placed", newMessage("c1", "c"))
	receive(t, ch).Ack()
	publish(t, e, "canonical.order.placed", newMessage("a1", "a"))
	m := receive(t, ch)
	// Pretend that this delivery was numbered one less: the next one then shows a gap.
	d := e.dispatchers[dispatcherID{StreamCanonical, "lane"}]
	d.mu.Lock()
	d.last--
	d.mu.Unlock()
	publish(t, e, "canonical.order.placed", newMessage("a2", "a"), newMessage("a3", "a"), newMessage("b1", "b"))
	waitUntil(t, "the subscription went back", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.returns == 1
	})
	got := map[string]bool{}
	if next := receive(t, ch); next.UUID != "b1" {
		t.Fatalf("got %s while a1 is in work, want b1", next.UUID)
	} else {
		next.Ack()
	}
	m.Ack()
	for _, want := range []string{"a2", "a3"} {
		m := receive(t, ch)
		for got[m.UUID] || m.UUID == "b1" {
			m.Ack() // acknowledged beyond the floor: may come twice
			m = receive(t, ch)
		}
		if m.UUID != want {
			t.Fatalf("got %s, want %s", m.UUID, want)
		}
		got[m.UUID] = true
		m.Ack()
	}
}

func TestSubscribeErrors(t *testing.T) {
	e := open(t, Options{})
	if _, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(t.Context(), "canonical.order"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, durable, topic, want string }{
		{"no durable", "", "canonical.order", "Durable is required"},
		{"same name, other topic", "lane", "canonical.price", "already reads canonical.order.>"},
		{"empty part", "x", "canonical..order", "empty part"},
		{"wildcard first", "x", "*.order", "first part decides the stream"},
		{"space", "x", "canonical.my order", "forbids"},
		{"unknown stream", "x", "orders", "stream not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.Subscriber(SubscriberOptions{Durable: c.durable}).Subscribe(t.Context(), c.topic)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
