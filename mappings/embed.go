// Package mappings holds the mappings that ship with Crossdock, with the
// schemas of the systems they map to and from.
package mappings

import "embed"

// FS holds the mapping files, under fragments what several of them share, and
// under schemas the JSON Schemas they refer to.
//
//go:embed *.yaml fragments/*.yaml schemas/*.json
var FS embed.FS
