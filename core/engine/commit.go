package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// syncer makes everything the server has written so far survive a power failure.
type syncer interface {
	sync() error
	close() error
}

// committer shares disk syncs between publishers (group commit): whoever waits when a sync starts is served by
// that sync; who arrives while it runs is served by the next one. A caller's messages were written before it
// called wait, so the sync that serves it always covers them.
//
// The first failed sync is final. After an I/O error the kernel may mark the lost pages clean and report success
// the next time, so a later success would prove nothing.
type committer struct {
	syncer  syncer
	observe func(time.Duration, int)
	waiting chan chan error
	done    chan struct{}
	stop    sync.Once
	quit    chan struct{}
}

func newCommitter(s syncer, observe func(time.Duration, int)) *committer {
	if observe == nil {
		observe = func(time.Duration, int) {}
	}
	c := &committer{syncer: s, observe: observe, waiting: make(chan chan error, 1024), done: make(chan struct{}), quit: make(chan struct{})}
	go c.run()
	return c
}

// wait returns after a sync that began after the call. If ctx ends first, the outcome is unknown and the error
// says so.
func (c *committer) wait(ctx context.Context) error {
	result := make(chan error, 1)
	select {
	case c.waiting <- result:
	case <-c.quit:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("engine: wait for disk sync: %w", ctx.Err())
	}
	select {
	case err := <-result:
		return err
	case <-c.done:
		// run has ended; it may have answered just before.
		select {
		case err := <-result:
			return err
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		return fmt.Errorf("engine: wait for disk sync: %w", ctx.Err())
	}
}

func (c *committer) run() {
	defer close(c.done)
	var failed error
	for {
		var group []chan error
		select {
		case <-c.quit:
			return
		case first := <-c.waiting:
			group = append(group, first)
		}
		for more := true; more; {
			select {
			case next := <-c.waiting:
				group = append(group, next)
			default:
				more = false
			}
		}
		if failed == nil {
			start := time.Now()
			if err := c.syncer.sync(); err != nil {
				failed = fmt.Errorf("engine: %w: %w (check the disk and its free space, then restart: until then nothing can be accepted)", ErrSync, err)
			}
			c.observe(time.Since(start), len(group))
		}
		for _, waiter := range group {
			waiter <- failed
		}
	}
}

func (c *committer) close() error {
	c.stop.Do(func() { close(c.quit) })
	<-c.done
	if err := c.syncer.close(); err != nil {
		return errors.Join(errors.New("engine: close disk syncer"), err)
	}
	return nil
}
