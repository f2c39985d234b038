package mapfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func schemaCommand() *cobra.Command {
	var target, out string
	var all bool
	c := &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema with which editors complete mapping files",
		Long: `Prints the JSON Schema of mapping files. With --target the members of what the
mapping makes complete too, with their descriptions and allowed constants: a
canonical entity, or the JSON Schema file of another system. --all writes one
schema for each canonical entity into a folder.

Name the schema in the first line of a mapping:

  # yaml-language-server: $schema=../.schemas/mapping-order.schema.json

"crossdock lsp" completes more: source members, functions, code lists.`,
		Example: "  crossdock map schema > mapping.schema.json\n  crossdock map schema --target Order > mapping-order.schema.json\n" +
			"  crossdock map schema --target schemas/erp-order.json\n  crossdock map schema --all --out .schemas",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := toolOf(cmd)
			switch {
			case all != (out != ""), all && target != "":
				return fmt.Errorf("--all needs --out and excludes --target; an example:\n%s", cmd.Example)
			case all:
				return exit.Fail(t.writeSchemas(out))
			}
			text, err := t.editorSchema(target)
			if err != nil {
				return exit.Fail(err)
			}
			_, err = fmt.Fprintln(t.out, strings.TrimSpace(string(text)))
			return exit.Fail(err)
		},
	}
	c.Flags().StringVar(&target, "target", "", "canonical entity, or JSON Schema file, that the mapping makes")
	c.Flags().BoolVar(&all, "all", false, "write the schemas of all canonical entities")
	c.Flags().StringVar(&out, "out", "", "folder for --all")
	return c
}

func (t *tool) editorSchema(target string) ([]byte, error) {
	if target == "" {
		return mapping.EditorSchema(), nil
	}
	if _, ok := canonical.Name(target); ok {
		return mapping.EditorSchemaFor(target)
	}
	if filepath.Ext(target) != ".json" {
		return nil, fmt.Errorf("there is no canonical entity %q; %s (a schema is named as a .json file)", target, strictyaml.DidYouMean(target, canonical.Names()))
	}
	if !filepath.IsLocal(target) {
		dir, file := filepath.Split(target)
		return mapping.EditorSchemaForFile(os.DirFS(dir), file)
	}
	return mapping.EditorSchemaForFile(os.DirFS(t.dir), filepath.ToSlash(filepath.Clean(target)))
}

func (t *tool) writeSchemas(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, entity := range canonical.Names() {
		text, err := mapping.EditorSchemaFor(entity)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, "mapping-"+entity+".schema.json")
		if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(t.err, "wrote", file)
	}
	return nil
}
