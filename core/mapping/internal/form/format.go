package form

import (
	"github.com/crossdock/crossdock/canonical"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Pattern returns the test of a pattern. It compares with a table, and with the expression itself what the table
// does not know.
func Pattern(of jsonschema.Regexp) func(string) bool {
	p, ok := newPattern(of.String())
	if !ok {
		return of.MatchString
	}
	return func(s string) bool {
		if is, ok := p.matches(s); ok {
			return is
		}
		return of.MatchString(s)
	}
}

// Format returns the test of a format. The usual ones are checked here first, without a
// conversion; what is not plainly right is for the library to say.
func Format(of *jsonschema.Format) func(string) bool {
	checks := map[string]func(string) error{
		"gtin": canonical.CheckGTIN, "upc": canonical.CheckUPC, "gln": canonical.CheckGLN, "sscc": canonical.CheckSSCC,
	}
	if check := checks[of.Name]; check != nil {
		return func(s string) bool { return check(s) == nil }
	}
	plain := func(string) bool { return false }
	switch of.Name {
	case "date":
		plain = isDate
	case "date-time":
		plain = isInstant
	}
	return func(s string) bool { return plain(s) || of.Validate(s) == nil }
}

// isDate knows dates whose day every month has.
func isDate(s string) bool {
	var month, day, year int
	return len(s) == len("2026-01-02") && s[4] == '-' && s[7] == '-' && TwoDigits(s, 0, &year) && TwoDigits(s, 2, &year) &&
		TwoDigits(s, 5, &month) && TwoDigits(s, 8, &day) && month >= 1 && month <= 12 && day >= 1 && day <= 28
}

// isInstant knows times of RFC 3339 without fractions.
func isInstant(s string) bool {
	const clock = len("2026-01-02T15:04:05")
	if len(s) <= clock || !isDate(s[:10]) || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return false
	}
	var hour, minute, second int
	if !TwoDigits(s, 11, &hour) || !TwoDigits(s, 14, &minute) || !TwoDigits(s, 17, &second) || hour > 23 || minute > 59 || second > 59 {
		return false
	}
	zone := s[clock:]
	if zone == "Z" {
		return true
	}
	return len(zone) == len("+01:00") && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':' &&
		TwoDigits(zone, 1, &hour) && TwoDigits(zone, 4, &minute) && hour <= 23 && minute <= 59
}
