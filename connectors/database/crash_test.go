package database

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// childEnv makes the test binary a process that writes orders until it is killed.
const childEnv = "CROSSDOCK_DATABASE_CRASH"

type crashJob struct {
	Config Config
	// DieAfter kills the process right after the commit of that write, before
	// anyone is told; 0 waits for the parent to kill it.
	DieAfter int
}

const crashOrders = 300

func crashRecords() []sdk.Record {
	recs := make([]sdk.Record, crashOrders)
	for i := range recs {
		recs[i] = order(fmt.Sprintf("m%d", i), fmt.Sprintf("N-%d", i), "SKU-1", "SKU-2")
	}
	return recs
}

// child writes all records, ten at a time.
func child() {
	var job crashJob
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &job); err != nil {
		panic(err)
	}
	s, err := newSink(context.Background(), job.Config, env("erp.orders"))
	if err != nil {
		panic(err)
	}
	recs := crashRecords()
	for i := 0; i < len(recs); i += 10 {
		s.Write(context.Background(), recs[i:i+10])
		if job.DieAfter > 0 && i/10+1 == job.DieAfter {
			die()
		}
	}
}

// die is kill -9 of this very process.
func die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // the signal is on its way
}

// TestKilledAnywhereOneEffect kills the writing process after a commit, and at
// arbitrary moments, sends everything again, and counts.
func TestKilledAnywhereOneEffect(t *testing.T) {
	eachBackend(t, func(t *testing.T, sys *system) {
		orderTables(sys)
		cfg := sys.cfg
		orderSink(&cfg)
		crash(t, crashJob{cfg, 1}, 0)
		crash(t, crashJob{cfg, 7}, 0)
		for _, after := range []time.Duration{15, 30, 60} {
			crash(t, crashJob{cfg, 0}, after*time.Millisecond)
		}
		s := sys.sink(orderSink)
		fresh, duplicates := 0, 0
		for _, r := range s.Write(context.Background(), crashRecords()) {
			switch {
			case r.Err == nil:
				fresh++
			case isClass(r.Err, sdk.Duplicate):
				duplicates++
			default:
				t.Fatal(r.Err)
			}
		}
		if duplicates < 70 {
			t.Errorf("only %d records had been committed before; at least the 70 of the second child must have", duplicates)
		}
		if got := sys.one("SELECT COUNT(*) FROM orders") + " " + sys.one("SELECT COUNT(*) FROM order_line"); got != fmt.Sprintf("%d %d", crashOrders, 2*crashOrders) {
			t.Errorf("orders and lines: %s, want %d %d (%d new, %d duplicates)", got, crashOrders, 2*crashOrders, fresh, duplicates)
		}
	})
}

func crash(t *testing.T, job crashJob, after time.Duration) {
	t.Helper()
	raw, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if job.DieAfter == 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	err = cmd.Wait()
	if job.DieAfter > 0 && err == nil {
		t.Fatal("the child was to be killed, but ended by itself")
	}
}
