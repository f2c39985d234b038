package sdk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

func data(seq uint64, keys ...string) *protocol.WriteBatch_Data {
	d := &protocol.WriteBatch_Data{Seq: seq}
	for n, k := range keys {
		d.Records = append(d.Records, &protocol.Record{Id: fmt.Sprintf("%d-%d", seq, n), Key: []byte(k), Payload: []byte(`{}`)})
	}
	return d
}

func TestWriteResults(t *testing.T) {
	r := newRig(t, sinkOf(func(_ context.Context, recs []Record) []Result {
		out := make([]Result, len(recs))
		out[1] = Result{ExternalID: "4711", Response: make([]byte, 100<<10)}
		out[2].Err = fmt.Errorf("posting order: %w", &Error{Class: Throttled, Code: "http.429", Message: "slow down", RetryAfter: 3 * time.Second, Field: "/lines/0", Detail: map[string]string{"status": "429"}})
		out[3].Err = errBoom
		out[4].Err = Failf(Duplicate, "sql.23505", "already there")
		return out
	}))
	r.open("sink")
	s := r.write()
	if err := sendBatch(s, data(9, "a", "b", "c", "d", "e")); err != nil {
		t.Fatal(err)
	}
	a, err := s.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if a.Seq != 9 || len(a.Failures) != 3 || len(a.Notes) != 1 {
		t.Fatalf("acknowledged %v", a)
	}
	if n := a.Notes[0]; n.Index != 1 || n.ExternalId != "4711" || len(n.Response) != 64<<10 {
		t.Errorf("note %d %q with %d bytes", n.Index, n.ExternalId, len(n.Response))
	}
	p := a.Failures[0].Problem
	if a.Failures[0].Index != 2 || p.Class != protocol.Problem_THROTTLED || p.Code != "http.429" || p.Field != "/lines/0" ||
		p.RetryAfter.AsDuration() != 3*time.Second || p.Detail["status"] != "429" || p.Message != "posting order: http.429: slow down" {
		t.Errorf("throttled: %v", p)
	}
	if p := a.Failures[1].Problem; p.Class != protocol.Problem_RETRYABLE || p.Message != "boom" {
		t.Errorf("unclassified: %v", p)
	}
	if p := a.Failures[2].Problem; p.Class != protocol.Problem_DUPLICATE {
		t.Errorf("duplicate: %v", p)
	}
}

func TestWriteMistakesOfTheAuthor(t *testing.T) {
	for name, test := range map[string]struct {
		sink sinkFunc
		code string
		text string
	}{
		"panic":           {func(context.Context, []Record) []Result { panic("nil map") }, "connector.panic", "panicked in Write: nil map"},
		"too few results": {func(context.Context, []Record) []Result { return make([]Result, 1) }, "connector.results", "1 results for 2 records"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sinkOf(test.sink))
			r.open("sink")
			s := r.write()
			if err := sendBatch(s, data(1, "a", "b")); err != nil {
				t.Fatal(err)
			}
			a, err := s.Recv()
			if err != nil || len(a.Failures) != 2 {
				t.Fatalf("acknowledged %v, %v", a, err)
			}
			for _, f := range a.Failures {
				if f.Problem.Class != protocol.Problem_BUG || f.Problem.Code != test.code || !strings.Contains(f.Problem.Message, test.text) {
					t.Errorf("problem %v", f.Problem)
				}
			}
		})
	}
}

