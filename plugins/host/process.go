package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// process is one running connector, or what stands for it in a test or under a
// debugger.
type process struct {
	c       *connector
	pid     int // 0 when it is not ours to end
	client  protocol.ConnectorClient
	started time.Time
	release func()        // what belongs to the connection
	died    func() string // how the system's process ended; empty when that is not known

	dead chan struct{} // closed when the process is gone or given up
	once sync.Once
	mu   sync.Mutex
	why  error
	// crashed says that it ended by itself, not because this host closes.
	crashed bool
	sess    *session
	open    map[string]*opened
}

func (c *connector) newProcess(client protocol.ConnectorClient, pid int, release func()) *process {
	return &process{c: c, pid: pid, client: client, started: time.Now(), release: release, dead: make(chan struct{}), open: map[string]*opened{}}
}

func (p *process) cause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// end gives the process up and makes sure that it does not run any more.
func (p *process) end(cause error) { p.finish(cause, false) }

// crash is end for a process that ended, or stopped answering, by itself.
func (p *process) crash(cause error) {
	select {
	case <-p.dead:
		return // this host ended it
	default:
	}
	if p.died != nil {
		if how := p.died(); how != "" {
			cause = errors.New(how)
		}
	}
	p.finish(cause, true)
}

// hasCrashed reports that the process is gone, and not because this host closes.
func (p *process) hasCrashed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crashed
}

func (p *process) finish(cause error, crashed bool) {
	p.once.Do(func() {
		p.mu.Lock()
		p.why, p.crashed = cause, crashed
		p.mu.Unlock()
		close(p.dead)
		if p.sess != nil {
			p.sess.stop()
		}
		p.release()
	})
}

// closeInstances closes every open instance, so that each may finish what it
// holds, within the deadline for draining.
func (p *process) closeInstances(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.c.h.o.Deadlines.Drain)
	defer cancel()
	p.mu.Lock()
	ids := make(map[string]*opened, len(p.open))
	for id, o := range p.open {
		ids[id] = o
	}
	p.mu.Unlock()
	wait := p.c.h.o.Deadlines.Drain
	if d, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(d))
	}
	var wg sync.WaitGroup
	for id, o := range ids {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if o.source {
				// What was read is acknowledged before its source is closed.
				if _, err := p.client.Drain(ctx, &protocol.DrainRequest{InstanceId: id, Deadline: durationpb.New(wait * 4 / 5)}); err != nil {
					p.c.log.Debug("draining a source", "instance", id, "error", err)
				}
			}
			if _, err := p.client.Close(ctx, &protocol.CloseRequest{InstanceId: id}); err != nil {
				p.c.log.Debug("closing an instance", "instance", id, "error", err)
			}
		}()
	}
	wg.Wait()
}

// environment is what a plugin is given of ours: enough to find files, zones
// and certificates, and no secrets.
func environment() []string {
	var out []string
	for _, name := range []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "ZONEINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "GORACE", "GOCOVERDIR", "SystemRoot"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// spawn starts a process and waits until it answers.
func (c *connector) spawn(argv []string) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	ownGroup(cmd)
	words := &lastWords{}
	// The process's own standard error is logged by go-plugin; what a connector
	// prints after it serves comes through go-plugin's streams.
	keep := func(line string) { words.add(c.h.redact(line)) }
	printed := func(line string) {
		keep(line)
		c.log.Info("printed by the connector", "line", line)
	}
	cmd.Env = append(environment(), "TMPDIR="+c.h.runs.sockets)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: protocol.Handshake(), Plugins: protocol.Plugins(nil), Cmd: cmd, SkipHostEnv: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, GRPCDialOptions: protocol.DialOptions(), StartTimeout: c.h.o.Deadlines.Start,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: c.h.runs.sockets}, Logger: pluginLog(c.log),
		Stderr: &lines{each: keep}, SyncStdout: &lines{each: printed}, SyncStderr: &lines{each: printed},
	})
	type result struct {
		client protocol.ConnectorClient
		err    error
	}
	done := make(chan result, 1)
	go func() {
		rpc, err := client.Client()
		if err != nil {
			done <- result{err: err}
			return
		}
		raw, err := rpc.Dispense(protocol.PluginName)
		if err != nil {
			done <- result{err: err}
			return
		}
		done <- result{client: raw.(protocol.ConnectorClient)}
	}()
	var r result
	pid := 0
	select {
	case r = <-done:
		if cmd.Process != nil {
			pid = cmd.Process.Pid
		}
	case <-time.After(c.h.o.Deadlines.Start + c.h.o.Deadlines.Kill):
		// go-plugin keeps the same deadline and should have killed it. The
		// process id cannot be read while it may still start one.
		r.err = fmt.Errorf("it did not answer within %s", c.h.o.Deadlines.Start)
	}
	if r.err != nil {
		c.stopClient(client, pid)
		class, err := explain(r.err)
		if said := words.String(); said != "" {
			err = fmt.Errorf("%w; last printed: %s", err, said)
		}
		return nil, c.problem(class, CodeStart, "", "%s: %v", strings.Join(argv, " "), err)
	}
	c.h.runs.add(pid, c.name)
	p := c.newProcess(r.client, pid, func() { c.stopClient(client, pid) })
	p.died = func() string { return obituaryOf(client, cmd, words) }
	return p, nil
}

