package form

import "unicode/utf8"

// ASCII tells whether a text has no other characters.
func ASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// exactDigits is how many digits the language lets a binary float have.
const exactDigits = 15

// Exact tells whether a number has so few digits that a binary float keeps them. One
// with an exponent is not looked at.
func Exact(s string) bool {
	digits := 0
	for i := range len(s) {
		c := s[i]
		if c == 'e' || c == 'E' {
			return false
		}
		if c >= '1' && c <= '9' || c == '0' && digits > 0 {
			digits++
		}
	}
	return digits <= exactDigits
}

// AppendGTIN14 appends a GTIN in 14 digits; ok is false when it is none.
func AppendGTIN14(b []byte, s string) (out []byte, ok bool) {
	const width = 14
	if s == "" || len(s) > width {
		return b, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return b, false
		}
	}
	return append(append(b, "00000000000000"[len(s):]...), s...), true
}
