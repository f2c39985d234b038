package compose_test

import (
	"fmt"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// An invoice for a partner, and what is said when a member has no segment.
func Example() {
	to := compose.Agreement{
		Standard: syntax.X12, Release: "004010", Suffix: "\n",
		Sender: compose.Party{Qualifier: "08", ID: "9254110060"}, Receiver: compose.Party{Qualifier: "ZZ", ID: "ACMEOUTFIT"},
	}
	numbers := compose.Numbers{Interchange: 42, At: time.Date(2026, 1, 5, 9, 15, 0, 0, time.UTC)}
	for _, text := range []string{
		`{"invoice": {"date": "2026-01-05", "number": "R1", "remit_to": {"name": "CREW SOCKS"}, "lines": [{"line": "1", "quantity": "48", "unit": "EA", "price": "7.25"}], "total": {"amount": "348.00"}}}`,
		`{"invoice": {"date": "2026-01-05", "nubmer": "R1", "total": {"amount": "348.00"}}}`,
	} {
		doc, err := compose.Read([]byte(text))
		if err != nil {
			fmt.Println(err)
			continue
		}
		file, err := to.Interchange(grammar.Open(grammars.FS()), []*compose.Document{doc}, numbers)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Print(string(file))
	}
	// Output:
	// ISA*00*          *00*          *08*9254110060     *ZZ*ACMEOUTFIT     *260105*0915*U*00401*000000042*0*P*>~
	// GS*IN*9254110060*ACMEOUTFIT*20260105*0915*42*X*004010~
	// ST*810*0001~
	// BIG*20260105*R1~
	// N1*RE*CREW SOCKS~
	// IT1*1*48*EA*7.25~
	// TDS*34800~
	// CTT*1~
	// SE*7*0001~
	// GE*1*42~
	// IEA*1*000000042~
	// /invoice/nubmer: no segment or element carries "nubmer", so that it would be lost; did you mean "number"?
}
