package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// TestMain makes this test binary a plugin, or a host that a test may kill,
// when its first argument says so.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve":
			sdk.Serve(sample())
			return
		case "slow":
			time.Sleep(500 * time.Millisecond)
			sdk.Serve(sample())
			return
		case "garbage":
			printed("Welcome to my connector!")
			return
		case "version":
			printed("1|99|unix|/nowhere|grpc")
			time.Sleep(time.Minute)
			return
		case "exit":
			return
		case "silent":
			time.Sleep(time.Minute)
			return
		case "host":
			fmt.Fprintln(os.Stderr, playHost(os.Args[2]))
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// printed writes to the standard output that the SDK keeps for the handshake.
func printed(line string) { fmt.Fprintln(os.NewFile(1, "stdout"), line) }

// playHost runs a host with one plugin and waits to be killed.
func playHost(dir string) error {
	h, err := New(Options{
		RunDir: filepath.Join(dir, "run"), DataDir: filepath.Join(dir, "data"),
		FirstParty: map[string][]string{"sample": {os.Args[0], "serve"}},
	})
	if err != nil {
		return err
	}
	if _, err := h.Describe(context.Background(), "sample"); err != nil {
		return err
	}
	fmt.Println(h.Pids()["sample"])
	select {}
}

type sampleConfig struct {
	// Dir is where the sink makes its effects, one file for each record.
	Dir   string `json:"dir" doc:"Folder for effects"`
	Count int    `json:"count" doc:"Records that the source has; 0 for no end"`
}

// sample is a small connector whose behaviour records and operations choose.
func sample() sdk.Plugin {
	return sdk.Connector[sampleConfig]{
		Spec: sdk.Spec{Name: "sample", Version: "1.2.3"},
		Source: func(_ context.Context, cfg sampleConfig, from []byte, _ sdk.Env) (sdk.Source, error) {
			next := 0
			if len(from) > 0 {
				n, err := strconv.Atoi(string(from))
				if err != nil {
					return nil, err
				}
				next = n + 1
			}
			return &numbers{next: next, count: cfg.Count, dir: cfg.Dir}, nil
		},
		Sink: func(_ context.Context, cfg sampleConfig, env sdk.Env) (sdk.Sink, error) {
			env.Log.Info("the sink is open")
			return &files{dir: cfg.Dir}, nil
		},
		Call: func(_ context.Context, _ sampleConfig, env sdk.Env) (sdk.Caller, error) { return &caller{env}, nil },
	}
}

// numbers counts up, and notes in dir the positions that are acknowledged.
type numbers struct {
	next, count int
	dir         string
}

func (s *numbers) Ack(_ context.Context, position []byte) error {
	if s.dir == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(s.dir, "acked-"+string(position)), nil, 0o600)
}

func (s *numbers) Read(ctx context.Context) (sdk.Batch, error) {
	if s.count > 0 && s.next >= s.count {
		return sdk.Batch{}, io.EOF
	}
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return sdk.Batch{}, ctx.Err()
	}
	n := strconv.Itoa(s.next)
	s.next++
	return sdk.Batch{Records: []sdk.Record{{ID: n, Position: []byte(n), Payload: []byte(`{}`)}}}, nil
}

func (s *numbers) Close() error { return nil }

// files makes one file for each record id, and says DUPLICATE of one that is
// there: an idempotent sink. Its response is how many records came together.
type files struct{ dir string }

func (s *files) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	out := make([]sdk.Result, len(recs))
	for n, r := range recs {
		out[n].Response = []byte(strconv.Itoa(len(recs)))
		switch r.Entity {
		case "hang":
			<-ctx.Done()
			out[n].Err = ctx.Err()
			continue
		case "panic": // in a goroutine of its own, where the SDK cannot recover it
			go func() { panic("no room for " + r.ID) }()
			<-ctx.Done()
		case "exit":
			fmt.Fprintln(os.Stderr, "the licence of "+r.ID+"\nhas expired")
			time.Sleep(50 * time.Millisecond) // what was printed goes through a pipe
			os.Exit(3)
		case "slow":
			time.Sleep(20 * time.Millisecond)
		case "refuse":
			out[n].Err = sdk.Failf(sdk.Permanent, "sample.refused", "record %s is refused", r.ID)
			continue
		}
		f, err := os.OpenFile(filepath.Join(s.dir, r.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			err = sdk.Failf(sdk.Duplicate, "sample.there", "%s is there", r.ID)
		}
		if f != nil {
			f.Close()
		}
		out[n].Err = err
	}
	return out
}

