package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/strictyaml"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func (a *app) connectorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "connector", Short: "List, describe, check and make connectors",
		Example: "  crossdock connector list\n  crossdock connector describe rest\n  crossdock connector check erp-db\n  crossdock connector new acme-wms",
	}
	c.AddCommand(a.connectorListCommand(), a.connectorDescribeCommand(), a.connectorCheckCommand(), a.connectorNewCommand(), a.connectorLockCommand())
	return c
}

var errAttach = errors.New(`CROSSDOCK_ATTACH must be <connector>=<address>, separated by semicolons; the address is unix:/path or the line that the plugin printed when it started`)

// attachments reads CROSSDOCK_ATTACH: connectors that run under a debugger.
func attachments(value string) (map[string]string, error) {
	out := map[string]string{}
	for _, entry := range strings.Split(value, ";") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, address, ok := strings.Cut(entry, "=")
		name, address = strings.TrimSpace(name), strings.TrimSpace(address)
		if !ok || name == "" || address == "" {
			return nil, fmt.Errorf("%w; found %q", errAttach, entry)
		}
		out[name] = address
	}
	return out, nil
}

// pluginHost starts a plugin host for one command, outside of the project's
// data folder, so that it does not disturb a running node. settings may be nil.
func (a *app) pluginHost(settings *config.Settings) (h *host.Host, end func(), err error) {
	plugins, err := firstPartyCommands()
	if err != nil {
		return nil, nil, err
	}
	attach, err := attachments(a.getenv("CROSSDOCK_ATTACH"))
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "crossdock-")
	if err != nil {
		return nil, nil, err
	}
	o := host.Options{
		RunDir: filepath.Join(dir, "run"), DataDir: filepath.Join(dir, "data"), FirstParty: plugins, Attach: attach, Version: Version(),
		Log: slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if settings != nil {
		o.PluginDir, o.LockFile = settings.Plugins.Dir, settings.Plugins.Lock
	}
	h, err = host.New(o)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return h, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(h.Close(ctx), os.RemoveAll(dir)); err != nil {
			fmt.Fprintln(a.Err, "crossdock:", err)
		}
	}, nil
}

// optionalSettings reads crossdock.yaml when the folder is a project.
func (a *app) optionalSettings() *config.Settings {
	if p, fs := config.LoadSettings(a.dir, a.getenv); p != nil && !fs.Failed() {
		return &p.Settings
	}
	return nil
}

// connectorJSON is a connector as `connector list --json` prints it.
type connectorJSON struct {
	Name         string   `json:"name"`
	Version      string   `json:"version,omitempty"`
	Summary      string   `json:"summary,omitempty"`
	FirstParty   bool     `json:"first_party"`
	Path         string   `json:"path,omitempty"`
	Locked       bool     `json:"locked"`
	Capabilities []string `json:"capabilities,omitempty"`
}

