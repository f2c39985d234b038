package formats

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// schemaInstance is the namespace of xsi:nil.
const schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

// xmlDecoder streams the elements at one path.
type xmlDecoder struct {
	in      *meter
	decoder *xml.Decoder
	file    string
	o       XMLOptions
	max     int64
	record  []string
	arrays  xmlPaths
	objects xmlPaths
	open    []string // elements around the records
	rooted  bool
	index   int
}

func newXMLDecoder(r *bufio.Reader, file string, o Options) Decoder {
	in := &meter{r: r}
	d := &xmlDecoder{in: in, decoder: xml.NewDecoder(in), file: file, o: o.XML, max: o.MaxRecord, arrays: newXMLPaths(o.XML.Arrays), objects: newXMLPaths(o.XML.Objects)}
	if o.XML.Record != "" {
		d.record = strings.Split(strings.Trim(o.XML.Record, "/"), "/")
	}
	utf8 := o.Encoding == "utf-8"
	d.decoder.CharsetReader = func(label string, input io.Reader) (io.Reader, error) {
		if !utf8 {
			return input, nil // the configuration decided, and it was decoded
		}
		charset, err := codec(strings.ToLower(label))
		if err != nil || charset == nil {
			return nil, fmt.Errorf("the document declares the encoding %s; set encoding to one of utf-8, latin1, windows-1252, utf-16", label)
		}
		return charset.NewDecoder().Reader(input), nil
	}
	return d
}

// xmlPaths are the elements that the configuration names: by their whole path
// below the record, or with // by the end of it.
type xmlPaths struct {
	whole map[string]bool
	ends  map[string][]string // by the element's own name, each with a leading /
}

func newXMLPaths(paths []string) xmlPaths {
	out := xmlPaths{whole: map[string]bool{}, ends: map[string][]string{}}
	for _, p := range paths {
		if end, anywhere := strings.CutPrefix(p, "//"); anywhere {
			name := end[strings.LastIndexByte(end, '/')+1:]
			out.ends[name] = append(out.ends[name], "/"+end)
			continue
		}
		out.whole[strings.Trim(p, "/")] = true
	}
	return out
}

// has tells whether the element called name at path is named.
func (x xmlPaths) has(path, name string) bool {
	if x.whole[path] {
		return true
	}
	for _, end := range x.ends[name] {
		if path == end[1:] || strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

// meter stops a token that grows without end.
type meter struct {
	r     *bufio.Reader
	total int64
	limit int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.limit > 0 && m.total >= m.limit {
		return 0, errTooLong
	}
	n, err := m.r.Read(p)
	m.total += int64(n)
	return n, err
}

// ReadByte implements io.ByteReader, which keeps the decoder from reading
// ahead.
func (m *meter) ReadByte() (byte, error) {
	if m.limit > 0 && m.total >= m.limit {
		return 0, errTooLong
	}
	b, err := m.r.ReadByte()
	if err == nil {
		m.total++
	}
	return b, err
}

// Next implements Decoder.
func (d *xmlDecoder) Next() (Record, error) {
	for {
		line, _ := d.decoder.InputPos()
		offset := d.decoder.InputOffset()
		token, err := d.token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return Record{}, d.end()
			}
			return Record{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(d.open) == 0 && d.rooted {
				return Record{}, d.fail("a second root element <%s>", t.Name.Local)
			}
			d.rooted = true
			if err := d.checkRoot(t); err != nil {
				return Record{}, err
			}
			if d.isRecord(t) {
				return d.read(t, line, offset)
			}
			d.open = append(d.open, t.Name.Local)
		case xml.EndElement:
			d.open = d.open[:len(d.open)-1]
		}
	}
}

// token reads the next token within the limits and refuses what can expand.
func (d *xmlDecoder) token() (xml.Token, error) {
	d.in.limit = d.in.total + d.max
	token, err := d.decoder.Token()
	if err != nil {
		return nil, d.syntax(err)
	}
	if directive, is := token.(xml.Directive); is && bytes.Contains(directive, []byte("[")) {
		return nil, d.fail("the document type declares entities; they are refused because they can expand without end or read files")
	}
	return token, nil
}

func (d *xmlDecoder) checkRoot(t xml.StartElement) error {
	if len(d.open) > 0 || len(d.record) == 0 || d.record[0] == t.Name.Local {
		return nil
	}
	return d.fail("the root element is <%s>; xml.record expects <%s>", t.Name.Local, d.record[0])
}

func (d *xmlDecoder) isRecord(t xml.StartElement) bool {
	if len(d.record) == 0 {
		return len(d.open) == 0
	}
	if len(d.open) != len(d.record)-1 || d.record[len(d.open)] != t.Name.Local {
		return false
	}
	for i, name := range d.open {
		if d.record[i] != name {
			return false
		}
	}
	return true
}

func (d *xmlDecoder) end() error {
	if !d.rooted {
		return d.fail("the document is empty: there is no root element")
	}
	return io.EOF
}

func (d *xmlDecoder) read(start xml.StartElement, line int, offset int64) (Record, error) {
	limit := d.decoder.InputOffset() + d.max
	doc, err := d.element(start, "", len(d.open)+1, limit)
	if err != nil {
		return Record{}, err
	}
	if doc[0] != '{' {
		out := appendMember([]byte{'{'}, "#text", doc)
		doc = append(out, '}')
	}
	rec := Record{JSON: doc, Index: d.index, Line: line, Offset: offset}
	d.index++
	return rec, nil
}

// element turns one element into JSON: an object when it has attributes or
// children, null for xsi:nil, otherwise its text.
func (d *xmlDecoder) element(start xml.StartElement, at string, depth int, limit int64) ([]byte, error) {
	if depth > d.o.MaxDepth {
		return nil, d.fail("<%s> is nested deeper than xml.maxDepth, %d", start.Name.Local, d.o.MaxDepth)
	}
	members := &xmlMembers{values: map[string][]byte{}}
	isNil := false
	for _, attribute := range start.Attr {
		switch {
		case attribute.Name.Space == "xmlns" || attribute.Name.Local == "xmlns":
		case attribute.Name.Space == schemaInstance && attribute.Name.Local == "nil":
			isNil = attribute.Value == "true" || attribute.Value == "1"
		default:
			members.set("@"+attribute.Name.Local, appendString(nil, attribute.Value))
		}
	}
	var text strings.Builder
	for {
		token, err := d.token()
		if errors.Is(err, io.EOF) {
			err = d.fail("the document ends inside <%s>", start.Name.Local)
		}
		if err != nil {
			return nil, err
		}
		if d.decoder.InputOffset() > limit {
			return nil, d.fail("record %d is longer than maxRecord, %d bytes", d.index, d.max)
		}
		switch t := token.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			path := strings.TrimPrefix(at+"/"+t.Name.Local, "/")
			value, err := d.element(t, path, depth+1, limit)
			if err != nil {
				return nil, err
			}
			if !members.add(t.Name.Local, value, d.arrays.has(path, t.Name.Local)) {
				return nil, d.fail("<%s> comes more than once; add %s to xml.arrays", t.Name.Local, path)
			}
		case xml.EndElement:
			return d.close(members, text.String(), isNil, d.objects.has(at, start.Name.Local)), nil
		}
	}
}

