package filedrop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// claimsAhead bounds how many files one look at the folder claims, so that a
// backlog of thousands is shared with other readers and listed rarely.
const claimsAhead = 256

// dropState is what a Drop knows beyond its folders. All of it may be lost:
// the folders and the ledger tell it again.
type dropState struct {
	// waiting are claims not yet returned, in order; sightings are unclaimed
	// files and since when they stand still. Only poll touches them.
	waiting   []*Document
	sightings map[string]sighting
	// unsure is set when a claim failed in a way that may have succeeded.
	unsure bool

	mu sync.Mutex
	// working are returned and unsettled documents by ID.
	working map[string]*Document
	// names counts the claims that exist under a name, so that a second file
	// of the same name waits for the first.
	names map[string]bool
	// unsettled are documents whose last move failed and is tried again.
	unsettled []*Document
	// released are documents given back, to be returned again.
	released []*Document
}

type sighting struct {
	size  int64
	mtime time.Time
	since time.Time
}

// start prepares the folders and adopts earlier claims.
func (d *Drop) start(ctx context.Context) error {
	d.state.working, d.state.names, d.state.sightings = map[string]*Document{}, map[string]bool{}, map[string]sighting{}
	if err := clearSpool(d.o.Spool); err != nil {
		return sdk.Fail(sdk.Retryable, "filedrop.spool", err)
	}
	if _, err := d.fs.Stat(ctx, d.o.Folder); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &sdk.Error{Class: sdk.BadConfig, Code: "filedrop.folder", Field: "/folder", Err: err, Hint: "make the folder, or correct the name; it is relative to the login folder or to root"}
		}
		return err
	}
	for _, dir := range []string{d.claims, d.in(d.o.Archive), d.in(d.o.Error)} {
		if err := d.fs.MkdirAll(ctx, dir); err != nil {
			return fmt.Errorf("a reader needs to write beside the files it reads: %w", err)
		}
	}
	return d.adopt(ctx, true)
}

// adopt queues files in the claim folder that nobody here knows of: left by
// an earlier run, or moved there by a rename whose answer got lost.
func (d *Drop) adopt(ctx context.Context, earlier bool) error {
	claims, err := d.fs.ReadDir(ctx, d.claims)
	if err != nil {
		return err
	}
	d.sort(claims)
	before := len(d.state.waiting)
	for _, info := range claims {
		if info.Mode().IsRegular() && !d.isBusy(info.Name()) {
			d.wait(info, earlier)
		}
	}
	if n := len(d.state.waiting) - before; n > 0 {
		d.o.Log.Info("claimed files are taken up again", "folder", d.o.Folder, "files", n)
	}
	d.state.unsure = false
	return nil
}

func (d *Drop) isBusy(name string) bool {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	return d.state.names[name]
}

// wait queues a claimed file.
func (d *Drop) wait(info fs.FileInfo, adopted bool) {
	d.state.waiting = append(d.state.waiting, &Document{
		Name: info.Name(), Size: info.Size(), ModTime: info.ModTime().UTC(),
		claim: path.Join(d.claims, info.Name()), adopted: adopted,
	})
	d.state.mu.Lock()
	d.state.names[info.Name()] = true
	d.state.mu.Unlock()
}

// poll returns the next document that is ready, or how long to wait before
// asking again. The folder is listed only when no claim is left to return.
func (d *Drop) poll(ctx context.Context) (*Document, time.Duration, error) {
	doc, err := d.ready(ctx)
	if doc != nil || err != nil {
		return doc, 0, err
	}
	d.settleAgain(ctx)
	if d.state.unsure {
		if err := d.adopt(ctx, false); err != nil {
			return nil, 0, err
		}
	}
	wait, err := d.scan(ctx)
	if err != nil {
		return nil, 0, err
	}
	doc, err = d.ready(ctx)
	return doc, wait, err
}

// ready takes the first waiting document that can be returned now.
func (d *Drop) ready(ctx context.Context) (*Document, error) {
	d.state.mu.Lock()
	d.state.waiting = append(d.state.released, d.state.waiting...)
	d.state.released = nil
	d.state.mu.Unlock()
	queue := d.state.waiting
	d.state.waiting = nil
	for i, doc := range queue {
		fate, err := d.prepare(ctx, doc)
		if err != nil {
			d.state.waiting = append(d.state.waiting, queue[i:]...)
			return nil, err
		}
		switch fate {
		case isReady:
			d.state.waiting = append(d.state.waiting, queue[i+1:]...)
			return doc, nil
		case isHeld:
			d.state.waiting = append(d.state.waiting, doc)
		case isGone:
		}
	}
	return nil, nil
}

// fate is what prepare decided.
type fate int

const (
	isReady fate = iota // to be returned
	isHeld              // to be looked at again
	isGone              // settled or vanished
)

