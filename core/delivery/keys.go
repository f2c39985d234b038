package delivery

import (
	"context"
	"sync"
)

// keyLocks make the engine's handler and the scheduler of parked messages take
// turns on a key. It holds an entry only for keys in use.
type keyLocks struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	slot  chan struct{} // holds a token while locked
	users int           // holder and waiters
}

func (k *keyLocks) entry(key string) *keyLock {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = map[string]*keyLock{}
	}
	e := k.held[key]
	if e == nil {
		e = &keyLock{slot: make(chan struct{}, 1)}
		k.held[key] = e
	}
	e.users++
	return e
}

func (k *keyLocks) leave(key string, e *keyLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.users--; e.users == 0 {
		delete(k.held, key)
	}
}

// lock waits for the key; waiters are served in the order they came.
func (k *keyLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	e := k.entry(key)
	select {
	case e.slot <- struct{}{}:
		return func() { <-e.slot; k.leave(key, e) }, nil
	case <-ctx.Done():
		k.leave(key, e)
		return nil, ctx.Err()
	}
}

// tryLock returns nil when the key is in use.
func (k *keyLocks) tryLock(key string) (unlock func()) {
	e := k.entry(key)
	select {
	case e.slot <- struct{}{}:
		return func() { <-e.slot; k.leave(key, e) }
	default:
		k.leave(key, e)
		return nil
	}
}
