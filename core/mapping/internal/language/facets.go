package language

import "strings"

// Zoned tells that a date written so names its zone.
func (l Layout) Zoned() bool { return l.zoned }

// Exact is how much of the time of day a date written so keeps: 0 nothing, 1
// hours and minutes, 2 seconds, 3 parts of a second.
func (l Layout) Exact() int {
	switch {
	case strings.Contains(l.goes, "000"):
		return 3
	case strings.Contains(l.goes, "05"):
		return 2
	case l.Clock:
		return 1
	}
	return 0
}

// String is the layout as it is written in mappings.
func (l Layout) String() string { return l.text }
