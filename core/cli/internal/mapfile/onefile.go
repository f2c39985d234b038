package mapfile

import (
	"bytes"
	"io/fs"
	"path"
)

// oneFile is a folder with a file that is not on the disk yet.
type oneFile struct {
	name string
	text []byte
}

// Open implements fs.FS.
func (o oneFile) Open(name string) (fs.File, error) {
	if name != o.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &revisionFile{Reader: bytes.NewReader(o.text), name: path.Base(name)}, nil
}
