// Package jsonpointer finds values in JSON documents by their place, as RFC 6901
// writes it: /lines/0/sku is the sku of the first line, and in a name that
// itself has a slash or a tilde these are written ~1 and ~0.
//
// Connectors use it wherever a configuration names a part of somebody else's
// document. A pointer is parsed once, when the configuration is checked, and
// walks either a decoded document ([Pointer.Find]) or the bytes as they came
// ([Pointer.Raw]). [Decode] and [Text] keep the digits of numbers: an order
// number of twenty digits is still the same number behind them.
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

// Must is Parse for a configuration that was checked before. Of a text that is
// no pointer it makes one that finds nothing in an ordinary document.
func Must(s string) Pointer {
	p, err := Parse(s)
	if err != nil {
		// Unreachable behind a check; it must not become the whole document.
		return Pointer{s}
	}
	return p
}

// String is the pointer as RFC 6901 writes it; Parse reads it back.
func (p Pointer) String() string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, t := range p {
		b.WriteByte('/')
		b.WriteString(escape.Replace(t))
	}
	return b.String()
}

// Find walks a document that Decode or encoding/json made; false when there is
// nothing at that place. A null that is there is found.
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

// Text is the text of a string, a number (its digits) or a boolean; false for
// null, lists, objects and what Find did not find.
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

// Decode reads one JSON document with its numbers as written (json.Number). Its
// errors tell the line and column, both from 1, and say "it" of the document:
// the caller puts before them what it is, such as "the answer is no JSON: %w".
func Decode(doc []byte) (any, error) {
	if !utf8.Valid(doc) {
		return nil, errors.New("it is not UTF-8")
	}
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, errors.New("it is empty")
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, positioned(doc, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it goes on after the end of the document, at %s", place(doc, d.InputOffset()))
	}
	return v, nil
}

func positioned(doc []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%w at %s", err, place(doc, syntax.Offset))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends too early, at %s", place(doc, int64(len(doc))))
	}
	return err
}

func place(doc []byte, offset int64) string {
	before := doc[:max(0, min(offset, int64(len(doc))))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, column %d", line, len(before)-bytes.LastIndexByte(before, '\n'))
}
