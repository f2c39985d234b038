package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// The embedded server promises its streams no more than this part of the space that is free or theirs already, so that
// the disk is never full to the last byte.
const promisedNumerator, promisedDenominator = 3, 4

// withoutRoom explains that a stream could not be made because there is no room for it, in terms of the disk or of the
// cluster's limits. Other errors are returned as they are.
func (e *Engine) withoutRoom(ctx context.Context, stream string, err error) error {
	if !isWithoutRoom(err) {
		return err
	}
	if e.embedded == nil {
		return fmt.Errorf("the NATS servers have no storage left for a stream of engine.maxBytes, %s, on %d of them: "+
			"raise max_file_store of the servers or max_store of the account, free their disks, or lower engine.maxBytes: %w",
			bytesText(e.opts.MaxBytes), e.opts.Replicas, err)
	}
	streams := e.streams()
	if !slices.Contains(streams, stream) {
		streams = append(streams, stream)
	}
	all := int64(len(streams)) * e.opts.MaxBytes
	var stored int64
	if info, err := e.js.AccountInfo(ctx); err == nil {
		stored = int64(info.Store)
	}
	needed := max(all/promisedNumerator*promisedDenominator-stored, 0)
	room := fmt.Sprintf("room for %d streams of engine.maxBytes, %s, with a quarter to spare; %s are in them already",
		len(streams), bytesText(e.opts.MaxBytes), bytesText(stored))
	free, known := diskFree(e.opts.Dir)
	if !known {
		return fmt.Errorf("the disk of %s is too full for the message store: %s are needed (%s): free some, or lower engine.maxBytes: %w",
			e.opts.Dir, bytesText(needed), room, err)
	}
	return fmt.Errorf("the disk of %s is too full for the message store: %s are free, %s are needed (%s): free %s, or lower engine.maxBytes: %w",
		e.opts.Dir, bytesText(free), bytesText(needed), room, bytesText(max(needed-free, 0)), err)
}

// isWithoutRoom recognises the server's answer that its storage is promised already, and a disk without a free byte.
func isWithoutRoom(err error) bool {
	const storageResources = 10047
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode == storageResources || strings.Contains(api.Description, "no space left on device")
}

// bytesText is a size for people, rounded up: whoever frees as much as it says has freed enough.
func bytesText(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %s", math.Ceil(float64(n)/float64(unit.size)*10)/10, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
