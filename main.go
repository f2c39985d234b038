// Crossdock is retail integration middleware: one binary that moves canonical
// messages between connector processes. See README.md.
package main

import (
	"os"

	"github.com/crossdock/crossdock/core/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
