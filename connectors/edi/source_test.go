package edi

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// ids of a batch's records.
func ids(b sdk.Batch) []string {
	var out []string
	for _, r := range b.Records {
		out = append(out, r.ID)
	}
	return out
}

// wantUnreadable wants one unreadable part with a code and words in its error.
func wantUnreadable(t *testing.T, b sdk.Batch, code string, words ...string) sdk.Unreadable {
	t.Helper()
	if len(b.Unreadable) != 1 {
		t.Fatalf("%d parts are unreadable, want 1: %+v", len(b.Unreadable), b.Unreadable)
	}
	u := b.Unreadable[0]
	var e *sdk.Error
	if !errors.As(u.Err, &e) || e.Code != code || e.Class != sdk.Permanent {
		t.Errorf("error %v, want a permanent %s", u.Err, code)
	}
	for _, w := range words {
		if !strings.Contains(u.Err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, u.Err)
		}
	}
	if len(u.Content) == 0 || u.ID == "" {
		t.Errorf("the content or the id is gone: %+v", u)
	}
	return u
}

func TestOrdersAreReadAndAnsweredAfterTheAcknowledgement(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, acme, order(1, "4711", "48"), order(2, "4712", "12")))
	b := read(t, s)
	if len(b.Records) != 2 || len(b.Unreadable) != 0 {
		t.Fatalf("%d records, unreadable %v", len(b.Records), b.Unreadable)
	}
	r := b.Records[1]
	if r.Entity != "x12.850" || r.Key != "4712" || r.Meta["key.order"] != "4712" || r.Meta["key.interchange"] != "000000007" || r.Meta["file"] != "po.edi" || r.ID == b.Records[0].ID {
		t.Errorf("record %+v", r)
	}
	var doc struct {
		Order struct {
			Number string
		} `json:"purchase_order"`
	}
	if err := json.Unmarshal(r.Payload, &doc); err != nil || doc.Order.Number != "4712" {
		t.Errorf("payload %s: %v", r.Payload, err)
	}
	if files := p.files(t, "inbox"); len(files) > 0 {
		t.Errorf("answered before the records were durable: %v", files)
	}
	must(t, s.Ack(t.Context(), b.Position))
	wantFiles(t, p.files(t, "inbox"), "inbox/997_000000001.edi")
	answer := p.content(t, "inbox/997_000000001.edi")
	for _, want := range []string{"AK1*PO*7~", "AK2*850*0001~\nAK5*A~", "AK9*A*2*2*2~", "*08*9254110060     *ZZ*ACMEOUTFIT     *", "*T*"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the 997 has no %q:\n%s", want, answer)
		}
	}
	wantFiles(t, p.files(t, "outbox"), "outbox/archive/*/po.edi")
}

func TestABadSetDoesNotHarmItsNeighbours(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, acme, order(1, "4711", "48"), order(2, "4712", "4X"), order(3, "4713", "1")))
	b := read(t, s)
	if len(b.Records) != 2 || b.Records[0].Key != "4711" || b.Records[1].Key != "4713" {
		t.Fatalf("records %v", ids(b))
	}
	u := wantUnreadable(t, b, "edi.set", "PO102", "4X", "0002")
	if !strings.Contains(string(u.Content), "BEG*00*SA*4712") || strings.Contains(string(u.Content), "4711") || u.Meta["key.order"] != "4712" {
		t.Errorf("the dead letter is %q with %v, want the bad set alone", u.Content, u.Meta)
	}
	must(t, s.Ack(t.Context(), b.Position))
	answer := p.content(t, "inbox/997_000000001.edi")
	for _, want := range []string{"AK5*A~", "AK3*PO1*9**8~", "AK4*2*330*6*4X~", "AK5*R*5~", "AK9*P*3*3*2~"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the 997 has no %q:\n%s", want, answer)
		}
	}
	wantFiles(t, p.files(t, "outbox"), "outbox/archive/*/po.edi")
}

