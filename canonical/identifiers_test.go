package canonical

import (
	"strings"
	"testing"
)

func TestCheckDigits(t *testing.T) {
	// Numbers with valid check digits from GS1's own documents and well-known articles.
	for _, tc := range []struct {
		check func(string) error
		value string
		want  string // part of the error; empty: valid
	}{
		{CheckGTIN, "96385074", ""},
		{CheckGTIN, "036000291452", ""},
		{CheckGTIN, "4006381333931", ""},
		{CheckGTIN, "10036000291459", ""},
		{CheckGTIN, "4006381333930", "has check digit '0', expected '1'"},
		{CheckGTIN, "40063813339", "has 11 characters, expected 8, 12, 13 or 14 digits"},
		{CheckGTIN, "40063813A3931", `'A' at position 9 is not a digit`},
		{CheckGTIN, "400638133393X", `'X' at position 13 is not a digit`},
		{CheckGTIN, "", "has 0 characters"},
		{CheckUPC, "036000291452", ""},
		{CheckUPC, "4006381333931", "expected 12 digits"},
		{CheckGLN, "7300070011115", ""},
		{CheckGLN, "7300070011114", "expected '5'"},
		{CheckSSCC, "106141411234567897", ""},
		{CheckSSCC, "106141411234567890", "expected '7'"},
	} {
		err := tc.check(tc.value)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %q", tc.value, err, tc.want)
		}
	}
}

// Every single wrong digit must be noticed; that is what a check digit is for.
func FuzzCheckGTIN(f *testing.F) {
	f.Add("4006381333931", 3, byte(4))
	f.Fuzz(func(t *testing.T, s string, pos int, by byte) {
		if CheckGTIN(s) != nil || pos < 0 {
			return
		}
		b := []byte(s)
		pos %= len(b)
		b[pos] = '0' + (b[pos]-'0'+1+by%9)%10
		if CheckGTIN(string(b)) == nil {
			t.Errorf("%s and %s are both accepted", s, b)
		}
	})
}
