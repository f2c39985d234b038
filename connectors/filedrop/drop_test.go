package filedrop_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func TestDropReadsAndArchives(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		r := open(t, p, newMemory(), newClock(), func(o *filedrop.Options) { o.Match = []string{"*.csv", "*.txt"} })
		p.write(t, "in/b.csv", "second")
		p.write(t, "in/a.csv", "first")
		p.write(t, "in/skip.xml", "other")
		p.write(t, "in/c.csv.tmp", "half")
		p.write(t, "in/.hidden.csv", "half")
		a := r.nextNamed(t, "a.csv")
		content, err := r.Drop.Read(a)
		must(t, err)
		if string(content) != "first" || a.Size != 5 || len(a.ID) != 32 || !strings.HasPrefix(a.Hash, a.ID) {
			t.Errorf("document %+v with content %q", a, content)
		}
		b := r.nextNamed(t, "b.csv")
		r.none(t)
		wantTree(t, p, "in/.claimed/acme.orders/a.csv", "in/.claimed/acme.orders/b.csv", "in/.hidden.csv", "in/c.csv.tmp", "in/skip.xml")
		must(t, r.Archive(t.Context(), a))
		must(t, r.Archive(t.Context(), b))
		wantTree(t, p, "in/.hidden.csv", "in/archive/2026-03-14/a.csv", "in/archive/2026-03-14/b.csv", "in/c.csv.tmp", "in/skip.xml")
	})
}

func TestDropNeverReadsHalf(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		r := open(t, p, newMemory(), newClock(), nil)
		for i := range 6 { // grows for longer than stableFor
			p.write(t, "in/a.csv", strings.Repeat("line\n", i+1))
			doc, err := r.TryNext(t.Context())
			must(t, err)
			if doc != nil {
				t.Fatalf("read after %d writes", i+1)
			}
			r.clock.pass(4 * time.Second)
		}
		if doc := r.nextNamed(t, "a.csv"); doc.Size != 30 {
			t.Errorf("size %d, want 30", doc.Size)
		}
	})
}

// A writer that pauses for longer than stableFor still has the file open when
// it is claimed.
func TestDropNoticesWritingAfterTheClaim(t *testing.T) {
	p := sftpPlace(t)
	r := open(t, p, newMemory(), newClock(), nil)
	p.write(t, "in/a.csv", "half")
	var grown atomic.Bool
	p.server.Hook(func(op, _ string) error {
		if op == "Read" && grown.CompareAndSwap(false, true) {
			p.write(t, "in/.claimed/acme.orders/a.csv", "half and the rest")
		}
		return nil
	})
	doc := r.nextNamed(t, "a.csv")
	content, err := r.Drop.Read(doc)
	must(t, err)
	if string(content) != "half and the rest" {
		t.Errorf("content %q", content)
	}
}

func TestDropDoneFile(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		r := open(t, p, newMemory(), newClock(), func(o *filedrop.Options) { o.DoneFile = "{stem}.ok" })
		p.write(t, "in/a.csv", "first")
		r.none(t)
		p.write(t, "in/a.ok", "")
		doc, err := r.TryNext(t.Context()) // at once, without waiting for stability
		must(t, err)
		if doc == nil {
			t.Fatal("a file with a done file was not read at once")
		}
		must(t, r.Archive(t.Context(), doc))
		wantTree(t, p, "in/archive/2026-03-14/a.csv")
	})
}

func TestDropReadersNeverShareAFile(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		const files = 60
		clock := newClock()
		var readers []*reader
		for i := range 3 {
			readers = append(readers, open(t, p, newMemory(), clock, func(o *filedrop.Options) { o.Instance = fmt.Sprintf("reader-%d", i) }))
		}
		for i := range files {
			p.write(t, fmt.Sprintf("in/%03d.csv", i), fmt.Sprint("content ", i))
		}
		for _, r := range readers { // all have seen all files
			if doc, err := r.TryNext(t.Context()); doc != nil || err != nil {
				t.Fatalf("%v, %v", doc, err)
			}
		}
		clock.pass(time.Minute)
		var mu sync.Mutex
		var names []string
		var work sync.WaitGroup
		for _, r := range readers {
			work.Go(func() {
				for {
					doc, err := r.TryNext(t.Context())
					if err != nil {
						t.Error(err)
					}
					if doc == nil {
						return
					}
					if err := r.Archive(t.Context(), doc); err != nil {
						t.Error(err)
					}
					mu.Lock()
					names = append(names, doc.Name)
					mu.Unlock()
				}
			})
		}
		work.Wait()
		sort.Strings(names)
		if len(names) != files {
			t.Fatalf("%d files were read, want %d: %v", len(names), files, names)
		}
		for i, name := range names {
			if name != fmt.Sprintf("%03d.csv", i) {
				t.Fatalf("file %d is %s: one was read twice", i, name)
			}
		}
	})
}

