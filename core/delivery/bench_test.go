package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/protocol"
)

type instant struct{}

func (instant) Deliver(_ context.Context, recs []*protocol.Record) ([]*protocol.RecordResult, error) {
	return make([]*protocol.RecordResult, len(recs)), nil
}

// BenchmarkHandle measures a lane with a target that answers at once: what the
// guarantees cost, by the number of keys at a time.
func BenchmarkHandle(b *testing.B) {
	for _, keys := range []int{1, 64, 256} {
		b.Run(fmt.Sprint("keys=", keys), func(b *testing.B) {
			quiet := slog.New(slog.DiscardHandler)
			l, err := ledger.Open(context.Background(), ledger.Options{DSN: "sqlite://" + filepath.ToSlash(filepath.Join(b.TempDir(), "l.db")), Log: quiet})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			lane, err := delivery.NewLane(delivery.LaneOptions{
				Name: "r/t.x", Route: "r", Target: "t.x", Sink: instant{}, Ledger: l, Log: quiet,
				Prepare: func(_ context.Context, m *message.Message) (*protocol.Record, bool, error) {
					return &protocol.Record{Payload: m.Payload}, false, nil
				},
			})
			if err != nil {
				b.Fatal(err)
			}
			next := make(chan int)
			var all sync.WaitGroup
			b.ResetTimer()
			for key := range keys {
				all.Go(func() {
					for i := range next {
						m := msg(context.Background(), fmt.Sprint(key), fmt.Sprint("shop.orders/", i, "#r"))
						m.Payload = make([]byte, 1024)
						if err := lane.Handle(m); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for i := range b.N {
				next <- i
			}
			close(next)
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