// Different keys run at once, the same key one after the other, in order.
func TestWriteOrderByKey(t *testing.T) {
	var running, most atomic.Int32
	var mu sync.Mutex
	var order []string
	together := make(chan struct{})
	meet := sync.OnceFunc(func() { close(together) })
	r := newRig(t, sinkOf(func(_ context.Context, recs []Record) []Result {
		n := running.Add(1)
		defer running.Add(-1)
		for {
			old := most.Load()
			if n <= old || most.CompareAndSwap(old, n) {
				break
			}
		}
		if n == 2 {
			meet()
		}
		<-together // closed when a and c are in at the same time
		mu.Lock()
		order = append(order, recs[0].ID+recs[0].Key)
		mu.Unlock()
		return nil
	}))
	r.open("sink")
	s := r.write()
	for seq, keys := range [][]string{{"a"}, {"a", "b"}, {"c"}, {"b", "c"}} {
		if err := sendBatch(s, data(uint64(seq+1), keys...)); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		if a, err := s.Recv(); err != nil || len(a.Failures) > 0 {
			t.Fatal(a, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if most.Load() != 2 {
		t.Errorf("%d writes ran at once, expected 2", most.Load())
	}
	at := func(id string) int {
		return slices.IndexFunc(order, func(o string) bool { return strings.HasPrefix(o, id) })
	}
	if at("1-0") > at("2-0") || at("2-0") > at("4-0") || at("3-0") > at("4-0") {
		t.Errorf("order %v", order)
	}
}

// A sink that ignores its deadline is answered for, and its keys stay busy
// until it returns, so that the retry cannot run beside it.
func TestWriteDeadline(t *testing.T) {
	release := make(chan struct{})
	var calls, running atomic.Int32
	r := newRig(t, sinkOf(func(_ context.Context, recs []Record) []Result {
		if recs[0].Key != "a" {
			return nil
		}
		if running.Add(1) > 1 {
			t.Error("two writes of one key at once")
		}
		defer running.Add(-1)
		if calls.Add(1) == 1 {
			<-release
		}
		return nil
	}))
	r.open("sink")
	s := r.write()
	first := data(1, "a")
	first.Deadline = durationpb.New(10 * time.Millisecond)
	if err := sendBatch(s, first); err != nil {
		t.Fatal(err)
	}
	a, err := s.Recv()
	if err != nil || len(a.Failures) != 1 || a.Failures[0].Problem.Class != protocol.Problem_RETRYABLE || a.Failures[0].Problem.Code != "deadline" {
		t.Fatalf("acknowledged %v, %v", a, err)
	}
	if err := sendBatch(s, data(2, "a")); err != nil {
		t.Fatal(err)
	}
	if err := sendBatch(s, data(3, "z")); err == nil {
		// z is not held up, and answered before a
		if a, err := s.Recv(); err != nil || a.Seq != 3 {
			t.Errorf("acknowledged %v, %v; expected batch 3 first", a, err)
		}
	}
	close(release)
	if a, err := s.Recv(); err != nil || a.Seq != 2 || len(a.Failures) > 0 {
		t.Errorf("acknowledged %v, %v", a, err)
	}
}

func TestCall(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	r := newRig(t, Connector[none]{
		Spec: Spec{Name: "test", Version: "1", Summary: "test"},
		Call: func(context.Context, none, Env) (Caller, error) {
			return callFunc(func(_ context.Context, op string, in Record) (Record, error) {
				switch op {
				case "panic":
					panic("no such row")
				case "deaf":
					<-release
				case "big":
					return Record{Payload: make([]byte, protocol.MaxRecordBytes+1)}, nil
				}
				return Record{Payload: []byte(in.ID)}, nil
			}), nil
		},
	})
	r.open("call")
	for op, want := range map[string]struct {
		class protocol.Problem_Class
		code  string
	}{
		"key": {}, "panic": {protocol.Problem_BUG, "connector.panic"}, "deaf": {protocol.Problem_RETRYABLE, "deadline"},
		"big": {protocol.Problem_PERMANENT, "record.too_large"},
	} {
		resp, err := r.client.Call(t.Context(), &protocol.CallRequest{
			InstanceId: "a.b", Operation: op, Input: &protocol.Record{}, IdempotencyKey: "once", Deadline: durationpb.New(100 * time.Millisecond),
		})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Problem.GetClass() != want.class || resp.Problem.GetCode() != want.code {
			t.Errorf("%s: problem %v", op, resp.Problem)
		}
		if op == "key" && string(resp.Output.Payload) != "once" {
			t.Errorf("the caller saw id %q, expected the idempotency key", resp.Output.Payload)
		}
	}
}
