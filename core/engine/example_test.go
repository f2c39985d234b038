package engine_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/engine"
)

// A message is on disk when Publish returns; a subscription hands out one message per key at a time.
func Example() {
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	e, err := engine.Open(ctx, engine.Options{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close(ctx)

	order := message.NewMessage("shop.orders/4711", []byte(`{"orderNumber":"4711"}`))
	order.Metadata.Set(engine.MetaKey, "4711")
	if err := e.Publisher().Publish("canonical.order.placed", order); err != nil {
		log.Fatal(err)
	}
	// The same id again, as after a resend: nothing is stored.
	duplicates, err := e.PublishBatch(ctx, "canonical.order.placed", order)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("duplicate:", duplicates[0])

	orders, err := e.Subscriber(engine.SubscriberOptions{Durable: "shop-orders/erp.orders"}).Subscribe(ctx, "canonical.order")
	if err != nil {
		log.Fatal(err)
	}
	m := <-orders
	fmt.Println(m.UUID, string(m.Payload))
	m.Ack()
	// Output:
	// duplicate: true
	// shop.orders/4711 {"orderNumber":"4711"}
}
