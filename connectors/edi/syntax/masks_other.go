//go:build !amd64 || purego

package syntax

func look(b *[64]byte, d *delimiters, m *masks) { lookSlow(b, d, m) }
