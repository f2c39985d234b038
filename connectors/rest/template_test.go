package rest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func TestAddresses(t *testing.T) {
	doc, err := jsonpointer.Decode([]byte(`{"sku":"A/1 ü","n":12345678901234567890,"b":true,"up":"..","o":{},"e":"","l":[{"x":"y"}],"a/b":"c~"}`))
	if err != nil {
		t.Fatal(err)
	}
	r := &sdk.Record{ID: "shop/1#r@t", Key: "k", Meta: map[string]string{"store": "berlin"}}
	for _, test := range []struct{ in, want, wrong string }{
		{in: "/items/{/sku}", want: "/items/A%2F1%20%C3%BC"},
		{in: "/items?sku={/sku}&n={/n}", want: "/items?sku=A%2F1+%C3%BC&n=12345678901234567890"},
		{in: "/{/b}/{/l/0/x}/{/a~1b}", want: "/true/y/c~"},
		{in: "/{@id}/{@key}/{@meta.store}", want: "/shop%2F1%23r@t/k/berlin"},
		{in: "/plain", want: "/plain"},
		{in: "/items/{/up}", wrong: "leave its place"},
		{in: "/items/{/o}", wrong: "neither text nor number"},
		{in: "/items/{/e}", wrong: "is empty"},
		{in: "/items/{/none}", wrong: "nothing at /none"},
		{in: "/items/{@meta.none}", wrong: "is empty"},
	} {
		t.Run(test.in, func(t *testing.T) {
			p, err := template.Parse(test.in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Address(doc, r)
			switch {
			case test.wrong == "" && (err != nil || got != test.want):
				t.Errorf("got %q, %v, expected %q", got, err, test.want)
			case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
				t.Errorf("got %q, %v, expected an error with %q", got, err, test.wrong)
			}
		})
	}
}

func TestAddressMistakes(t *testing.T) {
	for _, test := range []struct{ base, in, want string }{
		{"", "/orders", "no complete address"},
		{"", "https://{/host}/x", "in the path and in the query only"},
		{"https://a", "{/host}", "in the path and in the query only"},
		{"", "https://shop{/x}.example/y", "in the path and in the query only"},
		{"", "ftp://shop.example/y", "no HTTP address"},
		{"", "https://me:pass@shop.example/y", "user and password"},
		{"https://a", "/x/{sku}", "is no placeholder"},
		{"https://a", "/x/{/sku", "without its }"},
		{"https://a", "/x/sku}", "without its {"},
		{"https://a", "/x/{/a~2}", "no JSON pointer"},
	} {
		err := template.CheckAddress(test.base, test.in)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q below %q: got %v, expected an error with %q", test.in, test.base, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "me:pass") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}

func TestResolve(t *testing.T) {
	for _, test := range []struct{ base, in, want string }{
		{"https://shop.example/api", "/orders", "https://shop.example/api/orders"},
		{"https://shop.example/api/", "orders", "https://shop.example/api/orders"},
		{"https://shop.example", "", "https://shop.example"},
		{"https://shop.example/api", "?page=1", "https://shop.example/api?page=1"},
		{"https://shop.example/api", "https://other.example/x#f", "https://other.example/x"},
	} {
		got, err := template.Resolve(test.base, test.in)
		if err != nil || got.String() != test.want {
			t.Errorf("%q below %q: got %v, %v, expected %s", test.in, test.base, got, err, test.want)
		}
	}
}

// An address made from any value stays on its host, and keeps its shape.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"A/1", "..", "?x=y", "#", "@evil.example", "%2e%2e", "\\", "\n", "a b", "//x"} {
		f.Add(s, "/orders/{/v}/lines?ref={/v}")
	}
	f.Fuzz(func(t *testing.T, value, text string) {
		p, err := template.Parse(text)
		if err != nil || template.CheckAddress("https://shop.example/api", text) != nil || strings.Contains(text, "://") {
			return
		}
		filled, err := p.Address(map[string]any{"v": value}, &sdk.Record{ID: "1", Key: "2"})
		if err != nil {
			return
		}
		u, err := template.Resolve("https://shop.example/api", filled)
		if err != nil {
			return
		}
		if u.Host != "shop.example" {
			t.Errorf("%q with %q leads to %s", text, value, u.Host)
		}
		if text == "/orders/{/v}/lines?ref={/v}" {
			parts := strings.Split(u.EscapedPath(), "/")
			got, err := url.PathUnescape(parts[3])
			if len(parts) != 5 || err != nil || got != value || u.Query().Get("ref") != value {
				t.Errorf("the value %q became %s", value, u)
			}
		}
	})
}

func TestPointers(t *testing.T) {
	const doc = `{"a":{"b":[1,{"c":1.50}]},"":"empty","m~n":1,"x/y":2}`
	for _, test := range []struct {
		in, want string
		found    bool
	}{
		{"", doc, true},
		{"/a/b/1/c", "1.50", true},
		{"/a/b/01", "", false},
		{"/a/b/-", "", false},
		{"/a/b/2", "", false},
		{"/a/b/c", "", false},
		{"/", `"empty"`, true},
		{"/m~0n", "1", true},
		{"/x~1y", "2", true},
		{"/a/b/0/z", "", false},
	} {
		p, err := jsonpointer.Parse(test.in)
		if err != nil {
			t.Fatalf("%q: %v", test.in, err)
		}
		got, found := p.Raw(json.RawMessage(doc))
		if string(got) != test.want && found || found != test.found {
			t.Errorf("%q: got %s, %v, expected %s, %v", test.in, got, found, test.want, test.found)
		}
		decoded, err := jsonpointer.Decode([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := p.Find(decoded); ok != test.found {
			t.Errorf("%q: raw and find do not agree", test.in)
		}
	}
	for _, bad := range []string{"a", "#/a", "/a~", "/a~2"} {
		if _, err := jsonpointer.Parse(bad); err == nil {
			t.Errorf("%q was accepted as a pointer", bad)
		}
	}
}

func TestNextLink(t *testing.T) {
	for _, test := range []struct {
		headers []string
		want    string
	}{
		{[]string{`<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last"`}, "https://a/x?page=2"},
		{[]string{`<https://a/x?page=1>; rel="prev"`, `</x?a=1,2;b>; title="a, \"b\"; rel=no"; rel="last next"`}, "/x?a=1,2;b"},
		{[]string{`</x>;REL=Next`}, "/x"},
		{[]string{`</x>; rel=prev; rel=next`}, ""},
		{[]string{`</x>; title="rel=next"`}, ""},
		{[]string{`<broken; rel=next`}, ""},
		{nil, ""},
	} {
		if got := nextLink(http.Header{"Link": test.headers}); got != test.want {
			t.Errorf("%q: got %q, expected %q", test.headers, got, test.want)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	for _, s := range []string{`<a>; rel="next"`, `<a>;;;`, `<a>; x="\`, `<`, `,,<a>;rel=`, `<a>;=,`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if target := nextLink(http.Header{"Link": {s}}); !strings.Contains(s, target) {
			t.Errorf("%q is not in %q", target, s)
		}
	})
}
