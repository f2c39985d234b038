package engine

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
)

func benchMessage(i int64) *message.Message {
	m := message.NewMessage("shop.orders/"+strconv.FormatInt(i, 10), make([]byte, 1024))
	m.Metadata[MetaKey] = strconv.FormatInt(i%1024, 10)
	m.Metadata[MetaEntity] = "order"
	m.Metadata[MetaCorrelation] = m.UUID
	m.Metadata[MetaTrace] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	return m
}

// BenchmarkPublishDurable publishes messages of 1 KiB, one per call, each call returning after the disk sync.
func BenchmarkPublishDurable(b *testing.B) {
	for _, publishers := range []int{1, 64} {
		b.Run(fmt.Sprintf("publishers=%d", publishers), func(b *testing.B) {
			e := open(b, Options{MaxBytes: 16 << 30})
			pub := e.Publisher()
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range publishers {
				wg.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						if err := pub.Publish("canonical.order.placed", benchMessage(i)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
		})
	}
}

// BenchmarkPublishBatch publishes 256 messages of 1 KiB per call from one publisher.
func BenchmarkPublishBatch(b *testing.B) {
	e := open(b, Options{MaxBytes: 16 << 30})
	var n int64
	for b.Loop() {
		batch := make([]*message.Message, 256)
		for i := range batch {
			n++
			batch[i] = benchMessage(n)
		}
		if _, err := e.PublishBatch(b.Context(), "canonical.order.placed", batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkConsume hands out and acknowledges messages of 1,024 keys to a handler that does nothing.
func BenchmarkConsume(b *testing.B) {
	e := open(b, Options{MaxBytes: 16 << 30, Durability: Relaxed})
	batch := make([]*message.Message, 0, 500)
	for i := range b.N {
		batch = append(batch, benchMessage(int64(i)))
		if len(batch) == cap(batch) || i == b.N-1 {
			if _, err := e.PublishBatch(b.Context(), "canonical.order.placed", batch...); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	out, err := e.Subscriber(SubscriberOptions{Durable: "bench", Concurrency: 64}).Subscribe(b.Context(), "canonical.order")
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		(<-out).Ack()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}
