package canonical

import "fmt"

// identifierFormats are the formats that the schemas of this package use beside
// the standard ones.
func identifierFormats() map[string]func(string) error {
	return map[string]func(string) error{
		"gtin": CheckGTIN,
		"upc":  CheckUPC,
		"gln":  CheckGLN,
		"sscc": CheckSSCC,
	}
}

// CheckGTIN verifies a Global Trade Item Number of 8, 12, 13 or 14 digits and its
// check digit (GS1 General Specifications, 7.9).
func CheckGTIN(s string) error { return checkGS1("GTIN", s, 8, 12, 13, 14) }

// CheckUPC verifies a Universal Product Code: a GTIN of 12 digits.
func CheckUPC(s string) error { return checkGS1("UPC", s, 12) }

// CheckGLN verifies a Global Location Number of 13 digits and its check digit.
func CheckGLN(s string) error { return checkGS1("GLN", s, 13) }

// CheckSSCC verifies a Serial Shipping Container Code of 18 digits and its check
// digit.
func CheckSSCC(s string) error { return checkGS1("SSCC", s, 18) }

func checkGS1(what, s string, lengths ...int) error {
	ok := false
	for _, n := range lengths {
		ok = ok || len(s) == n
	}
	if !ok {
		return fmt.Errorf("%s %q has %d characters, expected %s digits", what, s, len(s), oneOf(lengths))
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return fmt.Errorf("%s %q: %q at position %d is not a digit", what, s, s[i], i+1)
		}
	}
	sum, weight := 0, 3
	for i := len(s) - 2; i >= 0; i-- {
		sum += int(s[i]-'0') * weight
		weight = 4 - weight // 3, 1, 3, 1… from the right
	}
	want := byte('0' + (10-sum%10)%10)
	if got := s[len(s)-1]; got != want {
		return fmt.Errorf("%s %q has check digit %q, expected %q", what, s, got, want)
	}
	return nil
}

func oneOf(lengths []int) string {
	s := ""
	for i, n := range lengths {
		switch {
		case i > 0 && i == len(lengths)-1:
			s += " or "
		case i > 0:
			s += ", "
		}
		s += fmt.Sprint(n)
	}
	return s
}
