package main

import (
	"os/exec"
	"testing"
)

// TestOnboarding: a new partner goes from a sample file to an accepted order in
// the ERP's database and a 997, by YAML alone.
func TestOnboarding(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Fatalf("the example builds crossdock: %v", err)
	}
	if err := run(t.Context()); err != nil {
		t.Fatal(err)
	}
}
