package page

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/specification"
)

// words say in sentences what a rule does, in the order in which it happens.
func words(r *specification.Rule, lets []specification.Part) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if w := r.Part(specification.PartWhen); w != "" {
		say("Only if %s.", condition(w))
	}
	if e := r.Part(specification.PartEach); e != "" {
		say("One item for each item of %s.", e)
	}
	for _, p := range r.Parts {
		switch p.Name {
		case specification.PartConst:
			say("Always %q.", p.Shown)
		case specification.PartValue:
			say("%s", computed(p.Shown))
			for _, l := range lets {
				if uses(p.Same, l.Name) {
					say("Here %s stands for %s.", l.Name, l.Shown)
				}
			}
		}
	}
	if len(out) == 0 && len(r.Entries) > 0 {
		say("A list of %d entries that are described below.", len(r.Entries))
	}
	for _, p := range r.Parts {
		switch p.Name {
		case specification.PartEmpty:
			say("An empty text counts as %s.", p.Shown)
		case specification.PartMap:
			say("The code is translated by the code list %s.", p.Shown)
		case specification.PartLookup:
			say("The value is looked up in %s.", p.Shown)
		case specification.PartDecimal:
			say("Written as a decimal number with %s.", p.Shown)
		case specification.PartDate:
			say("Read as a date in the form %s.", p.Shown)
		case specification.PartNeeded:
			say("Without a value the document is refused.")
		case specification.PartNote:
			say("%s", p.Shown)
		}
	}
	return out
}

var (
	plain = regexp.MustCompile(`^[A-Za-z_][\w.]*$`)
	calls = []struct {
		form *regexp.Regexp
		say  string
	}{
		{regexp.MustCompile(`^string\(([\w.]+)\)$`), "%s, as text."},
		{regexp.MustCompile(`^int\(([\w.]+)\)$`), "%s, as a whole number."},
		{regexp.MustCompile(`^gtin14\(([\w.]+)\)$`), "%s, as a GTIN of 14 digits."},
		{regexp.MustCompile(`^money\(([\w.]+)\)$`), "%s, as an amount of money."},
		{regexp.MustCompile(`^([\w.]+)\.upper\(\)$`), "%s, in capital letters."},
		{regexp.MustCompile(`^([\w.]+)\.lower\(\)$`), "%s, in small letters."},
		{regexp.MustCompile(`^([\w.]+)\.trim\(\)$`), "%s, without spaces around it."},
		{regexp.MustCompile(`^dmul\(((?:string\()?[\w.]+\)?), ?((?:string\()?[\w.]+\)?)\)$`), "%s times %s, as an amount of money."},
		{regexp.MustCompile(`^dsum\(([\w.]+)\.map\(\w+, ?\w+\.(\w+)\)\)$`), "The sum over %s of %s."},
		{regexp.MustCompile(`^"([^"\\]*)" ?\+ ?([\w.]+)$`), "%q and then %s."},
		{regexp.MustCompile(`^([\w.]+)\.first\((\w+), ?(.*)\)\.([\w.]+)$`), ""},
	}
)

// computed says what an expression gives. What has no words of its own is shown
// as it stands: it is exact, and a person can ask about it.
func computed(e string) string {
	if e == "messageId" {
		return "The id of the message."
	}
	if plain.MatchString(e) {
		return "Copied from " + e + "."
	}
	for _, c := range calls {
		m := c.form.FindStringSubmatch(e)
		switch {
		case m == nil:
		case c.say == "" && !strings.Contains(m[3], ".first("):
			its := regexp.MustCompile(`\b`+m[2]+`\.`).ReplaceAllString(m[3], "its ")
			return fmt.Sprintf("The %s of the first item of %s for which %s.", m[4], m[1], condition(its))
		case c.say != "":
			args := make([]any, len(m)-1)
			for i, a := range m[1:] {
				args[i] = a
			}
			return fmt.Sprintf(c.say, args...)
		}
	}
	return "Computed: " + e
}

var presence = regexp.MustCompile(`^has\(([\w.\[\] ]+)\)$`)

// condition says the most frequent condition in words.
func condition(e string) string {
	if m := presence.FindStringSubmatch(e); m != nil {
		return m[1] + " is there"
	}
	return e
}

func uses(expression, name string) bool {
	return regexp.MustCompile(`(^|[^\w.])` + regexp.QuoteMeta(name) + `\b`).MatchString(expression)
}
