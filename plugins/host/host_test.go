package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func TestControlCalls(t *testing.T) {
	t.Setenv("ERP_PASSWORD", "hunter2")
	r := newRig(t, func(o *Options) { o.Deadlines.Call = time.Second })
	ctx := t.Context()
	call := r.Instance("sample", "erp.lookup", "call", nil)
	out, err := call.Call(ctx, "echo", &protocol.Record{Id: "1"}, "key-1")
	if err != nil || string(out.GetPayload()) != `{"id":"key-1","instance":"erp.lookup","op":"echo"}` {
		t.Errorf("Call: %s, %v", out.GetPayload(), err)
	}
	if _, err := call.Call(ctx, "fail", &protocol.Record{Id: "1"}, ""); ClassOf(err) != protocol.Problem_AUTH || !strings.Contains(err.Error(), "erp.lookup: sample.auth") {
		t.Errorf("a failure of the other side: %v", err)
	}
	if steps, err := call.Check(ctx); err != nil || len(steps) != 2 || !steps[0].GetOk() || steps[1].GetOk() {
		t.Errorf("Check: %v, %v", steps, err)
	}
	if entities, operations, err := call.Discover(ctx, "my", false); err != nil || entities[0].GetEntity() != "my-order" || len(operations) != 1 {
		t.Errorf("Discover: %v, %v, %v", entities, operations, err)
	}
	if problems, err := r.Validate(ctx, "sample", "sink", map[string]any{"unknown": 1}); err != nil || len(problems) == 0 {
		t.Errorf("Validate: %v, %v", problems, err)
	}
	if _, err := r.Instance("sample", "bad.one", "sink", map[string]any{"count": "many"}).Check(ctx); ClassOf(err) != protocol.Problem_CONFIG {
		t.Errorf("a wrong configuration: %v", err)
	}
	if _, err := r.Describe(ctx, "nothing"); ClassOf(err) != protocol.Problem_CONFIG {
		t.Errorf("an unknown connector: %v", err)
	}
	out, err = call.Call(ctx, "env", &protocol.Record{Id: "1"}, "")
	if err != nil || strings.Contains(string(out.GetPayload()), "hunter2") || !strings.Contains(string(out.GetPayload()), "PATH=") {
		t.Errorf("the plugin's environment: %s, %v", out.GetPayload(), err)
	}
	out, err = call.Call(ctx, "state", &protocol.Record{Id: "doc"}, "")
	var state struct {
		Conflict bool
		Value    string
		Number   int
	}
	if err != nil || json.Unmarshal(out.GetPayload(), &state) != nil || !state.Conflict || state.Value != "one" || state.Number != 1 {
		t.Errorf("state: %s, %v", out.GetPayload(), err)
	}
}

// A connector that does not answer costs its caller the host's deadline, and
// nobody else anything.
func TestHangingCall(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Deadlines.Call, o.Deadlines.Drain = 500*time.Millisecond, 300*time.Millisecond })
	one, other := r.Instance("sample", "a.a", "call", nil), r.Instance("sample", "b.b", "call", nil)
	hangs := make(chan error, 1)
	go func() {
		_, err := one.Call(t.Context(), "hang", &protocol.Record{Id: "1"}, "")
		hangs <- err
	}()
	if _, err := other.Call(t.Context(), "echo", &protocol.Record{Id: "1"}, ""); err != nil {
		t.Error(err)
	}
	var pe *ProblemError
	if err := <-hangs; !errors.As(err, &pe) || pe.Problem.GetCode() != CodeDeadline || ClassOf(err) != protocol.Problem_RETRYABLE {
		t.Errorf("a hanging call: %v", err)
	}
}

