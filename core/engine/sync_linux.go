package engine

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newSyncer uses syncfs(2): one call covers the newest block of every stream, blocks created a moment ago, their
// directory entries and the consumer state. Since Linux 5.8 it reports write errors that happened after the
// directory was opened, which is why the descriptor stays open.
func newSyncer(dir string) (syncer, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("engine: open store directory: %w", err)
	}
	return &filesystemSyncer{file}, nil
}

type filesystemSyncer struct{ dir *os.File }

func (s *filesystemSyncer) sync() error {
	for {
		err := unix.Syncfs(int(s.dir.Fd()))
		if err != unix.EINTR {
			return os.NewSyscallError("syncfs", err)
		}
	}
}

func (s *filesystemSyncer) close() error { return s.dir.Close() }
