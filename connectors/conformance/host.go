package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
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
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// world is what outlives a plugin process: the state the core keeps for it.
type world struct {
	target Target
	store  *store
	wait   time.Duration
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
	t.Cleanup(h.cut)
	h.session = openSession(t, h.client, w.store)
	return h
}

func (h *host) startInProcess() {
	listener := bufconn.Listen(1 << 20)
	server := protocol.NewServer(nil)
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

// hostSession answers the plugin as the core does.
type hostSession struct {
	stream protocol.Connector_SessionClient
	cancel context.CancelFunc
	pongs  chan uint64
	sendMu sync.Mutex
	mu     sync.Mutex
	logs   []*protocol.SessionFromPlugin_Log
	ended  chan struct{}
}

func openSession(t testing.TB, client protocol.ConnectorClient, store *store) *hostSession {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := client.Session(ctx)
	if err == nil {
		err = stream.Send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Hello_{Hello: &protocol.SessionFromHost_Hello{
			HostVersion: "conformance", ProtocolMinor: protocol.Minor, RunId: "conformance",
			Lease: durationpb.New(time.Minute), LogLevel: "debug",
		}}})
	}
	if err != nil {
		cancel()
		t.Fatalf("opening the session: %v", err)
	}
	s := &hostSession{stream: stream, cancel: cancel, pongs: make(chan uint64, 16), ended: make(chan struct{})}
	go s.serve(store)
	t.Cleanup(cancel)
	return s
}

func (s *hostSession) serve(store *store) {
	defer close(s.ended)
	for {
		m, err := s.stream.Recv()
		if err != nil {
			return
		}
		switch v := m.Msg.(type) {
		case *protocol.SessionFromPlugin_Pong_:
			select {
			case s.pongs <- v.Pong.T:
			default:
			}
		case *protocol.SessionFromPlugin_Log_:
			s.mu.Lock()
			s.logs = append(s.logs, v.Log)
			s.mu.Unlock()
		default:
			if reply := store.answer(m); reply != nil {
				reply.ReplyTo = m.Id
				if s.send(reply) != nil {
					return
				}
			}
		}
	}
}

func (s *hostSession) send(m *protocol.SessionFromHost) error {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	return s.stream.Send(m)
}

func (s *hostSession) logged() []*protocol.SessionFromPlugin_Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*protocol.SessionFromPlugin_Log(nil), s.logs...)
}

// store keeps state and sequences as the ledger does.
type store struct {
	mu     sync.Mutex
	values map[string]value
	next   map[string]uint64
	bound  map[string]uint64
}

type value struct {
	data []byte
	rev  uint64
}

func newStore() *store {
	return &store{values: map[string]value{}, next: map[string]uint64{}, bound: map[string]uint64{}}
}

func (s *store) answer(m *protocol.SessionFromPlugin) *protocol.SessionFromHost {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch v := m.Msg.(type) {
	case *protocol.SessionFromPlugin_StateGet_:
		at := s.values[v.StateGet.InstanceId+"\x00"+v.StateGet.Key]
		return stateReply(v.StateGet.Key, at)
	case *protocol.SessionFromPlugin_StatePut_:
		return s.put(v.StatePut)
	case *protocol.SessionFromPlugin_SequenceNext_:
		name := v.SequenceNext.InstanceId + "\x00" + v.SequenceNext.Name
		bind := name + "\x00" + v.SequenceNext.Bind
		n, ok := s.bound[bind]
		if !ok {
			s.next[name]++
			n = s.next[name]
			s.bound[bind] = n
		}
		return &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Sequence{Sequence: &protocol.SessionFromHost_SequenceValue{Value: n}}}
	}
	return nil
}

func (s *store) put(p *protocol.SessionFromPlugin_StatePut) *protocol.SessionFromHost {
	key := p.InstanceId + "\x00" + p.Key
	at := s.values[key]
	if at.rev != p.IfRev {
		return &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Error{Error: &protocol.Problem{
			Class: protocol.Problem_RETRYABLE, Code: "state.conflict", Message: "the key was changed by another writer",
		}}}
	}
	if p.Value == nil {
		delete(s.values, key)
		return stateReply(p.Key, value{})
	}
	at = value{data: p.Value, rev: at.rev + 1}
	s.values[key] = at
	return stateReply(p.Key, at)
}

func stateReply(key string, v value) *protocol.SessionFromHost {
	return &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_State{State: &protocol.SessionFromHost_StateValue{Key: key, Value: v.data, Rev: v.rev}}}
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

// reading is one Read stream.
type reading struct {
	h       *host
	stream  protocol.Connector_ReadClient
	cancel  context.CancelFunc
	batches chan *protocol.ReadBatch
	ended   chan error
}

// read opens a Read stream.
func (h *host) read(id string, from []byte, credit, maxRecords, maxBytes uint32) *reading {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := h.client.Read(ctx)
	if err == nil {
		err = stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Start_{Start: &protocol.ReadControl_Start{
			InstanceId: id, FromPosition: from, CreditBatches: credit, MaxRecords: maxRecords, MaxBytes: maxBytes,
		}}})
	}
	if err != nil {
		cancel()
		h.t.Fatalf("opening a Read stream: %v", err)
	}
	r := &reading{h: h, stream: stream, cancel: cancel, batches: make(chan *protocol.ReadBatch, 1024), ended: make(chan error, 1)}
	h.t.Cleanup(cancel)
	go func() {
		defer close(r.batches)
		for {
			b, err := stream.Recv()
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				r.ended <- err
				return
			}
			r.batches <- b
		}
	}()
	return r
}

