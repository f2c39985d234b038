package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// server answers by path and query, and keeps what it was asked.
func server(t *testing.T, f func(w http.ResponseWriter, r *http.Request)) (address string, asked *[]*http.Request) {
	t.Helper()
	asked = &[]*http.Request{}
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		*asked = append(*asked, r)
		mu.Unlock()
		f(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func polling(t *testing.T, cfg Config, from []byte) *poll {
	t.Helper()
	env, _ := testEnv()
	cfg = withDefaults(cfg)
	if problems := validate(cfg, "source"); len(problems) > 0 {
		t.Fatal(errors.Join(problems...))
	}
	p, err := newPoll(cfg, from, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// readAll reads to the end of the list.
func readAll(t *testing.T, p *poll) (ids []string, position []byte) {
	t.Helper()
	for {
		b, err := p.Read(context.Background())
		if errors.Is(err, io.EOF) {
			return ids, position
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Records {
			ids = append(ids, r.ID)
		}
		position = b.Position
	}
}

func TestPagination(t *testing.T) {
	var base string
	pages := map[string]string{
		"/next?":                `{"items":[{"id":"1"},{"id":"2"}],"next":"/next?p=2"}`,
		"/next?p=2":             `{"items":[{"id":"3"}],"next":null}`,
		"/link?":                `[{"id":"1"},{"id":"2"}]`,
		"/link?p=2":             `[{"id":"3"}]`,
		"/cursor?":              `{"items":[{"id":"1"},{"id":"2"}],"next":"a b&c"}`,
		"/cursor?after=a+b%26c": `{"items":[{"id":"3"}],"next":""}`,
		"/page?limit=2&page=1":  `[{"id":"1"},{"id":"2"}]`,
		"/page?limit=2&page=2":  `[{"id":"3"}]`,
		"/zero?page=0":          `[{"id":"1"},{"id":"2"}]`,
		"/zero?page=1":          `[{"id":"3"}]`,
		"/zero?page=2":          `[]`,
		"/offset?offset=0":      `[{"id":"1"},{"id":"2"}]`,
		"/offset?offset=2":      `[{"id":"3"}]`,
		"/offset?offset=3":      `null`,
		"/one?":                 `{"id":"1"}`,
	}
	base, _ = server(t, func(w http.ResponseWriter, r *http.Request) {
		at := r.URL.Path + "?" + r.URL.RawQuery
		body, ok := pages[at]
		if !ok {
			t.Errorf("asked for %s", at)
		}
		if at == "/link?" {
			w.Header().Set("Link", `<`+base+`/link?p=2>; rel="next"`)
		}
		_, _ = io.WriteString(w, body)
	})
	three := []string{"1", "2", "3"}
	for _, test := range []struct {
		path, items string
		page        *Pagination
		want        []string
	}{
		{"/next", "/items", &Pagination{Kind: "next", Next: "/next"}, three},
		{"/link", "", &Pagination{Kind: "link"}, three},
		{"/cursor", "/items", &Pagination{Kind: "cursor", Next: "/next", Parameter: "after"}, three},
		{"/page", "", &Pagination{Kind: "page", Start: 1, Size: 2, SizeParameter: "limit"}, three},
		{"/zero", "", &Pagination{Kind: "page"}, three},
		{"/offset", "", &Pagination{Kind: "offset"}, three},
		{"/one", "", nil, []string{"1"}},
	} {
		t.Run(test.path, func(t *testing.T) {
			p := polling(t, Config{URL: base + test.path, Items: test.items, Pagination: test.page, ID: "/id", Once: true}, nil)
			if ids, _ := readAll(t, p); !reflect.DeepEqual(ids, test.want) {
				t.Errorf("read %q, expected %q", ids, test.want)
			}
		})
	}
}

func TestPaginationMistakes(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			_, _ = io.WriteString(w, `{"items":[{"id":1}],"next":"https://evil.example/x?token=1"}`)
		case "/itself":
			_, _ = io.WriteString(w, `{"items":[{"id":1}],"next":"/itself"}`)
		case "/html":
			_, _ = io.WriteString(w, `<html>`)
		default:
			_, _ = io.WriteString(w, `{"items":[{"id":1}]}`)
		}
	})
	next := &Pagination{Kind: "next", Next: "/next"}
	for _, test := range []struct {
		path, items, want string
		page              *Pagination
		class             sdk.Class
	}{
		{"/away", "/items", "on https://evil.example", next, sdk.BadConfig},
		{"/itself", "/items", "names itself", next, sdk.BadConfig},
		{"/same", "/items", "ignores the parameter", &Pagination{Kind: "page", Start: 1}, sdk.BadConfig},
		{"/x", "/orders", "nothing at /orders", nil, sdk.BadConfig},
		{"/x", "/items/0/id", "no list", nil, sdk.BadConfig},
		{"/html", "/items", "no JSON", nil, sdk.Retryable},
	} {
		t.Run(test.want, func(t *testing.T) {
			p := polling(t, Config{URL: base + test.path, Items: test.items, Pagination: test.page, Once: true}, nil)
			var err error
			for range 3 {
				if _, err = p.Read(context.Background()); err != nil {
					break
				}
			}
			var e *sdk.Error
			if !errors.As(err, &e) || e.Class != test.class || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, expected class %v and %q", err, test.class, test.want)
			}
		})
	}
}

func TestSinceSkipsTheBound(t *testing.T) {
	list := `[{"id":"a","at":"2026-01-01T10:00:00Z"},{"id":"b","at":"2026-01-01T12:00:00+01:00"}]`
	base, asked := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, list) })
	cfg := Config{URL: base, ID: "{/id}@{/at}", Once: true, Since: &Since{Parameter: "since", Field: "/at", Start: "2025-12-31T00:00:00Z"}}
	ids, position := readAll(t, polling(t, cfg, nil))
	if len(ids) != 2 {
		t.Fatalf("read %q", ids)
	}
	// b has the latest instant; the server gives it again, with a new record of
	// the same instant.
	list = `[{"id":"b","at":"2026-01-01T12:00:00+01:00"},{"id":"c","at":"2026-01-01T12:00:00+01:00"},{"id":"a","at":"2026-01-02T00:00:00Z"}]`
	ids, _ = readAll(t, polling(t, cfg, position))
	if want := []string{"c@2026-01-01T12:00:00+01:00", "a@2026-01-02T00:00:00Z"}; !reflect.DeepEqual(ids, want) {
		t.Errorf("read %q, expected %q", ids, want)
	}
	if first, second := (*asked)[0].URL.Query().Get("since"), (*asked)[1].URL.Query().Get("since"); first != "2025-12-31T00:00:00Z" || second != "2026-01-01T12:00:00+01:00" {
		t.Errorf("asked since %s, then since %s", first, second)
	}
}

