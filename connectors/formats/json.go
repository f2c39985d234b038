package formats

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
)

// jsonDecoder streams the elements of one array of a document.
type jsonDecoder struct {
	in      *positions
	decoder *json.Decoder
	file    string
	max     int64
	path    jsonpointer.Pointer
	// topArray says that the document is an array: known by its first byte.
	topArray bool
	started  bool
	inArray  bool
	depth    int // open containers around the array
	index    int
	done     bool
}

func newJSONDecoder(r *bufio.Reader, file string, o Options) Decoder {
	in := &positions{r: r, line: 1}
	beginning, _ := r.Peek(r.Size()) // as much as there is
	d := &jsonDecoder{in: in, decoder: json.NewDecoder(in), file: file, max: o.MaxRecord, path: jsonpointer.Must(o.JSON.Pointer)}
	d.topArray = bytes.HasPrefix(bytes.TrimLeft(beginning, " \t\r\n"), []byte("["))
	return d
}

// Next implements Decoder.
func (d *jsonDecoder) Next() (Record, error) {
	if d.done {
		return Record{}, io.EOF
	}
	if !d.started {
		d.started = true
		if err := d.seek(); err != nil {
			return Record{}, err
		}
	}
	if d.inArray && !d.decoder.More() {
		d.done = true
		return Record{}, d.finish()
	}
	if !d.inArray && d.index > 0 {
		d.done = true
		return Record{}, d.finish()
	}
	return d.value()
}

// value reads one record whole.
func (d *jsonDecoder) value() (Record, error) {
	begin := d.here()
	d.in.limit = begin + d.max + 64<<10 // what the decoder reads ahead
	var raw json.RawMessage
	err := d.decoder.Decode(&raw)
	if errors.Is(err, errTooLong) || int64(len(raw)) > d.max {
		return Record{}, d.fail(d.decoder.InputOffset(), "record %d is longer than maxRecord, %d bytes", d.index, d.max)
	}
	if err != nil {
		return Record{}, d.broken(begin, err)
	}
	d.in.limit = 0
	offset := d.decoder.InputOffset() - int64(len(raw))
	if at := invalidUTF8(raw); at >= 0 {
		return Record{}, d.fail(offset+int64(at), "the byte 0x%02x is not UTF-8 text; JSON must be UTF-8, or set encoding", raw[at])
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return Record{}, d.broken(offset, err)
	}
	line, _ := d.in.locate(offset)
	rec := Record{JSON: compact.Bytes(), Index: d.index, Line: line, Offset: offset}
	d.index++
	d.in.forget(d.decoder.InputOffset())
	return rec, nil
}

// seek moves to the records: into the array the pointer names, or before the
// one value that is the record.
func (d *jsonDecoder) seek() error {
	if len(d.path) == 0 && !d.topArray {
		return nil
	}
	for i := range d.path {
		if err := d.enter(i); err != nil {
			return err
		}
	}
	return d.open('[', "json.pointer must name an array")
}

// open reads the beginning of an array or object.
func (d *jsonDecoder) open(delimiter json.Delim, need string) error {
	token, err := d.decoder.Token()
	if err != nil {
		return d.syntax(err)
	}
	if token != delimiter {
		return d.fail(d.decoder.InputOffset()-1, "expected %s, found %v; %s", delimiter, token, need)
	}
	d.inArray = delimiter == '['
	d.depth++
	return nil
}

// enter opens an object and skips to the value of the pointer's i-th key.
func (d *jsonDecoder) enter(i int) error {
	if err := d.open('{', "json.pointer leads through objects"); err != nil {
		return err
	}
	for d.decoder.More() {
		name, err := d.decoder.Token()
		if err != nil {
			return d.syntax(err)
		}
		if name == d.path[i] {
			return nil
		}
		if err := d.skip(); err != nil {
			return err
		}
	}
	return d.fail(d.decoder.InputOffset(), "there is no %s in the document; json.pointer must name the records", d.path[:i+1])
}

