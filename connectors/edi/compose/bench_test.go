package compose_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/compose"
)

// BenchmarkWrite reads, composes and checks an order of a thousand lines.
func BenchmarkWrite(b *testing.B) {
	var lines []string
	for i := range 1000 {
		lines = append(lines, fmt.Sprintf(`{"line":"%d","quantity":"48","unit":"EA","price":"7.25","ids":{"gtin14":"00614141000012","vendor_item":"AX-%d"},"descriptions":[{"type":"F","text":"CREW SOCK 6PK BLACK"}]}`, i+1, i))
	}
	doc := []byte(strings.Replace(order, `{"line": "1"}`, strings.Join(lines, ","), 1))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := compose.Read(doc)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := acme.Interchange(library, []*compose.Document{d}, numbers); err != nil {
			b.Fatal(err)
		}
	}
}
