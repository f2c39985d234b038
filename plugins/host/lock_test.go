package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// A third-party binary runs only as the bytes that were locked, and listing
// connectors runs none.
func TestLockFile(t *testing.T) {
	dir := t.TempDir()
	binary, ran, lock := filepath.Join(dir, BinaryPrefix+"third"), filepath.Join(dir, "ran"), filepath.Join(dir, "plugins.lock")
	write := func(extra string) {
		t.Helper()
		script := "#!/bin/sh\n" + extra + "echo >> " + ran + "\nexec " + os.Args[0] + " serve\n"
		if err := os.WriteFile(binary, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	starts := func() int { b, _ := os.ReadFile(ran); return len(b) }
	describe := func() error {
		r := newRig(t, func(o *Options) { o.PluginDir, o.LockFile = dir, lock })
		_, err := r.Describe(t.Context(), "third")
		return err
	}
	refused := func(says string) {
		t.Helper()
		if err := describe(); ClassOf(err) != protocol.Problem_CONFIG || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "connector lock") {
			t.Errorf("%v, want %q and what to do", err, says)
		}
	}
	write("")
	refused("is not in")
	if name, _, err := Lock(lock, binary); err != nil || name != "third" {
		t.Fatal(name, err)
	}
	r := newRig(t, func(o *Options) { o.PluginDir, o.LockFile = dir, lock })
	list := r.Connectors()
	if len(list) != 2 || list[0].Name != "sample" || !list[0].FirstParty || list[1].Name != "third" || !list[1].Locked || list[1].FirstParty {
		t.Errorf("list: %+v", list)
	}
	if starts() != 0 || len(r.Pids()) != 0 {
		t.Fatal("listing or locking ran a connector")
	}
	if _, err := r.Describe(t.Context(), "third"); err != nil || starts() != 1 {
		t.Fatalf("%d starts, %v", starts(), err)
	}
	write("exit 3\n") // replaced after the check: what runs is the copy
	if _, err := r.Instance("third", "x.y", "call", nil).Check(t.Context()); err != nil {
		t.Errorf("the running copy: %v", err)
	}
	refused("has changed")
	if starts() != 1 {
		t.Errorf("%d starts", starts())
	}
	if _, _, err := Lock(lock, filepath.Join(dir, "other")); err == nil {
		t.Error("a file with another name was locked")
	}
	if err := os.WriteFile(lock, []byte("abc third\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := describe(); err == nil || !strings.Contains(err.Error(), lock+":1: expected a SHA-256") {
		t.Errorf("an unreadable lock file: %v", err)
	}
}
