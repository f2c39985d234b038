// Package template fills addresses and identities from a record: /orders/{/number}
// takes a value of the document by JSON pointer, {@id}, {@key} and {@meta.name}
// what travels with it. Values are escaped for the place they stand in, so that
// no document can lead a request to another address.
package template

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Template is text with placeholders that are filled from a record: {/pointer}
// from its document, {@id}, {@key} and {@meta.name} from around it.
type Template struct {
	source string
	Parts  []part
}

// part is literal text, or a placeholder when place is set.
type part struct {
	text  string
	place string              // as written, without braces
	Path  jsonpointer.Pointer // of {/pointer}
	query bool                // stands behind the ? of an address
}

// Parse reads "a{/b}c". Braces that belong to no placeholder are errors:
// in an address they are typing mistakes.
func Parse(s string) (Template, error) {
	t := Template{source: s}
	query := false
	for rest := s; rest != ""; {
		open := strings.IndexByte(rest, '{')
		text := rest
		if open >= 0 {
			text = rest[:open]
		}
		if strings.IndexByte(text, '}') >= 0 {
			return Template{}, fmt.Errorf("%q has a } without its {", s)
		}
		query = query || strings.IndexByte(text, '?') >= 0
		if text != "" {
			t.Parts = append(t.Parts, part{text: text})
		}
		if open < 0 {
			break
		}
		end := strings.IndexByte(rest[open:], '}')
		if end < 0 {
			return Template{}, fmt.Errorf("%q has a { without its }", s)
		}
		p, err := parsePlace(rest[open+1 : open+end])
		if err != nil {
			return Template{}, fmt.Errorf("%q: %w", s, err)
		}
		p.query = query
		t.Parts = append(t.Parts, p)
		rest = rest[open+end+1:]
	}
	return t, nil
}

func parsePlace(s string) (part, error) {
	switch {
	case s == "@id", s == "@key", strings.HasPrefix(s, "@meta.") && len(s) > len("@meta."):
		return part{place: s}, nil
	case strings.HasPrefix(s, "/"):
		p, err := jsonpointer.Parse(s)
		return part{place: s, Path: p}, err
	}
	return part{}, fmt.Errorf("{%s} is no placeholder; write {/pointer/into/the/document}, {@id}, {@key} or {@meta.name}", s)
}

// ParseValue reads what a record's id or key is made of: a JSON pointer, or a
// template.
func ParseValue(s string) (Template, error) {
	if strings.HasPrefix(s, "/") && !strings.Contains(s, "{") {
		p, err := jsonpointer.Parse(s)
		return Template{source: s, Parts: []part{{place: s, Path: p}}}, err
	}
	t, err := Parse(s)
	if err == nil && s != "" && !t.Varies() {
		err = fmt.Errorf("%q is the same for every record; write a JSON pointer such as /id", s)
	}
	return t, err
}

// Varies says whether there is any placeholder.
func (t Template) Varies() bool {
	for _, p := range t.Parts {
		if p.place != "" {
			return true
		}
	}
	return false
}

// NeedsDocument says whether a placeholder points into the document.
func (t Template) NeedsDocument() bool {
	for _, p := range t.Parts {
		if p.Path != nil {
			return true
		}
	}
	return false
}

// Fill replaces the placeholders, passing each value through escape. A value
// that is missing, empty, an object or a list is an error: an address with a
// hole in it means another thing.
func (t Template) Fill(doc any, r *sdk.Record, escape func(p part, value string) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.Parts {
		if p.place == "" {
			b.WriteString(p.text)
			continue
		}
		v, err := p.value(doc, r)
		if err == nil && escape != nil {
			v, err = escape(p, v)
		}
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

func (p part) value(doc any, r *sdk.Record) (string, error) {
	var v string
	switch {
	case p.Path != nil:
		found, ok := p.Path.Find(doc)
		if !ok {
			return "", &sdk.Error{Class: sdk.Permanent, Code: "rest.missing", Field: p.place, Message: fmt.Sprintf("the document has nothing at %s", p.place)}
		}
		if v, ok = jsonpointer.Text(found); !ok {
			return "", &sdk.Error{Class: sdk.Permanent, Code: "rest.not_text", Field: p.place, Message: fmt.Sprintf("the document has neither text nor number at %s", p.place)}
		}
	case p.place == "@id":
		v = r.ID
	case p.place == "@key":
		v = r.Key
	default:
		v = r.Meta[strings.TrimPrefix(p.place, "@meta.")]
	}
	if v == "" {
		return "", &sdk.Error{Class: sdk.Permanent, Code: "rest.empty", Field: p.place, Message: fmt.Sprintf("the value at %s is empty", p.place)}
	}
	return v, nil
}

// Address fills an address. A value stays one segment of the path, or one value
// of the query, whatever it contains.
func (t Template) Address(doc any, r *sdk.Record) (string, error) {
	return t.Fill(doc, r, func(p part, v string) (string, error) {
		if p.query {
			return url.QueryEscape(v), nil
		}
		if v == "." || v == ".." {
			return "", &sdk.Error{Class: sdk.Permanent, Code: "rest.path", Field: p.place, Message: fmt.Sprintf("the value %q at %s would leave its place in the address", v, p.place)}
		}
		return url.PathEscape(v), nil
	})
}

// CheckAddress says why a template is no address below base, or nil. The host
// must be literal: documents do not choose whom we talk to.
func CheckAddress(base, s string) error {
	t, err := Parse(s)
	if err != nil {
		return err
	}
	literal := ""
	for i, p := range t.Parts {
		if p.place != "" {
			if i == 0 || (strings.Contains(literal, "://") && strings.Count(literal, "/") < 3) {
				return fmt.Errorf("%q: a placeholder may stand in the path and in the query only", s)
			}
			literal += "x"
			continue
		}
		literal += p.text
	}
	_, err = Resolve(base, literal)
	return err
}

// Resolve makes an absolute address. A path goes below the base's own path, so
// that base https://shop.example/api and url /orders give /api/orders.
func Resolve(base, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%q is no address", s)
	}
	if !u.IsAbs() {
		if base == "" {
			return nil, fmt.Errorf("%q is no complete address; write https://host/path, or set base", s)
		}
		b := strings.TrimRight(base, "/")
		if s != "" && s[0] != '/' && s[0] != '?' {
			b += "/"
		}
		if u, err = url.Parse(b + s); err != nil {
			return nil, fmt.Errorf("%q is no address", b+s)
		}
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%q is no HTTP address; write https://host/path", s)
	}
	if u.User != nil {
		return nil, fmt.Errorf("the address on %s holds a user and password; put them under auth: {kind: basic, user: ..., password: ...}", u.Host)
	}
	u.Fragment = ""
	return u, nil
}
