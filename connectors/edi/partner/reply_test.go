package partner

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// The agreement decides what is answered; what is not is told with its reason.
func TestReplies(t *testing.T) {
	interchange := func(sender, control string) string {
		return fmt.Sprintf("ISA*00*          *00*          *ZZ*%-15s*ZZ*WE             *260105*0900*U*00401*%s*0*P*>~", sender, control) +
			"GS*PO*A*B*20260105*0900*1*X*004010~ST*850*0001~BEG*00~SE*3*0001~GE*1*1~IEA*1*" + control + "~"
	}
	c := &acknowledge.Collector{}
	file := interchange("THEY", "000000007") + interchange("OTHERS", "000000008") + interchange("THEY", "000000009")
	if err := (&validate.Validator{}).Run(strings.NewReader(file), c); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		when       string
		replies    string
		unanswered []string
	}{
		{"always", "TA1/1 TA1/2 997/3 997/4", []string{"interchange 000000008 is not the partner's"}},
		{"requested", "997/1 997/2", []string{"interchange 000000008 is not the partner's", "TA1 to interchange 000000007: the agreement says requested (acknowledge.when)"}},
		{"errors", "", []string{"997 to interchange 000000009: the agreement says errors (acknowledge.when)"}},
		{"never", "", []string{"the agreement says never (acknowledge.when)"}},
	} {
		t.Run(test.when, func(t *testing.T) {
			p := Defaults()
			p.ID, p.Theirs, p.Ours = "they", Identity{Qualifier: "ZZ", ID: "THEY"}, Identity{Qualifier: "ZZ", ID: "WE"}
			p.Acknowledge = Acknowledge{Kinds: []string{"TA1", "997"}, When: test.when}
			var drawn uint64
			var told []string
			replies, err := p.Replies(c, Replying{
				Number: func(int, acknowledge.Answer) (uint64, time.Time, error) {
					drawn++
					return drawn, time.Date(2026, 1, 5, 9, 15, 0, 0, time.UTC), nil
				},
				Unanswered: func(u Unanswered) {
					if !u.Agreed {
						t.Errorf("somebody has to act: %s", u.Why)
					}
					told = append(told, u.Why)
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range replies {
				got = append(got, fmt.Sprintf("%s/%d", r.Kind, r.Number))
				if want := fmt.Sprintf("*%09d*0*P*", r.Number); !strings.Contains(string(r.Content), want) {
					t.Errorf("%s has no %s: %s", r.Kind, want, r.Content)
				}
			}
			if strings.Join(got, " ") != test.replies {
				t.Errorf("answered %s, expected %s", got, test.replies)
			}
			for _, why := range test.unanswered {
				if !strings.Contains(strings.Join(told, "\n"), why) {
					t.Errorf("told %q, expected %q", told, why)
				}
			}
		})
	}
	p := Defaults()
	p.ID, p.Theirs, p.Ours = "they", Identity{Qualifier: "ZZ", ID: "THEY"}, Identity{Qualifier: "ZZ", ID: "WE"}
	_, err := p.Replies(c, Replying{Number: func(int, acknowledge.Answer) (uint64, time.Time, error) {
		return 0, time.Time{}, errors.New("the ledger is closed")
	}})
	if err == nil || !strings.Contains(err.Error(), "for the 997 to they: the ledger is closed") {
		t.Errorf("said %v", err)
	}
}
