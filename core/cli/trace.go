package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/ledger"
)

func (a *app) traceCommand() *cobra.Command {
	var payload bool
	c := &cobra.Command{
		Use:   "trace <id or business key>",
		Short: "Show every hop of a document: where is order 4711?",
		Long: `Shows what happened to a document, in order of time: received, mapped,
delivered to each target, retried, parked, dead. It is found by anything that
names it: order number, control number, file name, SKU, shipment, message id.
Works beside a running node and on the data of a stopped one.`,
		Example: "  crossdock trace 4711\n  crossdock trace 000001001 --payload\n  crossdock trace SKU-017 --json | jq '.[].state'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.trace(cmd.Context(), args[0], payload)
		},
	}
	c.Flags().BoolVarP(&payload, "payload", "p", false, "show the document before and after every hop")
	return c
}

// hopJSON is a hop as --json prints it: documents as JSON where they are.
type hopJSON struct {
	At          time.Time         `json:"at"`
	Stage       string            `json:"stage"`
	State       string            `json:"state"`
	Route       string            `json:"route,omitempty"`
	Target      string            `json:"target,omitempty"`
	MessageID   string            `json:"message_id"`
	Causation   string            `json:"causation,omitempty"`
	Correlation string            `json:"correlation"`
	TookMS      float64           `json:"took_ms"`
	Attempt     int               `json:"attempt,omitempty"`
	Detail      string            `json:"detail,omitempty"`
	Keys        map[string]string `json:"keys,omitempty"`
	Trace       string            `json:"traceparent,omitempty"`
	Before      any               `json:"before,omitempty"`
	After       any               `json:"after,omitempty"`
}

func (a *app) trace(ctx context.Context, what string, payload bool) error {
	l, err := a.ledger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	hops, err := l.Trace(ctx, what)
	if err != nil {
		return fail(err)
	}
	if len(hops) == 0 {
		return fail(fmt.Errorf("nothing is known of %q; the journal is kept for the ledger's retention, and a document is found by its exact order number, file name, control number, SKU or message id", what))
	}
	if a.json {
		out := make([]hopJSON, len(hops))
		for i, h := range hops {
			out[i] = hopJSON{
				h.At, h.Stage, h.State, h.Route, h.Target, h.MessageID, h.Causation, h.Correlation,
				float64(h.Took.Microseconds()) / 1000, h.Attempt, h.Detail, h.Keys, h.Trace, document(h.Before), document(h.After),
			}
		}
		return a.printJSON(out)
	}
	a.printTrace(hops, payload)
	return nil
}

func (a *app) printTrace(hops []ledger.Hop, payload bool) {
	correlation := ""
	mapped := map[[2]string]bool{}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	for _, h := range byDocument(hops) {
		if h.State == "mapped" {
			mapped[[2]string{h.Correlation, h.Route}] = true
		}
		if h.Correlation != correlation {
			correlation = h.Correlation
			_ = w.Flush()
			fmt.Fprintf(a.Out, "%s\n", correlation)
		}
		attempt := ""
		if h.Attempt > 0 {
			attempt = fmt.Sprintf("attempt %d", h.Attempt)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", h.At.Local().Format("15:04:05.000"), h.State, where(h, mapped[[2]string{h.Correlation, h.Route}]), took(h.Took), attempt, detail(h))
		if payload {
			_ = w.Flush()
			a.printDocument("before", h.Before)
			a.printDocument("after", h.After)
		}
	}
	_ = w.Flush()
}

// detail is one line about a hop. An error's code stands before its text; it
// is not said twice where the text begins with it.
func detail(h ledger.Hop) string {
	line := strings.TrimSuffix(firstLine(h.Detail), ": ")
	class, rest, ok := strings.Cut(line, " ")
	code, reason, more := strings.Cut(rest, ": ")
	if ok && more {
		return class + " " + code + ": " + strings.TrimPrefix(reason, code+": ")
	}
	return line
}

// byDocument puts the hops of each document together, in order of time: those of
// one file come and go at the same moment.
func byDocument(hops []ledger.Hop) []ledger.Hop {
	first := map[string]int{}
	for i, h := range hops {
		if _, seen := first[h.Correlation]; !seen {
			first[h.Correlation] = i
		}
	}
	out := slices.Clone(hops)
	slices.SortStableFunc(out, func(x, y ledger.Hop) int { return first[x.Correlation] - first[y.Correlation] })
	return out
}

// where is the route and the endpoint of a hop. What failed before it was mapped
// never came to a target: it names its source.
func where(h ledger.Hop, mapped bool) string {
	switch {
	case h.Route != "" && h.Target != "" && h.Stage != "received":
		return way(h.Route, h.Target, h.Stage == "dead" && !mapped)
	case h.Target != "":
		return h.Target
	}
	return h.Route
}

func took(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return d.Round(time.Millisecond).String()
}

func firstLine(s string) string {
	line, rest, more := strings.Cut(s, "\n")
	if more && strings.TrimSpace(rest) != "" {
		line += " …"
	}
	return line
}

func (a *app) printDocument(title string, doc []byte) {
	if len(doc) == 0 {
		return
	}
	var b bytes.Buffer
	if json.Indent(&b, doc, "      ", "  ") != nil {
		b.Reset()
		b.WriteString(strings.ReplaceAll(strings.TrimRight(string(doc), "\n"), "\n", "\n      "))
	}
	fmt.Fprintf(a.Out, "    %s:\n      %s\n", title, b.String())
}

// document gives JSON as it is and everything else as text.
func document(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	if json.Valid(b) {
		return json.RawMessage(b)
	}
	return string(b)
}
