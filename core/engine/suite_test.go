package engine

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
)

// The suite that every Watermill Pub/Sub has to pass, with a new subscriber per constructor call on one engine,
// which is how a Router uses it.
func TestWatermillSuite(t *testing.T) {
	e := open(t, Options{})
	features := tests.Features{
		ConsumerGroups:  true,
		GuaranteedOrder: true,
		Persistent:      true,
		ForceShort:      true,
	}
	group := func(t *testing.T, name string) (message.Publisher, message.Subscriber) {
		return e.Publisher(), e.Subscriber(SubscriberOptions{
			Durable:      name,
			Backoff:      func(int) time.Duration { return 5 * time.Millisecond },
			CloseTimeout: 50 * time.Millisecond,
		})
	}
	tests.TestPubSub(t, features, func(t *testing.T) (message.Publisher, message.Subscriber) {
		return group(t, "suite")
	}, group)
}

// NewSubscriberReceivesOldMessages needs a durable name of its own for every subscriber.
func TestNewSubscriptionReadsHistory(t *testing.T) {
	e := open(t, Options{})
	tests.TestNewSubscriberReceivesOldMessages(t,
		tests.TestContext{TestID: tests.NewTestID(), Features: tests.Features{Persistent: true, NewSubscriberReceivesOldMessages: true}},
		func(t *testing.T) (message.Publisher, message.Subscriber) {
			return e.Publisher(), e.Subscriber(SubscriberOptions{Durable: watermill.NewUUID()})
		})
}
