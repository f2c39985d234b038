package schema

import (
	"fmt"
	"io/fs"
	"sync"

	"github.com/crossdock/crossdock/canonical"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Catalog holds the schemas of one state of a configuration folder, each read
// once. A schema for all of an EDI message has thousands of members, and every
// mapping of a partner begins at the same few. It may be used by any number of
// goroutines at once: who asks for a schema that another reads waits for it.
type Catalog struct {
	fsys       fs.FS
	mu         sync.Mutex
	shapes     map[shapeKey]func() (*Schema, error)
	validators map[string]func() (compiled, error)
}

type compiled struct {
	valid  Validator
	schema *jsonschema.Schema
}

type shapeKey struct {
	entity     bool
	file, name string
}

// NewCatalog returns the catalog of a folder. Nothing is read before it is
// needed.
func NewCatalog(fsys fs.FS) *Catalog {
	return &Catalog{fsys: fsys, shapes: map[shapeKey]func() (*Schema, error){}, validators: map[string]func() (compiled, error){}}
}

// Load is [Load], once for each file and name.
func (c *Catalog) Load(file, name string) (*Schema, error) {
	return c.shape(shapeKey{false, file, name}, func() (*Schema, error) { return Load(c.fsys, file, name) })
}

// Entity is [Entity], once for each entity and name.
func (c *Catalog) Entity(entity, name string) (*Schema, error) {
	file, ok := canonical.Name(entity)
	if !ok {
		return nil, fmt.Errorf("there is no canonical entity %q", entity)
	}
	return c.shape(shapeKey{true, file, name}, func() (*Schema, error) { return Entity(entity, name) })
}

// Validator is [ForFile], once for each file.
func (c *Catalog) Validator(file string) (Validator, *jsonschema.Schema, error) {
	c.mu.Lock()
	get := c.validators[file]
	if get == nil {
		get = sync.OnceValues(func() (v compiled, err error) {
			// It may run in a goroutine of its own, where a panic would end the process.
			defer func() {
				if p := recover(); p != nil {
					v, err = compiled{}, fmt.Errorf("the schema %s cannot be compiled: %v", file, p)
				}
			}()
			v.valid, v.schema, err = ForFile(c.fsys, file)
			return v, err
		})
		c.validators[file] = get
	}
	c.mu.Unlock()
	v, err := get()
	return v.valid, v.schema, err
}

func (c *Catalog) shape(k shapeKey, read func() (*Schema, error)) (*Schema, error) {
	c.mu.Lock()
	get := c.shapes[k]
	if get == nil {
		get = sync.OnceValues(read)
		c.shapes[k] = get
	}
	c.mu.Unlock()
	return get()
}
