package filedrop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crossdock/crossdock/connectors/sdk"
)

const spoolPattern = "claim-*.spool"

// clearSpool removes copies that an earlier run left.
func clearSpool(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("spool directory: %w", err)
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, spoolPattern))
	if err != nil {
		return fmt.Errorf("spool directory: %w", err)
	}
	for _, name := range leftovers {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("spool directory: %w", err)
		}
	}
	return nil
}

// errGrew is returned when a file holds more bytes than its listing said.
var errGrew = errors.New("the file changed while it was read")

// fill copies the claimed file into the spool and computes its hash.
func (d *Drop) fill(ctx context.Context, doc *Document) (err error) {
	source, err := d.fs.Open(ctx, doc.claim)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	copied, err := os.CreateTemp(d.o.Spool, spoolPattern)
	if err != nil {
		return sdk.Fail(sdk.Retryable, "filedrop.spool", err)
	}
	doc.spool = copied.Name()
	hash := sha256.New()
	target := &limited{to: io.MultiWriter(copied, hash), left: doc.Size}
	n, err := io.Copy(target, source)
	if target.err != nil {
		err = target.err
	}
	if closeErr := copied.Close(); err == nil && closeErr != nil {
		err = sdk.Fail(sdk.Retryable, "filedrop.spool", closeErr)
	}
	if err == nil && n != doc.Size {
		err = fmt.Errorf("%s: %w", doc.Name, errGrew)
	}
	if err != nil {
		return errors.Join(err, d.drop(doc))
	}
	doc.Hash = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// limited refuses more than was announced and keeps a failure of the spool
// apart from one of the transport.
type limited struct {
	to   io.Writer
	left int64
	err  error
}

func (w *limited) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		w.err = errGrew
		return 0, w.err
	}
	n, err := w.to.Write(p)
	w.left -= int64(n)
	if err != nil {
		w.err = sdk.Fail(sdk.Retryable, "filedrop.spool", err)
	}
	return n, err
}

// drop removes a document's local copy.
func (d *Drop) drop(doc *Document) error {
	if doc.spool == "" {
		return nil
	}
	name := doc.spool
	doc.spool = ""
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

func openSpool(doc *Document) (io.ReadSeekCloser, error) {
	if doc.spool == "" {
		return nil, sdk.Failf(sdk.Bug, "filedrop.open", "%s has no content to read: %w", doc.Name, cmpErr(doc.Problem, fs.ErrClosed))
	}
	return os.Open(doc.spool)
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
