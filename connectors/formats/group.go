package formats

import (
	"bytes"
	"errors"
	"io"
)

// group is the state of a CSV decoder that joins consecutive rows.
type group struct {
	ahead *row           // read, belongs to the next group
	seen  map[string]int // values whose group is complete, and its line
	ended bool
}

const rowsField = "rows"

// nextGroup joins the rows that share the value of the groupBy column. A
// broken row cannot be told to belong to a group, and leaving it out would
// make a receipt with an article missing; so it breaks the file.
func (d *csvDecoder) nextGroup() (Record, error) {
	first, err := d.groupRow()
	if err != nil {
		return Record{}, err
	}
	by := indexOf(d.columns, d.o.GroupBy)
	value := first.cells[by]
	if line, before := d.group.seen[value]; before {
		return Record{}, d.at(first, by, false, "%s %q was complete at line %d and comes again; the rows of one %s must follow each other: sort the file", d.o.GroupBy, value, line, d.o.GroupBy)
	}
	if value == "" {
		return Record{}, d.at(first, by, false, "the column %s to group by is empty", d.o.GroupBy)
	}
	if indexOf(d.columns, rowsField) >= 0 && len(d.o.GroupColumns) == 0 {
		return Record{}, d.at(first, indexOf(d.columns, rowsField), false, "a column is called %s like the array of grouped rows; list the columns to lift in csv.groupColumns", rowsField)
	}
	rows := append([]byte{'['}, d.object(first)...)
	last := first.line
	for {
		next, err := d.groupRow()
		if errors.Is(err, io.EOF) {
			d.group.ended = true
			break
		}
		if err != nil {
			return Record{}, err
		}
		if next.cells[by] != value {
			d.group.ahead = &next
			break
		}
		if err := d.sameHeader(first, next); err != nil {
			return Record{}, err
		}
		rows = append(append(rows, ','), d.object(next)...)
		last = next.line
		if int64(len(rows)) > d.lines.max {
			return Record{}, d.at(next, by, false, "the rows of %s %q are together longer than maxRecord, %d bytes", d.o.GroupBy, value, d.lines.max)
		}
	}
	d.group.seen[value] = last
	rec := Record{JSON: d.groupObject(first, append(rows, ']')), Index: d.index, Line: first.line, Offset: first.offset}
	d.index++
	return rec, nil
}

// groupRow gives the row that was read ahead, or the next one.
func (d *csvDecoder) groupRow() (row, error) {
	if d.group.ended {
		return row{}, io.EOF
	}
	if ahead := d.group.ahead; ahead != nil {
		d.group.ahead = nil
		return *ahead, nil
	}
	index := d.index
	r, err := d.data()
	d.index = index // counts groups
	var broken *Error
	if errors.As(err, &broken) {
		broken.Row, broken.Index = false, index
	}
	r.raw = bytes.Clone(r.raw)
	return r, err
}

// sameHeader checks that lifted columns are equal in all rows.
func (d *csvDecoder) sameHeader(first, next row) error {
	for _, name := range d.o.GroupColumns {
		at := indexOf(d.columns, name)
		if first.cells[at] != next.cells[at] {
			return d.at(next, at, false, "%s is %q here and %q in line %d of the same %s; take it out of csv.groupColumns if it belongs to the row", name, next.cells[at], first.cells[at], first.line, d.o.GroupBy)
		}
	}
	return nil
}

func (d *csvDecoder) groupObject(first row, rows []byte) []byte {
	lifted := first
	out := []byte{'{'}
	for i, name := range d.columns {
		wanted := len(d.o.GroupColumns) == 0 || name == d.o.GroupBy || indexOf(d.o.GroupColumns, name) >= 0
		if wanted && (!d.o.OmitEmpty || lifted.cells[i] != "") {
			out = appendMember(out, name, appendString(nil, lifted.cells[i]))
		}
	}
	return append(appendMember(out, rowsField, rows), '}')
}