func TestDropAfterACrash(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		m, c := newMemory(), newClock()
		first := open(t, p, m, c, nil)
		p.write(t, "in/a.csv", "first")
		before := first.nextNamed(t, "a.csv") // and never again heard of

		second := open(t, p, m, c, nil)
		again, err := second.TryNext(t.Context()) // at once: it was complete
		must(t, err)
		if again == nil || again.ID != before.ID {
			t.Fatalf("after the crash: %+v, want the ID %s", again, before.ID)
		}
		must(t, second.Archive(t.Context(), again))
		wantTree(t, p, "in/archive/2026-03-14/a.csv")
		second.none(t)
	})
}

// The hash is remembered and the process dies before it moves the file.
func TestDropCrashBetweenMemoryAndMove(t *testing.T) {
	p := sftpPlace(t)
	m, c := newMemory(), newClock()
	first := open(t, p, m, c, nil)
	p.write(t, "in/a.csv", "first")
	doc := first.nextNamed(t, "a.csv")
	p.server.Hook(func(op, _ string) error {
		if op == "Rename" {
			return errors.New("died here")
		}
		return nil
	})
	if err := first.Archive(t.Context(), doc); err == nil || !strings.Contains(err.Error(), "a.csv") {
		t.Fatalf("archive: %v, want an error that names the file", err)
	}
	p.server.Hook(nil)
	second := open(t, p, m, c, nil)
	second.none(t)
	if len(second.repeats) > 0 {
		t.Errorf("reported as a repetition: %v", second.repeats)
	}
	wantTree(t, p, "in/archive/2026-03-14/a.csv")
}

// A move that fails is tried again without a restart.
func TestDropMovesLater(t *testing.T) {
	p := sftpPlace(t)
	r := open(t, p, newMemory(), newClock(), nil)
	p.write(t, "in/a.csv", "first")
	p.write(t, "in/b.csv", "broken")
	a, b := r.nextNamed(t, "a.csv"), r.nextNamed(t, "b.csv")
	p.server.Refuse(true)
	for _, err := range []error{r.Archive(t.Context(), a), r.Quarantine(t.Context(), b, errors.New("why"))} {
		if classOf(err) != sdk.NotConnected {
			t.Errorf("without a server: %v, want NotConnected", err)
		}
	}
	p.server.Refuse(false)
	r.none(t)
	wantTree(t, p, "in/archive/2026-03-14/a.csv", "in/error/b.csv", "in/error/b.csv.reason.txt")
}

