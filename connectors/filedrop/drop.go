package filedrop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Order is the sequence in which waiting files are claimed.
type Order string

// The orders: by name suits partners who number their files; by time those
// who do not.
const (
	ByName Order = "name"
	ByTime Order = "time"
)

// Duplicates says what makes a file a repetition of an earlier one.
type Duplicates string

// The ways to recognise a repetition. The document's ID is derived from the
// same things.
const (
	ByContent        Duplicates = "content"          // same bytes, whatever the name
	ByNameAndContent Duplicates = "name-and-content" // same bytes under the same name
	Never            Duplicates = "never"            // every file counts: name, time and bytes identify it
)

// Options describes a Drop. Zero values are replaced by the defaults named.
type Options struct {
	// Folder is what partners write into; required.
	Folder string
	// Instance names this reader; required. Two readers of one folder need
	// two names; one reader keeps its name over restarts, or its claims stay
	// behind.
	Instance string
	// Match are patterns of path.Match on the file name; default "*".
	// Ignore takes precedence; default "*.tmp", "*.part", "*.filepart" and
	// names that begin with a dot, which are always ignored.
	Match, Ignore []string
	// StableFor is how long size and time of a file must stand still before
	// it is complete; default 5 s. Not used with DoneFile.
	StableFor time.Duration
	// DoneFile is the name of the file that says another is complete:
	// "{name}.done" or "{stem}.ok". Empty: none.
	DoneFile string
	// Every is the time between two looks at the folder; default 10 s.
	Every time.Duration
	// MaxSize in bytes; default 64 MiB. Larger files are returned with a
	// Problem and without content.
	MaxSize int64
	// Claimed, Archive and Error are folders, relative to Folder; default
	// ".claimed", "archive" and "error". They must be on the same file system.
	Claimed, Archive, Error string
	Order                   Order         // default ByName
	Duplicates              Duplicates    // default ByContent
	Remember                time.Duration // of hashes; default 30 days
	// Spool is a local directory for copies of files in work; required. Its
	// left-overs are removed at the start.
	Spool string
	// State keeps the hashes; required unless Duplicates is Never.
	State sdk.State
	// OnDuplicate is told of every repetition after it was put aside.
	OnDuplicate func(doc *Document, first Seen)
	// Now is the clock; default time.Now.
	Now func() time.Time
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Folder = path.Clean(o.Folder)
	if len(o.Match) == 0 {
		o.Match = []string{"*"}
	}
	if o.Ignore == nil {
		o.Ignore = []string{"*.tmp", "*.part", "*.filepart"}
	}
	o.StableFor = cmp.Or(o.StableFor, 5*time.Second)
	o.Every = cmp.Or(o.Every, 10*time.Second)
	o.MaxSize = cmp.Or(o.MaxSize, 64<<20)
	o.Claimed = cmp.Or(o.Claimed, ".claimed")
	o.Archive = cmp.Or(o.Archive, "archive")
	o.Error = cmp.Or(o.Error, "error")
	o.Order = cmp.Or(o.Order, ByName)
	o.Duplicates = cmp.Or(o.Duplicates, ByContent)
	o.Remember = cmp.Or(o.Remember, 30*24*time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate reports everything that is wrong with the options, offline.
func (o Options) Validate() []error {
	var problems []error
	bad := func(field, format string, args ...any) {
		problems = append(problems, &sdk.Error{Class: sdk.BadConfig, Code: "filedrop.config", Field: "/" + field, Err: fmt.Errorf(format, args...)})
	}
	for field, patterns := range map[string][]string{"match": o.Match, "ignore": o.Ignore} {
		for _, pattern := range patterns {
			if _, err := path.Match(pattern, "x"); err != nil || strings.Contains(pattern, "/") {
				bad(field, "%q is not a pattern of a file name (* ? [a-z], no slash)", pattern)
			}
		}
	}
	if o.DoneFile != "" && !strings.Contains(o.DoneFile, "{name}") && !strings.Contains(o.DoneFile, "{stem}") {
		bad("doneFile", "%q names no file: write {name}.done or {stem}.done", o.DoneFile)
	}
	if o.MaxSize < 0 || o.StableFor < 0 || o.Every < 0 || o.Remember < 0 {
		bad("maxSize", "sizes and durations cannot be negative")
	}
	return problems
}

// Drop is the reading end of a folder. Its methods may be called from several
// goroutines; Next from one at a time.
type Drop struct {
	fs     FS
	o      Options
	seen   *Ledger[Seen]
	claims string // the folder of this instance's claims

	state dropState
}

// Document is one claimed file.
type Document struct {
	// ID is stable: the same file read again has the same. Hex, 32 digits.
	ID string
	// Name is the file's own name, without folder.
	Name string
	// Hash is the SHA-256 of the content in hex; empty with a Problem.
	Hash    string
	Size    int64
	ModTime time.Time
	// Problem is set when the file was claimed and cannot be read at all: it
	// is too large. Quarantine it.
	Problem error

	claim     string    // path of the claimed file
	spool     string    // local copy
	kept      string    // path chosen by PlanQuarantine
	adopted   bool      // claimed by an earlier run
	notBefore time.Time // changed after the claim: not read before
	intent    intent    // what settling it means
	reason    error     // for the quarantine
	repeated  bool      // settled as a repetition of first
	first     Seen
}

// OpenDrop makes the folders it needs and adopts what an earlier run of the
// same instance had claimed.
func OpenDrop(ctx context.Context, fsys FS, options Options) (*Drop, error) {
	o := options.withDefaults()
	if problems := o.Validate(); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	switch {
	case o.Folder == "" || o.Instance == "" || o.Spool == "":
		return nil, sdk.Failf(sdk.Bug, "filedrop.options", "a Drop needs Folder, Instance and Spool")
	case o.State == nil && o.Duplicates != Never:
		return nil, sdk.Failf(sdk.Bug, "filedrop.options", "a Drop that recognises duplicates needs State")
	}
	if err := CheckName(o.Instance); err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "filedrop.instance", err)
	}
	d := &Drop{fs: fsys, o: o, seen: NewLedger[Seen](o.State, "seen", o.Remember, o.Now)}
	d.claims = d.in(o.Claimed, o.Instance)
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// in gives a path below the watched folder.
func (d *Drop) in(elements ...string) string {
	return path.Join(append([]string{d.o.Folder}, elements...)...)
}

// Next returns the next document, and waits for one. The caller reads it,
// makes its records durable, and then calls Archive or Quarantine. Repetitions
// do not appear; they are archived and reported to OnDuplicate.
func (d *Drop) Next(ctx context.Context) (*Document, error) {
	for {
		doc, err := d.Within(ctx, time.Hour)
		if doc != nil || err != nil {
			return doc, err
		}
	}
}

// Within is Next that waits no longer than most: then it returns nil, so that a
// caller can see to other things.
func (d *Drop) Within(ctx context.Context, most time.Duration) (*Document, error) {
	until := time.Now().Add(most)
	for {
		doc, wait, err := d.poll(ctx)
		if doc != nil || err != nil {
			return doc, err
		}
		left := time.Until(until)
		if left <= 0 {
			return nil, nil
		}
		timer := time.NewTimer(min(wait, left))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

// TryNext is Next without waiting: it returns nil when nothing is ready.
func (d *Drop) TryNext(ctx context.Context) (*Document, error) {
	doc, _, err := d.poll(ctx)
	return doc, err
}

// Open reads a document from its local copy.
func (d *Drop) Open(doc *Document) (io.ReadSeekCloser, error) { return openSpool(doc) }

// Read returns a document whole; MaxSize bounds it.
func (d *Drop) Read(doc *Document) ([]byte, error) {
	file, err := d.Open(doc)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(file)
	return content, errors.Join(err, file.Close())
}

// matches tells whether a name is one a partner would give to a document.
func (d *Drop) matches(name string) bool {
	if strings.HasPrefix(name, ".") || CheckName(name) != nil {
		return false
	}
	is := func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }
	return slices.ContainsFunc(d.o.Match, is) && !slices.ContainsFunc(d.o.Ignore, is) && !d.isDoneFile(name)
}

func (d *Drop) isDoneFile(name string) bool {
	if d.o.DoneFile == "" {
		return false
	}
	pattern := strings.NewReplacer("{name}", "*", "{stem}", "*").Replace(d.o.DoneFile)
	ok, _ := path.Match(pattern, name)
	return ok
}

// doneName is the done file that belongs to a document.
func (d *Drop) doneName(name string) string {
	return expandDone(d.o.DoneFile, name)
}

// expandDone fills in the name of a done file.
func expandDone(template, name string) string {
	stem := strings.TrimSuffix(name, path.Ext(name))
	return strings.NewReplacer("{name}", name, "{stem}", stem).Replace(template)
}

func (d *Drop) sort(infos []fs.FileInfo) {
	slices.SortFunc(infos, func(a, b fs.FileInfo) int {
		if d.o.Order == ByTime {
			return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
		}
		return cmp.Compare(a.Name(), b.Name())
	})
}

// Adopted reports that an earlier run had claimed the file and not settled it: a
// position within it may be from then.
func (doc *Document) Adopted() bool { return doc.adopted }

// Kept is the path in the error folder that PlanQuarantine chose; empty when
// it was not asked.
func (doc *Document) Kept() string { return doc.kept }
