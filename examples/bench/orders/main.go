// Command orders measures webhook → map → SQLite, with durability, and a named
// peer doing the same in the same run.
//
//	go run ./examples/bench/orders
//
// Crossdock answers the webhook when the order is on disk and inserts it behind
// that, in order per key, with an inbox row in the same transaction. Bento
// v1.10.0 answers when its row is committed. So two figures are given: the time
// to the answer, and orders a second until every row is in the database, with
// SQLite at synchronous=FULL for both. Bento is built as a program of its own,
// in the user's cache folder; with -peer=false it is left out.
package main

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	_ "modernc.org/sqlite"
)

//go:embed project bento.yaml bento_main.go.txt
var files embed.FS

// result is one line of the table.
type result struct {
	System  string  `json:"system"`
	Clients int     `json:"clients"`
	Orders  int     `json:"orders"`
	Rate    float64 `json:"orders_per_second"`
	P50     float64 `json:"answer_p50_ms"`
	P99     float64 `json:"answer_p99_ms"`
}

// footprint is what a system takes.
type footprint struct {
	System    string  `json:"system"`
	FirstMS   float64 `json:"start_to_first_answer_ms"`
	IdleMB    float64 `json:"idle_mb"`
	CoreMB    float64 `json:"idle_core_mb"` // without connectors
	LoadedMB  float64 `json:"loaded_mb"`
	Processes int     `json:"processes"`
	BinaryMB  float64 `json:"binary_mb"`
}

type options struct {
	peer   bool
	orders int
	rounds int
	json   bool
}

func main() {
	var o options
	flag.BoolVar(&o.peer, "peer", true, "measure Bento too")
	flag.IntVar(&o.orders, "orders", 3000, "orders in a round; a tenth of it for one client")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds for each number of clients, by turns with the peer")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if o.orders < 10 || o.rounds < 1 {
		fmt.Fprintln(os.Stderr, "orders: -orders must be at least 10 and -rounds at least 1")
		os.Exit(2)
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "crossdock-orders-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all := []*system{newCrossdock(dir)}
	if o.peer {
		all = append(all, newBento(dir))
	}
	var systems []*system
	for _, s := range all {
		if err := s.build(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %v\n", s.name, err)
			continue
		}
		if err := s.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		defer s.stop()
		systems = append(systems, s)
	}
	var results []result
	for _, clients := range []int{1, 16, 64} {
		n := o.orders
		if clients == 1 {
			n = o.orders / 10
		}
		rounds := map[*system][]sample{}
		for range o.rounds {
			for _, s := range systems { // by turns, so that both meet the same machine
				one, err := s.load.run(ctx, s.db, clients, n)
				if err != nil {
					return fmt.Errorf("%s with %d clients: %w", s.name, clients, err)
				}
				rounds[s] = append(rounds[s], one)
				s.footprint.LoadedMB = max(s.footprint.LoadedMB, memory(s.cmd.Process.Pid).mb)
			}
		}
		for _, s := range systems {
			results = append(results, summary(s.name, clients, n, rounds[s]))
		}
	}
	var prints []footprint
	for _, s := range systems {
		prints = append(prints, s.footprint)
	}
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"results": results, "footprint": prints})
	}
	return report(results, prints)
}

func report(results []result, prints []footprint) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "clients\tsystem\torders/s\tanswer p50 ms\tp99 ms\torders/s to the peer's\tp50 to the peer's\t")
	for _, r := range results {
		rate, answer := "", ""
		for _, p := range results {
			if r.System == "crossdock" && p.System != r.System && p.Clients == r.Clients {
				rate, answer = fmt.Sprintf("%.2f", r.Rate/p.Rate), fmt.Sprintf("%.2f", r.P50/p.P50)
			}
		}
		fmt.Fprintf(w, "%d\t%s\t%.0f\t%.2f\t%.2f\t%s\t%s\t\n", r.Clients, r.System, r.Rate, r.P50, r.P99, rate, answer)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println()
	fmt.Fprintln(w, "system\tstart to first answer ms\tidle MB\tof it core\tloaded MB\tprocesses\tbinary MB\t")
	for _, f := range prints {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t%.0f\t\n", f.System, f.FirstMS, f.IdleMB, f.CoreMB, f.LoadedMB, f.Processes, f.BinaryMB)
	}
	return w.Flush()
}

