package estate

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// interchange is what ACME's translator writes: one group of X12 004010.
type interchange struct {
	w              *syntax.Writer
	control        int
	sets, segments int
}

// newInterchange begins one from sender to receiver, each a qualifier and
// an identifier.
func newInterchange(sender, receiver [2]string, functional string, control int, at time.Time) *interchange {
	w := syntax.NewWriter(syntax.Delimiters{Segment: '~', Element: '*', Component: '>'}, "\n")
	wide := func(s string) string { return fmt.Sprintf("%-15s", s) }
	w.Begin("ISA").Fixed("00").Fixed("          ").Fixed("00").Fixed("          ").Fixed(sender[0]).Fixed(wide(sender[1])).
		Fixed(receiver[0]).Fixed(wide(receiver[1])).Fixed(at.Format("060102")).Fixed(at.Format("1504")).Fixed("U").Fixed("00401").
		Fixed(fmt.Sprintf("%09d", control)).Fixed("0").Fixed("T").Fixed(">").End()
	x := &interchange{w: w, control: control}
	x.segment("GS", functional, sender[1], receiver[1], at.Format("20060102"), at.Format("1504"), strconv.Itoa(control), "X", "004010")
	return x
}

func (x *interchange) segment(tag string, elements ...string) {
	x.segments++
	x.w.Begin(tag)
	for _, e := range elements {
		x.w.Element(e)
	}
	x.w.End()
}

func (x *interchange) begin(set string) {
	x.sets++
	x.segments = 0
	x.segment("ST", set, fmt.Sprintf("%04d", x.sets))
}

func (x *interchange) end() {
	x.segment("SE", strconv.Itoa(x.segments+1), fmt.Sprintf("%04d", x.sets))
}

func (x *interchange) bytes() ([]byte, error) {
	x.segment("GE", strconv.Itoa(x.sets), strconv.Itoa(x.control))
	x.segment("IEA", "1", fmt.Sprintf("%09d", x.control))
	return x.w.Bytes()
}

var (
	acme     = [2]string{"ZZ", "ACMEOUTFIT"}
	retailer = [2]string{"08", "9254110060"}
)

// translator reads what we wrote to ACME: numbers and what is wrong with them.
type translator struct {
	validate.Ignore
	control string
	broken  []string
	advices []string // BIA03
	acks    []string // AK102
}

// read is strict: what ACME's translator stumbles over is a fault of ours.
func (t *translator) read(v *validate.Validator, content []byte) error {
	return v.Run(bytes.NewReader(content), t)
}

// BeginInterchange implements validate.Handler.
func (t *translator) BeginInterchange(ic *validate.Interchange) error {
	t.control = ic.Control
	return nil
}

// Segment implements validate.Handler.
func (t *translator) Segment(seg *syntax.Segment, _ validate.Place) error {
	switch string(seg.Tag()) {
	case "BIA":
		t.advices = append(t.advices, seg.Value(3))
	case "AK1":
		t.acks = append(t.acks, seg.Value(2))
	}
	return nil
}

// Finding implements validate.Handler.
func (t *translator) Finding(f finding.Finding) error {
	if f.Severity != finding.Info {
		t.broken = append(t.broken, f.String())
	}
	return nil
}

func newTranslator() *validate.Validator {
	return &validate.Validator{Grammars: grammar.Open(grammars.FS())}
}
