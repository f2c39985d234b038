package shape_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/shape"
)

func notice(body string) string {
	return isa + "GS*SH*A*B*20260105*0900*12*X*004010~ST*856*0001~BSN*00*N1*20260105*0900~" + body + "SE*9*0001~GE*1*12~IEA*1*000000317~"
}

// TestTrees shows how flat lists of HL loops nest.
func TestTrees(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"nested", "HL*1**S~HL*2*1*O~HL*3*2*P~HL*4*3*I~", `"time":"09:00","orders":[{"packs":[{"items":[{}]}]}]}`},
		{
			"the root is the document itself", "DTM*011*20260105~HL*1**S~REF*BM*7~N1*ST*STORE~HL*2*1*O~PRF*PO1~HL*3*1*O~PRF*PO2~CTT*3~",
			`"time":"09:00","notice_dates":[{"qualifier":"011","date":"2026-01-05"}],"references":[{"qualifier":"BM","id":"7"}],"ship_to":{"name":"STORE"},"orders":[{"order":{"number":"PO1"}},{"order":{"number":"PO2"}}],"totals":{"line_count":"3"}}`,
		},
		{"only the first of them", "HL*1**S~HL*2**S~HL*3*2*O~", `"shipments":[{"hierarchy":{"id":"2","level":"S"},"orders":[{}]}]}`},
		{"not one with a parent", "HL*1*9*S~", `"shipments":[{"hierarchy":{"id":"1","parent":"9","level":"S"}}]}`},
		{"no root", "HL*1**O~HL*2*1*I~", `"orders":[{"hierarchy":{"id":"1","level":"O"},"items":[{}]}]}`},
		{"a parent that is not there", "HL*1**S~HL*2*7*O~", `"orders":[{"hierarchy":{"id":"2","parent":"7","level":"O"}}]}`},
		{"a parent that comes later", "HL*1**S~HL*2*3*I~HL*3*1*O~", `"items":[{"hierarchy":{"id":"2","parent":"3","level":"I"}}],"orders":[{}]}`},
		{"its own parent", "HL*1*1*O~", `"orders":[{"hierarchy":{"id":"1","parent":"1","level":"O"}}]}`},
		{"numbers that begin elsewhere", "HL*10**S~HL*11*10*O~", `"hierarchy":{"id":"10","level":"S"},"orders":[{"hierarchy":{"id":"11","parent":"10","level":"O"}}]}`},
		{"leading zeros", "HL*01**S~HL*2*01*O~", `"hierarchy":{"id":"01","level":"S"},"orders":[{}]}`},
		{
			"level by level", "HL*1**S~HL*2*1*O~HL*3*1*O~HL*4*2*I~HL*5*3*I~",
			`"orders":[{"items":[{"hierarchy":{"id":"4","parent":"2","level":"I","sequence":4}}]},{"hierarchy":{"id":"3","parent":"1","level":"O","sequence":3},"items":[{}]}]}`,
		},
		{"lists that alternate", "HL*1**S~HL*2*1*O~HL*3*1*P~HL*4*1*O~", `"orders":[{},{}],"packs":[{}],"_order":["orders","packs","orders"]}`},
		{"lists that do not", "HL*1**S~HL*2*1*O~HL*3*1*O~HL*4*1*P~", `"orders":[{},{}],"packs":[{}]}`},
		{"levels without a name", "HL*1**S~HL*2*1*Y~HL*3*2*z~", `"level_y":[{"level_z":[{"hierarchy":{"id":"3","parent":"2","level":"z"}}]}]}`},
		{"no level", "HL*1**S~HL*2*1~", `"levels":[{}]}`},
		{"the child code is a value", "HL*1**S*1~HL*2*1*O*0~", `"child_code":"1","orders":[{"child_code":"0"}]}`},
		{"too deep", deep(40), `"hierarchy":{"id":"34","parent":"33","level":"I"}`},
		{"segments without a place stay with their item", "HL*1**S~HL*2*1*O~QQQ*x~HL*3*2*I~", `"orders":[{"items":[{}],"_extra":[{"segment":"QQQ","position":5,"elements":["x"]}]}]}`},
		{"those of the root with those of the set", "QQQ*x~HL*1**S~QQQ*y~HL*2*1*O~", `"orders":[{}],"_extra":[{"segment":"QQQ","position":3,"elements":["x"]},{"segment":"QQQ","position":5,"elements":["y"]}]}`},
		{
			"order of parties and items", "HL*1**S~HL*2*1*O~N1*XX*A~N1*ST*B~N1*YY*C~HL*3*2*P~HL*4*2*I~HL*5*2*P~",
			`"orders":[{"parties":[{"entity":"XX","name":"A"},{"entity":"YY","name":"C"}],"ship_to":{"name":"B"},"packs":[{},{}],"items":[{}],"_order":["parties","ship_to","parties","packs","items","packs"]}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shaped(t, notice(c.body))[0]; !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func deep(n int) string {
	var b strings.Builder
	b.WriteString("HL*1**S~")
	for i := 2; i <= n; i++ {
		fmt.Fprintf(&b, "HL*%d*%d*I~", i, i-1)
	}
	return b.String()
}

// TestLargeTrees: neither many parents that are not there nor lists that
// alternate nor chains make reading slow.
func TestLargeTrees(t *testing.T) {
	const n = 40_000
	for _, c := range []struct {
		name string
		line func(i int) string
	}{
		{"parents from far away", func(i int) string { return fmt.Sprintf("HL*%d*%d*I~", i+2, i%1000+1) }},
		{"parents that are not there", func(i int) string { return fmt.Sprintf("HL*%d*x%d*I~", i+2, i) }},
		{"lists that alternate", func(i int) string { return fmt.Sprintf("HL*%d*1*%s~", i+2, []string{"O", "P"}[i%2]) }},
		{"as many levels", func(i int) string { return fmt.Sprintf("HL*%d*1*%x~", i+2, i%4096) }},
		{"a chain", func(i int) string { return fmt.Sprintf("HL*%d*%d*I~", i+2, i+1) }},
	} {
		var b strings.Builder
		b.WriteString("HL*1**S~")
		for i := range n {
			b.WriteString(c.line(i))
		}
		began := time.Now()
		docs := documents(t, notice(b.String()), shape.Options{})
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: %s for %d items", c.name, took, n)
		}
		setOf(t, docs[0])
	}
}

// TestNamesByQualifier shows members whose name a qualifier gives.
func TestNamesByQualifier(t *testing.T) {
	for _, c := range []struct{ name, parties, want string }{
		{"names", "N1*BY*A~N1*ST*B~", `"buyer":{"name":"A"},"ship_to":{"name":"B"},"lines":[{"line":"1"}]}`},
		{"the second of a name", "N1*ST*A~N1*ST*B~", `"ship_to":{"name":"A"},"parties":[{"entity":"ST","name":"B"}],"lines":[{"line":"1"}]}`},
		{"no name", "N1*XX*A~N1*ST*B~", `"parties":[{"entity":"XX","name":"A"}],"ship_to":{"name":"B"},"lines":[{"line":"1"}]}`},
		{
			"list and names alternate", "N1*XX*A~N1*ST*B~N3*STREET~N1*YY*C~N3*ROAD~N1*BY*D~N1*ZZ*E~",
			`"parties":[{"entity":"XX","name":"A"},{"entity":"YY","name":"C","address":[{"line_1":"ROAD"}]},{"entity":"ZZ","name":"E"}],"ship_to":{"name":"B","address":[{"line_1":"STREET"}]},"buyer":{"name":"D"},"lines":[{"line":"1"}],"_order":["parties","ship_to","parties","buyer","parties"]}`,
		},
		{"no qualifier", "N1**A~", `"parties":[{"name":"A"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := isa + "GS*PO*A*B*20260105*0900*12*X*004010~ST*850*0001~BEG*00*SA*1**20260105~" + c.parties + "PO1*1~SE*9*0001~GE*1*12~IEA*1*000000317~"
			if got := shaped(t, doc)[0]; !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
