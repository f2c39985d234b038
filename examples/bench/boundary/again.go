package main

import (
	"os"
	"os/exec"
)

// runAgain runs the host process with one running thread.
func runAgain(c *exec.Cmd) error {
	c.Env = append(os.Environ(), pinnedVariable+"=1", "GOMAXPROCS=1")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}
