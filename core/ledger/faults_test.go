package ledger

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openFile(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Options{DSN: "sqlite://" + filepath.ToSlash(path), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func delivered(id string) Outcome {
	return Outcome{Lane: "r/t", MessageID: id, State: Delivered, Hop: Hop{MessageID: id, Route: "r", Target: "t", After: make([]byte, 1024)}}
}

// TestFullDisk limits the file's size, which SQLite reports like a full disk.
func TestFullDisk(t *testing.T) {
	l := openFile(t, filepath.Join(t.TempDir(), "l.db"))
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	var pages int
	if err := l.write.Get(&pages, "PRAGMA page_count"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.write.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+8)); err != nil {
		t.Fatal(err)
	}
	ctx, kept := t.Context(), 0
	var failed error
	for i := range 200 {
		if failed = l.Complete(ctx, delivered(fmt.Sprint(i))); failed != nil {
			break
		}
		kept++
	}
	if !errors.Is(failed, ErrFull) || kept == 0 {
		t.Fatalf("after %d writes: %v", kept, failed)
	}
	if ok, err := l.Completed(ctx, "r/t", fmt.Sprint(kept)); ok || err != nil {
		t.Errorf("the refused outcome is there: %v, %v", ok, err)
	}
	l.Journal(Hop{MessageID: "waits for room", After: make([]byte, 256<<10)})
	if err := l.Flush(ctx); !errors.Is(err, ErrFull) {
		t.Errorf("flush on a full disk: %v", err)
	}
	if _, err := l.write.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := l.Complete(ctx, delivered(fmt.Sprint(kept))); err != nil {
		t.Errorf("after space was freed: %v", err)
	}
	if err := l.Flush(ctx); err != nil {
		t.Error(err)
	}
	if hops, err := l.Trace(ctx, "waits for room"); err != nil || len(hops) != 1 {
		t.Errorf("the journal entry from before is lost: %v, %v", hops, err)
	}
}

func TestDatabasesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	l := openFile(t, newer)
	if _, err := l.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for dsn, want := range map[string]string{
		"sqlite://" + filepath.ToSlash(garbage): ErrCorrupt.Error(),
		"sqlite://" + filepath.ToSlash(newer):   "newer version of crossdock",
		"sqlite://":                             "names no file",
		"mysql://x":                             "must begin with sqlite:// or postgres://",
		"sqlite://" + filepath.ToSlash(filepath.Join(garbage, "below", "l.db")): "garbage.db",
		"postgres://nobody@127.0.0.1:1/none?connect_timeout=2":                  ErrUnavailable.Error(),
	} {
		l, err := Open(t.Context(), Options{DSN: dsn, Log: quiet()})
		if err == nil {
			_ = l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dsn, err, want)
		}
	}
	if content, err := os.ReadFile(garbage); err != nil || !strings.HasPrefix(string(content), "no database") {
		t.Error("the file that is no database was changed")
	}
}

func TestReadOnly(t *testing.T) {
	l := openFile(t, filepath.Join(t.TempDir(), "l.db"))
	defer func() { _ = l.Close() }()
	if _, err := l.write.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Complete(t.Context(), delivered("1")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("write to a read-only database: %v", err)
	}
}

