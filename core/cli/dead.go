package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/ledger"
)

func (a *app) deadCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "dead",
		Short: "Look at dead letters, correct them, send them again",
		Long: `A dead letter is a document that failed for good: it could not be read, could
not be mapped, or its target refused it. It is kept whole until someone decides.`,
		Example: "  crossdock dead list --route shop-orders\n  crossdock dead show d-000017\n  crossdock dead edit d-000017 --file fixed.json\n  crossdock dead replay d-000017 --why 'item was created'",
	}
	c.AddCommand(a.deadListCommand(), a.deadShowCommand(), a.deadEditCommand(), a.deadReplayCommand(), a.deadDiscardCommand())
	return c
}

// deadFilter are the flags that select dead letters.
type deadFilter struct {
	route, target, connection, code, class, key, state string
	since                                              time.Duration
	all                                                bool
	limit                                              int
}

func (f *deadFilter) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.route, "route", "", "only of this route")
	c.Flags().StringVar(&f.target, "target", "", "only of this endpoint")
	c.Flags().StringVar(&f.connection, "connection", "", "only of this connection")
	c.Flags().StringVar(&f.code, "code", "", "only with this error code, such as sql.foreign_key")
	c.Flags().StringVar(&f.class, "class", "", "only of this class, such as PERMANENT")
	c.Flags().StringVar(&f.key, "key", "", "only of this ordering key")
	c.Flags().DurationVar(&f.since, "since", 0, "only of the last while, such as 24h")
}

func (f *deadFilter) ledger(ids []string) ledger.DeadFilter {
	out := ledger.DeadFilter{
		Route: f.route, Target: f.target, Connection: f.connection, Code: f.code, Class: f.class, Key: f.key,
		State: f.state, Limit: f.limit, IDs: ids,
	}
	if f.since > 0 {
		out.Since = time.Now().Add(-f.since)
	}
	return out
}

// narrow reports whether anything selects: a bulk command without it would
// mean everything, which must be said with --all.
func (f *deadFilter) narrow() bool {
	return f.route+f.target+f.connection+f.code+f.class+f.key != "" || f.since > 0
}

func (a *app) deadListCommand() *cobra.Command {
	var f deadFilter
	c := &cobra.Command{
		Use: "list", Short: "List dead letters, newest first", Args: cobra.NoArgs,
		Example: "  crossdock dead list\n  crossdock dead list --code sql.foreign_key --since 24h --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.ledger(cmd.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			list, err := l.DeadList(cmd.Context(), f.ledger(nil))
			if err != nil {
				return fail(err)
			}
			return a.printDeadList(list)
		},
	}
	f.flags(c)
	c.Flags().StringVar(&f.state, "state", "", "dead, held, requeued, replayed or discarded; default all")
	c.Flags().IntVar(&f.limit, "limit", 100, "how many")
	return c
}

