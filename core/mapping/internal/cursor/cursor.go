// Package cursor keeps what the check of a mapping knows about every place of
// its files, for editors: what can be written there, what stands there, and
// where it comes from.
package cursor

import (
	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// Insight is what one check has seen. It is written by the check and only read
// afterwards.
type Insight struct {
	Main    string // the mapping's file
	Source  *schema.Schema
	Lineage map[string][]string
	// Roots are the files that were read: the mapping and its fragments.
	Roots map[string]*yaml.Node
	// Fragments are the files of fragments by name.
	Fragments map[string]string
	// TypeName is a type in words.
	TypeName func(*cel.Type) string

	expressions []Expression
	objects     map[*yaml.Node]shape
	rules       map[*yaml.Node]shape
}

// Expression is one expression, with what it can see.
type Expression struct {
	File string
	Node *yaml.Node
	// Inside is the place of a character of its text.
	Inside  func(offset int) strictyaml.Pos
	Env     *cel.Env
	Schemas *language.Provider
	Type    *cel.Type // nil when it has mistakes
}

// shape is a place of the target.
type shape struct {
	schema *schema.Schema
	target string
}

// New returns an Insight for a check to fill.
func New(main string) *Insight {
	return &Insight{Main: main, Roots: map[string]*yaml.Node{}, Fragments: map[string]string{}, objects: map[*yaml.Node]shape{}, rules: map[*yaml.Node]shape{}}
}

// Expression records an expression.
func (in *Insight) Expression(e Expression) { in.expressions = append(in.expressions, e) }

// Object records that n lists the members of an object of the target.
func (in *Insight) Object(n *yaml.Node, s *schema.Schema, target string) {
	if in != nil {
		in.objects[n] = shape{s.Resolved(), target}
	}
}

// Rule records that n is the rule of a place of the target.
func (in *Insight) Rule(n *yaml.Node, s *schema.Schema, target string) {
	if in != nil {
		in.rules[n] = shape{s, target}
	}
}

// Completion is what can be written at a place.
type Completion struct {
	Items []Item
	// From is the column where the word begins that an item replaces.
	From int
	// Keys tells that the items are keys of YAML.
	Keys bool
}

// Item is something that can be written at a place.
type Item struct {
	Name   string
	Text   string // how it is written, when not as Name
	Kind   Kind
	Detail string // its type, in a few words
	About  string // more about it; may be empty
	// Needed tells that the target demands it.
	Needed bool
}

// Kind is what an Item is.
type Kind uint8

// Kinds of items.
const (
	Member   Kind = iota // of a document
	Key                  // of the language
	Variable             // src, out, let, loop
	Function
	Value // a word or constant
	Name  // of a code list, lookup or fragment
)

// Span is a stretch of one line; columns count characters from 1 and To is
// behind the last.
type Span struct {
	File     string
	Line     int
	From, To int
}

// Place is a place in a file; lines and columns count from 1.
type Place = strictyaml.Pos
