package partner

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	agreement "github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/config"
)

// placeholder stands for an identifier that nobody knows yet.
const placeholder = "UNKNOWN"

// wishes are the flags of `partner new`.
type wishes struct {
	standard, theirs, ours, sample, transport string
}

func newCommand(p Project) *cobra.Command {
	var w wishes
	c := &cobra.Command{
		Use: "new <id>", Short: "Write the two files that a partner begins with", Args: cobra.ExactArgs(1),
		Long: `Writes partners/<id>.yaml, what was agreed, and connections/<id>.yaml, how the
partner's files are reached. Both are commented. Existing files are never touched.

A sample of what the partner sends (--from) gives identifiers, standard, sets,
releases, separators and usage; flags come before it. When --ours is the sender
of the sample, it is one of what we send. Of a sample that would be rejected, cut
off for instance, what can be read is taken, and a warning says what is wrong. Without --ours the identifier that the
other agreements of the project have is ours.`,
		Example: "  crossdock partner new acme --from sample.edi\n  crossdock partner new acme --theirs ZZ:ACME --ours 08:9254110060 --transport folder\n  crossdock partner new markt --standard edifact --theirs 14:4012345000009 --ours 14:4098765000003",
		RunE: func(cmd *cobra.Command, args []string) error {
			t := toolOf(cmd, p)
			project, loaded := p.Load()
			if project == nil {
				return exit.Fail(loaded.Err())
			}
			d, err := w.draft(project, args[0])
			if err != nil {
				return &exit.Error{Code: 2, Err: err}
			}
			files, err := d.write(project.Dir)
			if err != nil {
				return exit.Fail(err)
			}
			if t.json {
				out := map[string]any{"partner": d.ID, "files": files}
				if doubt := d.doubt(); doubt != "" {
					out["warnings"] = []string{doubt}
				}
				return t.printJSON(out)
			}
			t.next(d, files)
			return nil
		},
	}
	c.Flags().StringVar(&w.standard, "standard", "", "what we write: x12 (default) or edifact")
	c.Flags().StringVar(&w.theirs, "theirs", "", "the partner's interchange identifier, as qualifier:id")
	c.Flags().StringVar(&w.ours, "ours", "", "our identifier towards the partner, as qualifier:id")
	c.Flags().StringVar(&w.sample, "from", "", "a sample of what the partner sends")
	c.Flags().StringVar(&w.transport, "transport", "sftp", "how files are reached: sftp or folder")
	return c
}

// draft is what is known of a partner before anybody wrote it down.
type draft struct {
	ID, Standard, Transport string
	Theirs, Ours            agreement.Identity
	Sample                  *sample // nil without one
	SampleFile              string  // as it was named
	Root                    string  // of transport folder
}

var partnerID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func (w wishes) draft(project *config.Project, id string) (*draft, error) {
	if !partnerID.MatchString(id) {
		return nil, fmt.Errorf("%q cannot be a partner's id: use 1 to 63 lower case letters, digits and dashes, a letter first", id)
	}
	if w.standard != "" && w.standard != "x12" && w.standard != "edifact" {
		return nil, fmt.Errorf("--standard %s: it is x12 or edifact", w.standard)
	}
	if w.transport != "sftp" && w.transport != "folder" {
		return nil, fmt.Errorf("--transport %s: it is sftp or folder", w.transport)
	}
	if project.Partners[id] != nil {
		return nil, fmt.Errorf("the partner %q is defined in %s already", id, project.Partners[id].ID.Pos)
	}
	for _, c := range project.Connections {
		if c.Name.Value == id {
			return nil, fmt.Errorf("there is a connection %q already, in %s; take another id", id, c.Name.Pos)
		}
	}
	d := &draft{ID: id, Standard: w.standard, Transport: w.transport, SampleFile: w.sample, Root: filepath.ToSlash(filepath.Join(project.Dir, "exchange", id))}
	var err error
	if d.Theirs, err = identity("--theirs", w.theirs); err != nil {
		return nil, err
	}
	if d.Ours, err = identity("--ours", w.ours); err != nil {
		return nil, err
	}
	if w.sample != "" {
		if d.Sample, err = takeSample(w.sample); err != nil {
			return nil, err
		}
		d.fill()
	}
	if d.Ours.ID == "" {
		d.Ours = shared(project, d.Standard)
	}
	d.defaults()
	// What is written must be one that the connector takes.
	p := agreement.Defaults()
	p.Standard, p.Theirs, p.Ours = d.Standard, d.Theirs, d.Ours
	if problems := p.Validate(""); len(problems) > 0 {
		return nil, fmt.Errorf("%w; name both sides with --theirs and --ours, as qualifier:id", errors.Join(problems...))
	}
	return d, nil
}

