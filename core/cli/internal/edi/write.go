package edi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

// writeFlags are the envelope of documents that have none.
type writeFlags struct {
	sender, receiver, release, separators, suffix, usage, at string
	control                                                  uint64
}

func writeCommand() *cobra.Command {
	var dir string
	var f writeFlags
	c := &cobra.Command{
		Use: "write [file]", Short: "Write named JSON as EDI: the reverse of parse",
		Long: `Reads JSON documents, one a line or one a file, and prints the EDI that they
make. Documents that "crossdock edi parse" printed have their envelopes in them,
and give the file back that they came from. For others, and to write to someone
else, --sender and --receiver make an envelope. Every member that no segment
carries, and every value that would be rejected, is reported with its JSON
pointer; then nothing is written. "-" or no file reads standard input.`,
		Example: "  crossdock edi parse order.edi | crossdock edi write\n  crossdock edi write invoice.json --sender 08:9254110060 --receiver ZZ:ACMEOUTFIT --control 42 --suffix lf\n  crossdock edi write order.json --sender 14:5412345000013 --receiver 14:8712345000019 --release D96A",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			name := "-"
			if len(args) > 0 {
				name = args[0]
			}
			docs, err := a.documents(name)
			if err != nil {
				return exit.Fail(err)
			}
			var out []byte
			if f.sender == "" && f.receiver == "" {
				if err := f.alone(cmd); err != nil {
					return &exit.Error{Code: 2, Err: err}
				}
				out, err = compose.Restore(library(dir), docs)
			} else {
				to, numbers, wrong := f.agreement(docs[0])
				if wrong != nil {
					return &exit.Error{Code: 2, Err: wrong}
				}
				out, err = to.Interchange(library(dir), docs, numbers)
			}
			if err != nil {
				return exit.Fail(fmt.Errorf("%s: %w", name, err))
			}
			rejected := 0
			for _, d := range docs {
				if d.Rejected() {
					rejected++
				}
			}
			if rejected > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d documents were read from sets that are rejected; what they lack is not in the file either\n", name, rejected)
			}
			_, err = a.out.Write(out)
			return exit.Fail(err)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.sender, "sender", "", "qualifier and identifier of who sends, such as 08:9254110060")
	flags.StringVar(&f.receiver, "receiver", "", "qualifier and identifier of who receives, such as ZZ:ACMEOUTFIT")
	flags.Uint64Var(&f.control, "control", 1, "control number of the interchange")
	flags.StringVar(&f.release, "release", "", "release of documents that name none: 004010, D96A")
	flags.StringVar(&f.separators, "separators", "", "separators of elements, components and segments, and of repetitions where there is one, such as '*>~'")
	flags.StringVar(&f.suffix, "suffix", "none", "what follows every segment: crlf, lf or none")
	flags.StringVar(&f.usage, "usage", "", "T or 1 for a test, P for production")
	flags.StringVar(&f.at, "at", "", "date and time of the envelope, such as 2026-01-05T09:15:00Z; default now")
	flags.StringVar(&dir, "grammars", "", grammarsFlag)
	return c
}

// documents reads JSON documents one after another.
func (a *tool) documents(name string) ([]*compose.Document, error) {
	r, done, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer done()
	var out []*compose.Document
	for dec := json.NewDecoder(r); ; {
		var one json.RawMessage
		if err := dec.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%s: document %d, byte %d: %w", name, len(out)+1, dec.InputOffset(), err)
		}
		doc, err := compose.Read(one)
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", name, len(out)+1, err)
		}
		out = append(out, doc)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: there is no JSON document", name)
	}
	return out, nil
}

// alone holds that no flag is without effect.
func (f *writeFlags) alone(cmd *cobra.Command) error {
	for _, name := range []string{"control", "release", "separators", "suffix", "usage", "at"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s needs --sender and --receiver: without them the documents' own envelopes are written", name)
		}
	}
	return nil
}

var suffixes = map[string]string{"crlf": "\r\n", "lf": "\n", "none": ""}

// agreement is what the flags say, with the standard and release of the first
// document where they say nothing.
func (f *writeFlags) agreement(first *compose.Document) (compose.Agreement, compose.Numbers, error) {
	a := compose.Agreement{Standard: syntax.X12, Release: f.release, Usage: f.usage}
	n := compose.Numbers{Interchange: f.control, At: time.Now().UTC()}
	if a.Release == "" {
		a.Release = first.Release()
	}
	if a.Release == "" {
		a.Release = "004010"
	}
	if c := a.Release[0]; c < '0' || c > '9' {
		a.Standard = syntax.EDIFACT
	}
	var ok bool
	if a.Suffix, ok = suffixes[f.suffix]; !ok {
		return a, n, fmt.Errorf("--suffix %s: it is crlf, lf or none", f.suffix)
	}
	for _, p := range []struct {
		flag, value string
		to          *compose.Party
	}{{"sender", f.sender, &a.Sender}, {"receiver", f.receiver, &a.Receiver}} {
		var found bool
		if p.to.Qualifier, p.to.ID, found = strings.Cut(p.value, ":"); !found || p.to.ID == "" {
			return a, n, fmt.Errorf("--%s %q: write qualifier and identifier, such as ZZ:ACMEOUTFIT", p.flag, p.value)
		}
	}
	if s := f.separators; s != "" {
		const least, most = 3, 4
		if len(s) < least || len(s) > most {
			return a, n, fmt.Errorf("--separators %q: those of elements, components and segments, and of repetitions where there is one, such as '*>~'", s)
		}
		a.Delimiters.Element, a.Delimiters.Component, a.Delimiters.Segment = s[0], s[1], s[2]
		if len(s) == most {
			a.Delimiters.Repetition = s[3]
		}
	}
	if f.at != "" {
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return a, n, fmt.Errorf("--at is a time such as 2026-01-05T09:15:00Z: %w", err)
		}
		n.At = at
	}
	return a, n, nil
}
