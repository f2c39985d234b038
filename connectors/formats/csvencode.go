package formats

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// fieldList is a flat JSON object in its own order.
type fieldList struct {
	names  []string
	values map[string]string
	rows   []fieldList // the array rows, when there is one
}

func (f fieldList) text(name string) string { return f.values[name] }

// unknown names a field that is not among the known ones.
func (f fieldList) unknown(known map[string]bool) string {
	for _, name := range f.names {
		if !known[name] {
			return name
		}
	}
	return ""
}

func quoted(s string) string { return strconv.Quote(s) }

// flatten reads an object of plain values.
func flatten(doc []byte) (fieldList, error) { return flattenRows(doc, false) }

func flattenRows(doc []byte, rows bool) (fieldList, error) {
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	fields := fieldList{values: map[string]string{}}
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return fields, errors.New("the document is not a JSON object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return fields, fmt.Errorf("the document is not JSON: %w", err)
		}
		name, _ := key.(string)
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return fields, fmt.Errorf("the document is not JSON: %w", err)
		}
		if rows && name == rowsField {
			if fields.rows, err = flattenArray(raw); err != nil {
				return fields, err
			}
			continue
		}
		if _, twice := fields.values[name]; twice {
			return fields, fmt.Errorf("the field %s comes twice", name)
		}
		value, err := plain(raw)
		if err != nil {
			return fields, fmt.Errorf("the field %s %w", name, err)
		}
		fields.names = append(fields.names, name)
		fields.values[name] = value
	}
	return fields, nil
}

func flattenArray(raw json.RawMessage) ([]fieldList, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("%s is not an array of objects", rowsField)
	}
	out := make([]fieldList, 0, len(items))
	for i, item := range items {
		fields, err := flatten(item)
		if err != nil {
			return nil, fmt.Errorf("%s/%d: %w", rowsField, i, err)
		}
		out = append(out, fields)
	}
	return out, nil
}

// plain gives the text of a value; null is empty.
func plain(raw json.RawMessage) (string, error) {
	switch raw[0] {
	case '{', '[':
		return "", errors.New("is nested; a line holds plain values only: flatten it in the mapping")
	case 'n':
		return "", nil
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	}
	return string(raw), nil
}

// csvEncoder writes one line per document, or per row of a grouped one.
type csvEncoder struct {
	w       io.Writer
	o       CSVOptions
	columns []string
	known   map[string]bool
	begun   bool
	count   int
}

func newCSVEncoder(w io.Writer, o CSVOptions) Encoder {
	return &csvEncoder{w: w, o: o, columns: o.Columns}
}

// Encode implements Encoder.
func (e *csvEncoder) Encode(doc []byte) error {
	fields, err := flattenRows(doc, e.o.GroupBy != "")
	if err != nil {
		return &Error{Reason: err.Error(), Index: e.count}
	}
	lines := []fieldList{fields}
	if e.o.GroupBy != "" {
		lines = fields.spread()
	}
	var out strings.Builder
	for _, line := range lines {
		if err := e.line(&out, line); err != nil {
			return &Error{Reason: err.Error(), Index: e.count}
		}
	}
	e.count++
	_, err = io.WriteString(e.w, out.String())
	return err
}

// spread repeats the fields of the group in each of its rows; a row's own
// value wins.
func (f fieldList) spread() []fieldList {
	out := make([]fieldList, 0, len(f.rows))
	for _, r := range f.rows {
		line := fieldList{names: append([]string{}, f.names...), values: map[string]string{}}
		for name, value := range f.values {
			line.values[name] = value
		}
		for _, name := range r.names {
			if _, lifted := line.values[name]; !lifted {
				line.names = append(line.names, name)
			}
			line.values[name] = r.values[name]
		}
		out = append(out, line)
	}
	return out
}

func (e *csvEncoder) line(out *strings.Builder, fields fieldList) error {
	if !e.begun {
		if len(e.columns) == 0 {
			e.columns = fields.names
		}
		e.known = map[string]bool{}
		for _, name := range e.columns {
			e.known[name] = true
		}
		e.header(out)
	}
	if name := fields.unknown(e.known); name != "" {
		return fmt.Errorf("the field %s has no column; add it to csv.columns, or leave it out in the mapping", name)
	}
	for i, name := range e.columns {
		if err := e.cell(out, i, fields.text(name)); err != nil {
			return fmt.Errorf("the field %s: %w", name, err)
		}
	}
	out.WriteString(lineEnd(e.o.LineEnd))
	return nil
}

func (e *csvEncoder) header(out *strings.Builder) {
	e.begun = true
	if e.o.NoHeader {
		return
	}
	for i, name := range e.columns {
		_ = e.cell(out, i, name) // names were read from CSV or configuration
	}
	out.WriteString(lineEnd(e.o.LineEnd))
}

// cell writes a value, quoted when it must be.
func (e *csvEncoder) cell(out *strings.Builder, i int, value string) error {
	if i > 0 {
		out.WriteString(e.o.Delimiter)
	}
	special := strings.ContainsAny(value, "\r\n") || strings.Contains(value, e.o.Delimiter)
	if e.o.Quote == "none" {
		if special {
			return fmt.Errorf("the value %q contains the delimiter or a line end, and csv.quote is none", value)
		}
		out.WriteString(value)
		return nil
	}
	// A line of one empty cell would be an empty line, which readers skip.
	only := value == "" && len(e.columns) == 1
	blanks := value != strings.TrimSpace(value)
	if special || only || blanks || strings.Contains(value, e.o.Quote) {
		value = e.o.Quote + strings.ReplaceAll(value, e.o.Quote, e.o.Quote+e.o.Quote) + e.o.Quote
	}
	out.WriteString(value)
	return nil
}

// Close implements Encoder.
func (e *csvEncoder) Close() error {
	if e.begun || len(e.columns) == 0 {
		return nil
	}
	var out strings.Builder
	e.header(&out)
	_, err := io.WriteString(e.w, out.String())
	return err
}
