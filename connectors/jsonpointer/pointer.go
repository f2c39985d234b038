// Package jsonpointer finds values in JSON documents by their place, as RFC 6901
// writes it: /lines/0/sku. Connectors use it wherever a configuration names a
// part of somebody else's document.
package jsonpointer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pointer is a JSON pointer (RFC 6901), unescaped. The empty pointer is the
// whole document.
type Pointer []string

// Parse reads a pointer: empty, or beginning with a slash.
func Parse(s string) (Pointer, error) {
	if s == "" {
		return nil, nil
	}
	if s[0] != '/' {
		return nil, fmt.Errorf("%q is no JSON pointer: it must begin with /, like /order/number", s)
	}
	tokens := strings.Split(s[1:], "/")
	for i, t := range tokens {
		for j := 0; j < len(t); j++ {
			if t[j] == '~' && (j+1 == len(t) || (t[j+1] != '0' && t[j+1] != '1')) {
				return nil, fmt.Errorf("%q is no JSON pointer: ~ must be written ~0", s)
			}
		}
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

// Must is for configurations that validate has accepted.
func Must(s string) Pointer {
	p, err := Parse(s)
	if err != nil {
		// Open runs only after validate, so this is unreachable for users; an
		// impossible path finds nothing instead of the whole document.
		return Pointer{s}
	}
	return p
}

// Find walks a decoded document.
func (p Pointer) Find(doc any) (any, bool) {
	for _, t := range p {
		switch v := doc.(type) {
		case map[string]any:
			next, ok := v[t]
			if !ok {
				return nil, false
			}
			doc = next
		case []any:
			i, ok := index(t, len(v))
			if !ok {
				return nil, false
			}
			doc = v[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

// Raw finds a part of a document as it was written: numbers keep their digits.
func (p Pointer) Raw(doc json.RawMessage) (json.RawMessage, bool) {
	for _, t := range p {
		switch FirstByte(doc) {
		case '{':
			var m map[string]json.RawMessage
			if json.Unmarshal(doc, &m) != nil {
				return nil, false
			}
			next, ok := m[t]
			if !ok {
				return nil, false
			}
			doc = next
		case '[':
			var a []json.RawMessage
			if json.Unmarshal(doc, &a) != nil {
				return nil, false
			}
			i, ok := index(t, len(a))
			if !ok {
				return nil, false
			}
			doc = a[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

// FirstByte is the first byte of a JSON value after white space, which tells its
// kind; 0 when there is none.
func FirstByte(doc []byte) byte {
	doc = bytes.TrimLeft(doc, " \t\r\n")
	if len(doc) == 0 {
		return 0
	}
	return doc[0]
}

// index reads an array index, which has no leading zeros (RFC 6901, 4).
func index(t string, n int) (int, bool) {
	if t == "" || (len(t) > 1 && t[0] == '0') || t[0] == '+' || t[0] == '-' {
		return 0, false
	}
	i, err := strconv.Atoi(t)
	return i, err == nil && i < n
}

// Text is the text of a string, number or boolean.
func Text(v any) (string, bool) {
	switch s := v.(type) {
	case string:
		return s, true
	case json.Number:
		return s.String(), true
	case bool:
		return strconv.FormatBool(s), true
	}
	return "", false
}

// Decode reads one JSON document with its numbers as written. Its errors tell
// the line and column.
func Decode(doc []byte) (any, error) {
	if !utf8.Valid(doc) {
		return nil, errors.New("the body is not UTF-8")
	}
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, errors.New("the body is empty; expected a JSON document")
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, positioned(doc, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the body goes on after the end of the JSON document, at %s", place(doc, d.InputOffset()))
	}
	return v, nil
}

func positioned(doc []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("the body is no JSON: %w at %s", err, place(doc, syntax.Offset))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the body is no JSON: it ends too early, at %s", place(doc, int64(len(doc))))
	}
	return fmt.Errorf("the body is no JSON: %w", err)
}

func place(doc []byte, offset int64) string {
	before := doc[:max(0, min(offset, int64(len(doc))))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n'))
}
