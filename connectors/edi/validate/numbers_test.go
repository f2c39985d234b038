package validate

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestNumbers compares with a map: numbers that count up, with and without leading
// zeros, prefixes, repetitions, gaps and what is no number.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		var s numbers
		known := map[string]bool{}
		next := [3]int{}
		for range 3000 {
			var id string
			switch k := r.IntN(12); {
			case k < 3:
				next[0]++
				id = fmt.Sprintf("%04d", next[0])
			case k < 6:
				next[1]++
				id = fmt.Sprintf("PO%d", next[1]+95)
			case k < 8:
				next[2] += 1 + r.IntN(2)
				id = fmt.Sprint(next[2])
			case k == 8:
				id = fmt.Sprintf("%0*d", r.IntN(6), r.IntN(200))
			case k == 9:
				id = fmt.Sprintf("A%dB", r.IntN(500))
			case k == 10:
				id = fmt.Sprint(r.Uint64())
			default:
				id = []string{"", "0", "00", "999999999999999999", "9999999999999999999", "18446744073709551615"}[r.IntN(6)]
			}
			if s.has([]byte(id)) != known[id] {
				t.Fatalf("round %d: %q is known: %v", round, id, !known[id])
			}
			if s.add([]byte(id)) == known[id] {
				t.Fatalf("round %d: %q is new: %v", round, id, known[id])
			}
			known[id] = true
		}
		s.reset()
		if s.has([]byte("0001")) {
			t.Error("something is known after a reset")
		}
	}
}

func TestNumbersAreBounded(t *testing.T) {
	var s numbers
	for i := range 3 * maxHashes {
		s.add(fmt.Appendf(nil, "%dX", i*7))
	}
	if len(s.hashes) > 2*maxHashes || !s.full() {
		t.Errorf("the table has %d places", len(s.hashes))
	}
	for i := range 1_000_000 {
		if !s.add(fmt.Appendf(nil, "%06d", i+1)) {
			t.Fatalf("%d was known", i+1)
		}
	}
	if s.used != 1 || s.add([]byte("000500")) {
		t.Error("numbers that count up are not remembered any more")
	}
}
