package database

import (
	"context"
	"fmt"

	"github.com/crossdock/crossdock/connectors/database/internal/parameters"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Ack runs the acknowledge statement for each row of the oldest batch that was
// handed out and not acknowledged. All rows of a batch are one transaction.
func (s *source) Ack(ctx context.Context, _ []byte) error {
	s.mu.Lock()
	if len(s.unacked) == 0 {
		s.mu.Unlock()
		return nil
	}
	batch := s.unacked[0]
	s.unacked = s.unacked[1:]
	s.mu.Unlock()
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
