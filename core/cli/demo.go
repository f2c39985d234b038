package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/node"
	"github.com/crossdock/crossdock/examples/retail"
	"github.com/crossdock/crossdock/examples/retail/estate"
)

// demoOptions are the flags of `crossdock demo`.
type demoOptions struct {
	seconds int
	rate    float64
	seed    uint64
	keep    string
}

func (a *app) demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a small retailer on this machine and watch its documents move",
		Long: `Starts Crossdock with five connector processes and a retailer on loopback: an
ERP with a database and a SOAP service, a web shop, a marketplace, and an SFTP
server for stores and an EDI partner. Orders, stock, sales and shipments move;
some things go wrong on purpose. At the end the receivers are asked what they
got: nothing may be lost, nothing applied twice.

Exit status 1 when anything was lost or applied twice.`,
		Example: "  crossdock demo\n  crossdock demo --seconds 30 --rate 50 --keep ./demo\n  crossdock demo --json | jq .lost",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), o) },
	}
	c.Flags().IntVar(&o.seconds, "seconds", 15, "how long documents are made")
	c.Flags().Float64Var(&o.rate, "rate", 20, "documents a second")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "seed of the documents")
	c.Flags().StringVar(&o.keep, "keep", "", "folder for the project and its data; default a temporary one")
	return c
}

// demoResult is the object that --json ends with.
type demoResult struct {
	Routes       []demoRoute      `json:"routes"`
	Lost         int              `json:"lost"`
	AppliedTwice int              `json:"applied_twice"`
	Seconds      float64          `json:"seconds"`
	Dir          string           `json:"dir"`
	Receivers    []estate.Verdict `json:"receivers"`
}

type demoRoute struct {
	Name       string `json:"name"`
	Received   int64  `json:"received"`
	Delivered  int64  `json:"delivered"`
	Retried    int64  `json:"retried"`
	Duplicates int64  `json:"duplicates"`
	Dead       int64  `json:"dead"`
}

// settleTime is how long the demo waits for the last documents.
const settleTime = 30 * time.Second

func (a *app) demo(ctx context.Context, o demoOptions) error {
	if o.seconds < 1 || o.rate <= 0 || o.rate > 2000 {
		return errors.New("--seconds must be at least 1, --rate between 0 and 2000")
	}
	began := time.Now()
	dir, err := demoDir(o.keep)
	if err != nil {
		return fail(err)
	}
	logFile, err := os.Create(filepath.Join(dir, "crossdock.log"))
	if err != nil {
		return fail(err)
	}
	defer logFile.Close()
	log := slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelInfo}))
	show := newShow(a)
	e, n, err := startDemo(ctx, dir, o, log, show)
	if err != nil {
		return fail(err)
	}
	defer e.Close()
	length := time.Duration(o.seconds) * time.Second
	verdicts, err := a.driveDemo(ctx, e, n, length, show)
	show.end()
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	result := demoResult{Dir: dir, Receivers: verdicts, Routes: []demoRoute{}}
	if err == nil {
		err = result.count(stopCtx, n.Ledger)
	}
	example, deadID := exampleOrder(stopCtx, n.Ledger)
	err = errors.Join(err, n.Stop(stopCtx))
	if err != nil {
		return fail(err)
	}
	result.Seconds = time.Since(began).Seconds()
	return a.reportDemo(result, example, deadID)
}

func demoDir(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "crossdock-demo-")
	}
	dir, err := filepath.Abs(keep)
	if err != nil {
		return "", err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("the folder %s is not empty: name another, or remove it", dir)
	}
	return dir, os.MkdirAll(dir, 0o755)
}

func startDemo(ctx context.Context, dir string, o demoOptions, log *slog.Logger, show *show) (*estate.Estate, *node.Node, error) {
	estateDir := filepath.Join(dir, "estate")
	if err := os.MkdirAll(estateDir, 0o755); err != nil {
		return nil, nil, err
	}
	if err := retail.Write(dir); err != nil {
		return nil, nil, fmt.Errorf("writing the example project: %w", err)
	}
	e, err := estate.Start(ctx, estate.Options{Dir: estateDir, Seed: o.seed, Rate: o.rate, Log: slog.New(show.handler())})
	if err != nil {
		return nil, nil, fmt.Errorf("starting the retailer: %w", err)
	}
	n, err := startProject(ctx, dir, e, log)
	if err != nil {
		return nil, nil, errors.Join(err, e.Close())
	}
	return e, n, nil
}

func startProject(ctx context.Context, dir string, e *estate.Estate, log *slog.Logger) (*node.Node, error) {
	if err := e.WriteEnv(dir); err != nil {
		return nil, err
	}
	env := e.Env()
	env["HTTP_LISTEN"] = "127.0.0.1:0"
	project, fs := config.Load(dir, func(k string) string { return env[k] })
	if err := fs.Err(); err != nil {
		return nil, fmt.Errorf("the example project has errors:\n%w", err)
	}
	plugins, err := firstPartyCommands()
	if err != nil {
		return nil, err
	}
	return node.Start(ctx, node.Options{Project: project, FirstParty: plugins, Log: log, Version: Version()})
}

