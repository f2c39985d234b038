// Command generate writes the Go types of package canonical from the JSON
// Schemas in v1/.
//
// It is run by `go generate ./canonical`. The general generators were not taken
// because the result is read by people: one struct per titled object, documented
// with the schema's own words, optional members that survive a round trip
// (absent, false and empty stay different), and exact decimals as text.
package main

import (
	"fmt"
	"io/fs"
	"os"
)

func main() {
	if err := run(os.DirFS("."), os.WriteFile); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(dir fs.FS, write func(name string, data []byte, perm fs.FileMode) error) error {
	out, err := Generate(dir)
	if err != nil {
		return err
	}
	for name, data := range out {
		if err := write(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
