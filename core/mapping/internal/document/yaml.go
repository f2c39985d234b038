package document

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// FromYAML reads a YAML value as JSON.
func FromYAML(n *yaml.Node) (*Node, error) {
	switch n.Kind {
	case yaml.MappingNode:
		o := NewObject("")
		for i := 0; i+1 < len(n.Content); i += 2 {
			kid, err := FromYAML(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			o.Put(n.Content[i].Value, kid)
		}
		return o, nil
	case yaml.SequenceNode:
		l := &Node{Kind: List}
		for _, c := range n.Content {
			kid, err := FromYAML(c)
			if err != nil {
				return nil, err
			}
			l.Kids = append(l.Kids, kid)
		}
		return l, nil
	}
	switch n.ShortTag() {
	case "!!null":
		return &Node{Kind: Null}, nil
	case "!!bool":
		return NewBool(n.Value == "true" || n.Value == "True" || n.Value == "TRUE"), nil
	case "!!int", "!!float":
		v, err := Parse([]byte(n.Value), "")
		if err != nil || v.Kind != Number {
			return nil, fmt.Errorf("%s is no number in JSON; quote it if it is text", n.Value)
		}
		return v, nil
	}
	return NewText(n.Value), nil
}
