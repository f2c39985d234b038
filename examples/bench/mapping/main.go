// Command mapping measures a mapping from bytes to bytes: the purchase order of the
// mapping language's example, 20 lines, validated against the target's schema. In
// the same run it measures the same mapping written by hand with encoding/json, and
// in Bloblang of Benthos v4.60.0, which is built as a program of its own; neither
// validates.
//
//	go run ./examples/bench/mapping
//	taskset -c 0 go run ./examples/bench/mapping -peer=false
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/examples/bench/internal/peer"
)

//go:embed bloblang_main.go.txt
var bloblangMain []byte

func main() {
	example := flag.String("example", "core/mapping/testdata", "folder of the example")
	withPeer := flag.Bool("peer", true, "build and run Bloblang as well")
	rounds := flag.Int("rounds", 3, "rounds; the median is told")
	flag.Parse()
	if err := run(*example, *withPeer, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(example string, withPeer bool, rounds int) error {
	began := time.Now()
	m, found := mapping.Check(os.DirFS(example), "example/order-850.yaml")
	if m == nil {
		return fmt.Errorf("run it in the project's folder, or name the example's with -example: %v", found)
	}
	fmt.Printf("the check took %.1f ms\n", float64(time.Since(began).Microseconds())/1000)
	doc, err := os.ReadFile(filepath.Join(example, "docs/order.json"))
	if err != nil {
		return err
	}
	expected, err := typed(doc)
	if err != nil {
		return err
	}
	if err := same(m, doc, expected); err != nil {
		return err
	}
	var ours, byHand figure
	var rates []float64
	for range rounds { // by turns, so that a busy machine is busy for both
		ours.add(testing.Benchmark(func(b *testing.B) { loop(b, func() error { _, err := mapped(m, doc); return err }) }))
		byHand.add(testing.Benchmark(func(b *testing.B) { loop(b, func() error { _, err := typed(doc); return err }) }))
		rates = append(rates, parallel(m, doc, 4)/parallel(m, doc, 1))
	}
	fmt.Printf("%-28s %8.1f µs %5d allocations\n", "Crossdock, validated", ours.micros(), ours.allocations)
	fmt.Printf("%-28s %8.1f µs %5d allocations  Crossdock takes %.2f of the time\n", "typed Go, encoding/json", byHand.micros(), byHand.allocations, ours.micros()/byHand.micros())
	if withPeer {
		theirs, err := bloblang(doc, expected, rounds)
		if err != nil {
			return err
		}
		fmt.Printf("%-28s %8.1f µs %5d allocations  Crossdock is %.1f times as fast\n", "Bloblang, Benthos v4.60.0", theirs.micros(), theirs.allocations, theirs.micros()/ours.micros())
	}
	slices.Sort(rates)
	fmt.Printf("4 goroutines on %d processors: %.2f times the orders of one\n", runtime.GOMAXPROCS(0), rates[len(rates)/2])
	return lines(m, doc)
}

// input is what a run knows besides the document.
var input = mapping.Input{MessageID: "bench", Lookup: func(_ context.Context, _ mapping.Lookup, key string) (string, bool, error) {
	v, ok := tables["sku"][key]
	return v, ok, nil
}}

func mapped(m *mapping.Mapping, doc []byte) ([]byte, error) {
	out, err := m.Map(context.Background(), doc, input)
	return out.Doc, err
}

func typed(doc []byte) ([]byte, error) {
	var s Src
	if err := json.Unmarshal(doc, &s); err != nil {
		return nil, err
	}
	o, err := HandTyped(&s)
	if err != nil {
		return nil, err
	}
	return json.Marshal(o)
}

// same compares the two results as JSON: the order of members is each one's own.
func same(m *mapping.Mapping, doc, expected []byte) error {
	got, err := mapped(m, doc)
	if err != nil {
		return err
	}
	a, err := sorted(got)
	if err != nil {
		return err
	}
	b, err := sorted(expected)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return fmt.Errorf("the mapping makes\n%s\nby hand\n%s", a, b)
	}
	return nil
}

func sorted(doc []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func loop(b *testing.B, do func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
}

// figure is the median of several rounds.
type figure struct {
	nanos       []int64
	allocations int64
}

func (f *figure) add(r testing.BenchmarkResult) {
	f.nanos = append(f.nanos, r.NsPerOp())
	f.allocations = r.AllocsPerOp()
}

func (f *figure) micros() float64 {
	slices.Sort(f.nanos)
	return float64(f.nanos[len(f.nanos)/2]) / 1000
}

func bloblang(doc, expected []byte, rounds int) (figure, error) {
	var f figure
	binary, err := peer.Build("bloblang", "github.com/redpanda-data/benthos/v4@v4.60.0", map[string][]byte{"main.go": bloblangMain})
	if err != nil {
		return f, err
	}
	dir, err := os.MkdirTemp("", "crossdock-bench-mapping-")
	if err != nil {
		return f, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's own clean-up is the second chance
	in, out := filepath.Join(dir, "order.json"), filepath.Join(dir, "expected.json")
	if err := errors.Join(os.WriteFile(in, doc, 0o600), os.WriteFile(out, expected, 0o600)); err != nil {
		return f, err
	}
	for range rounds {
		said, err := exec.Command(binary, in, out).CombinedOutput()
		if err != nil {
			return f, fmt.Errorf("bloblang: %w\n%s", err, said)
		}
		var nanos, allocations int64
		if _, err := fmt.Sscan(string(said), &nanos, &allocations); err != nil {
			return f, fmt.Errorf("bloblang said %q: %w", said, err)
		}
		f.nanos, f.allocations = append(f.nanos, nanos), allocations
	}
	return f, nil
}

// parallel returns how many orders a second several goroutines map.
func parallel(m *mapping.Mapping, doc []byte, goroutines int) float64 {
	const each = 4000
	var wg sync.WaitGroup
	began := time.Now()
	for range goroutines {
		wg.Go(func() {
			for range each {
				_, _ = mapped(m, doc) // it was mapped before
			}
		})
	}
	wg.Wait()
	return float64(goroutines*each) / time.Since(began).Seconds()
}

// lines measures orders of 20 to 10,000 lines: the time of a line stays the same.
func lines(m *mapping.Mapping, doc []byte) error {
	var order map[string]any
	if err := json.Unmarshal(doc, &order); err != nil {
		return err
	}
	all := order["po1"].([]any)
	for _, n := range []int{20, 200, 2000, 10_000} {
		many := make([]any, n)
		for i := range many {
			line := map[string]any{}
			for k, v := range all[i%len(all)].(map[string]any) {
				line[k] = v
			}
			line["line"] = fmt.Sprint(i + 1)
			many[i] = line
		}
		order["po1"], order["ctt"] = many, map[string]any{"count": fmt.Sprint(n), "hash": "0"}
		long, err := json.Marshal(order)
		if err != nil {
			return err
		}
		if _, err := mapped(m, long); err != nil {
			return err
		}
		r := testing.Benchmark(func(b *testing.B) { loop(b, func() error { _, err := mapped(m, long); return err }) })
		fmt.Printf("%6d lines %10.1f µs %7.3f µs a line %5d allocations\n", n, float64(r.NsPerOp())/1000, float64(r.NsPerOp())/1000/float64(n), r.AllocsPerOp())
	}
	return nil
}
