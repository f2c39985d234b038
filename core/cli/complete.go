package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/partner"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/mapping"
)

// completion is what the shell offers for the arguments of a command. It reads
// the project's files and ledger and starts nothing; what cannot be read offers
// nothing, because a person in the middle of a line has no use for an error.
type completion func(cmd *cobra.Command) []string

// completeWith tells a command what its arguments may be: one, or any number.
func completeWith(c *cobra.Command, many bool, offer completion) {
	c.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !many {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var left []string
		taken := "\n" + strings.Join(args, "\n") + "\n"
		for _, o := range offer(cmd) {
			value, _, _ := strings.Cut(o, "\t")
			if !strings.Contains(taken, "\n"+value+"\n") {
				left = append(left, o)
			}
		}
		return left, cobra.ShellCompDirectiveNoFileComp
	}
}

// addCompletions gives every command below root its completion.
func (a *app) addCompletions(root *cobra.Command) {
	for path, with := range map[string]struct {
		many  bool
		offer completion
	}{
		"dead show": {offer: a.allLetters}, "dead edit": {offer: a.openLetters},
		"dead replay": {true, a.openLetters}, "dead discard": {true, a.openLetters},
		"route pause": {offer: a.routeNames}, "route resume": {offer: a.routeNames},
		"connector describe": {offer: a.connectorNames}, "connector check": {true, a.endpointNames},
		"partner check": {true, a.partnerNames}, "partner status": {offer: a.partnerNames},
		"map check": {true, a.mappingNames}, "map test": {true, a.mappingNames},
		"map coverage": {true, a.mappingNames}, "map lineage": {offer: a.mappingNames},
		"map diff": {true, a.mappingNames}, "map docs": {true, a.mappingNames},
	} {
		c, _, err := root.Find(strings.Fields(path))
		if err != nil {
			continue
		}
		completeWith(c, with.many, with.offer)
	}
	// Documents are files, so the shell's own completion follows the first argument.
	for path, offer := range map[string]completion{"map run": a.mappingNames, "partner test": a.partnerNames} {
		c, _, err := root.Find(strings.Fields(path))
		if err != nil {
			continue
		}
		c.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return offer(cmd), cobra.ShellCompDirectiveDefault
			}
			return nil, cobra.ShellCompDirectiveDefault
		}
	}
}

func (a *app) allLetters(cmd *cobra.Command) []string  { return a.letters(cmd, false) }
func (a *app) openLetters(cmd *cobra.Command) []string { return a.letters(cmd, true) }

func (a *app) letters(cmd *cobra.Command, open bool) []string {
	l, err := a.ledger(cmd.Context())
	if err != nil {
		return nil
	}
	defer l.Close()
	f := deadFilter{limit: 100}
	list, err := l.DeadList(cmd.Context(), f.ledger(nil))
	if err != nil {
		return nil
	}
	var out []string
	for _, d := range list {
		if !open || waitsForDecision(d) {
			out = append(out, d.ID+"\t"+d.Route+" "+name(d)+" "+d.Code)
		}
	}
	return out
}

func (a *app) routeNames(*cobra.Command) []string {
	p, _ := config.Load(a.dir, a.getenv)
	if p == nil {
		return nil
	}
	var out []string
	for _, r := range p.Routes {
		out = append(out, r.Name.Value+"\tfrom "+r.From.String())
	}
	return out
}

func (a *app) endpointNames(*cobra.Command) []string {
	p, _ := config.Load(a.dir, a.getenv)
	if p == nil {
		return nil
	}
	var out []string
	for _, c := range p.Connections {
		out = append(out, c.Name.Value+"\t"+c.Connector.Value)
		for _, e := range c.Endpoints {
			out = append(out, e.FullName())
		}
	}
	return out
}

func (a *app) connectorNames(*cobra.Command) []string {
	h, end, err := a.pluginHost(a.optionalSettings())
	if err != nil {
		return nil
	}
	defer end()
	var out []string
	for _, c := range h.Connectors() {
		out = append(out, c.Name)
	}
	return out
}

func (a *app) partnerNames(*cobra.Command) []string {
	p, _ := config.Load(a.dir, a.getenv)
	return partner.Completion(p)
}

func (a *app) mappingNames(*cobra.Command) []string {
	paths, err := mapping.Open(os.DirFS(a.dir)).Paths()
	if err != nil {
		return nil
	}
	return paths
}
