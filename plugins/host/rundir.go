package host

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// runDir is the directory of one run: sockets, checked binaries, and the list
// of processes, which lets the next run end what a killed one left behind.
type runDir struct {
	dir string
	// sockets is dir, or a short directory elsewhere when a socket's path in
	// dir would be longer than the system allows.
	sockets string
	log     *slog.Logger

	mu     sync.Mutex
	pids   map[int]string // pid: "<start time> <connector>"
	closed bool
}

const (
	pidFile     = "processes"
	socketsLine = "sockets "
)

// openRunDir ends the processes of an earlier run and begins a new directory
// that only this user may enter.
func openRunDir(dir string, log *slog.Logger) (*runDir, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	endOrphans(filepath.Join(dir, pidFile), log)
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("clearing the run directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the run directory: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { // whatever the umask was
		return nil, fmt.Errorf("making the run directory private: %w", err)
	}
	r := &runDir{dir: dir, sockets: dir, log: log, pids: map[int]string{}}
	if len(dir) > longestDir {
		if r.sockets, err = os.MkdirTemp("", "crossdock-"); err != nil {
			return nil, fmt.Errorf("making a short directory for sockets: %w", err)
		}
		r.write()
	}
	return r, nil
}

// longestDir leaves room for a socket's name within the 104 bytes that the
// shortest of the systems allows (sun_path).
const longestDir = 70

// endOrphans kills the processes listed, if they are still those that were
// started: a pid alone may belong to somebody else by now.
func endOrphans(file string, log *slog.Logger) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if sockets, ok := strings.CutPrefix(sc.Text(), socketsLine); ok && strings.HasPrefix(filepath.Base(sockets), "crossdock-") {
			_ = os.RemoveAll(sockets) // only sockets are in it
			continue
		}
		fields := strings.Fields(sc.Text())
		if len(fields) != 3 {
			continue
		}
		pid, err := strconv.Atoi(fields[0])
		if err != nil || fields[1] == "?" || startTime(pid) != fields[1] {
			continue
		}
		log.Warn("ending a connector that an earlier run left behind", "connector", fields[2], "pid", pid)
		kill(pid)
	}
}

// startTime is when a process was started, in the kernel's ticks (proc(5), stat
// field 22); "?" where that cannot be known. The plugin's lease ends orphans
// there.
func startTime(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "?"
	}
	// The command's name is in parentheses and may hold anything.
	rest := string(b[strings.LastIndexByte(string(b), ')')+1:])
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return "?"
	}
	return fields[19]
}

func (r *runDir) add(pid int, connector string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pids[pid] = startTime(pid) + " " + connector
	r.write()
}

func (r *runDir) remove(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.pids[pid]; ok {
		delete(r.pids, pid)
		r.write()
	}
}

func (r *runDir) write() {
	if r.closed {
		return
	}
	var b strings.Builder
	if r.sockets != r.dir {
		b.WriteString(socketsLine + r.sockets + "\n")
	}
	for pid, rest := range r.pids {
		fmt.Fprintf(&b, "%d %s\n", pid, rest)
	}
	temp := filepath.Join(r.dir, pidFile+".new")
	err := os.WriteFile(temp, []byte(b.String()), 0o600)
	if err == nil {
		err = os.Rename(temp, filepath.Join(r.dir, pidFile))
	}
	if err != nil {
		r.log.Warn("the list of connector processes cannot be written; after a crash the plugins' own lease ends them", "error", err)
	}
}

func (r *runDir) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return errors.Join(os.RemoveAll(r.dir), os.RemoveAll(r.sockets))
}
