package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// BinaryPrefix begins the file name of every third-party connector.
const BinaryPrefix = "crossdock-connector-"

// ErrConflict is what a StateStore returns when another writer was first; the
// connector sees sdk.ErrConflict.
var ErrConflict = errors.New("state: the key was changed by another writer")

// StateStore keeps what connectors remember; the ledger does.
type StateStore interface {
	// StateGet returns a value and its revision; revision 0 means absent.
	StateGet(ctx context.Context, instance, key string) ([]byte, uint64, error)
	// StatePut sets a value if the key is at ifRev and returns the new revision,
	// or ErrConflict.
	StatePut(ctx context.Context, instance, key string, val []byte, ifRev uint64) (uint64, error)
	// SequenceNext draws a number; the same bind draws the same again.
	SequenceNext(ctx context.Context, instance, name, bind string) (uint64, error)
}

// Event is something that happened to a connector's process.
type Event struct {
	Connector string
	Kind      EventKind
	Pid       int
	Err       error
}

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	Started   EventKind = "started"
	Restarted EventKind = "restarted" // started again after it had ended by itself
	Ended     EventKind = "ended"     // by itself, or killed because it did not answer
)

// Deadlines bound what the host waits for. Zero values are replaced by the
// defaults named.
type Deadlines struct {
	Start time.Duration // of a process until it answers: 10 s
	Call  time.Duration // of one control call: 30 s
	Ping  time.Duration // without a heartbeat's answer: 5 s
	Drain time.Duration // for finishing at Close: 10 s
	Kill  time.Duration // between asking and killing: 2 s
}

// Options configure a Host.
type Options struct {
	// RunDir is wiped at start; it holds sockets and the list of processes.
	RunDir string
	// DataDir holds a directory for each instance's temporary files.
	DataDir string
	// FirstParty are connectors inside the crossdock binary: name to command.
	FirstParty map[string][]string
	// PluginDir holds third-party binaries, LockFile their SHA-256.
	PluginDir, LockFile string
	// InProcess serves connectors without a process, for tests.
	InProcess map[string]protocol.ConnectorServer
	// Attach connects to plugins that run already, under a debugger: name to
	// "unix:/path" or to the line that the plugin printed when it started.
	Attach map[string]string
	// Secrets are removed from what a connector prints before it ends up in an
	// error.
	Secrets []string
	// State answers connectors; nil refuses them.
	State StateStore
	Log   *slog.Logger
	// RunID names this run in plugins' logs; Version is Crossdock's.
	RunID, Version string
	// Observe is told of events; it must return quickly. nil for none.
	Observe   func(Event)
	Deadlines Deadlines
}

// Host runs connectors. All methods may be called from several goroutines.
type Host struct {
	o    Options
	runs *runDir

	mu         sync.Mutex
	connectors map[string]*connector
	describes  map[string]*protocol.DescribeResponse // by the binary's digest
	closed     bool
}