// identity reads ZZ:ACME.
func identity(flag, text string) (agreement.Identity, error) {
	if text == "" {
		return agreement.Identity{}, nil
	}
	qualifier, id, ok := strings.Cut(text, ":")
	if !ok {
		qualifier, id = "", text
	}
	i := agreement.Identity{Qualifier: strings.TrimSpace(qualifier), ID: strings.TrimSpace(id)}
	if i.ID == "" {
		return i, fmt.Errorf("%s %s: write qualifier:id, such as ZZ:ACME", flag, text)
	}
	return i, nil
}

// fill takes from the sample what no flag says.
func (d *draft) fill() {
	s := d.Sample
	if d.Ours.ID != "" && d.Ours.Is(s.sender) {
		s.ours = true
		s.sender, s.receiver = s.receiver, s.sender
		s.groups[0], s.groups[1] = s.groups[1], s.groups[0]
	}
	if d.Theirs.ID == "" {
		d.Theirs = agreement.Identity{Qualifier: s.sender.Qualifier, ID: s.sender.ID, Group: groupOf(s.groups[0], s.sender)}
	}
	if d.Ours.ID == "" {
		d.Ours = agreement.Identity{Qualifier: s.receiver.Qualifier, ID: s.receiver.ID, Group: groupOf(s.groups[1], s.receiver)}
	}
	if d.Standard == "" {
		d.Standard = strings.ToLower(s.standard.String())
	}
}

// shared is our identifier when all agreements of a standard have the same.
func shared(project *config.Project, standard string) agreement.Identity {
	var out agreement.Identity
	for _, id := range ids(project) {
		content := project.Partners[id].Content
		ours, _ := content["ours"].(map[string]any)
		std, _ := content["standard"].(string)
		name, _ := ours["id"].(string)
		qualifier, _ := ours["qualifier"].(string)
		if cmp.Or(std, "x12") != cmp.Or(standard, "x12") || name == placeholder {
			continue
		}
		one := agreement.Identity{Qualifier: qualifier, ID: name}
		if out.ID != "" && (one.ID != out.ID || one.Qualifier != out.Qualifier) {
			return agreement.Identity{}
		}
		out = one
	}
	return out
}

func (d *draft) defaults() {
	if d.Standard == "" {
		d.Standard = "x12"
	}
	for _, i := range []*agreement.Identity{&d.Theirs, &d.Ours} {
		if i.ID == "" {
			i.ID, i.Qualifier = placeholder, "ZZ"
			if d.Standard == "edifact" {
				i.Qualifier = "14"
			}
		}
	}
}

// write writes both files, or none.
func (d *draft) write(dir string) ([]string, error) {
	contents := map[string]string{
		path.Join("partners", d.ID+".yaml"):    d.partnerFile(),
		path.Join("connections", d.ID+".yaml"): d.connectionFile(),
	}
	names := sorted(contents)
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return nil, fmt.Errorf("%s exists; existing files are left alone", name)
		}
	}
	for _, name := range names {
		if err := writeNew(filepath.Join(dir, filepath.FromSlash(name)), contents[name]); err != nil {
			return nil, err
		}
	}
	if d.Folder() {
		for _, folder := range []string{"in", "out"} {
			if err := os.MkdirAll(filepath.Join(d.Root, folder), 0o755); err != nil {
				return nil, err
			}
		}
	}
	return names, nil
}

// writeNew writes a file that must not exist.
func writeNew(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("existing files are left alone: %w", err)
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// doubt says why the sample may not have told everything; empty without doubt.
func (d *draft) doubt() string {
	if d.Sample == nil || d.Sample.problem == nil {
		return ""
	}
	return fmt.Sprintf("the sample %s would be rejected, so that the files may lack what it was to show: %s; `crossdock edi validate %s` tells everything", d.SampleFile, d.Sample.problem, d.shown())
}

// shown is the sample as a shell takes it.
func (d *draft) shown() string {
	if strings.Trim(d.SampleFile, shellSafe) == "" {
		return d.SampleFile
	}
	return "'" + strings.ReplaceAll(d.SampleFile, "'", `'\''`) + "'"
}

// shellSafe are characters that no shell takes for its own.
const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:,@"

func (t *tool) next(d *draft, files []string) {
	if doubt := d.doubt(); doubt != "" {
		fmt.Fprintf(t.err, "warning: %s\n", doubt)
	}
	fmt.Fprintf(t.out, "wrote %s\n", strings.Join(files, ", "))
	if !d.Folder() {
		fmt.Fprintf(t.out, "\nset %s, in the environment or in .env\n", strings.Join(d.secrets(), ", "))
	}
	if d.Theirs.ID == placeholder || d.Ours.ID == placeholder {
		fmt.Fprintf(t.out, "\nwrite the identifiers of both sides into partners/%s.yaml, in place of %s\n", d.ID, placeholder)
	}
	theirs := "sample.edi" // one of ours is no test of what they send
	if d.Sample != nil && !d.Sample.ours {
		theirs = d.shown()
	}
	fmt.Fprintf(t.out, "\nnext:\n  crossdock partner check %[1]s\n  crossdock partner test %[1]s %[2]s --html report.html\n  crossdock connector check %[1]s\n", d.ID, theirs)
}
