package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// runChild is the program of a child process. It ends by being killed.
func runChild(role, dir string) error {
	e, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	switch role {
	case "publish":
		return publishForever(e)
	case "consume":
		return consumeForever(e)
	}
	return errors.New("unknown role " + role)
}

// publishForever prints the id of every message whose publish call returned without an error.
func publishForever(e *Engine) error {
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	var out sync.Mutex
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				batch := make([]*message.Message, 1+i%5)
				for j := range batch {
					batch[j] = newMessage(fmt.Sprintf("%s/%d/%d/%d", run, worker, i, j), strconv.Itoa(worker))
				}
				if err := e.Publisher().Publish("received.shop.orders", batch...); err != nil {
					return
				}
				out.Lock()
				for _, m := range batch {
					fmt.Println(m.UUID)
				}
				out.Unlock()
			}
		})
	}
	wg.Wait()
	return errors.New("publishing ended")
}

// consumeForever prints every message before it acknowledges it, as a sink's effect would happen before the
// acknowledgement. It holds some messages longer than others so that a kill finds several keys in flight.
func consumeForever(e *Engine) error {
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(context.Background(), "canonical.order")
	if err != nil {
		return err
	}
	var out sync.Mutex
	for m := range ch {
		go func() {
			out.Lock()
			fmt.Println(m.UUID)
			out.Unlock()
			if len(m.UUID)%2 == 0 {
				time.Sleep(3 * time.Millisecond)
			}
			m.Ack()
		}()
	}
	return errors.New("consuming ended")
}

// killChild starts a child, kills it with SIGKILL after it printed a number of lines and returns all lines.
func killChild(t *testing.T, role, dir string, after int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, "ENGINE_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	var lines []string
	scanner := bufio.NewScanner(stdout)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if len(lines) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself, want it killed")
	}
	if len(lines) < after {
		t.Fatalf("the child printed %d lines within 20 s, want %d", len(lines), after)
	}
	return lines
}

func TestKilledPublisherLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 3 {
		for _, id := range killChild(t, "publish", dir, 300+200*round) {
			acknowledged[id] = true
		}
	}
	e := open(t, Options{Dir: dir})
	ch, err := e.Subscriber(SubscriberOptions{Durable: "check", Concurrency: 64}).Subscribe(t.Context(), "received")
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	for len(acknowledged) > 0 {
		m := receive(t, ch)
		delete(acknowledged, m.UUID)
		part := strings.Split(m.UUID, "/")
		n, err := strconv.Atoi(part[2])
		if err != nil {
			t.Fatal(err)
		}
		if n < last[part[0]+part[1]] {
			t.Errorf("message %s came after message %d of its key", m.UUID, last[part[0]+part[1]])
		}
		last[part[0]+part[1]] = n
		m.Ack()
	}
}

func TestKilledConsumerContinuesInOrder(t *testing.T) {
	const keys, perKey = 10, 60
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	for n := range perKey {
		for key := range keys {
			publish(t, e, "canonical.order.placed", newMessage(fmt.Sprintf("%d/%d", key, n), strconv.Itoa(key)))
		}
	}
	closeEngine(t, e)

	var effects []string
	start := time.Now()
	for range 4 {
		effects = append(effects, killChild(t, "consume", dir, 120)...)
	}
	// A message in flight when the child died must not wait for AckWait (30 s) before its key goes on.
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("four restarts took %s", took)
	}
	e = open(t, Options{Dir: dir})
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	repeated := 0
	check := func(id string) {
		key, number, _ := strings.Cut(id, "/")
		n, err := strconv.Atoi(number)
		switch {
		case err != nil:
			t.Fatal(err)
		case n > next[key]:
			t.Fatalf("key %s: message %d before message %d", key, n, next[key])
		case n < next[key]:
			repeated++
		default:
			next[key]++
		}
	}
	for _, id := range effects {
		check(id)
	}
	for missing := true; missing; {
		missing = false
		for key := range keys {
			missing = missing || next[strconv.Itoa(key)] < perKey
		}
		if missing {
			m := receive(t, ch)
			check(m.UUID)
			m.Ack()
		}
	}
	t.Logf("%d messages were handed out again after a kill", repeated)
}
