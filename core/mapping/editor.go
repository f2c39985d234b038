package mapping

import (
	"io/fs"
	"slices"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping/internal/editor"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// EditorSchema returns the JSON Schema of mapping and fragment files, with which
// editors complete and check them; expressions stay text to it.
func EditorSchema() []byte { return slices.Clone(editor.Language) }

// EditorSchemaFor is EditorSchema for mappings that make one canonical entity:
// the members of the entity complete with their descriptions.
func EditorSchemaFor(entity string) ([]byte, error) {
	s, err := schema.Entity(entity, entity)
	if err != nil {
		return nil, err
	}
	file, _ := canonical.Name(entity) // schema.Entity has found it
	return editor.For(s, "Crossdock mapping to the canonical entity "+file)
}

// EditorSchemaForFile is EditorSchemaFor for the JSON Schema of another system.
func EditorSchemaForFile(fsys fs.FS, file string) ([]byte, error) {
	s, err := schema.Load(fsys, file, "document")
	if err != nil {
		return nil, err
	}
	return editor.For(s, "Crossdock mapping to "+file)
}
