package mapfile

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping/difference"
	"github.com/crossdock/crossdock/core/mapping/specification"
)

func diffCommand() *cobra.Command {
	var against string
	var messages []string
	c := &cobra.Command{
		Use: "diff <old> [new]", Short: "Tell what is different between two versions of a mapping",
		Long: `Compares what two mappings say: rules, code lists, lookups, variables, assertions,
schemas. Spaces, comments, names of loop variables and fragments are no difference,
nor is the order of rules; the order of the entries of a list is.

With --against the file is compared with what it was in a revision of git, together
with the schemas and tables that it had then.

With --messages both versions map recorded documents, and what differs in the
results is told by field: JSON files, files with a document a line, or folders of
them. Tables are not asked; a lookup in a table gives its key.

The exit status is 0 when nothing differs, 1 when something does, 2 on wrong use or
when a file cannot be read.`,
		Example: "  crossdock map diff mappings/order.yaml mappings/order-2.yaml\n  crossdock map diff mappings/order.yaml --against HEAD~1\n  crossdock map diff order --against v1.4.0 --messages recorded/",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			t := toolOf(cmd)
			p, err := t.versions(args, against)
			if err != nil {
				return &exit.Error{Code: 2, Err: err}
			}
			r := report{Old: p.title(0), New: p.title(1), Changes: difference.Compare(p.said[0], p.said[1])}
			if r.Changes == nil {
				r.Changes = []difference.Change{}
			}
			if len(messages) > 0 {
				if r.Messages, err = p.run(cmd, messages); err != nil {
					return &exit.Error{Code: 2, Err: err}
				}
			}
			if t.json {
				err = t.printJSON(r)
			} else {
				_, err = fmt.Fprint(t.out, r.text())
			}
			if err != nil {
				return exit.Fail(err)
			}
			if len(r.Changes) > 0 || r.Messages != nil && r.Messages.Different() {
				return &exit.Error{Code: 1, Err: fmt.Errorf("the mappings differ: %s", r.summary())}
			}
			return nil
		},
	}
	c.Flags().StringVar(&against, "against", "", "revision of git to compare the file with, such as HEAD~1")
	c.Flags().StringArrayVar(&messages, "messages", nil, "recorded documents that both versions map; a file or a folder, may be given several times")
	return c
}

// report is what `map diff --json` prints.
type report struct {
	Old      string              `json:"old"`
	New      string              `json:"new"`
	Changes  []difference.Change `json:"changes"`
	Messages *difference.Outcome `json:"messages,omitempty"`
}

// versions are the two mappings, the older one first.
type versions struct {
	fsys  [2]fs.FS
	names [2]string
	said  [2]*specification.Mapping
	from  string // revision of the older one, or ""
}

func (t *tool) versions(args []string, against string) (*versions, error) {
	p := &versions{from: against}
	switch {
	case against != "" && len(args) == 2:
		return nil, fmt.Errorf("two files and --against; leave one out")
	case against == "" && len(args) == 1:
		return nil, fmt.Errorf("compare %s with what? name a second file, or a revision of git with --against HEAD~1", args[0])
	case against != "":
		args = []string{args[0], args[0]}
	}
	for i, a := range args {
		var err error
		if p.fsys[i], p.names[i], err = t.mappingFile(a); err != nil {
			return nil, err
		}
		if against != "" && i == 0 {
			if p.fsys[0], err = openRevision(t.dir, against); err != nil {
				return nil, err
			}
		}
		if p.said[i], err = specification.Read(p.fsys[i], p.names[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *versions) title(i int) string {
	s := p.names[i] + " " + p.said[i].Version
	if i == 0 && p.from != "" {
		s += " (" + p.from + ")"
	}
	return s
}

func (p *versions) run(cmd *cobra.Command, messages []string) (*difference.Outcome, error) {
	old, err := checked(p.fsys[0], p.names[0])
	if err != nil {
		return nil, err
	}
	changed, err := checked(p.fsys[1], p.names[1])
	if err != nil {
		return nil, err
	}
	list, err := readMessages(messages)
	if err != nil {
		return nil, err
	}
	return difference.Run(cmd.Context(), old, changed, list)
}

func (r report) summary() string {
	var words []string
	if n := len(r.Changes); n > 0 {
		words = append(words, plural(n, "change"))
	}
	if m := r.Messages; m != nil && m.Different() {
		words = append(words, fmt.Sprintf("%d of %s with another outcome", m.Messages-m.Same, plural(m.Messages, "message")))
	}
	return strings.Join(words, ", ")
}

var signs = map[difference.Kind]string{difference.Added: "+", difference.Removed: "-", difference.Changed: "~", difference.Moved: ">"}

// text shows the report in lines.
func (r report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "old: %s\nnew: %s\n", r.Old, r.New)
	if len(r.Changes) == 0 {
		b.WriteString("\nboth say the same\n")
	}
	section := ""
	for _, c := range r.Changes {
		if c.Section != section {
			section = c.Section
			fmt.Fprintf(&b, "\n%s\n", section)
		}
		writeChange(&b, c)
	}
	if r.Messages != nil {
		writeOutcome(&b, r.Messages)
	}
	return b.String()
}

func writeChange(b *strings.Builder, c difference.Change) {
	fmt.Fprintf(b, "  %s %s", signs[c.Kind], c.Name)
	if c.Kind == difference.Moved {
		fmt.Fprint(b, " (moved, which changes the order of the result)")
	}
	for _, d := range c.Details {
		what := d.What
		if what != "" {
			what += ": "
		}
		switch sep := "\n      "; {
		case len(c.Details) == 1 && what == "":
			fmt.Fprintf(b, ": %s", arrow(c.Kind, d))
		default:
			fmt.Fprintf(b, "%s%s%s", sep, what, arrow(c.Kind, d))
		}
	}
	if len(c.UsedBy) > 0 {
		fmt.Fprintf(b, "\n      used by %s", strings.Join(c.UsedBy, ", "))
	}
	b.WriteString("\n")
}

func arrow(k difference.Kind, d difference.Detail) string {
	nothing := func(s string) string {
		if s == "" {
			return "(nothing)"
		}
		return s
	}
	switch k {
	case difference.Added:
		return d.New
	case difference.Removed:
		return d.Old
	}
	return nothing(d.Old) + " → " + nothing(d.New)
}

func writeOutcome(b *strings.Builder, o *difference.Outcome) {
	fmt.Fprintf(b, "\nmessages\n  %d read, %d with the same outcome\n", o.Messages, o.Same)
	if o.RefusedByBoth > 0 {
		fmt.Fprintf(b, "  %d refused by both; the first: %s\n", o.RefusedByBoth, o.Reason)
	}
	for _, f := range o.Fields {
		fmt.Fprintf(b, "  ~ %s: %d of %s\n", f.Field, f.Messages, plural(o.Messages, "message"))
		for _, e := range f.Examples {
			fmt.Fprintf(b, "      %s: %s: %s\n", e.Message, e.Place, arrow(difference.Changed, difference.Detail{Old: e.Old, New: e.New}))
		}
	}
	for _, x := range o.Refused {
		fmt.Fprintf(b, "  ! %s: the %s version refuses it: %s\n", x.Message, x.By, x.Error)
	}
}
