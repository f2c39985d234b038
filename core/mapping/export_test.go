package mapping

import (
	"context"

	"github.com/crossdock/crossdock/core/mapping/internal/program"
)

// Both runs a document in both ways: direct is nil when the machine left it to the
// interpreter.
func (m *Mapping) Both(ctx context.Context, doc []byte, in Input) (direct, interpreted []byte, warnings int, err error) {
	known := program.Facts{MessageID: in.MessageID, Meta: in.Meta, Now: in.Now}
	if in.Lookup != nil {
		known.Lookup = func(ctx context.Context, name, key string) (string, bool, error) {
			return in.Lookup(ctx, m.checked.Lookups[name], key)
		}
	}
	if m.direct != nil {
		if out, ok := m.direct.Run(ctx, doc, known); ok {
			direct = out
		}
	}
	interpreted, warned, failed := m.checked.Program.Run(ctx, doc, known)
	if failed != nil {
		return direct, nil, len(warned), failed
	}
	return direct, interpreted, len(warned), nil
}
