package database

import (
	"context"
	"fmt"

	"github.com/crossdock/crossdock/connectors/database/internal/parameters"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Ack notes that the oldest batch that was handed out is stored, and runs the
// acknowledge statement for its rows.
func (s *source) Ack(ctx context.Context, _ []byte) error {
	s.mu.Lock()
	s.stored = min(s.stored+1, len(s.unacked))
	s.mu.Unlock()
	return s.tell(ctx)
}

// tell runs the statement for all batches that are stored. What fails for a
// reason that may pass is kept and tried again with the next acknowledgement,
// and before the next read: so it neither gets lost nor piles up.
func (s *source) tell(ctx context.Context) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	for {
		s.mu.Lock()
		if s.stored == 0 {
			s.mu.Unlock()
			return nil
		}
		batch := s.unacked[0]
		s.mu.Unlock()
		err := s.mark(ctx, batch)
		if passing(err) {
			return err
		}
		s.mu.Lock()
		s.unacked = s.unacked[1:]
		s.stored--
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// passing reports an error that may be gone at the next try.
func passing(err error) bool {
	return isClass(err, sdk.Retryable) || isClass(err, sdk.NotConnected) || isClass(err, sdk.Throttled)
}

// mark runs the statement for each row of a batch, in one transaction.
func (s *source) mark(ctx context.Context, batch []sdk.Record) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	tx, err := begin(ctx, s.d, s.db)
	if err != nil {
		return classify("acknowledge", err)
	}
	defer tx.rollback()
	text := s.ack.Render(s.d.placeholder)
	bind := binder{dialect: s.d, types: s.cfg.Types, zone: s.zone}
	for _, rec := range batch {
		doc, err := decode(rec)
		if err != nil {
			return err
		}
		args, err := bind.bind(s.ack, scope{doc: doc, item: doc, rec: rec})
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, text, args...); err != nil {
			return classify("acknowledge", err)
		}
	}
	return classify("acknowledge", tx.commit())
}

// remember keeps a batch until it is acknowledged, if anything is to be done then.
func (s *source) remember(b sdk.Batch) {
	if s.ack == nil || len(b.Records) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unacked = append(s.unacked, b.Records)
}

// compileAcknowledge parses the statement; nil when there is none.
func compileAcknowledge(cfg Config) (*parameters.Statement, error) {
	if cfg.Acknowledge == "" {
		return nil, nil
	}
	st, err := parse(cfg.Acknowledge)
	if err != nil {
		return nil, &sdk.Error{Class: sdk.BadConfig, Code: "config.invalid", Field: "/acknowledge", Message: fmt.Sprint(err)}
	}
	return st, nil
}
