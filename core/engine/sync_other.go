//go:build !linux

package engine

func newSyncer(dir string) (syncer, error) { return newFileSyncer(dir) }
