// Package table reads the CSV files in which mappings look values up.
package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/crossdock/crossdock/core/strictyaml"
)

// maxRows is how many rows a file lookup may have; beyond it use a table.
const maxRows = 500_000

// Read reads the rows of a file: one column by another.
func Read(r io.Reader, key, val string) (map[string]string, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("the first line must name the columns: %w", err)
	}
	if len(head) > 0 && len(head[0]) > 2 && head[0][:3] == "\ufeff" {
		head[0] = head[0][3:]
	}
	head = slices.Clone(head)
	ki, vi := slices.Index(head, key), slices.Index(head, val)
	for i, column := range []string{key, val} {
		if []int{ki, vi}[i] < 0 {
			return nil, fmt.Errorf("there is no column %q; %s", column, strictyaml.DidYouMean(column, head))
		}
	}
	rows := map[string]string{}
	for {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := in.FieldPos(ki)
		if old, ok := rows[rec[ki]]; ok && old != rec[vi] {
			return nil, fmt.Errorf("line %d: the key %q has two values, %q and %q", line, rec[ki], old, rec[vi])
		}
		if len(rows) == maxRows {
			return nil, fmt.Errorf("more than %d rows; use `table`", maxRows)
		}
		rows[rec[ki]] = rec[vi]
	}
}
