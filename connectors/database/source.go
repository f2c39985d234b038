package database

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/connectors/database/internal/parameters"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// source reads the rows behind a position, again and again.
type source struct {
	cfg  Config
	env  sdk.Env
	d    dialect
	db   *sqlx.DB
	zone *time.Location
	now  func() time.Time
	hold *holder
	name string
	ack  *parameters.Statement // nil when nothing is to be done

	mu      sync.Mutex
	pos     *position      // last row handed out; nil before the first
	unacked [][]sdk.Record // batches handed out, oldest first, when there is an ack
	stored  int            // how many of them are stored, and the other side not told
	telling sync.Mutex     // held while it is told
}

func newSource(_ context.Context, cfg Config, from []byte, env sdk.Env) (*source, error) {
	d, err := dialectOf(cfg.Driver)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.invalid", err)
	}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.invalid", err)
	}
	pos, err := decodePosition(from)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "sql.position", err)
	}
	if pos == nil && cfg.Start != "" {
		pos = &position{Watermark: startOf(cfg.Start)}
	}
	ack, err := compileAcknowledge(cfg)
	if err != nil {
		return nil, err
	}
	db, err := d.open(cfg)
	if err != nil {
		return nil, err
	}
	name := cfg.Name
	if name == "" {
		name = env.Instance[strings.LastIndexByte(env.Instance, '.')+1:]
	}
	s := &source{cfg: cfg, env: env, d: d, db: db, zone: zone, now: time.Now, pos: pos, name: name, ack: ack}
	s.hold = &holder{lag: cfg.Lag, seen: map[int64]time.Time{}}
	return s, nil
}

// startOf reads the configured start: a whole number is one.
func startOf(s string) bound {
	var b bound
	if err := b.UnmarshalJSON([]byte(s)); err == nil {
		if _, ok := b.value.(int64); ok {
			return b
		}
	}
	return bound{s}
}

// Read returns the next rows, waiting for them as long as it takes.
func (s *source) Read(ctx context.Context) (sdk.Batch, error) {
	for {
		if err := s.tell(ctx); passing(err) && ctx.Err() == nil {
			return sdk.Batch{}, err
		} else if err != nil && ctx.Err() == nil {
			s.env.Log.Warn("stored rows could not be acknowledged", "error", err)
		}
		batch, waiting, err := s.poll(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return sdk.Batch{}, ctx.Err()
			}
			return sdk.Batch{}, err
		}
		if len(batch.Records) > 0 {
			s.remember(batch)
			return batch, nil
		}
		if s.cfg.Once && !waiting {
			return sdk.Batch{}, io.EOF
		}
		timer := time.NewTimer(s.pause(waiting))
		select {
		case <-ctx.Done():
			timer.Stop()
			return sdk.Batch{}, ctx.Err()
		case <-timer.C:
		}
	}
}

// pause is the interval, or less when rows are only being held back.
func (s *source) pause(waiting bool) time.Duration {
	interval := s.cfg.Interval
	if waiting {
		return min(interval, max(s.hold.lag/4, 50*time.Millisecond))
	}
	return interval
}

// Close ends the connections.
func (s *source) Close() error { return s.db.Close() }

// The names of the columns that the wrapper adds for SQLite.
const (
	watermarkAlias = "crossdock_watermark"
	idAlias        = "crossdock_id"
)

