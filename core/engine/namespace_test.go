package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Two projects on one cluster have streams of their own: neither gets, counts, drops as duplicate or removes what is
// the other's, whatever their routes and messages are called.
func TestProjectsShareABroker(t *testing.T) {
	url := broker(t)
	project := func(name string) *Engine {
		return open(t, Options{URLs: []string{url}, Namespace: Namespace(name), Replicas: 1, Durability: Relaxed, MaxBytes: 32 << 20})
	}
	north, south := project("Shop North"), project("Shop South")
	if !north.Unused() || !south.Unused() {
		t.Error("streams that were just made are said to be used")
	}
	for i, e := range []*Engine{north, south} {
		for _, topic := range []string{"received.shop.orders", "canonical.order.placed"} {
			m := newMessage("1", "k")
			m.Metadata["project"] = fmt.Sprint(i)
			duplicates, err := e.PublishBatch(t.Context(), topic, m)
			if err != nil || duplicates[0] {
				t.Errorf("project %d: duplicates %v, %v", i, duplicates, err)
			}
		}
	}
	listening, stop := context.WithCancel(t.Context())
	var ended []<-chan *message.Message
	for i, e := range []*Engine{north, south} {
		for durable, topic := range map[string]string{"in": "received.shop.orders", "lane": "canonical.order.*.>"} {
			ch, err := e.Subscriber(SubscriberOptions{Durable: durable}).Subscribe(listening, topic)
			if err != nil {
				t.Fatal(err)
			}
			ended = append(ended, ch)
			m := receive(t, ch)
			d, _ := DeliveryOf(m)
			if m.Metadata["project"] != fmt.Sprint(i) || d.Stream != streamOf(topic) {
				t.Errorf("project %d got %v from %s", i, m.Metadata, d.Stream)
			}
			m.Ack()
			quiet(t, ch, 50*time.Millisecond)
		}
		stored := 0
		if err := e.Tail(t.Context(), StreamReceived, func(s Stored) bool { stored++; return s.Message.Metadata["project"] == fmt.Sprint(i) }); err != nil || stored != 1 {
			t.Errorf("project %d: %d messages, %v", i, stored, err)
		}
	}
	waitUntil(t, "everything is finished", func() bool { return lag(t, north, "in")+lag(t, south, "lane") == 0 })
	stop()
	for _, ch := range ended {
		<-ch // closed
	}
	if err := north.RemoveSubscription(t.Context(), "in"); err != nil {
		t.Fatal(err)
	}
	for e, want := range map[*Engine]string{north: "[lane]", south: "[in lane]"} {
		if names, err := e.Subscriptions(t.Context()); err != nil || fmt.Sprint(names) != want {
			t.Errorf("subscriptions %v, %v; want %s", names, err, want)
		}
	}
	if project("Shop North").Unused() {
		t.Error("streams that hold a message are said to be unused")
	}
}

func TestNamespace(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"shop", "Shop", "shop north", "shop.north", "Ägypten", strings.Repeat("long ", 50), ""} {
		ns := Namespace(name)
		if seen[ns] || len(ns) > 32 || SubjectToken(ns) != ns {
			t.Errorf("namespace %q of %q", ns, name)
		}
		seen[ns] = true
	}
	if _, err := Open(t.Context(), Options{Dir: t.TempDir(), Namespace: "a.b"}); err == nil || !strings.Contains(err.Error(), "Namespace") {
		t.Errorf("a namespace of two parts: %v", err)
	}
}
