package formats

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// csvDecoder reads RFC 4180 with a free delimiter and quote. encoding/csv has
// neither a bound for a quote that is never closed nor another quote, which is
// why it is not used.
type csvDecoder struct {
	lines   *lines
	o       CSVOptions
	columns []string
	index   int
	group   *group
}

func newCSVDecoder(r *bufio.Reader, file string, o Options) Decoder {
	d := &csvDecoder{lines: &lines{r: r, file: file, max: o.MaxRecord}, o: o.CSV}
	if o.CSV.GroupBy != "" {
		d.group = &group{seen: map[string]int{}}
	}
	return d
}

// row is one line, or several when quoted cells contain line ends.
type row struct {
	cells  []string
	cols   []int // where each cell begins
	line   int
	offset int64
	raw    []byte
}

// Next implements Decoder.
func (d *csvDecoder) Next() (Record, error) {
	if d.columns == nil {
		if err := d.begin(); err != nil {
			return Record{}, err
		}
	}
	if d.group != nil {
		return d.nextGroup()
	}
	r, err := d.data()
	if err != nil {
		return Record{}, err
	}
	rec := Record{JSON: d.object(r), Index: d.index, Line: r.line, Offset: r.offset}
	d.index++
	return rec, nil
}

// begin skips lines and reads the header.
func (d *csvDecoder) begin() error {
	for range d.o.SkipLines {
		if _, err := d.lines.read(); err != nil && !errors.Is(err, errTooLong) {
			return err
		}
	}
	columns := d.o.Columns
	if len(columns) == 0 {
		header, err := d.row()
		if err != nil {
			var broken *Error
			if errors.As(err, &broken) {
				broken.Row = false // without a header no row means anything
			}
			return err
		}
		columns = header.cells
		for i, name := range columns {
			columns[i] = strings.TrimSpace(name)
			if columns[i] == "" {
				return d.at(header, i, false, "column %d of the header has no name; give the names with csv.columns and csv.skipLines: 1", i+1)
			}
		}
		if name, twice := repeated(columns); twice {
			return d.at(header, indexOf(columns, name), false, "the header names the column %q twice; give other names with csv.columns and csv.skipLines: 1", name)
		}
		for _, name := range append([]string{d.o.GroupBy}, d.o.GroupColumns...) {
			if name != "" && indexOf(columns, name) < 0 {
				return d.at(header, 0, false, "the column %q to group by is not in the header: %s", name, strings.Join(columns, ", "))
			}
		}
	}
	d.columns = columns
	return nil
}

// at makes an error at the beginning of a cell.
func (d *csvDecoder) at(r row, cell int, recoverable bool, format string, args ...any) *Error {
	err := d.lines.fail(nil, 0, format, args...)
	err.Line, err.Offset, err.Row, err.Content = r.line, r.offset, recoverable, r.raw
	err.Col = 0 // behind the last cell
	if cell < len(r.cols) {
		err.Col = r.cols[cell]
	}
	return err
}

// data reads a row that has a cell for every column.
func (d *csvDecoder) data() (row, error) {
	r, err := d.row()
	var broken *Error
	if errors.As(err, &broken) {
		broken.Index = d.index
		d.index++
	}
	if err != nil {
		return row{}, err
	}
	if len(r.cells) != len(d.columns) {
		broken := d.at(r, min(len(r.cells), len(d.columns)), true, "the row has %d cells and there are %d columns (%s)", len(r.cells), len(d.columns), strings.Join(d.columns, ", "))
		broken.Index = d.index
		d.index++
		return row{}, broken
	}
	return r, nil
}

// row reads the cells of the next line that is not empty.
func (d *csvDecoder) row() (row, error) {
	line, err := d.lines.read()
	for err == nil && len(line) == 0 {
		line, err = d.lines.read()
	}
	if errors.Is(err, errTooLong) {
		return row{}, d.lines.fail(line, 0, "the line is longer than maxRecord, %d bytes", d.lines.max)
	}
	if err != nil {
		return row{}, err
	}
	if bad := d.lines.checkText(line); bad != nil {
		return row{}, bad
	}
	r := row{line: d.lines.number, offset: d.lines.start, raw: line}
	rest := line
	for {
		r.cols = append(r.cols, utf8.RuneCount(line[:len(line)-len(rest)])+1)
		cell, after, more, err := d.cell(&r, &line, rest)
		if err != nil {
			return row{}, err
		}
		r.cells = append(r.cells, cell)
		if !more {
			return r, nil
		}
		rest = after
	}
}

