package partner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// What the ledger knows is counted, and what needs somebody is listed, the latest
// first.
func TestStatus(t *testing.T) {
	l, err := ledger.Open(t.Context(), ledger.Options{DSN: "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "ledger.db"))})
	must(t, err)
	defer l.Close()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	project := &config.Project{
		Partners: map[string]*config.Partner{"acme": {}, "harbor": {}},
		Connections: []*config.Connection{
			{Name: strictyaml.Text{Value: "acme"}, Partner: strictyaml.Text{Value: "acme"}},
			{Name: strictyaml.Text{Value: "acme-stock"}, Partner: strictyaml.Text{Value: "acme"}},
			{Name: strictyaml.Text{Value: "harbor"}, Partner: strictyaml.Text{Value: "harbor"}},
		},
	}
	put := func(connection string, e exchange.Entry) {
		t.Helper()
		e.Control = fmt.Sprintf("%09d", e.Number)
		value, err := json.Marshal(e)
		must(t, err)
		_, err = l.StatePut(t.Context(), connection, exchange.EntryPrefix+fmt.Sprintf("%014d", e.Number), value, 0)
		must(t, err)
	}
	hours := func(n int) time.Time { return now.Add(time.Duration(-n) * time.Hour) }
	put("acme", exchange.Entry{Number: 1, At: hours(2000), Status: exchange.Rejected}) // long ago
	put("acme", exchange.Entry{Number: 2, At: hours(100), Status: exchange.Accepted})
	put("acme", exchange.Entry{
		Number: 3, At: hours(90), Status: exchange.Rejected, Kind: "997", Answer: "000000077", Answered: hours(89), Notes: []string{"AK4*3*353*1"}, File: "inbox/855_3.edi",
		Documents: []exchange.Document{{Set: "855", Control: "0001", Key: "4711", Message: "m-1"}},
	})
	put("acme", exchange.Entry{Number: 4, At: hours(50), Due: hours(26), Status: exchange.Waiting}) // nobody has told yet
	put("acme-stock", exchange.Entry{Number: 5, At: hours(1), Due: hours(-23), Status: exchange.Waiting, Documents: []exchange.Document{{Set: "846", Control: "0001", Key: "S-1"}}})
	for n := range 1100 { // more than a page
		put("harbor", exchange.Entry{Number: uint64(n + 1), At: hours(n), Status: exchange.Unanswered})
	}

	show := func(q question, id string) string {
		t.Helper()
		var out bytes.Buffer
		q.now = now
		if q.limit == 0 {
			q.limit = 100
		}
		tool := &tool{out: &out}
		if id == "" {
			must(t, tool.statuses(t.Context(), project, l, q))
			return out.String()
		}
		s, err := standing(t.Context(), project, l, id, q)
		must(t, err)
		must(t, tool.status(s, q))
		return out.String()
	}
	for _, c := range []struct {
		q        question
		id, want string
	}{
		{question{}, "", `
partner  sent  waiting  overdue  refused, 30 days  last sent
acme     5     1        1        1                 2026-01-31 11:00
harbor   1100  0        0        0                 2026-01-31 12:00
`},
		{question{}, "acme", `
acme: 5 sent, 1 waiting, 1 overdue
last 30 days: 1 waiting, 1 overdue, 1 accepted, 1 rejected

control    status    documents  sent              due               file
000000005  waiting   846 S-1    2026-01-31 11:00  2026-02-01 11:00
000000004  overdue              2026-01-29 10:00  2026-01-30 10:00
000000003  rejected  855 4711   2026-01-27 18:00                    inbox/855_3.edi
`},
		{question{all: true, limit: 2}, "harbor", `
harbor: 1100 sent, 0 waiting, 0 overdue
last 30 days: 720 sent, no acknowledgement agreed

control    status                         documents  sent              due  file
000000001  sent, no acknowledgement agreed             2026-01-31 12:00
000000002  sent, no acknowledgement agreed             2026-01-31 11:00
… and 1098 more; --limit shows them
`},
		{question{control: "3"}, "acme", `
interchange 000000003 of acme: rejected
  sent 2026-01-27 18:00 as inbox/855_3.edi
  answered by 997 of interchange 000000077 on 2026-01-27 19:00
  855 0001, number 4711: rejected (message m-1)
  they found: AK4*3*353*1
`},
		{question{key: "S-1"}, "acme", `
interchange 000000005 of acme-stock: waiting
  sent 2026-01-31 11:00, acknowledgement due 2026-02-01 11:00
  846 0001, number S-1: waiting
`},
	} {
		squeeze := func(text string) string {
			var lines []string
			for line := range strings.Lines(strings.TrimSpace(text)) {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
			return strings.Join(lines, "\n")
		}
		if got := show(c.q, c.id); squeeze(got) != squeeze(c.want) {
			t.Errorf("%+v %s:\n%s\nexpected:\n%s", c.q, c.id, got, c.want)
		}
	}
}
