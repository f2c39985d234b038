package edi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func ackCommand() *cobra.Command {
	var kind, version, at, dir string
	var control uint64
	var guides []string
	var lines, masked bool
	c := &cobra.Command{
		Use: "ack <file>", Short: "Write the acknowledgement that a file would get",
		Long: `Validates a file and writes the answer to its sender: a 997 for every X12 group
and a CONTRL for an EDIFACT interchange, or what --kind names. With --overlay a set
is checked as a partner's guide has it. "-" reads standard input. Nothing is sent, and no control number is drawn: --control names it.`,
		Example: "  crossdock edi ack order.edi\n  crossdock edi ack order.edi --kind 999 --control 42 --lines\n  crossdock edi ack - --kind TA1 < order.edi",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			when := time.Now()
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return &exit.Error{Code: 2, Err: fmt.Errorf("--at is a time such as 2026-01-05T09:15:00Z: %w", err)}
				}
			}
			v := &validate.Validator{Grammars: library(dir)}
			var err error
			if v.Overlays, err = agreed(v.Grammars, guides); err != nil {
				return &exit.Error{Code: 2, Err: err}
			}
			collected, err := a.collect(args[0], v)
			if err != nil {
				return exit.Fail(err)
			}
			o := acknowledge.Options{Control: control, At: when, Version: version, Masked: masked}
			if lines {
				o.Suffix = "\n"
			}
			out, err := writeAcks(collected, kind, o)
			if err != nil {
				return exit.Fail(fmt.Errorf("%s: %w", args[0], err))
			}
			for _, b := range out {
				if _, err := a.out.Write(b); err != nil {
					return exit.Fail(err)
				}
			}
			if !lines {
				fmt.Fprintln(a.out)
			}
			return nil
		},
	}
	c.Flags().StringVar(&kind, "kind", "", "TA1, 997, 999 or CONTRL; default 997 for X12 and CONTRL for EDIFACT")
	c.Flags().StringArrayVar(&guides, "overlay", nil, overlayFlag)
	c.Flags().StringVar(&version, "version", "", "release of a 997, 004010 or 005010; that of the group when not given")
	c.Flags().Uint64Var(&control, "control", 1, "control number of the first answer")
	c.Flags().StringVar(&at, "at", "", "date and time in its envelope; default now")
	c.Flags().BoolVar(&lines, "lines", false, "a line feed after every segment")
	c.Flags().BoolVar(&masked, "masked", false, "leave out the data at fault")
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	return c
}

func writeAcks(c *acknowledge.Collector, kind string, o acknowledge.Options) ([][]byte, error) {
	switch k := acknowledge.Kind(strings.ToUpper(kind)); k {
	case acknowledge.TA1, acknowledge.X997, acknowledge.X999, acknowledge.CONTRL:
		out, err := c.Write(k, o)
		if errors.Is(err, acknowledge.ErrNothing) {
			return nil, instead(c, k)
		}
		return out, err
	case "":
		out, err := c.Write(acknowledge.X997, o)
		if errors.Is(err, acknowledge.ErrNothing) {
			return c.Write(acknowledge.CONTRL, o)
		}
		return out, err
	}
	return nil, exit.Misuse("--kind %s: the acknowledgements are TA1, 997 and 999 of X12, and CONTRL of EDIFACT", kind)
}

// instead says with what a file is answered of which nothing has an answer of the
// kind that was asked for.
func instead(c *acknowledge.Collector, kind acknowledge.Kind) error {
	var standard string
	var kinds []string
	for _, k := range []acknowledge.Kind{acknowledge.TA1, acknowledge.X997, acknowledge.X999, acknowledge.CONTRL} {
		answers, err := c.Answers(k)
		if err != nil || len(answers) == 0 {
			continue
		}
		standard = answers[0].Header().Standard.String()
		kinds = append(kinds, string(k))
	}
	if len(kinds) == 0 {
		return acknowledge.ErrNothing
	}
	return exit.Misuse("--kind %s: nothing in the file is answered with it; the kinds for %s are %s", kind, standard, strings.Join(kinds, ", "))
}

func (a *tool) collect(name string, v *validate.Validator) (*acknowledge.Collector, error) {
	r, done, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer done()
	c := &acknowledge.Collector{}
	return c, v.Run(r, c)
}

// open opens a file, or standard input for "-". What cannot be one is wrong use.
func (a *tool) open(name string) (io.Reader, func(), error) {
	if name == "-" {
		return a.in, func() {}, nil
	}
	if _, err := stat(name); err != nil {
		return nil, nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, exit.Misuse("%s cannot be read: %w", name, strictyaml.WithoutPath(err))
	}
	return f, func() { _ = f.Close() }, nil // read only
}
