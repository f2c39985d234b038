//go:build !linux

package sdk

import "errors"

// playHost is for the test of orphans, which is for Linux.
func playHost(bool) error { return errors.New("no orphan test on this system") }
