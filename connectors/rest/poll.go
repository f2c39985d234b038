package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// poll is a source that asks for a list, page by page, again and again.
type poll struct {
	cfg    Config
	client *client
	shape  shape
	items  jsonpointer.Pointer
	field  jsonpointer.Pointer // of the watermark
	pages  pager
	log    *slog.Logger

	at      position
	resumed bool   // the cursor comes from a stored position
	page    string // fingerprint of the page before, in this look
	rest    bool   // wait for the interval before the next page
	ended   bool   // once, and at the end
}

func newPoll(cfg Config, from []byte, env sdk.Env) (*poll, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	p := &poll{cfg: cfg, client: c, items: jsonpointer.Must(cfg.Items), pages: newPager(cfg.Pagination), log: env.Log}
	if p.shape, err = newShape(cfg); err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.value", err)
	}
	if cfg.Since != nil {
		p.field = jsonpointer.Must(cfg.Since.Field)
	}
	if p.at, err = parsePosition(from); err != nil {
		return nil, err
	}
	if p.at.Cursor != "" && p.pages.counts() {
		// Pages by number shift while the list changes; only a whole look is
		// complete.
		p.at.Cursor, p.at.After, p.at.Page = "", "", ""
	}
	p.resumed = p.at.Cursor != ""
	if p.at.Since == "" && cfg.Since != nil {
		p.at.Since = cfg.Since.Start
	}
	return p, nil
}

