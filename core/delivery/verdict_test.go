package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// A node that stops cuts off the questions that a message's preparation asks.
// The last attempt of a message is no exception: it comes again after the start.
func TestStoppingWhilePreparingDecidesNothing(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	b := start(t, func(o *delivery.LaneOptions) {
		o.Retry.Attempts = 1
		o.Prepare = func(context.Context, *message.Message) (*protocol.Record, bool, error) {
			stop()
			return nil, false, &delivery.Failure{Class: protocol.Problem_RETRYABLE, Code: "grpc.Canceled", Message: "context canceled"}
		}
	})
	if err := b.lane.Handle(msg(ctx, "A", "a1")); err == nil {
		t.Error("the message was acknowledged")
	}
	same(t, "dead letters", len(b.dead()), 0)
	same(t, "nothing parked", b.idle(), true)
}

// A message that ends the connector whenever it is given it would be tried for
// ever, since a connector that is gone says nothing about a message. Given alone
// and ending it every time, it does.
func TestMessageThatEndsTheConnector(t *testing.T) {
	b := start(t, nil)
	b.sink.err = func(id string, _ int) error {
		if strings.HasPrefix(id, "poison@") {
			return &delivery.Failure{Class: protocol.Problem_NOT_CONNECTED, Code: "plugin.crashed", Crash: true, Message: "exit status 2: index out of range"}
		}
		return nil
	}
	poison := b.handleAsync("P", "poison")
	var others []func() error
	for i := range 20 {
		others = append(others, b.handleAsync(fmt.Sprint(i), fmt.Sprint("m", i)))
	}
	if err := poison(); err != nil {
		t.Fatal(err)
	}
	for _, wait := range others {
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
	same(t, "effects", len(b.sink.done()), 20)
	dead := b.dead()
	if len(dead) != 1 || dead[0].MessageID != "poison" || dead[0].Class != "BUG" || !strings.Contains(dead[0].Reason, "index out of range") {
		t.Errorf("dead letters %+v", dead)
	}
}

// A connector that is gone, or ends whatever it is given now and then, makes no
// dead letters.
func TestConnectorThatIsGoneMakesNoDeadLetters(t *testing.T) {
	b := start(t, nil)
	b.sink.err = func(_ string, call int) error {
		if call <= 10 {
			return &delivery.Failure{Class: protocol.Problem_NOT_CONNECTED, Code: "plugin.gone", Message: "it is started again in 1s"}
		}
		return nil
	}
	b.handle("A", "a1")
	same(t, "effects", b.sink.done(), "[a1]")
	same(t, "dead letters", len(b.dead()), 0)
}

// A lane that is left gives back at once what only waits, undecided, and finishes
// what is being delivered.
func TestLeavingALane(t *testing.T) {
	always := func(class protocol.Problem_Class) func(*bench) {
		return func(b *bench) { b.sink.set(func(string, int) *protocol.Problem { return problem(class) }) }
	}
	for name, hold := range map[string]func(*bench){
		"paused": func(b *bench) { b.lane.Pause("test") },
		"away":   always(protocol.Problem_NOT_CONNECTED), "throttled": always(protocol.Problem_THROTTLED),
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, nil)
			hold(b)
			a1 := b.handleAsync("A", "a1")
			a2 := b.handleAsync("A", "a2") // waits for its key
			until(t, "a message waits", func() bool { return name == "paused" || b.totalCalls() > 0 })
			b.lane.Leave()
			for _, wait := range []func() error{a1, a2} {
				if err := wait(); err == nil {
					t.Error("a message was acknowledged that nobody has")
				}
			}
			same(t, "effects", len(b.sink.done()), 0)
			same(t, "dead letters", len(b.dead()), 0)
		})
	}
	b := start(t, nil)
	under, finish := make(chan struct{}), make(chan struct{})
	b.sink.during = func(string) { close(under); <-finish }
	a1 := b.handleAsync("A", "a1")
	<-under
	b.lane.Leave()
	close(finish)
	if err := a1(); err != nil {
		t.Errorf("a delivery under way was cut off: %v", err)
	}
	same(t, "effects", b.sink.done(), "[a1]")
}
