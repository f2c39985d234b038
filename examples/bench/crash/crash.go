package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/crossdock/crossdock/examples/retail"
	"github.com/crossdock/crossdock/examples/retail/estate"
)

// Options of a run.
type Options struct {
	Kills int
	Rate  float64
	Seed  uint64
	// Pause is the longest time between two kills; the shortest is a tenth.
	Pause  time.Duration
	Settle time.Duration
	// Dir holds the project; empty makes a temporary folder.
	Dir string
	// Command starts crossdock, without arguments; empty builds it first.
	Command []string
	Out     io.Writer
}

// Report is what came of it.
type Report struct {
	Seed  uint64         `json:"seed"`
	Kills map[string]int `json:"kills"` // by what was killed
	// Sent counts all documents; orders are those of customers, stores and the
	// partner, a second while they were sent.
	Sent            int     `json:"sent"`
	OrdersPerSecond float64 `json:"orders_per_second"`
	// What the receivers say. Nothing may be in it.
	Lost         int      `json:"lost"`
	AppliedTwice int      `json:"applied_twice"`
	OutOfOrder   []string `json:"out_of_order"`
	Irregular    []string `json:"irregular_documents"`
	// What the middleware's own books say: every document is good, so there is
	// no dead letter, and each target was delivered each document once.
	DeadLetters int      `json:"dead_letters"`
	Miscounted  []string `json:"miscounted"`
	LeftOver    []int    `json:"left_over_processes"`
	// Repeated documents were recognised by the partner, which is no fault:
	// between writing a file and knowing it, a crash writes it again.
	Repeated int `json:"recognised_repetitions"`
	// OrphansGone is how long connectors outlived a killed core that was not
	// started again.
	OrphansGone float64          `json:"orphans_gone_after_seconds"`
	Seconds     float64          `json:"seconds"`
	Settled     float64          `json:"settled_after_seconds"`
	Routes      []estate.Verdict `json:"routes"`
	Dir         string           `json:"dir"`
}

// Passed reports whether every promise held.
func (r *Report) Passed() bool {
	return r.Lost == 0 && r.AppliedTwice == 0 && len(r.OutOfOrder) == 0 && len(r.Irregular) == 0 &&
		r.DeadLetters == 0 && len(r.Miscounted) == 0 && len(r.LeftOver) == 0
}

// crossdock is the child process.
type crossdock struct {
	command []string
	dir     string
	log     *os.File
	cmd     *exec.Cmd
	done    chan struct{}
	plugins map[int]bool // every connector process ever seen
}

// Run does one run.
func Run(ctx context.Context, o Options) (*Report, error) {
	began := time.Now()
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "crossdock-crash-")
		if err != nil {
			return nil, err
		}
		o.Dir = dir
	}
	if len(o.Command) == 0 {
		binary := filepath.Join(o.Dir, "crossdock")
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/crossdock/crossdock")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building crossdock: %w\n%s", err, out)
		}
		o.Command = []string{binary}
	}
	e, child, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	defer child.log.Close()
	r := &Report{Seed: o.Seed, Kills: map[string]int{}, Dir: o.Dir}
	err = r.play(ctx, o, e, child)
	r.LeftOver = child.leftOver()
	r.Seconds = time.Since(began).Seconds()
	return r, err
}

// play is the run itself: the storm, the reckoning, an end in order and one
// without.
func (r *Report) play(ctx context.Context, o Options, e *estate.Estate, c *crossdock) error {
	if err := c.start(); err != nil {
		return err
	}
	defer c.kill() // whatever happened
	if err := r.storm(ctx, o, e, c); err != nil {
		return err
	}
	settling := time.Now()
	if err := r.judge(ctx, o, e, c); err != nil {
		return err
	}
	r.Settled = time.Since(settling).Seconds()
	if err := c.end(); err != nil {
		return err
	}
	if err := r.books(ctx, c); err != nil {
		return err
	}
	return r.abandon(ctx, c)
}

