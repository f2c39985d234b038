package form

import (
	"regexp"
	"testing"
)

// patterns are those of the canonical schemas, and some that are built otherwise.
var patterns = []string{
	`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$`, `^[A-Z]{3}$`, `^[A-Z0-9]{2,3}$`, `(Z|[+-][0-9]{2}:[0-9]{2})$`, `^[^\s\x00-\x1f]+$`, `^order/1\.[0-9]+$`,
	`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`, `^PT`, `a|b$`, `^$`, ``, `^a*$|^b`, `(?i)abc`, `.`, `x.*y`, `^(a|ab)(c|bcd)$`, `[^a]$`, `a{2}b?`,
}

func FuzzPattern(f *testing.F) {
	for i := range patterns {
		for _, s := range []string{"", "a", "12.50", "-0", "007", "USD", "2026-01-02T03:04:05Z", "order/1.12", "x\ny", "abcd", "é", "ABC", "aab", "PT5M"} {
			f.Add(uint8(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, s string) {
		text := patterns[int(which)%len(patterns)]
		p, ok := newPattern(text)
		if !ok {
			t.Fatalf("%s is not compiled", text)
		}
		if is, ok := p.matches(s); ok && is != regexp.MustCompile(text).MatchString(s) {
			t.Errorf("%s on %q: %t", text, s, is)
		}
	})
}

func TestPatternsThatNeedMore(t *testing.T) {
	for _, text := range []string{`\bword\b`, `(?m)^a$`, `[0-9]{300}x{300}`} {
		if _, ok := newPattern(text); ok {
			t.Errorf("%s is taken for a table", text)
		}
	}
}