// sql wraps the configured query: rows behind the position, in order, so many.
// The wrapper is right whatever the query does with its own parameters.
func (s *source) sql(pos *position) (string, []any, error) {
	inner, err := parse(s.cfg.Query)
	if err != nil {
		return "", nil, sdk.Fail(sdk.BadConfig, "sql.statement", err)
	}
	var args []any
	place := func(v any) string {
		args = append(args, v)
		return s.d.placeholder(len(args))
	}
	query := inner.Render(func(n int) string {
		switch inner.Parameters()[n-1].Text {
		case "limit":
			return place(s.cfg.Limit + 1)
		case "id":
			if pos != nil {
				return place(pos.ID.parameter(s.d))
			}
			return place(nil)
		}
		if pos == nil {
			return place(nil)
		}
		return place(pos.Watermark.parameter(s.d))
	})
	w := "r." + s.d.ident(s.cfg.Watermark)
	order := w
	var id string
	if s.cfg.ID != "" {
		id = "r." + s.d.ident(s.cfg.ID)
		order += ", " + id
	}
	var sb strings.Builder
	sb.WriteString("SELECT r.*")
	if s.d.name == "sqlite" {
		// An expression has no declared type, so that the driver returns the value as
		// it is stored and it can be compared with itself later.
		sb.WriteString(", +" + w + " AS " + watermarkAlias)
		if id != "" {
			sb.WriteString(", +" + id + " AS " + idAlias)
		}
	}
	sb.WriteString(" FROM (" + query + "\n) r WHERE " + w + " IS NOT NULL")
	switch {
	case pos == nil:
	case id == "" || pos.ID.value == nil:
		sb.WriteString(" AND " + w + " > " + place(pos.Watermark.parameter(s.d)))
	default:
		// The same as (w, id) > (…), in a form that every database can use an index for.
		sb.WriteString(" AND " + w + " >= " + place(pos.Watermark.parameter(s.d)))
		sb.WriteString(" AND (" + w + " > " + place(pos.Watermark.parameter(s.d)) + " OR " + id + " > " + place(pos.ID.parameter(s.d)) + ")")
	}
	// One row more than is handed out shows whether the order is unambiguous there.
	fmt.Fprintf(&sb, " ORDER BY %s LIMIT %d", order, s.cfg.Limit+1)
	return sb.String(), args, nil
}

// poll runs the query once. waiting says that rows were held back.
func (s *source) poll(ctx context.Context) (b sdk.Batch, waiting bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	query, args, err := s.sql(s.position())
	if err != nil {
		return b, false, err
	}
	horizon, err := s.horizon(ctx)
	if err != nil {
		return b, false, classify("read the database's clock", err)
	}
	rows, err := s.db.QueryxContext(ctx, query, args...)
	if err != nil {
		return b, false, classify("read rows", err)
	}
	defer rows.Close()
	r, err := s.reader(rows.Rows)
	if err != nil {
		return b, false, err
	}
	if waiting, err = s.collect(&b, r, rows.Rows, horizon); err != nil {
		return sdk.Batch{}, false, err
	}
	if len(b.Records) > 0 {
		b.Position = b.Records[len(b.Records)-1].Position
		if at := b.Records[len(b.Records)-1].EventTime; !at.IsZero() {
			b.Lag = max(s.now().Sub(at), 0)
		}
	}
	return b, waiting, nil
}

// collect reads rows into the batch, until it is full or a row must wait.
func (s *source) collect(b *sdk.Batch, r *rowReader, rows *sql.Rows, horizon clock) (waiting bool, err error) {
	last := s.position()
	for rows.Next() {
		values, err := r.cols.scan(rows)
		if err != nil {
			return false, classify("read a row", err)
		}
		rec, pos, err := r.record(values)
		if err != nil {
			return false, err
		}
		if n := len(b.Records); n > 0 && bytes.Equal(b.Records[n-1].Position, rec.Position) {
			return false, s.ambiguous(rec)
		}
		if len(b.Records) == s.cfg.Limit {
			break
		}
		if waiting, err = s.hold.back(r, values, last, horizon, s.now()); err != nil {
			return false, err
		}
		if waiting {
			break
		}
		b.Records = append(b.Records, rec)
		last = pos
	}
	if err := rows.Err(); err != nil {
		return false, classify("read rows", err)
	}
	s.mu.Lock()
	s.pos = last
	s.mu.Unlock()
	return waiting, nil
}

// position is the last row handed out; nil before the first.
func (s *source) position() *position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pos
}

// ambiguous reports two rows in the same place: one of them would be lost.
func (s *source) ambiguous(rec sdk.Record) error {
	e := &sdk.Error{Class: sdk.BadConfig, Code: "sql.not_unique", Field: "/id"}
	if s.cfg.ID == "" {
		e.Message = fmt.Sprintf("several rows have the watermark of %s: set id to a column that tells them apart", rec.ID)
	} else {
		e.Message = fmt.Sprintf("several rows have the watermark and id of %s: set id to a column that is unique among them, or make the query return each row once", rec.ID)
	}
	return e
}

