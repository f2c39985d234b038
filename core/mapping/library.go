package mapping

import (
	"context"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"

	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Library finds and checks the mappings of a configuration folder. Each file is
// checked once and each schema read once; a changed folder needs a new Library.
type Library struct {
	fsys    fs.FS
	schemas *schema.Catalog
	mu      sync.Mutex
	done    map[string]*entry
}

type entry struct {
	once    sync.Once
	mapping *Mapping
	found   []Finding
}

// Open returns the library of a folder. Nothing is read before it is needed.
func Open(fsys fs.FS) *Library {
	return &Library{fsys: fsys, schemas: schema.NewCatalog(fsys), done: map[string]*entry{}}
}

// folder is where mappings are looked for by name.
const folder = "mappings"

// Mapping returns a mapping by its path ("mappings/order.yaml") or by the name
// of its file ("order"), with what was found in it; nil when it has errors.
func (l *Library) Mapping(reference string) (*Mapping, []Finding) {
	p := l.resolve(reference)
	l.mu.Lock()
	e := l.done[p]
	if e == nil {
		e = &entry{}
		l.done[p] = e
	}
	l.mu.Unlock()
	e.once.Do(func() { e.mapping, e.found = checked(l.fsys, l.schemas, p) })
	return e.mapping, e.found
}

// Coverage measures a mapping, named as for Mapping; also one with errors.
func (l *Library) Coverage(ctx context.Context, reference string) (*Coverage, []Finding) {
	return cover(ctx, l.fsys, l.schemas, l.resolve(reference))
}

func (l *Library) resolve(reference string) string {
	if strings.HasSuffix(reference, ".yaml") || strings.HasSuffix(reference, ".yml") {
		return path.Clean(reference)
	}
	return path.Join(folder, reference+".yaml")
}

// Paths lists the mapping files under mappings/, fragments excepted.
func (l *Library) Paths() ([]string, error) {
	var out []string
	err := fs.WalkDir(l.fsys, folder, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "fragments":
			return fs.SkipDir
		case !d.IsDir() && path.Ext(p) == ".yaml":
			out = append(out, p)
		}
		return nil
	})
	sort.Strings(out)
	return out, err
}