func (a *app) connectorListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the connectors that can be used", Args: cobra.NoArgs, Example: "  crossdock connector list --json",
		Long: `Lists the connectors of this binary and the third-party ones of the project's
plugin folder. A third-party connector is described only once it is locked:
listing never runs a binary that nobody looked at.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, err := a.connectors(cmd.Context())
			if err != nil {
				return fail(err)
			}
			if a.json {
				return a.printJSON(out)
			}
			w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "connector\tversion\tcan\tsummary")
			for _, c := range out {
				if !c.FirstParty && !c.Locked {
					c.Summary = "not locked: crossdock connector lock " + c.Path
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, c.Version, strings.Join(c.Capabilities, " "), c.Summary)
			}
			return fail(w.Flush())
		},
	}
}

// connectors asks every connector that may run what it is. Its processes have
// ended when it returns: what is printed afterwards may go to a program that
// stops reading, which ends this process without cleaning up.
func (a *app) connectors(ctx context.Context) ([]connectorJSON, error) {
	h, end, err := a.pluginHost(a.optionalSettings())
	if err != nil {
		return nil, err
	}
	defer end()
	out := []connectorJSON{}
	for _, x := range h.Connectors() {
		c := connectorJSON{Name: x.Name, FirstParty: x.FirstParty, Path: x.Path, Locked: x.Locked}
		if x.FirstParty || x.Locked {
			d, err := h.Describe(ctx, x.Name)
			if err != nil {
				c.Summary = err.Error()
			} else {
				c.Version, c.Summary, c.Capabilities = d.GetVersion(), d.GetSummary(), d.GetCapabilities()
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// describe asks one connector what it is, like connectors.
func (a *app) describe(ctx context.Context, name string) (*protocol.DescribeResponse, error) {
	h, end, err := a.pluginHost(a.optionalSettings())
	if err != nil {
		return nil, err
	}
	defer end()
	return h.Describe(ctx, name)
}

func (a *app) connectorDescribeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "describe <connector>", Short: "Explain a connector: every setting, and how it makes an effect happen once", Args: cobra.ExactArgs(1),
		Example: "  crossdock connector describe database\n  crossdock connector describe rest --json | jq .schema",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.describe(cmd.Context(), args[0])
			if err != nil {
				return fail(err)
			}
			if a.json {
				return a.printJSON(map[string]any{
					"name": d.GetName(), "version": d.GetVersion(), "vendor": d.GetVendor(), "license": d.GetLicense(), "summary": d.GetSummary(),
					"effect": d.GetEffect(), "capabilities": d.GetCapabilities(), "entities": entityNames(d), "operations": operationNames(d), "schema": json.RawMessage(d.GetConfigSchema()),
				})
			}
			return fail(a.printConnector(d))
		},
	}
}

// setting is what the configuration schema says of one key.
type setting struct {
	Type        any                `json:"type"`
	Description string             `json:"description"`
	Default     any                `json:"default"`
	Enum        []any              `json:"enum"`
	Secret      bool               `json:"x-secret"`
	Role        any                `json:"x-role"`
	Order       float64            `json:"x-order"`
	Properties  map[string]setting `json:"properties"`
	Items       *setting           `json:"items"`
	Required    []string           `json:"required"`
	Examples    []any              `json:"examples"`
}

func (a *app) printConnector(d *protocol.DescribeResponse) error {
	fmt.Fprintf(a.Out, "%s %s, %s", d.GetName(), d.GetVersion(), d.GetSummary())
	if by := strings.Trim(d.GetVendor()+", "+d.GetLicense(), ", "); by != "" {
		fmt.Fprintf(a.Out, " (%s)", by)
	}
	fmt.Fprintln(a.Out)
	fmt.Fprintf(a.Out, "can: %s\n", strings.Join(d.GetCapabilities(), ", "))
	if d.GetEffect() != "" {
		fmt.Fprintf(a.Out, "one effect by: %s\n", d.GetEffect())
	}
	for _, e := range d.GetEntities() {
		fmt.Fprintf(a.Out, "entity %s (%s)\n", e.GetEntity(), strings.Join(e.GetDirections(), ", "))
	}
	for _, o := range d.GetOperations() {
		fmt.Fprintf(a.Out, "operation %s: %s\n", o.GetName(), o.GetSummary())
	}
	var schema setting
	if err := json.Unmarshal(d.GetConfigSchema(), &schema); err != nil {
		return fmt.Errorf("the connector's configuration schema cannot be read: %w", err)
	}
	fmt.Fprintln(a.Out, "\nconfiguration (under config:, or under one endpoint of sources:, sinks: or calls:)")
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	printSettings(w, "  ", schema)
	return w.Flush()
}

func entityNames(d *protocol.DescribeResponse) []string {
	out := []string{}
	for _, e := range d.GetEntities() {
		out = append(out, e.GetEntity())
	}
	return out
}

func operationNames(d *protocol.DescribeResponse) []string {
	out := []string{}
	for _, o := range d.GetOperations() {
		out = append(out, o.GetName())
	}
	return out
}

func printSettings(w *tabwriter.Writer, indent string, s setting) {
	required := map[string]bool{}
	for _, r := range s.Required {
		required[r] = true
	}
	names := make([]string, 0, len(s.Properties))
	for n := range s.Properties {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		x, y := s.Properties[names[i]].Order, s.Properties[names[j]].Order
		return x < y || x == y && names[i] < names[j]
	})
	for _, n := range names {
		p := s.Properties[n]
		var notes []string
		if required[n] {
			notes = append(notes, "required")
		}
		if p.Role != nil {
			notes = append(notes, strings.Trim(fmt.Sprint(p.Role), "[]"))
		}
		if p.Secret {
			notes = append(notes, "secret")
		}
		if p.Default != nil && p.Default != "" {
			notes = append(notes, fmt.Sprintf("default %v", p.Default))
		}
		if len(p.Enum) > 0 {
			notes = append(notes, "one of "+strings.Trim(fmt.Sprint(p.Enum), "[]"))
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\n", indent, n, strings.Join(notes, ", "), p.Description)
		if len(p.Properties) > 0 {
			printSettings(w, indent+"  ", p)
		} else if p.Items != nil && len(p.Items.Properties) > 0 {
			printSettings(w, indent+"  - ", *p.Items)
		}
	}
}

// checkJSON is one step of a check.
type checkJSON struct {
	Endpoint string  `json:"endpoint"`
	Step     string  `json:"step"`
	OK       bool    `json:"ok"`
	Error    string  `json:"error,omitempty"`
	TookMS   float64 `json:"took_ms"`
}

func (a *app) connectorCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [connection[.endpoint] ...]", Short: "Go online: reach the system, log in, test the rights",
		Long:    "Checks the endpoints named, or all of the project, and reports every step. Nothing is read or written.",
		Example: "  crossdock connector check\n  crossdock connector check erp-db\n  crossdock connector check shop.fulfilments --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, fs := config.Load(a.dir, a.getenv)
			if err := fs.Err(); err != nil {
				return fail(err)
			}
			endpoints, err := choose(p, args)
			if err != nil {
				return fail(err)
			}
			return a.check(cmd.Context(), p, endpoints)
		},
	}
}

// choose returns the endpoints that arguments name.
func choose(p *config.Project, args []string) ([]*config.Endpoint, error) {
	var out []*config.Endpoint
	used := map[string]bool{}
	var known []string
	for _, c := range p.Connections {
		known = append(known, c.Name.Value)
		for _, e := range c.Endpoints {
			for _, arg := range args {
				if arg == c.Name.Value || arg == e.FullName() {
					used[arg] = true
					out = append(out, e)
				}
			}
			if len(args) == 0 {
				out = append(out, e)
			}
		}
	}
	for _, arg := range args {
		if !used[arg] {
			return nil, fmt.Errorf("the project has no connection or endpoint %q; %s", arg, strictyaml.DidYouMean(arg, known))
		}
	}
	return out, nil
}

// checks runs the checks of endpoints, like connectors without a trace of the
// processes that did it.
func (a *app) checks(ctx context.Context, p *config.Project, endpoints []*config.Endpoint) ([]checkJSON, error) {
	h, end, err := a.pluginHost(&p.Settings)
	if err != nil {
		return nil, err
	}
	defer end()
	out := []checkJSON{}
	for _, e := range endpoints {
		steps, err := h.Instance(e.Connection.Connector.Value, e.FullName(), string(e.Role), e.Config).Check(ctx)
		if err != nil {
			steps = append(steps, &protocol.CheckResponse_Step{Name: "open", Problem: &protocol.Problem{Message: err.Error()}})
		}
		for _, s := range steps {
			c := checkJSON{Endpoint: e.FullName(), Step: s.GetName(), OK: s.GetOk(), TookMS: float64(s.GetTook().AsDuration().Microseconds()) / 1000}
			if !c.OK {
				c.Error = s.GetProblem().GetMessage()
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func (a *app) check(ctx context.Context, p *config.Project, endpoints []*config.Endpoint) error {
	out, err := a.checks(ctx, p, endpoints)
	if err != nil {
		return fail(err)
	}
	failed := 0
	for _, c := range out {
		if !c.OK {
			failed++
		}
	}
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
		for _, c := range out {
			state := "ok"
			if !c.OK {
				state = "FAILED"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%.1f ms\t%s\n", c.Endpoint, c.Step, state, c.TookMS, c.Error)
		}
		if err := w.Flush(); err != nil {
			return fail(err)
		}
	}
	if failed > 0 {
		return &exit.Error{Code: 1, Err: fmt.Errorf("%s failed", plural(failed, "step"))}
	}
	return nil
}

func (a *app) connectorLockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lock <connector or binary>", Short: "Allow a third-party connector to run, by its SHA-256", Args: cobra.ExactArgs(1),
		Long: `Records the SHA-256 of a third-party connector in the project's plugins.lock.
Crossdock runs only what is recorded there. Look at where a binary comes from
before you lock it. A name means the binary of that connector in the plugin
folder.`,
		Example: "  crossdock connector lock acme-wms\n  crossdock connector lock plugins/crossdock-connector-acme-wms",
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.settings()
			if err != nil {
				return err
			}
			binary := args[0]
			if !strings.Contains(filepath.Base(binary), "crossdock-connector-") && !strings.ContainsAny(binary, `/\`) {
				binary = filepath.Join(p.Settings.Plugins.Dir, "crossdock-connector-"+binary)
			}
			name, sum, err := host.Lock(p.Settings.Plugins.Lock, binary)
			if err != nil {
				return fail(err)
			}
			if a.json {
				return a.printJSON(map[string]string{"connector": name, "sha256": sum, "file": p.Settings.Plugins.Lock})
			}
			fmt.Fprintf(a.Out, "locked %s: %s\n", name, sum)
			return nil
		},
	}
}
