// Package cli is the crossdock command. Each command has a file of its own
// that reads top to bottom: its flags, its help with an example, what it does.
//
// Exit status: 0 when the command did what was asked, 1 when it could not, 2
// when it was used wrongly. With --json every command writes machine-readable
// output to standard output, and only that; messages for people go to standard
// error.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/edi"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/cli/internal/partner"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Main runs the command line of this process and returns its exit status.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, args, Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Getenv)
}

// Streams are what a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Run runs one command line. It is Main without the process around it.
func Run(ctx context.Context, args []string, std Streams, getenv func(string) string) int {
	a := &app{Streams: std, getenv: getenv}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var failed *exit.Error
	if errors.As(err, &failed) {
		if failed.Err != nil {
			fmt.Fprintln(std.Err, "crossdock:", err) // with what was said around it
		}
		return failed.Code
	}
	fmt.Fprintln(std.Err, "crossdock:", err)
	return 2
}

func fail(err error) error { return exit.Fail(err) }

// app is what the commands share.
type app struct {
	Streams
	getenv func(string) string
	dir    string
	json   bool
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "crossdock",
		Short: "Retail integration middleware: orders, stock and promotions between commerce, EDI partners and ERPs",
		Long: `Crossdock moves canonical messages between connector processes (REST, SOAP,
SFTP, EDI, database), with declarative mappings, retries and dead letters.

A project is a folder: crossdock.yaml, connections/, routes/, mappings/,
partners/. Start with "crossdock demo" to see one at work, or "crossdock init"
to make your own.`,
		Example:       "  crossdock demo\n  crossdock init shop && crossdock validate -c shop && crossdock run -c shop\n  crossdock trace 4711",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       Version(),
	}
	c.PersistentFlags().StringVarP(&a.dir, "config", "c", ".", "folder of the project")
	c.PersistentFlags().BoolVar(&a.json, "json", false, "write machine-readable output")
	c.AddCommand(
		a.demoCommand(), a.runCommand(), a.initCommand(), a.validateCommand(),
		a.routeCommand(), a.traceCommand(), a.deadCommand(), a.mapCommand(), a.lspCommand(),
		a.connectorCommand(), a.pluginCommand(), a.partnerCommand(), edi.Command(),
	)
	for _, sub := range c.Commands() {
		if sub.HasSubCommands() {
			sub.Args, sub.RunE = cobra.ArbitraryArgs, groupAlone
		}
	}
	showUse(c)
	a.addCompletions(c)
	return c
}

// showUse makes every command below c answer wrong arguments with how it is
// used: "accepts 1 arg(s), received 0" does not say which.
func showUse(c *cobra.Command) {
	for _, sub := range c.Commands() {
		showUse(sub)
		if check := sub.Args; check != nil {
			sub.Args = func(cmd *cobra.Command, args []string) error {
				if err := check(cmd, args); err != nil {
					return fmt.Errorf("%w; usage: %s; an example:\n%s", err, cmd.UseLine(), cmd.Example)
				}
				return nil
			}
		}
	}
}

// groupAlone answers a command that only groups others: what follows it is
// missing or mistyped, which cobra would take for a wish for help and end with
// success, in a script too.
func groupAlone(cmd *cobra.Command, args []string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	if len(args) == 0 {
		return fmt.Errorf("%s what? %s; an example:\n%s", cmd.CommandPath(), strings.Join(names, ", "), cmd.Example)
	}
	return fmt.Errorf("unknown command %q for %q; %s", args[0], cmd.CommandPath(), strictyaml.DidYouMean(args[0], names))
}

// Version is the version of this build: the module's, or "devel".
func Version() string {
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Version != "" && bi.Main.Version != "(devel)" {
		return bi.Main.Version
	}
	return "devel"
}

// printJSON writes v as one line of JSON.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	return fail(enc.Encode(v))
}

// settings reads crossdock.yaml for commands that look into the ledger.
func (a *app) settings() (*config.Project, error) {
	p, fs := config.LoadSettings(a.dir, a.getenv)
	if err := fs.Err(); err != nil {
		return nil, fail(err)
	}
	return p, nil
}

// partnerCommand is `crossdock partner`, which needs the project.
func (a *app) partnerCommand() *cobra.Command {
	return partner.Command(partner.Project{
		Load:     func() (*config.Project, strictyaml.Findings) { return config.Load(a.dir, a.getenv) },
		Ledger:   a.ledger,
		Findings: a.findings,
	})
}

// ledger opens the project's ledger, beside a running node or without one.
func (a *app) ledger(ctx context.Context) (*ledger.Ledger, error) {
	p, err := a.settings()
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ctx, ledger.Options{DSN: p.Settings.Ledger.DSN})
	if err != nil {
		return nil, fail(err)
	}
	return l, nil
}