// deadJSON is a dead letter as --json prints it.
type deadJSON struct {
	ID        string            `json:"id"`
	State     string            `json:"state"`
	At        time.Time         `json:"at"`
	Route     string            `json:"route"`
	Target    string            `json:"target"`
	Stage     string            `json:"stage"`
	Class     string            `json:"class"`
	Code      string            `json:"code"`
	Reason    string            `json:"reason"`
	Stack     string            `json:"stack,omitempty"`
	Attempts  int               `json:"attempts"`
	Edited    bool              `json:"edited,omitempty"`
	MessageID string            `json:"message_id"`
	Key       string            `json:"key"`
	Keys      map[string]string `json:"keys,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Payload   any               `json:"payload,omitempty"`
}

func newDeadJSON(d ledger.Dead, whole bool) deadJSON {
	out := deadJSON{
		ID: d.ID, State: d.State, At: d.At, Route: d.Route, Target: d.Target, Stage: d.Stage, Class: d.Class, Code: d.Code,
		Reason: d.Reason, Attempts: d.Attempts, Edited: d.Edited, MessageID: d.MessageID, Key: d.Key, Keys: d.Keys,
	}
	if whole {
		out.Stack, out.Metadata, out.Payload = d.Stack, d.Metadata, document(d.Payload)
	}
	return out
}

func (a *app) printDeadList(list []ledger.Dead) error {
	if a.json {
		out := make([]deadJSON, len(list))
		for i, d := range list {
			out[i] = newDeadJSON(d, false)
		}
		return a.printJSON(out)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.Out, "no dead letters")
		return nil
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "id\tstate\tat\troute\ttarget\tdocument\tcode\treason")
	for _, d := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.ID, d.State, d.At.Local().Format("01-02 15:04:05"), d.Route, d.Target, name(d), d.Code, clip(firstLine(withoutCode(d)), 90))
	}
	return fail(w.Flush())
}

// withoutCode is the reason without the error code at its front, which has a
// place of its own.
func withoutCode(d ledger.Dead) string { return strings.TrimPrefix(d.Reason, d.Code+": ") }

// way is a route and the endpoint that a message failed at: its target, or its
// source where it did not come further.
func way(route, endpoint string, atSource bool) string {
	if atSource {
		return endpoint + " → " + route
	}
	return route + " → " + endpoint
}

// name is what people call the document.
func name(d ledger.Dead) string {
	for _, k := range []string{"order", "shipment", "file", "sku"} {
		if v := d.Keys[k]; v != "" {
			return v
		}
	}
	return d.Key
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func (a *app) deadShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show <id>", Short: "Show one dead letter whole, with its history", Args: cobra.ExactArgs(1),
		Example: "  crossdock dead show d-000017",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.ledger(cmd.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			d, err := l.DeadGet(cmd.Context(), args[0])
			if err != nil {
				return fail(err)
			}
			if a.json {
				return a.printJSON(newDeadJSON(d, true))
			}
			audit, err := l.AuditList(cmd.Context(), d.ID, 50)
			if err != nil {
				return fail(err)
			}
			a.printDead(d, audit)
			return nil
		},
	}
}

func (a *app) printDead(d ledger.Dead, audit []ledger.AuditEntry) {
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "id\t%s (%s)\n", d.ID, d.State)
	fmt.Fprintf(w, "failed\t%s at stage %s, after %s since %s\n", d.At.Local().Format(time.DateTime), d.Stage, plural(d.Attempts, "attempt"), d.FirstAt.Local().Format(time.DateTime))
	fmt.Fprintf(w, "route\t%s\n", way(d.Route, d.Target, d.Stage != "deliver"))
	fmt.Fprintf(w, "class\t%s %s\n", d.Class, d.Code)
	fmt.Fprintf(w, "reason\t%s\n", strings.ReplaceAll(strings.TrimSpace(withoutCode(d)), "\n", "\n\t"))
	fmt.Fprintf(w, "message\t%s\n", d.MessageID)
	for _, k := range sorted(d.Keys) {
		fmt.Fprintf(w, "key %s\t%s\n", k, d.Keys[k])
	}
	if v := d.Metadata["file"]; v != "" {
		fmt.Fprintf(w, "original\t%s\n", v)
	}
	for _, e := range audit {
		fmt.Fprintf(w, "%s\t%s by %s\n", e.Action, e.At.Local().Format(time.DateTime), strings.TrimSuffix(e.By+": "+e.Why, ": "))
	}
	_ = w.Flush()
	if d.Stack != "" {
		fmt.Fprintf(a.Out, "\n%s\n", d.Stack)
	}
	a.printDocument("document", d.Payload)
}

func sorted(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// operator names who acts, for the audit.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func (a *app) deadReplayCommand() *cobra.Command {
	return a.deadBulk("replay", "Send dead letters on their way again",
		"  crossdock dead replay d-000017\n  crossdock dead replay --code sql.foreign_key --dry-run\n  crossdock dead replay --route shop-orders --why 'items were created'",
		func(ctx context.Context, l *ledger.Ledger, ids []string, why string) (int, error) {
			return l.DeadReplay(ctx, ids, operator(), why)
		})
}

func (a *app) deadDiscardCommand() *cobra.Command {
	return a.deadBulk("discard", "End dead letters without delivering them; they stay in the list",
		"  crossdock dead discard d-000017 --why 'test order'\n  crossdock dead discard --connection acme --since 1h --dry-run",
		func(ctx context.Context, l *ledger.Ledger, ids []string, why string) (int, error) {
			return l.DeadDiscard(ctx, ids, operator(), why)
		})
}

func (a *app) deadBulk(verb, short, example string, act func(context.Context, *ledger.Ledger, []string, string) (int, error)) *cobra.Command {
	var f deadFilter
	var dry bool
	var why string
	c := &cobra.Command{
		Use: verb + " [id ...]", Short: short, Example: example,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !f.narrow() && !f.all {
				return fmt.Errorf("name dead letters, select them with flags, or say --all")
			}
			l, err := a.ledger(cmd.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			ids, err := selectDead(cmd.Context(), l, f, args)
			if err != nil {
				return fail(err)
			}
			if len(ids) == 0 {
				return a.did(verb, nil, 0, dry)
			}
			n := len(ids)
			if !dry {
				if n, err = act(cmd.Context(), l, ids, why); err != nil {
					return fail(err)
				}
			}
			return a.did(verb, ids, n, dry)
		},
	}
	f.flags(c)
	c.Flags().BoolVar(&f.all, "all", false, "all dead letters")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say which")
	c.Flags().StringVar(&why, "why", "", "reason, for the audit")
	return c
}

// selectDead returns the ids of letters that still wait for a decision.
func selectDead(ctx context.Context, l *ledger.Ledger, f deadFilter, ids []string) ([]string, error) {
	for _, id := range ids {
		if _, err := l.DeadGet(ctx, id); err != nil {
			return nil, err
		}
	}
	f.limit = 100000
	list, err := l.DeadList(ctx, f.ledger(ids))
	if err != nil {
		return nil, err
	}
	var out []string
	var decided []error
	for _, d := range list {
		switch {
		case waitsForDecision(d):
			out = append(out, d.ID)
		case len(ids) > 0:
			decided = append(decided, fmt.Errorf("%s is %s already; `crossdock dead show %[1]s` tells by whom and when", d.ID, d.State))
		}
	}
	// Of several named letters all or none: half of an order done is the harder
	// one to understand.
	return out, errors.Join(decided...)
}

func waitsForDecision(d ledger.Dead) bool {
	return d.State == ledger.DeadLetter || d.State == ledger.HeldLetter
}

// did reports what a command on dead letters did.
func (a *app) did(verb string, ids []string, n int, dry bool) error {
	if a.json {
		if ids == nil {
			ids = []string{}
		}
		return a.printJSON(map[string]any{"action": verb, "ids": ids, "count": n, "dry_run": dry})
	}
	would := ""
	if dry {
		would = "would "
	}
	fmt.Fprintf(a.Out, "%s%s: %d\n", would, verb, n)
	for _, id := range ids {
		fmt.Fprintln(a.Out, " ", id)
	}
	switch {
	case len(ids) == 0:
		fmt.Fprintln(a.Out, "no dead letter that waits for a decision matches; `crossdock dead list` shows all")
	case dry:
	case verb == "replay":
		fmt.Fprintln(a.Out, "a running node sends them within a second; without one they wait for `crossdock run`")
	case verb == "edited":
		fmt.Fprintf(a.Out, "send it again with `crossdock dead replay %s`\n", ids[0])
	}
	return nil
}