func (d *xmlDecoder) close(members *xmlMembers, text string, isNil, object bool) []byte {
	trimmed := strings.TrimSpace(text)
	switch {
	case isNil && len(members.names) == 0:
		return []byte("null")
	case len(members.names) == 0 && !object:
		return appendString(nil, trimmed)
	case trimmed != "" || object && !members.nested:
		members.set("#text", appendString(nil, trimmed))
	}
	return members.json()
}

// xmlMembers are an element's attributes and children in document order.
type xmlMembers struct {
	names  []string
	values map[string][]byte
	array  map[string]bool
	nested bool
}

func (m *xmlMembers) set(name string, value []byte) {
	m.names = append(m.names, name)
	m.values[name] = value
}

// add takes a child and reports false when it repeats without being an array.
func (m *xmlMembers) add(name string, value []byte, array bool) bool {
	m.nested = true
	earlier, repeated := m.values[name]
	switch {
	case !repeated && array:
		if m.array == nil {
			m.array = map[string]bool{}
		}
		m.array[name] = true
		m.set(name, append([]byte{'['}, value...))
	case !repeated:
		m.set(name, value)
	case array:
		m.values[name] = append(append(earlier, ','), value...)
	default:
		return false
	}
	return true
}

func (m *xmlMembers) json() []byte {
	out := []byte{'{'}
	for _, name := range m.names {
		value := m.values[name]
		if m.array[name] {
			value = append(value, ']')
		}
		out = appendMember(out, name, value)
	}
	return append(out, '}')
}

func (d *xmlDecoder) fail(format string, args ...any) *Error {
	line, col := d.decoder.InputPos()
	return &Error{File: d.file, Line: line, Col: col, Offset: d.decoder.InputOffset(), Reason: fmt.Sprintf(format, args...), Index: d.index}
}

func (d *xmlDecoder) syntax(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return err
	case errors.Is(err, errTooLong):
		return d.fail("a single piece of the document is longer than maxRecord, %d bytes", d.max)
	case errors.As(err, &syntax):
		return d.fail("%s", syntax.Msg)
	case strings.HasPrefix(err.Error(), "xml: "):
		return d.fail("%s", strings.TrimPrefix(err.Error(), "xml: "))
	default:
		return err
	}
}
