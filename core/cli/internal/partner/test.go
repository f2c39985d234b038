package partner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	agreement "github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func testCommand(p Project) *cobra.Command {
	var page, at string
	var brief bool
	c := &cobra.Command{
		Use: "test <id> <file ...>", Short: "Grade a partner's samples exactly as the connector would",
		Long: `Reads files as the connector would under this agreement and prints the verdict,
every finding with its place, what was found and expected, the acknowledgement
that would be sent, the named JSON of each set, and, where receive.<set>.mapping
names a mapping, what it makes of it. Nothing is sent or remembered, no control
number is drawn, and control numbers that came before are not known.

--html writes one self-contained page to mail to the partner.

The exit status is 0 when everything was accepted, warnings included, and mapped;
1 when something was rejected or a mapping refused it; 2 on wrong use.`,
		Example: "  crossdock partner test acme sample.edi\n  crossdock partner test acme samples/*.edi --html report.html --brief\n  crossdock partner test acme sample.edi --json | jq '.files[].findings[]'",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			t := toolOf(cmd, p)
			r, err := t.runner(args[0])
			if err != nil {
				return err
			}
			if at != "" {
				if r.at, err = time.Parse(time.RFC3339, at); err != nil {
					return exit.Misuse("--at is a time such as 2026-01-05T09:15:00Z: %w", err)
				}
			}
			report, err := r.run(cmd.Context(), args[1:])
			if err != nil {
				return err
			}
			if page != "" {
				if err := r.writePage(page, report); err != nil {
					return exit.Fail(err)
				}
			}
			if t.json {
				err = t.printJSON(report)
			} else {
				err = t.printReport(report, brief)
				if page != "" {
					fmt.Fprintf(t.out, "wrote %s\n", page)
				}
			}
			if err != nil {
				return err
			}
			return report.outcome()
		},
	}
	c.Flags().StringVar(&page, "html", "", "file to write a self-contained page to")
	c.Flags().BoolVar(&brief, "brief", false, "leave the documents out of the text")
	c.Flags().StringVar(&at, "at", "", "date and time of the acknowledgement and report; default now")
	return c
}

// runner is what grading needs.
type runner struct {
	p        *agreement.Partner
	library  *grammar.Library
	guides   *agreement.Guides
	mappings *mapping.Library
	at       time.Time
}

func (t *tool) runner(id string) (*runner, error) {
	project, loaded := t.Load()
	if project == nil {
		return nil, exit.Fail(loaded.Err())
	}
	file := project.Partners[id]
	if file == nil {
		return nil, unknown(id, project)
	}
	if err := broken(project, loaded, id); err != nil {
		return nil, exit.Misuse("the agreement with %s has errors (`crossdock partner check %s`):\n%w", id, id, err)
	}
	p, _, _ := agreement.Decode(file.Content)
	r := &runner{p: &p, library: grammar.Open(grammars.FS()), mappings: mapping.Open(os.DirFS(project.Dir)), at: time.Now().UTC().Truncate(time.Second)}
	var err error
	r.guides, err = p.Guides(r.library)
	return r, exit.Fail(err)
}

// broken is what keeps an agreement from being used; mappings may have errors.
func broken(project *config.Project, loaded strictyaml.Findings, id string) error {
	file := project.Partners[id]
	c := &checker{project: project, library: grammar.Open(grammars.FS())}
	for _, f := range loaded {
		if f.File == file.File() {
			c.found = append(c.found, f)
		}
	}
	p, problems, _ := agreement.Decode(file.Content)
	for _, err := range problems {
		c.found = append(c.found, placed(file, err, strictyaml.Error))
	}
	c.guides(file, &p)
	return c.found.Err()
}

func (r *runner) run(ctx context.Context, files []string) (*Report, error) {
	report := &Report{Partner: r.p.ID, Name: r.p.Name, At: r.at, Verdict: verdict.Accept, Files: []*File{}}
	for _, name := range files {
		content, err := readSample(name)
		if err != nil {
			return nil, &exit.Error{Code: 2, Err: err}
		}
		f, err := r.grade(filepath.Base(name), content)
		if err != nil {
			return nil, exit.Fail(fmt.Errorf("%s: %w", name, err))
		}
		report.Unmapped += r.mapSets(ctx, f)
		report.Files = append(report.Files, f)
		if f.Verdict == verdict.Reject || report.Verdict == verdict.Accept {
			report.Verdict = f.Verdict
		}
	}
	return report, nil
}

// readSample reads a partner's sample.
func readSample(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name a file in it", name)
	}
	if info.Size() > maxSample {
		return nil, fmt.Errorf("%s: a sample is a file of at most %d MB; `crossdock edi validate` reads any size", name, maxSample>>20)
	}
	return os.ReadFile(name)
}

// mapSets runs the mappings that the agreement names on what would be handed over,
// and counts the documents that they refuse.
func (r *runner) mapSets(ctx context.Context, f *File) (refused int) {
	for _, ic := range f.Interchanges {
		for _, s := range ic.Sets {
			if s.Mapping == "" || s.Verdict == verdict.Reject {
				continue
			}
			for _, d := range s.Documents {
				if !r.mapOne(ctx, f, ic, s, d) {
					refused++
				}
			}
		}
	}
	return refused
}

func (r *runner) mapOne(ctx context.Context, f *File, ic *Interchange, s *Set, d *Document) bool {
	m, found := r.mappings.Mapping(s.Mapping)
	if m == nil {
		var fs strictyaml.Findings
		for _, one := range found {
			fs = append(fs, routing.FromMapping(one))
		}
		d.Error = errors.Join(fmt.Errorf("the mapping %s cannot be used", s.Mapping), fs.Err()).Error()
		return false
	}
	out, err := m.Map(ctx, d.JSON, mapping.Input{
		MessageID: "partner-test", Now: r.at,
		// As the connector's records have it.
		Meta: map[string]string{"file": f.Name, "key.file": f.Name, "key.interchange": ic.Control, "edi.usage": ic.Usage},
	})
	if err != nil {
		d.Error = err.Error()
		return false
	}
	d.Canonical, d.Warnings = out.Doc, out.Warnings
	return true
}

// outcome is the exit status.
func (r *Report) outcome() error {
	rejected := 0
	for _, f := range r.Files {
		if f.Verdict == verdict.Reject {
			rejected++
		}
	}
	switch {
	case rejected > 0:
		return exit.Fail(fmt.Errorf("%d of %d files rejected", rejected, len(r.Files)))
	case r.Unmapped > 0:
		return exit.Fail(fmt.Errorf("accepted, but %d of the documents cannot be mapped", r.Unmapped))
	}
	return nil
}