// system is something that takes orders over HTTP and writes them to SQLite.
type system struct {
	name   string
	dir    string
	binary string
	build  func(context.Context) error
	args   []string
	listen string
	file   string // of the database

	cmd       *exec.Cmd
	db        *sql.DB
	load      *load
	footprint footprint
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:18080"
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return "127.0.0.1:18080"
	}
	return address
}

func dsn(file string) string {
	return "file:" + file + "?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)"
}

func newCrossdock(dir string) *system {
	s := &system{name: "crossdock", dir: filepath.Join(dir, "crossdock"), listen: freeAddress()}
	s.binary, s.file = filepath.Join(s.dir, "crossdock"), filepath.Join(s.dir, "erp.db")
	s.args = []string{"run", "-c", s.dir}
	s.build = func(ctx context.Context) error {
		if err := writeProject(s.dir); err != nil {
			return err
		}
		return command(ctx, "", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", s.binary, "github.com/crossdock/crossdock")
	}
	return s
}

func newBento(dir string) *system {
	s := &system{name: "bento", dir: filepath.Join(dir, "bento"), listen: freeAddress()}
	s.file = filepath.Join(s.dir, "erp.db")
	s.args = []string{"-c", filepath.Join(s.dir, "bento.yaml")}
	s.build = func(ctx context.Context) error {
		cache, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		module := filepath.Join(cache, "crossdock-bench", "bento-1.10.0")
		s.binary = filepath.Join(module, "bento")
		if err := os.MkdirAll(s.dir, 0o755); err != nil {
			return err
		}
		conf, err := files.ReadFile("bento.yaml")
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, "bento.yaml"), conf, 0o644)
		}
		if _, statErr := os.Stat(s.binary); err != nil || statErr == nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "building Bento v1.10.0 once, into", module)
		source, err := files.ReadFile("bento_main.go.txt")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(module, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(module, "main.go"), source, 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte("module bench.example/bento\n\ngo 1.24\n"), 0o644); err != nil {
			return err
		}
		for _, c := range [][]string{{"get", "github.com/warpstreamlabs/bento@v1.10.0"}, {"mod", "tidy"}, {"build", "-trimpath", "-ldflags=-s -w", "-o", "bento", "."}} {
			if err := command(ctx, module, "go", c...); err != nil {
				return err
			}
		}
		return nil
	}
	return s
}

func command(ctx context.Context, dir, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// start starts the system and takes its first answer and its idle memory.
func (s *system) start(ctx context.Context) (err error) {
	s.footprint.System = s.name
	if st, err := os.Stat(s.binary); err == nil {
		s.footprint.BinaryMB = float64(st.Size()) / 1e6
	}
	if s.db, err = sql.Open("sqlite", dsn(s.file)); err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, `CREATE TABLE orders (id INTEGER PRIMARY KEY, order_number TEXT, channel TEXT, customer TEXT, currency TEXT, placed_at TEXT, total TEXT)`); err != nil {
		return err
	}
	s.cmd = exec.CommandContext(ctx, s.binary, s.args...)
	s.cmd.Env = append(os.Environ(), "LISTEN="+s.listen, "DB="+dsn(s.file))
	s.cmd.Stdout, s.cmd.Stderr = io.Discard, os.Stderr
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.load = &load{url: "http://" + s.listen + "/orders", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}, Timeout: time.Minute}}
	for s.load.post(ctx, s.load.next()) != nil {
		if ctx.Err() != nil || time.Since(began) > 30*time.Second {
			s.stop()
			return fmt.Errorf("it does not answer on %s", s.listen)
		}
		s.load.sent--
		time.Sleep(2 * time.Millisecond)
	}
	s.footprint.FirstMS = float64(time.Since(began).Microseconds()) / 1000
	time.Sleep(2 * time.Second) // let it come to rest
	m := memory(s.cmd.Process.Pid)
	s.footprint.IdleMB, s.footprint.CoreMB, s.footprint.Processes = m.mb, m.core, m.processes
	return nil
}

