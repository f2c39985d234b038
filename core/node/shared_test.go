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

// Projects that share a message store leave each other's subscriptions alone:
// each cleans up after its own routes only.
func TestProjectsOnOneBroker(t *testing.T) {
	url, log := broker(t), &logged{}
	settings := func(name string) string {
		return "name: " + name + "\nhttp: {listen: off}\nengine: {urls: [\"" + url + "\"], replicas: 1, durability: relaxed, maxBytes: 67108864}\n"
	}
	dirA, dirB := project(t), project(t)
	write(t, dirA, "crossdock.yaml", settings("Shop North"))
	write(t, dirA, "routes/only.yaml", route("only-here", "w.more"))
	write(t, dirB, "crossdock.yaml", settings("Shop South"))
	a, _ := start(t, dirA, newWorld(), log)
	before, err := a.engine.Subscriptions(t.Context())
	if err != nil || len(before) != 4 {
		t.Fatalf("subscriptions %v, %v", before, err)
	}
	b, _ := start(t, dirB, newWorld(), log)
	after, err := b.engine.Subscriptions(t.Context())
	if err != nil || len(after) != 6 {
		t.Errorf("subscriptions of both %v, %v", after, err)
	}
	for _, name := range before {
		if !slices.Contains(after, name) {
			t.Errorf("the other project removed %s", name)
		}
	}
	if strings.Contains(log.text(), "gone from the project") {
		t.Errorf("logged:\n%s", log.text())
	}
}
