package sdk

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFromHTTP(t *testing.T) {
	for _, test := range []struct {
		status int
		after  string
		class  Class
		wait   time.Duration
	}{
		{429, "", Throttled, 0},
		{429, "7", Throttled, 7 * time.Second},
		{503, "2", Throttled, 2 * time.Second},
		{503, "", Retryable, 0},
		{503, "-1", Retryable, 0},
		{500, "", Retryable, 0},
		{502, "", Retryable, 0},
		{408, "", Retryable, 0},
		{425, "", Retryable, 0},
		{401, "", Auth, 0},
		{403, "", Auth, 0},
		{400, "", Permanent, 0},
		{404, "", Permanent, 0},
		{409, "", Permanent, 0},
		{422, "", Permanent, 0},
	} {
		err := FromHTTP(test.status, test.after, []byte(strings.Repeat("x", 5000)))
		var e *Error
		if !errors.As(err, &e) || e.Class != test.class || e.RetryAfter != test.wait || e.Code != fmt.Sprint("http.", test.status) || len(e.Message) > 600 {
			t.Errorf("%d with Retry-After %q: %+v", test.status, test.after, e)
		}
	}
	for _, status := range []int{200, 201, 202, 204} {
		if err := FromHTTP(status, "", nil); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
	date := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	var e *Error
	if err := FromHTTP(503, date, nil); !errors.As(err, &e) || e.RetryAfter < 50*time.Minute {
		t.Errorf("Retry-After as a date: %v", err)
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"sftp.dial: boom":           Fail(NotConnected, "sftp.dial", errBoom),
		"x: line 7":                 Failf(Permanent, "x", "line %d", 7),
		"http.400: bad input: boom": &Error{Code: "http.400", Message: "bad input", Err: errBoom},
		"only text":                 &Error{Message: "only text"},
	} {
		if err.Error() != want {
			t.Errorf("%q, expected %q", err, want)
		}
	}
	if !errors.Is(Fail(Retryable, "x", errBoom), errBoom) {
		t.Error("the cause is not wrapped")
	}
	if r := All(3, errBoom); len(r) != 3 || r[2].Err != errBoom {
		t.Errorf("All: %v", r)
	}
}