func prepare(ctx context.Context, o Options) (*estate.Estate, *crossdock, error) {
	files := filepath.Join(o.Dir, "estate")
	if err := os.MkdirAll(files, 0o755); err != nil {
		return nil, nil, err
	}
	if err := retail.Write(o.Dir); err != nil {
		return nil, nil, err
	}
	e, err := estate.Start(ctx, estate.Options{Dir: files, Seed: o.Seed, Rate: o.Rate, LoseAnswers: 60})
	if err != nil {
		return nil, nil, err
	}
	log, err := os.Create(filepath.Join(o.Dir, "crossdock.log"))
	if err == nil {
		err = e.WriteEnv(o.Dir)
	}
	if err != nil {
		return nil, nil, errors.Join(err, e.Close())
	}
	return e, &crossdock{command: o.Command, dir: o.Dir, log: log, plugins: map[int]bool{}}, nil
}

func (c *crossdock) start() error {
	c.cmd = exec.Command(c.command[0], append(c.command[1:], "run", "-c", c.dir)...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.Env = append(os.Environ(), "HTTP_LISTEN=off")
	if err := c.cmd.Start(); err != nil {
		return err
	}
	c.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // it is killed, which is an error
		close(done)
	}(c.cmd, c.done)
	return nil
}

// revive starts a core that ended by itself, as a service manager does.
func (c *crossdock) revive(r *Report) error {
	select {
	case <-c.done:
		r.Kills["ended by itself"]++
		return c.start()
	default:
		return nil
	}
}

// kill ends the core and waits until it is gone. It may have ended before.
func (c *crossdock) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// end stops the core in order.
func (c *crossdock) end() error {
	c.children()
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("the core ended by itself; see %s: %w", c.log.Name(), err)
	}
	select {
	case <-c.done:
	case <-time.After(40 * time.Second):
		return fmt.Errorf("the core did not stop within 40 s; see %s", c.log.Name())
	}
	if !c.cmd.ProcessState.Success() {
		return fmt.Errorf("the core stopped with %s; see %s", c.cmd.ProcessState, c.log.Name())
	}
	return nil
}

// ask runs another command on the project and reads its JSON.
func (c *crossdock) ask(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, c.command[0], append(append(c.command[1:], args...), "-c", c.dir, "--json")...)
	cmd.Env = append(os.Environ(), "HTTP_LISTEN=off")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("crossdock %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return json.Unmarshal(out, into)
}

// children are the connector processes of the core now.
func (c *crossdock) children() []int {
	var out []int
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", c.cmd.Process.Pid, c.cmd.Process.Pid))
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", c.cmd.Process.Pid))
	if err != nil && len(files) == 0 {
		return nil
	}
	for _, f := range files {
		more, _ := os.ReadFile(f) // a thread may have ended
		b = append(append(b, ' '), more...)
	}
	for _, f := range strings.Fields(string(b)) {
		if pid, err := strconv.Atoi(f); err == nil && !contains(out, pid) {
			out = append(out, pid)
			c.plugins[pid] = true
		}
	}
	return out
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// alive lists the connector processes of this run that exist.
func (c *crossdock) alive() []int {
	out := []int{}
	for pid := range c.plugins {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(line), "plugin\x00serve") {
			out = append(out, pid)
		}
	}
	return out
}

// leftOver lists connector processes that outlived everything; they get some
// seconds to notice that their host is gone.
func (c *crossdock) leftOver() []int {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if out := c.alive(); len(out) == 0 || time.Now().After(deadline) {
			return out
		}
	}
}

// abandon starts the core once more, kills it when its connectors run, and
// takes the time until they have noticed by themselves.
func (r *Report) abandon(ctx context.Context, c *crossdock) error {
	if err := c.start(); err != nil {
		return err
	}
	for len(c.children()) < 5 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.done:
			return fmt.Errorf("the core ended by itself; see %s", c.log.Name())
		case <-time.After(20 * time.Millisecond):
		}
	}
	c.kill()
	killed := time.Now()
	r.LeftOver = c.leftOver()
	r.OrphansGone = time.Since(killed).Seconds()
	return nil
}

