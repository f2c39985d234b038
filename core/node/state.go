package node

import (
	"context"
	"strings"

	"github.com/crossdock/crossdock/core/ledger"
)

// connectorState is what connectors remember, in the ledger. Keys belong to an
// endpoint; sequences belong to the whole connection, since a partner counts
// the control numbers of all our documents, whichever endpoint wrote them.
type connectorState struct{ *ledger.Ledger }

// SequenceNext draws from the connection's sequence.
func (s connectorState) SequenceNext(ctx context.Context, instance, name, bind string) (uint64, error) {
	connection, _, _ := strings.Cut(instance, ".")
	return s.Ledger.SequenceNext(ctx, connection, name, bind)
}
