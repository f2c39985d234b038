package mapping

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/crossdock/crossdock/core/strictyaml"
)

type ruleKind uint8

const (
	ruleValue  ruleKind = iota // an expression or a constant
	ruleObject                 // `fields`
	ruleList                   // a YAML sequence: an item per entry
	ruleEach                   // an item per item of a list
)

// policy says what becomes of a value that cannot be computed.
type policy uint8

const (
	inherit    policy = iota // what settings.onError says
	onFail                   // the document fails
	useDefault               // the rule's default takes its place
	onSkip                   // the field is left out
	onWarn                   // the field is left out and a warning is kept
)

var policies = map[string]policy{"fail": onFail, "default": useDefault, "skip": onSkip, "warn": onWarn}

// emptiness says what an empty text is.
type emptiness uint8

const (
	emptyInherit emptiness = iota
	emptyKeep
	emptyMissing
	emptyNull
)

var emptinesses = map[string]emptiness{"empty": emptyKeep, "missing": emptyMissing, "null": emptyNull}

// rule makes one value of the result. Rules form a tree in the shape of the
// target; after the check they never change.
type rule struct {
	kind   ruleKind
	at     strictyaml.Pos
	key    string // in the object above; empty for items
	target string // for messages: lines[].sku
	schema *Schema

	when     *expression
	required bool // by the rule: no value is an error
	demanded bool // by the target's schema, once the object around it is written
	onError  policy
	fallback *node // `default`

	// ruleValue
	constant *node
	expr     *expression
	empty    emptiness
	codes    *codeTable
	lookup   *lookup
	decimal  *decimalRule
	date     *dateRule

	// ruleObject and ruleList
	children []*rule
	root     bool // an object that is written even without members
	with     []binding

	// ruleEach
	item      *rule
	as, index string
}

// binding is a variable that a fragment's parameter or a `let` gives.
type binding struct {
	name string
	expr *expression
	at   strictyaml.Pos
}

// decimalRule is `decimal:` of a rule.
type decimalRule struct {
	scale    int // -1: as many digits as the value has
	rounding rounding
}

// dateRule is `date:` of a rule. from is nil for RFC 3339.
type dateRule struct {
	from *layout
	to   *layout
	zone *time.Location
}

// codeTable translates the codes of one party into those of another.
type codeTable struct {
	name  string
	codes map[string]*node
	other *node // of "*": every code that is not listed
}

// translate returns the value of a code.
func (l *codeTable) translate(code string) (*node, error) {
	if n := l.codes[code]; n != nil {
		return n, nil
	}
	if l.other != nil {
		return l.other, nil
	}
	known := slices.Sorted(maps.Keys(l.codes))
	const most = 12
	if len(known) > most {
		known = append(known[:most], "…")
	}
	return nil, fmt.Errorf(`the code %q is not in the code list %s (known: %v); add it, or "*" for all others`, shorten(code, 40), l.name, known)
}

// lookup is a table of the mapping: rows read from a file, or a table elsewhere.
type lookup struct {
	name   string
	table  string            // elsewhere; empty for a file
	key    string            // the column, for messages
	rows   map[string]string // of a file
	onMiss policy
	other  *node // a literal onMiss
}

// assertion is one entry of `assert`.
type assertion struct {
	that    *expression
	at      strictyaml.Pos
	message string
}
