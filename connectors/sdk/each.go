package sdk

import (
	"context"
	"sync"
)

// Each writes records one by one, up to n of them at a time, and returns their
// results in order. Records of one key are written one after the other, in
// order; without a key, so are those of one ID. It is what a sink uses whose
// other side takes one document at a time:
//
//	func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
//		return sdk.Each(ctx, recs, 8, s.one)
//	}
func Each(ctx context.Context, recs []Record, n int, write func(context.Context, Record) Result) []Result {
	out := make([]Result, len(recs))
	place := map[[2]string]int{} // key, or ID: its line
	var lines [][]int            // places in recs, in the order of their first
	for i, r := range recs {
		name := [2]string{r.Key}
		if r.Key == "" {
			name[1] = r.ID
		}
		n, known := place[name]
		if !known {
			n = len(lines)
			place[name] = n
			lines = append(lines, nil)
		}
		lines[n] = append(lines[n], i)
	}
	if len(lines) == 1 || n <= 1 {
		for i, r := range recs {
			out[i] = guarded(ctx, r, write)
		}
		return out
	}
	turns := make(chan struct{}, n)
	var wg sync.WaitGroup
	for _, line := range lines {
		wg.Add(1)
		turns <- struct{}{}
		go func() {
			defer wg.Done()
			for _, i := range line {
				out[i] = guarded(ctx, recs[i], write)
			}
			<-turns
		}()
	}
	wg.Wait()
	return out
}

// guarded keeps a panic in one record's write from ending the process: it is
// that record's failure, of class Bug.
func guarded(ctx context.Context, r Record, write func(context.Context, Record) Result) (res Result) {
	err := guard("Write", func() error {
		res = write(ctx, r)
		return nil
	})
	if err != nil {
		res = Result{Err: err}
	}
	return res
}
