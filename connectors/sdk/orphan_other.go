//go:build !linux

package sdk

// dieWithParent has no equivalent here; the session alone ends an orphan.
func dieWithParent() {}