// New prepares the run directory and ends what an earlier run left behind. No
// connector is started before it is needed.
func New(o Options) (*Host, error) {
	d := &o.Deadlines
	for _, x := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&d.Start, 10 * time.Second}, {&d.Call, 30 * time.Second}, {&d.Ping, 5 * time.Second}, {&d.Drain, 10 * time.Second}, {&d.Kill, 2 * time.Second}} {
		if *x.v <= 0 {
			*x.v = x.def
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	if o.RunDir == "" || o.DataDir == "" {
		return nil, errors.New("host: a run directory and a data directory are required")
	}
	runs, err := openRunDir(o.RunDir, o.Log)
	if err != nil {
		return nil, err
	}
	return &Host{o: o, runs: runs, connectors: map[string]*connector{}, describes: map[string]*protocol.DescribeResponse{}}, nil
}

// redact removes the secrets. Texts of a few characters are left alone: they
// would be everywhere.
func (h *Host) redact(text string) string {
	for _, s := range h.o.Secrets {
		if len(s) >= 6 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}

// Available is a connector that can be used.
type Available struct {
	Name string
	// Path of a third-party binary; empty for a first-party connector.
	Path string
	// FirstParty connectors are part of the crossdock binary.
	FirstParty bool
	// Locked says that plugins.lock names the binary; its content is compared
	// when it is started.
	Locked bool
}

// Connectors lists what can be used, by name. It looks at files and runs none.
func (h *Host) Connectors() []Available {
	seen := map[string]bool{}
	var out []Available
	add := func(a Available) {
		if !seen[a.Name] {
			seen[a.Name] = true
			out = append(out, a)
		}
	}
	for name := range h.o.Attach {
		add(Available{Name: name, FirstParty: h.o.FirstParty[name] != nil})
	}
	for name := range h.o.InProcess {
		add(Available{Name: name, FirstParty: true})
	}
	for name := range h.o.FirstParty {
		add(Available{Name: name, FirstParty: true})
	}
	locks, err := readLock(h.o.LockFile)
	if err != nil {
		h.o.Log.Warn("the lock file cannot be read; third-party connectors stay off", "file", h.o.LockFile, "error", err)
	}
	entries, _ := os.ReadDir(h.o.PluginDir) // no directory, no third-party connectors
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), BinaryPrefix); ok && !e.IsDir() {
			add(Available{Name: name, Path: filepath.Join(h.o.PluginDir, e.Name()), Locked: locks[name] != ""})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// connector finds or makes the supervisor of a connector.
func (h *Host) connector(name string) (*connector, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.New("the plugin host is closed")
	}
	if c := h.connectors[name]; c != nil {
		return c, nil
	}
	c := &connector{h: h, name: name, log: h.o.Log.With("connector", name), closing: make(chan struct{})}
	switch {
	case h.o.Attach[name] != "":
		c.launch = c.attach
	case h.o.InProcess[name] != nil:
		c.launch = c.inProcess
	case h.o.FirstParty[name] != nil:
		c.launch = func(context.Context) (*process, error) { return c.spawn(h.o.FirstParty[name]) }
	default:
		path := filepath.Join(h.o.PluginDir, BinaryPrefix+name)
		if _, err := os.Stat(path); err != nil || h.o.PluginDir == "" {
			return nil, c.problem(protocol.Problem_CONFIG, CodeUnknown, "", "there is no connector %q; `crossdock connector list` shows what there is", name)
		}
		c.launch = func(context.Context) (*process, error) { return c.spawnLocked(path) }
	}
	h.connectors[name] = c
	return c, nil
}

// Describe asks a connector what it is. The answer is kept for as long as the
// host lives: it belongs to the binary, not to the process.
func (h *Host) Describe(ctx context.Context, name string) (*protocol.DescribeResponse, error) {
	h.mu.Lock()
	d := h.describes[name]
	h.mu.Unlock()
	if d != nil {
		return d, nil
	}
	c, err := h.connector(name)
	if err != nil {
		return nil, err
	}
	err = c.control(ctx, "", func(ctx context.Context, p *process) (err error) {
		d, err = p.client.Describe(ctx, &protocol.DescribeRequest{HostMinor: protocol.Minor})
		return err
	})
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.describes[name] = d
	h.mu.Unlock()
	return d, nil
}

// Validate checks a configuration offline and returns every problem.
func (h *Host) Validate(ctx context.Context, name, role string, cfg map[string]any) ([]*protocol.Diagnostic, error) {
	c, err := h.connector(name)
	if err != nil {
		return nil, err
	}
	config, err := toStruct(cfg)
	if err != nil {
		return nil, err
	}
	var r *protocol.ValidateResponse
	err = c.control(ctx, "", func(ctx context.Context, p *process) (err error) {
		r, err = p.client.Validate(ctx, &protocol.ValidateRequest{Config: config, Role: role})
		return err
	})
	return r.GetDiagnostics(), err
}

// toStruct turns a configuration into its wire form.
func toStruct(cfg map[string]any) (*structpb.Struct, error) {
	s, err := structpb.NewStruct(cfg)
	if err == nil {
		return s, nil
	}
	return nil, fmt.Errorf("the configuration cannot be sent to the connector: %w", err)
}

// Pids are the process ids of the connectors that run, by connector.
func (h *Host) Pids() map[string]int {
	h.mu.Lock()
	list := make([]*connector, 0, len(h.connectors))
	for _, c := range h.connectors {
		list = append(list, c)
	}
	h.mu.Unlock()
	out := map[string]int{}
	for _, c := range list {
		if p := c.running(); p != nil && p.pid > 0 {
			out[c.name] = p.pid
		}
	}
	return out
}

// Close ends every connector: first asked, then killed. Nothing of this host
// runs after it returns.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	list := make([]*connector, 0, len(h.connectors))
	for _, c := range h.connectors {
		list = append(list, c)
	}
	h.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range list {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c.close(ctx)
		}()
	}
	wg.Wait()
	return h.runs.close()
}
