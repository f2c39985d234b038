package program

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Kind is what a rule makes.
type Kind uint8

// Kinds of rules.
const (
	Value  Kind = iota // an expression or a constant
	Object             // `fields`
	List               // a YAML sequence: an item per entry
	Each               // an item per item of a list
)

// Policy says what becomes of a value that cannot be computed.
type Policy uint8

// Policies, as in a rule's `onError`.
const (
	inherit    Policy = iota // what settings.onError says
	OnFail                   // the document fails
	UseDefault               // the rule's default takes its place
	OnSkip                   // the field is left out
	OnWarn                   // the field is left out and a warning is kept
)

// Policies are the words for them in mapping files.
var Policies = map[string]Policy{"fail": OnFail, "default": UseDefault, "skip": OnSkip, "warn": OnWarn}

// Emptiness says what an empty text is.
type Emptiness uint8

// What an empty text may be, as in a rule's `emptyAs`.
const (
	EmptyInherit Emptiness = iota // what settings.emptyAs says
	EmptyKeep                     // a value
	EmptyMissing                  // no value
	EmptyNull                     // JSON null
)

// Emptinesses are the words for them in mapping files.
var Emptinesses = map[string]Emptiness{"empty": EmptyKeep, "missing": EmptyMissing, "null": EmptyNull}

// Rule makes one value of the result. Rules form a tree in the shape of the
// target; after the check they never change.
type Rule struct {
	Kind   Kind
	At     strictyaml.Pos
	Key    string // in the object above; empty for items
	Target string // for messages: lines[].sku
	Schema *schema.Schema

	When     *Expression
	Required bool // by the rule: no value is an error
	Demanded bool // by the target's schema, once the object around it is written
	OnError  Policy
	Fallback *document.Node // `default`

	// Of the kind Value.
	Constant *document.Node
	Expr     *Expression
	Empty    Emptiness
	Codes    *CodeTable
	Lookup   *Lookup
	Decimal  *DecimalRule
	Date     *DateRule

	// Of the kinds Object and List.
	Children []*Rule
	Root     bool // an object that is written even without members
	With     []Binding

	// Of the kind Each: Expr is the list.
	Item      *Rule
	As, Index string
}

// Binding is a variable that a fragment's parameter or a `let` gives.
type Binding struct {
	Name string
	Expr *Expression
	At   strictyaml.Pos
}

// DecimalRule is `decimal:` of a rule.
type DecimalRule struct {
	Scale    int // -1: as many digits as the value has
	Rounding language.Rounding
}

// DateRule is `date:` of a rule. A nil layout is RFC 3339.
type DateRule struct {
	From *language.Layout
	To   *language.Layout
	Zone *time.Location
}

// CodeTable translates the codes of one party into those of another.
type CodeTable struct {
	Name  string
	Codes map[string]*document.Node
	Other *document.Node // of "*": every code that is not listed
}

// translate returns the value of a code.
func (l *CodeTable) translate(code string) (*document.Node, error) {
	if n := l.Codes[code]; n != nil {
		return n, nil
	}
	if l.Other != nil {
		return l.Other, nil
	}
	known := slices.Sorted(maps.Keys(l.Codes))
	const most = 12
	if len(known) > most {
		known = append(known[:most], "…")
	}
	return nil, fmt.Errorf(`the code %q is not in the code list %s (known: %v); add it, or "*" for all others`, document.Shorten(code, 40), l.Name, known)
}

// Lookup is a table of the mapping: rows read from a file, or a table elsewhere.
type Lookup struct {
	Name   string
	Table  string            // elsewhere; empty for a file
	Key    string            // the column, for messages
	Rows   map[string]string // of a file
	OnMiss Policy
	Other  *document.Node // a literal onMiss
}

// Assertion is one entry of `assert`.
type Assertion struct {
	That    *Expression
	At      strictyaml.Pos
	Message string
}
