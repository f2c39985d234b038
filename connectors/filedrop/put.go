package filedrop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Existing says what Put does when the name is taken by other content.
type Existing string

// The ways to treat a taken name.
const (
	Refuse    Existing = "refuse"  // fail with class Permanent; default
	Overwrite Existing = "replace" // the new content takes its place
)

// PutOptions describes how files are written.
type PutOptions struct {
	// TempSuffix is appended to the name while writing; default ".part". The
	// partner must ignore such names, which is why it can be chosen.
	TempSuffix string
	Existing   Existing
	// DoneFile is written after the file for partners who wait for it:
	// "{name}.done". Empty: none.
	DoneFile string
	// NoFolders leaves missing folders as an error.
	NoFolders bool
}

// Outcome tells what Put found.
type Outcome int

// The outcomes.
const (
	Written      Outcome = iota + 1
	AlreadyThere         // the name existed with the same bytes: nothing was done
)

// Put writes content so that name is either absent or complete, whatever
// fails. Called again with the same arguments it changes nothing more.
func Put(ctx context.Context, fsys FS, name string, content []byte, o PutOptions) (Outcome, error) {
	if err := CheckName(path.Base(name)); err != nil {
		return 0, sdk.Fail(sdk.Permanent, "file.name", err)
	}
	if o.TempSuffix == "" {
		o.TempSuffix = ".part"
	}
	same, err := taken(ctx, fsys, name, content)
	if err != nil {
		return 0, Classify(err)
	}
	if same == sameContent {
		return AlreadyThere, Classify(putDone(ctx, fsys, name, o))
	}
	if same == otherContent && o.Existing != Overwrite {
		return 0, takenError(fsys, name, content)
	}
	if dir := path.Dir(name); dir != "." && dir != "/" && !o.NoFolders {
		if err := fsys.MkdirAll(ctx, dir); err != nil {
			return 0, Classify(err)
		}
	}
	// The content is part of the temporary name: two writers of different
	// content cannot mix, and a repetition after a crash reuses the left-over.
	temp := name + "." + digest(content)[:8] + o.TempSuffix
	if err := fsys.WriteFile(ctx, temp, content); err != nil {
		return 0, Classify(err)
	}
	if o.Existing == Overwrite {
		err = fsys.Replace(ctx, temp, name)
	} else {
		err = fsys.Rename(ctx, temp, name)
	}
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return 0, takenError(fsys, name, content)
		}
		return 0, Classify(err)
	}
	return Written, Classify(putDone(ctx, fsys, name, o))
}

type comparison int

const (
	free comparison = iota
	sameContent
	otherContent
)

// taken compares what stands under a name with content, reading it only when
// the sizes agree.
func taken(ctx context.Context, fsys FS, name string, content []byte) (comparison, error) {
	info, err := fsys.Stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return free, nil
	}
	if err != nil {
		return free, err
	}
	if info.Size() != int64(len(content)) || !info.Mode().IsRegular() {
		return otherContent, nil
	}
	file, err := fsys.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return free, nil // collected by the partner just now
	}
	if err != nil {
		return free, err
	}
	there, err := io.ReadAll(io.LimitReader(file, int64(len(content))+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return free, err
	}
	if bytes.Equal(there, content) {
		return sameContent, nil
	}
	return otherContent, nil
}

func putDone(ctx context.Context, fsys FS, name string, o PutOptions) error {
	if o.DoneFile == "" {
		return nil
	}
	return fsys.WriteFile(ctx, path.Join(path.Dir(name), expandDone(o.DoneFile, path.Base(name))), nil)
}

func takenError(fsys FS, name string, content []byte) error {
	return &sdk.Error{
		Class: sdk.Permanent, Code: "file.exists",
		Err:  fmt.Errorf("%s on %s exists with other content than the %d bytes to be written", name, fsys.Where(), len(content)),
		Hint: "put something that is unique per document into the name template, {id} for instance, or set onExisting: replace",
	}
}

// Classify gives a class to an error of a transport that has none: a refused
// permission is Auth, an absent folder BadConfig; anything else, a full disk
// for instance, passes and is Retryable.
func Classify(err error) error {
	var known *sdk.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrPermission):
		return sdk.Fail(sdk.Auth, "file.permission", err)
	case errors.Is(err, fs.ErrNotExist):
		return sdk.Fail(sdk.BadConfig, "file.folder", err)
	default:
		return sdk.Fail(sdk.Retryable, "file.write", err)
	}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
