package edi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// outbox keeps interchanges of several documents from before they are written
// until they are remembered. One document alone needs none: written again it
// gives the same bytes. Of several, some may come again without the others.
type outbox struct{ state sdk.State }

const outboxIndex = "outbox"

func outboxKey(number uint64) string { return fmt.Sprintf("%s/%d", outboxIndex, number) }

// parcel is an interchange as it is stored.
type parcel struct {
	Control string   `json:"control"`
	File    string   `json:"file"`
	Records []string `json:"records"`
	Content []byte   `json:"content"`
}

// put stores the content, then the number: what is in the index has its content.
func (o *outbox) put(ctx context.Context, e *envelope) error {
	p := parcel{Control: e.control, File: e.file, Content: e.content}
	for _, l := range e.letters {
		p.Records = append(p.Records, l.id)
	}
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	for {
		_, rev, err := o.state.Get(ctx, outboxKey(e.number))
		if err != nil {
			return err
		}
		if _, err = o.state.CompareAndSet(ctx, outboxKey(e.number), value, rev); err == nil {
			break
		}
		if !errors.Is(err, sdk.ErrConflict) {
			return err
		}
	}
	return o.index(ctx, func(list []uint64) []uint64 {
		if slices.Contains(list, e.number) {
			return list
		}
		return append(list, e.number)
	})
}

func (o *outbox) numbers(ctx context.Context) ([]uint64, uint64, error) {
	var list []uint64
	value, rev, err := o.state.Get(ctx, outboxIndex)
	if err != nil || len(value) == 0 {
		return nil, rev, err
	}
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, rev, sdk.Failf(sdk.Bug, "edi.outbox", "the outbox is damaged: %w", err)
	}
	return list, rev, nil
}

func (o *outbox) index(ctx context.Context, change func([]uint64) []uint64) error {
	for {
		list, rev, err := o.numbers(ctx)
		if err != nil {
			return err
		}
		value, err := json.Marshal(change(list))
		if err != nil {
			return err
		}
		if _, err = o.state.CompareAndSet(ctx, outboxIndex, value, rev); !errors.Is(err, sdk.ErrConflict) {
			return err
		}
	}
}

// pending are the numbers that are not delivered, in order.
func (o *outbox) pending(ctx context.Context) ([]uint64, error) {
	list, _, err := o.numbers(ctx)
	slices.Sort(list)
	return list, err
}

// get returns a stored interchange, nil when it was delivered meanwhile.
func (o *outbox) get(ctx context.Context, number uint64) (*envelope, error) {
	value, _, err := o.state.Get(ctx, outboxKey(number))
	if err != nil || len(value) == 0 {
		return nil, err
	}
	var p parcel
	if err := json.Unmarshal(value, &p); err != nil {
		return nil, sdk.Failf(sdk.Bug, "edi.outbox", "interchange %d of the outbox is damaged: %w", number, err)
	}
	e := &envelope{number: number, control: p.Control, file: p.File, content: p.Content}
	for _, id := range p.Records {
		e.letters = append(e.letters, &letter{id: id})
	}
	return e, nil
}

// done forgets an interchange: the number first, so that it is not looked for.
func (o *outbox) done(ctx context.Context, number uint64) error {
	err := o.index(ctx, func(list []uint64) []uint64 {
		return slices.DeleteFunc(list, func(n uint64) bool { return n == number })
	})
	if err != nil {
		return err
	}
	_, rev, err := o.state.Get(ctx, outboxKey(number))
	if err != nil {
		return err
	}
	_, err = o.state.CompareAndSet(ctx, outboxKey(number), nil, rev)
	return err
}
