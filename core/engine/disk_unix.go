//go:build linux || darwin || freebsd

package engine

import "golang.org/x/sys/unix"

// diskFree returns how many bytes a process without privileges may still write to the disk that holds dir; ok is
// false when the system does not say.
func diskFree(dir string) (free int64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // Bsize has 32 bits on macOS and is unsigned elsewhere
}
