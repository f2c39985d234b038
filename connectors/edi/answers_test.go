package edi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// acknowledged is the partner's 997 to a group of ours; ak is its AK2 to AK9.
func acknowledged(control int, of string, ak ...string) string {
	segments := append([]string{"ST*997*0001", "AK1*IB*" + of}, ak...)
	return fmt.Sprintf("ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*1015*U*00401*%09d*0*T*>~GS*FA*ACMEOUTFIT*9254110060*20260105*1015*%d*X*004010~%s~SE*%d*0001~GE*1*%d~IEA*1*%09d~",
		control, control, strings.Join(segments, "~"), len(segments)+1, control, control)
}

// events are the status events of a batch.
func events(t *testing.T, b sdk.Batch) []status {
	t.Helper()
	var out []status
	for _, r := range b.Records {
		if r.Entity != StatusEntity {
			continue
		}
		var doc struct{ Acknowledgement status }
		must(t, json.Unmarshal(r.Payload, &doc))
		out = append(out, doc.Acknowledgement)
	}
	return out
}

func expecting(p *mailbox) {
	p.cfg.Partner.Expect = partner.Expect{Kinds: []string{"997"}, Within: 24 * time.Hour}
}

func TestAnAcknowledgementIsMatchedWithWhatWasSent(t *testing.T) {
	p := newPartner(t)
	expecting(p)
	must(t, p.sink(t).Write(t.Context(), []sdk.Record{inventory("a", 5)})[0].Err)
	s := p.source(t)
	p.drop(t, "fa.edi", acknowledged(31, "1", "AK2*846*0001", "AK3*QTY*4**8", "AK4*2**6*5X", "AK5*R*5", "AK9*R*1*1*0"))
	b := all(t, s)
	got := events(t, b)
	if len(got) != 1 || got[0].Status != exchange.Rejected || got[0].Document.Key != "STOCK-5" || got[0].Document.Message != "a" || got[0].Control != "000000001" ||
		got[0].Kind != "997" || len(got[0].Notes) != 2 || !strings.Contains(got[0].Notes[1], "5X") {
		t.Fatalf("events %+v of %v", got, ids(b))
	}
	must(t, s.Ack(t.Context(), b.Position))
	e, err := s.sent.Find(t.Context(), "1")
	must(t, err)
	if e.Status != exchange.Rejected || e.Answer != "000000031" {
		t.Errorf("the ledger says %+v", e)
	}
	// The same 997 in another file says nothing new.
	p.drop(t, "fa2.edi", acknowledged(31, "1", "AK2*846*0001", "AK3*QTY*4**8", "AK4*2**6*5X", "AK5*R*5", "AK9*R*1*1*0"))
	if again := events(t, all(t, s)); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
	// What we did not send cannot be acknowledged.
	p.drop(t, "fa3.edi", acknowledged(32, "99", "AK9*A*1*1*1"))
	b = all(t, s)
	if got := events(t, b); len(got) != 0 {
		t.Errorf("events %+v", got)
	}
}

func TestAMissingAcknowledgementIsTold(t *testing.T) {
	p := newPartner(t)
	expecting(p)
	k := p.sink(t)
	must(t, k.Write(t.Context(), []sdk.Record{inventory("a", 5)})[0].Err)
	s := p.source(t)
	nothing(t, s) // it is not due
	now := time.Now().Add(25 * time.Hour)
	s.now = func() time.Time { return now }
	b := read(t, s)
	got := events(t, b)
	if len(got) != 1 || got[0].Status != exchange.Overdue || got[0].Document.Key != "STOCK-5" || got[0].Due == nil {
		t.Fatalf("events %+v", got)
	}
	// A process that dies before the core has the event tells it again, as the same
	// message.
	other := p.source(t)
	other.now = s.now
	if again := read(t, other); len(again.Records) != 1 || again.Records[0].ID != b.Records[0].ID {
		t.Errorf("records %v, then %v", ids(b), ids(again))
	}
	must(t, s.Ack(t.Context(), b.Position))
	now = now.Add(time.Hour)
	nothing(t, s)
	// It comes after all.
	p.drop(t, "fa.edi", acknowledged(31, "1", "AK2*846*0001", "AK5*A", "AK9*A*1*1*1"))
	if got := events(t, all(t, s)); len(got) != 1 || got[0].Status != exchange.Accepted {
		t.Errorf("events %+v", got)
	}
}

