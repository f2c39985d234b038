package node

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/plugins/host"
)

// connectorState is what connectors remember, in the ledger. Keys belong to an
// endpoint; sequences belong to the whole connection, since a partner counts
// the control numbers of all our documents, whichever endpoint wrote them.
type connectorState struct{ *ledger.Ledger }

// StatePut sets a value; a lost race is the host's ErrConflict.
func (s connectorState) StatePut(ctx context.Context, instance, key string, val []byte, ifRev uint64) (uint64, error) {
	rev, err := s.Ledger.StatePut(ctx, instance, key, val, ifRev)
	if errors.Is(err, ledger.ErrConflict) {
		err = fmt.Errorf("%w: %s of %s", host.ErrConflict, key, instance)
	}
	return rev, err
}

// SequenceNext draws from the connection's sequence.
func (s connectorState) SequenceNext(ctx context.Context, instance, name, bind string) (uint64, error) {
	connection, _, _ := strings.Cut(instance, ".")
	return s.Ledger.SequenceNext(ctx, connection, name, bind)
}
