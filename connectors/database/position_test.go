package database

import (
	"bytes"
	"testing"
)

// FuzzPosition: a position that is accepted is written again as the same place.
func FuzzPosition(f *testing.F) {
	for _, s := range []string{
		`{"watermark":5,"id":null}`, `{"watermark":"2026-11-23T10:00:00Z","id":"S-1"}`,
		`{"watermark":1.0,"id":{"base64":"AP8="}}`, `{"watermark":18446744073709551615,"id":1}`, `{}`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := decodePosition(raw)
		if err != nil || p == nil {
			return
		}
		once, err := p.encode()
		if err != nil {
			return // a number outside of what JSON can hold
		}
		again, err := decodePosition(once)
		if err != nil {
			t.Fatalf("%s became %s, which is refused: %v", raw, once, err)
		}
		twice, err := again.encode()
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s and then %s (%v)", raw, once, twice, err)
		}
	})
}
