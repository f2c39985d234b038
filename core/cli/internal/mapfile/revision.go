package mapfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"strings"
	"time"
)

// revision is a folder as it was in a revision of git.
type revision struct {
	dir, name string
}

// openRevision says what is missing before any file is asked for.
func openRevision(dir, name string) (fs.FS, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, errors.New("--against needs the program git, which is not found; install it, or name the older file instead")
	}
	r := revision{dir, name}
	if _, err := r.git("rev-parse", "--show-prefix"); err != nil {
		return nil, fmt.Errorf("--against needs a folder that git keeps, but %s is none: %w", dir, err)
	}
	if _, err := r.git("rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}"); err != nil {
		return nil, fmt.Errorf("git knows no revision %q; `git log --oneline` lists them", name)
	}
	return r, nil
}

func (r revision) git(args ...string) ([]byte, error) {
	cmd := exec.Command("git", append([]string{"-C", r.dir}, args...)...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(said.String()); text != "" {
			return nil, errors.New(text)
		}
		return nil, err
	}
	return out.Bytes(), nil
}

// Open implements fs.FS.
func (r revision) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	b, err := r.git("show", "--end-of-options", r.name+":./"+name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("not in the revision %s: %w", r.name, fs.ErrNotExist)}
	}
	return &revisionFile{Reader: bytes.NewReader(b), name: path.Base(name)}, nil
}

// revisionFile is one file of a revision.
type revisionFile struct {
	*bytes.Reader
	name string
}

// Stat implements fs.File.
func (f *revisionFile) Stat() (fs.FileInfo, error) { return f, nil }

// Close implements fs.File.
func (f *revisionFile) Close() error { return nil }

// Name implements fs.FileInfo.
func (f *revisionFile) Name() string { return f.name }

// Mode implements fs.FileInfo.
func (f *revisionFile) Mode() fs.FileMode { return 0o444 }

// ModTime implements fs.FileInfo.
func (f *revisionFile) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (f *revisionFile) IsDir() bool { return false }

// Sys implements fs.FileInfo.
func (f *revisionFile) Sys() any { return nil }

// Size implements fs.FileInfo.
func (f *revisionFile) Size() int64 { return f.Reader.Size() }

var _ io.Reader = (*revisionFile)(nil)