// Read returns the records of the next page that has any.
func (p *poll) Read(ctx context.Context) (sdk.Batch, error) {
	for {
		if p.ended {
			return sdk.Batch{}, io.EOF
		}
		if p.rest {
			if err := pause(ctx, p.cfg.Interval); err != nil {
				return sdk.Batch{}, err
			}
			p.rest = false
		}
		b, err := p.next(ctx)
		if err != nil {
			return sdk.Batch{}, err
		}
		if len(b.Records)+len(b.Unreadable) > 0 {
			return b, nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next asks for one page. The position moves only when the page is understood
// completely, so that an error leaves everything to be asked again.
func (p *poll) next(ctx context.Context) (sdk.Batch, error) {
	address, err := p.address(p.at)
	if err != nil {
		return sdk.Batch{}, err
	}
	a, err := p.ask(ctx, address)
	if err != nil {
		return sdk.Batch{}, err
	}
	if a.status == http.StatusNotModified {
		p.finish(p.at)
		return sdk.Batch{}, nil
	}
	empty, err := p.client.judge(p.method(), a)
	if err != nil {
		return sdk.Batch{}, p.restarted(a, err)
	}
	if a.short != nil {
		return sdk.Batch{}, incomplete(a, p.client)
	}
	body := fingerprint(a.body)
	if p.same(address, body) {
		p.finish(p.at)
		return sdk.Batch{}, nil
	}
	items, doc, err := p.list(a, empty)
	if err != nil {
		return sdk.Batch{}, err
	}
	after := p.at
	b, err := p.batch(items, body, &after)
	if err != nil {
		return sdk.Batch{}, err
	}
	cursor, err := p.pages.next(p.at.Cursor, a, doc, len(items))
	if err != nil {
		return sdk.Batch{}, err
	}
	if cursor != "" && len(items) > 0 && body == p.page {
		return sdk.Batch{}, sdk.Failf(sdk.BadConfig, "rest.pages", "%s answered two pages with the same content; the server ignores the parameter of pagination, or there is another one", httpexchange.Address(address))
	}
	p.page, p.resumed = body, false
	after.After, after.Page, after.Cursor, after.Last = "", "", cursor, nil
	if cursor == "" {
		after.ended()
		if p.pages.keeps() {
			after.Cursor = p.at.Cursor
		}
		after.Last = &lastPage{Address: fingerprint([]byte(address)), ETag: a.header.Get("ETag"), Changed: a.header.Get("Last-Modified"), Body: body}
		p.finish(after)
	}
	p.at = after
	b.Position, err = after.encode()
	return b, err
}

// finish ends a look.
func (p *poll) finish(at position) {
	p.at, p.page = at, ""
	p.rest = true
	p.ended = p.cfg.Once
}

func (p *poll) method() string {
	if p.cfg.Method != "" {
		return p.cfg.Method
	}
	return http.MethodGet
}

// same says whether the list ended with this very page the last time.
func (p *poll) same(address, body string) bool {
	l := p.at.Last
	return l != nil && l.Address == fingerprint([]byte(address)) && l.Body == body
}

// address is that of the page at a position.
func (p *poll) address(at position) (string, error) {
	u, err := template.Resolve(p.cfg.Base, p.cfg.URL)
	if err != nil {
		return "", &sdk.Error{Class: sdk.BadConfig, Code: "config.value", Field: "/url", Err: err}
	}
	q := u.Query()
	if p.cfg.Since != nil && at.Since != "" {
		q.Set(p.cfg.Since.Parameter, at.Since)
	}
	return p.pages.address(u, q, at.Cursor)
}

func (p *poll) ask(ctx context.Context, address string) (*answer, error) {
	out := outgoing{method: p.method(), url: address}
	if l := p.at.Last; l != nil && l.Address == fingerprint([]byte(address)) {
		out.headers = map[string]string{}
		if l.ETag != "" {
			out.headers["If-None-Match"] = l.ETag
		}
		if l.Changed != "" {
			out.headers["If-Modified-Since"] = l.Changed
		}
	}
	return p.client.send(ctx, out)
}

// restarted forgets a stored cursor that the server no longer knows, and begins
// the look again: what was read before comes once more, under the same ids.
func (p *poll) restarted(a *answer, err error) error {
	switch a.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
	default:
		return err
	}
	if !p.resumed || p.at.Cursor == "" {
		return err
	}
	p.log.Warn("the server refuses the stored cursor; the list is read again from its first page", "status", a.status)
	p.at.Cursor, p.at.After, p.at.Page, p.resumed = "", "", "", false
	var e *sdk.Error
	if errors.As(err, &e) {
		e.Class = sdk.Retryable
	}
	return err
}

func incomplete(a *answer, c *client) error {
	where := httpexchange.Address(a.url.String())
	if errors.Is(a.short, httpexchange.ErrTooLarge) {
		return sdk.Failf(sdk.BadConfig, "rest.too_large", "the answer of %s is larger than %d bytes; ask for smaller pages or raise maxResponse", where, c.maxResponse)
	}
	return sdk.Failf(sdk.Retryable, "http.interrupted", "the answer of %s ended too early: %s", where, c.hide(httpexchange.Cause(a.short).Error()))
}

// list takes the records out of an answer.
func (p *poll) list(a *answer, empty bool) ([]json.RawMessage, any, error) {
	if empty || a.status == http.StatusNoContent {
		return nil, nil, nil
	}
	doc, err := jsonpointer.Decode(a.body)
	if err != nil {
		return nil, nil, sdk.Failf(sdk.Retryable, "rest.not_json", "the answer of %s is no JSON: %w", httpexchange.Address(a.url.String()), err)
	}
	part, ok := p.items.Raw(a.body)
	if !ok {
		return nil, nil, sdk.Failf(sdk.BadConfig, "rest.items", "the answer of %s has nothing at %s; set items to the JSON pointer of the list", httpexchange.Address(a.url.String()), p.cfg.Items)
	}
	switch jsonpointer.FirstByte(part) {
	case '[':
		var items []json.RawMessage
		if err := json.Unmarshal(part, &items); err != nil {
			return nil, nil, sdk.Fail(sdk.Retryable, "rest.not_json", err)
		}
		return items, doc, nil
	case '{':
		return []json.RawMessage{part}, doc, nil
	case 'n': // null: many APIs write an empty list so
		return nil, doc, nil
	}
	return nil, nil, sdk.Failf(sdk.BadConfig, "rest.items", "the answer of %s has no list at %q; set items to the JSON pointer of the list", httpexchange.Address(a.url.String()), p.cfg.Items)
}

// batch makes the records of a page. An item without its id or key is kept as
// unreadable, and the others go on.
func (p *poll) batch(items []json.RawMessage, body string, at *position) (sdk.Batch, error) {
	var b sdk.Batch
	page := short(body)
	mark, err := at.within(page)
	if err != nil {
		return b, err
	}
	from := 0
	for _, item := range items {
		id := fingerprint(item)
		doc, err := jsonpointer.Decode(item)
		var r sdk.Record
		if err == nil {
			r, err = p.shape.record(item, doc, id, nil)
		}
		if err != nil {
			b.Unreadable = append(b.Unreadable, sdk.Unreadable{ID: id, Err: err, Content: item, ContentType: "application/json"})
			continue
		}
		if p.cfg.Since != nil {
			v, _ := p.field.Find(doc)
			watermark, _ := jsonpointer.Text(v)
			if !at.saw(r.ID, watermark) {
				continue
			}
		}
		r.Position = mark(r.ID)
		b.Records = append(b.Records, r)
		if at.After != "" && at.Page == page && short(r.ID) == at.After {
			from = len(b.Records)
		}
	}
	b.Records = b.Records[from:]
	return b, nil
}

// Check asks for the first page.
func (p *poll) Check(ctx context.Context) []sdk.Step {
	// Read may be at work meanwhile: where it is, is its own.
	address, err := p.address(position{})
	if err != nil {
		return []sdk.Step{{Name: "address", Err: err}}
	}
	steps := p.client.reach(ctx, address)
	if failed(steps) {
		return steps
	}
	return append(steps, timed("read list", func() error {
		a, err := p.client.send(ctx, outgoing{method: p.method(), url: address})
		if err != nil {
			return err
		}
		empty, err := p.client.judge(p.method(), a)
		if err != nil {
			return err
		}
		_, _, err = p.list(a, empty)
		return err
	}))
}

// Close ends the connections.
func (p *poll) Close() error {
	p.client.close()
	return nil
}

// pageAddress is an address with the parameters of a page.
func pageAddress(u *url.URL, q url.Values) string {
	page := *u
	page.RawQuery = q.Encode()
	return page.String()
}

// sameSite says whether a link leads to the host that was asked: credentials go
// nowhere else.
func sameSite(from *url.URL, link string) (*url.URL, error) {
	to, err := from.Parse(link)
	if err != nil {
		return nil, sdk.Failf(sdk.BadConfig, "rest.next", "the next page's address is unreadable")
	}
	if to.Scheme != from.Scheme || to.Host != from.Host {
		return nil, sdk.Fail(sdk.BadConfig, "rest.next", fmt.Errorf("the next page is on %s://%s, but %s://%s was asked; pages on another host are not followed, because the credentials would go there", to.Scheme, to.Host, from.Scheme, from.Host))
	}
	return to, nil
}
