package filedrop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// FS is what a transport offers. Names are slash-separated and relative to
// the root the transport was opened with; an SFTP transport also takes
// absolute names. Errors for absent and existing files satisfy
// errors.Is(err, fs.ErrNotExist) and fs.ErrExist; errors of a lost connection
// are *sdk.Error of class NotConnected. All methods may be called at once.
type FS interface {
	// ReadDir lists a folder, sorted by name, without "." and "..".
	ReadDir(ctx context.Context, dir string) ([]fs.FileInfo, error)
	Stat(ctx context.Context, name string) (fs.FileInfo, error)
	// Open reads a file. A read that hangs fails with the transport's
	// time-out.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// WriteFile creates or truncates name, writes data and flushes it to the
	// disk where the server can. It is not atomic: Put is.
	WriteFile(ctx context.Context, name string, data []byte) error
	// Rename moves a file and fails with fs.ErrExist when the new name is
	// taken. On servers whose rename replaces silently the test and the move
	// are two steps.
	Rename(ctx context.Context, from, to string) error
	// Replace moves a file over another, atomically where the server can
	// (POSIX rename); otherwise the target is absent for a moment.
	Replace(ctx context.Context, from, to string) error
	Remove(ctx context.Context, name string) error
	// MkdirAll makes a folder and those above it; existing ones are fine.
	MkdirAll(ctx context.Context, dir string) error
	// Where names the place for error messages: "sftp://acme@host:22",
	// "folder /srv/acme".
	Where() string
	Close() error
}

// PathError says which file, where, and what was tried.
type PathError struct {
	Op, Name, Where string
	Err             error
}

func (e *PathError) Error() string {
	return fmt.Sprintf("%s %s on %s: %v", e.Op, e.Name, e.Where, e.Err)
}

// Unwrap returns the cause.
func (e *PathError) Unwrap() error { return e.Err }

func pathError(where, op, name string, err error) error {
	if err == nil {
		return nil
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &PathError{Op: op, Name: name, Where: where, Err: err}
}

// exists tells whether a name is taken.
func exists(ctx context.Context, fsys FS, name string) (bool, error) {
	switch _, err := fsys.Stat(ctx, name); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, err
	}
}

// CheckName reports why a file name from outside may not be used as the last
// element of a path: empty, a path, a dot name, control characters, or over
// 255 bytes.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the file name is empty")
	case name == "." || name == "..":
		return fmt.Errorf("the file name %q is a folder", name)
	case strings.ContainsAny(name, "/\\"):
		return fmt.Errorf("the file name %q contains a path separator", name)
	case len(name) > 255:
		return fmt.Errorf("the file name %.40q… has %d bytes; 255 is the limit", name, len(name))
	case strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return fmt.Errorf("the file name %q contains a control character", name)
	}
	return nil
}

// tagged puts a tag between stem and extension: orders.csv, orders~1a2b.csv.
func tagged(name, tag string) string {
	ext := path.Ext(name)
	if ext == name {
		ext = ""
	}
	return strings.TrimSuffix(name, ext) + "~" + tag + ext
}
