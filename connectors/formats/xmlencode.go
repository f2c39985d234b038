package formats

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// xmlEncoder writes records as elements inside the elements of their path.
type xmlEncoder struct {
	w       io.Writer
	path    []string
	docType string
	attrs   map[string]string
	begun   bool
	count   int
}

func newXMLEncoder(w io.Writer, o XMLOptions) Encoder {
	return &xmlEncoder{w: w, path: strings.Split(strings.Trim(o.Record, "/"), "/"), docType: o.DocType, attrs: o.RootAttributes}
}

// Encode implements Encoder.
func (e *xmlEncoder) Encode(doc []byte) error {
	var out bytes.Buffer
	if e.begun && len(e.path) == 1 {
		return &Error{Reason: "an XML file has one root: a second record needs a path such as Orders/Order in xml.record", Index: e.count}
	}
	e.begin(&out)
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	name := e.path[len(e.path)-1]
	attrs := ""
	if len(e.path) == 1 {
		attrs = e.rootAttributes()
	}
	if err := e.value(&out, decoder, name, attrs, 0); err != nil {
		return &Error{Reason: err.Error(), Index: e.count}
	}
	out.WriteByte('\n')
	e.count++
	_, err := e.w.Write(out.Bytes())
	return err
}

func (e *xmlEncoder) begin(out *bytes.Buffer) {
	if e.begun {
		return
	}
	e.begun = true
	out.WriteString(xml.Header)
	if e.docType != "" {
		fmt.Fprintf(out, "<!DOCTYPE %s>\n", e.docType)
	}
	for i, name := range e.path[:len(e.path)-1] {
		attrs := ""
		if i == 0 {
			attrs = e.rootAttributes()
		}
		fmt.Fprintf(out, "<%s%s>\n", name, attrs)
	}
}

func (e *xmlEncoder) rootAttributes() string {
	names := make([]string, 0, len(e.attrs))
	for name := range e.attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(" " + name + `="` + escape(e.attrs[name]) + `"`)
	}
	return b.String()
}

// Close implements Encoder.
func (e *xmlEncoder) Close() error {
	var out bytes.Buffer
	e.begin(&out)
	for _, name := range slices.Backward(e.path[:len(e.path)-1]) {
		fmt.Fprintf(&out, "</%s>\n", name)
	}
	_, err := e.w.Write(out.Bytes())
	return err
}

const maxEncodeDepth = 256

// value writes the next JSON value as an element, an array as several.
func (e *xmlEncoder) value(out *bytes.Buffer, in *json.Decoder, name, attrs string, depth int) error {
	if depth > maxEncodeDepth {
		return fmt.Errorf("the document is nested deeper than %d", maxEncodeDepth)
	}
	if err := checkElement(name); err != nil {
		return err
	}
	token, err := in.Token()
	if err != nil {
		return fmt.Errorf("the document is not JSON: %w", err)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			for in.More() {
				if err := e.value(out, in, name, attrs, depth+1); err != nil {
					return err
				}
			}
			_, err := in.Token()
			return err
		}
		return e.object(out, in, name, attrs, depth)
	case nil:
		fmt.Fprintf(out, "<%s%s/>", name, attrs)
	default:
		fmt.Fprintf(out, "<%s%s>%s</%s>", name, attrs, escape(fmt.Sprint(t)), name)
	}
	return nil
}

// object writes an element: members that begin with @ are attributes,
// wherever they stand.
func (e *xmlEncoder) object(out *bytes.Buffer, in *json.Decoder, name, attrs string, depth int) error {
	var inner bytes.Buffer
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return err
		}
		member, _ := key.(string)
		if member != "#text" && !strings.HasPrefix(member, "@") {
			if err := e.value(&inner, in, member, "", depth+1); err != nil {
				return err
			}
			continue
		}
		value, err := in.Token()
		if err != nil {
			return err
		}
		if _, nested := value.(json.Delim); nested {
			return fmt.Errorf("%s of <%s> is not a plain value", member, name)
		}
		switch {
		case value == nil:
		case member == "#text":
			inner.WriteString(escape(fmt.Sprint(value)))
		default:
			if err := checkElement(member[1:]); err != nil {
				return err
			}
			attrs += " " + member[1:] + `="` + escape(fmt.Sprint(value)) + `"`
		}
	}
	if _, err := in.Token(); err != nil {
		return err
	}
	fmt.Fprintf(out, "<%s%s>%s</%s>", name, attrs, inner.String(), name)
	return nil
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // into memory
	return b.String()
}

// checkElement refuses names that would break the document.
func checkElement(name string) error {
	valid := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && r != ':' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r < 0xC0
	})
	if !valid || strings.ContainsRune("0123456789-.", rune(name[0])) {
		return errors.New("the member " + fmt.Sprintf("%q", name) + " cannot be the name of an XML element")
	}
	return nil
}
