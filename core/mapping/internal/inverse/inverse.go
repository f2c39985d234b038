// Package inverse compares a mapping with the one that leads back: which of its
// rules the other undoes, what the others lose, and whether a document came back
// as it was sent.
package inverse

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Move is what one rule does to one value, as far as the way back depends on it.
type Move struct {
	At     strictyaml.Pos
	Target string   // lines[].sku
	Source string   // the member that it copies, without src; "" when it is computed
	Reads  []string // all members of the source that it reads, without src
	Rule   *program.Rule
	Lossy  string // the reason that the file gives
	// Limit is a condition around it other than that a member is there.
	Limit string
	// Only names a list of which one item is taken.
	Only string
	// Changes is a function that does not keep the value: gtin14, upper.
	Changes string
	// Fixed tells that the source has no part in it.
	Fixed bool
	Sure  bool // the schemas promise a value
	// Empties tells that an empty text becomes missing or null.
	Empties bool
	Whole   bool // the source's value is a whole number, which no scale rounds
}

// Trip says whether the inverse mapping undoes what a rule does.
type Trip struct {
	File       string `json:"file"`
	Line       int    `json:"line"`
	Col        int    `json:"col"`
	Target     string `json:"target"`           // lines[].sku
	Source     string `json:"source,omitempty"` // po1[].ids.UP; empty when nothing of the source is in it
	Reversible bool   `json:"reversible"`
	// Reason says what is lost, or what undoes the rule.
	Reason string `json:"reason"`
	// Declared tells that the mapping file says so itself (`lossy`).
	Declared bool `json:"declared,omitempty"`
}

