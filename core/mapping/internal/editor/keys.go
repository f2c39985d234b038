package editor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Entry stands for an entry of a list in the paths of [Keys] and [Words].
const Entry = "[]"

// Key is a key of the language, with what it means.
type Key struct{ Name, About string }

// node is the part of JSON Schema that the schema of the language uses.
type node struct {
	Ref         string          `json:"$ref"`
	Description string          `json:"description"`
	Properties  map[string]node `json:"properties"`
	Additional  json.RawMessage `json:"additionalProperties"`
	Items       *node           `json:"items"`
	AnyOf       []node          `json:"anyOf"`
	Enum        []any           `json:"enum"`
	Const       any             `json:"const"`
}

var definitions = sync.OnceValue(func() map[string]node {
	var doc struct {
		Defs map[string]node `json:"$defs"`
	}
	// The text is part of this package; a test reads it.
	_ = json.Unmarshal(Language, &doc)
	return doc.Defs
})

// Keys lists the keys that may stand at a path of a mapping file, or of a
// fragment, in alphabetical order: ["settings"] has timezone, currency and so on.
func Keys(fragment bool, path []string) []Key {
	var out []Key
	for _, n := range at(fragment, path) {
		for name, p := range n.Properties {
			out = append(out, Key{name, p.about()})
		}
	}
	slices.SortFunc(out, func(a, b Key) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(out)
}

// Words lists the words that may stand at a path.
func Words(fragment bool, path []string) []string {
	var out []string
	for _, n := range at(fragment, path) {
		for _, w := range n.Enum {
			out = append(out, fmt.Sprint(w))
		}
		if n.Const != nil {
			out = append(out, fmt.Sprint(n.Const))
		}
	}
	return out
}

func (n node) about() string {
	if n.Description != "" || n.Ref == "" {
		return n.Description
	}
	return definitions()[strings.TrimPrefix(n.Ref, "#/$defs/")].about()
}

// at returns what the schema says at a path; several where there is a choice.
func at(fragment bool, path []string) []node {
	top := "mapping"
	if fragment {
		top = "fragment"
	}
	all := resolve([]node{definitions()[top]})
	for _, step := range path {
		var next []node
		for _, n := range all {
			var open node
			if p, ok := n.Properties[step]; ok {
				next = append(next, p)
			} else if step == Entry && n.Items != nil {
				next = append(next, *n.Items)
			} else if json.Unmarshal(n.Additional, &open) == nil {
				next = append(next, open)
			}
		}
		all = resolve(next)
	}
	return all
}

// resolve follows references and choices.
func resolve(in []node) []node {
	var out []node
	for _, n := range in {
		if n.Ref != "" {
			out = append(out, resolve([]node{definitions()[strings.TrimPrefix(n.Ref, "#/$defs/")]})...)
			continue
		}
		if len(n.AnyOf) > 0 && len(n.Properties) == 0 {
			out = append(out, resolve(n.AnyOf)...)
			continue
		}
		out = append(out, n)
	}
	return out
}
