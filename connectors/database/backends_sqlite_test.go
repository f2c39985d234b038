//go:build !integration

package database

import "testing"

func backends(*testing.T) []backend { return []backend{sqliteBackend()} }
