package edi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crossdock/crossdock/connectors/conformance"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func inventory(id string, quantity int) sdk.Record {
	return sdk.Record{ID: id, ContentType: "application/json", Payload: fmt.Appendf(nil,
		`{"inventory":{"purpose":"00","report_type":"DD","reference":"STOCK-%d","date":"2026-01-05","time":"09:15","lines":[{"line":"1","ids":{"gtin14":"00614141000012"},"quantities":[{"qualifier":"33","quantity":"%d","unit":{"code":"EA"}}]}]}}`, quantity, quantity)}
}

func TestSinkWritesWhatOurReaderAccepts(t *testing.T) {
	p := newPartner(t)
	s := p.sink(t)
	acknowledgement := sdk.Record{ID: "b", Payload: []byte(`{"order_acknowledgement":{"purpose":"00","acknowledgement_type":"AC","number":"4711","date":"2026-01-06","lines":[{"line":"1","quantity":"48","unit":"EA","price":"7.25","ids":{"gtin14":"00614141000012"},"statuses":[{"status":"IA","quantity":"48","unit":"EA"}]}]}}`)}
	results := s.Write(t.Context(), []sdk.Record{inventory("a", 5), acknowledgement})
	for i, want := range []string{"000000001", "000000002"} {
		if results[i].Err != nil || results[i].ExternalID != want {
			t.Errorf("record %d: %+v, want control number %s", i, results[i], want)
		}
	}
	wantFiles(t, p.files(t, "inbox"), "inbox/846_000000001.edi", "inbox/855_000000002.edi")
	for name, set := range map[string]string{"inbox/846_000000001.edi": "846", "inbox/855_000000002.edi": "855"} {
		r, err := verdict.Grade(name, strings.NewReader(p.content(t, name)), &validate.Validator{Grammars: shippedGrammars()})
		must(t, err)
		if r.Verdict != verdict.Accept || len(r.Sets) != 1 || r.Sets[0] != set {
			t.Errorf("%s: %+v", name, r)
		}
		if !strings.Contains(p.content(t, name), "*08*9254110060     *ZZ*ACMEOUTFIT     *") {
			t.Errorf("%s goes to somebody else:\n%s", name, p.content(t, name))
		}
	}
}

func wantDuplicate(t *testing.T, r sdk.Result, control string) {
	t.Helper()
	var e *sdk.Error
	if !errors.As(r.Err, &e) || e.Class != sdk.Duplicate || r.ExternalID != control {
		t.Errorf("got %+v, want Duplicate with control number %s", r, control)
	}
}

// The number belongs to the message: written again, by this process or the
// next, before or after the partner collected the file, nothing new appears.
func TestControlNumberIsBoundToTheRecord(t *testing.T) {
	p := newPartner(t)
	s := p.sink(t)
	write := func(s *sink, r sdk.Record) sdk.Result { return s.Write(t.Context(), []sdk.Record{r})[0] }
	must(t, write(s, inventory("a", 5)).Err)
	wantDuplicate(t, write(s, inventory("a", 5)), "000000001")
	wantDuplicate(t, write(p.sink(t), inventory("a", 5)), "000000001")
	must(t, os.Remove(filepath.Join(p.dir, "inbox", "846_000000001.edi"))) // collected
	wantDuplicate(t, write(s, inventory("a", 5)), "000000001")
	must(t, write(s, inventory("b", 6)).Err)
	wantFiles(t, p.files(t, "inbox"), "inbox/846_000000002.edi")
}

