//go:build !purego

package syntax

// look fills m with the bits of 64 bytes. It uses SSE2, which every amd64 processor
// has; lookSlow says what it does.
//
//go:noescape
func look(b *[64]byte, d *delimiters, m *masks)
