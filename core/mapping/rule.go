package mapping

import (
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
	at     place
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
	codes    *codelist
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
	at   place
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

// assertion is one entry of `assert`.
type assertion struct {
	that    *expression
	at      place
	message string
}

// ruleKeys are what a rule may say.
var ruleKeys = []string{
	"from", "expr", "const", "fields", "each", "as", "index", "use", "with", "value", "when", "map", "lookup",
	"default", "emptyAs", "onError", "decimal", "rounding", "date", "zone", "required", "description",
}

// contents are the keys of which a rule has exactly one.
var contents = []string{"from", "expr", "const", "fields", "use", "value"}

func near(name string, known []string) string { return strictyaml.DidYouMean(name, known) }
