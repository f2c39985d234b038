//go:build unix

package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// A plugin killed again and again while many write to it loses no effect and
// makes none twice, as long as callers try again.
func TestKillWhileWriting(t *testing.T) {
	r := newRig(t, nil)
	dir, cfg := r.effects()
	sink := r.Instance("sample", "s.out", "sink", cfg)
	const writers, each = 8, 150
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	done := 0
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				for {
					_, err := sink.Write(t.Context(), record(fmt.Sprintf("%d-%d", w, n), ""))
					if err == nil {
						break
					}
					var pe *ProblemError
					if !errors.As(err, &pe) || ClassOf(err) != protocol.Problem_NOT_CONNECTED {
						t.Errorf("a killed plugin gives %v, want class NOT_CONNECTED", err)
						return
					}
					mu.Lock()
					codes[pe.Problem.GetCode()]++
					mu.Unlock()
				}
				mu.Lock()
				done++
				mu.Unlock()
			}
		})
	}
	for kill := range 3 {
		eventually(t, "writes go on", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return done > (kill+1)*writers*each/5 && r.Pids()["sample"] > 0
		})
		if err := syscall.Kill(r.pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the plugin is started again", func() bool { return r.count(Restarted) > kill })
	}
	wg.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != writers*each {
		t.Errorf("%d effects (%v), want %d", len(entries), err, writers*each)
	}
	if codes[CodeCrashed] == 0 || codes[CodeGone]+codes[CodeCrashed] != sum(codes) {
		t.Errorf("codes %v, want only %s and %s", codes, CodeGone, CodeCrashed)
	}
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// Whoever gave a connector the record that ends it is told so, and how it ended:
// nobody has to look for that in a log.
func TestCrashSaysWhy(t *testing.T) {
	for entity, want := range map[string][]string{
		"panic": {"exit status 2", "panic: no room for r-1"}, "exit": {"exit status 3", "the licence of r-1", "has ***"},
	} {
		t.Run(entity, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.Secrets = []string{"expired"} })
			_, cfg := r.effects()
			_, err := r.Instance("sample", "s.out", "sink", cfg).Write(t.Context(), record("r-1", entity))
			var pe *ProblemError
			if !errors.As(err, &pe) || pe.Problem.GetCode() != CodeCrashed || pe.Problem.GetClass() != protocol.Problem_NOT_CONNECTED {
				t.Fatalf("found %v", err)
			}
			for _, w := range want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error does not say %q: %v", w, err)
				}
			}
			if len(err.Error()) > 2000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// Reading goes on after the last position that the caller stored.
func TestKillWhileReading(t *testing.T) {
	r := newRig(t, nil)
	const count = 300
	source := r.Instance("sample", "s.in", "source", map[string]any{"count": count})
	var position []byte
	var got []string
	for stop := 0; ; {
		err := source.Read(t.Context(), ReadOptions{From: position}, func(_ context.Context, b *protocol.ReadBatch) error {
			for _, rec := range b.GetRecords() {
				got = append(got, rec.GetId())
			}
			if p := b.GetPosition(); len(p) > 0 {
				position = p
			}
			if len(got) > 60*(stop+1) && stop < 2 {
				stop++
				return syscall.Kill(r.pid(), syscall.SIGKILL)
			}
			return nil
		})
		if err == nil {
			break
		}
		if ClassOf(err) != protocol.Problem_NOT_CONNECTED {
			t.Fatalf("a killed plugin gives %v", err)
		}
	}
	if len(got) != count {
		t.Fatalf("%d records, want %d", len(got), count)
	}
	for n, id := range got {
		if id != strconv.Itoa(n) {
			t.Fatalf("record %d is %s", n, id)
		}
	}
	if r.count(Restarted) == 0 {
		t.Error("the plugin was not started again")
	}
}

