package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/core/ledger"
)

// Documents of one file are told one after the other, an error's code once, and
// what died before it was mapped names the source it came from.
func TestPrintTrace(t *testing.T) {
	at := time.Date(2026, 1, 5, 9, 0, 0, 0, time.Local)
	hop := func(document, stage, state, route, target, detail string) ledger.Hop {
		return ledger.Hop{At: at, Correlation: document, Stage: stage, State: state, Route: route, Target: target, Detail: detail}
	}
	hops := []ledger.Hop{
		hop("a", "received", "received", "r", "in.files", ""),
		hop("b", "received", "received", "r", "in.files", ""),
		hop("a", "canonical", "mapped", "r", "canonical.order.placed", ""),
		hop("b", "dead", "dead", "r", "in.files", "PERMANENT mapping: no date"),
		hop("a", "dead", "dead", "r", "erp.orders", "PERMANENT sql.x: sql.x: no such item"),
		hop("b", "dead", "edited", "r", "in.files", "kim: "),
		hop("c", "dead", "dead", "r", "in.files", "PERMANENT file.content: cut off"),
	}
	var out bytes.Buffer
	(&app{Streams: Streams{Out: &out}}).printTrace(hops, false)
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "09:00:00.000")), " "))
	}
	want := []string{
		"a", "received in.files", "mapped r → canonical.order.placed", "dead r → erp.orders PERMANENT sql.x: no such item",
		"b", "received in.files", "dead in.files → r PERMANENT mapping: no date", "edited in.files → r kim",
		"c", "dead in.files → r PERMANENT file.content: cut off",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
