package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// pager knows how a list is cut into pages. Its cursor is text; the empty cursor
// is the first page on the way in, and the end of the list on the way out.
type pager struct {
	cfg       Pagination
	pointer   jsonpointer.Pointer
	parameter string
}

func newPager(cfg *Pagination) pager {
	if cfg == nil {
		return pager{}
	}
	p := pager{cfg: *cfg, pointer: jsonpointer.Must(cfg.Next), parameter: cfg.Parameter}
	if p.parameter == "" {
		p.parameter = cfg.Kind
	}
	return p
}

// counts says whether pages have numbers, which mean other records tomorrow.
func (p pager) counts() bool { return p.cfg.Kind == "page" || p.cfg.Kind == "offset" }

// keeps says whether the last cursor is where the next look begins.
func (p pager) keeps() bool { return p.cfg.Kind == "cursor" && p.cfg.Continue }

func (p pager) address(u *url.URL, q url.Values, cursor string) (string, error) {
	if p.cfg.SizeParameter != "" && p.cfg.Size > 0 {
		q.Set(p.cfg.SizeParameter, strconv.Itoa(p.cfg.Size))
	}
	switch p.cfg.Kind {
	case "next", "link":
		if cursor != "" {
			next, err := sameSite(u, cursor)
			if err != nil {
				return "", err
			}
			return next.String(), nil
		}
	case "cursor":
		if cursor != "" {
			q.Set(p.parameter, cursor)
		}
	case "page":
		if cursor == "" {
			cursor = strconv.Itoa(p.cfg.Start)
		}
		q.Set(p.parameter, cursor)
	case "offset":
		if cursor == "" {
			cursor = "0"
		}
		q.Set(p.parameter, cursor)
	}
	return pageAddress(u, q), nil
}

// next finds the cursor of the page after this one.
func (p pager) next(cursor string, a *answer, doc any, items int) (string, error) {
	switch p.cfg.Kind {
	case "next", "cursor":
		v, _ := p.pointer.Find(doc)
		next, _ := jsonpointer.Text(v)
		if p.cfg.Kind == "cursor" {
			if next == cursor || next == "false" || (items == 0 && !p.cfg.Continue) {
				return "", nil
			}
			return next, nil
		}
		return p.follow(a, next)
	case "link":
		return p.follow(a, nextLink(a.header))
	case "page":
		if p.last(items) {
			return "", nil
		}
		n, err := strconv.Atoi(cursor)
		if err != nil {
			n = p.cfg.Start
		}
		return strconv.Itoa(n + 1), nil
	case "offset":
		if p.last(items) {
			return "", nil
		}
		n, err := strconv.Atoi(cursor)
		if err != nil {
			n = 0
		}
		return strconv.Itoa(n + items), nil
	}
	return "", nil
}

func (p pager) last(items int) bool { return items == 0 || items < p.cfg.Size }

func (p pager) follow(a *answer, link string) (string, error) {
	if link == "" {
		return "", nil
	}
	to, err := sameSite(a.url, link)
	if err != nil {
		return "", err
	}
	if to.String() == a.url.String() {
		return "", sdk.Failf(sdk.BadConfig, "rest.next", "the page %s names itself as its next page; check pagination.next", httpexchange.Address(link))
	}
	return to.String(), nil
}

// nextLink reads the target of rel="next" from Link headers (RFC 8288, 3).
func nextLink(h http.Header) string {
	for rest := strings.Join(h.Values("Link"), ","); ; {
		open := strings.IndexByte(rest, '<')
		if open < 0 {
			return ""
		}
		end := strings.IndexByte(rest[open:], '>')
		if end < 0 {
			return ""
		}
		target := rest[open+1 : open+end]
		var params map[string]string
		params, rest = linkParameters(rest[open+end+1:])
		for _, rel := range strings.Fields(params["rel"]) {
			if strings.EqualFold(rel, "next") {
				return target
			}
		}
	}
}

// linkParameters reads ;name=value pairs up to the comma that ends a link. Of a
// name that comes twice the first counts.
func linkParameters(s string) (params map[string]string, rest string) {
	params = map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t;")
		if s == "" || s[0] == ',' {
			return params, s
		}
		stop := strings.IndexAny(s, "=;,")
		if stop < 0 || s[stop] != '=' {
			if stop < 0 {
				return params, ""
			}
			s = s[stop:]
			continue
		}
		name := strings.ToLower(strings.TrimSpace(s[:stop]))
		var value string
		value, s = linkValue(strings.TrimLeft(s[stop+1:], " \t"))
		if _, given := params[name]; !given {
			params[name] = value
		}
	}
}

func linkValue(s string) (value, rest string) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, ";,")
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			i++
			if i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
