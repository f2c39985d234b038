package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

func TestTailGoesBackwards(t *testing.T) {
	e := open(t, Options{Durability: Relaxed})
	ctx := context.Background()
	if err := e.Tail(ctx, StreamReceived, func(s Stored) bool { t.Errorf("an empty stream has %s", s.Message.UUID); return true }); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		m := newMessage(fmt.Sprint("shop.orders/", i), "key")
		m.Metadata.Set("key.order", "47 11\n")
		if err := e.Publisher().Publish("received.shop.orders", m); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := e.Tail(ctx, StreamReceived, func(s Stored) bool {
		got = append(got, s.Message.UUID)
		if s.Message.Metadata.Get("key.order") != "47 11\n" || s.At.IsZero() || s.Sequence == 0 {
			t.Errorf("%+v", s)
		}
		return len(got) < 3
	})
	if want := []string{"shop.orders/4", "shop.orders/3", "shop.orders/2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if err := e.Tail(ctx, "NONE", func(Stored) bool { return true }); err == nil {
		t.Error("a stream that does not exist has a tail")
	}
}
