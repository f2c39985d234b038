package sftptest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pkg/sftp"
)

// files serves one user's directory to one session.
type files struct {
	server *Server
	root   *os.Root
}

// local makes an absolute SFTP path relative to the root.
func local(name string) string {
	if name = strings.Trim(name, "/"); name == "" {
		return "."
	}
	return name
}

// Fileread implements sftp.FileReader.
func (f *files) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	if err := f.server.before("Get", r.Filepath); err != nil {
		return nil, err
	}
	file, err := f.root.Open(local(r.Filepath))
	if err != nil {
		return nil, status(err)
	}
	return &hooked{File: file, server: f.server, name: r.Filepath}, nil
}

// Filewrite implements sftp.FileWriter.
func (f *files) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if err := f.server.before("Put", r.Filepath); err != nil {
		return nil, err
	}
	flags := os.O_WRONLY
	asked := r.Pflags()
	for _, flag := range []struct {
		set bool
		is  int
	}{{asked.Creat, os.O_CREATE}, {asked.Trunc, os.O_TRUNC}, {asked.Excl, os.O_EXCL}} {
		if flag.set {
			flags |= flag.is
		}
	}
	file, err := f.root.OpenFile(local(r.Filepath), flags, 0o644)
	if err != nil {
		return nil, status(err)
	}
	return &hooked{File: file, server: f.server, name: r.Filepath}, nil
}

// hooked is an open file whose blocks pass the hook. The request server closes
// it with its handle.
type hooked struct {
	*os.File
	server *Server
	name   string
}

// ReadAt implements io.ReaderAt.
func (h *hooked) ReadAt(p []byte, off int64) (int, error) {
	if err := h.server.before("Read", h.name); err != nil {
		return 0, err
	}
	return h.File.ReadAt(p, off)
}

// WriteAt implements io.WriterAt.
func (h *hooked) WriteAt(p []byte, off int64) (int, error) {
	if err := h.server.before("Write", h.name); err != nil {
		return 0, err
	}
	return h.File.WriteAt(p, off)
}

// Filecmd implements sftp.FileCmder.
func (f *files) Filecmd(r *sftp.Request) error {
	if err := f.server.before(r.Method, r.Filepath); err != nil {
		return err
	}
	name, target := local(r.Filepath), local(r.Target)
	switch r.Method {
	case "Rename":
		return status(f.renameExclusive(name, target))
	case "Remove":
		return status(f.root.Remove(name))
	case "Rmdir":
		return status(f.root.Remove(name))
	case "Mkdir":
		return status(f.root.Mkdir(name, 0o755))
	case "Setstat":
		return f.setstat(r, name)
	default:
		return sftp.ErrSSHFxOpUnsupported
	}
}

// renameExclusive does what OpenSSH does: link, then unlink.
func (f *files) renameExclusive(name, target string) error {
	info, err := f.root.Lstat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return f.root.Rename(name, target)
	}
	if err := f.root.Link(name, target); err != nil {
		return err
	}
	return f.root.Remove(name)
}

// PosixRename implements sftp.PosixRenameFileCmder.
func (f *files) PosixRename(r *sftp.Request) error {
	if err := f.server.before("PosixRename", r.Filepath); err != nil {
		return err
	}
	return status(f.root.Rename(local(r.Filepath), local(r.Target)))
}

func (f *files) setstat(r *sftp.Request, name string) error {
	flags, attributes := r.AttrFlags(), r.Attributes()
	if flags.Size {
		file, err := f.root.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return status(err)
		}
		if err := errors.Join(file.Truncate(int64(attributes.Size)), file.Close()); err != nil {
			return status(err)
		}
	}
	if flags.Permissions {
		if err := f.root.Chmod(name, attributes.FileMode().Perm()); err != nil {
			return status(err)
		}
	}
	if flags.Acmodtime {
		return status(f.root.Chtimes(name, attributes.AccessTime(), attributes.ModTime()))
	}
	return nil
}

// Filelist implements sftp.FileLister.
func (f *files) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if err := f.server.before(r.Method, r.Filepath); err != nil {
		return nil, err
	}
	name := local(r.Filepath)
	if r.Method != "List" {
		info, err := f.root.Stat(name)
		if err != nil {
			return nil, status(err)
		}
		return listing{info}, nil
	}
	entries, err := fs.ReadDir(f.root.FS(), name)
	if err != nil {
		return nil, status(err)
	}
	var all listing
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil { // gone since the listing
			all = append(all, info)
		}
	}
	return all, nil
}

// listing implements sftp.ListerAt.
type listing []fs.FileInfo

// ListAt implements sftp.ListerAt.
func (l listing) ListAt(into []fs.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(into, l[offset:])
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}

// status reduces an error to what the protocol can say, as OpenSSH does: a
// taken name is only "failure".
func status(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return sftp.ErrSSHFxNoSuchFile
	case errors.Is(err, fs.ErrPermission):
		return sftp.ErrSSHFxPermissionDenied
	default:
		return sftp.ErrSSHFxFailure
	}
}
