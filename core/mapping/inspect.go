package mapping

import (
	"io/fs"

	"github.com/crossdock/crossdock/core/mapping/internal/check"
	"github.com/crossdock/crossdock/core/mapping/internal/cursor"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Insight is what a check knows about every place of a mapping and its
// fragments: what can stand there, what stands there, and where it is defined.
// It is for editors.
type Insight = cursor.Insight

// What an [Insight] answers with.
type (
	// Completion is what can be written at a place.
	Completion = cursor.Completion
	// Item is something that can be written at a place.
	Item = cursor.Item
	// ItemKind is what an [Item] is.
	ItemKind = cursor.Kind
	// Span is a stretch of one line.
	Span = cursor.Span
	// Location is a place in a file; lines and columns count from 1.
	Location = cursor.Place
)

// Kinds of items.
const (
	ItemMember   = cursor.Member
	ItemKey      = cursor.Key
	ItemVariable = cursor.Variable
	ItemFunction = cursor.Function
	ItemValue    = cursor.Value
	ItemName     = cursor.Name
)

// Inspect is [Check] for editors: beside the findings it returns what the check
// has seen, also of a mapping with errors. It is nil when the file cannot be
// read as YAML.
func Inspect(fsys fs.FS, path string) (*Insight, []Finding) {
	return check.Inspect(fsys, schema.NewCatalog(fsys), path)
}
