package formats

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// ndjsonDecoder reads one document per line.
type ndjsonDecoder struct {
	lines *lines
	index int
}

func newNDJSONDecoder(r *bufio.Reader, file string, o Options) Decoder {
	return &ndjsonDecoder{lines: &lines{r: r, file: file, max: o.MaxRecord}}
}

// Next implements Decoder.
func (d *ndjsonDecoder) Next() (Record, error) {
	line, err := d.lines.read()
	for err == nil && len(bytes.TrimSpace(line)) == 0 {
		line, err = d.lines.read()
	}
	if err != nil && !errors.Is(err, errTooLong) {
		return Record{}, err
	}
	index := d.index
	d.index++
	if err != nil {
		broken := d.lines.fail(line, 0, "the line is longer than maxRecord, %d bytes", d.lines.max)
		broken.Index = index
		return Record{}, broken
	}
	if broken := d.check(line); broken != nil {
		broken.Index = index
		return Record{}, broken
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, line); err != nil {
		return Record{}, err
	}
	return Record{JSON: compact.Bytes(), Index: index, Line: d.lines.number, Offset: d.lines.start}, nil
}

func (d *ndjsonDecoder) check(line []byte) *Error {
	if broken := d.lines.checkText(line); broken != nil {
		return broken
	}
	var value json.RawMessage
	err := json.Unmarshal(line, &value)
	if err == nil {
		return nil
	}
	at := len(line)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset > 0 {
		at = min(int(syntax.Offset)-1, len(line))
	}
	return d.lines.fail(line, utf8.RuneCount(line[:at]), "%v", err)
}

// ndjsonEncoder writes one document per line.
type ndjsonEncoder struct {
	w     io.Writer
	count int
}

// Encode implements Encoder.
func (e *ndjsonEncoder) Encode(doc []byte) error {
	var line bytes.Buffer
	if err := json.Compact(&line, doc); err != nil {
		return &Error{Reason: "the document is not JSON: " + err.Error(), Index: e.count}
	}
	e.count++
	line.WriteByte('\n')
	_, err := e.w.Write(line.Bytes())
	return err
}

// Close implements Encoder.
func (e *ndjsonEncoder) Close() error { return nil }