// The server renames and the connection is lost before both answers.
func TestDropFindsItsUnansweredClaim(t *testing.T) {
	p := sftpPlace(t)
	r := open(t, p, newMemory(), newClock(), nil)
	p.write(t, "in/a.csv", "first")
	r.clock.pass(0)
	if _, err := r.TryNext(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.clock.pass(time.Minute)
	p.server.Hook(func(op, _ string) error {
		if op == "PosixRename" {
			must(t, os.Rename(filepath.Join(p.dir, "in/a.csv"), filepath.Join(p.dir, "in/.claimed/acme.orders/a.csv")))
			p.server.Refuse(true)
		}
		return nil
	})
	if _, err := r.TryNext(t.Context()); classOf(err) != sdk.NotConnected {
		t.Fatalf("cut claim: %v, want NotConnected", err)
	}
	p.server.Hook(nil)
	p.server.Refuse(false)
	r.nextNamed(t, "a.csv")
}

func TestDropDuplicates(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		m, c := newMemory(), newClock()
		r := open(t, p, m, c, nil)
		p.write(t, "in/a.csv", "same")
		p.write(t, "in/twin.csv", "same")
		a := r.nextNamed(t, "a.csv")
		r.none(t) // the twin waits for a's fate
		must(t, r.Archive(t.Context(), a))
		r.none(t)
		p.write(t, "in/a.csv", "same")
		r.none(t)
		if got := strings.Join(r.repeats, ", "); got != "twin.csv = a.csv, a.csv = a.csv" {
			t.Errorf("reported repetitions: %s", got)
		}
		c.pass(12 * time.Hour)
		p.write(t, "in/a.csv", "other")
		must(t, r.Archive(t.Context(), r.nextNamed(t, "a.csv")))
		wantTree(t, p, "in/archive/2026-03-14/a.csv", "in/archive/2026-03-14/duplicates/a.csv", "in/archive/2026-03-14/duplicates/twin.csv", "in/archive/2026-03-15/a.csv")

		c.pass(31 * 24 * time.Hour)
		p.write(t, "in/a.csv", "same")
		again := r.nextNamed(t, "a.csv") // forgotten by now
		if again.ID != a.ID {
			t.Errorf("id %s, want %s", again.ID, a.ID)
		}
	})
}

func TestDropTwinOfABrokenFileIsRead(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		r := open(t, p, newMemory(), newClock(), nil)
		p.write(t, "in/a.csv", "same")
		p.write(t, "in/b.csv", "same")
		a := r.nextNamed(t, "a.csv")
		must(t, r.Quarantine(t.Context(), a, errors.New("line 1: no")))
		must(t, r.Quarantine(t.Context(), r.nextNamed(t, "b.csv"), errors.New("line 1: no")))
	})
}

func TestDropIdentities(t *testing.T) {
	p := sftpPlace(t)
	for _, c := range []struct {
		by        filedrop.Duplicates
		same      bool // a.csv and b.csv of one content have one ID
		sameAgain bool // a.csv written later has the same ID
	}{{filedrop.ByContent, true, true}, {filedrop.ByNameAndContent, false, true}, {filedrop.Never, false, false}} {
		id := func(name string, at time.Time) string {
			r := open(t, p, newMemory(), newClock(), func(o *filedrop.Options) { o.Duplicates = c.by })
			p.write(t, "in/"+name, "same")
			must(t, os.Chtimes(filepath.Join(p.dir, "in", name), at, at))
			doc := r.nextNamed(t, name)
			must(t, r.Archive(t.Context(), doc))
			return doc.ID
		}
		day := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
		a, b, later := id("a.csv", day), id("b.csv", day), id("a.csv", day.Add(time.Hour))
		if (a == b) != c.same || (a == later) != c.sameAgain {
			t.Errorf("%s: %s %s %s", c.by, a, b, later)
		}
	}
}

func TestDropNeverOverwrites(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		r := open(t, p, newMemory(), newClock(), nil)
		for i := range 3 {
			p.write(t, "in/a.csv", fmt.Sprint("content ", i))
			must(t, r.Archive(t.Context(), r.nextNamed(t, "a.csv")))
			p.write(t, "in/a.csv", fmt.Sprint("broken ", i))
			must(t, r.Quarantine(t.Context(), r.nextNamed(t, "a.csv"), fmt.Errorf("reason %d", i)))
		}
		seen := map[string]bool{}
		for _, name := range p.tree(t) {
			seen[p.read(t, name)] = true
		}
		for i := range 3 {
			for _, content := range []string{fmt.Sprint("content ", i), fmt.Sprint("broken ", i)} {
				if !seen[content] {
					t.Errorf("%q is lost: %v", content, p.tree(t))
				}
			}
		}
	})
}

// A second file of a name that is in work waits for the first.
func TestDropSameNameTwice(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		r := open(t, p, newMemory(), newClock(), nil)
		p.write(t, "in/a.csv", "one")
		one := r.nextNamed(t, "a.csv")
		p.write(t, "in/a.csv", "two")
		r.none(t)
		content, err := r.Drop.Read(one)
		must(t, err)
		if string(content) != "one" {
			t.Errorf("content %q", content)
		}
		must(t, r.Archive(t.Context(), one))
		r.nextNamed(t, "a.csv")
	})
}

