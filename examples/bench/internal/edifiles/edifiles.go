// Package edifiles writes valid EDI files of a wanted size for benchmarks, the same
// ones every time.
package edifiles

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
)

// generator writes valid files of a wanted size, the same ones every time.
type generator struct {
	w    *bufio.Writer
	r    *rand.Rand
	size int // written
	segs int // of the open set
	end  string
}

func (g *generator) p(format string, args ...any) {
	n, _ := fmt.Fprintf(g.w, format, args...) // bufio keeps the first error for Flush
	g.size += n
}

func (g *generator) s(format string, args ...any) {
	g.segs++
	g.p(format+g.end, args...)
}

// Write writes a file of about size bytes: 850, 856, 846 (one set of that size) or
// ORDERS. Interchanges are numbered from first.
func Write(name, kind string, size, first int) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	g := &generator{w: bufio.NewWriterSize(f, 1<<20), r: rand.New(rand.NewPCG(1, uint64(1+first))), end: "~"}
	for control := first; g.size < size; control++ {
		switch kind {
		case "850":
			g.x12(control, "PO", kind, 200, g.order)
		case "856":
			g.x12(control, "SH", kind, 50, g.shipment)
		case "846":
			// One set of a size: what a full stock report of a chain looks like.
			g.x12(control, "IB", kind, 1, func() { g.stock(size) })
		case "ORDERS":
			g.edifact(control, 200)
		default:
			g.extreme(control, kind)
		}
	}
	if err := g.w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func (g *generator) x12(control int, group, set string, sets int, body func()) {
	g.p("ISA*00*          *00*          *ZZ*ACMEBUYER      *08*9254110060     *260102*0915*U*00401*%09d*0*P*>~", control)
	g.p("GS*%s*ACMEBUYER*9254110060*20260102*0915*%d*X*004010VICS~", group, control)
	for i := range sets {
		g.segs = 0
		g.s("ST*%s*%04d", set, i+1)
		body()
		g.p("SE*%d*%04d~", g.segs+1, i+1)
	}
	g.p("GE*%d*%d~IEA*1*%09d~", sets, control, control)
}

// digit appends the check digit of GS1.
func digit(s string) string {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return s + string(rune('0'+(10-sum%10)%10))
}

func (g *generator) gtin() string { return digit(fmt.Sprintf("0%012d", g.r.Int64N(1e12))) }
func (g *generator) sscc() string { return digit(fmt.Sprintf("0%016d", g.r.Int64N(1e16))) }

func (g *generator) order() {
	n := g.r.IntN
	g.s("BEG*00*SA*PO%08d**20260102", n(1e8))
	g.s("REF*DP*%03d", n(1000))
	g.s("ITD*08*3*2.5**30**31")
	g.s("DTM*010*20260110")
	g.s("TD5****M*UPS GROUND")
	g.s("N1*ST*NORTHWIND STORE*92*%04d", n(10000))
	g.s("N3*%d INDUSTRIAL PKWY", n(10000))
	g.s("N4*COLUMBUS*OH*43215*US")
	lines := 3 + n(20)
	for l := 1; l <= lines; l++ {
		g.s("PO1*%d*%d*EA*%d.%02d*WE*UK*%s*VN*V%06d*IN*%09d", l, 1+n(500), n(90), n(100), g.gtin(), n(1e6), n(1e9))
		g.s("CTP*RS*RES*%d.99", n(200))
		g.s("PID*F*08***MENS CREW SOCK 6PK BLK")
	}
	g.s("CTT*%d", lines)
}

