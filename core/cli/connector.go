package cli

import "github.com/spf13/cobra"

func (a *app) connectorCommand() *cobra.Command     { return &cobra.Command{Use: "connector"} }
func attachments(string) (map[string]string, error) { return nil, nil }
