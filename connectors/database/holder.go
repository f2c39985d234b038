package database

import (
	"fmt"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// holder keeps back rows that may be overtaken.
//
// A transaction takes its time stamp or its number when it writes and becomes
// visible when it commits. Another one that started later may commit earlier. A
// reader that has gone on to the later watermark would never see the earlier row.
// So rows wait until nothing older can appear: rows with a time until they are
// older than the lag, by the database's clock; rows with a number, when there is a
// gap before them, until they have been seen for as long.
type holder struct {
	lag  time.Duration
	seen map[int64]time.Time // numbers behind a gap, and when they were first seen
}

// back says whether a row, and all behind it, must wait. last is the position of
// the row before it.
func (h *holder) back(r *rowReader, values []any, last *position, db clock, now time.Time) (bool, error) {
	if h.lag <= 0 {
		return false, nil
	}
	switch v := values[r.rawWatermark].(type) {
	case time.Time:
		at := db.naive
		if r.cols.types[r.watermark] == "TIMESTAMPTZ" {
			at = db.zoned
		}
		return v.After(at.Add(-h.lag)), nil
	case string:
		t, err := parseTime(v)
		if err == nil {
			return t.After(db.naive.Add(-h.lag)), nil
		}
	case int64:
		return h.gap(v, last, now), nil
	}
	return false, &sdk.Error{
		Class: sdk.BadConfig, Code: "sql.lag", Field: "/lag",
		Message: fmt.Sprintf("a lag needs a watermark that is a time or a whole number; column %s holds %v", r.s.cfg.Watermark, values[r.rawWatermark]),
	}
}

// gap says whether number n follows a gap that has not been open long enough.
func (h *holder) gap(n int64, last *position, now time.Time) bool {
	if last == nil {
		return false
	}
	if before, ok := last.Watermark.value.(int64); !ok || n <= before+1 {
		delete(h.seen, n)
		return false
	}
	first, ok := h.seen[n]
	if !ok {
		h.seen[n] = now
		return true
	}
	if now.Sub(first) < h.lag {
		return true
	}
	delete(h.seen, n)
	return false
}
