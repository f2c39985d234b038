package main

import (
	"context"
	"os"
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
	seed := uint64(time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	r, err := Run(ctx, Options{Kills: 6, Rate: 100, Seed: seed, Pause: 1200 * time.Millisecond, Settle: time.Minute, Dir: t.TempDir(), Command: []string{self}, Out: testLog{t}})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if !r.Passed() {
		t.Errorf("seed %d: %+v", seed, r)
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