// next waits for a batch and fails the test when none comes.
func (r *reading) next() *protocol.ReadBatch {
	r.h.t.Helper()
	select {
	case b, ok := <-r.batches:
		if !ok {
			r.h.t.Fatalf("the Read stream ended early: %v", <-r.ended)
		}
		return b
	case <-time.After(r.h.wait):
		r.h.t.Fatalf("no batch came within %v", r.h.wait)
	}
	return nil
}

// quiet says whether no record comes for d.
func (r *reading) quiet(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case b, ok := <-r.batches:
			if !ok || len(b.Records) > 0 {
				return !ok
			}
		case <-timer.C:
			return true
		}
	}
}

// take reads until n records came; every batch is acknowledged when ack is set.
// The last batch's position is returned.
func (r *reading) take(n int, ack bool) (records []*protocol.Record, position []byte, seq uint64) {
	r.h.t.Helper()
	for len(records) < n {
		b := r.next()
		records = append(records, b.Records...)
		seq = b.Seq
		if len(b.Position) > 0 {
			position = b.Position
		}
		if ack {
			r.ack(b.Seq, 1)
		}
		if b.End && len(records) < n {
			r.h.t.Fatalf("the source ended after %d of %d records", len(records), n)
		}
	}
	return records, position, seq
}

func (r *reading) ack(upTo uint64, credit uint32) {
	_ = r.stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Ack_{Ack: &protocol.ReadControl_Ack{UpToSeq: upTo, Credit: credit}}})
}

// finish asks the plugin to stop and waits for the end of the stream.
func (r *reading) finish() {
	r.h.t.Helper()
	_ = r.stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Stop_{Stop: &protocol.ReadControl_Stop{}}})
	_ = r.stream.CloseSend()
	r.waitEnd()
}

func (r *reading) waitEnd() error {
	r.h.t.Helper()
	deadline := time.After(r.h.wait)
	for {
		select {
		case _, ok := <-r.batches:
			if !ok {
				return <-r.ended
			}
		case <-deadline:
			r.h.t.Fatalf("the Read stream did not end within %v", r.h.wait)
		}
	}
}

// writing is one Write stream.
type writing struct {
	h      *host
	stream protocol.Connector_WriteClient
	seq    uint64
}

func (h *host) write(id string, inFlight uint32) *writing {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h.t.Cleanup(cancel)
	stream, err := h.client.Write(ctx)
	if err == nil {
		err = stream.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Start_{Start: &protocol.WriteBatch_Start{InstanceId: id, MaxInFlight: inFlight}}})
	}
	if err != nil {
		h.t.Fatalf("opening a Write stream: %v", err)
	}
	return &writing{h: h, stream: stream}
}

func (w *writing) send(records []sdk.Record, deadline time.Duration) uint64 {
	w.h.t.Helper()
	w.seq++
	data := &protocol.WriteBatch_Data{Seq: w.seq, Attempt: 1}
	if deadline > 0 {
		data.Deadline = durationpb.New(deadline)
	}
	for i := range records {
		data.Records = append(data.Records, encode(&records[i]))
	}
	if err := w.stream.Send(&protocol.WriteBatch{Msg: &protocol.WriteBatch_Data_{Data: data}}); err != nil {
		_, cause := w.stream.Recv()
		w.h.t.Fatalf("sending a batch: %v", cause)
	}
	return w.seq
}

func (w *writing) ack() *protocol.WriteAck {
	w.h.t.Helper()
	got := make(chan *protocol.WriteAck, 1)
	failed := make(chan error, 1)
	go func() {
		a, err := w.stream.Recv()
		if err != nil {
			failed <- err
			return
		}
		got <- a
	}()
	select {
	case a := <-got:
		return a
	case err := <-failed:
		w.h.t.Fatalf("the Write stream ended instead of acknowledging: %v", err)
	case <-time.After(w.h.wait):
		w.h.t.Fatalf("a batch was not acknowledged within %v", w.h.wait)
	}
	return nil
}

// all writes one batch and returns its acknowledgement.
func (w *writing) all(records []sdk.Record) *protocol.WriteAck {
	w.h.t.Helper()
	seq := w.send(records, 0)
	a := w.ack()
	if a.Seq != seq {
		w.h.t.Fatalf("batch %d was acknowledged as batch %d", seq, a.Seq)
	}
	return a
}

func encode(r *sdk.Record) *protocol.Record {
	out := &protocol.Record{
		Id: r.ID, Position: r.Position, Entity: r.Entity, Operation: r.Operation, Key: []byte(r.Key),
		Payload: r.Payload, ContentType: r.ContentType,
	}
	for k, v := range r.Meta {
		out.Meta = append(out.Meta, &protocol.KV{K: k, V: v})
	}
	if !r.EventTime.IsZero() {
		out.EventTimeNs = uint64(r.EventTime.UnixNano())
	}
	return out
}
