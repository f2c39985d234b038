package filedrop

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Folder is a directory of this machine. Names cannot lead out of it, not by
// ".." and not by symbolic links: it is an os.Root.
type Folder struct {
	root *os.Root
	dir  string
}

// NewFolder opens an existing directory.
func NewFolder(dir string) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, pathError("this machine", "open", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, pathError("this machine", "open", abs, err)
	}
	return &Folder{root: root, dir: abs}, nil
}

// Where implements FS.
func (f *Folder) Where() string { return "folder " + f.dir }

// Close implements FS.
func (f *Folder) Close() error { return f.root.Close() }

// local turns a name of ours into one of the operating system.
func local(name string) string { return filepath.FromSlash(path.Clean(name)) }

// ReadDir implements FS.
func (f *Folder) ReadDir(ctx context.Context, dir string) ([]fs.FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(f.root.FS(), path.Clean(dir))
	if err != nil {
		return nil, pathError(f.Where(), "list", dir, err)
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken by someone between the listing and now
		}
		if err != nil {
			return nil, pathError(f.Where(), "list", path.Join(dir, entry.Name()), err)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// Stat implements FS.
func (f *Folder) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := f.root.Stat(local(name))
	return info, pathError(f.Where(), "stat", name, err)
}

// Open implements FS.
func (f *Folder) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := f.root.Open(local(name))
	if err != nil {
		return nil, pathError(f.Where(), "open", name, err)
	}
	return file, nil
}

// WriteFile implements FS.
func (f *Folder) WriteFile(ctx context.Context, name string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	file, err := f.root.OpenFile(local(name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return pathError(f.Where(), "create", name, err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return pathError(f.Where(), "write", name, errors.Join(err, file.Close()))
}

// Rename implements FS. A hard link refuses a taken name in one step; file
// systems without links test first.
func (f *Folder) Rename(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := f.root.Link(local(from), local(to))
	switch {
	case err == nil:
		err = f.root.Remove(local(from))
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, fs.ErrPermission):
		if _, statErr := f.root.Lstat(local(to)); statErr == nil {
			err = fs.ErrExist
		} else {
			err = f.root.Rename(local(from), local(to))
		}
	}
	if err != nil {
		return f.renameError(from, to, err)
	}
	return f.syncDirs(from, to)
}

// Replace implements FS.
func (f *Folder) Replace(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f.root.Rename(local(from), local(to)); err != nil {
		return f.renameError(from, to, err)
	}
	return f.syncDirs(from, to)
}

func (f *Folder) renameError(from, to string, err error) error {
	var link *os.LinkError
	if errors.As(err, &link) {
		err = link.Err
	}
	return pathError(f.Where(), "rename", from+" to "+to, err)
}

// syncDirs makes a rename survive a power failure: the entry is data of the
// directory, which is flushed on its own.
func (f *Folder) syncDirs(names ...string) error {
	done := map[string]bool{}
	for _, name := range names {
		dir := path.Dir(path.Clean(name))
		if done[dir] {
			continue
		}
		done[dir] = true
		handle, err := f.root.Open(local(dir))
		if err != nil {
			return pathError(f.Where(), "flush folder", dir, err)
		}
		err = handle.Sync()
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrInvalid) {
			err = nil // network file systems flush on their own
		}
		if err = errors.Join(err, handle.Close()); err != nil {
			return pathError(f.Where(), "flush folder", dir, err)
		}
	}
	return nil
}

// Remove implements FS.
func (f *Folder) Remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return pathError(f.Where(), "remove", name, f.root.Remove(local(name)))
}

// MkdirAll implements FS.
func (f *Folder) MkdirAll(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return pathError(f.Where(), "make folder", dir, f.root.MkdirAll(local(dir), 0o755))
}