func (g *generator) shipment() {
	n := g.r.IntN
	g.s("BSN*00*%09d*20260103*1201*0001", n(1e9))
	level := 1
	next := func(parent int, kind string) int {
		id := level
		up := ""
		if parent > 0 {
			up = fmt.Sprint(parent)
		}
		g.s("HL*%d*%s*%s", id, up, kind)
		level++
		return id
	}
	ship := next(0, "S")
	g.s("TD1*CTN*%d****G*%d.5*LB", 1+n(40), n(900))
	g.s("TD5**2*UPSN*M*UPS GROUND")
	g.s("REF*BM*%010d", n(1e9))
	g.s("DTM*011*20260103")
	g.s("N1*ST*NORTHWIND STORE*92*%04d", n(10000))
	for range 1 + n(3) {
		order := next(ship, "O")
		g.s("PRF*PO%08d***20260102", n(1e8))
		for range 1 + n(4) {
			pack := next(order, "P")
			g.s("MAN*GM*00%s", g.sscc())
			for range 1 + n(3) {
				next(pack, "I")
				g.s("LIN**UK*%s*VN*V%06d", g.gtin(), n(1e6))
				g.s("SN1**%d*EA", 1+n(99))
			}
		}
	}
	g.s("CTT*%d", level-1)
}

func (g *generator) stock(size int) {
	n := g.r.IntN
	g.s("BIA*00*DD*STOCK%06d*20260102", n(1e6))
	g.s("DTM*007*20260102")
	lines := 0
	for ; g.size < size && lines < 999_000; lines++ {
		g.s("LIN*%d*UK*%s*VN*V%06d", lines+1, g.gtin(), n(1e6))
		g.s("QTY*33*%d*EA", n(5000))
	}
	g.s("CTT*%d", lines)
}

func (g *generator) edifact(control, messages int) {
	g.end = "'"
	g.p("UNB+UNOC:3+5412345000013:14+5498765000017:14+260102:0915+%d'", control)
	n := g.r.IntN
	for i := range messages {
		g.segs = 0
		g.s("UNH+%d+ORDERS:D:96A:UN:EAN008", i+1)
		g.s("BGM+220+PO%08d+9", n(1e8))
		g.s("DTM+137:20260102:102")
		g.s("DTM+2:20260110:102")
		g.s("RFF+CT:%06d", n(1e6))
		g.s("NAD+BY+%s::9", digit(fmt.Sprintf("54%010d", n(1e9))))
		g.s("NAD+SU+%s::9", digit(fmt.Sprintf("54%010d", n(1e9))))
		g.s("CUX+2:EUR:9")
		lines := 3 + n(20)
		for l := 1; l <= lines; l++ {
			g.s("LIN+%d++%s:EN", l, g.gtin()[1:])
			g.s("IMD+F++:::MENS CREW SOCK 6PK BLK")
			g.s("QTY+21:%d:PCE", 1+n(500))
			g.s("PRI+AAA:%d.%02d", n(90), n(100))
		}
		g.s("UNS+S")
		g.p("UNT+%d+%d'", g.segs+1, i+1)
	}
	g.p("UNZ+%d+%d'", messages, control)
}

// extreme writes a million of something into one interchange.
func (g *generator) extreme(control int, kind string) {
	const million = 1_000_000
	switch kind {
	case "lines":
		g.x12(control, "IB", "846", 1, func() {
			g.s("BIA*00*DD*STOCK*20260102")
			for i := range million {
				g.s("LIN*%d*UK*%s*VN*V%06d", i+1, g.gtin(), i)
				g.s("QTY*33*%d*EA", g.r.IntN(5000))
			}
		})
	case "levels", "scattered":
		g.x12(control, "SH", "856", 1, func() {
			g.s("BSN*00*1*20260103*1201*0001")
			for i := range million {
				id := i + 1
				if kind == "scattered" {
					id = g.r.IntN(1e12)
				}
				g.s("HL*%d**I", id)
				g.s("SN1**%d*EA", 1+g.r.IntN(99))
			}
		})
	case "sets":
		g.x12(control, "PO", "850", million, func() { g.s("BEG*00*SA*PO%08d**20260102", g.r.IntN(1e8)) })
	}
}