// horizon asks for the database's own time, with and without zone.
func (s *source) horizon(ctx context.Context) (clock, error) {
	if s.hold.lag <= 0 {
		return clock{}, nil
	}
	var c clock
	switch s.d.name {
	case "postgres":
		return c, s.db.QueryRowxContext(ctx, "SELECT now(), localtimestamp").Scan(&c.zoned, &c.naive)
	case "mysql":
		err := s.db.QueryRowxContext(ctx, "SELECT NOW(6)").Scan(&c.naive)
		c.zoned = c.naive
		return c, err
	}
	var text string
	if err := s.db.QueryRowxContext(ctx, "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')").Scan(&text); err != nil {
		return c, err
	}
	t, err := parseTime(text)
	c.zoned, c.naive = t, t
	return c, err
}

// clock is the database's time: as an instant, and as its wall clock shows it.
type clock struct{ zoned, naive time.Time }

// rowReader turns the rows of one result into records.
type rowReader struct {
	s                        *source
	cols                     columns
	visible                  int // columns that belong to the document
	watermark, id            int // as returned to the document
	rawWatermark, rawID, key int
	keys                     map[string]int
}

func (s *source) reader(rows *sql.Rows) (*rowReader, error) {
	cols, err := columnsOf(rows, s.zone)
	if err != nil {
		return nil, classify("read the columns", err)
	}
	r := &rowReader{s: s, cols: cols, visible: len(cols.names), id: -1, rawID: -1, key: -1, keys: map[string]int{}}
	find := func(field, column string) int {
		i := cols.index(column)
		if i < 0 {
			err = &sdk.Error{
				Class: sdk.BadConfig, Code: "sql.column", Field: field,
				Message: fmt.Sprintf("the query returns no column %q; it returns %s", column, strings.Join(cols.names[:r.visible], ", ")),
			}
		}
		return i
	}
	if i := cols.index(watermarkAlias); i >= 0 {
		r.visible = i
	}
	r.watermark = find("/watermark", s.cfg.Watermark)
	r.rawWatermark = r.watermark
	if s.cfg.ID != "" {
		r.id = find("/id", s.cfg.ID)
		r.rawID = r.id
	}
	if s.d.name == "sqlite" {
		r.rawWatermark, r.rawID = cols.index(watermarkAlias), cols.index(idAlias)
	}
	if s.cfg.Key != "" {
		r.key = find("/key", s.cfg.Key)
	}
	for name, column := range s.cfg.Keys {
		r.keys[name] = find("/keys/"+name, column)
	}
	return r, err
}

// record makes the record of a row and the position behind it.
func (r *rowReader) record(values []any) (sdk.Record, *position, error) {
	fail := func(err error) (sdk.Record, *position, error) {
		return sdk.Record{}, nil, sdk.Fail(sdk.BadConfig, "sql.row", err)
	}
	payload, err := r.cols.object(values, r.visible)
	if err != nil {
		return fail(err)
	}
	pos := &position{Watermark: boundOf(r.s.d, values[r.rawWatermark])}
	mark, err := r.cols.plain(r.watermark, values[r.watermark])
	if err != nil {
		return fail(err)
	}
	id := r.s.name + "/" + mark
	if r.id >= 0 {
		if values[r.rawID] == nil {
			return fail(fmt.Errorf("column %s is NULL in a row of watermark %s: the tie-breaker must be set in every row", r.s.cfg.ID, mark))
		}
		pos.ID = boundOf(r.s.d, values[r.rawID])
		text, err := r.cols.plain(r.id, values[r.id])
		if err != nil {
			return fail(err)
		}
		id = r.s.name + "/" + text + "/" + mark
	}
	rec := sdk.Record{
		ID: id, Entity: r.s.cfg.Entity, Operation: r.s.cfg.Operation, Payload: payload,
		ContentType: "application/json", Meta: map[string]string{},
	}
	if rec.Position, err = pos.encode(); err != nil {
		return fail(err)
	}
	if at, ok := values[r.watermark].(time.Time); ok {
		rec.EventTime = r.cols.zoned(at)
	}
	if r.key >= 0 {
		if rec.Key, err = r.cols.plain(r.key, values[r.key]); err != nil {
			return fail(err)
		}
	}
	for name, i := range r.keys {
		if values[i] == nil {
			continue
		}
		if rec.Meta["key."+name], err = r.cols.plain(i, values[i]); err != nil {
			return fail(err)
		}
	}
	return rec, pos, nil
}

// parseTime reads a time as SQLite's users store it.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("not a time")
}