func (s *files) Close() error { return nil }

type caller struct{ env sdk.Env }

func (c *caller) Call(ctx context.Context, op string, in sdk.Record) (sdk.Record, error) {
	state := c.env.State
	answer := func(v any) (sdk.Record, error) {
		b, err := json.Marshal(v)
		return sdk.Record{Payload: b}, err
	}
	switch op {
	case "hang":
		select {}
	case "fail":
		return sdk.Record{}, sdk.Failf(sdk.Auth, "sample.auth", "no")
	case "env":
		return answer(os.Environ())
	case "state":
		rev, err := state.CompareAndSet(ctx, "k", []byte("one"), 0)
		if err != nil {
			return sdk.Record{}, err
		}
		_, lost := state.CompareAndSet(ctx, "k", []byte("two"), rev+7)
		value, _, err := state.Get(ctx, "k")
		if err != nil {
			return sdk.Record{}, err
		}
		n, err := state.Next(ctx, "numbers", in.ID)
		if err != nil {
			return sdk.Record{}, err
		}
		return answer(map[string]any{"conflict": errors.Is(lost, sdk.ErrConflict), "value": string(value), "number": n})
	}
	return answer(map[string]any{"op": op, "id": in.ID, "instance": c.env.Instance})
}

func (c *caller) Close() error { return nil }

func (c *caller) Check(context.Context) []sdk.Step {
	return []sdk.Step{{Name: "connect"}, {Name: "log in", Err: sdk.Failf(sdk.Auth, "sample.auth", "no")}}
}

func (c *caller) Discover(_ context.Context, filter string) (sdk.Discovery, error) {
	return sdk.Discovery{Entities: []sdk.Entity{{Name: filter + "-order"}}, Operations: []sdk.Operation{{Name: "echo"}}}, nil
}

// memory is a StateStore.
type memory struct {
	mu    sync.Mutex
	value map[string][]byte
	rev   map[string]uint64
	drawn map[string]uint64
}

func newMemory() *memory {
	return &memory{value: map[string][]byte{}, rev: map[string]uint64{}, drawn: map[string]uint64{}}
}

func (m *memory) StateGet(_ context.Context, instance, key string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.value[instance+key], m.rev[instance+key], nil
}

func (m *memory) StatePut(_ context.Context, instance, key string, val []byte, ifRev uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := instance + key
	if m.rev[k] != ifRev {
		return 0, fmt.Errorf("%w: %s", ErrConflict, key)
	}
	m.rev[k]++
	m.value[k] = val
	return m.rev[k], nil
}

func (m *memory) SequenceNext(_ context.Context, instance, name, bind string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := instance + name + bind
	if m.drawn[k] == 0 {
		m.drawn[k] = uint64(len(m.drawn) + 1)
	}
	return m.drawn[k], nil
}

// logs collects what the host logs.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), s)
}

type rig struct {
	*Host
	t      *testing.T
	dir    string
	log    *logs
	mu     sync.Mutex
	events []Event
}

// newRig starts a host whose connector "sample" is a process; edit changes its
// options.
func newRig(t *testing.T, edit func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), log: &logs{}}
	o := Options{
		RunDir: filepath.Join(r.dir, "run"), DataDir: filepath.Join(r.dir, "data"), State: newMemory(),
		FirstParty: map[string][]string{"sample": {os.Args[0], "serve"}}, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		Deadlines: Deadlines{Ping: 2 * time.Second, Kill: 500 * time.Millisecond},
		Observe: func(e Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	if edit != nil {
		edit(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = h
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error("closing the host:", err)
		}
		if t.Failed() {
			t.Log(r.log.b.String())
		}
	})
	return r
}

func (r *rig) count(kind EventKind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, e := range r.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// effects is a folder for the sink and the configuration that names it.
func (r *rig) effects() (string, map[string]any) {
	dir := filepath.Join(r.dir, "effects")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		r.t.Fatal(err)
	}
	return dir, map[string]any{"dir": dir}
}

func (r *rig) pid() int {
	r.t.Helper()
	pid := r.Pids()["sample"]
	if pid == 0 {
		r.t.Fatal("the plugin does not run")
	}
	return pid
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen within 10 s: %s", what)
		}
	}
}

func record(id, entity string) []*protocol.Record {
	return []*protocol.Record{{Id: id, Entity: entity, Payload: []byte(`{}`)}}
}

// running is false for a process that has ended, also while nobody collects it.
func running(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
