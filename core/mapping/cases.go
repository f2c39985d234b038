package mapping

import (
	"context"
	"time"

	"go.yaml.in/yaml/v3"
)

type testCase struct{ name string }

// TestResult is the outcome of one test of a mapping.
type TestResult struct {
	Name string
	Diff string
	Err  error
	Took time.Duration
}

func (c *compiler) tests(n *yaml.Node) {}

// Test runs the tests that the mapping file contains.
func (m *Mapping) Test(ctx context.Context) []TestResult { return nil }
