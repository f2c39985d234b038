package mapping

import (
	"io/fs"

	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Schema is the shape of a document: the part of JSON Schema 2020-12 that the
// static check understands (type, properties, required, additionalProperties,
// items, enum, const, pattern, format, allOf, and anyOf/oneOf whose branches
// agree). What it does not understand it treats as "anything"; validation of
// the result at run time knows all of JSON Schema.
//
// An object that lists properties and says nothing about others is taken to be
// complete, so that a misspelt name is found. Write `additionalProperties: true`
// where others are meant to be read.
type Schema = schema.Schema

// EntitySchema returns the schema of a canonical entity, in any spelling.
func EntitySchema(entity string) (*Schema, error) { return schema.Entity(entity, language.NameSrc) }

// LoadSchema reads a JSON Schema and the files it refers to.
func LoadSchema(fsys fs.FS, file string) (*Schema, error) {
	return schema.Load(fsys, file, language.NameSrc)
}
