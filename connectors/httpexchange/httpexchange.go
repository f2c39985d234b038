// Package httpexchange says what an HTTP exchange without a proper answer means
// for the record it carried.
//
// A status is classified by sdk.FromHTTP. Before there is one, a single question
// matters: can the request have had an effect? While no connection was open it
// cannot, the other side is not there, and the core pauses the lane
// (sdk.NotConnected). Once bytes may have been sent nobody knows, so the record
// is tried again (sdk.Retryable) and the connector's idempotency decides.
//
// Errors of net/http quote the whole address, whose query may hold keys. Nothing
// here does.
package httpexchange

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// ErrTooLarge is what Body fails with when a body has more than the limit.
var ErrTooLarge = errors.New("the answer is too large")

// Do sends a request and returns the answer, whatever its status; the caller
// closes its body. Its error is an *sdk.Error with one of the codes http.resolve,
// http.connect, tls.certificate (NotConnected), http.timeout, http.interrupted
// and http.cancelled (Retryable). hide takes secrets out of the text of the
// cause; it may be nil.
func Do(c *http.Client, r *http.Request, hide func(string) string) (*http.Response, error) {
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	began := time.Now()
	res, err := c.Do(r.WithContext(traced))
	if err != nil {
		if hide == nil {
			hide = func(s string) string { return s }
		}
		return nil, unanswered(r, err, connected.Load(), time.Since(began), hide)
	}
	return res, nil
}

func unanswered(r *http.Request, err error, connected bool, took time.Duration, hide func(string) string) error {
	cause := Cause(err)
	where := r.Method + " " + Address(r.URL.String())
	text := hide(cause.Error())
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(r.Context().Err(), context.Canceled):
		return sdk.Failf(sdk.Retryable, "http.cancelled", "%s was interrupted", where)
	case errors.As(err, &dns):
		return sdk.Failf(sdk.NotConnected, "http.resolve", "%s: the name %s could not be resolved; check the address and the name server", where, r.URL.Hostname())
	case errors.As(err, &certificate):
		return sdk.Failf(sdk.NotConnected, "tls.certificate", "%s: the server's certificate is not trusted: %s; have the authority that signed it trusted, if it is the right server", where, text)
	case !connected:
		return sdk.Failf(sdk.NotConnected, "http.connect", "%s: no connection, nothing was sent: %s", where, text)
	case isTimeout(cause):
		return sdk.Failf(sdk.Retryable, "http.timeout", "%s: no answer within %s; whether it had an effect is unknown until it is tried again", where, took.Round(10*time.Millisecond))
	}
	return sdk.Failf(sdk.Retryable, "http.interrupted", "%s: the connection ended before the answer: %s", where, text)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &n) && n.Timeout())
}

// Cause takes the address, which may hold secrets, off an error of net/http.
func Cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Address is an address fit for logs: without query, user and password.
func Address(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(an unreadable address)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// Body reads a body to its end. With an error it returns what came until then,
// at most limit bytes: ErrTooLarge when there are more, else why it broke off.
func Body(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(body)) > limit {
		return body[:limit], fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, limit)
	}
	return body, err
}
