package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// seen is a list that several goroutines add to.
type seen struct {
	mu   sync.Mutex
	list []string
}

func (s *seen) add(v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, v)
}

func (s *seen) get() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

func fixed(s Source) func([]byte, Env) (Source, error) {
	return func([]byte, Env) (Source, error) { return s, nil }
}

// One large batch of the author is split; its Ack comes with the last part.
func TestReadSplitsAndAcksOnce(t *testing.T) {
	acks := &seen{}
	r := newRig(t, sourceOf(fixed(&script{
		read: batches(io.EOF, numbered(0, 10), numbered(10, 1)),
		ack:  func(p []byte) error { acks.add(string(p)); return nil },
	})))
	r.open("source")
	s := r.read(1, 4, 0)
	var got []string
	for {
		b := r.next(s)
		for _, rec := range b.Records {
			got = append(got, rec.Id)
		}
		if last := b.Records[len(b.Records)-1].Id; string(b.Position) != last {
			t.Errorf("batch %d has position %q, expected that of its last record %q", b.Seq, b.Position, last)
		}
		if b.Seq == 2 && len(acks.get()) > 0 {
			t.Error("the author's batch was acknowledged before its last part was stored")
		}
		ack(s, b.Seq)
		if b.End {
			break
		}
	}
	if _, err := s.Recv(); err != io.EOF {
		t.Errorf("a bounded source that was read ended with %v", err)
	}
	if len(got) != 11 || got[10] != "r010" {
		t.Errorf("read %v", got)
	}
	if want := []string{"r009", "r010"}; !slices.Equal(acks.get(), want) {
		t.Errorf("acknowledged %v, expected %v", acks.get(), want)
	}
}

// Small batches are joined while the host is busy, and each is acknowledged.
func TestReadJoins(t *testing.T) {
	acks := &seen{}
	var list []Batch
	for n := range 20 {
		list = append(list, numbered(n, 1))
	}
	r := newRig(t, sourceOf(fixed(&script{
		read: batches(nil, list...),
		ack:  func(p []byte) error { acks.add(string(p)); return nil },
	})))
	r.open("source")
	s := r.read(1, 0, 0)
	n, calls := 0, 0
	for n < 20 {
		b := r.next(s)
		n += len(b.Records)
		calls++
		time.Sleep(20 * time.Millisecond) // a slow host, so that batches gather
		ack(s, b.Seq)
	}
	if calls > 4 {
		t.Errorf("20 single records crossed in %d batches although the host was busy", calls)
	}
	r.eventually("20 acknowledgements", func() bool { return len(acks.get()) == 20 })
	if !slices.IsSorted(acks.get()) {
		t.Errorf("acknowledged out of order: %v", acks.get())
	}
}

func TestReadBatchBytes(t *testing.T) {
	b := numbered(0, 6)
	for i := range b.Records {
		b.Records[i].Payload = make([]byte, 1000)
	}
	r := newRig(t, sourceOf(fixed(&script{read: batches(io.EOF, b)})))
	r.open("source")
	s := r.read(10, 0, 2500)
	for n := 0; n < 6; {
		m := r.next(s)
		if len(m.Records) != 2 {
			t.Errorf("a batch of at most 2,500 bytes has %d records of 1,000", len(m.Records))
		}
		n += len(m.Records)
	}
}

