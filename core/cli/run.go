package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
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
have errors or cannot be started: then with the old ones. Killing it loses nothing either: what was accepted is on disk.`,
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
	for current, before := project, (*config.Project)(nil); ; {
		log, err := a.logger(current)
		if err != nil {
			return fail(err)
		}
		n, err := a.startNode(ctx, current, log)
		if err != nil && before != nil && ctx.Err() == nil {
			log.Error("the changed project cannot be started; going on with the files before them", "error", err)
			current, before = before, nil
			continue
		}
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w; if another `crossdock run` has this project, stop it first, or give this one a data folder of its own in crossdock.yaml", err)
		}
		if err != nil {
			return fail(err)
		}
		next, err := a.untilChanged(ctx, n, current, log, reload)
		if err != nil || next == nil {
			return fail(err)
		}
		current, before = next, current
	}
}

// untilChanged runs one reading of the files; it returns the next one, or nil
// when it is to stop.
func (a *app) untilChanged(ctx context.Context, n *node.Node, p *config.Project, log *slog.Logger, reload <-chan os.Signal) (*config.Project, error) {
	log.Info("running", "project", p.Settings.Name, "routes", len(p.Routes), "http", n.Addr())
	var next *config.Project
	for next == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-reload:
			next = a.reread(ctx, log)
		}
	}
	log.Info("stopping")
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return next, n.Stop(stopCtx)
}

// reread reads the changed files. It returns nil when they have errors of any
// kind, also such as only a connector or a mapping can tell: what runs is not
// stopped for files that cannot take its place.
func (a *app) reread(ctx context.Context, log *slog.Logger) *config.Project {
	p, fs := config.Load(a.dir, a.getenv)
	var err error
	if p != nil {
		var more strictyaml.Findings
		more, err = a.findAll(ctx, p)
		fs = append(fs, more...)
		fs.Sort()
	}
	if err = errors.Join(fs.Err(), err); err != nil {
		log.Error("the files have errors; the old ones stay in use", "error", err)
		return nil
	}
	return p
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
	more, err := a.findAll(ctx, p)
	fs = append(fs, more...)
	fs.Sort()
	return fs, err
}

// findAll asks mappings, routes and connectors what they have to say of a project.
func (a *app) findAll(ctx context.Context, p *config.Project) (strictyaml.Findings, error) {
	plugins, err := firstPartyCommands()
	if err != nil {
		return nil, err
	}
	attach, err := attachments(a.getenv("CROSSDOCK_ATTACH"))
	if err != nil {
		return nil, err
	}
	return node.Validate(ctx, node.Options{Project: p, FirstParty: plugins, Attach: attach, Log: slog.New(slog.DiscardHandler), Version: Version()})
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
		return &exit.Error{Code: 1, Err: fmt.Errorf("%s found", plural(failed, "error"))}
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
