package delivery

import (
	"math"
	"time"
)

// Retry says how often and how fast a retryable failure is tried again.
type Retry struct {
	// Attempts counts the first try; 0 means 8.
	Attempts int
	// Initial bounds the wait after the first failure (0 means 200 ms); the bound
	// grows by Multiplier (0 means 2) up to Max (0 means 5 min).
	Initial, Max time.Duration
	Multiplier   float64
}

func (r Retry) withDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 8
	}
	if r.Initial <= 0 {
		r.Initial = 200 * time.Millisecond
	}
	if r.Max <= 0 {
		r.Max = 5 * time.Minute
	}
	if r.Multiplier < 1 {
		r.Multiplier = 2
	}
	return r
}

// wait is how long to wait after an attempt (from 1) failed: anything up to the
// bound ("full jitter"), so that what failed together is not retried together.
// random is in [0, 1).
func (r Retry) wait(attempt int, random float64) time.Duration {
	bound := math.Min(float64(r.Initial)*math.Pow(r.Multiplier, float64(attempt-1)), float64(r.Max))
	return time.Duration(bound * random)
}
