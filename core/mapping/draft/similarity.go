package draft

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/crossdock/crossdock/core/mapping/specification"
)

// synonyms are words of retail that mean the same; the last one stands for all.
var synonyms = func() map[string]string {
	out := map[string]string{}
	for _, line := range []string{
		"qty quantities pieces pcs units quantity",
		"no num nr nbr num id ident number",
		"po purchaseorder orders order",
		"item items article articles product products material product",
		"line lines row rows position positions pos lines",
		"zip zipcode postcode postalcode postal",
		"street address1 line1 addr1 line1",
		"address2 addr2 line2",
		"town city",
		"state province region",
		"country countrycode country",
		"mail email",
		"tel telephone phone",
		"cost amount price",
		"sum total",
		"curr cur currency",
		"shipping delivery ship shipto ship",
		"billing invoice invoiceto bill",
		"customer buyer",
		"supplier vendor seller",
		"unit uom measure um unit",
		"created placed ordered date on placed",
		"modified changed updated",
		"shipped ship",
		"title text name descr desc description",
		"warehouse store site location",
		"ref reference",
		"carrier scac carrier",
		"cat category",
		"stock onhand inventory available",
	} {
		list := strings.Fields(line)
		for _, w := range list[:len(list)-1] {
			out[w] = list[len(list)-1]
		}
	}
	for _, w := range []string{"name", "price", "date", "total"} { // they mean themselves
		delete(out, w)
	}
	return out
}()

// noise are words that say nothing.
var noise = []string{"the", "of", "at", "to", "code", "value", "field", "data", "is", "on"}

// joined are words that mean something only together.
var joined = regexp.MustCompile(`^(line|address|addr)_([12])$`)

// words are the normal forms of the words in a name.
func words(name string) []string {
	var parts []string
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			parts = append(parts, strings.ToLower(b.String()))
			b.Reset()
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		// A capital begins a word, unless it goes on with an abbreviation.
		if unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			end()
		}
		b.WriteRune(r)
	}
	end()
	for i := 0; i+1 < len(parts); i++ {
		if joined.MatchString(parts[i] + "_" + parts[i+1]) {
			parts = slices.Replace(parts, i, i+2, parts[i]+parts[i+1])
		}
	}
	var out []string
	for _, w := range parts {
		if to, ok := synonyms[w]; ok {
			w = to
		} else if singular, ok := strings.CutSuffix(w, "s"); ok && len(singular) > 3 && !strings.HasSuffix(singular, "s") && !strings.HasSuffix(singular, "u") && !strings.HasSuffix(singular, "i") {
			if to, ok := synonyms[singular]; ok {
				singular = to
			}
			if w != "lines" {
				w = singular
			}
		}
		if !slices.Contains(out, w) && (!slices.Contains(noise, w) || len(parts) == 1) {
			out = append(out, w)
		}
	}
	return out
}

// overlap is 1 for the same words, 0 for no common one.
func overlap(a, b []string) float64 {
	if len(a)+len(b) == 0 {
		return 0
	}
	same := 0
	for _, w := range a {
		if slices.Contains(b, w) {
			same++
		}
	}
	return 2 * float64(same) / float64(len(a)+len(b))
}

// similarity compares names with those above them, and types.
func similarity(w want, l *leaf) float64 {
	fit := typeFactor(w.member, l.member)
	if fit == 0 {
		return 0
	}
	mine, theirs := w.own, l.own
	if isTime(w.member) {
		mine, theirs = dated(w.own), dated(l.own)
	}
	own := overlap(mine, theirs)
	above := 0.6 // one of them has nothing above
	if a, b := w.all[:len(w.all)-len(w.own)], l.all[:len(l.all)-len(l.own)]; len(a) > 0 && len(b) > 0 {
		above = overlap(unique(a), unique(b))
	} else if len(a)+len(b) == 0 {
		above = 1
	}
	const ownWeight = 0.7
	score := own * (ownWeight + (1-ownWeight)*above)
	if all := unique(l.all); !slices.ContainsFunc(mine, func(word string) bool { return !slices.Contains(all, word) }) {
		score = max(score, overlap(unique(w.all), all))
	}
	if l.outer {
		score *= 0.65
	}
	return score * fit * roleFactor(w.all, l.all)
}

// dated leaves out of the name of a date that it is one; a date without another
// name is that of the document.
func dated(own []string) []string {
	out := slices.DeleteFunc(slices.Clone(own), func(w string) bool { return slices.Contains([]string{"date", "day", "time", "timestamp"}, w) })
	if len(out) == 0 || len(out) == 1 && out[0] == "order" {
		return []string{"placed"}
	}
	return out
}

// roles are words that say whose name or address something is.
var roles = []string{
	"ship", "bill", "buyer", "seller", "carrier", "location", "manufacturer", "receiver", "sender", "remit", "return", "mark", "freight",
}

// roleFactor keeps the name of one party from becoming that of another.
func roleFactor(to, from []string) float64 {
	in := func(list []string) []string {
		return unique(slices.DeleteFunc(slices.Clone(list), func(w string) bool { return !slices.Contains(roles, w) }))
	}
	mine, theirs := in(to), in(from)
	switch {
	case len(mine) > 0 && len(theirs) > 0 && overlap(mine, theirs) == 0:
		return 0
	case len(mine) == 0 && len(theirs) > 0:
		return 0.8
	}
	return 1
}

func unique(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// typeFactor is 1 for the same type, 0 when one cannot become the other.
func typeFactor(to, from *specification.Member) float64 {
	const converted = 0.95
	switch {
	case to.Type == from.Type && isTime(to) == isTime(from):
		return 1
	case to.Type == specification.TypeAny, from.Type == specification.TypeAny:
		return 0.9
	case isTime(to):
		if from.Type != specification.TypeText || overlap(words(from.Name), timeWords) == 0 && from.Format == "" {
			return 0
		}
		return converted
	case to.Type == specification.TypeBoolean || from.Type == specification.TypeBoolean:
		return 0
	}
	return converted
}

var timeWords = []string{"date", "time", "placed", "updated", "day", "timestamp"}

func isTime(m *specification.Member) bool { return m.Format == "date" || m.Format == "date-time" }
