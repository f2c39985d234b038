// Command mailbox measures the whole way of a partner's files: claimed in a folder
// by the connector's process, judged, turned into JSON, over the socket into the
// core, on disk and synced, answered with acknowledgements, archived.
//
//	go run ./examples/bench/mailbox -size 200
//	taskset -c 0 go run ./examples/bench/mailbox
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/edi"
	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/intake"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/examples/bench/internal/edifiles"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func main() {
	if servesPlugin() {
		servePlugin()
		return
	}
	size := flag.Int("size", 64, "megabytes of each kind of file")
	flag.Parse()
	if err := run(*size); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(size int) error {
	dir, err := os.MkdirTemp("", "crossdock-bench-mailbox-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's own clean-up is the second chance
	for _, kind := range []string{"850", "856", "ORDERS", "846"} {
		rate, records, err := durable(dir, kind, size<<20)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		fmt.Printf("%-7s %8.1f MB/s of EDI  %8d records\n", kind, rate, records)
	}
	return nil
}

// servesPlugin tells whether the host started this program as the connector.
func servesPlugin() bool {
	return os.Getenv(protocol.CookieKey) != ""
}

func servePlugin() { sdk.Serve(edi.Connector()) }

// ledgerState is what the connector remembers, in the ledger.
type ledgerState struct{ *ledger.Ledger }

func (s ledgerState) StatePut(ctx context.Context, instance, key string, val []byte, ifRev uint64) (uint64, error) {
	rev, err := s.Ledger.StatePut(ctx, instance, key, val, ifRev)
	if errors.Is(err, ledger.ErrConflict) {
		err = fmt.Errorf("%w: %s", host.ErrConflict, key)
	}
	return rev, err
}

// durable measures the whole way of a partner's files: claimed in a folder by the
// connector's process, judged, turned into JSON, over the socket into the core,
// on disk and synced, answered with a 997, archived.
func durable(dir, kind string, size int) (rate float64, records int, err error) {
	mailbox := filepath.Join(dir, "mailbox-"+kind)
	for _, folder := range []string{"in", "out"} {
		if err := os.MkdirAll(filepath.Join(mailbox, folder), 0o755); err != nil {
			return 0, 0, err
		}
	}
	const part = 8 << 20
	files, total := 0, int64(0)
	for total < int64(size) {
		name := filepath.Join(mailbox, "in", fmt.Sprintf("%s_%04d.edi", kind, files))
		if err := edifiles.Write(name, kind, part, 1+files*10_000); err != nil {
			return 0, 0, err
		}
		info, err := os.Stat(name)
		if err != nil {
			return 0, 0, err
		}
		files++
		total += info.Size()
	}
	took, records, err := takeOver(dir, mailbox, kind, files)
	return float64(total) / 1e6 / took.Seconds(), records, err
}

func takeOver(dir, mailbox, kind string, files int) (time.Duration, int, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	data, err := os.MkdirTemp(dir, "core-")
	if err != nil {
		return 0, 0, err
	}
	l, err := ledger.Open(ctx, ledger.Options{DSN: "sqlite://" + filepath.Join(data, "ledger.db")})
	if err != nil {
		return 0, 0, err
	}
	defer l.Close()
	e, err := engine.Open(ctx, engine.Options{Dir: filepath.Join(data, "engine"), MaxBytes: 16 << 30})
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = e.Close(context.Background()) }() // the folder is removed
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	h, err := host.New(host.Options{
		RunDir: filepath.Join(data, "run"), DataDir: filepath.Join(data, "plugins"), State: ledgerState{l}, Log: slog.New(slog.DiscardHandler),
		FirstParty: map[string][]string{"edi": {self, "plugin"}},
	})
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = h.Close(context.Background()) }() // the process is ended in any case
	theirs, ours := [2]string{"ZZ", "ACMEBUYER"}, [2]string{"08", "9254110060"}
	if kind == "ORDERS" {
		theirs, ours = [2]string{"14", "5412345000013"}, [2]string{"14", "5498765000017"}
	}
	identity := func(p [2]string) map[string]any { return map[string]any{"qualifier": p[0], "id": p[1]} }
	instance := h.Instance("edi", "acme.documents", "source", map[string]any{
		"transport": "folder", "root": mailbox, "folder": "in", "ackFolder": "out", "stableFor": "1ms", "every": "10ms",
		"partner": map[string]any{"partner": "acme", "theirs": identity(theirs), "ours": identity(ours)},
	})
	seen := &observer{}
	source := intake.New(intake.Options{
		Endpoint: "acme.documents", Routes: []string{"orders"}, Reader: instance, Publisher: e, Book: l, Observer: seen, Log: slog.New(slog.DiscardHandler),
	})
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx) }()
	for archived := 0; archived < files; {
		list, err := filepath.Glob(filepath.Join(mailbox, "in", "archive", "*", "*.edi"))
		if err != nil {
			return 0, 0, err
		}
		if archived = len(list); archived < files {
			time.Sleep(5 * time.Millisecond)
		}
	}
	took := time.Since(began)
	cancel()
	return took, seen.records(), <-ended
}

// observer counts what came in.
type observer struct {
	mu sync.Mutex
	n  int
}

// Received implements intake.Observer.
func (o *observer) Received(_ string, fresh, _ int, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n += fresh
}

func (o *observer) records() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}