// books compares the ledger with what was sent.
func (r *Report) books(ctx context.Context, c *crossdock) error {
	var dead []struct {
		ID string `json:"id"`
	}
	if err := c.ask(ctx, &dead, "dead", "list"); err != nil {
		return err
	}
	r.DeadLetters = len(dead)
	var routes []struct {
		Name     string `json:"name"`
		Received int    `json:"received"`
		Targets  []struct {
			Endpoint  string `json:"endpoint"`
			Delivered int    `json:"delivered"`
		} `json:"targets"`
	}
	if err := c.ask(ctx, &routes, "route", "list"); err != nil {
		return err
	}
	sent := map[string]int{}
	for _, v := range r.Routes {
		sent[v.Route] = v.Sent
	}
	for _, route := range routes {
		if route.Received != sent[route.Name] {
			r.Miscounted = append(r.Miscounted, fmt.Sprintf("%s: %d of %d are counted as received", route.Name, route.Received, sent[route.Name]))
		}
		for _, t := range route.Targets {
			if t.Delivered != sent[route.Name] {
				r.Miscounted = append(r.Miscounted, fmt.Sprintf("%s: %d of %d are counted as delivered to %s", route.Name, t.Delivered, sent[route.Name], t.Endpoint))
			}
		}
	}
	return nil
}

// storm sends documents and kills until enough was killed.
func (r *Report) storm(ctx context.Context, o Options, e *estate.Estate, c *crossdock) error {
	driving, stop := context.WithCancel(ctx)
	defer stop()
	drove := make(chan error, 1)
	began := time.Now()
	go func() { drove <- e.DriveUntil(ctx, driving.Done(), estate.Faults{}) }()
	rng := rand.New(rand.NewPCG(o.Seed, 2))
	for n := 0; n < o.Kills; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.Pause/10 + time.Duration(rng.Int64N(int64(o.Pause*9/10)))):
		}
		if err := r.strike(c, rng); err != nil {
			return err
		}
		fmt.Fprintf(o.Out, "\r%d of %d kills, %d documents sent ", n+1, o.Kills, e.Sent())
	}
	fmt.Fprintln(o.Out)
	r.OrdersPerSecond = float64(e.Orders()) / time.Since(began).Seconds()
	stop()
	for {
		select {
		case err := <-drove:
			return err
		case <-time.After(500 * time.Millisecond):
			if err := c.revive(r); err != nil {
				return err
			}
		}
	}
}

// strike kills the core, a connector, or both at once.
func (r *Report) strike(c *crossdock, rng *rand.Rand) error {
	plugins := c.children()
	what := []string{"core", "connector", "both"}[rng.IntN(3)]
	if len(plugins) == 0 {
		what = "core"
	}
	r.Kills[what]++
	if what != "core" {
		pid := plugins[rng.IntN(len(plugins))]
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // it may have ended meanwhile
		}
	}
	if what == "connector" {
		return nil
	}
	c.kill()
	return c.start()
}

// judge waits until everything has arrived, or time is up.
func (r *Report) judge(ctx context.Context, o Options, e *estate.Estate, c *crossdock) error {
	for deadline := time.Now().Add(o.Settle); ; {
		if err := c.revive(r); err != nil {
			return err
		}
		verdicts, err := e.Judge(ctx)
		if err != nil {
			return err
		}
		r.Routes, r.Lost, r.AppliedTwice, r.Sent = verdicts, 0, 0, 0
		for i := range verdicts {
			v := &verdicts[i]
			r.Lost += len(v.Missing)
			r.AppliedTwice += len(v.Twice)
			r.Sent += v.Sent
			v.Missing, v.Twice = v.Missing[:min(len(v.Missing), 5)], v.Twice[:min(len(v.Twice), 5)]
		}
		r.OutOfOrder, r.Repeated = e.OutOfOrder(), e.Repeated()
		r.Irregular = e.Irregular(r.Lost == 0)
		if r.Lost == 0 || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