// String is one line for a person.
func (r Trip) String() string {
	word := "lossy"
	switch {
	case r.Reversible:
		word = "invertible"
	case r.Declared:
		word = "lossy (declared)"
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s: %s", r.File, r.Line, r.Col, r.Target, word, r.Reason)
}

// Rules are the rules of one mapping, and the members of its source that they
// read, with src.
type Rules struct {
	Moves []Move
	Reads map[string]bool
}

// Judge judges the rules of one mapping against the other.
func (there Rules) Judge(back Rules) []Trip {
	out := make([]Trip, 0, len(there.Moves))
	for _, m := range there.Moves {
		t, _ := m.judge(back)
		out = append(out, t)
	}
	return out
}

// Survivors are the members of the source that come back as they were.
func (there Rules) Survivors(back Rules) insight.Paths {
	out := insight.Paths{}
	for _, m := range there.Moves {
		t, sources := m.judge(back)
		for _, s := range sources {
			if t.Reversible {
				out[s] = true
			}
		}
	}
	return out
}

// judge judges one rule, and returns the members of the source that the other
// mapping fills from its result.
func (v Move) judge(back Rules) (Trip, []string) {
	t := Trip{File: v.At.File, Line: v.At.Line, Col: v.At.Col, Target: v.Target, Source: strings.Join(v.Reads, ", ")}
	if v.Source != "" {
		t.Source = v.Source
	}
	switch {
	case v.Lossy != "":
		t.Reason, t.Declared = v.Lossy, true
		return t, nil
	case v.Fixed:
		t.Reversible, t.Reason = fixedTrip(v, back)
		return t, nil
	}
	if t.Reason = v.loss(); t.Reason != "" {
		return t, nil
	}
	var sources []string
	for _, b := range back.Moves {
		if !slices.ContainsFunc(b.Reads, func(p string) bool { return related(p, v.Target) }) {
			continue
		}
		s := v.comesFrom(b.Target)
		if s == "" {
			continue
		}
		if reason := unlike(v, b); reason != "" {
			if t.Reason == "" {
				t.Reason = reason
			}
			continue
		}
		sources = append(sources, s)
	}
	switch {
	case len(sources) > 0:
		t.Reversible, t.Reason = true, "comes back in "+strings.Join(slices.Compact(sources), ", ")
		if v.Source == "" {
			t.Reason += ", computed both ways: the tests show whether as it was"
		}
	case t.Reason != "":
	case v.Source == "":
		t.Reason = "the expression has no inverse: nothing leads back to " + finding.Listed(v.Reads)
	default:
		t.Reason = v.Source + " is not mapped back"
		for _, b := range back.Moves {
			if related(b.Target, v.Source) {
				t.Reason = fmt.Sprintf("%s is filled from something else on the way back (%s:%d)", v.Source, b.At.File, b.At.Line)
				break
			}
		}
	}
	return t, sources
}

// comesFrom returns the member that the rule reads and a rule of the inverse
// writes; "" when it writes another.
func (v Move) comesFrom(written string) string {
	if v.Source != "" {
		if related(written, v.Source) {
			return v.Source
		}
		return ""
	}
	for _, p := range v.Reads {
		if related(written, p) {
			return p
		}
	}
	return ""
}

// related tells whether two paths are the same member, or one lies in the other.
func related(p, q string) bool {
	inside := func(p, q string) bool {
		rest, ok := strings.CutPrefix(p, q)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	return inside(p, q) || inside(q, p)
}

func fixedTrip(v Move, back Rules) (bool, string) {
	switch {
	case back.Reads[language.NameSrc+"."+v.Target]:
		return true, "fixed, and the inverse tells entries apart by it"
	case v.Rule.Constant != nil:
		return false, "constant " + fixedValue(v.Rule.Constant) + ": the source has no part in it, and another value does not come back"
	}
	return false, "it comes from the message and not from the document"
}

// loss says what a rule by itself loses; "" for nothing.
func (v Move) loss() string {
	r := v.Rule
	switch {
	case v.Only != "":
		return "only one item of " + v.Only + " is kept"
	case v.Limit != "":
		return "left out unless " + v.Limit
	case r.OnError == program.OnSkip || r.OnError == program.OnWarn || r.OnError == program.UseDefault:
		return "a value that cannot be computed is left out or replaced (onError)"
	case r.Fallback != nil && (r.When != nil || !v.Sure):
		return fmt.Sprintf("default %s makes a missing value and %s the same", fixedValue(r.Fallback), fixedValue(r.Fallback))
	case v.Empties:
		return "emptyAs makes an empty text and a missing one the same"
	case v.Changes != "":
		return v.Changes + "() has no inverse"
	}
	for _, reason := range []string{codesLoss(r.Codes), lookupLoss(r.Lookup)} {
		if reason != "" {
			return reason
		}
	}
	if d := r.Decimal; d != nil && d.Scale >= 0 && !v.Whole {
		return fmt.Sprintf("rounded to %s after the point", finding.Counted(d.Scale, "digit"))
	}
	if d := r.Date; d != nil {
		return dateLoss(d)
	}
	return ""
}

// codesLoss names the codes that a list makes one.
func codesLoss(l *program.CodeTable) string {
	if l == nil {
		return ""
	}
	if l.Other != nil {
		return fmt.Sprintf(`the code list %s makes %s of every code that it does not list ("*")`, l.Name, fixedValue(l.Other))
	}
	values := map[string][]string{}
	for _, code := range slices.Sorted(maps.Keys(l.Codes)) {
		to := fixedValue(l.Codes[code])
		values[to] = append(values[to], fmt.Sprintf("%q", code))
	}
	var same []string
	for _, to := range slices.Sorted(maps.Keys(values)) {
		if len(values[to]) > 1 {
			same = append(same, fmt.Sprintf("%s of %s", to, strings.Join(values[to], " and ")))
		}
	}
	if len(same) > 0 {
		return fmt.Sprintf("the code list %s is not one-to-one: it makes %s", l.Name, finding.Listed(same))
	}
	return ""
}

func lookupLoss(l *program.Lookup) string {
	switch {
	case l == nil:
		return ""
	case l.Table != "":
		return fmt.Sprintf("the lookup %s asks a table elsewhere, which may have one value for several keys", l.Name)
	case l.OnMiss != program.OnFail:
		return fmt.Sprintf("the lookup %s does not keep a key that it lacks (onMiss)", l.Name)
	}
	first := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(l.Rows)) {
		v := l.Rows[key]
		if other, ok := first[v]; ok {
			return fmt.Sprintf("the lookup %s is not one-to-one: it makes %q of %q and %q", l.Name, v, other, key)
		}
		first[v] = key
	}
	return ""
}

func dateLoss(d *program.DateRule) string {
	if d.To == nil {
		return ""
	}
	zoned, exact := true, 3
	if d.From != nil {
		zoned, exact = d.From.Zoned(), d.From.Exact()
	}
	switch {
	case exact > 0 && d.To.Exact() == 0:
		return fmt.Sprintf("date: %s loses the time of day", d.To)
	case zoned && !d.To.Zoned():
		return fmt.Sprintf("date: %s loses the zone", d.To)
	case exact > d.To.Exact():
		return fmt.Sprintf("date: %s loses seconds or parts of them", d.To)
	}
	return ""
}

// unlike says why a rule of the inverse does not undo a rule whose result it
// reads; "" when it does.
func unlike(v, b Move) string {
	r, u := v.Rule, b.Rule
	at := fmt.Sprintf(" (%s:%d)", b.At.File, b.At.Line)
	switch {
	case u.Fallback != nil && !v.Sure:
		return fmt.Sprintf("the inverse makes %s of a missing value%s", fixedValue(u.Fallback), at)
	case b.Limit != "":
		return "the inverse leaves it out unless " + b.Limit + at
	case b.Empties:
		return "the inverse takes an empty text for a missing one" + at
	case b.Changes != "":
		return "the inverse changes it by " + b.Changes + "()" + at
	}
	switch {
	case r.Codes != nil && u.Codes == nil:
		return "the code list " + r.Codes.Name + " is not translated back"
	case r.Codes == nil && u.Codes != nil && r.Lookup == nil:
		return "the inverse translates it with the code list " + u.Codes.Name + ", this rule does not"
	case r.Codes != nil:
		if p := codesBack(r.Codes, u.Codes); p != "" {
			return p
		}
	}
	switch {
	case r.Lookup != nil && u.Lookup == nil:
		return "the lookup " + r.Lookup.Name + " is not made back"
	case r.Lookup != nil && u.Lookup.Table == "":
		for _, key := range slices.Sorted(maps.Keys(r.Lookup.Rows)) {
			if to := r.Lookup.Rows[key]; u.Lookup.Rows[to] != key {
				return fmt.Sprintf("the lookup %s makes %q of %q, and %s does not make it back", r.Lookup.Name, to, key, u.Lookup.Name)
			}
		}
	}
	if d := u.Decimal; d != nil && d.Scale >= 0 && !v.Whole && (r.Decimal == nil || r.Decimal.Scale < 0 || r.Decimal.Scale > d.Scale) {
		return fmt.Sprintf("the inverse rounds it to %s after the point%s", finding.Counted(d.Scale, "digit"), at)
	}
	if p := datesBack(r.Date, u.Date, b); p != "" {
		return p + at
	}
	return ""
}

func datesBack(there, back *program.DateRule, b Move) string {
	if there == nil || there.From == nil || there.To != nil && back == nil {
		return ""
	}
	switch {
	case back == nil && b.Source != "":
		return fmt.Sprintf("a date written as %s comes back in another form", there.From)
	case back == nil:
		return ""
	case back.To == nil || back.To.String() != there.From.String():
		return fmt.Sprintf("a date written as %s comes back in another form", there.From)
	case there.From.Exact() > 0 && !there.From.Zoned() && there.Zone.String() != back.Zone.String():
		return fmt.Sprintf("the zone is %s there and %s back", there.Zone, back.Zone)
	}
	return ""
}

// codesBack names the codes that do not come back.
func codesBack(there, back *program.CodeTable) string {
	var lost []string
	for _, code := range slices.Sorted(maps.Keys(there.Codes)) {
		to := there.Codes[code]
		if got := back.Codes[codeText(to)]; got == nil || codeText(got) != code {
			lost = append(lost, fmt.Sprintf("%q", code))
		}
	}
	if len(lost) > 0 {
		return fmt.Sprintf("the code list %s of the inverse does not give back %s", back.Name, finding.Listed(lost))
	}
	return ""
}

// codeText is a value as a key of a code list.
func codeText(n *document.Node) string {
	if n.Kind == document.Bool {
		return n.Short()
	}
	return n.Text
}

// fixedValue shows a constant or default.
func fixedValue(n *document.Node) string {
	if n.Kind == document.Text {
		return `"` + n.Short() + `"`
	}
	return n.Short()
}
