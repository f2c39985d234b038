package sdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// TestMain makes this test binary a plugin process when it is started as one.
func TestMain(m *testing.M) {
	if isPlugin() {
		fmt.Println("a library prints before Serve")
		Serve(processConnector())
		return
	}
	if v := os.Getenv("SDK_TEST_HOST"); v != "" {
		fmt.Fprintln(os.Stderr, playHost(v == "true"))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

type none struct{}

// script is a source whose every behaviour a test decides.
type script struct {
	read  func(ctx context.Context) (Batch, error)
	ack   func(position []byte) error
	nack  func(position []byte, reason error) error
	close func()
}

func (s *script) Read(ctx context.Context) (Batch, error) { return s.read(ctx) }

func (s *script) Ack(_ context.Context, position []byte) error {
	if s.ack == nil {
		return nil
	}
	return s.ack(position)
}

func (s *script) Nack(_ context.Context, position []byte, reason error) error {
	if s.nack == nil {
		return nil
	}
	return s.nack(position, reason)
}

func (s *script) Close() error {
	if s.close != nil {
		s.close()
	}
	return nil
}

// batches makes a Read that gives the batches, then end: io.EOF, another
// error, or nil to block.
func batches(end error, list ...Batch) func(context.Context) (Batch, error) {
	n := 0
	return func(ctx context.Context) (Batch, error) {
		if n < len(list) {
			n++
			return list[n-1], nil
		}
		if end != nil {
			return Batch{}, end
		}
		<-ctx.Done()
		return Batch{}, ctx.Err()
	}
}

func numbered(from, n int) Batch {
	var b Batch
	for i := from; i < from+n; i++ {
		id := fmt.Sprintf("r%03d", i)
		b.Records = append(b.Records, Record{ID: id, Position: []byte(id), Payload: []byte(`{}`)})
	}
	return b
}

type sinkFunc func(ctx context.Context, recs []Record) []Result

func (f sinkFunc) Write(ctx context.Context, recs []Record) []Result { return f(ctx, recs) }
func (f sinkFunc) Close() error                                      { return nil }

type callFunc func(ctx context.Context, operation string, in Record) (Record, error)

func (f callFunc) Call(ctx context.Context, op string, in Record) (Record, error) {
	return f(ctx, op, in)
}
func (f callFunc) Close() error { return nil }

// rig serves a connector in process and plays the host.
type rig struct {
	t       *testing.T
	client  protocol.ConnectorClient
	session protocol.Connector_SessionClient
	cut     func()

	mu   sync.Mutex
	logs []string
	sent chan *protocol.SessionFromPlugin
}

func newRig(t *testing.T, p Plugin) *rig {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := protocol.NewServer(nil)
	protocol.RegisterConnectorServer(server, Server(p))
	go func() { _ = server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///x", append(protocol.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))...)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, client: protocol.NewConnectorClient(conn), sent: make(chan *protocol.SessionFromPlugin, 64)}
	r.cut = sync.OnceFunc(func() { _ = conn.Close(); server.Stop() })
	t.Cleanup(r.cut)
	r.session, err = r.client.Session(t.Context())
	if err == nil {
		err = r.session.Send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Hello_{Hello: &protocol.SessionFromHost_Hello{LogLevel: "debug"}}})
	}
	// As the core does: nothing else before the plugin answered a heartbeat.
	// Until then an instance would be told that there is no host.
	if err == nil {
		err = r.session.Send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Ping_{Ping: &protocol.SessionFromHost_Ping{T: 1}}})
	}
	for answered := false; err == nil && !answered; {
		var m *protocol.SessionFromPlugin
		m, err = r.session.Recv()
		answered = m.GetPong() != nil
	}
	if err != nil {
		t.Fatal(err)
	}
	go r.listen()
	return r
}

func (r *rig) listen() {
	for {
		m, err := r.session.Recv()
		if err != nil {
			return
		}
		if l := m.GetLog(); l != nil {
			line := l.Level + " " + l.InstanceId + " " + l.Message
			for _, kv := range l.Attrs {
				line += " " + kv.K + "=" + kv.V
			}
			r.mu.Lock()
			r.logs = append(r.logs, line)
			r.mu.Unlock()
			continue
		}
		r.sent <- m
	}
}

func (r *rig) logged(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(strings.Join(r.logs, "\n"), part)
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never happened: %s", what)
		}
	}
}

func (r *rig) open(role string) {
	r.t.Helper()
	resp, err := r.client.Open(r.t.Context(), &protocol.OpenRequest{InstanceId: "a.b", Role: role})
	if err != nil || len(resp.Diagnostics) > 0 {
		r.t.Fatalf("Open: %v %v", err, resp.GetDiagnostics())
	}
}

func (r *rig) read(credit, maxRecords, maxBytes uint32) protocol.Connector_ReadClient {
	r.t.Helper()
	stream, err := r.client.Read(r.t.Context())
	if err == nil {
		err = stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Start_{Start: &protocol.ReadControl_Start{
			InstanceId: "a.b", CreditBatches: credit, MaxRecords: maxRecords, MaxBytes: maxBytes,
		}}})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return stream
}

func (r *rig) next(s protocol.Connector_ReadClient) *protocol.ReadBatch {
	r.t.Helper()
	b, err := s.Recv()
	if err != nil {
		r.t.Fatalf("the Read stream ended: %v", err)
	}
	return b
}

func ack(s protocol.Connector_ReadClient, seq uint64) {
	_ = s.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Ack_{Ack: &protocol.ReadControl_Ack{UpToSeq: seq, Credit: 1}}})
}

func (r *rig) write() protocol.Connector_WriteClient {
	r.t.Helper()
	stream, err := r.client.Write(r.t.Context())
	if err == nil {
		err = stream.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Start_{Start: &protocol.WriteBatch_Start{InstanceId: "a.b", MaxInFlight: 4}}})
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return stream
}

func sendBatch(s protocol.Connector_WriteClient, d *protocol.WriteBatch_Data) error {
	return s.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Data_{Data: d}})
}

func sourceOf(make func(from []byte, env Env) (Source, error)) Plugin {
	return Connector[none]{
		Spec:   Spec{Name: "test", Version: "1.0.0", Summary: "test"},
		Source: func(_ context.Context, _ none, from []byte, env Env) (Source, error) { return make(from, env) },
	}
}

func sinkOf(f sinkFunc) Plugin {
	return Connector[none]{
		Spec: Spec{Name: "test", Version: "1.0.0", Summary: "test"},
		Sink: func(context.Context, none, Env) (Sink, error) { return f, nil },
	}
}

// processConnector is served by TestMain: a sink that prints, logs and dies on
// request.
func processConnector() Plugin {
	return Connector[none]{
		Spec: Spec{Name: "process", Version: "1.0.0", Summary: "test"},
		Sink: func(_ context.Context, _ none, env Env) (Sink, error) {
			return sinkFunc(func(_ context.Context, recs []Record) []Result {
				switch recs[0].Entity {
				case "print":
					fmt.Println("printed while serving")
				case "log":
					env.Log.Info("logged while serving")
				case "exit":
					os.Exit(3)
				}
				return nil
			}), nil
		},
	}
}

var errBoom = errors.New("boom")
