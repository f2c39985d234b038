package syntax

import "encoding/binary"

// delimiters are each eight times in a number; those that there are not repeat the
// element's.
type delimiters struct{ element, segment, component, release, repetition uint64 }

// masks have a bit for each of 64 bytes, the lowest for the first: it is this
// delimiter, or other than printable ASCII.
type masks struct{ element, segment, component, release, repetition, odd uint64 }

const (
	low  = 0x0101010101010101
	high = 0x8080808080808080
)

// lookSlow finds the bits eight bytes at a time.
func lookSlow(b *[64]byte, d *delimiters, m *masks) {
	for j := 0; j < 64; j += 8 {
		w := binary.LittleEndian.Uint64(b[j:])
		m.element = shift(m.element, ^other(w^d.element))
		m.segment = shift(m.segment, ^other(w^d.segment))
		m.component = shift(m.component, ^other(w^d.component))
		m.release = shift(m.release, ^other(w^d.release))
		m.repetition = shift(m.repetition, ^other(w^d.repetition))
		m.odd = shift(m.odd, w|^((w|high)-' '*low)|((w&^high)+low))
	}
}

// other has a high bit for every byte that is not 0; its other bits mean nothing.
func other(y uint64) uint64 { return ((y &^ high) + ^uint64(high)) | y }

// shift brings the high bits of eight more bytes into a mask from above; the mask
// is full after eight times.
func shift(mask, m uint64) uint64 {
	return mask>>8 | (m&high)*0x0002040810204081&(0xff<<56)
}