func (s *system) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait() // ends by a signal
	_ = s.db.Close()
}

// load sends orders; every order has a number of its own.
type load struct {
	url    string
	client *http.Client
	mu     sync.Mutex
	sent   int
}

func (l *load) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	return l.sent
}

func (l *load) post(ctx context.Context, n int) error {
	body := fmt.Sprintf(`{"order_number":"B%07d","created_at":"2026-01-05T09:00:00Z","currency":"USD","financial_status":"paid",`+
		`"shipping_address":{"name":"Robin Buyer","address1":"12 Harbor St","city":"Portland","zip":"97201","country_code":"US"},`+
		`"line_items":[{"id":"1","sku":"SKU-001","title":"Crew sock 6-pack","quantity":2,"price":"7.25"},{"id":"2","sku":"SKU-002","title":"Fleece throw","quantity":1,"price":"12.50"}],"total_price":"27.00"}`, n)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}

// sample is one round: how long the answers took, and how long it was until
// every row was in the database.
type sample struct {
	took []time.Duration
	all  time.Duration
}

// summary takes the median of the rounds' rates and all their answers.
func summary(system string, clients, n int, rounds []sample) result {
	var took []time.Duration
	var rates []float64
	for _, r := range rounds {
		took = append(took, r.took...)
		rates = append(rates, float64(n)/r.all.Seconds())
	}
	sort.Float64s(rates)
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	ms := func(q float64) float64 {
		return float64(took[min(int(q*float64(len(took))), len(took)-1)].Microseconds()) / 1000
	}
	return result{System: system, Clients: clients, Orders: n * len(rounds), Rate: rates[len(rates)/2], P50: ms(0.5), P99: ms(0.99)}
}

func (l *load) run(ctx context.Context, db *sql.DB, clients, n int) (sample, error) {
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	work := make(chan int)
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range work {
				t := time.Now()
				err := l.post(ctx, n)
				mu.Lock()
				took = append(took, time.Since(t))
				if err != nil && failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		}()
	}
	for range n {
		work <- l.next()
	}
	close(work)
	wg.Wait()
	if failed != nil {
		return sample{}, failed
	}
	for rows := 0; rows < l.sent; time.Sleep(2 * time.Millisecond) {
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&rows); err != nil {
			return sample{}, err
		}
		if time.Since(began) > 5*time.Minute {
			return sample{}, fmt.Errorf("%d of %d orders are in the database after 5 minutes", rows, l.sent)
		}
	}
	return sample{took, time.Since(began)}, nil
}

// resident is the memory of a system's processes.
type resident struct {
	mb, core  float64
	processes int
}

// memory is that of a process and its children. A page that they share, such
// as the program itself, counts for each a part (proc(5), Pss).
func memory(pid int) (m resident) {
	pids := []string{strconv.Itoa(pid)}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, t := range tasks {
		b, _ := os.ReadFile(t) // a thread may have ended
		pids = append(pids, strings.Fields(string(b))...)
	}
	seen := map[string]bool{}
	for _, p := range pids {
		b, err := os.ReadFile("/proc/" + p + "/smaps_rollup")
		if err != nil || seen[p] {
			continue
		}
		seen[p] = true
		for _, line := range strings.Split(string(b), "\n") {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				kb, _ := strconv.ParseFloat(f[1], 64)
				m.mb += kb / 1000
				m.processes++
				if p == pids[0] {
					m.core = kb / 1000
				}
			}
		}
	}
	return m
}
