package conformance

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// TestMain makes this test binary a plugin too, so that the sample can run as
// a process. What it prints must not disturb the handshake.
func TestMain(m *testing.M) {
	if os.Getenv(protocol.CookieKey) != "" {
		fmt.Println("printed before Serve")
		fmt.Println("1|1|unix|/nowhere|grpc")
		sdk.Serve(sample(none))
		return
	}
	goleak.VerifyTestMain(m)
}

func TestSampleInProcess(t *testing.T) {
	target := sampleTarget()
	target.Plugin = sample(none)
	Run(t, target)
}

func TestSampleAsProcess(t *testing.T) {
	target := sampleTarget()
	target.Command = []string{os.Args[0]}
	Run(t, target)
}

// Each fault must be found by the checks that are there for it.
func TestFaultsAreFound(t *testing.T) {
	for _, test := range []struct {
		fault fault
		found []string
	}{
		{ackEarly, []string{"source/no ack before the host's", "source/ids stable", "source/abrupt stop"}},
		{newIDs, []string{"source/ids stable"}},
		{loses, []string{"source/ids stable", "source/nack"}},
		{ignoreResult, []string{"sink/result per record"}},
		{twice, []string{"sink/one effect", "sink/one effect after a restart", "sink/duplicate within a batch"}},
		{breaksOnCheck, []string{"check/steps"}},
	} {
		t.Run(string(test.fault), func(t *testing.T) {
			target := sampleTarget()
			target.Plugin = sample(test.fault)
			target.Timeout = 300 * time.Millisecond
			for _, c := range checks() {
				if !slices.Contains(test.found, c.name) {
					continue
				}
				if rec := record(t, target, c); len(rec.failures()) == 0 {
					t.Errorf("check %q passed a connector that %s", c.name, test.fault)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	names := Names()
	if len(names) < 40 {
		t.Errorf("the suite has %d checks, README promises more than 40", len(names))
	}
	if got := slices.Compact(slices.Clone(names)); len(got) != len(names) {
		t.Error("two checks have the same name")
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if !strings.Contains(string(readme), "`"+n+"`") {
			t.Errorf("connectors/README.md does not list the check `%s`", n)
		}
	}
}

// recorder is a testing.TB that only remembers failures.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	messages []string
	cleanups []func()
}

// record runs one check on a target that may fail it.
func record(t *testing.T, target Target, c check) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		newWorld(target).run(r, c)
	}()
	<-done
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	return r
}

func (r *recorder) failures() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.messages
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Failed() bool      { return len(r.failures()) > 0 }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Helper()           {}
func (r *recorder) Skip(args ...any)  { r.Fatalf("skipped: %s", fmt.Sprint(args...)) }
