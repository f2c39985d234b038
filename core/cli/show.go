package cli

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/crossdock/crossdock/core/node"
)

// show is the demo's live display, on standard error: a table that is drawn
// over itself in a terminal, a line every two seconds elsewhere.
type show struct {
	a        *app
	terminal bool

	mu     sync.Mutex
	drawn  int // lines of the table on the screen
	last   time.Time
	began  time.Time
	events []string
}

func newShow(a *app) *show {
	f, ok := a.Err.(*os.File)
	return &show{a: a, terminal: ok && !a.json && term.IsTerminal(int(f.Fd())), began: time.Now()}
}

// status draws the state of the routes.
func (s *show) status(routes []node.RouteStatus, sent int, driving bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal {
		s.draw(routes, sent, driving)
		return
	}
	if time.Since(s.last) < 2*time.Second {
		return
	}
	s.last = time.Now()
	var received, delivered, retried, dead int64
	var waiting uint64
	for _, r := range routes {
		received, delivered, retried, dead = received+r.Received, delivered+r.Delivered, retried+r.Retried, dead+r.Dead
		waiting += r.Lag + uint64(r.Parked)
	}
	fmt.Fprintf(s.a.Err, "%4.0fs  sent %d, received %d, delivered %d, retried %d, waiting %d, dead letters %d\n",
		time.Since(s.began).Seconds(), sent, received, delivered, retried, waiting, dead)
}

func (s *show) draw(routes []node.RouteStatus, sent int, driving bool) {
	var b bytes.Buffer
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", s.drawn) // up, and clear to the end
	}
	for _, e := range s.events {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	s.events = nil
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "route\treceived\tdelivered\tlag\tparked\tretried\tduplicates\tdead\tstate\t")
	for _, r := range routes {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", r.Name, r.Received, r.Delivered, r.Lag, r.Parked, r.Retried, r.Duplicates, r.Dead, r.State)
	}
	_ = w.Flush()
	what := "making documents"
	if !driving {
		what = "waiting for the last ones"
	}
	fmt.Fprintf(&table, "%.0f s, %d documents sent, %s\n", time.Since(s.began).Seconds(), sent, what)
	s.drawn = bytes.Count(table.Bytes(), []byte("\n"))
	b.Write(table.Bytes())
	_, _ = s.a.Err.Write(b.Bytes())
}

// end leaves the last table standing.
func (s *show) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drawn = 0
}

// event says what the retailer does on purpose.
func (s *show) event(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text = fmt.Sprintf("%.0fs  %s", time.Since(s.began).Seconds(), text)
	if s.terminal {
		s.events = append(s.events, text)
		return
	}
	fmt.Fprintln(s.a.Err, "  "+text)
}

// handler makes the display the log of the retailer.
func (s *show) handler() slog.Handler { return showHandler{s} }

type showHandler struct{ *show }

func (h showHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h showHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h showHandler) WithGroup(string) slog.Handler            { return h }

func (h showHandler) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" (%s %v)", a.Key, a.Value)
		return true
	})
	h.event(text)
	return nil
}
