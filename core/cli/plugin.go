package cli

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/database"
	"github.com/crossdock/crossdock/connectors/edi"
	"github.com/crossdock/crossdock/connectors/rest"
	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/connectors/sftp"
	"github.com/crossdock/crossdock/connectors/soap"
)

// firstParty lists the connectors inside this binary. Each still runs as a
// process of its own: the binary executes itself as "plugin serve <name>".
func firstParty() map[string]func() sdk.Plugin {
	return map[string]func() sdk.Plugin{
		"rest":     rest.Connector,
		"soap":     soap.Connector,
		"sftp":     sftp.Connector,
		"edi":      edi.Connector,
		"database": database.Connector,
	}
}

// firstPartyCommands is what the plugin host executes for each of them.
func firstPartyCommands() (map[string][]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program's own file, to start connectors from it: %w", err)
	}
	out := map[string][]string{}
	for name := range firstParty() {
		out[name] = []string{self, "plugin", "serve", name}
	}
	return out, nil
}

func (a *app) pluginCommand() *cobra.Command {
	c := &cobra.Command{Use: "plugin", Short: "Run a connector of this binary as a plugin process", Hidden: true}
	c.AddCommand(&cobra.Command{
		Use:     "serve <connector>",
		Short:   "Serve one connector to the crossdock process that started this one",
		Example: "  crossdock plugin serve rest",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			connector, ok := firstParty()[args[0]]
			if !ok {
				var names []string
				for n := range firstParty() {
					names = append(names, n)
				}
				sort.Strings(names)
				return fail(fmt.Errorf("this binary has no connector %q; it has %s", args[0], strings.Join(names, ", ")))
			}
			sdk.Serve(connector())
			return nil
		},
	})
	return c
}
