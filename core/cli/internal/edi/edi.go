// Package edi is `crossdock edi`: tools for an analyst with a partner's file, and
// for scripts. They need no project.
package edi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

// Command returns `crossdock edi` with everything below it.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use: "edi", Short: "Look into EDI files: X12, EDIFACT, TRADACOMS",
		Long: `Works on files alone, without a project: for an analyst with a partner's
sample, and for scripts.`,
		Example: "  crossdock edi validate order.edi\n  crossdock edi validate --json *.edi\n  crossdock edi parse order.edi\n  crossdock edi write order.json\n  crossdock edi diff old.edi new.edi\n  crossdock edi ack order.edi\n  crossdock edi explain 850 BEG\n  crossdock edi lint acme-850.yaml\n  crossdock edi import guide.sef --into grammars",
	}
	c.AddCommand(validateCommand(), parseCommand(), writeCommand(), diffCommand(), ackCommand(), schemaCommand(), explainCommand(), lintCommand(), importCommand())
	return c
}

// tool is what a command reads and writes.
type tool struct {
	in   io.Reader
	out  io.Writer
	json bool
}

func toolOf(cmd *cobra.Command) *tool {
	asJSON, err := cmd.Flags().GetBool("json")
	return &tool{in: cmd.InOrStdin(), out: cmd.OutOrStdout(), json: asJSON && err == nil}
}

// library is the shipped grammars, or those of a folder.
func library(dir string) *grammar.Library {
	if dir != "" {
		return grammar.Open(os.DirFS(dir))
	}
	return grammar.Open(grammars.FS())
}

const (
	grammarsFlag = "folder with grammars to use instead of the shipped ones"
	overlayFlag  = "overlay file: a set as a partner's guide has it; may be given for several sets"
	releaseFlag  = "release, such as 005010 or D01B; default the oldest that has the set"
)

func validateCommand() *cobra.Command {
	var dir string
	var guides []string
	var weights map[string]string
	c := &cobra.Command{
		Use: "validate <file ...>", Short: "Grade EDI files: accepted, accepted with warnings, or rejected",
		Long: `Checks envelopes, the place of every segment, elements and their conditions,
code lists and totals. Every finding says where it stands, what was expected,
and which code the acknowledgement to the partner would carry.

Findings of the level business inform only, unless --level business=warn. With
--overlay a set is checked as a partner's guide has it; what breaks the guide and
not the standard has the level partner.
"-" reads standard input. The exit status is 0 when every file was accepted,
warnings included, 1 when one was rejected, 2 on wrong use.`,
		Example: "  crossdock edi validate order.edi\n  crossdock edi validate --json *.edi\n  crossdock edi validate --level codes=off --level business=warn - < order.edi\n  crossdock edi validate --overlay acme-850.yaml --level partner=warn order.edi",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			policy, err := policyOf(weights)
			if err != nil {
				return &exit.Error{Code: 2, Err: err}
			}
			v := &validate.Validator{Grammars: library(dir), Policy: policy}
			if v.Overlays, err = agreed(v.Grammars, guides); err != nil {
				return &exit.Error{Code: 2, Err: err}
			}
			rejected := 0
			for _, name := range args {
				r, err := a.grade(name, v)
				if err != nil {
					return &exit.Error{Code: 2, Err: err}
				}
				if r.Verdict == verdict.Reject {
					rejected++
				}
				if err := a.report(r); err != nil {
					return err
				}
			}
			if rejected > 0 {
				return &exit.Error{Code: 1, Err: fmt.Errorf("%d of %d files rejected", rejected, len(args))}
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	c.Flags().StringArrayVar(&guides, "overlay", nil, overlayFlag)
	c.Flags().StringToStringVar(&weights, "level", nil, "weight of a level: tokens, envelope, structure, elements, codes, business or partner = off, warn, reject or strict")
	return c
}

func policyOf(weights map[string]string) (validate.Policy, error) {
	words := map[string]validate.Weight{"off": validate.Off, "warn": validate.Warn, "reject": validate.Default, "strict": validate.Strict}
	p := validate.Policy{}
	for level, word := range weights {
		w, ok := words[word]
		if !ok {
			return nil, fmt.Errorf("--level %s=%s: the weight is off, warn, reject or strict", level, word)
		}
		known := false
		for _, l := range finding.Levels() {
			known = known || string(l) == level
		}
		if !known {
			return nil, fmt.Errorf("--level %s=%s: the levels are %v", level, word, finding.Levels())
		}
		p[finding.Level(level)] = w
	}
	return p, nil
}

func (a *tool) grade(name string, v *validate.Validator) (verdict.Report, error) {
	r, done, err := a.open(name)
	if err != nil {
		return verdict.Report{}, err
	}
	defer done()
	return verdict.Grade(name, r, v)
}

func (a *tool) report(r verdict.Report) error {
	if a.json {
		// One line a file, so that many can be read while they come.
		return json.NewEncoder(a.out).Encode(r)
	}
	fmt.Fprintf(a.out, "%s: %s (%s, envelope %s", r.File, r.Verdict, orNone(r.Standard, "no EDI"), r.Envelope)
	if len(r.Sets) > 0 {
		fmt.Fprintf(a.out, ", %s", strings.Join(r.Sets, " "))
	}
	fmt.Fprintln(a.out, ")")
	for _, f := range r.Findings {
		fmt.Fprintf(a.out, "  %-8s%s%s\n", f.Severity, f, ackCodes(f, r.Standard))
	}
	if r.More > 0 {
		fmt.Fprintf(a.out, "  … and %d more\n", r.More)
	}
	return nil
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

// ackCodes lists the codes of the acknowledgement that would report a finding.
func ackCodes(f finding.Finding, standard string) string {
	codes := f.Reported(standard == syntax.EDIFACT.String())
	if len(codes) == 0 {
		return ""
	}
	return " [" + strings.Join(codes, ", ") + "]"
}

// oneRelease is a release of a standard.
type oneRelease struct {
	std     syntax.Standard
	release string
}

// releases lists those of a library, X12 first, the oldest first.
func releases(lib *grammar.Library) []oneRelease {
	var out []oneRelease
	for _, std := range []syntax.Standard{syntax.X12, syntax.EDIFACT} {
		names, err := lib.Releases(std)
		if err != nil {
			continue // lint reports it
		}
		// D96A is older than D01B: EDIFACT's years began in the nineties.
		if std == syntax.EDIFACT {
			slices.Reverse(names)
		}
		for _, r := range names {
			out = append(out, oneRelease{std, r})
		}
	}
	return out
}

func findSet(lib *grammar.Library, id, release string) (*grammar.Set, error) {
	var known []string
	id = strings.ToUpper(id)
	for _, r := range releases(lib) {
		known = append(known, r.release)
		if release != "" && r.release != release {
			continue
		}
		set, err := lib.Set(r.std, r.release, id)
		if errors.Is(err, grammar.ErrUnknown) {
			continue
		}
		return set, err
	}
	return nil, fmt.Errorf("%w for %s in %s; `crossdock edi lint` lists the sets", grammar.ErrUnknown, id, strings.Join(known, ", "))
}
