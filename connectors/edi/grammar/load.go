package grammar

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// ErrUnknown says that there is no grammar for a set or version.
var ErrUnknown = errors.New("there is no grammar")

// Library is a folder of grammars.
type Library struct {
	fsys  fs.FS
	mu    sync.Mutex
	raw   map[string]*rawDictionary
	dicts map[string]*dictResult
	sets  map[string]*setResult
	names map[string]map[string][]string // by folder and name: sets
}

type dictResult struct {
	dict *Dictionary
	err  error
}

type setResult struct {
	set *Set
	err error
}

// Open returns the library of a folder; nothing is read before it is asked for.
func Open(fsys fs.FS) *Library {
	return &Library{fsys: fsys, raw: map[string]*rawDictionary{}, dicts: map[string]*dictResult{}, sets: map[string]*setResult{}, names: map[string]map[string][]string{}}
}

func folder(std syntax.Standard) string { return strings.ToLower(std.String()) }

// setFolder is where the sets of a standard are.
func setFolder(std syntax.Standard) string {
	if std == syntax.EDIFACT {
		return "messages"
	}
	return "sets"
}

// Dictionary returns the elements and segments of a release such as 004010 or
// D96A; ErrUnknown when there is none.
func (l *Library) Dictionary(std syntax.Standard, release string) (*Dictionary, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dictionary(std, release)
}

func (l *Library) dictionary(std syntax.Standard, release string) (*Dictionary, error) {
	id := folder(std) + "/" + release
	if r := l.dicts[id]; r != nil {
		return r.dict, r.err
	}
	d, err := l.compileDictionary(std, release)
	l.dicts[id] = &dictResult{d, err}
	return d, err
}

// Set returns a set of a release; ErrUnknown when there is none.
func (l *Library) Set(std syntax.Standard, release, id string) (*Set, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	file := path.Join(folder(std), release, setFolder(std), id+".yaml")
	if r := l.sets[file]; r != nil {
		return r.set, r.err
	}
	if !fs.ValidPath(file) || strings.ContainsAny(release+id, "/\\") {
		return nil, fmt.Errorf("%w for %s %s of %s", ErrUnknown, std, id, release)
	}
	s, err := l.compileSet(std, release, id)
	const most = 1000 // a hostile file may name any number of sets
	if len(l.sets) < most {
		l.sets[file] = &setResult{s, err}
	}
	return s, err
}

// Releases lists the releases of a standard that have a dictionary.
func (l *Library) Releases(std syntax.Standard) ([]string, error) {
	return l.list(folder(std), func(e fs.DirEntry) (string, bool) { return e.Name(), e.IsDir() })
}

// Sets lists the sets of a release.
func (l *Library) Sets(std syntax.Standard, release string) ([]string, error) {
	return l.list(path.Join(folder(std), release, setFolder(std)), func(e fs.DirEntry) (string, bool) {
		return strings.CutSuffix(e.Name(), ".yaml")
	})
}

func (l *Library) list(dir string, take func(fs.DirEntry) (string, bool)) ([]string, error) {
	entries, err := fs.ReadDir(l.fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if name, ok := take(e); ok {
			out = append(out, name)
		}
	}
	return out, nil
}

// Lint compiles every grammar of the folder and returns all that is wrong.
func (l *Library) Lint() error {
	var all []error
	for _, std := range []syntax.Standard{syntax.X12, syntax.EDIFACT} {
		releases, err := l.Releases(std)
		all = append(all, err)
		for _, r := range releases {
			if _, err := l.Dictionary(std, r); err != nil {
				all = append(all, err)
				continue
			}
			sets, err := l.Sets(std, r)
			all = append(all, err)
			for _, id := range sets {
				_, err := l.Set(std, r, id)
				all = append(all, err)
			}
		}
	}
	return errors.Join(all...)
}

// Named lists the sets of a release whose documents have a name, such as
// purchase_order: mostly one. It reads names alone and compiles nothing.
func (l *Library) Named(std syntax.Standard, release, name string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := folder(std) + "/" + release
	if l.names[at] == nil {
		ids, err := l.Sets(std, release)
		if err != nil {
			return nil, err
		}
		byName := map[string][]string{}
		for _, id := range ids {
			n, err := l.nameOf(std, release, id)
			if err != nil {
				return nil, err
			}
			byName[n] = append(byName[n], id)
		}
		l.names[at] = byName
	}
	return l.names[at][name], nil
}

// nameOf reads the name of a set, or of the one that it extends.
func (l *Library) nameOf(std syntax.Standard, release, id string) (string, error) {
	for range maxExtends {
		b, err := fs.ReadFile(l.fsys, path.Join(folder(std), release, setFolder(std), id+".yaml"))
		if err != nil {
			return "", err
		}
		base := ""
		for line := range strings.Lines(string(b)) {
			// Keys of the file itself stand at the beginning of a line.
			key, value, _ := strings.Cut(line, ":")
			switch value = strings.Trim(strings.TrimSpace(value), `"'`); key {
			case "name":
				return value, nil
			case "extends":
				base = value
			}
		}
		if base == "" {
			return "", nil
		}
		release = base
	}
	return "", nil
}
