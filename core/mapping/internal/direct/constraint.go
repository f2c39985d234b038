package direct

import (
	"math"
	"math/big"
	"sync/atomic"
	"unicode/utf8"

	"github.com/crossdock/crossdock/core/mapping/internal/form"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// verdict is what a constraint says about a value.
type verdict uint8

const (
	fits verdict = iota
	breaks
	unsure // the validator itself must be asked
)

// constraint is one schema, compiled for records. It knows the keywords that
// schemas of business documents use; where a schema says more it is unsure.
type constraint struct {
	always  *bool
	unknown bool // it has keywords that are not compiled
	types   typeSet
	enum    []any
	listed  bool
	all     []*constraint // $ref and allOf
	any     []*constraint
	one     []*constraint
	not     *constraint
	cond    *constraint
	then    *constraint
	other   *constraint

	least, most int // members; most -1: no limit
	required    []string
	names       *constraint
	props       map[string]*constraint
	extra       *constraint // of members that are not listed
	closed      bool        // there are none
	members     bool        // it says anything of members at all
	plans       []atomic.Pointer[memberPlan]

	minItems, maxItems int
	item               *constraint

	minLen, maxLen int
	pattern        func(string) bool
	format         func(string) bool

	minimum, maximum, above, below, multiple *big.Rat
}

// memberPlan is what a constraint says of the objects of one shape.
type memberPlan struct {
	needs  []int // places of required members; -1: the shape has no such member
	checks []memberCheck
}

type memberCheck struct {
	at     int
	is     *constraint
	forbid bool
}

// constraints compiles a schema; nil when there is none.
func constraints(s *jsonschema.Schema, shapes int) *constraint {
	if s == nil {
		return nil
	}
	return constraintCompiler{known: map[*jsonschema.Schema]*constraint{}, shapes: shapes}.compile(s)
}

type constraintCompiler struct {
	known  map[*jsonschema.Schema]*constraint
	shapes int
}

func (cc constraintCompiler) compile(s *jsonschema.Schema) *constraint {
	if s == nil {
		return nil
	}
	if c, ok := cc.known[s]; ok {
		return c
	}
	c := &constraint{always: s.Bool, most: -1, maxItems: -1, maxLen: -1}
	cc.known[s] = c
	c.unknown = s.RecursiveRef != nil || s.DynamicRef != nil || s.PatternProperties != nil || s.Dependencies != nil || s.DependentRequired != nil ||
		s.DependentSchemas != nil || s.UnevaluatedProperties != nil || s.UniqueItems || s.Contains != nil || s.Items != nil || s.AdditionalItems != nil ||
		s.PrefixItems != nil || s.UnevaluatedItems != nil || s.ContentEncoding != nil || s.ContentMediaType != nil || len(s.Extensions) > 0
	if s.Types != nil {
		for _, name := range s.Types.ToStrings() {
			c.types |= typeSets[name]
		}
	}
	if s.Enum != nil {
		c.enum, c.listed = s.Enum.Values, true
	}
	if s.Ref != nil {
		c.all = append(c.all, cc.compile(s.Ref))
	}
	if s.Const != nil {
		c.all = append(c.all, &constraint{enum: []any{*s.Const}, listed: true, most: -1, maxItems: -1, maxLen: -1})
	}
	c.all = append(c.all, cc.each(s.AllOf)...)
	c.any, c.one = cc.each(s.AnyOf), cc.each(s.OneOf)
	c.not, c.cond, c.then, c.other = cc.compile(s.Not), cc.compile(s.If), cc.compile(s.Then), cc.compile(s.Else)
	cc.object(c, s)
	c.item = cc.compile(s.Items2020)
	set := func(to *int, from *int) {
		if from != nil {
			*to = *from
		}
	}
	set(&c.minItems, s.MinItems)
	set(&c.maxItems, s.MaxItems)
	set(&c.minLen, s.MinLength)
	set(&c.maxLen, s.MaxLength)
	if s.Pattern != nil {
		c.pattern = form.Pattern(s.Pattern)
	}
	if s.Format != nil {
		c.format = form.Format(s.Format)
	}
	c.minimum, c.maximum, c.above, c.below, c.multiple = s.Minimum, s.Maximum, s.ExclusiveMinimum, s.ExclusiveMaximum, s.MultipleOf
	return c
}

func (cc constraintCompiler) each(list []*jsonschema.Schema) []*constraint {
	var out []*constraint
	for _, s := range list {
		out = append(out, cc.compile(s))
	}
	return out
}

func (cc constraintCompiler) object(c *constraint, s *jsonschema.Schema) {
	if s.MinProperties != nil {
		c.least = *s.MinProperties
	}
	if s.MaxProperties != nil {
		c.most = *s.MaxProperties
	}
	c.required, c.names = s.Required, cc.compile(s.PropertyNames)
	if s.Properties != nil {
		c.props = make(map[string]*constraint, len(s.Properties))
		for name, p := range s.Properties {
			c.props[name] = cc.compile(p)
		}
	}
	switch extra := s.AdditionalProperties.(type) {
	case nil:
	case bool:
		c.closed = !extra
	case *jsonschema.Schema:
		c.extra = cc.compile(extra)
	default:
		c.unknown = true
	}
	if c.members = len(c.required) > 0 || c.names != nil || c.props != nil || c.extra != nil || c.closed || c.least > 0 || c.most >= 0; c.members {
		c.plans = make([]atomic.Pointer[memberPlan], cc.shapes)
	}
}

// plan finds out what the constraint says of a shape, once.
func (c *constraint) plan(f *frame, s *shape) *memberPlan {
	if p := c.plans[s.id].Load(); p != nil {
		return p
	}
	p := &memberPlan{}
	for _, name := range c.required {
		at, ok := s.at[name]
		if !ok {
			at = -1
		}
		p.needs = append(p.needs, at)
	}
	for at, name := range s.names {
		check := memberCheck{at: at, is: c.props[name]}
		if check.is == nil {
			check.is, check.forbid = c.extra, c.closed
		}
		if c.names != nil && c.names.check(f, value{kind: text, s: name}) != fits {
			check.forbid = true
		}
		if check.is != nil || check.forbid {
			p.checks = append(p.checks, check)
		}
	}
	c.plans[s.id].Store(p)
	return p
}

// worse combines verdicts that must all hold.
func worse(a, b verdict) verdict {
	switch {
	case a == breaks || b == breaks:
		return breaks
	case a == unsure || b == unsure:
		return unsure
	}
	return fits
}

// check says whether a value fits.
func (c *constraint) check(f *frame, v value) verdict {
	if c.always != nil {
		if *c.always {
			return fits
		}
		return breaks
	}
	out := fits
	if c.unknown {
		out = unsure
	}
	if c.types != 0 && !c.types.has(v) {
		return breaks
	}
	if c.listed {
		if out = worse(out, c.inList(v)); out == breaks {
			return breaks
		}
	}
	switch v.kind {
	case object:
		out = worse(out, c.object(f, v))
	case opaque:
		if c.members {
			out = unsure
		}
	case list:
		out = worse(out, c.list(f, v))
	case text:
		out = worse(out, c.text(v.s))
	case integer, double, number:
		out = worse(out, c.number(f, v))
	}
	for _, part := range c.all {
		if out == breaks {
			return breaks
		}
		out = worse(out, part.check(f, v))
	}
	if out != breaks && (c.any != nil || c.one != nil || c.not != nil || c.cond != nil) {
		out = worse(out, c.combined(f, v))
	}
	return out
}

// combined checks anyOf, oneOf, not and if.
func (c *constraint) combined(f *frame, v value) verdict {
	out := fits
	if c.any != nil {
		yes, maybe, _ := count(f, c.any, v)
		out = worse(out, chosen(yes > 0, yes == 0 && maybe == 0))
	}
	if c.one != nil {
		yes, maybe, _ := count(f, c.one, v)
		out = worse(out, chosen(yes == 1 && maybe == 0, yes > 1 || yes+maybe == 0))
	}
	if c.not != nil {
		is := c.not.check(f, v)
		out = worse(out, chosen(is == breaks, is == fits))
	}
	if c.cond != nil {
		next := c.then
		switch c.cond.check(f, v) {
		case breaks:
			next = c.other
		case unsure:
			return worse(out, unsure)
		}
		if next != nil {
			out = worse(out, next.check(f, v))
		}
	}
	return out
}

func count(f *frame, of []*constraint, v value) (yes, maybe, no int) {
	for _, c := range of {
		switch c.check(f, v) {
		case fits:
			yes++
		case unsure:
			maybe++
		default:
			no++
		}
	}
	return yes, maybe, no
}

func chosen(yes, no bool) verdict {
	switch {
	case yes:
		return fits
	case no:
		return breaks
	}
	return unsure
}

// typeSet is the types that a value may have; none: any.
type typeSet uint16

const anyNumber typeSet = 1 << 15

var typeSets = map[string]typeSet{
	"null": 1 << null, "boolean": 1 << boolean, "string": 1 << text, "array": 1 << list, "object": 1 << object,
	"integer": 1 << integer, "number": anyNumber,
}

func (t typeSet) has(v value) bool {
	switch v.kind {
	case integer, double, number:
		return t&anyNumber != 0 || t&(1<<integer) != 0 && isWhole(v)
	case opaque:
		return t&(1<<object) != 0
	}
	return t&(1<<v.kind) != 0
}

func isWhole(v value) bool {
	switch v.kind {
	case integer:
		return true
	case double:
		x := math.Float64frombits(uint64(v.n))
		return math.Trunc(x) == x
	}
	for i := range len(v.s) {
		if c := v.s[i]; c == '.' || c == 'e' || c == 'E' {
			r, ok := new(big.Rat).SetString(v.s)
			return ok && r.IsInt()
		}
	}
	return true
}

func (c *constraint) inList(v value) verdict {
	for _, e := range c.enum {
		switch e := e.(type) {
		case string:
			if v.kind == text && v.s == e {
				return fits
			}
		case bool:
			if v.kind == boolean && v.n == 1 == e {
				return fits
			}
		case nil:
			if v.kind == null {
				return fits
			}
		default:
			if v.kind == integer || v.kind == number || v.kind == double || v.kind >= object {
				return unsure
			}
		}
	}
	return breaks
}

func (c *constraint) object(f *frame, v value) verdict {
	if !c.members {
		return fits
	}
	if v.open() {
		return unsure
	}
	p := c.plan(f, f.m.shapes[v.shape()])
	for _, at := range p.needs {
		if at < 0 || f.member(v, at).kind == absent {
			return breaks
		}
	}
	if c.least > 0 || c.most >= 0 {
		n := 0
		for i := range f.m.shapes[v.shape()].names {
			if f.member(v, i).kind != absent {
				n++
			}
		}
		if n < c.least || c.most >= 0 && n > c.most {
			return breaks
		}
	}
	out := fits
	for i := range p.checks {
		m := f.member(v, p.checks[i].at)
		if m.kind == absent {
			continue
		}
		if p.checks[i].forbid {
			return breaks
		}
		if out = worse(out, p.checks[i].is.check(f, m)); out == breaks {
			return out
		}
	}
	return out
}

func (c *constraint) list(f *frame, v value) verdict {
	n := int(v.n & math.MaxUint32)
	if n < c.minItems || c.maxItems >= 0 && n > c.maxItems {
		return breaks
	}
	out := fits
	if c.item == nil {
		return out
	}
	for _, item := range f.items(v) {
		if out = worse(out, c.item.check(f, item)); out == breaks {
			return out
		}
	}
	return out
}

func (c *constraint) text(s string) verdict {
	if c.minLen > 0 || c.maxLen >= 0 {
		n := utf8.RuneCountInString(s)
		if n < c.minLen || c.maxLen >= 0 && n > c.maxLen {
			return breaks
		}
	}
	if c.pattern != nil && !c.pattern(s) || c.format != nil && !c.format(s) {
		return breaks
	}
	return fits
}

func (c *constraint) number(f *frame, v value) verdict {
	if c.minimum == nil && c.maximum == nil && c.above == nil && c.below == nil && c.multiple == nil {
		return fits
	}
	var x *big.Rat
	if v.kind == integer {
		x = new(big.Rat).SetInt64(v.n)
	} else {
		s, ok := f.digits(v)
		if ok {
			x, ok = new(big.Rat).SetString(s)
		}
		if !ok {
			return unsure
		}
	}
	switch {
	case c.minimum != nil && x.Cmp(c.minimum) < 0, c.maximum != nil && x.Cmp(c.maximum) > 0,
		c.above != nil && x.Cmp(c.above) <= 0, c.below != nil && x.Cmp(c.below) >= 0,
		c.multiple != nil && !new(big.Rat).Quo(x, c.multiple).IsInt():
		return breaks
	}
	return fits
}
