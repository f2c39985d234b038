package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// runPinned starts this program again on one core. Its threads and the plugin
// processes inherit the core from the thread that starts it.
func runPinned() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var allowed, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("reading the allowed cores: %w", err)
	}
	for core := 1023; core >= 0; core-- { // the last one: the first is busy with interrupts
		if allowed.IsSet(core) {
			one.Set(core)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("pinning to one core: %w", err)
	}
	return runAgain(exec.Command(self, os.Args[1:]...))
}
