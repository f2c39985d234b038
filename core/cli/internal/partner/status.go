package partner

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/ledger"
)

// question is what `partner status` is asked.
type question struct {
	all          bool
	control, key string
	limit        int
	now          time.Time
}

func statusCommand(p Project) *cobra.Command {
	q := question{}
	c := &cobra.Command{
		Use: "status [id]", Short: "Tell how far the acknowledgements of what we sent are", Args: cobra.MaximumNArgs(1),
		Long: `Tells from the ledger, beside a running node or without one: how many interchanges
were sent, how they were answered, and which wait for an acknowledgement or were
refused. Without an id all partners are counted, a line each.

--control shows one interchange by its control number, --key those of a document
number, --all every one of the ledger, the latest first.`,
		Example: "  crossdock partner status\n  crossdock partner status acme\n  crossdock partner status acme --control 42\n  crossdock partner status acme --key 4711 --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			t := toolOf(cmd, p)
			q.now = time.Now()
			if len(args) == 0 && (q.all || q.control != "" || q.key != "") {
				return exit.Misuse("--all, --control and --key are about one partner; name it")
			}
			if q.limit < 1 {
				return exit.Misuse("--limit %d: it is a number from 1", q.limit)
			}
			project, loaded := p.Load()
			if project == nil {
				return exit.Fail(loaded.Err())
			}
			if len(args) > 0 && project.Partners[args[0]] == nil {
				return unknown(args[0], project)
			}
			l, err := p.Ledger(cmd.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			if len(args) == 0 {
				return t.statuses(cmd.Context(), project, l, q)
			}
			s, err := standing(cmd.Context(), project, l, args[0], q)
			if err != nil {
				return exit.Fail(err)
			}
			return t.status(s, q)
		},
	}
	c.Flags().BoolVar(&q.all, "all", false, "list every interchange, not only those that need somebody")
	c.Flags().StringVar(&q.control, "control", "", "show the interchange of this control number")
	c.Flags().StringVar(&q.key, "key", "", "show the interchanges with the document of this number")
	c.Flags().IntVar(&q.limit, "limit", 100, "list at most so many interchanges")
	return c
}

// Standing is how far the acknowledgements of a partner are. Scripts rely on its
// JSON.
type Standing struct {
	Partner     string   `json:"partner"`
	Connections []string `json:"connections"`
	// Sent counts interchanges: all of the ledger, and those of the last 30 days by
	// what became of them.
	Sent   int                     `json:"sent"`
	Recent map[exchange.Status]int `json:"last_30_days"`
	// Waiting and Overdue are of all time.
	Waiting int `json:"waiting"`
	Overdue int `json:"overdue"`
	// Last is when the latest was sent.
	Last time.Time `json:"last_sent,omitzero"`
	// Entries are those that need somebody, or those asked for, the latest first.
	Entries []Entry `json:"interchanges"`
	// More is how many were left out.
	More int `json:"more,omitempty"`
}

// Entry is one interchange that we sent.
type Entry struct {
	Connection string `json:"connection"`
	exchange.Entry
}

// recently is what the counts are about.
const recently = 30 * 24 * time.Hour

// statuses in the order in which they are told.
var statuses = []exchange.Status{
	exchange.Waiting, exchange.Overdue, exchange.Accepted, exchange.AcceptedWithErrors, exchange.PartiallyAccepted, exchange.Rejected, exchange.Unanswered,
}

// standing reads what the connections of a partner sent.
func standing(ctx context.Context, project *config.Project, l *ledger.Ledger, id string, q question) (*Standing, error) {
	s := &Standing{Partner: id, Connections: []string{}, Recent: map[exchange.Status]int{}, Entries: []Entry{}}
	for _, c := range connections(project, id) {
		s.Connections = append(s.Connections, c.Name.Value)
		const page = 1000
		for after := ""; ; {
			list, err := l.StatePage(ctx, c.Name.Value, exchange.EntryPrefix, after, page)
			if err != nil {
				return nil, err
			}
			for _, r := range list {
				e, err := exchange.Decode(r.Value)
				if err != nil {
					return nil, fmt.Errorf("the ledger's entry %s of %s is damaged: %w", r.Key, c.Name.Value, err)
				}
				s.take(Entry{c.Name.Value, e}, q)
			}
			if len(list) < page {
				break
			}
			after = list[len(list)-1].Key
		}
	}
	s.order(q.limit)
	return s, nil
}

// take counts an entry and keeps it when it was asked for.
func (s *Standing) take(e Entry, q question) {
	if e.Number == 0 {
		return // a place that was never filled
	}
	if e.Status == exchange.Waiting && !e.Due.IsZero() && e.Due.Before(q.now) {
		e.Status = exchange.Overdue // that nobody has told yet
	}
	s.Sent++
	if e.At.After(s.Last) {
		s.Last = e.At
	}
	recent := q.now.Sub(e.At) < recently
	if recent {
		s.Recent[e.Status]++
	}
	switch e.Status {
	case exchange.Waiting:
		s.Waiting++
	case exchange.Overdue:
		s.Overdue++
	}
	if !q.wants(e, recent) {
		return
	}
	s.Entries = append(s.Entries, e)
	if len(s.Entries) >= 2*q.limit+1000 {
		s.order(q.limit) // so that a long ledger does not fill the memory
	}
}

