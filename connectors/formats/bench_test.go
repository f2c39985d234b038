package formats_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/formats"
)

func BenchmarkDecode(b *testing.B) {
	const rows = 1000
	for name, c := range map[string]struct {
		o     formats.Options
		input string
	}{
		"csv":    {csv(formats.CSVOptions{}), "store,receipt,gtin,qty\n" + strings.Repeat("7,R-4711,4006381333931,2\n", rows)},
		"ndjson": {formats.Options{Format: formats.NDJSON}, strings.Repeat(`{"store":"7","receipt":"R-4711","gtin":"4006381333931","qty":2}`+"\n", rows)},
		"json":   {formats.Options{Format: formats.JSON}, "[" + strings.Repeat(`{"store":"7","receipt":"R-4711","gtin":"4006381333931","qty":2},`, rows) + "{}]"},
		"xml":    {formats.Options{Format: formats.XML, XML: formats.XMLOptions{Record: "S/R"}}, "<S>" + strings.Repeat(`<R id="R-4711"><store>7</store><gtin>4006381333931</gtin><qty>2</qty></R>`, rows) + "</S>"},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(c.input)))
			b.ReportAllocs()
			for b.Loop() {
				decoder, err := formats.NewDecoder(strings.NewReader(c.input), "in", c.o)
				if err != nil {
					b.Fatal(err)
				}
				for {
					_, err := decoder.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
