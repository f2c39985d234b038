package formats

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// fixedDecoder cuts lines into columns.
type fixedDecoder struct {
	lines   *lines
	o       FixedOptions
	skipped bool
	index   int
}

func newFixedDecoder(r *bufio.Reader, file string, o Options) Decoder {
	return &fixedDecoder{lines: &lines{r: r, file: file, max: o.MaxRecord}, o: o.Fixed}
}

// Next implements Decoder.
func (d *fixedDecoder) Next() (Record, error) {
	for skip := 0; !d.skipped && skip < d.o.SkipLines; skip++ {
		if _, err := d.lines.read(); err != nil && !errors.Is(err, errTooLong) {
			return Record{}, err
		}
	}
	d.skipped = true
	line, err := d.lines.read()
	for err == nil && len(line) == 0 {
		line, err = d.lines.read()
	}
	if err != nil && !errors.Is(err, errTooLong) {
		return Record{}, err
	}
	index := d.index
	d.index++
	var broken *Error
	if err != nil {
		broken = d.lines.fail(line, 0, "the line is longer than maxRecord, %d bytes", d.lines.max)
	} else if broken = d.lines.checkText(line); broken == nil {
		var doc []byte
		if doc, broken = d.cut(line); broken == nil {
			return Record{JSON: doc, Index: index, Line: d.lines.number, Offset: d.lines.start}, nil
		}
	}
	broken.Index = index
	return Record{}, broken
}

// cut takes a line apart and refuses text outside the columns.
func (d *fixedDecoder) cut(line []byte) ([]byte, *Error) {
	chars := []rune(string(line))
	out := []byte{'{'}
	end := 0
	for _, column := range d.o.Columns {
		from, to := column.Start-1, column.Start-1+column.Length
		end = max(end, to)
		if len(chars) < to && !d.o.AllowShort {
			return nil, d.lines.fail(line, len(chars), "the line has %d characters and column %s ends at %d; if trailing blanks are cut off, set fixed.allowShort", len(chars), column.Name, to)
		}
		value := string(chars[min(from, len(chars)):min(to, len(chars))])
		if !column.Keep {
			value = column.strip(value)
		}
		out = appendMember(out, column.Name, appendString(nil, value))
	}
	for i := end; i < len(chars); i++ {
		if chars[i] != ' ' {
			return nil, d.lines.fail(line, i, "text behind the last column, which ends at %d", end)
		}
	}
	return append(out, '}'), nil
}

func (c FixedColumn) pad() string {
	if c.Pad == "" {
		return " "
	}
	return c.Pad
}

// strip removes the padding. A right-aligned value that is padding all over
// keeps one character when that is a digit: 000 is the number 0.
func (c FixedColumn) strip(value string) string {
	pad := c.pad()
	if c.Align != "right" {
		return strings.TrimRight(value, pad)
	}
	stripped := strings.TrimLeft(value, pad)
	if stripped == "" && value != "" && pad >= "0" && pad <= "9" {
		return pad
	}
	return stripped
}

// fixedEncoder writes one line per document.
type fixedEncoder struct {
	w     io.Writer
	o     FixedOptions
	width int
	count int
}

func newFixedEncoder(w io.Writer, o FixedOptions) Encoder {
	e := &fixedEncoder{w: w, o: o}
	for _, column := range o.Columns {
		e.width = max(e.width, column.Start-1+column.Length)
	}
	return e
}

// Encode implements Encoder.
func (e *fixedEncoder) Encode(doc []byte) error {
	fields, err := flatten(doc)
	if err != nil {
		return &Error{Reason: err.Error(), Index: e.count}
	}
	line := []rune(strings.Repeat(" ", e.width))
	known := map[string]bool{}
	for _, column := range e.o.Columns {
		known[column.Name] = true
		value := fields.text(column.Name)
		length := utf8.RuneCountInString(value)
		if length > column.Length {
			return &Error{Reason: "the value " + quoted(value) + " of " + column.Name + " does not fit its column; shorten it in the mapping, or widen the column", Index: e.count}
		}
		if strings.ContainsAny(value, "\r\n") {
			return &Error{Reason: "the value of " + column.Name + " contains a line end", Index: e.count}
		}
		padding := strings.Repeat(column.pad(), column.Length-length)
		if column.Align == "right" {
			value = padding + value
		} else {
			value += padding
		}
		copy(line[column.Start-1:], []rune(value))
	}
	if name := fields.unknown(known); name != "" {
		return &Error{Reason: "the field " + name + " has no column in fixed.columns", Index: e.count}
	}
	e.count++
	_, err = io.WriteString(e.w, string(line)+lineEnd(e.o.LineEnd))
	return err
}

// Close implements Encoder.
func (e *fixedEncoder) Close() error { return nil }

func lineEnd(name string) string {
	if name == "crlf" {
		return "\r\n"
	}
	return "\n"
}
