// Package routes holds the routes that ship with Crossdock: those of the retail
// example. Copy one, change its endpoints, and run `crossdock validate`.
package routes

import "embed"

// FS holds the route files.
//
//go:embed *.yaml
var FS embed.FS
