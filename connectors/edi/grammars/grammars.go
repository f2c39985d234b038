// Package grammars holds the grammars that Crossdock ships: ANSI X12 and
// UN/EDIFACT sets of retail, written from structure facts in our own words. The
// format is explained in README.md beside them and checked by
// `crossdock edi lint`; for editors there are JSON Schemas of it.
package grammars

import (
	"embed"
	"io/fs"
)

//go:embed x12 edifact
var files embed.FS

//go:embed grammar.schema.json
var grammarSchema []byte

//go:embed overlay.schema.json
var overlaySchema []byte

// FS returns the grammar files.
func FS() fs.FS { return files }

// Schema returns the JSON Schema of grammar files, or of overlay files.
func Schema(kind string) ([]byte, bool) {
	switch kind {
	case "grammar":
		return grammarSchema, true
	case "overlay":
		return overlaySchema, true
	}
	return nil, false
}
