package mapping

import (
	"context"

	"github.com/crossdock/crossdock/core/mapping/internal/check"
)

// Lookup names a table in which a value is looked up at run time.
type Lookup = check.Lookup

// LookupFunc answers table lookups. An error means that the table could not be
// asked, which is not the same as an unknown key.
type LookupFunc func(ctx context.Context, l Lookup, key string) (value string, found bool, err error)
