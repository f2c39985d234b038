package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
)

// This file decides, rule by rule, what the mapping that leads back undoes.

// judged judges the rules of one mapping against the other.
func judged(there, back *Mapping) []RuleTrip {
	out := make([]RuleTrip, 0, len(there.moves))
	for _, m := range there.moves {
		t, _ := m.judge(back)
		out = append(out, t)
	}
	return out
}

// survivors are the members of the source that come back as they were.
func survivors(there, back *Mapping) places {
	out := places{}
	for _, m := range there.moves {
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
func (v move) judge(back *Mapping) (RuleTrip, []string) {
	t := RuleTrip{File: v.at.File, Line: v.at.Line, Col: v.at.Col, Target: v.target, Source: strings.Join(v.reads, ", ")}
	if v.source != "" {
		t.Source = v.source
	}
	switch {
	case v.lossy != "":
		t.Reason, t.Declared = v.lossy, true
		return t, nil
	case v.fixed:
		t.Reversible, t.Reason = fixedTrip(v, back)
		return t, nil
	}
	if t.Reason = v.loss(); t.Reason != "" {
		return t, nil
	}
	var sources []string
	for _, b := range back.moves {
		if !slices.ContainsFunc(b.reads, func(p string) bool { return related(p, v.target) }) {
			continue
		}
		s := v.comesFrom(b.target)
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
		if v.source == "" {
			t.Reason += ", computed both ways: the tests show whether as it was"
		}
	case t.Reason != "":
	case v.source == "":
		t.Reason = "the expression has no inverse: nothing leads back to " + finding.Listed(v.reads)
	default:
		t.Reason = v.source + " is not mapped back"
		for _, b := range back.moves {
			if related(b.target, v.source) {
				t.Reason = fmt.Sprintf("%s is filled from something else on the way back (%s:%d)", v.source, b.at.File, b.at.Line)
				break
			}
		}
	}
	return t, sources
}

// comesFrom returns the member that the rule reads and a rule of the inverse
// writes; "" when it writes another.
func (v move) comesFrom(written string) string {
	if v.source != "" {
		if related(written, v.source) {
			return v.source
		}
		return ""
	}
	for _, p := range v.reads {
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

func fixedTrip(v move, back *Mapping) (bool, string) {
	switch {
	case back.reads[language.NameSrc+"."+v.target]:
		return true, "fixed, and the inverse tells entries apart by it"
	case v.rule.Constant != nil:
		return false, "constant " + fixedValue(v.rule.Constant) + ": the source has no part in it, and another value does not come back"
	}
	return false, "it comes from the message and not from the document"
}

// loss says what a rule by itself loses; "" for nothing.
func (v move) loss() string {
	r := v.rule
	switch {
	case v.only != "":
		return "only one item of " + v.only + " is kept"
	case v.limit != "":
		return "left out unless " + v.limit
	case r.OnError == program.OnSkip || r.OnError == program.OnWarn || r.OnError == program.UseDefault:
		return "a value that cannot be computed is left out or replaced (onError)"
	case r.Fallback != nil && (r.When != nil || !v.sure):
		return fmt.Sprintf("default %s makes a missing value and %s the same", fixedValue(r.Fallback), fixedValue(r.Fallback))
	case v.empties:
		return "emptyAs makes an empty text and a missing one the same"
	case v.changes != "":
		return v.changes + "() has no inverse"
	}
	for _, reason := range []string{codesLoss(r.Codes), lookupLoss(r.Lookup)} {
		if reason != "" {
			return reason
		}
	}
	if d := r.Decimal; d != nil && d.Scale >= 0 && !v.whole {
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
	for _, code := range keys(l.Codes) {
		to := fixedValue(l.Codes[code])
		values[to] = append(values[to], fmt.Sprintf("%q", code))
	}
	var same []string
	for _, to := range keys(values) {
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
	for _, key := range keys(l.Rows) {
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
func unlike(v, b move) string {
	r, u := v.rule, b.rule
	at := fmt.Sprintf(" (%s:%d)", b.at.File, b.at.Line)
	switch {
	case u.Fallback != nil && !v.sure:
		return fmt.Sprintf("the inverse makes %s of a missing value%s", fixedValue(u.Fallback), at)
	case b.limit != "":
		return "the inverse leaves it out unless " + b.limit + at
	case b.empties:
		return "the inverse takes an empty text for a missing one" + at
	case b.changes != "":
		return "the inverse changes it by " + b.changes + "()" + at
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
		for _, key := range keys(r.Lookup.Rows) {
			if to := r.Lookup.Rows[key]; u.Lookup.Rows[to] != key {
				return fmt.Sprintf("the lookup %s makes %q of %q, and %s does not make it back", r.Lookup.Name, to, key, u.Lookup.Name)
			}
		}
	}
	if d := u.Decimal; d != nil && d.Scale >= 0 && !v.whole && (r.Decimal == nil || r.Decimal.Scale < 0 || r.Decimal.Scale > d.Scale) {
		return fmt.Sprintf("the inverse rounds it to %s after the point%s", finding.Counted(d.Scale, "digit"), at)
	}
	if p := datesBack(r.Date, u.Date, b); p != "" {
		return p + at
	}
	return ""
}

func datesBack(there, back *program.DateRule, b move) string {
	if there == nil || there.From == nil || there.To != nil && back == nil {
		return ""
	}
	switch {
	case back == nil && b.source != "":
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
	for _, code := range keys(there.Codes) {
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
