package sdk_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// The first records meet at a barrier, which shows that they run at once; those
// of one key come in order, and a panic stays with its record.
func TestEachRunsKeysAtOnceAndInOrder(t *testing.T) {
	recs := []sdk.Record{{ID: "a1", Key: "a"}, {ID: "b1", Key: "b"}, {ID: "a2", Key: "a"}, {ID: "c"}, {ID: "a3", Key: "a"}}
	var mu sync.Mutex
	var order []string
	var meet sync.WaitGroup
	meet.Add(3)
	got := sdk.Each(context.Background(), recs, 3, func(_ context.Context, r sdk.Record) sdk.Result {
		if r.ID == "a1" || r.ID == "b1" || r.ID == "c" {
			meet.Done()
			meet.Wait()
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Key == "a" {
			order = append(order, r.ID)
		}
		if r.ID == "b1" {
			panic("out of cheese")
		}
		return sdk.Result{ExternalID: r.ID}
	})
	for i, r := range recs {
		if r.ID != "b1" && got[i].ExternalID != r.ID {
			t.Errorf("result %d is %+v", i, got[i])
		}
	}
	if len(order) != 3 || order[0] != "a1" || order[1] != "a2" || order[2] != "a3" {
		t.Errorf("key a came as %v", order)
	}
	var e *sdk.Error
	if !errors.As(got[1].Err, &e) || e.Class != sdk.Bug {
		t.Errorf("the panic became %v", got[1].Err)
	}
}
