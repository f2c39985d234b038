package conformance

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// world is what outlives a plugin process: the state the core keeps for it.
type world struct {
	target Target
	store  *store
	wait   time.Duration
	hosts  []*host
}

// run runs one check. All plugins have ended when it returns or fails, before
// the target's own cleanup takes the other side away from under them.
func (w *world) run(t testing.TB, c check) {
	defer func() {
		for _, h := range w.hosts {
			h.cut()
		}
	}()
	c.run(w.start(t))
}

func newWorld(target Target) *world {
	w := &world{target: target, store: newStore(), wait: target.Timeout}
	if w.wait <= 0 {
		w.wait = 10 * time.Second
	}
	return w
}

// host is one plugin, in this process or its own, with its session.
type host struct {
	*world
	t       testing.TB
	client  protocol.ConnectorClient
	cut     func() // breaks the connection, kills the process
	pid     int
	exited  func() bool
	stderr  *lockedBuffer
	session *hostSession
}

// start runs the plugin and opens its session.
func (w *world) start(t testing.TB) *host {
	t.Helper()
	h := &host{world: w, t: t}
	if w.target.Plugin != nil {
		h.startInProcess()
	} else {
		h.startProcess()
	}
	w.hosts = append(w.hosts, h)
	h.session = openSession(t, h.client, w.store)
	return h
}

func (h *host) startInProcess() {
	listener := bufconn.Listen(1 << 20)
	server := protocol.NewServer([]grpc.ServerOption{grpc.WaitForHandlers(true)})
	protocol.RegisterConnectorServer(server, sdk.Server(h.target.Plugin))
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	options := append(protocol.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:///plugin", options...)
	if err != nil {
		h.t.Fatalf("connecting to the plugin in this process: %v", err)
	}
	h.client = protocol.NewConnectorClient(conn)
	h.exited = func() bool { return false }
	h.cut = sync.OnceFunc(func() {
		_ = conn.Close()
		server.Stop()
		<-served
	})
}

func (h *host) startProcess() {
	if len(h.target.Command) == 0 {
		h.t.Fatalf("the Target has neither Plugin nor Command")
	}
	command := exec.Command(h.target.Command[0], h.target.Command[1:]...)
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "SystemRoot"} {
		if v, ok := os.LookupEnv(name); ok {
			command.Env = append(command.Env, name+"="+v)
		}
	}
	command.Env = append(command.Env, h.target.Env...)
	h.stderr = &lockedBuffer{}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: protocol.Handshake(), Plugins: protocol.Plugins(nil),
		Cmd: command, SkipHostEnv: true, AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		GRPCDialOptions: protocol.DialOptions(), StartTimeout: 3 * h.wait,
		Logger: hclog.NewNullLogger(), Stderr: h.stderr,
	})
	fail := func(err error) {
		client.Kill()
		h.t.Fatalf("starting %v: %v\nits standard error:\n%s", h.target.Command, err, h.stderr)
	}
	rpc, err := client.Client()
	if err != nil {
		fail(err)
	}
	raw, err := rpc.Dispense(protocol.PluginName)
	if err != nil {
		fail(err)
	}
	h.client = raw.(protocol.ConnectorClient)
	h.pid = command.Process.Pid
	h.exited = client.Exited
	h.cut = sync.OnceFunc(func() {
		_ = command.Process.Kill()
		client.Kill()
	})
}

// open opens an instance and fails the test on any error diagnostic.
func (h *host) open(id, role string, cfg map[string]any) {
	h.t.Helper()
	for _, d := range h.tryOpen(id, role, cfg) {
		if d.Severity == protocol.Diagnostic_ERROR {
			h.t.Fatalf("Open of a %s with the target's configuration was refused: %s %s (hint: %s)", role, d.Problem.GetField(), d.Problem.GetMessage(), d.Hint)
		}
	}
}

func (h *host) tryOpen(id, role string, cfg map[string]any) []*protocol.Diagnostic {
	h.t.Helper()
	ctx, cancel := h.context()
	defer cancel()
	r, err := h.client.Open(ctx, &protocol.OpenRequest{InstanceId: id, Role: role, Config: h.encode(cfg), DataDir: h.t.TempDir()})
	if err != nil {
		h.t.Fatalf("Open: %v", err)
	}
	return r.Diagnostics
}

func (h *host) validate(role string, cfg map[string]any) []*protocol.Diagnostic {
	h.t.Helper()
	ctx, cancel := h.context()
	defer cancel()
	r, err := h.client.Validate(ctx, &protocol.ValidateRequest{Config: h.encode(cfg), Role: role})
	if err != nil {
		h.t.Fatalf("Validate: %v", err)
	}
	return r.Diagnostics
}

func (h *host) close(id string) {
	h.t.Helper()
	ctx, cancel := h.context()
	defer cancel()
	if _, err := h.client.Close(ctx, &protocol.CloseRequest{InstanceId: id}); err != nil {
		h.t.Errorf("Close: %v", err)
	}
}

func (h *host) encode(cfg map[string]any) *structpb.Struct {
	h.t.Helper()
	s, err := structpb.NewStruct(cfg)
	if err != nil {
		h.t.Fatalf("the target's configuration cannot be sent: %v", err)
	}
	return s
}

func (h *host) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), h.wait)
}

// until polls for what the other side shows only when asked.
func (h *host) until(what string, done func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(h.wait)
	for !done() {
		if time.Now().After(deadline) {
			h.t.Fatalf("after %v still not so: %s", h.wait, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// lockedBuffer is written by the process's reader and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
