package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// fileSyncer syncs the message blocks that changed since its last call, and the directory of every block that is
// new: a synced file without a synced directory entry may be gone after a power failure. It is used where
// syncfs(2) does not exist.
//
// The server appends to the newest block of a stream and replaces older ones by rename after syncing them
// itself, so size and modification time tell what is left to do.
type fileSyncer struct {
	root   string
	synced map[string]fileState
}

type fileState struct {
	size     int64
	modified time.Time
}

func newFileSyncer(dir string) (*fileSyncer, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("engine: store directory: %w", err)
	}
	return &fileSyncer{root: root, synced: map[string]fileState{}}, nil
}

func (s *fileSyncer) sync() error {
	streams := filepath.Join(s.root, "jetstream", "*", "streams", "*")
	var files []string
	for _, pattern := range []string{filepath.Join(streams, "msgs", "*.blk"), filepath.Join(streams, "meta.*")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	seen := make(map[string]fileState, len(files))
	directories := map[string]bool{}
	for _, path := range files {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed by the server: its messages were finished
		}
		if err != nil {
			return err
		}
		// The state is read before the sync: what is appended meanwhile shows as a change next time.
		state := fileState{info.Size(), info.ModTime()}
		seen[path] = state
		before, known := s.synced[path]
		if known && before == state {
			continue
		}
		if err := syncPath(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if !known {
			for dir := filepath.Dir(path); len(dir) >= len(s.root); dir = filepath.Dir(dir) {
				directories[dir] = true
			}
		}
	}
	for dir := range directories {
		if err := syncPath(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	s.synced = seen
	return nil
}

func (s *fileSyncer) close() error { return nil }

func syncPath(path string) error {
	flags := os.O_RDWR
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if runtime.GOOS == "windows" {
			return nil // directory entries are durable with the file there, and directories cannot be synced
		}
		flags = os.O_RDONLY
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