func TestResumeWithinPage(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `[{"id":"1","v":1},{"id":"2","v":2},{"id":"3","v":2}]`)
	})
	cfg := Config{URL: base, ID: "/id", Once: true, Since: &Since{Parameter: "v", Field: "/v"}}
	b, err := polling(t, cfg, nil).Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ids, position := readAll(t, polling(t, cfg, b.Records[1].Position))
	if !reflect.DeepEqual(ids, []string{"3"}) {
		t.Errorf("after the second of three records came %q", ids)
	}
	if string(position) != string(b.Position) {
		t.Errorf("the position at the end is %s, without the interruption it is %s", position, b.Position)
	}
}

// A list that changed since a page was cut may have anything before the record
// at the cut: newest first, what came meanwhile. All of it is read again.
func TestResumeWithinPageThatChanged(t *testing.T) {
	list := `[{"id":"3","v":3},{"id":"2","v":2},{"id":"1","v":1}]`
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, list) })
	cfg := Config{URL: base, ID: "/id", Once: true, Since: &Since{Parameter: "v", Field: "/v"}}
	b, err := polling(t, cfg, nil).Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	list = `[{"id":"4","v":4},` + list[1:]
	ids, _ := readAll(t, polling(t, cfg, b.Records[1].Position))
	if !reflect.DeepEqual(ids, []string{"4", "3", "2", "1"}) {
		t.Errorf("after 3 and 2, with 4 new before them, came %q", ids)
	}
}

func TestUnchangedListIsNotReadAgain(t *testing.T) {
	for _, kind := range []string{"ETag", "Last-Modified", "content"} {
		t.Run(kind, func(t *testing.T) {
			looks := 0
			body := `[{"id":"1"}]`
			changed := make(chan struct{})
			base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
				looks++
				if looks == 4 {
					body = `[{"id":"2"}]`
					close(changed)
				}
				if kind == "ETag" {
					w.Header().Set("ETag", `"`+url.QueryEscape(body)+`"`)
					if r.Header.Get("If-None-Match") == `"`+url.QueryEscape(body)+`"` {
						w.WriteHeader(http.StatusNotModified)
						return
					}
				}
				if kind == "Last-Modified" {
					w.Header().Set("Last-Modified", "v"+body)
					if r.Header.Get("If-Modified-Since") == "v"+body {
						w.WriteHeader(http.StatusNotModified)
						return
					}
				}
				_, _ = io.WriteString(w, body)
			})
			p := polling(t, Config{URL: base, ID: "/id"}, nil)
			first, err := p.Read(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			second, err := p.Read(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			<-changed
			if first.Records[0].ID != "1" || second.Records[0].ID != "2" {
				t.Errorf("read %s, then %s", first.Records[0].ID, second.Records[0].ID)
			}
		})
	}
}