// driveDemo makes documents and waits until the last has arrived.
func (a *app) driveDemo(ctx context.Context, e *estate.Estate, n *node.Node, length time.Duration, show *show) ([]estate.Verdict, error) {
	done := make(chan error, 1)
	go func() { done <- e.Drive(ctx, length, estate.AllFaults(length)) }()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	driving, deadline := true, time.Time{}
	for {
		select {
		case err := <-done:
			if err != nil {
				return nil, err
			}
			driving, deadline = false, time.Now().Add(settleTime)
			done = nil
		case <-ctx.Done():
			return nil, errors.New("stopped by the user")
		case <-tick.C:
		}
		status, err := n.Status(ctx)
		if err != nil {
			return nil, err
		}
		show.status(status, e.Sent(), driving)
		if driving {
			continue
		}
		verdicts, err := e.Judge(ctx)
		if err != nil {
			return nil, err
		}
		if estate.Settled(verdicts) && quiet(status) || time.Now().After(deadline) {
			return verdicts, nil
		}
	}
}

func quiet(status []node.RouteStatus) bool {
	for _, s := range status {
		if s.Lag > 0 || s.Parked > 0 {
			return false
		}
	}
	return true
}

// count fills the table from the ledger and the two sums from the receivers.
func (r *demoResult) count(ctx context.Context, l *ledger.Ledger) error {
	if err := l.Flush(ctx); err != nil {
		return err
	}
	counts, err := l.Counts(ctx)
	if err != nil {
		return err
	}
	byName := map[string]*demoRoute{}
	for _, v := range r.Receivers {
		r.Routes = append(r.Routes, demoRoute{Name: v.Route})
		r.Lost += len(v.Missing)
		r.AppliedTwice += len(v.Twice)
	}
	for i := range r.Routes {
		byName[r.Routes[i].Name] = &r.Routes[i]
	}
	for _, c := range counts {
		if d := byName[c.Route]; d != nil {
			d.Received += c.Received
			d.Delivered += c.Delivered
			d.Retried += c.Retried
			d.Duplicates += c.Duplicates
			d.Dead += c.Dead
		}
	}
	return nil
}

// exampleOrder finds what to show with trace and dead show: an order that a
// dead letter is about, since there is most to see.
func exampleOrder(ctx context.Context, l *ledger.Ledger) (order, dead string) {
	list, err := l.DeadList(ctx, ledger.DeadFilter{Limit: 50})
	if err != nil {
		return "", ""
	}
	for _, d := range list {
		if o := d.Keys["order"]; o != "" {
			return o, d.ID
		}
	}
	return "", ""
}

func (a *app) reportDemo(r demoResult, order, dead string) error {
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printDemo(r, order, dead)
	}
	if r.Lost > 0 || r.AppliedTwice > 0 {
		return &exit.Error{Code: 1, Err: fmt.Errorf("%d lost, %d applied twice", r.Lost, r.AppliedTwice)}
	}
	return nil
}

func (a *app) printDemo(r demoResult, order, dead string) {
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nroute\treceived\tdelivered\tretried\tduplicates dropped\tdead-lettered\t")
	for _, x := range r.Routes {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", x.Name, x.Received, x.Delivered, x.Retried, x.Duplicates, x.Dead)
	}
	_ = w.Flush()
	fmt.Fprintf(a.Out, "\nasked of the receivers:  lost: %d   applied twice: %d   in %.1f s\n", r.Lost, r.AppliedTwice, r.Seconds)
	for _, v := range r.Receivers {
		if len(v.Missing) > 0 {
			fmt.Fprintf(a.Out, "  %s: missing %s\n", v.Route, strings.Join(v.Missing[:min(len(v.Missing), 5)], ", "))
		}
		if len(v.Twice) > 0 {
			fmt.Fprintf(a.Out, "  %s: twice %s\n", v.Route, strings.Join(v.Twice[:min(len(v.Twice), 5)], ", "))
		}
	}
	self := selfCommand()
	fmt.Fprintf(a.Out, "\nThe project, its data and its log are in %s. Look further with\n", r.Dir)
	if order != "" {
		fmt.Fprintf(a.Out, "  %s trace %s -c %s\n", self, order, r.Dir)
	}
	fmt.Fprintf(a.Out, "  %s dead list -c %s\n", self, r.Dir)
	if dead != "" {
		fmt.Fprintf(a.Out, "  %s dead show %s -c %s\n", self, dead, r.Dir)
	}
	fmt.Fprintf(a.Out, "  %s route list -c %s\n", self, r.Dir)
}

// selfCommand is how the user started this program: `go run` leaves a binary
// in a temporary folder that is gone afterwards.
func selfCommand() string {
	exe, err := os.Executable()
	if err != nil || strings.Contains(exe, "go-build") {
		return "go run ."
	}
	return "crossdock"
}