func TestDropQuarantine(t *testing.T) {
	eachTransport(t, func(t *testing.T, p place) {
		r := open(t, p, newMemory(), newClock(), func(o *filedrop.Options) { o.MaxSize = 10 })
		p.write(t, "in/a.csv", "broken")
		p.write(t, "in/huge.csv", strings.Repeat("x", 11))
		a := r.nextNamed(t, "a.csv")
		planned, err := r.PlanQuarantine(t.Context(), a)
		must(t, err)
		must(t, r.Quarantine(t.Context(), a, errors.New("a.csv:3:1: the row has 2 cells")))
		if planned != "in/error/a.csv" || p.read(t, planned) != "broken" {
			t.Errorf("kept at %s", planned)
		}
		reason := p.read(t, "in/error/a.csv.reason.txt")
		for _, part := range []string{"a.csv:3:1: the row has 2 cells", a.Hash, "2026-03-14"} {
			if !strings.Contains(reason, part) {
				t.Errorf("the reason lacks %q:\n%s", part, reason)
			}
		}
		huge := r.nextNamed(t, "huge.csv")
		if huge.Problem == nil || !strings.Contains(huge.Problem.Error(), "huge.csv has 11 bytes; the limit is 10") {
			t.Errorf("problem %v", huge.Problem)
		}
		must(t, r.Quarantine(t.Context(), huge, huge.Problem))
		r.none(t)
		wantTree(t, p, "in/error/a.csv", "in/error/a.csv.reason.txt", "in/error/huge.csv", "in/error/huge.csv.reason.txt")
	})
}

func TestDropRelease(t *testing.T) {
	p := sftpPlace(t)
	r := open(t, p, newMemory(), newClock(), nil)
	p.write(t, "in/a.csv", "one")
	doc := r.nextNamed(t, "a.csv")
	r.Release(doc)
	again := r.nextNamed(t, "a.csv")
	if again.ID != doc.ID {
		t.Errorf("id %s, want %s", again.ID, doc.ID)
	}
}

func TestDropWithoutState(t *testing.T) {
	p := sftpPlace(t)
	m := newMemory()
	r := open(t, p, m, newClock(), nil)
	p.write(t, "in/a.csv", "one")
	doc := r.nextNamed(t, "a.csv")
	m.fail = errors.New("the core is gone")
	if err := r.Archive(t.Context(), doc); err == nil {
		t.Error("archived without remembering")
	}
	wantTree(t, p, "in/.claimed/acme.orders/a.csv")
	m.mu.Lock()
	m.fail = nil
	m.mu.Unlock()
	r.none(t)
	wantTree(t, p, "in/archive/2026-03-14/a.csv")
}

func TestNextWaitsAndStops(t *testing.T) {
	p := sftpPlace(t)
	r := open(t, p, newMemory(), newClock(), func(o *filedrop.Options) {
		o.Now, o.StableFor, o.Every = time.Now, 20*time.Millisecond, 20*time.Millisecond
	})
	ctx, cancel := context.WithCancel(t.Context())
	found := make(chan error, 2)
	go func() {
		doc, err := r.Next(ctx)
		if err == nil && doc.Name != "a.csv" {
			err = errors.New(doc.Name)
		}
		found <- err
		_, err = r.Next(ctx)
		found <- err
	}()
	p.write(t, "in/a.csv", "one")
	must(t, <-found)
	cancel()
	if err := <-found; !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
}

func TestOpenDropRefuses(t *testing.T) {
	p := sftpPlace(t)
	p.write(t, "in/x", "")
	for name, change := range map[string]func(*filedrop.Options){
		"absent":        func(o *filedrop.Options) { o.Folder = "absent" },
		"pattern":       func(o *filedrop.Options) { o.Match = []string{"[a"} },
		"done file":     func(o *filedrop.Options) { o.DoneFile = "done" },
		"instance path": func(o *filedrop.Options) { o.Instance = "../x" },
	} {
		options := filedrop.Options{Folder: "in", Instance: "i", Spool: t.TempDir(), State: newMemory()}
		change(&options)
		if _, err := filedrop.OpenDrop(t.Context(), p.fs, options); classOf(err) != sdk.BadConfig {
			t.Errorf("%s: %v, want BadConfig", name, err)
		}
	}
}
