package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/node"
	"github.com/crossdock/crossdock/core/strictyaml"
	"github.com/crossdock/crossdock/core/telemetry"
)

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the project until it is stopped",
		Long: `Runs the routes of the project. It stops on SIGINT and SIGTERM after finishing
what it holds; SIGHUP reads the files again and goes on with them, unless they
have errors. Killing it loses nothing either: what was accepted is on disk.`,
		Example: "  crossdock run -c /etc/crossdock",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context()) },
	}
}

func (a *app) run(ctx context.Context) error {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	project, fs := config.Load(a.dir, a.getenv)
	if fs.Failed() {
		// What the connectors and mappings have to say belongs to it.
		all, err := a.validate(ctx)
		if err != nil {
			return fail(err)
		}
		return fail(fmt.Errorf("%w; nothing was started", a.findings(all)))
	}
	for {
		log, err := a.logger(project)
		if err != nil {
			return fail(err)
		}
		next, err := a.runProject(ctx, project, log, reload)
		if err != nil || next == nil {
			return fail(err)
		}
		project = next
	}
}

// runProject runs one reading of the files; it returns the next one, or nil
// when it is to stop.
func (a *app) runProject(ctx context.Context, p *config.Project, log *slog.Logger, reload <-chan os.Signal) (*config.Project, error) {
	n, err := a.startNode(ctx, p, log)
	if err != nil {
		return nil, err
	}
	log.Info("running", "project", p.Settings.Name, "routes", len(p.Routes), "http", n.Addr())
	var next *config.Project
	for next == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-reload:
			changed, fs := config.Load(a.dir, a.getenv)
			if err := fs.Err(); err != nil {
				log.Error("the files have errors; the old ones stay in use", "error", err)
				continue
			}
			next = changed
		}
	}
	log.Info("stopping")
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return next, n.Stop(stopCtx)
}

func (a *app) startNode(ctx context.Context, p *config.Project, log *slog.Logger) (*node.Node, error) {
	plugins, err := firstPartyCommands()
	if err != nil {
		return nil, err
	}
	attach, err := attachments(a.getenv("CROSSDOCK_ATTACH"))
	if err != nil {
		return nil, err
	}
	return node.Start(ctx, node.Options{Project: p, FirstParty: plugins, Attach: attach, Log: log, Version: Version()})
}

func (a *app) logger(p *config.Project) (*slog.Logger, error) {
	secrets := &telemetry.Secrets{}
	secrets.Add(p.Secrets...)
	return telemetry.NewLogger(a.Err, telemetry.LogOptions{Level: p.Settings.Log.Level, Format: p.Settings.Log.Format, Secrets: secrets})
}

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Find every error in the project's files",
		Long: `Reads all files of the project and reports every problem at once, each with
file, line, column and a hint: YAML, names, secrets, mappings against both
schemas, routes, and the configuration of every connection against its
connector. Nothing is contacted and nothing is started but the connectors'
own check of their configuration.`,
		Example: "  crossdock validate -c shop\n  crossdock validate --json | jq -r '.[].message'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fs, err := a.validate(cmd.Context())
			if err != nil {
				return fail(err)
			}
			return a.findings(fs)
		},
	}
}

func (a *app) validate(ctx context.Context) (strictyaml.Findings, error) {
	p, fs := config.Load(a.dir, a.getenv)
	if p == nil {
		return fs, nil
	}
	plugins, err := firstPartyCommands()
	if err != nil {
		return nil, err
	}
	attach, err := attachments(a.getenv("CROSSDOCK_ATTACH"))
	if err != nil {
		return nil, err
	}
	more, err := node.Validate(ctx, node.Options{Project: p, FirstParty: plugins, Attach: attach, Log: slog.New(slog.DiscardHandler), Version: Version()})
	fs = append(fs, more...)
	fs.Sort()
	return fs, err
}

// findings prints what was found; errors make the exit status 1.
func (a *app) findings(fs strictyaml.Findings) error {
	if a.json {
		if fs == nil {
			fs = strictyaml.Findings{}
		}
		if err := a.printJSON(fs); err != nil {
			return err
		}
	}
	failed := 0
	for _, f := range fs {
		if f.Severity == strictyaml.Error {
			failed++
		}
		if !a.json {
			fmt.Fprintln(a.Out, f)
		}
	}
	if failed > 0 {
		return &exitError{code: 1, err: fmt.Errorf("%s found", plural(failed, "error"))}
	}
	if !a.json {
		fmt.Fprintln(a.Out, "no errors")
	}
	return nil
}

// plural counts things for a person: "1 error", "2 errors".
func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