func TestHungPluginIsKilled(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Deadlines.Ping = 400 * time.Millisecond })
	_, cfg := r.effects()
	sink := r.Instance("sample", "s.out", "sink", cfg)
	if _, err := sink.Write(t.Context(), record("1", "")); err != nil {
		t.Fatal(err)
	}
	pid := r.pid()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// The signal reaches one thread after the other; until the last stands
	// still, a write may get through.
	eventually(t, "the process stands still", func() bool { return stopped(pid) })
	_, err := sink.Write(t.Context(), record("2", ""))
	if ClassOf(err) != protocol.Problem_NOT_CONNECTED || !strings.Contains(err.Error(), "no heartbeat") {
		t.Errorf("a stopped plugin gives %v", err)
	}
	eventually(t, "the stopped process ends", func() bool { return !running(pid) })
	eventually(t, "a write after the restart", func() bool {
		_, err = sink.Write(t.Context(), record("2", ""))
		return err == nil
	})
}

func TestStartFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		argv  []string
		class protocol.Problem_Class
		says  string
	}{
		{"garbage on stdout", []string{os.Args[0], "garbage"}, protocol.Problem_NOT_CONNECTED, "a connector prints nothing there before it serves"},
		{"another version", []string{os.Args[0], "version"}, protocol.Problem_CONFIG, "build it with the SDK of this release"},
		{"missing binary", []string{"/nowhere/connector"}, protocol.Problem_CONFIG, "cannot be executed"},
		{"exits at once", []string{os.Args[0], "exit"}, protocol.Problem_NOT_CONNECTED, "or ended before it"},
		{"never answers", []string{os.Args[0], "silent"}, protocol.Problem_NOT_CONNECTED, "timeout while waiting for plugin to start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *Options) {
				o.FirstParty["sample"], o.Deadlines.Start = c.argv, 700*time.Millisecond
				if c.name != "never answers" {
					o.Deadlines.Start = 10 * time.Second
				}
			})
			_, err := r.Describe(t.Context(), "sample")
			if ClassOf(err) != c.class || !strings.Contains(err.Error(), c.says) {
				t.Errorf("class %v: %v\nwant %v with %q", ClassOf(err), err, c.class, c.says)
			}
			if len(r.Pids()) != 0 {
				t.Errorf("processes: %v", r.Pids())
			}
		})
	}
}

func TestSlowStart(t *testing.T) {
	r := newRig(t, func(o *Options) { o.FirstParty["sample"] = []string{os.Args[0], "slow"} })
	if d, err := r.Describe(t.Context(), "sample"); err != nil || d.GetVersion() != "1.2.3" {
		t.Errorf("%v, %v", d, err)
	}
}

// A connector that ends at every start is tried with growing waits, and its
// callers are told how long instead of being held.
func TestCrashLoop(t *testing.T) {
	file := filepath.Join(t.TempDir(), "starts")
	r := newRig(t, func(o *Options) { o.FirstParty["sample"] = []string{"/bin/sh", "-c", "echo >> " + file} })
	tries := 0
	var wait time.Duration
	for until := time.Now().Add(1500 * time.Millisecond); time.Now().Before(until); tries++ {
		_, err := r.Describe(t.Context(), "sample")
		var pe *ProblemError
		if !errors.As(err, &pe) || ClassOf(err) != protocol.Problem_NOT_CONNECTED {
			t.Fatalf("try %d: %v", tries, err)
		}
		wait = max(wait, pe.Problem.GetRetryAfter().AsDuration())
		time.Sleep(time.Millisecond) // a caller that does not heed the wait
	}
	b, _ := os.ReadFile(file)
	if n := len(b); n < 2 || n > 8 {
		t.Errorf("%d starts in 1.5 s, want a few", n)
	}
	if wait < 100*time.Millisecond {
		t.Errorf("callers were told to wait %s", wait)
	}
	began := time.Now()
	_ = r.Close(t.Context())
	if took := time.Since(began); took > time.Second {
		t.Errorf("Close during the wait took %s", took)
	}
}

