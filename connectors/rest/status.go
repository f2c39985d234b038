package rest

import (
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// meaning is what a status tells: ok, empty, or a class of failure.
type meaning struct {
	ok, empty bool
	class     sdk.Class
}

func meanings() map[string]meaning {
	return map[string]meaning{
		"ok": {ok: true}, "empty": {ok: true, empty: true},
		"duplicate": {class: sdk.Duplicate}, "retryable": {class: sdk.Retryable},
		"throttled": {class: sdk.Throttled}, "permanent": {class: sdk.Permanent},
		"auth": {class: sdk.Auth}, "config": {class: sdk.BadConfig},
	}
}

// statuses are the meanings that the configuration gives to statuses: by
// number, or by first digit for "4xx".
type statuses struct {
	exact map[int]meaning
	group map[int]meaning
}

func parseStatuses(in map[string]string) (statuses, error) {
	st := statuses{exact: map[int]meaning{}, group: map[int]meaning{}}
	known := meanings()
	names := make([]string, 0, len(known))
	for n := range known {
		names = append(names, n)
	}
	sort.Strings(names)
	for status, word := range in {
		m, ok := known[word]
		if !ok {
			return st, fmt.Errorf("statuses: %s: %q is no meaning; use one of %s", status, word, strings.Join(names, ", "))
		}
		if len(status) == 3 && strings.EqualFold(status[1:], "xx") && status[0] >= '2' && status[0] <= '5' {
			st.group[int(status[0]-'0')] = m
			continue
		}
		n, err := strconv.Atoi(status)
		if err != nil || n < 200 || n > 599 {
			return st, fmt.Errorf("statuses: %q is no status; write a number from 200 to 599, or 2xx to 5xx", status)
		}
		st.exact[n] = m
	}
	return st, nil
}

func (st statuses) of(status int) (meaning, bool) {
	if m, ok := st.exact[status]; ok {
		return m, true
	}
	m, ok := st.group[status/100]
	return m, ok
}

// judge turns a status into an error, or nil for success. empty is true when
// the configuration says that this status means "nothing there".
func (c *client) judge(method string, a *answer) (empty bool, err error) {
	body := a.body[:min(len(a.body), 4096)]
	verdict := sdk.FromHTTP(a.status, a.header.Get("Retry-After"), []byte(c.hide(string(body))))
	m, given := c.statuses.of(a.status)
	if given && m.ok {
		return m.empty, nil
	}
	if verdict == nil && !given {
		return false, nil
	}
	var e *sdk.Error
	if !errors.As(verdict, &e) {
		e = &sdk.Error{Code: "http." + strconv.Itoa(a.status), Message: http.StatusText(a.status)}
	}
	e.Message = method + " " + httpexchange.Address(a.url.String()) + ": " + e.Message
	if a.status/100 == 3 {
		e.Class = sdk.BadConfig
		e.Message += redirected(a)
	}
	if given {
		e.Class = m.class
	}
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	for _, name := range []string{"X-Request-Id", "X-Correlation-Id"} {
		if id := a.header.Get(name); id != "" {
			e.Detail["request_id"] = c.hide(id)
			break
		}
	}
	return false, e
}

func redirected(a *answer) string {
	to := a.header.Get("Location")
	if u, err := a.url.Parse(to); err == nil && to != "" {
		return fmt.Sprintf(": it redirects to %s, which is another host or would change the method, and is not followed; set url to the new address if it is the right one", httpexchange.Address(u.String()))
	}
	return ": it redirects without saying where to"
}
