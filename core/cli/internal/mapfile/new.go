package mapfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/cli/internal/edi"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/mapping/draft"
	"github.com/crossdock/crossdock/core/mapping/specification"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func newCommand() *cobra.Command {
	var n creation
	c := &cobra.Command{
		Use: "new", Short: "Draft a mapping by the names and types of both sides",
		Long: `Writes a mapping that somebody goes on from: each member of the target gets the
member of the source whose name and type look most like it, with a comment that says
how much. Required members that nothing looks like have an empty rule, which "map
check" reports; what no rule reads is listed under ignore.

The source is a JSON Schema file of the project, a canonical entity, or a format such
as x12/850, whose schema is written to mappings/schemas. With --sample alone the
schema is inferred from the sample and written there. The target is a canonical
entity or a schema file. Existing files stay as they are, unless --force.`,
		Example: "  crossdock map new --source mappings/schemas/shop-order.json --target Order\n  crossdock map new --source x12/850 --target Order --name acme-850-to-order\n  crossdock map new --sample receipt.json --target Order --name store-receipt -o -",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := toolOf(cmd)
			if n.source == "" && n.sample == "" {
				return exit.Misuse("name the source: --source with a schema, an entity or a format, or --sample with a document")
			}
			if n.target == "" {
				return exit.Misuse("name the target with --target: an entity such as Order, or a schema file")
			}
			return exit.Fail(n.write(t))
		},
	}
	f := c.Flags()
	f.StringVar(&n.source, "source", "", "schema file, canonical entity, or format such as x12/850")
	f.StringVar(&n.target, "target", "", "canonical entity such as Order, or schema file")
	f.StringVar(&n.sample, "sample", "", "document of the source, to infer its schema from")
	f.StringVar(&n.name, "name", "", "name of the mapping; default <source>-to-<target>")
	f.StringVarP(&n.out, "output", "o", "", `file to write, "-" for standard output; default mappings/<name>.yaml`)
	f.BoolVar(&n.force, "force", false, "write over existing files")
	return c
}

// creation is what `map new` was asked for.
type creation struct {
	source, target, sample, name, out string
	force                             bool
	files                             []newFile
}

// newFile is a file to write.
type newFile struct {
	name string // on the disk
	text []byte
}

// end is one end of the mapping.
type end struct {
	name   string // short, for names of files
	head   string // what stands in the mapping
	entity string
	schema *specification.Member
}

const mappingsFolder = "mappings"