// A file of somebody else is neither used nor answered.
func TestWrongPartner(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, "ZZ/SOMEBODY", order(1, "4711", "48")))
	b := read(t, s)
	if len(b.Records) != 0 {
		t.Fatalf("records %v", ids(b))
	}
	wantUnreadable(t, b, "edi.partner", "ZZ/SOMEBODY", "ZZ/ACMEOUTFIT")
	must(t, s.Ack(t.Context(), b.Position))
	wantFiles(t, p.files(t, "inbox"))
	wantFiles(t, p.files(t, "outbox"), "outbox/error/po.edi", "outbox/error/po.edi.reason.txt")
}

// Two partners' interchanges in one file: each is judged by itself.
func TestWrongPartnerBesideTheRightOne(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, "ZZ/SOMEBODY", order(1, "4711", "48"))+wrapped(8, acme, order(1, "4712", "48")))
	b := read(t, s)
	if len(b.Records) != 1 || b.Records[0].Key != "4712" {
		t.Fatalf("records %v", ids(b))
	}
	wantUnreadable(t, b, "edi.partner", "interchange 000000007")
	must(t, s.Ack(t.Context(), b.Position))
	wantFiles(t, p.files(t, "inbox"), "inbox/997_000000001.edi")
	wantFiles(t, p.files(t, "outbox"), "outbox/archive/*/po.edi")
}

func TestCutOffAndForeignFilesAreQuarantined(t *testing.T) {
	whole := wrapped(7, acme, order(1, "4711", "48"))
	for _, test := range []struct{ name, content, code, says string }{
		{"cut off in a set", whole[:strings.Index(whole, "PO1*")+6], "edi.interchange", "cut off"},
		{"cut off in a tag", whole[:strings.Index(whole, "PO1*")+1], "edi.interchange", "cut off"},
		{"a group without a number", strings.Replace(whole, "GS*", "GS***", 1), "edi.group", "GE02"},
		{"cut off before the end", strings.TrimSuffix(whole, "IEA*1*000000007~"), "edi.interchange", "IEA"},
		{"cut off in the header", whole[:40], "edi.not-edi", "16"},
		{"not X12", "order;4711\n", "edi.not-edi", "no interchange begins here"},
		{"empty", "", "edi.not-edi", ""},
		{"too large", strings.Repeat(whole, 1<<20/len(whole)+1), "edi.size", "limit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPartner(t)
			s := p.source(t)
			p.drop(t, "bad.edi", test.content)
			p.drop(t, "good.edi", wrapped(8, acme, order(1, "4712", "48")))
			b := read(t, s)
			if len(b.Records) != 0 || len(b.Unreadable) != 1 {
				t.Fatalf("records %v, unreadable %v", ids(b), b.Unreadable)
			}
			var e *sdk.Error
			u := b.Unreadable[0]
			if !errors.As(u.Err, &e) || !strings.HasPrefix(e.Code, test.code) || !strings.Contains(u.Err.Error(), test.says) {
				t.Errorf("error %v, want %s with %q", u.Err, test.code, test.says)
			}
			if u.Meta["file"] != "outbox/error/bad.edi" {
				t.Errorf("the dead letter says that the file is at %q", u.Meta["file"])
			}
			must(t, s.Ack(t.Context(), b.Position))
			wantFiles(t, p.files(t, "outbox/error"), "outbox/error/bad.edi", "outbox/error/bad.edi.reason.txt")
			if got := p.content(t, "outbox/error/bad.edi"); got != test.content {
				t.Error("the file in the error folder is another one")
			}
			if next := read(t, s); len(next.Records) != 1 || next.Records[0].Key != "4712" {
				t.Errorf("the next file gave %v", ids(next))
			}
		})
	}
}

// A rejected interchange may not be answered as accepted.
func TestARejectedInterchangeIsNotAcceptedByThe997(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", strings.Replace(wrapped(7, acme, order(1, "4711", "48")), "IEA*1*", "IEA*2*", 1))
	b := read(t, s)
	wantUnreadable(t, b, "edi.interchange", "IEA01")
	must(t, s.Ack(t.Context(), b.Position))
	if answer := p.content(t, "inbox/997_000000001.edi"); !strings.Contains(answer, "AK9*R*") || strings.Contains(answer, "AK5*A") {
		t.Errorf("answered with\n%s", answer)
	}
}

