// Package mapfile has the commands of `crossdock map` for those who begin,
// compare and explain mapping files.
package mapfile

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping"
)

// Commands returns the commands, to stand under `crossdock map`.
func Commands() []*cobra.Command {
	return []*cobra.Command{diffCommand(), docsCommand(), newCommand(), schemaCommand()}
}

// tool is what a command reads and writes.
type tool struct {
	out, err io.Writer
	dir      string // of the project
	json     bool
}

func toolOf(cmd *cobra.Command) *tool {
	t := &tool{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), dir: "."}
	if f := cmd.Flags().Lookup("config"); f != nil {
		t.dir = f.Value.String()
	}
	if f := cmd.Flags().Lookup("json"); f != nil {
		t.json = f.Value.String() == "true"
	}
	return t
}

func (t *tool) printJSON(v any) error {
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	return exit.Fail(enc.Encode(v))
}

// mappingFile is the file that a reference means: a path, or the name of a file
// under mappings/. One outside of the project is found from the root of the disk,
// so that two projects can be compared.
func (t *tool) mappingFile(reference string) (fs.FS, string, error) {
	name := filepath.ToSlash(reference)
	if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
		name = path.Join("mappings", name+".yaml")
	}
	name = path.Clean(name)
	if fs.ValidPath(name) {
		return os.DirFS(t.dir), name, nil
	}
	abs := name
	if !filepath.IsAbs(filepath.FromSlash(name)) {
		abs = filepath.Join(t.dir, filepath.FromSlash(name))
	}
	abs, err := filepath.Abs(abs)
	if err != nil {
		return nil, "", err
	}
	root := filepath.VolumeName(abs) + string(filepath.Separator)
	rel, err := filepath.Rel(root, abs)
	return os.DirFS(root), filepath.ToSlash(rel), err
}

// checked returns a mapping without errors.
func checked(fsys fs.FS, name string) (*mapping.Mapping, error) {
	m, found := mapping.Check(fsys, name)
	if m != nil {
		return m, nil
	}
	var lines []string
	for _, f := range found {
		if f.Severity != mapping.SeverityWarning {
			lines = append(lines, f.String())
		}
	}
	return nil, fmt.Errorf("the mapping %s has errors:\n%s", name, strings.Join(lines, "\n"))
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
