package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// brokenDisk is a syncer whose first sync fails and whose later ones succeed, as after a lost page.
type brokenDisk struct{ calls atomic.Int64 }

func (d *brokenDisk) sync() error {
	if d.calls.Add(1) == 1 {
		return errors.New("input/output error")
	}
	return nil
}

func (d *brokenDisk) close() error { return nil }

func TestFailedSyncFailsThePublish(t *testing.T) {
	e := open(t, Options{Durability: Relaxed})
	disk := &brokenDisk{}
	e.commit = newCommitter(disk, nil)
	e.pub.commit = e.commit
	for attempt := range 2 {
		err := e.Publisher().Publish("received.shop.orders", newMessage(fmt.Sprint(attempt), ""))
		if !errors.Is(err, ErrSync) || !strings.Contains(err.Error(), "input/output error") || !strings.Contains(err.Error(), "restart") {
			t.Errorf("publish %d on a broken disk: %v, want ErrSync with its cause and what to do", attempt+1, err)
		}
	}
	if n := disk.calls.Load(); n != 1 {
		t.Errorf("the disk was asked %d times; a success after a failure would prove nothing", n)
	}
}

// slowDisk counts its syncs and holds each one until released.
type slowDisk struct {
	started chan struct{}
	release chan struct{}
}

func (d *slowDisk) sync() error {
	d.started <- struct{}{}
	<-d.release
	return nil
}

func (d *slowDisk) close() error { return nil }

func TestWaitingPublishersShareOneSync(t *testing.T) {
	disk := &slowDisk{started: make(chan struct{}), release: make(chan struct{})}
	var shared []int
	c := newCommitter(disk, func(_ time.Duration, publishes int) { shared = append(shared, publishes) })
	var wg sync.WaitGroup
	wait := func() {
		if err := c.wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wg.Go(wait)
	<-disk.started // the first sync runs; the next ten arrive too late for it
	for range 10 {
		wg.Go(wait)
	}
	waitUntil(t, "ten publishers wait", func() bool { return len(c.waiting) == 10 })
	disk.release <- struct{}{}
	<-disk.started
	disk.release <- struct{}{}
	wg.Wait()
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(shared) != "[1 10]" {
		t.Errorf("publishers per sync: %v, want [1 10]", shared)
	}
	if err := c.wait(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("wait after close: %v, want ErrClosed", err)
	}
}

// The portable syncer must know the server's files: every block that holds messages, also those just created.
func TestFileSyncerCoversEveryBlock(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir, Durability: Relaxed})
	s, err := newFileSyncer(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		m := newMessage(fmt.Sprint(time.Now().UnixNano()), "")
		m.Payload = make([]byte, 6<<20) // blocks have 8 MiB: each message starts a new one
		publish(t, e, "received.shop.orders", m)
		if err := s.sync(); err != nil {
			t.Fatal(err)
		}
		blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", StreamReceived, "msgs", "*.blk"))
		if err != nil || len(blocks) == 0 {
			t.Fatalf("no message blocks found: %v", err)
		}
		for _, block := range blocks {
			info, err := os.Stat(block)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.synced[block].size; got != info.Size() {
				t.Errorf("%s: synced up to %d of %d bytes", filepath.Base(block), got, info.Size())
			}
		}
	}
	if n := len(s.synced); n < 4 {
		t.Errorf("%d files synced, want at least three blocks and the stream's description", n)
	}
}

func TestDuplicatesAreReported(t *testing.T) {
	e := open(t, Options{})
	batch := func(ids ...string) (msgs []*message.Message) {
		for _, id := range ids {
			msgs = append(msgs, newMessage(id, "k"))
		}
		return msgs
	}
	for _, c := range []struct {
		ids  []string
		want string
	}{
		{[]string{"1", "2"}, "[false false]"},
		{[]string{"2", "3", "1"}, "[true false true]"},
		{[]string{"4", "4"}, "[false true]"},
	} {
		got, err := e.PublishBatch(t.Context(), "received.shop.orders", batch(c.ids...)...)
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("PublishBatch(%v) = %v, %v; want %s", c.ids, got, err, c.want)
		}
	}
	ch, err := e.Subscriber(SubscriberOptions{Durable: "x"}).Subscribe(t.Context(), "received.shop.orders")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1", "2", "3", "4"} {
		m := receive(t, ch)
		if m.UUID != want {
			t.Errorf("got %s, want %s", m.UUID, want)
		}
		m.Ack()
	}
	quiet(t, ch, 50*time.Millisecond)
}