// The process dies after the answer was written and before the file counts as
// settled: the next run hands over the same records and writes the same 997.
func TestACrashAfterTheAnswerRepeatsTheSame997(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, acme, order(1, "4711", "48")))
	first := read(t, s)
	p.memory.ended.Store(true)
	if err := s.Ack(t.Context(), first.Position); err == nil {
		t.Fatal("the file was settled without the core's state")
	}
	p.memory.ended.Store(false)
	before := p.content(t, "inbox/997_000000001.edi")

	// The sequence moves on in between, as it would.
	if _, err := p.memory.Next(t.Context(), p.cfg.Partner.Sequence(), "another document"); err != nil {
		t.Fatal(err)
	}
	again := p.source(t)
	second := read(t, again)
	if len(first.Records) != 1 || len(second.Records) != 1 || first.Records[0].ID != second.Records[0].ID {
		t.Fatalf("ids %v, then %v", ids(first), ids(second))
	}
	must(t, again.Ack(t.Context(), second.Position))
	wantFiles(t, p.files(t, "inbox"), "inbox/997_000000001.edi")
	if after := p.content(t, "inbox/997_000000001.edi"); after != before {
		t.Errorf("answered differently:\n%s\n%s", before, after)
	}
	wantFiles(t, p.files(t, "outbox"), "outbox/archive/*/po.edi")
}

// It dies between settling the file and moving it: the next run only moves it.
func TestACrashBeforeTheArchiveHandsNothingOverAgain(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, acme, order(1, "4711", "48")))
	b := read(t, s)
	p.server.Hook(func(op, name string) error {
		if strings.Contains(op, "Rename") && strings.Contains(name, "po.edi") {
			return errors.New("the process ended here")
		}
		return nil
	})
	_ = s.Ack(t.Context(), b.Position) // the move is tried again later, by a process that is gone
	wantFiles(t, p.files(t, "outbox"))
	p.server.Hook(nil)
	again := p.source(t)
	b = read(t, again)
	if len(b.Records)+len(b.Unreadable) > 0 {
		t.Errorf("handed over again: %v, %v", ids(b), b.Unreadable)
	}
	must(t, again.Ack(t.Context(), b.Position))
	wantFiles(t, p.files(t, "inbox"), "inbox/997_000000001.edi")
	wantFiles(t, p.files(t, "outbox"), "outbox/archive/*/po.edi")
}

// The partner's folder refuses the answer: nothing is archived, and the file
// comes again.
func TestAnAnswerThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, acme, order(1, "4711", "48")))
	b := read(t, s)
	p.server.Hook(func(op, name string) error {
		if strings.Contains(name, "inbox") {
			return errors.New("disk full")
		}
		return nil
	})
	if err := s.Ack(t.Context(), b.Position); err == nil || !strings.Contains(err.Error(), "997_000000001.edi") {
		t.Errorf("got %v, want an error that names the acknowledgement", err)
	}
	p.server.Hook(nil)
	again := read(t, s)
	must(t, s.Ack(t.Context(), again.Position))
	wantFiles(t, p.files(t, "inbox"), "inbox/997_000000001.edi")
	wantFiles(t, p.files(t, "outbox"), "outbox/archive/*/po.edi")
}

// A partner who sends an interchange again waits for the answer: the same answer
// is written again, and nothing is ordered twice, whatever else is in the file.
func TestAResendIsAnsweredAgainAndNotUsedAgain(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	first := wrapped(7, acme, order(1, "4711", "48"))
	p.drop(t, "po.edi", first)
	must(t, s.Ack(t.Context(), read(t, s).Position))
	answer := p.content(t, "inbox/997_000000001.edi")
	must(t, os.Remove(filepath.Join(p.dir, "inbox", "997_000000001.edi"))) // collected, and lost there
	p.drop(t, "po-again.edi", first+wrapped(8, acme, order(1, "4712", "1")))
	b := read(t, s)
	if len(b.Records) != 1 || b.Records[0].Key != "4712" || len(b.Unreadable) != 0 {
		t.Fatalf("records %v, unreadable %v", ids(b), b.Unreadable)
	}
	must(t, s.Ack(t.Context(), b.Position))
	wantFiles(t, p.files(t, "inbox"), "inbox/997_000000001.edi", "inbox/997_000000002.edi")
	if again := p.content(t, "inbox/997_000000001.edi"); again != answer {
		t.Errorf("answered differently:\n%s\n%s", answer, again)
	}
	wantFiles(t, p.files(t, "outbox"), "outbox/archive/*/po-again.edi", "outbox/archive/*/po.edi")
}

