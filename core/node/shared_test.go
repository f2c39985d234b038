package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// broker is a message store of its own, as several projects may share one.
func broker(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the broker is not ready")
	}
	return s.ClientURL()
}

// Projects that share a message store know nothing of each other, whatever their
// routes and connections are called: each gets its own documents, and cleans up
// after its own routes.
func TestProjectsOnOneBroker(t *testing.T) {
	url, log := broker(t), &logged{}
	settings := func(name string) string {
		return "name: " + name + "\nhttp: {listen: off}\nengine: {urls: [\"" + url + "\"], replicas: 1, durability: relaxed, maxBytes: 67108864}\n"
	}
	dirA, dirB := project(t), project(t)
	write(t, dirA, "crossdock.yaml", settings("Shop North"))
	write(t, dirA, "routes/only.yaml", route("only-here", "w.more"))
	write(t, dirB, "crossdock.yaml", settings("Shop South"))
	north, south := newWorld(), newWorld()
	a, _ := start(t, dirA, north, log)
	before, err := a.engine.Subscriptions(t.Context())
	if err != nil || len(before) != 4 {
		t.Fatalf("subscriptions %v, %v", before, err)
	}
	b, stopB := start(t, dirB, south, log)
	if own, err := b.engine.Subscriptions(t.Context()); err != nil || len(own) != 2 {
		t.Errorf("subscriptions of the second project %v, %v", own, err)
	}
	after, err := a.engine.Subscriptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range before {
		if !slices.Contains(after, name) {
			t.Errorf("the other project removed %s", name)
		}
	}
	north.offer("1", `{"id": "north"}`)
	south.offer("1", `{"id": "south"}`)
	if got := north.wait(t, 2); got[0] != `{"id":"north"}` || got[1] != got[0] {
		t.Errorf("the first project delivered %v", got)
	}
	if got := south.wait(t, 1); got[0] != `{"id":"south"}` {
		t.Errorf("the second project delivered %v", got)
	}
	eventually(t, "everything is finished", func() bool {
		left := uint64(0)
		for _, n := range []*Node{a, b} {
			for _, name := range []string{"in-notes", "lane-notes__w_places"} {
				lag, err := n.engine.Lag(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				left += lag
			}
		}
		return left == 0
	})
	north.mu.Lock()
	south.mu.Lock()
	if len(north.written) != 2 || len(south.written) != 1 {
		t.Errorf("delivered %d and %d", len(north.written), len(south.written))
	}
	south.mu.Unlock()
	north.mu.Unlock()
	if text := log.text(); strings.Contains(text, "gone from the project") || strings.Contains(text, "renamed") {
		t.Errorf("logged:\n%s", text)
	}

	// Under another name the second project has other streams; it says so.
	stopB()
	write(t, dirB, "crossdock.yaml", settings("Shop West"))
	start(t, dirB, south, log)
	if !strings.Contains(log.text(), "was the project renamed") {
		t.Errorf("logged:\n%s", log.text())
	}
}
