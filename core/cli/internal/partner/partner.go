// Package partner is `crossdock partner`: for the engineer who takes up a trading
// partner by YAML alone. It writes the first files, finds what is wrong in an
// agreement, grades the partner's samples as the connector would, and tells how
// far the acknowledgements of what we sent are.
package partner

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Project is how the commands get at the project.
type Project struct {
	// Load reads its files.
	Load func() (*config.Project, strictyaml.Findings)
	// Ledger opens its ledger.
	Ledger func(ctx context.Context) (*ledger.Ledger, error)
	// Findings prints findings and makes errors the exit status.
	Findings func(strictyaml.Findings) error
}

// Command returns `crossdock partner` with everything below it.
func Command(p Project) *cobra.Command {
	c := &cobra.Command{
		Use: "partner", Short: "Take up trading partners: write, check and test agreements, see acknowledgements",
		Long: `A trading partner is two files: partners/<id>.yaml says what was agreed, and
connections/<id>.yaml how its files are reached.`,
		Example: "  crossdock partner new acme --from sample.edi --transport folder\n  crossdock partner check acme\n  crossdock partner test acme sample.edi --html report.html\n  crossdock partner status acme",
	}
	c.AddCommand(newCommand(p), checkCommand(p), testCommand(p), statusCommand(p))
	return c
}

// tool is what a command reads and writes.
type tool struct {
	Project
	out  io.Writer
	err  io.Writer
	json bool
}

func toolOf(cmd *cobra.Command, p Project) *tool {
	asJSON, err := cmd.Flags().GetBool("json")
	return &tool{Project: p, out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), json: asJSON && err == nil}
}

func (t *tool) printJSON(v any) error {
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	return exit.Fail(enc.Encode(v))
}

// ids are the partners of a project, in order.
func ids(p *config.Project) []string {
	out := make([]string, 0, len(p.Partners))
	for id := range p.Partners {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func unknown(id string, p *config.Project) error {
	known := ids(p)
	if len(known) == 0 {
		return exit.Misuse("there is no partner %q; `crossdock partner new %s` writes its files", id, id)
	}
	return exit.Misuse("there is no partner %q; %s (partners/ holds %s)", id, strictyaml.DidYouMean(id, known), strings.Join(known, ", "))
}

// connections are those of a partner, in the order of their files.
func connections(p *config.Project, id string) []*config.Connection {
	var out []*config.Connection
	for _, c := range p.Connections {
		if c.Partner.Value == id {
			out = append(out, c)
		}
	}
	return out
}

// Completion offers the partners of a project to a shell.
func Completion(p *config.Project) []string {
	if p == nil {
		return nil
	}
	var out []string
	for _, id := range ids(p) {
		name, _ := p.Partners[id].Content["name"].(string)
		out = append(out, id+"\t"+name)
	}
	return out
}
