package conformance

import (
	"os"
	"sort"
	"testing"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// check is one promise. It runs only when the target has what it needs.
type check struct {
	name  string
	needs func(Target) string // why it does not apply, or ""
	run   func(h *host)
}

// Run runs every check that applies to target as a subtest.
func Run(t *testing.T, target Target) {
	t.Helper()
	if (target.Plugin == nil) == (len(target.Command) == 0) {
		t.Fatal("conformance.Target needs exactly one of Plugin and Command")
	}
	if target.Source == nil && target.Sink == nil && target.Call == nil {
		t.Fatal("conformance.Target needs at least one of Source, Sink and Call")
	}
	known := map[string]bool{}
	for _, c := range checks() {
		known[c.name] = true
		if c.needs != nil && c.needs(target) != "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if reason, ok := target.Skip[c.name]; ok {
				t.Skip("left out by the target: " + reason)
			}
			newWorld(target).run(t, c)
		})
	}
	for name := range target.Skip {
		if !known[name] {
			t.Errorf("Target.Skip names %q, which is not a check", name)
		}
	}
}

// Names lists every check, sorted.
func Names() []string {
	var out []string
	for _, c := range checks() {
		out = append(out, c.name)
	}
	sort.Strings(out)
	return out
}

func checks() []check {
	var all []check
	all = append(all, describeChecks()...)
	all = append(all, lifeChecks()...)
	all = append(all, sourceChecks()...)
	all = append(all, sinkChecks()...)
	all = append(all, callChecks()...)
	return append(all, processChecks()...)
}

func needsSource(t Target) string {
	if t.Source == nil {
		return "no Source"
	}
	return ""
}

func needsSink(t Target) string {
	if t.Sink == nil {
		return "no Sink"
	}
	return ""
}

func needsCall(t Target) string {
	if t.Call == nil {
		return "no Call"
	}
	return ""
}

func needsProcess(t Target) string {
	if len(t.Command) == 0 {
		return "no Command"
	}
	return ""
}

// any role's configuration, for checks that do not care which.
func (h *host) anyRole() (role string, cfg map[string]any) {
	switch {
	case h.target.Sink != nil:
		return "sink", h.target.Sink(h.t).Config
	case h.target.Source != nil:
		return "source", h.target.Source(h.t).Config
	default:
		return "call", h.target.Call(h.t).Config
	}
}

// roles returns the configuration of every role the target has.
func (h *host) roles() map[string]map[string]any {
	out := map[string]map[string]any{}
	if h.target.Source != nil {
		out["source"] = h.target.Source(h.t).Config
	}
	if h.target.Sink != nil {
		out["sink"] = h.target.Sink(h.t).Config
	}
	if h.target.Call != nil {
		out["call"] = h.target.Call(h.t).Config
	}
	return out
}

// Main is for TestMain: it runs the tests, or serves p when the suite started
// this test binary as the plugin process of a target with
//
//	Command: []string{os.Args[0]}
func Main(m *testing.M, p sdk.Plugin) {
	if os.Getenv(protocol.CookieKey) == protocol.CookieValue {
		sdk.Serve(p)
		return
	}
	os.Exit(m.Run())
}