// A record that cannot cross becomes a dead letter and does not stop others.
func TestReadSetsAside(t *testing.T) {
	b := numbered(0, 5)
	b.Records[1].Payload = make([]byte, protocol.MaxRecordBytes+1)
	b.Records[2].ID = ""
	b.Records[3].Meta = map[string]string{"file": "\xff\xfe"}
	b.Unreadable = []Unreadable{{ID: "u1", Err: Failf(Permanent, "csv.columns", "line 7 has 3 columns, expected 4"), Content: []byte("a;b;c")}}
	r := newRig(t, sourceOf(fixed(&script{read: batches(io.EOF, b)})))
	r.open("source")
	s := r.read(10, 0, 0)
	var records []string
	problems := map[string]*protocol.Problem{}
	for {
		m := r.next(s)
		for _, rec := range m.Records {
			records = append(records, rec.Id)
		}
		for _, u := range m.Unreadable {
			problems[u.Problem.Code] = u.Problem
			if len(u.Content) > protocol.MaxRecordBytes {
				t.Errorf("unreadable content of %d bytes crossed", len(u.Content))
			}
			if u.Id == "" {
				t.Error("an unreadable input has no id")
			}
		}
		if m.End {
			break
		}
	}
	if !slices.Equal(records, []string{"r000", "r004"}) {
		t.Errorf("records %v", records)
	}
	for code, class := range map[string]protocol.Problem_Class{
		"record.too_large": protocol.Problem_PERMANENT, "record.no_id": protocol.Problem_BUG,
		"record.not_utf8": protocol.Problem_BUG, "csv.columns": protocol.Problem_PERMANENT,
	} {
		if problems[code].GetClass() != class {
			t.Errorf("unreadable %s is %v, expected class %s", code, problems[code], class)
		}
	}
	r.eventually("the log names the oversize record", func() bool { return r.logged("limit is 33554432") })
}

// Failures that pass are waited out; the stream stays.
func TestReadRetries(t *testing.T) {
	calls := 0
	r := newRig(t, sourceOf(fixed(&script{read: func(ctx context.Context) (Batch, error) {
		calls++
		switch calls {
		case 1:
			return Batch{}, Failf(NotConnected, "sftp.dial", "connection refused")
		case 2:
			return Batch{}, fmt.Errorf("listing: %w", Failf(Retryable, "sftp.list", "broken pipe"))
		case 3:
			return numbered(0, 1), nil
		}
		<-ctx.Done()
		return Batch{}, ctx.Err()
	}})))
	r.open("source")
	s := r.read(1, 0, 0)
	if b := r.next(s); b.Records[0].Id != "r000" {
		t.Errorf("read %v", b.Records)
	}
	r.eventually("failure and recovery are logged", func() bool {
		return r.logged("connection refused") && r.logged("reading works again")
	})
}

// Other failures end the stream with their class, after what was read.
func TestReadFailure(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		class protocol.Problem_Class
		code  string
	}{
		"classified": {Failf(Auth, "http.401", "token expired"), protocol.Problem_AUTH, "http.401"},
		"plain":      {errBoom, protocol.Problem_RETRYABLE, "connector.error"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sourceOf(fixed(&script{read: batches(test.err, numbered(0, 2))})))
			r.open("source")
			s := r.read(4, 0, 0)
			ack(s, r.next(s).Seq)
			_, err := s.Recv()
			if p := protocol.ProblemOf(err); p.GetClass() != test.class || p.Code != test.code {
				t.Errorf("the stream ended with %v", err)
			}
		})
	}
}

func TestReadPanic(t *testing.T) {
	r := newRig(t, sourceOf(fixed(&script{read: func(context.Context) (Batch, error) { panic("index out of range") }})))
	r.open("source")
	_, err := r.read(1, 0, 0).Recv()
	p := protocol.ProblemOf(err)
	if p.GetClass() != protocol.Problem_BUG || !strings.Contains(p.Message, "panicked in Read: index out of range") || !strings.Contains(p.Detail["stack"], "read_test.go") {
		t.Errorf("problem %v", p)
	}
	if _, err := r.client.Describe(t.Context(), &protocol.DescribeRequest{}); err != nil {
		t.Errorf("the plugin is gone after a panic: %v", err)
	}
}