// explain adds what to do to go-plugin's words, and tells what only a person
// can mend from what may pass.
func explain(err error) (protocol.Problem_Class, error) {
	text := strings.ToLower(err.Error())
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrPermission):
		return protocol.Problem_CONFIG, fmt.Errorf("the program cannot be executed: %w", err)
	case strings.Contains(text, "incompatible api version"), strings.Contains(text, "protocol version"):
		return protocol.Problem_CONFIG, fmt.Errorf("it speaks another version of the connector protocol, this host speaks %d: build it with the SDK of this release: %w", protocol.Version, err)
	case strings.Contains(text, "unrecognized remote plugin message"):
		return protocol.Problem_NOT_CONNECTED, fmt.Errorf("it printed something else than the handshake to its standard output, or ended before it: a connector prints nothing there before it serves: %w", err)
	}
	return protocol.Problem_NOT_CONNECTED, err
}

// stopClient ends a process: politely in the background, since go-plugin's Kill
// never returns on a stopped one, and then by pid.
func (c *connector) stopClient(client *plugin.Client, pid int) {
	done := make(chan struct{})
	go func() {
		client.Kill()
		close(done)
	}()
	select {
	case <-done:
		killGroup(pid) // what it may have started itself
		return
	case <-time.After(c.h.o.Deadlines.Kill):
	}
	kill(pid)
	select {
	case <-done:
	case <-time.After(c.h.o.Deadlines.Kill):
		c.log.Error("a connector process does not end", "pid", pid)
	}
}

// inProcess serves a connector over memory.
func (c *connector) inProcess(context.Context) (*process, error) {
	listener := bufconn.Listen(1 << 20)
	server := protocol.NewServer(nil)
	protocol.RegisterConnectorServer(server, c.h.o.InProcess[c.name])
	go func() { _ = server.Serve(listener) }() // ends with Stop
	options := append(protocol.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:memory", options...)
	if err != nil {
		server.Stop()
		return nil, err
	}
	return c.newProcess(protocol.NewConnectorClient(conn), 0, func() {
		_ = conn.Close() // nothing waits on it any more
		server.Stop()
	}), nil
}

// attach connects to a plugin that somebody else started. The address is
// "unix:/path", or the handshake line that the plugin printed.
func (c *connector) attach(context.Context) (*process, error) {
	address := c.h.o.Attach[c.name]
	if parts := strings.Split(address, "|"); len(parts) >= 4 {
		address = parts[2] + ":" + parts[3]
	}
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return nil, errors.New(`attach: the address must be unix:/path/to/socket, or the line that the plugin printed when it started`)
	}
	conn, err := grpc.NewClient("unix:"+path, append(protocol.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		return nil, err
	}
	c.log.Info("attached to a connector that runs by itself", "socket", path)
	return c.newProcess(protocol.NewConnectorClient(conn), 0, func() { _ = conn.Close() }), nil
}
