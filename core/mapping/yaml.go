package mapping

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// literal reads a YAML value as JSON.
func literal(n *yaml.Node) (*node, error) {
	switch n.Kind {
	case yaml.MappingNode:
		o := objectNode("")
		for i := 0; i+1 < len(n.Content); i += 2 {
			kid, err := literal(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			o.put(n.Content[i].Value, kid)
		}
		return o, nil
	case yaml.SequenceNode:
		l := &node{kind: kindArray}
		for _, c := range n.Content {
			kid, err := literal(c)
			if err != nil {
				return nil, err
			}
			l.kids = append(l.kids, kid)
		}
		return l, nil
	}
	switch n.ShortTag() {
	case "!!null":
		return &node{kind: kindNull}, nil
	case "!!bool":
		return boolNode(n.Value == "true" || n.Value == "True" || n.Value == "TRUE"), nil
	case "!!int", "!!float":
		v, err := parse([]byte(n.Value), "")
		if err != nil || v.kind != kindNumber {
			return nil, fmt.Errorf("%s is no number in JSON; quote it if it is text", n.Value)
		}
		return v, nil
	}
	return textNode(n.Value), nil
}
