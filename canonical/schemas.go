package canonical

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed v1/*.json
var files embed.FS

// baseID is the prefix of every schema's $id.
const baseID = "https://github.com/crossdock/crossdock/canonical/"

// FS returns the schemas: v1/order.json, v1/common.json and so on.
func FS() fs.FS { return files }

// Names lists the entities in lower case and alphabetical order, as they appear
// in topics and file names: "order", "promotion-release".
func Names() []string {
	c, err := load()
	if err != nil {
		return nil
	}
	return slices.Clone(c.names)
}

// Schema returns the JSON Schema of an entity. The name may be written as in
// topics or as the Go type: "promotion-release" and "PromotionRelease" are the
// same entity. References inside it are relative to the files of [FS].
func Schema(entity string) ([]byte, bool) {
	c, err := load()
	if err != nil {
		return nil, false
	}
	e, ok := c.entities[fold(entity)]
	if !ok {
		return nil, false
	}
	return slices.Clone(e.source), true
}

// Name returns the name of an entity as [Names] writes it, and whether there is
// such an entity.
func Name(entity string) (string, bool) {
	c, err := load()
	if err != nil {
		return "", false
	}
	e, ok := c.entities[fold(entity)]
	if !ok {
		return "", false
	}
	return e.name, true
}

// fold makes "PromotionRelease", "promotionRelease" and "promotion-release" equal.
func fold(entity string) string {
	return strings.ReplaceAll(strings.ToLower(entity), "-", "")
}

// catalogue is everything known about the schemas, computed once.
type catalogue struct {
	names    []string
	entities map[string]*entity // by folded name
	docs     documents
}

// entity is one schema and what its annotations say.
type entity struct {
	name     string
	source   []byte
	eventAt  string // JSON Pointer, may be empty
	keyAt    string // JSON Pointer
	keysPlan *plan
}

// documents are decoded schema files by name: "common.json".
type documents map[string]map[string]any

// sharedFiles hold definitions and formats, not entities.
var sharedFiles = [...]string{"common.json", "envelope.json"}

var load = sync.OnceValues(func() (*catalogue, error) { return read(files) })

func read(fsys fs.FS) (*catalogue, error) {
	docs, sources, err := decode(fsys, "v1")
	if err != nil {
		return nil, err
	}
	c := &catalogue{entities: map[string]*entity{}, docs: docs}
	for file, doc := range docs {
		if slices.Contains(sharedFiles[:], file) {
			continue
		}
		name := strings.TrimSuffix(file, ".json")
		e := &entity{name: name, source: sources[file], keyAt: "/id"}
		if s, ok := doc["x-event"].(string); ok {
			e.eventAt = s
		}
		if s, ok := doc["x-key"].(string); ok {
			e.keyAt = s
		}
		e.keysPlan = docs.plan(file, doc, 0)
		c.names = append(c.names, name)
		c.entities[fold(name)] = e
	}
	slices.Sort(c.names)
	return c, nil
}

// decode reads the schema files of one directory.
func decode(fsys fs.FS, dir string) (documents, map[string][]byte, error) {
	matches, err := fs.Glob(fsys, path.Join(dir, "*.json"))
	if err != nil {
		return nil, nil, fmt.Errorf("list schemas in %s: %w", dir, err)
	}
	docs, sources := documents{}, map[string][]byte{}
	for _, m := range matches {
		b, err := fs.ReadFile(fsys, m)
		if err != nil {
			return nil, nil, fmt.Errorf("read schema: %w", err)
		}
		var doc map[string]any
		if err := json.Unmarshal(b, &doc); err != nil {
			return nil, nil, fmt.Errorf("schema %s is not JSON: %w", m, err)
		}
		docs[path.Base(m)], sources[path.Base(m)] = doc, b
	}
	return docs, sources, nil
}

// resolve follows $ref until there is none and returns the schema with the file
// it stands in. file is where s stands.
func (d documents) resolve(file string, s map[string]any) (string, map[string]any) {
	for range 16 {
		ref, ok := s["$ref"].(string)
		if !ok {
			return file, s
		}
		target, pointer, _ := strings.Cut(ref, "#")
		if target != "" {
			file = target
		}
		next, ok := at(d[file], pointer).(map[string]any)
		if !ok {
			return file, nil
		}
		s = next
	}
	return file, nil
}

// at returns the value a JSON Pointer (RFC 6901) points to, or nil.
func at(doc any, pointer string) any {
	if pointer == "" {
		return doc
	}
	for _, token := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		m, ok := doc.(map[string]any)
		if !ok {
			return nil
		}
		doc = m[token]
	}
	return doc
}