// A plugin ends with its host, and the next run finds nothing to end or ends it.
func TestHostKilled(t *testing.T) {
	dir := t.TempDir()
	host := exec.Command(os.Args[0], "host", dir)
	host.Stderr = os.Stderr
	out, err := host.StdoutPipe()
	if err == nil {
		err = host.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, convErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || convErr != nil || !running(pid) {
		t.Fatalf("the host said %q: %v", line, err)
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // it was killed
	eventually(t, "the plugin ends by itself", func() bool { return !running(pid) })
	h, err := New(Options{RunDir: filepath.Join(dir, "run"), DataDir: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Of the processes that an earlier run wrote down, those are ended that are
// still the same; a process id that another process has now is not touched.
func TestLeftovers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	start := func() (*exec.Cmd, string) {
		cmd := exec.Command("sleep", "60")
		ownGroup(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kill(cmd.Process.Pid); _ = cmd.Wait() })
		return cmd, startTime(cmd.Process.Pid)
	}
	left, began := start()
	reused, _ := start()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	list := fmt.Sprintf("%d %s old\n%d 12345 other\nnonsense\n%d ? unknown\n", left.Process.Pid, began, reused.Process.Pid, reused.Process.Pid)
	if err := os.WriteFile(filepath.Join(dir, pidFile), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *Options) { o.RunDir = dir })
	eventually(t, "the leftover ends", func() bool { return !running(left.Process.Pid) })
	if !running(reused.Process.Pid) {
		t.Error("a process of somebody else was killed")
	}
	if !r.log.contains("earlier run left behind") {
		t.Error("the log does not say what was ended")
	}
	if startTime(os.Getpid()) == "?" || startTime(1<<30) != "?" {
		t.Error("startTime does not tell a process from none")
	}
}

// Ctrl-C and a service manager's SIGTERM reach the host; plugins live on until
// the host has drained them.
func TestSignals(t *testing.T) {
	r := newRig(t, nil)
	call := r.Instance("sample", "s.call", "call", nil)
	if _, err := call.Call(t.Context(), "echo", &protocol.Record{Id: "1"}, ""); err != nil {
		t.Fatal(err)
	}
	pid := r.pid()
	if group, err := syscall.Getpgid(pid); err != nil || group == syscall.Getpgrp() {
		t.Errorf("the plugin's process group is %d (%v), which is the host's: Ctrl-C reaches it", group, err)
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
		if _, err := call.Call(t.Context(), "echo", &protocol.Record{Id: "1"}, ""); err != nil || r.pid() != pid {
			t.Errorf("after %v: %v", s, err)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	child := filepath.Join(t.TempDir(), "child")
	r := newRig(t, func(o *Options) {
		o.RunDir = filepath.Join(t.TempDir(), strings.Repeat("a-long-project-folder/", 6), "run")
		o.FirstParty["sample"] = []string{"/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $! > " + child + "; exec " + os.Args[0] + " serve"}
	})
	if _, err := r.Describe(t.Context(), "sample"); err != nil {
		t.Fatal(err)
	}
	sockets, err := os.ReadDir(r.runs.sockets)
	if err != nil || len(sockets) == 0 {
		t.Errorf("sockets: %v, %v", sockets, err)
	}
	for _, dir := range []string{r.runs.dir, r.runs.sockets} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	pid := r.pid()
	b, _ := os.ReadFile(child)
	grandchild, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the processes end", func() bool { return !running(pid) && !running(grandchild) })
	for _, dir := range []string{r.runs.dir, r.runs.sockets} {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
	if _, err := r.Validate(t.Context(), "sample", "sink", nil); err == nil {
		t.Error("a closed host answers")
	}
}

// Close waits until what was read from a source is stored and acknowledged.
func TestCloseDrainsSources(t *testing.T) {
	r := newRig(t, nil)
	dir, cfg := r.effects()
	source := r.Instance("sample", "s.in", "source", cfg)
	first := make(chan []byte, 1)
	read := make(chan error, 1)
	go func() {
		handled := 0
		read <- source.Read(t.Context(), ReadOptions{}, func(ctx context.Context, b *protocol.ReadBatch) error {
			if handled++; handled > 1 {
				return nil
			}
			first <- b.GetPosition()
			select {
			case <-time.After(300 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	position := <-first
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "acked-"+string(position))); err != nil {
		t.Errorf("the source was not told that its batch is stored: %v", err)
	}
	if err := <-read; err == nil {
		t.Error("the end of the host looks like the end of the source")
	}
}

// stopped reports whether every thread of a process stands still (proc(5),
// state T).
func stopped(pid int) bool {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(b), ") T ") {
			return false
		}
	}
	return true
}