// Several documents share an interchange when it was agreed, each is told of by
// itself, and a document whose company is gone after a crash is not sent twice.
func TestDocumentsShareAnInterchange(t *testing.T) {
	p := newPartner(t)
	expecting(p)
	p.cfg.Partner.Batch.Documents = 3
	k := p.sink(t)
	p.server.Hook(func(op, name string) error {
		if op == "Rename" || op == "PosixRename" {
			return errors.New("the connection was cut")
		}
		return nil
	})
	recs := []sdk.Record{inventory("a", 1), inventory("b", 2), inventory("c", 3), inventory("d", 4)}
	for i, r := range k.Write(t.Context(), recs) {
		if r.Err == nil {
			t.Fatalf("record %d was written", i)
		}
	}
	p.server.Hook(nil)
	// Another process is asked for b alone.
	again := p.sink(t)
	wantDuplicate(t, again.Write(t.Context(), recs[1:2])[0], "000000001")
	wantFiles(t, p.files(t, "inbox"), "inbox/846_000000001.edi")
	content := p.content(t, "inbox/846_000000001.edi")
	for _, want := range []string{"STOCK-1*", "STOCK-2*", "STOCK-3*", "ST*846*0003~", "GE*3*1~"} {
		if !strings.Contains(content, want) {
			t.Errorf("no %s in\n%s", want, content)
		}
	}
	results := again.Write(t.Context(), recs)
	for _, r := range results[:3] {
		wantDuplicate(t, r, "000000001")
	}
	if results[3].Err != nil || results[3].ExternalID != "000000002" {
		t.Errorf("the fourth: %+v", results[3])
	}
	s := p.source(t)
	p.drop(t, "fa.edi", acknowledged(31, "1", "AK2*846*0001", "AK5*A", "AK2*846*0002", "AK5*R*5", "AK2*846*0003", "AK5*A", "AK9*P*3*3*2"))
	got := events(t, all(t, s))
	if len(got) != 3 || got[0].Status != exchange.Accepted || got[1].Status != exchange.Rejected || got[1].Document.Message != "b" {
		t.Errorf("events %+v", got)
	}
}

// Partners of EDIFACT: ORDERS come, CONTRL and ORDRSP go, CONTRL comes.
func TestEDIFACTPartner(t *testing.T) {
	p := newPartner(t)
	p.cfg.Partner.Standard = "edifact"
	p.cfg.Partner.Theirs, p.cfg.Partner.Ours = partner.Identity{Qualifier: "14", ID: "4012345500004"}, partner.Identity{Qualifier: "14", ID: "5412345000013"}
	p.cfg.Partner.Expect = partner.Expect{Kinds: []string{"CONTRL"}, Within: time.Hour}
	s := p.source(t)
	p.drop(t, "orders.edi", "UNA:+.? 'UNB+UNOC:3+4012345500004:14+5412345000013:14+260105:0915+77++++1'UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+4711+9'DTM+137:20260105:102'"+
		"NAD+BY+4012345500004::9'NAD+SU+5412345000013::9'LIN+1++4000862141404:EN'QTY+21:48'UNS+S'UNT+9+1'UNZ+1+77'")
	b := all(t, s)
	if len(b.Records) != 1 || b.Records[0].Entity != "edifact.ORDERS" || b.Records[0].Key != "4711" {
		t.Fatalf("records %+v, unreadable %v", b.Records, b.Unreadable)
	}
	must(t, s.Ack(t.Context(), b.Position))
	answer := p.content(t, "inbox/CONTRL_000000001.edi")
	for _, want := range []string{"UNB+UNOC:3+5412345000013:14+4012345500004:14+", "UCI+77+4012345500004:14+5412345000013:14+7'", "UCM+1+ORDERS:D:96A:UN:EAN008+7'"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the CONTRL has no %q:\n%s", want, answer)
		}
	}
	k := p.sink(t)
	response := sdk.Record{ID: "r", Payload: []byte(`{"order_response":{"name":{"code":"231"},"number":"R-4711","function":"29",
		"dates":[{"date":{"qualifier":"137","value":"20260106","format":"102"}}],
		"buyer":{"party":{"id":"4012345500004","agency":"9"}},"supplier":{"party":{"id":"5412345000013","agency":"9"}},
		"lines":[{"line":"1","action":"5","item":{"id":"4000862141404","type":"EN"},"quantities":[{"quantity":{"qualifier":"21","quantity":"48"}}]}]}}`)}
	if r := k.Write(t.Context(), []sdk.Record{response})[0]; r.Err != nil || r.ExternalID != "000000002" {
		t.Fatalf("%+v", r)
	}
	written := p.content(t, "inbox/ORDRSP_000000002.edi")
	for _, want := range []string{"UNB+UNOC:3+5412345000013:14+4012345500004:14+", "+2++++1++1'", "UNH+0001+ORDRSP:D:96A:UN'", "BGM+231+R-4711+29'", "NAD+BY+4012345500004::9'", "UNS+S'", "UNZ+1+2'"} {
		if !strings.Contains(written, want) {
			t.Errorf("the ORDRSP has no %q:\n%s", want, written)
		}
	}
	p.drop(t, "contrl.edi", "UNB+UNOC:3+4012345500004:14+5412345000013:14+260106:1015+78'UNH+1+CONTRL:D:3:UN'UCI+2+5412345000013:14+4012345500004:14+7'UNT+3+1'UNZ+1+78'")
	if got := events(t, all(t, s)); len(got) != 1 || got[0].Status != exchange.Accepted || got[0].Document.Key != "R-4711" || got[0].Kind != "CONTRL" {
		t.Errorf("events %+v", got)
	}
}
