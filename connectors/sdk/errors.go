package sdk

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Class decides what the core does with a failed record.
type Class int

// The classes of failure. The zero value counts as Retryable.
const (
	Unclassified Class = iota
	Retryable          // may succeed unchanged: back off and try again
	Permanent          // never succeeds unchanged: dead letter at once
	Throttled          // wait RetryAfter; the target's budget shrinks
	Auth               // credentials refused: the lane stops and alerts
	BadConfig          // wrong configuration: the lane stops and alerts
	NotConnected       // the other side is not there: the circuit opens
	Duplicate          // the effect is already there: counts as success
	Bug                // the connector failed: dead letter with its stack
)

// Error is a failure with what is needed to act on it.
type Error struct {
	Class Class
	// Code is stable and machine readable: "http.429", "sql.23505",
	// "soap.fault.Client", "x12.SE01".
	Code string
	// Message says what happened, what was expected, what to do next.
	Message string
	// RetryAfter is how long the other side asked to wait.
	RetryAfter time.Duration
	// Field is a JSON pointer into the configuration or the payload.
	Field string
	// Hint is what to do next, for configuration errors.
	Hint string
	// Detail holds upstream status, request id, fault; no secrets.
	Detail map[string]string
	// Err is the cause, if any.
	Err error
}

func (e *Error) Error() string {
	s := e.Message
	if e.Err != nil {
		if s != "" {
			s += ": "
		}
		s += e.Err.Error()
	}
	if e.Code != "" {
		s = e.Code + ": " + s
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// ErrConflict is returned by State.CompareAndSet when another writer was first.
var ErrConflict = errors.New("state: the key was changed by another writer")

// Fail classifies an error: sdk.Fail(sdk.NotConnected, "sftp.dial", err).
func Fail(class Class, code string, err error) *Error {
	return &Error{Class: class, Code: code, Err: err}
}

// Failf makes a classified error from a message.
func Failf(class Class, code, format string, args ...any) *Error {
	return &Error{Class: class, Code: code, Err: fmt.Errorf(format, args...)}
}

// All gives every one of n records the same error.
func All(n int, err error) []Result {
	out := make([]Result, n)
	for i := range out {
		out[i].Err = err
	}
	return out
}

// FromHTTP classifies an HTTP status: nil for 2xx; Throttled for 429 and 503
// with Retry-After; Auth for 401 and 403; Retryable for 408, 425 and other 5xx;
// Permanent for other 4xx. retryAfter is the header's value (RFC 9110,
// 10.2.3); body is quoted in the message, cut at 512 bytes.
func FromHTTP(status int, retryAfter string, body []byte) error {
	if status >= 200 && status < 300 {
		return nil
	}
	e := &Error{Code: "http." + strconv.Itoa(status), Detail: map[string]string{"status": strconv.Itoa(status)}}
	e.Message = http.StatusText(status)
	if len(body) > 0 {
		e.Message += ": " + string(body[:min(len(body), 512)])
	}
	e.RetryAfter = parseRetryAfter(retryAfter, time.Now())
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && e.RetryAfter > 0:
		e.Class = Throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Class = Auth
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		e.Class = Retryable
	default:
		e.Class = Permanent
	}
	return e
}

func parseRetryAfter(v string, now time.Time) time.Duration {
	if v == "" {
		return 0
	}
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
