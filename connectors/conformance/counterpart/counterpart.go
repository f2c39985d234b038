// Package counterpart starts the programs of others that a connector must get
// along with: servers and clients that nobody here wrote, in the language and
// with the habits they have in the field. It is for integration tests.
//
// A program that is not installed is reported as not run on a laptop, with what
// to install, and is a failure where the environment says CI=true: there the
// promise is that everything ran.
package counterpart

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout is generous: a Node.js program with many modules takes seconds
// on a busy machine.
const startTimeout = 60 * time.Second

// Missing ends the test because a program is not installed: as not run, or as
// failed where CI=true.
func Missing(t testing.TB, what, install string) {
	t.Helper()
	message := fmt.Sprintf("not run: %s is not installed; %s", what, install)
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip(message)
}

// Python returns an interpreter that has the modules, given as Debian package
// and module name alike: python3-zeep is zeep. CROSSDOCK_TEST_PYTHON names
// another than python3.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	// A python3 that stands before the system's has none of its packages.
	for _, name := range []string{os.Getenv("CROSSDOCK_TEST_PYTHON"), "python3", "/usr/bin/python3"} {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if exec.Command(program, "-c", "import "+strings.Join(modules, ", ")).Run() == nil {
			return program
		}
	}
	Missing(t, "Python with "+strings.Join(modules, ", "), "apt-get install python3-"+strings.Join(modules, " python3-"))
	return ""
}

// Node installs what a folder's package-lock.json names and returns the folder
// of the installation, which holds copies of the folder's files beside
// node_modules. Installations stay in the user's cache, by content of the lock
// file.
func Node(t testing.TB, folder string) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			Missing(t, program, "apt-get install nodejs npm")
		}
	}
	lock, err := os.ReadFile(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(lock)
	parent := filepath.Join(cache, "crossdock-test")
	dir := filepath.Join(parent, filepath.Base(folder)+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		install(t, folder, parent, dir)
	}
	copyFiles(t, folder, dir)
	return dir
}

// install makes the installation under another name and renames it, so that
// tests that run beside this one see all of it or none.
func install(t testing.TB, folder, parent, dir string) {
	t.Helper()
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	temp, err := os.MkdirTemp(parent, ".install-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // renamed, or of no use
	copyFiles(t, folder, temp)
	// Packages' own scripts are not run: none is needed, and some report home.
	command := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	command.Dir = temp
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("npm ci for %s: %v\n%s", folder, err, out)
	}
	if err := os.Rename(temp, dir); err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		t.Fatal(err)
	}
}

func copyFiles(t testing.TB, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		temp := filepath.Join(to, fmt.Sprintf(".%s.%d", e.Name(), os.Getpid()))
		if err := os.WriteFile(temp, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temp, filepath.Join(to, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// Serve starts a server and waits for the line of its output that ready
// matches; it returns the first group, which is the address as a rule. The
// server ends with the test, and what it said is in the log of a test that
// failed.
func Serve(t testing.TB, ready *regexp.Regexp, command *exec.Cmd) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = writer, writer
	if err := command.Start(); err != nil {
		t.Fatalf("starting %s: %v", command, err)
	}
	_ = writer.Close() // the process has its own copy
	said := &lines{found: make(chan string, 1), ended: make(chan struct{})}
	go said.collect(reader, ready)
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
		_ = reader.Close()
		<-said.ended
		if t.Failed() {
			t.Logf("%s says:\n%s", command, said)
		}
	})
	select {
	case address := <-said.found:
		return address
	case <-said.ended:
		t.Fatalf("%s ended before it was ready:\n%s", command, said)
	case <-time.After(startTimeout):
		t.Fatalf("%s was not ready within %v:\n%s", command, startTimeout, said)
	}
	return ""
}

// lines is what a server says.
type lines struct {
	mu    sync.Mutex
	text  strings.Builder
	found chan string
	ended chan struct{}
}

func (l *lines) collect(from *os.File, ready *regexp.Regexp) {
	defer close(l.ended)
	found := false
	for scanner := bufio.NewScanner(from); scanner.Scan(); {
		l.mu.Lock()
		l.text.WriteString(scanner.Text() + "\n")
		l.mu.Unlock()
		if m := ready.FindStringSubmatch(scanner.Text()); m != nil && !found {
			found = true
			l.found <- m[len(m)-1]
		}
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
