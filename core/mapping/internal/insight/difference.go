package insight

import (
	"errors"
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
)

// MaxDifferences is how many differences are shown.
const MaxDifferences = 50

// Differences lists where two documents differ, a line for each place. The order
// of members does not matter; numbers are equal when their digits are.
func Differences(want, got *document.Node) []string {
	var lines []string
	compare("", want, got, &lines)
	return lines
}

func compare(at string, want, got *document.Node, lines *[]string) {
	if len(*lines) > MaxDifferences {
		return
	}
	add := func(format string, args ...any) {
		if len(*lines) == MaxDifferences {
			*lines = append(*lines, "…")
		} else if len(*lines) < MaxDifferences {
			name := strings.TrimPrefix(at, ".")
			if name == "" {
				name = "(document)"
			}
			*lines = append(*lines, name+": "+fmt.Sprintf(format, args...))
		}
	}
	shown := func(n *document.Node) string {
		if n.Kind == document.Text {
			return fmt.Sprintf("%q", n.Short())
		}
		return n.Short()
	}
	switch {
	case want == nil && got == nil:
	case want == nil:
		add("not expected, got %s", shown(got))
	case got == nil:
		add("expected %s, got nothing", shown(want))
	case want.Kind != got.Kind:
		add("expected %s, got %s", shown(want), shown(got))
	case want.Kind == document.Object:
		for i, k := range want.Keys {
			compare(at+"."+k, want.Kids[i], got.Get(k), lines)
		}
		for i, k := range got.Keys {
			if want.Get(k) == nil {
				compare(at+"."+k, nil, got.Kids[i], lines)
			}
		}
	case want.Kind == document.List:
		for i := range max(len(want.Kids), len(got.Kids)) {
			var w, g *document.Node
			if i < len(want.Kids) {
				w = want.Kids[i]
			}
			if i < len(got.Kids) {
				g = got.Kids[i]
			}
			compare(fmt.Sprintf("%s[%d]", at, i), w, g, lines)
		}
	case want.Truth != got.Truth || want.Text != got.Text && !SameNumber(want, got):
		add("expected %s, got %s", shown(want), shown(got))
	}
}

// SameNumber tells whether two numbers have the same value: 1.50 and 1.5.
func SameNumber(a, b *document.Node) bool {
	if a.Kind != document.Number {
		return false
	}
	x, err := language.ParseDecimal(a.Text)
	y, err2 := language.ParseDecimal(b.Text)
	return errors.Join(err, err2) == nil && x.Equal(y)
}
