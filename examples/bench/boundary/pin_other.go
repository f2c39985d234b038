//go:build !linux

package main

import (
	"fmt"
	"os"
	"os/exec"
)

// runPinned limits each process to one running thread; this system has no way
// to put both on the same core, so the numbers are of two.
func runPinned() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Println("not pinned: host and plugin have one core each on this system")
	return runAgain(exec.Command(self, os.Args[1:]...))
}