// The same control number with other content is a mistake of the partner's.
func TestAClashOfControlNumbersIsRejected(t *testing.T) {
	p := newPartner(t)
	p.cfg.Partner.Acknowledge.Kinds = []string{"TA1", "997"}
	s := p.source(t)
	p.drop(t, "a.edi", wrapped(7, acme, order(1, "4711", "48")))
	must(t, s.Ack(t.Context(), read(t, s).Position))
	p.drop(t, "b.edi", wrapped(7, acme, order(1, "4712", "48")))
	b := read(t, s)
	if len(b.Records) != 0 {
		t.Fatalf("records %v", ids(b))
	}
	wantUnreadable(t, b, "edi.interchange", "000000007", "a.edi", "new number")
	must(t, s.Ack(t.Context(), b.Position))
	if answer := p.content(t, "inbox/TA1_000000003.edi"); !strings.Contains(answer, "TA1*000000007*260105*0915*R*025~") {
		t.Errorf("answered with\n%s", answer)
	}
	wantFiles(t, p.files(t, "outbox/error"), "outbox/error/b.edi", "outbox/error/b.edi.reason.txt")

	p.cfg.Partner.Duplicates.Clash = "warn"
	tolerant := p.source(t)
	p.drop(t, "c.edi", wrapped(7, acme, order(1, "4713", "48")))
	if b := read(t, tolerant); len(b.Records) != 1 {
		t.Errorf("a partner whose numbers clash by partner: records %v, unreadable %v", ids(b), b.Unreadable)
	}
}

// Files that follow each other faster than the core takes them over are compared
// with those on their way.
func TestRepetitionsOfWhatIsOnItsWay(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	first := wrapped(7, acme, order(1, "4711", "48"))
	p.drop(t, "a.edi", first)
	a := read(t, s)
	p.drop(t, "b.edi", wrapped(7, acme, order(1, "4712", "48")))
	wantUnreadable(t, read(t, s), "edi.interchange", "000000007")
	p.drop(t, "c.edi", first+"\n")
	c := read(t, s)
	if len(a.Records) != 1 || len(c.Records)+len(c.Unreadable) > 0 {
		t.Errorf("records %v, then %v", ids(a), ids(c))
	}
}

// What was not agreed is refused before it becomes an order.
func TestOnlyWhatWasAgreedIsTaken(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*partner.Partner)
		code   string
		says   string
	}{
		{"a test document in production", func(p *partner.Partner) { p.Accept = []string{"P"} }, "edi.interchange", "ISA15"},
		{"a set that nobody agreed on", func(p *partner.Partner) { p.Receive = map[string]partner.Incoming{"860": {}} }, "edi.set", "860"},
		{"another release", func(p *partner.Partner) {
			p.Receive = map[string]partner.Incoming{"850": {Releases: []string{"005010"}}}
		}, "edi.set", "005010"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPartner(t)
			test.change(&p.cfg.Partner)
			s := p.source(t)
			p.drop(t, "po.edi", wrapped(7, acme, order(1, "4711", "48")))
			b := read(t, s)
			if len(b.Records) != 0 {
				t.Fatalf("records %v", ids(b))
			}
			wantUnreadable(t, b, test.code, test.says)
			must(t, s.Ack(t.Context(), b.Position))
			if answer := p.content(t, "inbox/997_000000001.edi"); !strings.Contains(answer, "AK9*R*") {
				t.Errorf("answered with\n%s", answer)
			}
		})
	}
}

