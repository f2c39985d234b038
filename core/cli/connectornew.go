package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/scaffold"
	"github.com/crossdock/crossdock/plugins/host"
)

func (a *app) connectorNewCommand() *cobra.Command {
	var dir, module, checkout string
	c := &cobra.Command{
		Use: "new <name>", Short: "Write a connector of your own: a module that builds, passes conformance and runs", Args: cobra.ExactArgs(1),
		Long: `Writes a Go module with a connector that works before a line of it is changed.
It builds against the released version of Crossdock, or against a checkout: the
one named, or the one that the command is called in.`,
		Example: "  crossdock connector new acme-wms\n  crossdock connector new acme-wms --dir ../acme-wms --module example.com/acme-wms --crossdock .",
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if dir == "" {
				dir = name
			}
			if module == "" {
				module = "example.com/" + host.BinaryPrefix + name
			}
			if checkout == "" {
				checkout = enclosingCheckout()
			}
			if err := scaffold.Write(dir, name, module, checkout); err != nil {
				return fail(err)
			}
			if a.json {
				return a.printJSON(map[string]string{"dir": dir, "module": module, "crossdock": checkout})
			}
			a.nextSteps(dir, name, checkout)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder to write; default the name")
	c.Flags().StringVar(&module, "module", "", "Go module path")
	c.Flags().StringVar(&checkout, "crossdock", "", "checkout of Crossdock to build against, instead of a released version")
	return c
}

func (a *app) nextSteps(dir, name, checkout string) {
	fmt.Fprintf(a.Out, "wrote %s", dir)
	if checkout != "" {
		fmt.Fprintf(a.Out, ", built against %s", checkout)
	}
	fmt.Fprintf(a.Out, "\n\nnext:\n  cd %s\n", dir)
	if checkout == "" {
		fmt.Fprintln(a.Out, "  go get github.com/crossdock/crossdock@latest && go mod tidy   # or write it again with --crossdock <checkout>")
	}
	binary := "<project>/plugins/" + host.BinaryPrefix + name
	fmt.Fprintf(a.Out, "  go test ./...\n  go build -o %s .\n  crossdock connector lock %s -c <project>\n", binary, name)
}

// enclosingCheckout is the checkout of Crossdock that the working directory is
// in, or nothing. Who works in one wants the connector to fit what is there.
func enclosingCheckout() string {
	dir, err := os.Getwd()
	for err == nil {
		mod, readErr := os.ReadFile(filepath.Join(dir, "go.mod"))
		if readErr == nil {
			if bytes.Contains(mod, []byte("module github.com/crossdock/crossdock\n")) {
				return dir
			}
			return ""
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
	return ""
}
