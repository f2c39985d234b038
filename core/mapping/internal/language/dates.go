package language

import (
	"fmt"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/document"

	// Zones must not depend on what the machine has installed.

	_ "time/tzdata"
)

// Layout is a date pattern in the letters of Unicode TR 35 that partners'
// documents use: yyyy yy MM dd HH mm ss SSS, XXX (offset, Z for UTC), XX
// (offset without colon), and text in single quotes.
type Layout struct {
	text  string
	goes  string // as package time writes it
	zoned bool
	Clock bool // has a time of day
}

var layoutLetters = []struct{ letters, goes string }{
	{"yyyy", "2006"},
	{"yy", "06"},
	{"MMMM", "January"},
	{"MMM", "Jan"},
	{"MM", "01"},
	{"M", "1"},
	{"dd", "02"},
	{"d", "2"},
	{"HH", "15"},
	{"hh", "03"},
	{"mm", "04"},
	{"ss", "05"},
	{"SSSSSS", "000000"},
	{"SSS", "000"},
	{"a", "PM"},
	{"XXX", "Z07:00"},
	{"XX", "Z0700"},
	{"DDD", "002"},
}

// ParseLayout reads a date pattern.
func ParseLayout(text string) (Layout, error) {
	l := Layout{text: text}
	var b strings.Builder
	for rest := text; rest != ""; {
		if rest[0] == '\'' {
			end := strings.IndexByte(rest[1:], '\'')
			if end < 0 {
				return l, fmt.Errorf("the date layout %q has an open quote", text)
			}
			b.WriteString(rest[1 : end+1])
			rest = rest[end+2:]
			continue
		}
		found := false
		for _, e := range layoutLetters {
			if strings.HasPrefix(rest, e.letters) {
				b.WriteString(e.goes)
				l.zoned = l.zoned || e.letters[0] == 'X'
				l.Clock = l.Clock || strings.ContainsAny(e.letters, "HhX")
				rest, found = rest[len(e.letters):], true
				break
			}
		}
		if found {
			continue
		}
		if c := rest[0]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return l, fmt.Errorf("the date layout %q has %q, which is no part of a date; use yyyy MM dd HH mm ss SSS XXX, and quotes around text", text, c)
		}
		b.WriteByte(rest[0])
		rest = rest[1:]
	}
	l.goes = b.String()
	if l.goes == "" {
		return l, fmt.Errorf("the date layout is empty")
	}
	return l, nil
}

// Parse reads a date written as l; zone counts where the text names none.
func (l Layout) Parse(s string, zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation(l.goes, s, zone)
	if err != nil {
		return t, fmt.Errorf("%q is not a date written as %s", document.Shorten(s, 40), l.text)
	}
	return t, nil
}

// Digits is how long a date in this layout is when it is nothing but yyyyMMdd,
// alone or with HHmm or HHmmss behind it; 0 for other layouts.
func (l Layout) Digits() int {
	switch l.goes {
	case "20060102", "200601021504", "20060102150405":
		return len(l.goes)
	}
	return 0
}

// Go is the layout as package time writes it.
func (l Layout) Go() string { return l.goes }

// Format writes a time.
func (l Layout) Format(t time.Time) string { return t.Format(l.goes) }

// timestamp puts the date and time elements of EDI together: date as yyyyMMdd
// or yyMMdd, time as HHmm, HHmmss or empty (X12 data types DT and TM; a time's
// decimal seconds are dropped).
func timestamp(date, clock string, zone *time.Location) (string, error) {
	goes, want := "20060102", "yyyyMMdd"
	if len(date) == 6 {
		goes, want = "060102", "yyMMdd"
	}
	switch {
	case clock == "":
	case len(clock) == 4:
		goes, want = goes+"1504", want+"HHmm"
	default:
		goes, want = goes+"150405", want+"HHmmss"
		clock = clock[:min(6, len(clock))]
	}
	t, err := time.ParseInLocation(goes, date+clock, zone)
	if err != nil {
		return "", fmt.Errorf("%q with %q is not a date and time written as %s", document.Shorten(date, 20), document.Shorten(clock, 20), want)
	}
	return t.Format(time.RFC3339), nil
}

func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("a time zone is written as in Europe/Berlin or UTC, found %q", name)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("there is no time zone %q; zones are written as in America/Chicago", name)
	}
	return z, nil
}
