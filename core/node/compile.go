package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Validate finds every problem of a project without starting it: routes,
// mappings, and the configuration of every endpoint against its connector,
// which is started for the question and ended again.
func Validate(ctx context.Context, o Options) (strictyaml.Findings, error) {
	run, err := os.MkdirTemp("", "crossdock-validate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(run)
	s := o.Project.Settings
	h, err := host.New(host.Options{
		RunDir: run + "/run", DataDir: run + "/plugins", FirstParty: o.FirstParty, InProcess: o.InProcess, Attach: o.Attach,
		PluginDir: s.Plugins.Dir, LockFile: s.Plugins.Lock, Log: o.Log, Version: o.Version,
	})
	if err != nil {
		return nil, err
	}
	n := &Node{o: o, project: o.Project, log: o.Log, host: h}
	_, fs := compile(o.Project)
	fs = append(fs, n.checkEndpoints(ctx)...)
	fs.Sort()
	return fs, h.Close(context.WithoutCancel(ctx))
}

// compile makes the project's routes runnable, with their mappings. It reads
// files and needs nothing that runs.
func compile(p *config.Project) ([]*routing.Compiled, strictyaml.Findings) {
	maps := &mappings{library: mapping.Open(os.DirFS(p.Dir)), told: map[string]bool{}}
	return routing.Compile(p.Routes, catalog{p}, maps)
}

// precheck compiles the routes before anything is opened. A project with errors,
// or without a data folder yet, is checked whole beside the place where it will
// run: an attempt that fails leaves nothing behind.
func (n *Node) precheck(ctx context.Context) ([]*routing.Compiled, strictyaml.Findings, error) {
	compiled, fs := compile(n.project)
	_, err := os.Stat(n.project.Settings.Data)
	if fs.Failed() || errors.Is(err, os.ErrNotExist) {
		all, err := Validate(ctx, n.o)
		if err == nil {
			err = refused(all)
		}
		return compiled, fs, err
	}
	return compiled, fs, nil
}

// refused is the error of a project that cannot be started.
func refused(fs strictyaml.Findings) error {
	if err := fs.Err(); err != nil {
		return fmt.Errorf("the project has errors; nothing was started:\n%w", err)
	}
	return nil
}

// checkEndpoints asks the connectors what they think of the configuration.
func (n *Node) checkEndpoints(ctx context.Context) strictyaml.Findings {
	var fs strictyaml.Findings
	silent := map[string]error{}
	for _, c := range n.project.Connections {
		for _, ep := range c.Endpoints {
			fs = append(fs, n.checkEndpoint(ctx, ep, silent)...)
		}
	}
	fs.Sort()
	return fs
}

// checkEndpoint asks the connector what it thinks of a configuration. Silent
// are connectors that gave no answer before and are not waited for again.
func (n *Node) checkEndpoint(ctx context.Context, ep *config.Endpoint, silent map[string]error) strictyaml.Findings {
	var fs strictyaml.Findings
	connector := ep.Connection.Connector
	if !n.available(connector.Value) {
		var names []string
		for _, a := range n.host.Connectors() {
			names = append(names, a.Name)
		}
		fs.Add(connector.Pos, strictyaml.DidYouMean(connector.Value, names), "there is no connector %q", connector.Value)
		return fs
	}
	diagnostics, err := []*protocol.Diagnostic(nil), silent[connector.Value]
	if err == nil {
		diagnostics, err = n.diagnose(ctx, ep)
	}
	if err != nil {
		if host.ClassOf(err) != protocol.Problem_CLASS_UNSPECIFIED {
			silent[connector.Value] = err
		}
		fs.Add(connector.Pos, "", "the connector %s could not check %s: %v", connector.Value, ep.FullName(), err)
		return fs
	}
	for _, d := range diagnostics {
		f := strictyaml.Finding{
			Pos: ep.PosOf(d.GetProblem().GetField()), Severity: strictyaml.Error,
			Message: fmt.Sprintf("%s: %s", ep.FullName(), d.GetProblem().GetMessage()), Hint: d.GetHint(),
		}
		if d.GetSeverity() == protocol.Diagnostic_WARNING {
			f.Severity = strictyaml.Warning
		}
		fs = append(fs, f)
	}
	return fs
}

// patience is how often a connector is asked that does not answer.
const patience = 3

// diagnose has the connector check an endpoint. A connector that was killed or
// is slow says nothing about the project: it is started again and asked again.
func (n *Node) diagnose(ctx context.Context, ep *config.Endpoint) ([]*protocol.Diagnostic, error) {
	for try := 1; ; try++ {
		diagnostics, err := n.host.Validate(ctx, ep.Connection.Connector.Value, string(ep.Role), ep.Config)
		var pe *host.ProblemError
		if err == nil || try == patience || !errors.As(err, &pe) {
			return diagnostics, err
		}
		if c := pe.Problem.GetClass(); c != protocol.Problem_NOT_CONNECTED && c != protocol.Problem_RETRYABLE {
			return nil, err
		}
		n.log.Warn("a connector did not answer during the start and is asked again", "connector", ep.Connection.Connector.Value, "endpoint", ep.FullName(), "error", err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(max(pe.Problem.GetRetryAfter().AsDuration(), 100*time.Millisecond)):
		}
	}
}

func (n *Node) available(connector string) bool {
	for _, a := range n.host.Connectors() {
		if a.Name == connector {
			return true
		}
	}
	return false
}

// catalog answers routing's question for endpoints.
type catalog struct{ p *config.Project }

func (c catalog) Has(endpoint, role string) error {
	_, err := c.p.Endpoint(endpoint, config.Role(role))
	return err
}

// mappings hands out mappings and reports the findings of each file once,
// however many routes use it.
type mappings struct {
	library *mapping.Library
	told    map[string]bool
}

func (m *mappings) Mapping(path string) (*mapping.Mapping, []mapping.Finding) {
	mp, found := m.library.Mapping(path)
	if m.told[path] {
		if mp == nil {
			// The reason stands at the first use; here it is enough to fail.
			found = []mapping.Finding{{File: path, Line: 1, Col: 1, Severity: "error", Message: "the mapping has errors, see above"}}
			return nil, found
		}
		return mp, nil
	}
	m.told[path] = true
	return mp, found
}