// A Nack ends the stream and every batch that is not stored is given back.
func TestReadNack(t *testing.T) {
	acks, nacks, closed := &seen{}, &seen{}, make(chan struct{})
	r := newRig(t, sourceOf(fixed(&script{
		read:  batches(nil, numbered(0, 1), numbered(1, 1), numbered(2, 1)),
		ack:   func(p []byte) error { acks.add(string(p)); return nil },
		nack:  func(p []byte, reason error) error { nacks.add(string(p) + " " + reason.Error()); return nil },
		close: func() { close(closed) },
	})))
	r.open("source")
	s := r.read(3, 1, 0)
	first, second := r.next(s), r.next(s)
	ack(s, first.Seq)
	_ = s.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Nack_{Nack: &protocol.ReadControl_Nack{
		Seq: second.Seq, Problem: &protocol.Problem{Class: protocol.Problem_RETRYABLE, Code: "engine.full", Message: "the stream is full"},
	}}})
	for {
		if _, err := s.Recv(); err != nil {
			if p := protocol.ProblemOf(err); p.Code != "read.nacked" || p.Class != protocol.Problem_RETRYABLE {
				t.Errorf("the stream ended with %v", err)
			}
			break
		}
	}
	<-closed
	if !slices.Equal(acks.get(), []string{"r000"}) {
		t.Errorf("acknowledged %v", acks.get())
	}
	if got := nacks.get(); len(got) != 2 || got[0] != "r001 engine.full: the stream is full" || !strings.HasPrefix(got[1], "r002 ") {
		t.Errorf("given back: %q", got)
	}
}

// Losing the host gives back what it had not stored, and a slow Ack still runs.
func TestReadHostGone(t *testing.T) {
	nacks, acks, closed := &seen{}, &seen{}, make(chan struct{})
	r := newRig(t, sourceOf(fixed(&script{
		read:  batches(nil, numbered(0, 1), numbered(1, 1)),
		ack:   func(p []byte) error { time.Sleep(50 * time.Millisecond); acks.add(string(p)); return errBoom },
		nack:  func(p []byte, _ error) error { nacks.add(string(p)); return nil },
		close: func() { close(closed) },
	})))
	r.open("source")
	s := r.read(2, 1, 0)
	ack(s, r.next(s).Seq)
	r.next(s)
	r.eventually("the first batch is being acknowledged", func() bool { return len(acks.get()) == 1 })
	r.cut()
	<-closed
	if !slices.Equal(acks.get(), []string{"r000"}) || !slices.Equal(nacks.get(), []string{"r001"}) {
		t.Errorf("acknowledged %v, given back %v", acks.get(), nacks.get())
	}
}

// The source opens where the host says; a checkpoint without records counts.
func TestReadPositions(t *testing.T) {
	var opened string
	r := newRig(t, sourceOf(func(from []byte, _ Env) (Source, error) {
		opened = string(from)
		return &script{read: batches(io.EOF, Batch{Position: []byte("p7")}, Batch{})}, nil
	}))
	r.open("source")
	s, err := r.client.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Start_{Start: &protocol.ReadControl_Start{InstanceId: "a.b", FromPosition: []byte("p6"), CreditBatches: 4}}})
	b := r.next(s)
	if opened != "p6" || string(b.Position) != "p7" || len(b.Records) != 0 {
		t.Errorf("opened at %q, then %v", opened, b)
	}
}

func TestReadOpenFails(t *testing.T) {
	r := newRig(t, sourceOf(func([]byte, Env) (Source, error) { return nil, Failf(Auth, "db.login", "password refused") }))
	r.open("source")
	_, err := r.read(1, 0, 0).Recv()
	if p := protocol.ProblemOf(err); p.GetClass() != protocol.Problem_AUTH || p.Message != "password refused" {
		t.Errorf("the stream ended with %v", err)
	}
}

// Drain waits for the acknowledgement of what was read and then ends.
func TestReadDrain(t *testing.T) {
	r := newRig(t, sourceOf(fixed(&script{read: batches(nil, numbered(0, 2))})))
	r.open("source")
	s := r.read(4, 0, 0)
	b := r.next(s)
	type answer struct {
		d   *protocol.DrainResponse
		err error
	}
	drained := make(chan answer, 1)
	go func() {
		d, err := r.client.Drain(context.Background(), &protocol.DrainRequest{InstanceId: "a.b", Deadline: durationpb.New(10 * time.Second)})
		drained <- answer{d, err}
	}()
	select {
	case a := <-drained:
		t.Fatalf("Drain returned %v before the batch was acknowledged", a)
	case <-time.After(50 * time.Millisecond):
	}
	ack(s, b.Seq)
	a := <-drained
	if a.err != nil || a.d.LastSeq != b.Seq || string(a.d.LastPosition) != "r001" {
		t.Errorf("Drain: %v", a)
	}
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("a drained stream ended with %v", err)
	}
}