func (n *creation) write(t *tool) error {
	target, err := n.end(t, n.target)
	if err != nil {
		return fmt.Errorf("--target: %w", err)
	}
	source, err := n.sourceEnd(t)
	if err != nil {
		return err
	}
	if n.name == "" {
		n.name = source.name + "-to-" + target.name
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9._-]{0,99}$`).MatchString(n.name) {
		return exit.Misuse("%q cannot be a mapping's name; use lower case letters, digits, dots and dashes: --name acme-850-to-order", n.name)
	}
	text := draft.Write(draft.Request{
		Name: n.name, SourceHead: source.head, TargetHead: target.head, Entity: target.entity, Source: source.schema, Target: target.schema,
	})
	if n.out == "-" {
		for _, f := range n.files {
			fmt.Fprintf(t.err, "note: the schema %s is not written; without -o - it is\n", f.name)
		}
		_, err := t.out.Write(text)
		return err
	}
	file := n.out
	if file == "" {
		file = filepath.Join(t.dir, mappingsFolder, n.name+".yaml")
	}
	n.files = append(n.files, newFile{file, text})
	return n.save(t, file)
}

// save writes all files, or none.
func (n *creation) save(t *tool, file string) error {
	for _, f := range n.files {
		if _, err := os.Stat(f.name); err == nil && !n.force {
			return fmt.Errorf("%s is there already; choose another --name, or write over it with --force", f.name)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	written := []string{}
	for _, f := range n.files {
		if err := os.MkdirAll(filepath.Dir(f.name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.name, f.text, 0o644); err != nil {
			return err
		}
		written = append(written, f.name)
	}
	if t.json {
		return t.printJSON(map[string]any{"files": written})
	}
	for _, f := range written {
		fmt.Fprintf(t.out, "wrote %s\n", f)
	}
	open := 0
	rel, err := filepath.Rel(t.dir, file)
	if rel = filepath.ToSlash(rel); err == nil && fs.ValidPath(rel) {
		_, found := mapping.Check(os.DirFS(t.dir), rel)
		for _, f := range found {
			if f.Severity == mapping.SeverityError {
				open++
			}
		}
		fmt.Fprintf(t.out, "%s to mend; see them with: crossdock map check %s\n", plural(open, "thing"), rel)
	}
	return nil
}

// sourceEnd is the source, whose schema may come from the sample.
func (n *creation) sourceEnd(t *tool) (end, error) {
	if n.source != "" {
		e, err := n.end(t, n.source)
		if err != nil {
			return e, fmt.Errorf("--source: %w", err)
		}
		return e, nil
	}
	b, err := os.ReadFile(n.sample)
	if err != nil {
		return end{}, fmt.Errorf("--sample: %w", err)
	}
	name := n.name
	if name == "" {
		name = short(n.sample)
	}
	text, err := draft.Infer(name, b)
	if err != nil {
		return end{}, fmt.Errorf("--sample %s: %w", n.sample, err)
	}
	return n.schemaBeside(t, name, "json", text)
}

// schemaBeside plans a schema file beside the mappings.
func (n *creation) schemaBeside(t *tool, name, format string, text []byte) (end, error) {
	file := path.Join("schemas", name+".json")
	n.files = append(n.files, newFile{filepath.Join(t.dir, mappingsFolder, filepath.FromSlash(file)), text})
	s, err := specification.LoadSchema(oneFile{name: file, text: text}, file)
	return end{name: short(name), head: fmt.Sprintf("{format: %s, schema: %s}", format, file), schema: s}, err
}

var ediFormat = regexp.MustCompile(`^(?i:x12|edifact|tradacoms)/([A-Za-z0-9]+)$`)

// end finds out what a name means.
func (n *creation) end(t *tool, name string) (end, error) {
	if strings.HasSuffix(name, ".json") {
		return n.schemaFile(t, name)
	}
	if entity, ok := canonical.Name(name); ok {
		s, err := specification.EntitySchema(entity)
		return end{name: entity, head: "{entity: " + name + "}", entity: entity, schema: s}, err
	}
	if m := ediFormat.FindStringSubmatch(name); m != nil {
		b, err := edi.Schema(m[1])
		if err != nil {
			return end{}, err
		}
		id := strings.ToLower(strings.ReplaceAll(name, "/", "-"))
		file := path.Join("schemas", id+".json")
		if have, err := fs.ReadFile(os.DirFS(t.dir), path.Join(mappingsFolder, file)); err == nil {
			s, err := specification.LoadSchema(oneFile{name: file, text: have}, file)
			return end{name: id, head: fmt.Sprintf("{format: %s, schema: %s}", strings.ToLower(name), file), schema: s}, err
		}
		return n.schemaBeside(t, id, strings.ToLower(name), append(b, '\n'))
	}
	return end{}, exit.Misuse("%q is no schema file (*.json), no canonical entity and no format such as x12/850; %s", name, strictyaml.DidYouMean(name, canonical.Names()))
}

// schemaFile is a schema of the project, whose path is relative to the project or to
// where the command runs.
func (n *creation) schemaFile(t *tool, name string) (end, error) {
	at := filepath.Join(t.dir, name)
	if _, err := os.Stat(at); err != nil || filepath.IsAbs(name) {
		at = name
	}
	root, err := filepath.Abs(t.dir)
	if err != nil {
		return end{}, err
	}
	abs, err := filepath.Abs(at)
	if err != nil {
		return end{}, err
	}
	rel, err := filepath.Rel(root, abs)
	rel = filepath.ToSlash(rel)
	if err != nil || !fs.ValidPath(rel) {
		return end{}, fmt.Errorf("the schema %s lies outside of the project; copy it to %s/%s/schemas", name, t.dir, mappingsFolder)
	}
	s, err := specification.LoadSchema(os.DirFS(t.dir), rel)
	if err != nil {
		return end{}, err
	}
	fromMapping, err := filepath.Rel(mappingsFolder, filepath.FromSlash(rel))
	return end{name: short(name), head: fmt.Sprintf("{schema: %s, format: %s}", filepath.ToSlash(fromMapping), short(name)), schema: s}, err
}

// short is the name of a file for use in other names.
func short(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return strings.Trim(regexp.MustCompile(`[^a-z0-9._-]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
}