func TestContinuedCursor(t *testing.T) {
	feed := map[string]string{"": `{"e":[{"id":"1"}],"c":"x"}`, "x": `{"e":[],"c":"x"}`}
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, feed[r.URL.Query().Get("cursor")])
	})
	cfg := Config{URL: base, Items: "/e", ID: "/id", Once: true, Pagination: &Pagination{Kind: "cursor", Next: "/c", Continue: true}}
	ids, position := readAll(t, polling(t, cfg, nil))
	feed["x"] = `{"e":[{"id":"2"}],"c":"y"}`
	feed["y"] = `{"e":[],"c":"y"}`
	more, _ := readAll(t, polling(t, cfg, position))
	if !reflect.DeepEqual(append(ids, more...), []string{"1", "2"}) {
		t.Errorf("read %q, then %q", ids, more)
	}
}

func TestExpiredCursorStartsAgain(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") != "" {
			w.WriteHeader(http.StatusGone)
			return
		}
		_, _ = io.WriteString(w, `{"e":[{"id":"1"}]}`)
	})
	cfg := Config{URL: base, Items: "/e", ID: "/id", Once: true, Pagination: &Pagination{Kind: "cursor", Next: "/c"}}
	p := polling(t, cfg, []byte(`{"cursor":"old"}`))
	var e *sdk.Error
	if _, err := p.Read(context.Background()); !errors.As(err, &e) || e.Class != sdk.Retryable {
		t.Errorf("an expired cursor gives %v", err)
	}
	if ids, _ := readAll(t, p); !reflect.DeepEqual(ids, []string{"1"}) {
		t.Errorf("read %q", ids)
	}
}

func TestPollErrors(t *testing.T) {
	status, header := 0, http.Header{}
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		for k := range header {
			w.Header().Set(k, header.Get(k))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":"no"}`)
	})
	for _, test := range []struct {
		status int
		retry  string
		class  sdk.Class
		wait   time.Duration
	}{
		{429, "7", sdk.Throttled, 7 * time.Second},
		{503, "2", sdk.Throttled, 2 * time.Second},
		{500, "", sdk.Retryable, 0},
		{401, "", sdk.Auth, 0},
		{404, "", sdk.Permanent, 0},
	} {
		status = test.status
		header.Set("Retry-After", test.retry)
		_, err := polling(t, Config{URL: base + "?key=s3cret", Once: true}, nil).Read(context.Background())
		var e *sdk.Error
		if !errors.As(err, &e) || e.Class != test.class || e.RetryAfter != test.wait || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%d gives %v (%+v)", test.status, err, e)
		}
	}
	status = 404
	p := polling(t, Config{URL: base, Once: true, Statuses: map[string]string{"404": "empty"}}, nil)
	if ids, _ := readAll(t, p); len(ids) != 0 {
		t.Errorf("an empty list gives %q", ids)
	}
}

func TestUnreadableItems(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `[{"id":"1"},{"nr":2},{"id":"3"}]`)
	})
	b, err := polling(t, Config{URL: base, ID: "/id", Once: true}, nil).Read(context.Background())
	if err != nil || len(b.Records) != 2 || len(b.Unreadable) != 1 || string(b.Unreadable[0].Content) != `{"nr":2}` {
		t.Errorf("got %+v, %v", b, err)
	}
}

func TestPollLimit(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, `[%q]`, strings.Repeat("x", 2000)) })
	_, err := polling(t, Config{URL: base, MaxResponse: 1000}, nil).Read(context.Background())
	if err == nil || !strings.Contains(err.Error(), "larger than 1000 bytes") {
		t.Errorf("got %v", err)
	}
}

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "{}", `{"after":"1","cursor":"2"}`, `{"since":"1e9"}`, "x"} {
		f.Add([]byte(s), "1", "2026-01-01T00:00:00Z")
	}
	f.Fuzz(func(t *testing.T, from []byte, a, b string) {
		if compareWatermarks(a, b) != -compareWatermarks(b, a) {
			t.Errorf("%q and %q have no order", a, b)
		}
		p, err := parsePosition(from)
		if err != nil {
			return
		}
		p.saw(a, b)
		mark, err := p.within(p.Page)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := parsePosition(mark("id")); err != nil || q.After != short("id") || q.Cursor != strings.ToValidUTF8(p.Cursor, "�") {
			t.Errorf("the position %s does not survive: %+v, %v", from, q, err)
		}
	})
}
