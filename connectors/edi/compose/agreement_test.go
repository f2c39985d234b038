package compose_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

const (
	order   = `{"purchase_order": {"purpose": "00", "type": "SA", "number": "4711", "date": "2026-01-05", "lines": [{"line": "1"}]}}`
	invoice = `{"invoice": {"date": "2026-01-05", "number": "R1", "lines": [{"line": "1"}], "total": {"amount": "1"}}}`
	message = `{"order": {"name": {"code": "220"}, "number": "4711", "dates": [{"date": {"qualifier": "137", "value": "20260105", "format": "102"}}], "texts": [{"qualifier": "AAI", "text": {"line_1": "Größe"}}], "lines": [{"line": "1"}]}}`
)

func TestEnvelopes(t *testing.T) {
	change := func(a compose.Agreement, f func(*compose.Agreement)) compose.Agreement {
		f(&a)
		return a
	}
	for _, c := range []struct {
		name string
		to   compose.Agreement
		docs []string
		want []string
	}{
		{
			"a group for each kind, sets numbered in it", acme,
			[]string{order, invoice, order},
			[]string{
				"ISA*00*          *00*          *08*9254110060     *ZZ*ACMEOUTFIT     *260105*0915*U*00401*000000042*0*P*>~\n",
				"GS*PO*9254110060*ACMEOUTFIT*20260105*0915*42*X*004010~\nST*850*0001~\n", "SE*5*0001~\nST*850*0002~\n", "GE*2*42~\nGS*IN*9254110060*ACMEOUTFIT*20260105*0915*43*X*004010~\nST*810*0001~\n",
				"GE*1*43~\nIEA*2*000000042~\n",
			},
		},
		{
			"identifiers of the group, a test, an acknowledgement, an association",
			change(acme, func(a *compose.Agreement) {
				a.GroupSender, a.GroupReceiver, a.Usage, a.AckWanted, a.Association = "US", "THEM", "T", true, "VICS"
			}),
			[]string{order},
			[]string{"*000000042*1*T*>~", "GS*PO*US*THEM*20260105*0915*42*X*004010VICS~"},
		},
		{
			"a newer release has a repetition separator", change(acme, func(a *compose.Agreement) { a.Release, a.Suffix = "005010", "" }),
			[]string{order},
			[]string{"*260105*0915*^*00501*000000042*0*P*>~GS*", "*X*005010~ST*850*0001~BEG*"},
		},
		{
			"separators of a partner", change(acme, func(a *compose.Agreement) {
				a.Delimiters = syntax.Delimiters{Element: '|', Segment: '\n'}
				a.Suffix = ""
			}),
			[]string{order},
			[]string{"|P|>\nGS|PO|", "\nBEG|00|SA|4711||20260105\n"},
		},
		{
			"EDIFACT", nord,
			[]string{message, message},
			[]string{
				"UNB+UNOC:3+5412345000013:14+8712345000019:14+260105:0915+42'\nUNH+0001+ORDERS:D:96A:UN:EAN008'\nBGM+220+4711'\n",
				"FTX+AAI+++Gr\xf6\xdfe'\n", "UNS+S'\nCNT+2:1'\nUNT+8+0001'\nUNH+0002+", "UNZ+2+42'\n",
			},
		},
		{
			"EDIFACT with everything",
			change(nord, func(a *compose.Agreement) {
				a.UNA, a.UNG, a.Usage, a.AckWanted, a.Syntax = true, true, "1", true, "UNOW:4"
			}),
			[]string{message},
			[]string{
				"UNA:+.?*'\nUNB+UNOW:4+5412345000013:14+8712345000019:14+260105:0915+42++++1++1'\nUNG+ORDERS+5412345000013+8712345000019+260105:0915+42+UN+D:96A:EAN008'\n",
				"Größe'", "UNE+1+42'\nUNZ+1+42'\n",
			},
		},
		{
			"unusual separators are advised", change(nord, func(a *compose.Agreement) { a.Delimiters = syntax.Delimiters{Element: '|', Decimal: ','} }),
			[]string{message},
			[]string{"UNA:|,? '\nUNB|UNOC:3|"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := c.to.Interchange(library, read(t, c.docs...), numbers)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("got\n%s\nwant %s", out, want)
				}
			}
			if r := graded(t, out); r.Verdict != verdict.Accept {
				t.Errorf("%s: %v", out, r.Findings)
			}
		})
	}
}

func TestAgreementsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*compose.Agreement)
		want   string
	}{
		"no receiver":      {func(a *compose.Agreement) { a.Receiver.ID = "" }, "no receiver"},
		"too long":         {func(a *compose.Agreement) { a.Sender.ID = "1234567890123456" }, `the sender "1234567890123456" does not fit`},
		"one for two":      {func(a *compose.Agreement) { a.Delimiters.Segment = '*' }, "cannot separate both"},
		"a letter":         {func(a *compose.Agreement) { a.Delimiters.Element = 'A' }, "cannot be the element separator"},
		"a suffix":         {func(a *compose.Agreement) { a.Suffix = "#" }, "only line ends"},
		"no standard":      {func(a *compose.Agreement) { a.Standard = 0 }, "no standard"},
		"in an identifier": {func(a *compose.Agreement) { a.Sender.ID = "A*B" }, "contains a separator"},
		"in a group":       {func(a *compose.Agreement) { a.GroupSender = "A*B" }, `(GS02): the value "A*B" contains the separator '*'`},
		"a version":        {func(a *compose.Agreement) { a.Version = "401" }, `the version "401" does not fill its place`},
		"a character set":  {func(a *compose.Agreement) { a.Charset = "EBCDIC" }, "EBCDIC"},
	} {
		t.Run(name, func(t *testing.T) {
			a := acme
			c.change(&a)
			if out, err := a.Interchange(library, read(t, order), numbers); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s\n%s", err, c.want, out)
			}
		})
	}
	if _, err := acme.Interchange(library, read(t, order), compose.Numbers{}); err == nil || !strings.Contains(err.Error(), "1 to 999999999") {
		t.Errorf("got %v", err)
	}
	latin := nord
	if _, err := latin.Interchange(library, read(t, strings.Replace(message, "Größe", "Größe 鞋", 1)), numbers); err == nil || !strings.Contains(err.Error(), "ISO 8859-1") {
		t.Errorf("got %v", err)
	}
}

// TestSeveralDocuments tells which document is at fault.
func TestSeveralDocuments(t *testing.T) {
	_, err := acme.Interchange(library, read(t, order, strings.Replace(invoice, `"R1"`, `""`, 1)), numbers)
	if err == nil || !strings.Contains(err.Error(), "document 2: /invoice/number (BIG02, segment 2): the mandatory element number is missing") {
		t.Errorf("got %v", err)
	}
}

// TestOnePlaceForTwo refuses what would be read elsewhere than it stands in the
// document.
func TestOnePlaceForTwo(t *testing.T) {
	doc := strings.Replace(order, `"lines"`, `"lead_time_details": [{"type": "AF", "quantity": "3", "unit": "DA"}], "lines"`, 1)
	out, err := acme.Interchange(library, read(t, doc), numbers)
	if err == nil || !strings.Contains(err.Error(), "/purchase_order/lead_time_details/0 (LDT, segment 3): the segment would be read as one of lead_times") {
		t.Errorf("got %v\n%s", err, out)
	}
}

// TestDefectsStay gives back what was read with defects, and does not judge it
// again.
func TestDefectsStay(t *testing.T) {
	file := []byte("ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*0900*U*00401*000000317*0*P*>~\nGS*PO*A*B*20260105*0900*12*X*004010~\n" +
		"ST*850*0001~\nBEG*QQ*SA*4711**2026~\nQQQ*a**c*~\nPO1*1*x*EA~\nPO1~\nSE*6*0001~\nGE*1*12~\nIEA*1*000000317~\n")
	got, err := restored(shaped(t, file, 0))
	if err != nil || !bytes.Equal(got, file) {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, file)
	}
}
