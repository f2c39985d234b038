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
// endpoint, unless they begin with sdk.Shared; sequences belong to the whole
// connection, since a partner counts the control numbers of all our documents,
// whichever endpoint wrote them.
type connectorState struct{ *ledger.Ledger }

// owner is whom a key belongs to: the endpoint or its connection.
func owner(instance, key string) string {
	if strings.HasPrefix(key, sharedKeys) {
		return connectionOf(instance)
	}
	return instance
}

// sharedKeys is sdk.Shared, which the core does not import.
const sharedKeys = "connection/"

func connectionOf(instance string) string {
	connection, _, _ := strings.Cut(instance, ".")
	return connection
}

// StateGet returns a value and its revision.
func (s connectorState) StateGet(ctx context.Context, instance, key string) ([]byte, uint64, error) {
	return s.Ledger.StateGet(ctx, owner(instance, key), key)
}

// StatePut sets a value; a lost race is the host's ErrConflict.
func (s connectorState) StatePut(ctx context.Context, instance, key string, val []byte, ifRev uint64) (uint64, error) {
	rev, err := s.Ledger.StatePut(ctx, owner(instance, key), key, val, ifRev)
	if errors.Is(err, ledger.ErrConflict) {
		err = fmt.Errorf("%w: %s of %s", host.ErrConflict, key, instance)
	}
	return rev, err
}

// SequenceNext draws from the connection's sequence.
func (s connectorState) SequenceNext(ctx context.Context, instance, name, bind string) (uint64, error) {
	return s.Ledger.SequenceNext(ctx, connectionOf(instance), name, bind)
}
