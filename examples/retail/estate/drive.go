package estate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Faults are what goes wrong on purpose while the estate is driven.
type Faults struct {
	// Outage is how long the SOAP ERP refuses connections, from a quarter of
	// the time on.
	Outage time.Duration
	// UnknownSKU sends one web order with an item that the ERP does not know.
	UnknownSKU bool
	// BrokenFile drops one purchase order file that is cut off.
	BrokenFile bool
	// Repeat sends one webhook three times.
	Repeat bool
}

// AllFaults is the demo's set, scaled to its length.
func AllFaults(length time.Duration) Faults {
	return Faults{Outage: min(3*time.Second, length/4), UnknownSKU: true, BrokenFile: true, Repeat: true}
}

// Drive makes documents for a while and returns when the last one was handed
// over. It stops early, without an error, when ctx ends.
func (e *Estate) Drive(ctx context.Context, length time.Duration, f Faults) error {
	end := make(chan struct{})
	t := time.AfterFunc(length, func() { close(end) })
	defer t.Stop()
	return e.drive(ctx, end, length, f)
}

// DriveUntil is Drive until end is closed; faults that come at a part of the
// time are not used.
func (e *Estate) DriveUntil(ctx context.Context, end <-chan struct{}, f Faults) error {
	return e.drive(ctx, end, 0, f)
}

func (e *Estate) drive(ctx context.Context, end <-chan struct{}, length time.Duration, f Faults) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	run := func(task func() error) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := task(); err != nil && ctx.Err() == nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		}()
	}
	if length > 0 {
		e.schedule(ctx, func(part float64, task func() error) {
			run(func() error {
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(time.Duration(part * float64(length))):
					return task()
				}
			})
		}, f)
	}
	tick := time.NewTicker(time.Duration(float64(time.Second) / e.o.Rate))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			wg.Wait()
			return nil
		case <-end:
			wg.Wait()
			return errors.Join(errs...)
		case <-tick.C:
			run(func() error { return e.document(ctx, n) })
		}
	}
}

func (e *Estate) schedule(ctx context.Context, at func(float64, func() error), f Faults) {
	if f.Outage > 0 {
		at(0.25, func() error {
			e.o.Log.Info("the ERP's SOAP service goes down", "for", f.Outage)
			if err := e.soap.close(); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
			case <-time.After(f.Outage):
			}
			e.o.Log.Info("the ERP's SOAP service is back")
			return e.soap.reopen()
		})
	}
	if f.UnknownSKU {
		at(0.15, func() error {
			e.o.Log.Info("the shop sends an order with an unknown SKU")
			lines := e.lines()
			lines[0].sku = "SKU-999"
			number := fmt.Sprintf("S%06d", e.next())
			e.doom("shop-orders", number)
			return e.order(ctx, number, lines)
		})
	}
	if f.BrokenFile {
		at(0.2, func() error {
			e.o.Log.Info("the partner drops a file that is cut off")
			return e.brokenFile(time.Now())
		})
	}
	if f.Repeat {
		at(0.1, func() error {
			e.o.Log.Info("the shop sends one order three times")
			number := fmt.Sprintf("S%06d", e.next())
			lines := e.lines()
			body := webhook(number, lines, time.Now())
			e.expect(number, lines)
			e.note("shop-orders", number)
			for range 3 {
				if err := e.post(ctx, body); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// document makes the n-th document; the sources take turns.
func (e *Estate) document(ctx context.Context, n int) error {
	now := time.Now()
	switch n % 10 {
	case 0, 5:
		return e.purchaseOrders(now)
	case 2, 7, 9:
		return e.changeStock(ctx)
	case 4:
		return e.storeSales(now)
	}
	return e.order(ctx, fmt.Sprintf("S%06d", e.next()), e.lines())
}

func (e *Estate) order(ctx context.Context, number string, lines []line) error {
	e.expect(number, lines)
	e.note("shop-orders", number)
	return e.post(ctx, webhook(number, lines, time.Now()))
}
