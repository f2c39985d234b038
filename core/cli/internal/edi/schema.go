package edi

import "github.com/crossdock/crossdock/connectors/edi/shape"

// Schema returns the JSON Schema of a set's document in the oldest release of the
// shipped grammars that has the set.
func Schema(set string) ([]byte, error) {
	s, err := findSet(library(""), set, "")
	if err != nil {
		return nil, err
	}
	return shape.Schema(s)
}
