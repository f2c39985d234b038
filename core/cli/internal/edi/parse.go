package edi

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

func parseCommand() *cobra.Command {
	var dir string
	var lineage bool
	var part int
	c := &cobra.Command{
		Use: "parse <file>", Short: "Print the sets of an EDI file as named JSON, one a line",
		Long: `Prints every set or message with the names of its grammar: what a mapping reads.
Segments without a place stand under _extra, and a set that would be rejected is
printed with "rejected": true. "-" reads standard input. The exit status is 1 when
no set was found.

--lineage prints where every value comes from instead: a line for each, with its
place in the document (a JSON pointer), segment, position in the set, element,
component and byte.`,
		Example: "  crossdock edi parse order.edi\n  crossdock edi parse - < invoices.edi | jq .invoice.number\n  crossdock edi parse --lineage order.edi\n  crossdock edi parse --part 1000 stock.edi",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			r, done, err := a.open(args[0])
			if err != nil {
				return exit.Fail(err)
			}
			defer done()
			out := bufio.NewWriter(a.out)
			sets, rejected := 0, 0
			s := shape.New(shape.Options{
				Lineage: lineage, PartItems: func(*validate.Set) int { return part },
				Each: func(d *shape.Document) error {
					sets++
					if d.Set.Rejected && d.Last {
						rejected++
					}
					if lineage {
						return printLineage(out, d)
					}
					_, err := out.Write(append(d.JSON, '\n'))
					return err
				},
			})
			if err := (&validate.Validator{Grammars: library(dir)}).Run(r, s); err != nil {
				return exit.Fail(err)
			}
			if err := out.Flush(); err != nil {
				return exit.Fail(err)
			}
			if rejected > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d sets would be rejected; `crossdock edi validate %s` says why\n", args[0], rejected, args[0])
			}
			if sets == 0 {
				return exit.Fail(fmt.Errorf("%s: no set was found; `crossdock edi validate %s` says why", args[0], args[0]))
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	c.Flags().BoolVar(&lineage, "lineage", false, "print where every value comes from")
	c.Flags().IntVar(&part, "part", 0, "print long sets in parts of so many lines, in bounded memory")
	return c
}

// printLineage prints a line for every value of a document.
func printLineage(out io.Writer, d *shape.Document) error {
	for _, o := range d.Lineage {
		place := fmt.Sprintf("%s%02d", o.Segment, o.Element)
		if o.Component > 0 {
			place += fmt.Sprintf("-%d", o.Component)
		}
		if o.Repeat > 0 {
			place += fmt.Sprintf(" repetition %d", o.Repeat)
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\tsegment %d\tbyte %d\n", o.Path, place, o.Position, o.Offset); err != nil {
			return err
		}
	}
	return nil
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
