package sdk

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// The limits of what crosses the boundary beside records, in bytes.
const (
	maxResponse = 64 << 10
	// An unreadable input is acknowledged like a record, so that as much of it
	// passes as of one.
	maxUnreadable = protocol.MaxRecordBytes
	maxStack      = 8 << 10
	maxMessage    = 16 << 10
)

// encodeRecord fills out, whose Meta has room to be reused.
func encodeRecord(r *Record, out *protocol.Record) {
	out.Id = r.ID
	out.Position = r.Position
	out.Entity = r.Entity
	out.Operation = r.Operation
	if out.Operation == "" {
		out.Operation = "event"
	}
	out.Key = []byte(r.Key)
	out.Payload = r.Payload
	out.ContentType = r.ContentType
	if out.ContentType == "" {
		out.ContentType = "application/json"
	}
	out.EventTimeNs = 0
	if !r.EventTime.IsZero() {
		out.EventTimeNs = uint64(r.EventTime.UnixNano())
	}
	out.Meta = encodeMeta(r.Meta)
}

func encodeMeta(m map[string]string) []*protocol.KV {
	if len(m) == 0 {
		return nil
	}
	pairs := make([]protocol.KV, len(m))
	out := make([]*protocol.KV, 0, len(m))
	i := 0
	for k, v := range m {
		pairs[i].K, pairs[i].V = k, v
		out = append(out, &pairs[i])
		i++
	}
	return out
}

func decodeRecord(in *protocol.Record, out *Record) {
	if in == nil {
		*out = Record{}
		return
	}
	*out = Record{
		ID: in.Id, Position: in.Position, Entity: in.Entity, Operation: in.Operation,
		Key: alias(in.Key), Payload: in.Payload, ContentType: in.ContentType,
		Meta: decodeMeta(in.Meta), EventTime: eventTime(in.EventTimeNs),
	}
}

// eventTime is the time ns nanoseconds after the Unix epoch, 0 for unknown.
func eventTime(ns uint64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(ns)).UTC()
}

// alias reads bytes as a string without copying, as the codec does for all
// other strings of a record: nobody writes to a received message.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func decodeMeta(in []*protocol.KV) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for _, kv := range in {
		out[kv.K] = kv.V
	}
	return out
}

// checkRecord says why a source's record cannot cross the boundary, or nil.
func checkRecord(r *Record) *Error {
	switch {
	case r.ID == "":
		return Failf(Bug, "record.no_id", "the connector read a record without an ID; every record needs one that is the same whenever the same event is read again")
	case !utf8.ValidString(r.ID), !utf8.ValidString(r.Entity), !utf8.ValidString(r.Operation), !utf8.ValidString(r.ContentType):
		return Failf(Bug, "record.not_utf8", "the ID, entity, operation or content type of record %q is not UTF-8; only payloads may be", r.ID)
	}
	size := len(r.ID) + len(r.Position) + len(r.Key) + len(r.Payload)
	for k, v := range r.Meta {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return Failf(Bug, "record.not_utf8", "the metadata %q of record %q is not UTF-8; only payloads may be", k, r.ID)
		}
		size += len(k) + len(v)
	}
	if size > protocol.MaxRecordBytes {
		return Failf(Permanent, "record.too_large", "record %q has %d bytes, the limit is %d; split it at the source, or move the large part by reference", r.ID, size, protocol.MaxRecordBytes)
	}
	return nil
}

// classified finds the *Error in err or makes one.
func classified(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	class := Unclassified
	code := "connector.error"
	if errors.Is(err, context.DeadlineExceeded) {
		class, code = Retryable, "deadline"
	}
	return &Error{Class: class, Code: code, Err: err}
}

// encodeProblem keeps the whole text of err, of which the *Error may be the
// inner part only. redact removes secrets.
func encodeProblem(err error, redact func(string) string) *protocol.Problem {
	if err == nil {
		return nil
	}
	if redact == nil {
		redact = func(s string) string { return s }
	}
	e := classified(err)
	message := err.Error()
	if err == error(e) && e.Code != "" {
		// The code has a field of its own.
		message = strings.TrimPrefix(message, e.Code+": ")
	}
	p := &protocol.Problem{
		Class:   encodeClass(e.Class),
		Code:    clean(e.Code),
		Message: clean(cut(redact(message), maxMessage)),
		Field:   clean(e.Field),
	}
	if e.RetryAfter > 0 {
		p.RetryAfter = durationpb.New(e.RetryAfter)
	}
	for k, v := range e.Detail {
		if p.Detail == nil {
			p.Detail = make(map[string]string, len(e.Detail))
		}
		p.Detail[clean(k)] = clean(redact(v))
	}
	return p
}

func encodeClass(c Class) protocol.Problem_Class {
	switch c {
	case Permanent:
		return protocol.Problem_PERMANENT
	case Throttled:
		return protocol.Problem_THROTTLED
	case Auth:
		return protocol.Problem_AUTH
	case BadConfig:
		return protocol.Problem_CONFIG
	case NotConnected:
		return protocol.Problem_NOT_CONNECTED
	case Duplicate:
		return protocol.Problem_DUPLICATE
	case Bug:
		return protocol.Problem_BUG
	default:
		return protocol.Problem_RETRYABLE
	}
}

// decodeProblem turns the host's answer into the SDK's errors.
func decodeProblem(p *protocol.Problem) error {
	if p.Code == "state.conflict" {
		return ErrConflict
	}
	return &Error{
		Class: decodeClass(p.Class), Code: p.Code, Message: p.Message, Field: p.Field,
		RetryAfter: p.RetryAfter.AsDuration(), Detail: p.Detail,
	}
}

func decodeClass(c protocol.Problem_Class) Class {
	for _, known := range []Class{Retryable, Permanent, Throttled, Auth, BadConfig, NotConnected, Duplicate, Bug} {
		if encodeClass(known) == c {
			return known
		}
	}
	return Unclassified
}

// diagnostics flattens joined errors, so that one finding is one diagnostic.
func diagnostics(severity protocol.Diagnostic_Severity, errs []error, redact func(string) string) []*protocol.Diagnostic {
	var out []*protocol.Diagnostic
	for _, err := range flatten(errs) {
		p := encodeProblem(err, redact)
		d := &protocol.Diagnostic{Severity: severity, Problem: p, Hint: clean(classified(err).Hint)}
		out = append(out, d)
	}
	return out
}

func flatten(errs []error) []error {
	var out []error
	for _, err := range errs {
		if err == nil {
			continue
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			out = append(out, flatten(joined.Unwrap())...)
			continue
		}
		out = append(out, err)
	}
	return out
}

// guard runs the author's code and turns a panic into an error of class Bug.
func guard(what string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(what, p, debug.Stack())
		}
	}()
	return f()
}

func panicError(what string, p any, stack []byte) *Error {
	return &Error{
		Class: Bug, Code: "connector.panic",
		Message: fmt.Sprintf("the connector panicked in %s: %v", what, p),
		Detail:  map[string]string{"stack": cut(string(stack), maxStack)},
	}
}

// clean makes text fit for a protobuf string.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "�")
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "… (cut)"
}

// redactor replaces the instance's secrets wherever they would leave the
// process as text. Values under four characters are too likely to be ordinary
// words.
func redactor(secrets []string) func(string) string {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 4 {
			pairs = append(pairs, s, "***")
		}
	}
	if len(pairs) == 0 {
		return func(s string) string { return s }
	}
	return strings.NewReplacer(pairs...).Replace
}