// skip passes over one value without keeping it.
func (d *jsonDecoder) skip() error {
	depth := 0
	for {
		token, err := d.decoder.Token()
		if err != nil {
			return d.syntax(err)
		}
		d.in.forget(d.decoder.InputOffset())
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// finish reads what follows the records: a document that is cut off after
// them is cut off.
func (d *jsonDecoder) finish() error {
	for {
		d.in.forget(d.decoder.InputOffset())
		if d.depth == 0 && d.decoder.More() {
			return d.fail(d.here(), "text after the end of the document; for one document per line set format: ndjson")
		}
		token, err := d.decoder.Token()
		if errors.Is(err, io.EOF) && d.depth == 0 {
			return io.EOF
		}
		if err != nil {
			return d.syntax(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			d.depth++
		case json.Delim('}'), json.Delim(']'):
			d.depth--
		}
	}
}

func (d *jsonDecoder) fail(offset int64, format string, args ...any) *Error {
	line, col := d.in.locate(offset)
	return &Error{File: d.file, Line: line, Col: col, Offset: offset, Reason: fmt.Sprintf(format, args...), Index: d.index}
}

// here is the offset of the next character that says something.
func (d *jsonDecoder) here() int64 {
	offset := d.decoder.InputOffset()
	rest := d.in.from(offset)
	return offset + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n,:")))
}

// broken finds the position of an error inside the value that begins at an
// offset; the library counts from somewhere else.
func (d *jsonDecoder) broken(begin int64, err error) error {
	var inner *json.SyntaxError
	var value json.RawMessage
	if errors.As(err, &inner) && errors.As(json.Unmarshal(d.in.from(begin), &value), &inner) {
		return d.fail(begin+max(inner.Offset-1, 0), "%v", inner)
	}
	return d.syntax(err)
}

// syntax turns the library's error into one with a position.
func (d *jsonDecoder) syntax(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return d.fail(d.here(), "%v", syntax)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return d.fail(d.in.total, "the document ends too early: the file is empty or cut off")
	default:
		return err
	}
}

// positions remembers where lines begin and what was read lately, so that an
// offset can be told as line and column.
type positions struct {
	r      io.Reader
	total  int64
	limit  int64   // reading behind it is refused; 0: none
	starts []int64 // of the lines behind line
	line   int     // the line number of origin
	origin int64
	window []byte // read and not forgotten; it ends at total
}

// Read implements io.Reader.
func (p *positions) Read(b []byte) (int, error) {
	if p.limit > 0 && p.total >= p.limit {
		return 0, errTooLong
	}
	n, err := p.r.Read(b)
	for i, c := range b[:n] {
		if c == '\n' {
			p.starts = append(p.starts, p.total+int64(i)+1)
		}
	}
	p.total += int64(n)
	p.window = append(p.window, b[:n]...)
	return n, err
}

// from gives what was read from an offset on.
func (p *positions) from(offset int64) []byte {
	begin := p.total - int64(len(p.window))
	return p.window[min(max(offset-begin, 0), int64(len(p.window))):]
}

// forget drops what lies before an offset, in large pieces.
func (p *positions) forget(offset int64) {
	if rest := p.from(offset); len(p.window)-len(rest) > 64<<10 {
		p.window = append([]byte(nil), rest...)
	}
}

// locate tells line and column of an offset, which must not lie before that
// of an earlier call: older lines are forgotten. The column counts bytes.
func (p *positions) locate(offset int64) (line, col int) {
	for len(p.starts) > 0 && p.starts[0] <= offset {
		p.origin, p.starts = p.starts[0], p.starts[1:]
		p.line++
	}
	return p.line, int(max(offset-p.origin, 0)) + 1
}

// jsonEncoder writes an array, or the one document.
type jsonEncoder struct {
	w     io.Writer
	array bool
	count int
}

// Encode implements Encoder.
func (e *jsonEncoder) Encode(doc []byte) error {
	if !json.Valid(doc) {
		return &Error{Reason: "the document is not JSON", Index: e.count}
	}
	before := ""
	switch {
	case e.array && e.count == 0:
		before = "[\n"
	case e.array:
		before = ",\n"
	case e.count > 0:
		return &Error{Reason: "a JSON file holds one document unless json.array is true; this is number " + strconv.Itoa(e.count+1), Index: e.count}
	}
	e.count++
	_, err := e.w.Write(append([]byte(before), doc...))
	return err
}

// Close implements Encoder.
func (e *jsonEncoder) Close() error {
	after := "\n"
	switch {
	case e.array && e.count == 0:
		after = "[]\n"
	case e.array:
		after = "\n]\n"
	}
	_, err := io.WriteString(e.w, after)
	return err
}
