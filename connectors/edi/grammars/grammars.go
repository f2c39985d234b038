// Package grammars holds the grammars that Crossdock ships: ANSI X12 and
// UN/EDIFACT sets of retail, written from structure facts in our own words. The
// format is explained in README.md beside them and checked by
// `crossdock edi lint`.
package grammars

import (
	"embed"
	"io/fs"
)

//go:embed x12 edifact
var files embed.FS

// FS returns the grammar files.
func FS() fs.FS { return files }
