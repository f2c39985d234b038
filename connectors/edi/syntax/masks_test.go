package syntax

import (
	"math/rand/v2"
	"testing"
)

// TestMasks: what the processor's own instructions find is what is there.
func TestMasks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const eight = low
	for range 2000 {
		var b [64]byte
		for i := range b {
			b[i] = "*~>?^A0 \x00\x1f\x7f\x80\xff+"[r.IntN(14)]
		}
		d := &delimiters{'*' * eight, '~' * eight, '>' * eight, '?' * eight, '^' * eight}
		if r.IntN(2) == 0 {
			d.release, d.component = d.element, 0x80*eight
		}
		var got, slow, want masks
		look(&b, d, &got)
		lookSlow(&b, d, &slow)
		for i, c := range b {
			bit := func(is bool, m *uint64) {
				if is {
					*m |= 1 << i
				}
			}
			bit(c == byte(d.element), &want.element)
			bit(c == byte(d.segment), &want.segment)
			bit(c == byte(d.component), &want.component)
			bit(c == byte(d.release), &want.release)
			bit(c == byte(d.repetition), &want.repetition)
			bit(c < ' ' || c >= 0x7f, &want.odd)
		}
		if got != want || slow != want {
			t.Fatalf("%q: found %x, slowly %x, want %x", b, got, slow, want)
		}
	}
}
