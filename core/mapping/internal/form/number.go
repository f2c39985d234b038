package form

import (
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/govalues/decimal"
)

// Decimal reads decimal text: the usual form, such as -12.50, here, and others as
// the language does.
func Decimal(s string) (decimal.Decimal, bool) {
	if n, scale, ok := usual(s); ok {
		if d, err := decimal.New(n, scale); err == nil {
			return d, true
		}
	}
	d, err := language.ParseDecimal(s)
	return d, err == nil
}

func usual(s string) (n int64, scale int, ok bool) {
	const most = 18 // digits of an int64
	digits := s
	if len(s) > 0 && s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) == 0 || len(digits) > most {
		return 0, 0, false
	}
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
		case c == '.' && scale == 0 && i > 0 && i < len(digits)-1:
			scale = len(digits) - 1 - i
		default:
			return 0, 0, false
		}
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, scale, true
}

// Moment reads yyyyMMdd with HHmm, HHmmss or nothing; what else there is, the
// interpreter reads.
func Moment(date, clock string, zone *time.Location) (time.Time, bool) {
	if len(date) != 8 || len(clock) != 0 && len(clock) != 4 && len(clock) != 6 {
		return time.Time{}, false
	}
	var at [6]int // year, month, day, hour, minute, second
	ok := TwoDigits(date, 0, &at[0]) && TwoDigits(date, 2, &at[1])
	at[0] = at[0]*100 + at[1]
	ok = ok && TwoDigits(date, 4, &at[1]) && TwoDigits(date, 6, &at[2])
	for i := range len(clock) / 2 {
		ok = ok && TwoDigits(clock, 2*i, &at[3+i])
	}
	if !ok {
		return time.Time{}, false
	}
	return moment(at, zone)
}

// TwoDigits reads the two digits at a place of a text.
func TwoDigits(s string, at int, to *int) bool {
	a, b := s[at]-'0', s[at+1]-'0'
	*to = int(a)*10 + int(b)
	return a <= 9 && b <= 9
}

// moment is a time whose parts are in their ranges.
func moment(at [6]int, zone *time.Location) (time.Time, bool) {
	if at[1] < 1 || at[1] > 12 || at[2] < 1 || at[3] > 23 || at[4] > 59 || at[5] > 59 {
		return time.Time{}, false
	}
	const shortest = 28
	if at[2] > shortest {
		if last := time.Date(at[0], time.Month(at[1])+1, 0, 0, 0, 0, 0, time.UTC).Day(); at[2] > last {
			return time.Time{}, false
		}
	}
	return time.Date(at[0], time.Month(at[1]), at[2], at[3], at[4], at[5], 0, zone), true
}