// Tolerances: the same defect is a matter of the partner.
func TestTolerancesDecide(t *testing.T) {
	p := newPartner(t)
	p.cfg.Partner.Tolerances.Codes = "warn"
	s := p.source(t)
	content := strings.Replace(wrapped(7, acme, order(1, "4711", "48")), "BEG*00*", "BEG*QQ*", 1)
	p.drop(t, "po.edi", content)
	b := read(t, s)
	if len(b.Records) != 1 {
		t.Fatalf("records %v, unreadable %v", ids(b), b.Unreadable)
	}
	must(t, s.Ack(t.Context(), b.Position))
	if answer := p.content(t, "inbox/997_000000001.edi"); !strings.Contains(answer, "AK5*E") {
		t.Errorf("answered with\n%s", answer)
	}
}

func TestWhenTheAgreementWantsAnswers(t *testing.T) {
	good, bad := wrapped(7, acme, order(1, "4711", "48")), wrapped(8, acme, order(1, "4712", "4X"))
	for _, test := range []struct {
		when  string
		files []string
	}{
		{"always", []string{"inbox/997_000000001.edi", "inbox/997_000000002.edi"}},
		{"errors", []string{"inbox/997_000000001.edi"}},
		{"never", nil},
	} {
		t.Run(test.when, func(t *testing.T) {
			p := newPartner(t)
			p.cfg.Partner.Acknowledge.When = test.when
			s := p.source(t)
			p.drop(t, "po.edi", good+bad)
			must(t, s.Ack(t.Context(), all(t, s).Position))
			wantFiles(t, p.files(t, "inbox"), test.files...)
		})
	}
}

// A stock report of many lines comes in parts, and never whole in memory.
func TestLongReportsComeInParts(t *testing.T) {
	const lines = 2500
	var b strings.Builder
	b.WriteString("ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*0915*U*00401*000000009*0*T*>~GS*IB*ACMEOUTFIT*9254110060*20260105*0915*9*X*004010~")
	b.WriteString("ST*846*0001~BIA*00*DD*STOCK-1*20260105~")
	for i := range lines {
		fmt.Fprintf(&b, "LIN*%d*VN*AX-%d~QTY*33*%d*EA~", i+1, i, i)
	}
	fmt.Fprintf(&b, "CTT*%d~SE*%d*0001~GE*1*9~IEA*1*000000009~", lines, 2*lines+4)
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "stock.edi", b.String())
	batch := all(t, s)
	if len(batch.Records) != 3 || len(batch.Unreadable) != 0 {
		t.Fatalf("%d records, unreadable %v", len(batch.Records), batch.Unreadable)
	}
	got := 0
	for i, r := range batch.Records {
		var doc struct {
			Transaction struct{ Part int }
			Inventory   struct {
				Reference string
				Lines     []any
			}
		}
		must(t, json.Unmarshal(r.Payload, &doc))
		got += len(doc.Inventory.Lines)
		if doc.Transaction.Part != i+1 || doc.Inventory.Reference != "STOCK-1" || !strings.HasSuffix(r.ID, fmt.Sprintf("/%d", i+1)) {
			t.Errorf("part %d: %+v, id %s", i+1, doc.Transaction, r.ID)
		}
	}
	if got != lines {
		t.Errorf("%d lines came, want %d", got, lines)
	}
	must(t, s.Ack(t.Context(), batch.Position))
	if answer := p.content(t, "inbox/997_000000001.edi"); !strings.Contains(answer, "AK9*A*1*1*1~") {
		t.Errorf("answered with\n%s", answer)
	}
}

func TestAcknowledgementsAreNotAcknowledged(t *testing.T) {
	p := newPartner(t)
	s := p.source(t)
	p.drop(t, "po.edi", wrapped(7, acme, order(1, "4711", "48")))
	must(t, s.Ack(t.Context(), read(t, s).Position))
	// The partner's answer to us has the parties the other way round.
	ours := p.content(t, "inbox/997_000000001.edi")
	theirs := strings.NewReplacer("*08*9254110060     *ZZ*ACMEOUTFIT     *", "*ZZ*ACMEOUTFIT     *08*9254110060     *").Replace(ours)
	p.drop(t, "answer.edi", theirs)
	b := read(t, s)
	if len(b.Records) != 1 || b.Records[0].Entity != "x12.997" {
		t.Fatalf("%+v", b)
	}
	must(t, s.Ack(t.Context(), b.Position))
	wantFiles(t, p.files(t, "inbox"), "inbox/997_000000001.edi")
}
