package cli

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func (a *app) routeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "route", Short: "List, pause and resume routes",
		Example: "  crossdock route list\n  crossdock route pause shop-orders",
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the routes with what they did", Args: cobra.NoArgs, Example: "  crossdock route list --json",
			Long: `Lists the routes with the order they are under (running or paused) and their
counts, from the project's files and ledger, beside a running node or without
one. Whether messages move at this moment, and why a lane stopped by itself, is
told by the node: GET /health on the address of http: in crossdock.yaml.`,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.routeList(cmd.Context()) },
		},
		a.routeControl("pause", "paused", "Hold a route: its messages wait in the stream until it is resumed"),
		a.routeControl("resume", "", "Let a paused route, or a lane that stopped by itself, go on"),
	)
	return c
}

// routeJSON is a route as `route list --json` prints it.
type routeJSON struct {
	Name       string         `json:"name"`
	From       string         `json:"from"`
	Priority   string         `json:"priority"`
	State      string         `json:"state"`
	Received   int64          `json:"received"`
	Duplicates int64          `json:"duplicates"`
	Filtered   int64          `json:"filtered"`
	Dead       int64          `json:"dead"`
	Targets    []routeJSONTo  `json:"targets"`
	Owner      string         `json:"owner,omitempty"`
	route      *routing.Route `json:"-"`
}

type routeJSONTo struct {
	Endpoint   string     `json:"endpoint"`
	Delivered  int64      `json:"delivered"`
	Retried    int64      `json:"retried"`
	Parked     int64      `json:"parked"`
	Dead       int64      `json:"dead"`
	LastEffect *time.Time `json:"last_effect,omitempty"`
}

func (a *app) routeList(ctx context.Context) error {
	p, fs := config.Load(a.dir, a.getenv)
	if p == nil {
		return fail(fs.Err())
	}
	l, err := a.ledger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	counts, err := l.Counts(ctx)
	if err != nil {
		return fail(err)
	}
	controls, err := l.Controls(ctx)
	if err != nil {
		return fail(err)
	}
	effects, err := l.LastEffect(ctx)
	if err != nil {
		return fail(err)
	}
	var out []routeJSON
	for _, r := range p.Routes {
		row := routeJSON{Name: r.Name.Value, From: r.From.String(), Priority: r.Priority, Owner: r.Owner, State: "running", Targets: []routeJSONTo{}, route: r}
		if controls[[2]string{"route", row.Name}] == "paused" {
			row.State = "paused"
		}
		for _, t := range r.To {
			to := routeJSONTo{Endpoint: t.Endpoint.Value}
			if at, ok := effects[row.Name+"/"+to.Endpoint]; ok {
				to.LastEffect = &at
			}
			row.Targets = append(row.Targets, to)
		}
		for _, c := range counts {
			if c.Route != row.Name {
				continue
			}
			row.Received, row.Duplicates, row.Filtered, row.Dead = row.Received+c.Received, row.Duplicates+c.Duplicates, row.Filtered+c.Filtered, row.Dead+c.Dead
			for i := range row.Targets {
				if t := &row.Targets[i]; t.Endpoint == c.Target {
					t.Delivered, t.Retried, t.Parked, t.Dead = c.Delivered, c.Retried, c.Parked, c.Dead
				}
			}
		}
		out = append(out, row)
	}
	if a.json {
		if out == nil {
			out = []routeJSON{}
		}
		return a.printJSON(out)
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "route\tstate\tfrom → to\treceived\tdelivered\tretried\tduplicates\tdead\tlast effect")
	for _, r := range out {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t\t\t%d\t%d\t\n", r.Name, r.State, r.From, r.Received, r.Duplicates, r.Dead)
		for _, t := range r.Targets {
			last := "never"
			if t.LastEffect != nil {
				last = t.LastEffect.Local().Format(time.DateTime)
			}
			fmt.Fprintf(w, "\t\t  → %s\t\t%d\t%d\t\t%d\t%s\n", t.Endpoint, t.Delivered, t.Retried, t.Dead, last)
		}
	}
	return fail(w.Flush())
}

func (a *app) routeControl(verb, value, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " <route>", Short: short, Args: cobra.ExactArgs(1), Example: "  crossdock route " + verb + " shop-orders",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, fs := config.Load(a.dir, a.getenv)
			if p == nil {
				return fail(fs.Err())
			}
			var known []string
			for _, r := range p.Routes {
				known = append(known, r.Name.Value)
			}
			if !slices.Contains(known, args[0]) {
				return fail(fmt.Errorf("there is no route %q; %s (`crossdock route list` shows them)", args[0], strictyaml.DidYouMean(args[0], known)))
			}
			l, err := a.ledger(cmd.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			if value == "" {
				// A resume is an order of its own, so that a lane that stopped by
				// itself hears it too.
				value = "resumed " + time.Now().UTC().Format(time.RFC3339Nano)
			}
			if err := l.SetControl(cmd.Context(), "route", args[0], value, operator()); err != nil {
				return fail(err)
			}
			if a.json {
				return a.printJSON(map[string]string{"route": args[0], "action": verb})
			}
			fmt.Fprintf(a.Out, "%s: %s; a running node obeys within a second\n", args[0], verb)
			return nil
		},
	}
}