func TestOneProcess(t *testing.T) {
	r := newRig(t, nil)
	_, cfg := r.effects()
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Go(func() {
			if _, err := r.Instance("sample", fmt.Sprint("s.", n), "sink", cfg).Write(t.Context(), record(fmt.Sprint(n), "")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if r.count(Started) != 1 || r.count(Restarted) != 0 {
		t.Errorf("%d processes were started, want 1", r.count(Started)+r.count(Restarted))
	}
	eventually(t, "the connector's log arrives with its instance", func() bool { return r.log.contains(`msg="the sink is open" connector=sample instance=s.3`) })
}

func TestDescribeIsKept(t *testing.T) {
	r := newRig(t, nil)
	first, err := r.Describe(t.Context(), "sample")
	if err != nil {
		t.Fatal(err)
	}
	kill(r.pid())
	eventually(t, "the process ends", func() bool { return len(r.Pids()) == 0 })
	if again, err := r.Describe(t.Context(), "sample"); err != nil || again != first || len(r.Pids()) != 0 {
		t.Errorf("the second Describe started a process: %v, %v", r.Pids(), err)
	}
}

func TestBoundedSourceAndRefusal(t *testing.T) {
	r := newRig(t, nil)
	source := r.Instance("sample", "s.in", "source", map[string]any{"count": 5})
	refused := errors.New("the disk is full")
	var offered []string
	note := func(b *protocol.ReadBatch) {
		for _, rec := range b.GetRecords() {
			offered = append(offered, rec.GetId())
		}
	}
	err := source.Read(t.Context(), ReadOptions{}, func(_ context.Context, b *protocol.ReadBatch) error { note(b); return refused })
	if !errors.Is(err, refused) || len(offered) == 0 || offered[0] != "0" {
		t.Fatalf("a refused batch: %v, %v", err, offered)
	}
	offered = nil
	err = source.Read(t.Context(), ReadOptions{}, func(_ context.Context, b *protocol.ReadBatch) error { note(b); return nil })
	if err != nil || strings.Join(offered, " ") != "0 1 2 3 4" {
		t.Errorf("read again: %v, %v", offered, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	endless := r.Instance("sample", "s.endless", "source", nil)
	err = endless.Read(ctx, ReadOptions{}, func(context.Context, *protocol.ReadBatch) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled Read: %v", err)
	}
}

// A stream that the plugin ends without saying that its source is finished is a
// failure, not the end of the source.
func TestStreamEndsEarly(t *testing.T) {
	r := newRig(t, nil)
	source := r.Instance("sample", "s.in", "source", nil)
	var once sync.Once
	err := source.Read(t.Context(), ReadOptions{}, func(context.Context, *protocol.ReadBatch) error {
		once.Do(func() {
			go func() { _ = source.Close(t.Context()) }()
		})
		return nil
	})
	if err == nil || ClassOf(err) == protocol.Problem_PERMANENT {
		t.Errorf("the stream of an endless source ended with %v", err)
	}
}

func TestAttach(t *testing.T) {
	byHand := exec.Command(os.Args[0], "serve")
	byHand.Env = append(os.Environ(), protocol.CookieKey+"="+protocol.CookieValue, "PLUGIN_UNIX_SOCKET_DIR="+t.TempDir())
	out, err := byHand.StdoutPipe()
	if err == nil {
		err = byHand.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = byHand.Process.Kill(); _ = byHand.Wait() }()
	line := make([]byte, 512)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *Options) { o.Attach = map[string]string{"sample": strings.TrimSpace(string(line[:n]))} })
	if d, err := r.Describe(t.Context(), "sample"); err != nil || d.GetName() != "sample" {
		t.Errorf("attached: %v, %v", d, err)
	}
	if len(r.Pids()) != 0 {
		t.Errorf("the host says that it owns %v", r.Pids())
	}
	wrong := newRig(t, func(o *Options) { o.Attach = map[string]string{"sample": "localhost:1234"} })
	if _, err := wrong.Describe(t.Context(), "sample"); err == nil || !strings.Contains(err.Error(), "unix:/path") {
		t.Errorf("a wrong address: %v", err)
	}
}

func TestInProcess(t *testing.T) {
	r := newRig(t, func(o *Options) { o.InProcess = map[string]protocol.ConnectorServer{"sample": sdk.Server(sample())} })
	dir, cfg := r.effects()
	if _, err := r.Instance("sample", "s.out", "sink", cfg).Write(t.Context(), record("1", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "1")); err != nil || len(r.Pids()) != 0 {
		t.Errorf("%v, processes %v", err, r.Pids())
	}
}

// Callers that write at the same time share batches, and each has its own
// results; one that gives up disturbs nobody.
func TestConcurrentWrites(t *testing.T) {
	r := newRig(t, nil)
	_, cfg := r.effects()
	sink := r.Instance("sample", "s.out", "sink", cfg)
	var wg sync.WaitGroup
	var together atomic.Int64
	for n := range 200 {
		wg.Go(func() {
			id, entity := strconv.Itoa(n), "slow"
			if n%10 == 3 {
				entity = "refuse"
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if n%20 == 7 {
				time.AfterFunc(10*time.Millisecond, cancel)
			}
			results, err := sink.Write(ctx, append(record(id, entity), record(id+"b", "")...))
			switch {
			case n%20 == 7:
				return // it gave up, or was in time
			case err != nil || len(results) != 2:
				t.Errorf("%s: %v, %v", id, results, err)
			case entity == "refuse" != (results[0].GetProblem().GetClass() == protocol.Problem_PERMANENT):
				t.Errorf("%s has the results of another: %v", id, results)
			case entity == "refuse" && !strings.Contains(results[0].GetProblem().GetMessage(), "record "+id+" "):
				t.Errorf("%s has the results of another: %v", id, results)
			case results[1].GetProblem() != nil:
				t.Errorf("%sb: %v", id, results[1])
			default:
				size, _ := strconv.ParseInt(string(results[1].GetResponse()), 10, 64)
				if size > 2 {
					together.Add(1)
				}
			}
		})
		if n == 20 {
			time.Sleep(5 * time.Millisecond) // the rest meets a full window
		}
	}
	wg.Wait()
	if together.Load() < 50 {
		t.Errorf("only %d of 200 writes shared a batch", together.Load())
	}
}

func TestLargeWrites(t *testing.T) {
	r := newRig(t, nil)
	_, cfg := r.effects()
	sink := r.Instance("sample", "s.out", "sink", cfg)
	_, err := sink.Write(t.Context(), []*protocol.Record{{Id: "large", Payload: make([]byte, protocol.MaxRecordBytes+1)}})
	if ClassOf(err) != protocol.Problem_PERMANENT || !strings.Contains(err.Error(), "record large has") {
		t.Errorf("an oversized record: %v", err)
	}
	var many []*protocol.Record
	for n := range 3 * protocol.BatchRecords {
		many = append(many, record(fmt.Sprint(n), "")...)
	}
	if results, err := sink.Write(t.Context(), many); err != nil || len(results) != len(many) {
		t.Errorf("%d results of %d: %v", len(results), len(many), err)
	}
}

// Writes that ran out of time do not block the ones that come later.
func TestOverdueWrites(t *testing.T) {
	r := newRig(t, nil)
	_, cfg := r.effects()
	sink := r.Instance("sample", "s.out", "sink", cfg)
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			results, err := sink.Write(ctx, record(fmt.Sprint("h", n), "hang"))
			if err == nil && results[0].GetProblem() == nil {
				t.Errorf("%d: success", n)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := sink.Write(ctx, record("fine", "")); err != nil {
		t.Errorf("a later write: %v", err)
	}
}

// raw is a connector that answers as a test says.
type raw struct {
	protocol.ConnectorServer
	write func(*protocol.WriteBatch_Data) *protocol.WriteAck
	lost  atomic.Int32 // calls that are answered with NOT_FOUND
	opens atomic.Int32
}

func (r *raw) Open(ctx context.Context, in *protocol.OpenRequest) (*protocol.OpenResponse, error) {
	r.opens.Add(1)
	return r.ConnectorServer.Open(ctx, in)
}

func (r *raw) Call(ctx context.Context, in *protocol.CallRequest) (*protocol.CallResponse, error) {
	if r.lost.Add(-1) >= 0 {
		return nil, status.Error(codes.NotFound, "no such instance")
	}
	return r.ConnectorServer.Call(ctx, in)
}

func (r *raw) Write(stream protocol.Connector_WriteServer) error {
	var mu sync.Mutex
	for {
		m, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the host has ended it
		}
		if d := m.GetData(); d != nil {
			go func() {
				ack := r.write(d)
				ack.Seq = d.GetSeq()
				mu.Lock()
				defer mu.Unlock()
				_ = stream.Send(ack)
			}()
		}
	}
}

func newRaw(t *testing.T, write func(*protocol.WriteBatch_Data) *protocol.WriteAck) (*raw, *rig) {
	s := &raw{ConnectorServer: sdk.Server(sample()), write: write}
	return s, newRig(t, func(o *Options) { o.InProcess = map[string]protocol.ConnectorServer{"sample": s} })
}

func TestOpenedAgainWhenForgotten(t *testing.T) {
	s, r := newRaw(t, nil)
	call := r.Instance("sample", "s.call", "call", nil)
	s.lost.Store(1)
	if _, err := call.Call(t.Context(), "echo", &protocol.Record{Id: "1"}, ""); err != nil || s.opens.Load() != 2 {
		t.Errorf("%d opens, %v", s.opens.Load(), err)
	}
}

func TestWindowAndPause(t *testing.T) {
	var now, most atomic.Int32
	var mu sync.Mutex
	var times []time.Time
	_, r := newRaw(t, func(d *protocol.WriteBatch_Data) *protocol.WriteAck {
		mu.Lock()
		times = append(times, time.Now())
		mu.Unlock()
		n := now.Add(1)
		defer now.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		ack := &protocol.WriteAck{}
		if d.GetRecords()[0].GetEntity() == "pause" {
			ack.PauseMs = 300
		} else {
			time.Sleep(20 * time.Millisecond)
		}
		return ack
	})
	sink := r.Instance("sample", "s.out", "sink", nil)
	write := func(id, entity string) {
		if _, err := sink.Write(t.Context(), record(id, entity)); err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() { write(fmt.Sprint(n), "") })
	}
	wg.Wait()
	if most.Load() > defaultInFlight {
		t.Errorf("%d batches at once, %d are allowed", most.Load(), defaultInFlight)
	}
	write("p", "pause")
	write("after", "")
	last := len(times) - 1
	if gap := times[last].Sub(times[last-1]); gap < 280*time.Millisecond {
		t.Errorf("the connector asked for 300 ms and got %s", gap)
	}
}

// A result that belongs to no record leaves nobody's success certain.
func TestResultForNoRecord(t *testing.T) {
	_, r := newRaw(t, func(*protocol.WriteBatch_Data) *protocol.WriteAck {
		return &protocol.WriteAck{Failures: []*protocol.RecordResult{{Index: 7, Problem: &protocol.Problem{Class: protocol.Problem_PERMANENT, Message: "no"}}}}
	})
	if _, err := r.Instance("sample", "s.out", "sink", nil).Write(t.Context(), record("1", "")); ClassOf(err) != protocol.Problem_BUG {
		t.Errorf("%v, want class BUG", err)
	}
}