func TestDuplicatesAreKnownAfterRestart(t *testing.T) {
	dir := t.TempDir()
	for round, want := range []bool{false, true} {
		e := open(t, Options{Dir: dir})
		got, err := e.PublishBatch(t.Context(), "received.shop.orders", newMessage("1", ""))
		if err != nil || got[0] != want {
			t.Errorf("round %d: duplicate %v, %v; want %v", round, got, err, want)
		}
		closeEngine(t, e)
	}
}

func TestFullStream(t *testing.T) {
	e := open(t, Options{MaxBytes: 1 << 20})
	large := func(id string) *message.Message {
		m := newMessage(id, id)
		m.Payload = make([]byte, 100<<10)
		return m
	}
	ch, err := e.Subscriber(SubscriberOptions{Durable: "slow"}).Subscribe(t.Context(), "received.shop.orders")
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for err == nil {
		if err = e.Publisher().Publish("received.shop.orders", large(fmt.Sprint("m", stored))); err == nil {
			stored++
		}
		if stored > 20 {
			t.Fatal("twice MaxBytes was stored")
		}
	}
	if !errors.Is(err, ErrFull) || stored < 8 {
		t.Fatalf("after %d messages: %v, want ErrFull after about ten", stored, err)
	}
	// A batch finds room for all of its messages or for none: the small one must not overtake the large one.
	if _, err := e.PublishBatch(t.Context(), "received.shop.orders", large("large"), newMessage("small", "small")); !errors.Is(err, ErrFull) {
		t.Fatalf("batch on a full stream: %v, want ErrFull", err)
	}
	// Other streams are not affected.
	publish(t, e, "canonical.order.placed", newMessage("c", "c"))

	// Finished history makes room, without losing what is not finished.
	var unfinished []*message.Message
	for i := range stored {
		m := receive(t, ch)
		if i < stored/2 {
			m.Ack()
		} else {
			unfinished = append(unfinished, m)
		}
	}
	waitUntil(t, "half is finished", func() bool { return lag(t, e, "slow") == uint64(stored-stored/2) })
	publish(t, e, "received.shop.orders", large("after"))
	for _, m := range unfinished {
		m.Ack()
	}
	m := receive(t, ch)
	if m.UUID != "after" {
		t.Errorf("got %s, want the message published after room was made", m.UUID)
	}
	m.Ack()
	replay, err := e.Subscriber(SubscriberOptions{Durable: "replay"}).Subscribe(t.Context(), "received.shop.orders")
	if err != nil {
		t.Fatal(err)
	}
	// Each has a key of its own, so they come in any order.
	missing := map[string]bool{}
	for _, m := range unfinished {
		missing[m.UUID] = true
	}
	for len(missing) > 0 {
		m := receive(t, replay)
		m.Ack()
		delete(missing, m.UUID)
	}
}

func TestPublishErrors(t *testing.T) {
	e := open(t, Options{MaxBytes: 1 << 20})
	long := newMessage("long", "")
	long.Metadata["note"] = strings.Repeat("x", 70_000)
	huge := newMessage("huge", "")
	huge.Payload = make([]byte, 2<<20)
	for _, c := range []struct {
		name, topic string
		msg         *message.Message
		want        string
	}{
		{"no id", "received.a", message.NewMessage("", nil), "has no id"},
		{"wildcard", "received.*", newMessage("1", ""), "wildcard"},
		{"space", "received.my shop", newMessage("1", ""), "SubjectToken"},
		{"unknown stream", "orders", newMessage("1", ""), "no stream takes this topic"},
		{"metadata", "received.a", long, "move large values into the payload"},
		{"never fits", "received.a", huge, "raise engine.maxBytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := e.Publisher().Publish(c.topic, c.msg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestStoreBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	open(t, Options{Dir: dir})
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second engine on the same directory: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		opts Options
		want string
	}{
		{"nothing", Options{}, "directory"},
		{"directory is a file", Options{Dir: file}, "create store directory"},
		{"replicas", Options{Dir: "x", Replicas: 3}, "URLs of a NATS cluster"},
		{"fsync on a cluster", Options{URLs: []string{"nats://127.0.0.1:1"}, Durability: Fsync}, "use replicated"},
		{"listen without port", Options{Dir: t.TempDir(), Listen: "127.0.0.1"}, "write host:port"},
		{"nobody there", Options{URLs: []string{"nats://127.0.0.1:1"}}, "is the NATS server running"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := Open(t.Context(), c.opts)
			if err == nil {
				closeEngine(t, e)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
