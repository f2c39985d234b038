package edi

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

func parseCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "parse <file>", Short: "Print the sets of an EDI file as named JSON, one a line",
		Long: `Prints every set or message with the names of its grammar: what a mapping reads.
Segments without a place stand under _extra, and a set that would be rejected is
printed with "rejected": true. "-" reads standard input. The exit status is 1 when
no set was found.`,
		Example: "  crossdock edi parse order.edi\n  crossdock edi parse - < invoices.edi | jq .invoice.number",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			r, done, err := a.open(args[0])
			if err != nil {
				return exit.Fail(err)
			}
			defer done()
			out := bufio.NewWriter(a.out)
			counted := &counter{Writer: shape.NewWriter(out)}
			if err := (&validate.Validator{Grammars: library(dir)}).Run(r, counted); err != nil {
				return exit.Fail(err)
			}
			if err := out.Flush(); err != nil {
				return exit.Fail(err)
			}
			if counted.sets == 0 {
				return exit.Fail(fmt.Errorf("%s: no set was found; `crossdock edi validate %s` says why", args[0], args[0]))
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	return c
}

// counter counts the sets that a shape.Writer wrote.
type counter struct {
	*shape.Writer
	sets int
}

func (c *counter) EndSet(s *validate.Set) error {
	c.sets++
	return c.Writer.EndSet(s)
}

func schemaCommand() *cobra.Command {
	var dir, release string
	c := &cobra.Command{
		Use: "schema <set>", Short: "Print the JSON Schema of a set's document",
		Long:    `Prints the schema of what "crossdock edi parse" prints, for the source or target of a mapping.`,
		Example: "  crossdock edi schema 850 > mappings/schemas/x12-850.json\n  crossdock edi schema ORDERS --release D01B",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			set, err := findSet(library(dir), args[0], release)
			if err != nil {
				return exit.Fail(err)
			}
			b, err := shape.Schema(set)
			if err != nil {
				return exit.Fail(err)
			}
			fmt.Fprintln(a.out, string(b))
			return nil
		},
	}
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	c.Flags().StringVar(&release, "release", "", releaseFlag)
	return c
}
