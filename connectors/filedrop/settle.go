package filedrop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// intent is where a document goes when it leaves the claims.
type intent int

const (
	undecided intent = iota
	toArchive
	toError
)

// Archive ends a document whose records are durable: its hash is remembered,
// then the file is moved. When that fails the error says so, and the Drop
// tries again by itself; the caller need not.
func (d *Drop) Archive(ctx context.Context, doc *Document) error {
	doc.intent = toArchive
	return d.settle(ctx, doc)
}

// PlanQuarantine chooses the path that Quarantine will move the file to, so
// that a report can name it beforehand.
func (d *Drop) PlanQuarantine(ctx context.Context, doc *Document) (string, error) {
	if doc.kept != "" {
		return doc.kept, nil
	}
	for name := range candidates(doc) {
		target := d.in(d.o.Error, name)
		taken, err := exists(ctx, d.fs, target)
		if err != nil {
			return "", err
		}
		if !taken {
			doc.kept = target
			return target, nil
		}
	}
	return "", sdk.Failf(sdk.Retryable, "filedrop.names", "no free name for %s in %s", doc.Name, d.in(d.o.Error))
}

// Quarantine moves a document that cannot be understood to the error folder,
// with the reason in a text file beside it. It is not remembered: a corrected
// or repeated file is read. Failures are handled as by Archive.
func (d *Drop) Quarantine(ctx context.Context, doc *Document, reason error) error {
	doc.intent, doc.reason = toError, reason
	return d.settle(ctx, doc)
}

// Release gives a document back unsettled: Next returns it again.
func (d *Drop) Release(doc *Document) {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	delete(d.state.working, doc.ID)
	d.state.released = append(d.state.released, doc)
}

// Close removes local copies. Claims stay for the next run.
func (d *Drop) Close() error { return clearSpool(d.o.Spool) }

// settle carries out a document's intent. Every step may be repeated.
func (d *Drop) settle(ctx context.Context, doc *Document) error {
	err := d.move(ctx, doc)
	if err != nil {
		d.state.mu.Lock()
		d.state.unsettled = append(d.state.unsettled, doc)
		d.state.mu.Unlock()
		return fmt.Errorf("%s stays in %s and is moved later: %w", doc.Name, d.claims, err)
	}
	return d.forget(doc)
}

// settleAgain repeats moves that failed; Archive has reported them.
func (d *Drop) settleAgain(ctx context.Context) {
	d.state.mu.Lock()
	again := d.state.unsettled
	d.state.unsettled = nil
	d.state.mu.Unlock()
	for _, doc := range again {
		if err := d.settle(ctx, doc); err != nil {
			d.o.Log.Debug("a file could still not be moved", "error", err)
		}
	}
}

func (d *Drop) move(ctx context.Context, doc *Document) error {
	if doc.intent == toError {
		return d.moveToError(ctx, doc)
	}
	if d.o.Duplicates != Never && doc.Hash != "" {
		if err := d.seen.Remember(ctx, doc.ID, Seen{Name: doc.Name, ModTime: doc.ModTime, At: d.o.Now().UTC()}); err != nil {
			return err
		}
	}
	dir := d.in(d.o.Archive, d.o.Now().UTC().Format(time.DateOnly))
	if doc.repeated {
		dir = path.Join(dir, "duplicates")
	}
	if _, err := d.moveTo(ctx, doc, dir); err != nil {
		return err
	}
	if doc.repeated {
		d.o.Log.Info("a repeated file was put aside", "file", doc.Name, "first", doc.first.Name, "at", doc.first.At)
		if d.o.OnDuplicate != nil {
			d.o.OnDuplicate(doc, doc.first)
		}
	}
	return nil
}

func (d *Drop) moveToError(ctx context.Context, doc *Document) error {
	target, err := d.PlanQuarantine(ctx, doc)
	if err != nil {
		return err
	}
	// The reason first: a quarantined file without one helps nobody.
	reason := fmt.Sprintf("file:   %s\nbytes:  %d\nsha256: %s\nat:     %s\n\n%v\n", doc.Name, doc.Size, doc.Hash, d.o.Now().UTC().Format(time.RFC3339), doc.reason)
	if err := d.fs.WriteFile(ctx, target+".reason.txt", []byte(reason)); err != nil {
		return err
	}
	err = d.fs.Rename(ctx, doc.claim, target)
	switch {
	case errors.Is(err, fs.ErrExist):
		doc.kept = "" // taken meanwhile: choose again
		return err
	case errors.Is(err, fs.ErrNotExist):
		return d.vanished(ctx, doc, err)
	}
	return err
}

// moveTo moves the claimed file into a folder under its own name, or with a
// tag when that is taken.
func (d *Drop) moveTo(ctx context.Context, doc *Document, dir string) (string, error) {
	if err := d.fs.MkdirAll(ctx, dir); err != nil {
		return "", err
	}
	for name := range candidates(doc) {
		target := path.Join(dir, name)
		err := d.fs.Rename(ctx, doc.claim, target)
		if errors.Is(err, fs.ErrNotExist) {
			return "", d.vanished(ctx, doc, err)
		}
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return target, err
		}
	}
	return "", sdk.Failf(sdk.Retryable, "filedrop.names", "no free name for %s in %s", doc.Name, dir)
}

// vanished decides about a claim that is not there when it is to be moved:
// its records are safe, so a file that someone removed by hand is no reason
// to try for ever.
func (d *Drop) vanished(ctx context.Context, doc *Document, cause error) error {
	there, err := exists(ctx, d.fs, doc.claim)
	if err != nil {
		return err
	}
	if there {
		return cause // the target's folder is what is missing
	}
	d.o.Log.Warn("a claimed file was removed by someone else before it was archived", "file", doc.claim, "where", d.fs.Where())
	return nil
}

// candidates are the names a file may get where its own is taken.
func candidates(doc *Document) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if !yield(doc.Name) {
			return
		}
		tag := doc.ID[:8]
		if !yield(tagged(doc.Name, tag)) {
			return
		}
		for n := 2; n < 1000; n++ {
			if !yield(tagged(doc.Name, tag+"-"+strconv.Itoa(n))) {
				return
			}
		}
	}
}

// forget ends the book-keeping of a document.
func (d *Drop) forget(doc *Document) error {
	d.state.mu.Lock()
	if d.state.working[doc.ID] == doc {
		delete(d.state.working, doc.ID)
	}
	delete(d.state.names, doc.Name)
	d.state.mu.Unlock()
	return d.drop(doc)
}