// cell reads one cell from rest, the end of *line, and tells whether another
// follows. A quoted cell may replace *line by a later one.
func (d *csvDecoder) cell(r *row, line *[]byte, rest []byte) (cell string, after []byte, more bool, err error) {
	delimiter, quote := []byte(d.o.Delimiter), []byte(d.o.Quote)
	content := rest
	if d.o.Trim && d.o.Delimiter != "\t" {
		content = bytes.TrimLeft(rest, " \t")
	}
	if d.o.Quote != "none" && bytes.HasPrefix(content, quote) {
		return d.quoted(r, line, content[len(quote):])
	}
	if before, behind, found := bytes.Cut(rest, delimiter); found {
		content, after, more = before, behind, true
	} else {
		content = rest
	}
	if d.o.Quote != "none" {
		if at := bytes.Index(content, quote); at >= 0 {
			char := utf8.RuneCount((*line)[:len(*line)-len(rest)+at])
			return "", nil, false, d.lines.fail(*line, char, "a quote %s inside a cell that does not begin with one; quote the whole cell and double the quotes in it, or set csv.quote: none", d.o.Quote)
		}
	}
	if d.o.Trim {
		content = bytes.TrimSpace(content)
	}
	return string(content), after, more, nil
}

// quoted reads up to the closing quote, over line ends if need be.
func (d *csvDecoder) quoted(r *row, line *[]byte, rest []byte) (cell string, after []byte, more bool, err error) {
	quote, delimiter := []byte(d.o.Quote), []byte(d.o.Delimiter)
	opened := d.lines.fail(*line, utf8.RuneCount((*line)[:len(*line)-len(rest)])-1, "the quote opened here is never closed")
	var text []byte
	for {
		part, behind, closed := bytes.Cut(rest, quote)
		text = append(text, part...)
		switch {
		case closed && bytes.HasPrefix(behind, quote):
			text = append(text, quote...)
			rest = behind[len(quote):]
			continue
		case closed:
			if d.o.Trim {
				behind = bytes.TrimLeft(behind, " ")
			}
			if len(behind) == 0 {
				return string(text), nil, false, nil
			}
			if !bytes.HasPrefix(behind, delimiter) {
				char := utf8.RuneCount((*line)[:len(*line)-len(behind)])
				return "", nil, false, d.lines.fail(*line, char, "text after a closing quote; double the quotes inside a cell")
			}
			return string(text), behind[len(delimiter):], true, nil
		}
		next, err := d.lines.read()
		if errors.Is(err, io.EOF) || errors.Is(err, errTooLong) || int64(len(r.raw)+len(next)) > d.lines.max {
			if !errors.Is(err, io.EOF) {
				opened.Reason += " within maxRecord"
			}
			opened.Row, opened.Content = false, r.raw
			return "", nil, false, opened
		}
		if err != nil {
			return "", nil, false, err
		}
		if bad := d.lines.checkText(next); bad != nil {
			bad.Row = false // where the row ends cannot be known
			return "", nil, false, bad
		}
		text = append(text, '\n')
		r.raw = append(append(r.raw[:len(r.raw):len(r.raw)], '\n'), next...)
		*line, rest = next, next
	}
}

// object makes the JSON object of a row.
func (d *csvDecoder) object(r row) []byte {
	out := []byte{'{'}
	for i, name := range d.columns {
		if d.o.OmitEmpty && r.cells[i] == "" {
			continue
		}
		out = appendMember(out, name, appendString(nil, r.cells[i]))
	}
	return append(out, '}')
}

func appendMember(out []byte, name string, value []byte) []byte {
	if out[len(out)-1] != '{' {
		out = append(out, ',')
	}
	out = append(appendString(out, name), ':')
	return append(out, value...)
}

// appendString encodes without escaping < > &, which are common in names.
func appendString(out []byte, s string) []byte {
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
	if plain {
		return append(append(append(out, '"'), s...), '"')
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string into memory
	return append(out, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
