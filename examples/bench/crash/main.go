// Command crash kills Crossdock at random moments under load and then asks the
// receivers what they got.
//
//	go run ./examples/bench/crash -kills 50
//
// It runs `crossdock run` on the retail example as a child process, sends
// documents over all five routes, and again and again kills the core, a
// connector process, or both with SIGKILL. A killed core is started again.
// Meanwhile the receivers now and then take a document and cut the connection
// instead of answering. At the end nothing may be lost or changed, nothing
// applied twice, no stock level may have overtaken a newer one, the partner
// must have its acknowledgements and gapless control numbers, the ledger must
// agree, and no connector process may be left over. Exit status 1 otherwise.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	var o Options
	flag.IntVar(&o.Kills, "kills", 50, "how often something is killed")
	flag.Float64Var(&o.Rate, "rate", 350, "documents a second; each is one to four orders, receipts or stock changes")
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano()), "seed of documents and kills")
	flag.DurationVar(&o.Pause, "pause", 1500*time.Millisecond, "longest time between two kills; the shortest is a tenth")
	flag.DurationVar(&o.Settle, "settle", 2*time.Minute, "how long the last documents may take")
	flag.StringVar(&o.Dir, "dir", "", "folder for the project and its log; default a temporary one")
	flag.Parse()
	o.Out = os.Stderr
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := Run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(2)
	}
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(2)
	}
	fmt.Println(string(out))
	if !r.Passed() {
		os.Exit(1)
	}
}