func (q question) wants(e Entry, recent bool) bool {
	switch {
	case q.control != "":
		return strings.TrimLeft(e.Control, "0") == strings.TrimLeft(q.control, "0")
	case q.key != "":
		return slices.ContainsFunc(e.Documents, func(d exchange.Document) bool { return d.Key == q.key })
	case q.all:
		return true
	}
	switch e.Status {
	case exchange.Waiting, exchange.Overdue:
		return true
	case exchange.Rejected, exchange.PartiallyAccepted:
		return recent
	}
	return false
}

// order keeps the latest entries.
func (s *Standing) order(limit int) {
	slices.SortFunc(s.Entries, func(a, b Entry) int { return b.At.Compare(a.At) })
	if len(s.Entries) > limit {
		s.More += len(s.Entries) - limit
		s.Entries = s.Entries[:limit]
	}
}

// statuses counts all partners, a line each.
func (t *tool) statuses(ctx context.Context, project *config.Project, l *ledger.Ledger, q question) error {
	out := []*Standing{}
	for _, id := range ids(project) {
		s, err := standing(ctx, project, l, id, q)
		if err != nil {
			return exit.Fail(err)
		}
		out = append(out, s)
	}
	if t.json {
		return t.printJSON(out)
	}
	if len(out) == 0 {
		fmt.Fprintln(t.out, "there is no partner in this project; `crossdock partner new acme` writes its files")
		return nil
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "partner\tsent\twaiting\toverdue\trefused, 30 days\tlast sent")
	for _, s := range out {
		last := "never"
		if !s.Last.IsZero() {
			last = clock(s.Last)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\n", s.Partner, s.Sent, s.Waiting, s.Overdue, s.Recent[exchange.Rejected]+s.Recent[exchange.PartiallyAccepted], last)
	}
	return exit.Fail(w.Flush())
}

func clock(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") }

// status tells of one partner.
func (t *tool) status(s *Standing, q question) error {
	if len(s.Entries) == 0 && (q.control != "" || q.key != "") {
		return exit.Fail(fmt.Errorf("nothing was sent to %s with this number; `crossdock partner status %s --all` lists what was", s.Partner, s.Partner))
	}
	if t.json {
		return t.printJSON(s)
	}
	if q.control != "" || q.key != "" {
		for _, e := range s.Entries {
			printEntry(t.out, e)
		}
		return nil
	}
	if len(s.Connections) == 0 {
		fmt.Fprintf(t.out, "no connection uses the partner %s; write `partner: %s` into one\n", s.Partner, s.Partner)
		return nil
	}
	fmt.Fprintf(t.out, "%s: %d sent, %d waiting, %d overdue\n", s.Partner, s.Sent, s.Waiting, s.Overdue)
	var counts []string
	for _, status := range statuses {
		if n := s.Recent[status]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, label(status)))
		}
	}
	if len(counts) == 0 {
		counts = []string{"nothing sent"}
	}
	fmt.Fprintf(t.out, "last 30 days: %s\n", strings.Join(counts, ", "))
	return t.list(s)
}

func label(s exchange.Status) string {
	if s == exchange.Waiting {
		return "waiting"
	}
	return string(s)
}

func (t *tool) list(s *Standing) error {
	if len(s.Entries) == 0 {
		return nil
	}
	fmt.Fprintln(t.out)
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "control\tstatus\tdocuments\tsent\tdue\tfile")
	for _, e := range s.Entries {
		due := ""
		if !e.Due.IsZero() {
			due = clock(e.Due)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Control, label(e.Status), documents(e), clock(e.At), due, e.File)
	}
	if err := w.Flush(); err != nil {
		return exit.Fail(err)
	}
	if s.More > 0 {
		fmt.Fprintf(t.out, "… and %d more; --limit shows them\n", s.More)
	}
	return nil
}

func documents(e Entry) string {
	const most = 3
	var out []string
	for i, d := range e.Documents {
		if i == most {
			out = append(out, fmt.Sprintf("… and %d more", len(e.Documents)-most))
			break
		}
		out = append(out, strings.TrimSpace(d.Set+" "+d.Key))
	}
	return strings.Join(out, ", ")
}

// printEntry tells everything of one interchange.
func printEntry(w io.Writer, e Entry) {
	fmt.Fprintf(w, "interchange %s of %s: %s\n", e.Control, e.Connection, label(e.Status))
	fmt.Fprintf(w, "  sent %s", clock(e.At))
	if e.File != "" {
		fmt.Fprintf(w, " as %s", e.File)
	}
	if !e.Due.IsZero() {
		fmt.Fprintf(w, ", acknowledgement due %s", clock(e.Due))
	}
	fmt.Fprintln(w)
	if e.Kind != "" {
		fmt.Fprintf(w, "  answered by %s of interchange %s on %s\n", e.Kind, e.Answer, clock(e.Answered))
	}
	for _, d := range e.Documents {
		status := d.Status
		if status == "" {
			status = e.Status
		}
		fmt.Fprintf(w, "  %s %s%s: %s", d.Set, d.Control, number(d.Key), label(status))
		if d.Message != "" {
			fmt.Fprintf(w, " (message %s)", d.Message)
		}
		fmt.Fprintln(w)
	}
	for _, n := range e.Notes {
		fmt.Fprintf(w, "  they found: %s\n", n)
	}
}
