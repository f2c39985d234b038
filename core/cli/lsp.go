package cli

import (
	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/lsp"
)

func (a *app) lspCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lsp", Short: "Serve editors while they write mapping files",
		Long:    lsp.Help,
		Example: "  crossdock lsp\n  crossdock lsp -c path/to/project",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project := ""
			if cmd.Flags().Changed("config") {
				project = a.dir
			}
			return fail(lsp.New(a.In, a.Out, a.Err, project, Version()).Serve(cmd.Context()))
		},
	}
}
