package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/core/cli"
)

// TestMain lets the test binary be crossdock itself, so that the test kills
// what was built with it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(cli.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// TestKilledAtRandomMoments is the short version of the program: whatever is
// killed, nothing is lost, nothing applied twice, order is kept, and no process
// is left over.
func TestKilledAtRandomMoments(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	r, err := Run(ctx, Options{Kills: 6, Rate: 100, Seed: seed, Pause: 1200 * time.Millisecond, Settle: 2 * time.Minute, Dir: dir, Command: []string{self}, Out: testLog{t}})
	if err != nil || !r.Passed() {
		log, _ := os.ReadFile(filepath.Join(dir, "crossdock.log"))
		t.Fatalf("seed %d: %v\n%+v\nthe end of the log:\n%s", seed, err, r, log[max(0, len(log)-4000):])
	}
	if r.Sent < 50 {
		t.Errorf("only %d documents were sent: the test proves nothing", r.Sent)
	}
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(string(b))
	return len(b), nil
}