// A write that fails after the number was drawn leaves no gap: the next attempt
// has the same number.
func TestAFailedWriteKeepsItsControlNumber(t *testing.T) {
	p := newPartner(t)
	s := p.sink(t)
	p.server.Hook(func(op, name string) error {
		if op == "Rename" || op == "PosixRename" {
			return errors.New("disk full")
		}
		return nil
	})
	failed := s.Write(t.Context(), []sdk.Record{inventory("a", 5)})[0]
	var e *sdk.Error
	if !errors.As(failed.Err, &e) || e.Class != sdk.Retryable {
		t.Fatalf("got %v, want a retryable error", failed.Err)
	}
	wantFiles(t, p.files(t, "inbox"))
	p.server.Hook(nil)
	must(t, s.Write(t.Context(), []sdk.Record{inventory("b", 6)})[0].Err)
	must(t, s.Write(t.Context(), []sdk.Record{inventory("a", 5)})[0].Err)
	wantFiles(t, p.files(t, "inbox"), "inbox/846_000000001.edi", "inbox/846_000000002.edi")
	if !strings.Contains(p.content(t, "inbox/846_000000001.edi"), "STOCK-5") {
		t.Error("the number went to another record")
	}
}

func TestSinkRefusesWhatItCannotWrite(t *testing.T) {
	p := newPartner(t)
	s := p.sink(t)
	for _, test := range []struct{ name, doc, says string }{
		{"no JSON", `<xml/>`, "no JSON"},
		{"nothing", `{}`, "transaction.set"},
		{"unknown field", `{"inventory":{"colour":"red"}}`, "colour"},
		{"no date", `{"inventory":{"purpose":"00","report_type":"DD","reference":"1"}}`, "/inventory/date"},
		{"delimiter in a value", `{"inventory":{"purpose":"00","report_type":"DD","reference":"A*B","date":"2026-01-05"}}`, "BIA03"},
		{"unknown product id", `{"inventory":{"purpose":"00","report_type":"DD","reference":"1","date":"2026-01-05","lines":[{"line":"1","ids":{"colour":"red"}}]}}`, "colour"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := s.Write(t.Context(), []sdk.Record{{ID: test.name, Payload: []byte(test.doc)}})[0].Err
			var e *sdk.Error
			if !errors.As(err, &e) || e.Class != sdk.Permanent || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want a permanent error with %q", err, test.says)
			}
		})
	}
	must(t, s.Write(t.Context(), []sdk.Record{inventory("good", 1)})[0].Err)
	if files := p.files(t, "inbox"); len(files) != 1 {
		t.Errorf("files %v, want the good one alone", files)
	}
}

// settings is the partner's configuration as the core sends it.
func (p *mailbox) settings(folder string) map[string]any {
	return map[string]any{
		"transport": "sftp", "host": p.server.Host(), "port": p.server.Port(), "user": "acme", "password": "secret",
		"hostKeys": []any{p.server.Fingerprint()}, "timeout": "5s", "folder": folder,
		"partner": map[string]any{
			"partner": "acme", "usage": "T",
			"theirs": map[string]any{"qualifier": "ZZ", "id": "ACMEOUTFIT"}, "ours": map[string]any{"qualifier": "08", "id": "9254110060"},
		},
	}
}

func target() conformance.Target {
	return conformance.Target{
		Source: func(t testing.TB) conformance.Source {
			p := newPartner(t)
			settings := p.settings("outbox")
			settings["ackFolder"], settings["stableFor"], settings["every"] = "inbox", "10ms", "10ms"
			var number atomic.Int64
			return conformance.Source{
				Config: settings,
				Fill: func(n int) {
					for range n {
						at := int(number.Add(1))
						p.drop(t, fmt.Sprintf("%06d.edi", at), wrapped(at, acme, order(1, fmt.Sprint(at), "1")))
					}
				},
				Acked: func() int { return len(p.files(t, "outbox/archive")) },
			}
		},
		Sink: func(t testing.TB) conformance.Sink {
			p := newPartner(t)
			return conformance.Sink{
				Config:  p.settings("inbox"),
				Record:  func(n int) sdk.Record { return inventory(fmt.Sprintf("conformance-%04d", n), n+1) },
				Effects: func() int { return len(p.files(t, "inbox")) },
				Bad:     func() sdk.Record { return sdk.Record{ID: "bad", Payload: []byte(`{"colour":"red"}`)} },
			}
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	c := target()
	c.Plugin = Connector()
	conformance.Run(t, c)
}

func TestConformanceAsProcess(t *testing.T) {
	t.Parallel()
	c := target()
	c.Command = []string{os.Args[0]}
	conformance.Run(t, c)
}
