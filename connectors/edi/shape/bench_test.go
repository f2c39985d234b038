package shape_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// Each kind of document is read bare, validated, and turned into JSON: what the
// last costs is the difference.
var kinds = []struct {
	name string
	file func(sets int) []byte
}{
	{"850", func(sets int) []byte { return x12File("PO", "850", sets, order) }},
	{"856", func(sets int) []byte { return x12File("SH", "856", sets, shipment) }},
	{"846", func(sets int) []byte {
		return x12File("IB", "846", 1, func(s func(string, ...any)) { stock(s, 20*sets) })
	}},
	{"ORDERS", ordersFile},
}

func x12File(group, set string, sets int, body func(s func(string, ...any))) []byte {
	var b bytes.Buffer
	b.WriteString("ISA*00*          *00*          *ZZ*ACMEBUYER      *08*9254110060     *260102*0915*U*00401*000000001*0*P*>~")
	fmt.Fprintf(&b, "GS*%s*ACMEBUYER*9254110060*20260102*0915*1*X*004010VICS~", group)
	for i := range sets {
		n := 2
		fmt.Fprintf(&b, "ST*%s*%04d~", set, i+1)
		body(func(format string, args ...any) {
			n++
			fmt.Fprintf(&b, format+"~", args...)
		})
		fmt.Fprintf(&b, "SE*%d*%04d~", n, i+1)
	}
	fmt.Fprintf(&b, "GE*%d*1~IEA*1*000000001~", sets)
	return b.Bytes()
}

func order(s func(string, ...any)) {
	s("BEG*00*SA*PO00004711**20260102")
	s("REF*DP*077")
	s("ITD*08*3*2.5**30**31")
	s("DTM*010*20260110")
	s("TD5****M*UPS GROUND")
	s("N1*ST*NORTHWIND STORE*92*0007")
	s("N3*12 INDUSTRIAL PKWY")
	s("N4*COLUMBUS*OH*43215*US")
	for l := range 12 {
		s("PO1*%d*48*EA*7.25*WE*UK*00614141000012*VN*V004711*IN*000045678", l+1)
		s("CTP*RS*RES*12.99")
		s("PID*F*08***MENS CREW SOCK 6PK BLK")
	}
	s("CTT*12")
}

func shipment(s func(string, ...any)) {
	s("BSN*00*000004711*20260103*1201*0001")
	s("HL*1**S")
	s("TD1*CTN*12****G*120.5*LB")
	s("TD5**2*UPSN*M*UPS GROUND")
	s("REF*BM*0000004711")
	s("DTM*011*20260103")
	s("N1*ST*NORTHWIND STORE*92*0007")
	id := 1
	for range 2 {
		id++
		order := id
		s("HL*%d*1*O", id)
		s("PRF*PO00004711***20260102")
		for range 3 {
			id++
			pack := id
			s("HL*%d*%d*P", id, order)
			s("MAN*GM*0000614141000000012")
			for range 2 {
				id++
				s("HL*%d*%d*I", id, pack)
				s("LIN**UK*00614141000012*VN*V004711")
				s("SN1**48*EA")
			}
		}
	}
	s("CTT*%d", id)
}

func stock(s func(string, ...any), lines int) {
	s("BIA*00*DD*STOCK004711*20260102")
	s("DTM*007*20260102")
	for l := range lines {
		s("LIN*%d*UK*00614141000012*VN*V004711", l+1)
		s("QTY*33*4711*EA")
	}
	s("CTT*%d", lines)
}

func ordersFile(messages int) []byte {
	var b bytes.Buffer
	b.WriteString("UNB+UNOC:3+5412345000013:14+5498765000017:14+260102:0915+1'")
	for i := range messages {
		n := 2
		s := func(format string, args ...any) {
			n++
			fmt.Fprintf(&b, format+"'", args...)
		}
		fmt.Fprintf(&b, "UNH+%d+ORDERS:D:96A:UN:EAN008'", i+1)
		s("BGM+220+PO00004711+9")
		s("DTM+137:20260102:102")
		s("RFF+CT:004711")
		s("NAD+BY+5412345000013::9")
		s("NAD+SU+5412345000020::9")
		s("CUX+2:EUR:9")
		for l := range 12 {
			s("LIN+%d++0614141000012:EN", l+1)
			s("IMD+F++:::MENS CREW SOCK 6PK BLK")
			s("QTY+21:48:PCE")
			s("PRI+AAA:7.25")
		}
		s("UNS+S")
		fmt.Fprintf(&b, "UNT+%d+%d'", n, i+1)
	}
	fmt.Fprintf(&b, "UNZ+%d+1'", messages)
	return b.Bytes()
}

func read(doc []byte) error {
	r := syntax.NewReader(bytes.NewReader(doc), syntax.Options{})
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func BenchmarkShape(b *testing.B) {
	for _, k := range kinds {
		doc := k.file(2000)
		v := &validate.Validator{Grammars: library}
		run := func(name string, f func() error) {
			b.Run(k.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(doc)))
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("read", func() error { return read(doc) })
		run("validated", func() error { return v.Run(bytes.NewReader(doc), validate.Ignore{}) })
		w := shape.NewWriter(io.Discard)
		run("json", func() error { return v.Run(bytes.NewReader(doc), w) })
		parts := shape.New(shape.Options{PartItems: func(*validate.Set) int { return 1000 }, Each: func(*shape.Document) error { return nil }})
		run("parts", func() error { return v.Run(bytes.NewReader(doc), parts) })
		lineage := shape.New(shape.Options{Lineage: true, Each: func(*shape.Document) error { return nil }})
		run("lineage", func() error { return v.Run(bytes.NewReader(doc), lineage) })
	}
}
