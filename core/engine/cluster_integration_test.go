//go:build integration

package engine

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
)

// buildServer builds the real nats-server from the module this repository depends on.
func buildServer(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats-server")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("build nats-server: %v\n%s", err, out)
	}
	return path
}

// natsServer is a nats-server process.
type natsServer struct {
	url  string
	args []string
	bin  string
	cmd  *exec.Cmd
	log  *bytes.Buffer
}

func (s *natsServer) start(t *testing.T) {
	t.Helper()
	s.log = &bytes.Buffer{}
	s.cmd = exec.Command(s.bin, s.args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "nats-server accepts connections", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "nats://"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

func (s *natsServer) kill(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself, which the log shows
	_ = s.cmd.Wait()
	s.cmd = nil
	if t.Failed() {
		t.Logf("nats-server %v:\n%s", s.args, s.log)
	}
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// startServers starts n servers, as a cluster when there are several.
func startServers(t *testing.T, n int) []*natsServer {
	t.Helper()
	bin := buildServer(t)
	ports := freePorts(t, 2*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
	}
	var servers []*natsServer
	for i := range n {
		config := fmt.Sprintf("server_name: n%d\nlisten: \"127.0.0.1:%d\"\njetstream: {store_dir: %q, sync_interval: always}\n",
			i, ports[i], t.TempDir())
		if n > 1 {
			config += fmt.Sprintf("cluster: {name: crossdock, listen: \"127.0.0.1:%d\", routes: [%s]}\n", ports[n+i], strings.Join(routes, ", "))
		}
		file := filepath.Join(t.TempDir(), "server.conf")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &natsServer{bin: bin, url: "nats://127.0.0.1:" + strconv.Itoa(ports[i]), args: []string{"-c", file}}
		s.start(t)
		t.Cleanup(func() { s.kill(t) })
		servers = append(servers, s)
	}
	return servers
}

func TestExternalServerPassesWatermillSuite(t *testing.T) {
	servers := startServers(t, 1)
	e := open(t, Options{URLs: []string{servers[0].url}, Replicas: 1})
	group := func(t *testing.T, name string) (message.Publisher, message.Subscriber) {
		return e.Publisher(), e.Subscriber(SubscriberOptions{
			Durable:      name,
			Backoff:      func(int) time.Duration { return 5 * time.Millisecond },
			CloseTimeout: 50 * time.Millisecond,
		})
	}
	features := tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, ForceShort: true}
	tests.TestPubSub(t, features, func(t *testing.T) (message.Publisher, message.Subscriber) {
		return group(t, "suite")
	}, group)
}

func TestExternalServerRestart(t *testing.T) {
	servers := startServers(t, 1)
	e := open(t, Options{URLs: []string{servers[0].url}, Replicas: 1})
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, e, "canonical.order.placed", newMessage("1", "a"))
	receive(t, ch).Ack()
	servers[0].kill(t)
	servers[0].start(t)
	waitUntil(t, "publishing works again", func() bool {
		return e.Publisher().Publish("canonical.order.placed", newMessage("2", "a")) == nil
	})
	m := receiveWithin(t, ch, 60*time.Second)
	for m.UUID == "1" { // its acknowledgement may not have reached the disk
		m.Ack()
		m = receiveWithin(t, ch, 60*time.Second)
	}
	if m.UUID != "2" {
		t.Errorf("got %s, want 2", m.UUID)
	}
	m.Ack()
}

func receiveWithin(t *testing.T, ch <-chan *message.Message, d time.Duration) *message.Message {
	t.Helper()
	select {
	case m := <-ch:
		return m
	case <-time.After(d):
		t.Fatalf("no message within %s", d)
		return nil
	}
}

// One node of three is killed while messages are published and consumed: nothing that was acknowledged is missing,
// and each key's order holds.
func TestClusterLosesNothingWithOneNode(t *testing.T) {
	const keys, perKey = 16, 60
	servers := startServers(t, 3)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.url)
	}
	e := open(t, Options{URLs: urls})
	ch, err := e.Subscriber(SubscriberOptions{Durable: "lane"}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	var published atomic.Int64
	var wg sync.WaitGroup
	for key := range keys {
		wg.Go(func() {
			for n := range perKey {
				m := newMessage(fmt.Sprintf("%d/%d", key, n), strconv.Itoa(key))
				// The same message until it is acknowledged: a repeat within the window stores nothing.
				for deadline := time.Now().Add(60 * time.Second); ; {
					err := e.Publisher().Publish("canonical.order.placed", m)
					if err == nil {
						break
					}
					if time.Now().After(deadline) {
						t.Errorf("message %s was not accepted within a minute: %v", m.UUID, err)
						return
					}
				}
				published.Add(1)
			}
		})
	}
	wg.Go(func() {
		waitUntil(t, "a third is published", func() bool { return published.Load() > keys*perKey/3 })
		servers[1].kill(t)
	})
	next := map[string]int{}
	for total(next) < keys*perKey {
		m := receiveWithin(t, ch, 60*time.Second)
		key, number, _ := strings.Cut(m.UUID, "/")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case n > next[key]:
			t.Fatalf("key %s: message %d before message %d", key, n, next[key])
		case n == next[key]:
			next[key]++
		}
		m.Ack()
	}
	wg.Wait()
}