// TestLocked has somebody else hold the write lock.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := openFile(t, path)
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	other, err := sqlx.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	conn, err := other.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.write.Exec("PRAGMA busy_timeout = 20"); err != nil {
		t.Fatal(err)
	}
	if err := l.Complete(t.Context(), delivered("1")); !errors.Is(err, ErrLocked) {
		t.Errorf("while locked: %v", err)
	}
	if ok, err := l.Completed(t.Context(), "r/t", "1"); ok || err != nil {
		t.Errorf("reading goes on, and nothing was written: %v, %v", ok, err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := l.Complete(t.Context(), delivered("1")); err != nil {
		t.Errorf("after it was unlocked: %v", err)
	}
}

// TestSeveralOpenTogether has processes start on one new file at a time, and
// write.
func TestSeveralOpenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			l, err := Open(context.Background(), Options{DSN: "sqlite://" + filepath.ToSlash(path), Log: quiet()})
			if err != nil {
				t.Error(err)
				return
			}
			for n := range 5 {
				if err := l.Complete(context.Background(), delivered(fmt.Sprint(i, "-", n))); err != nil {
					t.Error(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	l := openFile(t, path)
	defer func() { _ = l.Close() }()
	if c, err := l.Counts(t.Context()); err != nil || len(c) != 1 || c[0].Delivered != 20 {
		t.Errorf("counts are %+v, %v", c, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the file: %v, %v", info.Mode(), err)
	}
}

func TestJournalHoldsBack(t *testing.T) {
	var j journal
	j.init()
	if !j.add(make([]Hop, maxJournal)) {
		t.Fatal("refused")
	}
	added := make(chan bool)
	go func() { added <- j.add(make([]Hop, 1)) }()
	select {
	case <-added:
		t.Fatal("an entry more than fits was taken")
	case <-time.After(20 * time.Millisecond):
	}
	p := j.take(10)
	if !<-added {
		t.Fatal("not taken although there was room")
	}
	j.settle(p, false)
	if n := j.close(); n != maxJournal+1 {
		t.Errorf("%d entries are left, want all", n)
	}
}

const killEnv = "CROSSDOCK_TEST_LEDGER"

// TestMain is also the process that TestKill kills.
func TestMain(m *testing.M) {
	if path := os.Getenv(killEnv); path != "" {
		writeUntilKilled(path)
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints the id of what it wrote after the ledger returned.
func writeUntilKilled(path string) {
	ctx := context.Background()
	l, err := Open(ctx, Options{DSN: "sqlite://" + filepath.ToSlash(path), Log: quiet()})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			for i := 0; ; i++ {
				id, kind := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, i), "complete"
				var err error
				switch i % 3 {
				case 0:
					err = l.Complete(ctx, delivered(id))
				case 1:
					kind = "park"
					err = l.Park(ctx, Parked{Lane: "r/t", Key: fmt.Sprint(g), MessageID: id, Route: "r", Target: "t", Payload: []byte(id)})
				case 2:
					kind = "bury"
					_, err = l.Bury(ctx, Dead{Lane: "r/t", Route: "r", Target: "t", MessageID: id, Stage: "deliver", Payload: []byte(id)}, false)
				}
				mu.Lock()
				if err != nil {
					fmt.Println("error", err)
				} else {
					fmt.Println(kind, id)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// TestKill kills a writing process, several times: whatever a call returned for
// is there, and the counters are what the rows say.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	returned := map[string][]string{}
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			kind, id, _ := strings.Cut(lines.Text(), " ")
			if kind == "error" {
				t.Error(id)
			}
			returned[kind] = append(returned[kind], id)
			if n == 100+37*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var ended *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &ended) {
			t.Fatalf("the process ended by itself: %v", err)
		}
	}
	l := openFile(t, path)
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	want := map[string]string{"complete": Delivered, "park": parkedState, "bury": deadState}
	for kind, ids := range returned {
		for _, id := range ids {
			if s, err := l.Standing(t.Context(), "r/t", id, ""); err != nil || s.State != want[kind] {
				t.Fatalf("%s %s returned, but the ledger says %+v, %v", kind, id, s, err)
			}
		}
	}
	var rows RouteCount
	err := l.selectOne(t.Context(), &rows, `SELECT (SELECT count(*) FROM outcomes WHERE state = 'delivered') AS delivered,
		(SELECT count(*) FROM parked) AS parked, (SELECT count(*) FROM dead) AS dead`)
	counts, err2 := l.Counts(t.Context())
	if err := errors.Join(err, err2); err != nil || errors.Is(err, sql.ErrNoRows) {
		t.Fatal(err)
	}
	rows.Route, rows.Target = "r", "t"
	if len(counts) != 1 || counts[0] != rows {
		t.Errorf("counted %+v, rows say %+v", counts, rows)
	}
	if rows.Delivered == 0 || rows.Parked == 0 || rows.Dead == 0 {
		t.Errorf("too little was written to say anything: %+v", rows)
	}
}

// BenchmarkComplete measures durable outcomes, each with a journal entry of 1 KiB
// and two business keys, by the number of callers.
func BenchmarkComplete(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			l, err := Open(context.Background(), Options{DSN: "sqlite://" + filepath.ToSlash(filepath.Join(b.TempDir(), "l.db")), Log: quiet()})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			next := make(chan int)
			var all sync.WaitGroup
			b.ResetTimer()
			for range callers {
				all.Go(func() {
					for i := range next {
						o := delivered(fmt.Sprint("shop.orders/", i, "#shop-orders"))
						o.Hop.Correlation = o.MessageID
						o.Hop.Keys = map[string]string{"order": fmt.Sprint(i), "customer": fmt.Sprint(i % 100)}
						if err := l.Complete(context.Background(), o); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for i := range b.N {
				next <- i
			}
			close(next)
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "outcomes/s")
		})
	}
}