// prepare copies a claimed file, identifies it and puts repetitions aside.
func (d *Drop) prepare(ctx context.Context, doc *Document) (fate, error) {
	if d.o.Now().Before(doc.notBefore) {
		return isHeld, nil
	}
	if doc.Size > d.o.MaxSize {
		doc.ID = Identity(doc.Name, strconv.FormatInt(doc.Size, 10), doc.ModTime.Format(time.RFC3339Nano))
		doc.Problem = &sdk.Error{
			Class: sdk.Permanent, Code: "file.size",
			Err:  fmt.Errorf("%s has %d bytes; the limit is %d", doc.Name, doc.Size, d.o.MaxSize),
			Hint: "ask the partner for smaller files, or raise maxSize",
		}
		return d.begin(doc), nil
	}
	if doc.Hash == "" {
		if fate, err := d.identify(ctx, doc); fate != isReady || err != nil {
			return fate, err
		}
	}
	if d.isWorking(doc) {
		return isHeld, nil // its twin decides whether this is a repetition
	}
	if d.o.Duplicates == Never {
		return d.begin(doc), nil
	}
	first, seen, err := d.seen.Lookup(ctx, doc.ID)
	if err != nil {
		return isHeld, err
	}
	if !seen {
		return d.begin(doc), nil
	}
	// The same name and time as remembered, found among the claims of an
	// earlier run: it died between remembering and moving.
	doc.repeated = !doc.adopted || first.Name != doc.Name || !first.ModTime.Equal(doc.ModTime)
	doc.first = first
	doc.intent = toArchive
	if err := d.settle(ctx, doc); err != nil {
		d.o.Log.Warn("a repeated file could not be put aside", "error", err)
	}
	return isGone, nil
}

// identify reads the file and holds it when it is still being written.
func (d *Drop) identify(ctx context.Context, doc *Document) (fate, error) {
	err := d.fill(ctx, doc)
	if err != nil && !errors.Is(err, errGrew) && !errors.Is(err, fs.ErrNotExist) {
		return isHeld, err
	}
	info, statErr := d.fs.Stat(ctx, doc.claim)
	if errors.Is(statErr, fs.ErrNotExist) {
		d.o.Log.Warn("a claimed file was taken away by someone else; nothing of it was read", "file", doc.claim, "where", d.fs.Where())
		return isGone, d.forget(doc)
	}
	if statErr != nil {
		return isHeld, errors.Join(statErr, d.drop(doc))
	}
	if err != nil || info.Size() != doc.Size || !info.ModTime().Equal(doc.ModTime) {
		// The writer still holds the file open: claimed too early. Wait anew.
		doc.Hash, doc.Size, doc.ModTime = "", info.Size(), info.ModTime().UTC()
		doc.notBefore = d.o.Now().Add(d.o.StableFor)
		d.o.Log.Warn("a file changed after it was claimed and is read again later; raise stableFor, or have the partner send a done file", "file", doc.Name, "stableFor", d.o.StableFor)
		return isHeld, d.drop(doc)
	}
	switch d.o.Duplicates {
	case ByNameAndContent:
		doc.ID = Identity(doc.Hash, doc.Name)
	case Never:
		doc.ID = Identity(doc.Hash, doc.Name, doc.ModTime.Format(time.RFC3339Nano))
	default:
		doc.ID = doc.Hash[:32]
	}
	return isReady, nil
}

// Identity hashes what identifies something: 128 bits, in hex.
func Identity(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

func (d *Drop) isWorking(doc *Document) bool {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	return d.state.working[doc.ID] != nil
}

func (d *Drop) begin(doc *Document) fate {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	if d.state.working[doc.ID] != nil {
		return isHeld
	}
	d.state.working[doc.ID] = doc
	return isReady
}

// scan lists the folder, claims what is complete and tells when something may
// become so.
func (d *Drop) scan(ctx context.Context) (time.Duration, error) {
	infos, err := d.fs.ReadDir(ctx, d.o.Folder)
	if err != nil {
		return 0, err
	}
	d.sort(infos)
	present := map[string]bool{}
	for _, info := range infos {
		present[info.Name()] = true
	}
	now, wait, claimed := d.o.Now(), d.o.Every, 0
	sightings := map[string]sighting{}
	for _, info := range infos {
		name := info.Name()
		if !info.Mode().IsRegular() || !d.matches(name) {
			continue
		}
		seen := d.state.sightings[name]
		if seen.since.IsZero() || seen.size != info.Size() || !seen.mtime.Equal(info.ModTime()) {
			seen = sighting{size: info.Size(), mtime: info.ModTime(), since: now}
		}
		sightings[name] = seen
		left := d.o.StableFor - now.Sub(seen.since)
		switch {
		case d.o.DoneFile != "" && !present[d.doneName(name)]:
		case d.o.DoneFile == "" && left > 0:
			wait = min(wait, left)
		case claimed >= claimsAhead:
			wait = 0
		default:
			taken, err := d.claim(ctx, info)
			if err != nil {
				return 0, err
			}
			if taken {
				delete(sightings, name)
				claimed++
			}
		}
	}
	d.state.sightings = sightings
	return max(wait, time.Millisecond), nil
}

// claim moves a complete file into this reader's folder. It reports false
// when another reader was faster, or an earlier file of the name is in work.
func (d *Drop) claim(ctx context.Context, info fs.FileInfo) (bool, error) {
	name := info.Name()
	if d.isBusy(name) {
		return false, nil
	}
	target := path.Join(d.claims, name)
	if busy, err := exists(ctx, d.fs, target); busy || err != nil {
		return false, err
	}
	// Replace, not Rename: rename(2) takes the name away in one step, where a
	// server's exclusive rename may link first and let two readers through.
	err := d.fs.Replace(ctx, d.in(name), target)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		d.state.unsure = true
		return false, err
	}
	d.wait(info, false)
	if d.o.DoneFile != "" {
		err = d.fs.Remove(ctx, d.in(d.doneName(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true, err
		}
	}
	return true, nil
}
