package mapping

import (
	"encoding/json"
	"fmt"
	"strings"
)

// invalid makes an Error of the violations; the first gives the place.
func (m *Mapping) invalid(root *node, all []violation, messageID string) *Error {
	n, r, target := root, m.root, ""
	for _, token := range all[0].path {
		var kid *node
		switch n.kind {
		case kindObject:
			kid = n.get(token)
			target += "." + token
		case kindArray:
			var i int
			if err := json.Unmarshal([]byte(token), &i); err == nil && i >= 0 && i < len(n.kids) {
				kid = n.kids[i]
			}
			target += "[" + token + "]"
		}
		if kid == nil {
			break
		}
		n = kid
		if by, ok := n.origin.(*rule); ok {
			r = by
		}
	}
	e := m.errorAt(r.at, messageID)
	e.Target = strings.TrimPrefix(target, ".")
	if n.kind != kindObject && n.kind != kindArray {
		e.Value = n.short()
	}
	var texts []string
	const most = 5
	for i, v := range all {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		text := v.message
		if i > 0 {
			text = "/" + strings.Join(v.path, "/") + ": " + text
		}
		texts = append(texts, text)
	}
	e.Reason = "the result does not fit the target's schema: " + strings.Join(texts, "; ")
	if r.schema.isPersonal() && e.Value != "" {
		e.Reason = strings.ReplaceAll(e.Reason, e.Value, hidden)
		e.Value = hidden
	}
	return e
}
